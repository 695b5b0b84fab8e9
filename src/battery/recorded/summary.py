"""An opened battery summed up: every number that summary, page and terminal say of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from battery.base.text import spans
from battery.recorded import OpenedBattery
from battery.recorded.learning import learning
from battery.records.again import again
from battery.records.findings import Scorecard
from battery.records.lines import chat_warnings, distill_warnings
from battery.records.manifest import UNSETTLED
from battery.records.models import Models, Proposal
from battery.records.stages import CHAT_STAGES, DISTILL
from battery.records.summary import Metrics, Summary
from battery.review.chats import CHATS, Earlier
from battery.review.scorecard import score
from battery.store.iteration_dir import IterationDir
from battery.store.journal import Journal
from battery.verdict.assess import assess
from battery.verdict.metrics import count_directions, trends


def summary_of(opened: OpenedBattery, *, report: bool) -> Summary:
    """Sum up a battery with at least one complete iteration; raise `BatteryError`.

    `report` lists the report among the artifacts even before it is written.
    """
    journals = opened.journals()
    provenance, rows = opened.provenance, trends(opened.metrics)
    evidence, reviews = assess(opened.observed), list(_review_warnings(opened, journals))
    return Summary(
        run_id=provenance.run_id,
        name=provenance.name,
        note=provenance.note,
        tags=provenance.tags,
        state=provenance.state,
        iterations_wanted=provenance.iterations_wanted,
        started_at=provenance.started_at,
        finished_at=provenance.finished_at,
        elapsed_s=sum(map(_elapsed_ms, journals.values(), opened.metrics)) / 1000,
        calls=sum(map(_calls_made, journals.values(), opened.metrics)),
        models=_models(opened),
        targets=provenance.targets,
        seed=provenance.options.seed,
        again=again(provenance),
        iterations=opened.metrics,
        trends=rows,
        verdict=count_directions(rows),
        evidence=evidence,
        control=opened.control,
        scorecard=_scorecard(opened),
        learning=learning(journals, opened.calls, evidence.cost, opened.folder.pricing),
        scrum=opened.steps[-1].read_verdicts(),
        artifacts=opened.folder.listing(report=report),
        warnings=[*_warnings(opened, journals), *reviews],
        review_warnings=reviews,
    )


def _models(opened: OpenedBattery) -> Models | None:
    if opened.provenance.models:
        return opened.provenance.models
    # Whoever kept a tasks.json with the runs of the original script most likely used it.
    tasks = opened.folder.read_tasks()
    return tasks.models if tasks else None


def _scorecard(opened: OpenedBattery) -> Scorecard | None:
    """Hold against the next iteration what somebody may have done about a proposal.

    The iterations of one run follow each other before anybody could. So those count that `iterate`
    added, after proposals that were approved and name a file that `--repo` has. Whether they were
    put into practice, no file of a battery tells.
    """
    planned = opened.provenance.planned_iterations
    if planned is None:
        return None
    proposals = {step.number: _approved(step) for step in opened.steps if step.number >= planned}
    scorecard = score(opened.metrics, proposals)
    return scorecard if scorecard.expectations else None


def _approved(step: IterationDir) -> list[Proposal]:
    verdicts = {verdict.proposal: verdict.verdict for verdict in step.read_verdicts()}
    return [
        proposal
        for proposal in step.read_proposals() or []
        if verdicts.get(proposal.number) == "APPROVE" and proposal.target_exists
    ]


def _calls_made(journal: Journal, metrics: Metrics) -> int:
    # The original battery kept no journal: of its calls only the runs are known.
    return journal.calls + (0 if journal.tasks else metrics.total_tasks)


def _elapsed_ms(journal: Journal, metrics: Metrics) -> int:
    return journal.elapsed_ms + (0 if journal.tasks else round(metrics.total_elapsed_s * 1000))


def _warnings(opened: OpenedBattery, journals: Mapping[int, Journal]) -> Iterator[str]:
    """Yield what a reader of the numbers should know; all of it can be read from disk again."""
    yield from opened.provenance.notes
    if opened.provenance.scoring_digest == UNSETTLED:
        again = f"battery grade {shlex.quote(str(opened.folder.root))}"
        yield f"grading was interrupted; grade again with: {again}"
    # The trend goes over a gap, whether the folder there is incomplete or gone.
    last = max(opened.folder.numbers(), default=0)
    for before, after in pairwise([0, *(step.number for step in opened.steps), last + 1]):
        if after - before == 2:
            yield f"iteration {before + 1} is not complete and is left out"
        elif after - before > 2:
            yield f"iterations {before + 1} to {after - 1} are not complete and are left out"
    if opened.torn:
        yield opened.torn
    yield from opened.faults
    yield from opened.folder.pricing.warnings(opened.results)
    yield from _once(
        (step.number, text)
        for step in opened.steps
        # A folder that has lost its journals still has the events.
        for text in distill_warnings(
            journals[step.number].get(DISTILL.key) or {"events": list(step.distill_events())}
        )
    )


def _review_warnings(opened: OpenedBattery, journals: Mapping[int, Journal]) -> Iterator[str]:
    """Yield what is wrong with reviews and judgments, as their texts are read again."""
    # A judgment reads the review again and meets the same faults.
    yield from _once(
        (step.number, text)
        for step in opened.steps
        for text in _reviewed(step, journals[step.number])
    )


def _once(found: Iterable[tuple[int, str]]) -> Iterator[str]:
    """Say each text once, with the iterations that it is of."""
    of: dict[str, dict[int, None]] = {}
    for iteration, text in found:
        of.setdefault(text, {})[iteration] = None
    for text, iterations in of.items():
        yield f"iteration{'s' * (len(iterations) > 1)} {spans(iterations)}: {text}"


def _reviewed(step: IterationDir, journal: Journal) -> Iterator[str]:
    for stage in CHAT_STAGES:
        yield from chat_warnings(stage, (journal.get(stage.key) or {}).get("answer"))
        answer = step.read_answer(stage.file)
        # The texts of a folder in which nothing was read are the original script's.
        if answer is not None and step.read_proposals() is not None:
            answers = {read.role: step.read_answer(read.file) or "" for read in stage.reads}
            yield from CHATS[stage.role].read(answer, Earlier(answers=answers)).warnings
    for verdict in step.read_verdicts():
        yield from verdict.flags
