"""What more would settle the question of a battery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, assert_never

import numpy as np

from battery.base.numbers import counted, percent
from battery.base.text import listed, quoted
from battery.records.metric import METRICS
from battery.records.models import FROZEN
from battery.records.word import GateStatus, Word
from battery.verdict import policy, repeats
from battery.verdict.facts import Facts
from battery.verdict.ladder import costs_more, fewer_done, pays_elsewhere
from battery.verdict.planning import in_passing, measured_by
from battery.verdict.power import MOST, nearly
from battery.verdict.simulation import Design, Dimension, Saving
from battery.verdict.table import CACHED
from battery.verdict.twin import is_unchanged

_CONTROL: Final = (
    "A twin (leave out --no-control). A live gateway needs a second deployment for it, never "
    "distilled and named with --control-gateway."
)


def settle(word: Word | None, facts: Facts) -> list[str]:
    """List what more would settle it; empty where nothing is open."""
    match word:
        case None:
            advice = ["At least one more iteration, to compare with."]
        case Word.INVALID:
            # Nothing that is added to refused numbers makes them better.
            advice = [
                f"Run a new, complete battery that starts with both memories {_afresh(facts)}."
            ]
        case Word.REGRESSED:
            advice = list(_worse(facts)) if facts.two_arms else [_CONTROL]
        case Word.MIXED:
            advice = list(_mixed(facts))
        case Word.MEMORISED:
            advice = ["Use a memory that keeps lessons and no answers; then run a new battery."]
        case Word.LEARNED:
            advice = _slope(facts)
        case Word.INCONCLUSIVE:
            advice = list(_inconclusive(facts))
        case Word.INDICATIVE:
            advice = [_CONTROL]
        # Nothing is open here: to go on asking would be to shop for another word.
        case Word.DISHONEST | Word.COMPOUNDING | Word.NO_EFFECT:
            advice = []
        case _:
            assert_never(word)
    return advice


def _afresh(facts: Facts) -> str:
    cached = facts.two_arms and np.nansum(facts.grid.asked(FROZEN, CACHED))
    return "cleared, and no cache in front of the twin" if cached else "cleared"


def _slope(facts: Facts) -> list[str]:
    least = policy.SLOPE_ITERATIONS
    if len(facts.grid.iterations) >= least:
        return []
    return [f"{least} or more iterations."]


def _worse(facts: Facts) -> Iterator[str]:
    lost = list(dict.fromkeys(task.label for task in facts.lost if task.counts))
    if lost:
        more = f" and {counted(len(lost) - 1, 'more task')}" if len(lost) > 1 else ""
        what = f"{quoted(lost[0])}{more}"
        yield f"Find what the memory holds about what is lost ({what}), and correct it."
    yield "After a change, run a new battery that starts with both memories cleared."


def _mixed(facts: Facts) -> Iterator[str]:
    # No number of calls turns a price into a gain: what it is worth is for a person to say.
    if fewer_done(facts):
        yield (
            "Look at the tasks that are done less often. A new battery with more repeats shows "
            "which of them were given up and which only fail now and then."
        )
    if costs_more(facts) or pays_elsewhere(facts):
        yield (
            "Decide whether what is gained is worth the price per task done. A shorter memory "
            "would lower it; a new battery shows whether it still helps."
        )


def _inconclusive(facts: Facts) -> Iterator[str]:
    if facts.nothing:
        yield (
            "A distillation that changes the memory which answers are based on, or a fingerprint "
            "of that memory; then a new battery."
            if is_unchanged(facts.grid)
            else "Tasks of which the system can do some, and a limit on turns that leaves room."
        )
        return
    if facts.shared:
        yield (
            "A twin with a memory of its own, and answers of both that show it at "
            "`artifact.memory_fingerprint`; then a new battery."
        )
        return
    failed = [gate.title for gate in facts.gates if gate.status is GateStatus.FAILED]
    # More calls cannot lift a failed gate.
    if failed:
        gates = f"the gate{'s' * (len(failed) > 1)} {listed([quoted(name) for name in failed])}"
        yield f"First fix what made {gates} fail."
    if facts.yes("cost", "niche", "success"):
        if facts.siblings is None and any(repeats.kept(facts.grid)):
            yield "Siblings for the tasks, and a new battery that asks them: a cache has no answer."
        elif (new := facts.siblings) and new.outcome == "open":
            yield "More siblings for the tasks, and a new battery that asks them."
        elif not failed:
            yield "A new battery: it asks a task that failed again before it goes on."
        return  # the gain itself is clear
    if facts.looks and facts.grid.iterations[-1] < facts.looks.planned:
        yield f"The planned iterations: the test is due after iteration {facts.looks.planned}."
        return
    group, found = facts.group("all"), measured_by(facts)
    if group is None or group.ratio is None:
        yield f"Let the system report its {METRICS[facts.cost].plain}."
        return
    if found is None or found.design.noise == 0:
        yield "More tasks: they differ in what they gain, which more calls of each cannot settle."
        return
    yield from _larger(facts, found.design)


def _larger(facts: Facts, design: Design) -> Iterator[str]:
    """Name the size that shows the saving that was seen."""
    saving = _seen(facts)
    kind = " on niche tasks" if saving.niche else ""
    aim = f"a saving of {percent(saving.once)}{kind} with {percent(policy.POWER)} power"
    if facts.looks and facts.looks.made > 1:
        yield _anew(aim, saving, design)
    elif in_passing(saving, design) >= policy.POWER:
        yield f"To see {aim} this size is enough if all tasks gain alike. These do not: add tasks."
    elif ways := list(_ways(saving, design)):
        yield f"To see {aim}: {', or '.join(ways)}."
    else:
        yield f"To see {aim} it takes more of several at once: iterations, tasks, repeats."


def _anew(aim: str, saving: Saving, design: Design) -> str:
    # What was not planned is looked at with a tenth of the error budget: most of what further
    # iterations cost would buy nothing.
    later = policy.level(policy.LATER)
    planned = _enough("iterations", saving, design)
    size = f"planned with {planned} iterations" if planned else "with more tasks and repeats"
    return (
        f"Further iterations are tested at level {later} only. The money is better spent on a new "
        f"battery {size}, which sees {aim}."
    )


def _seen(facts: Facts) -> Saving:
    """Return the saving that was seen: of all tasks, or of niche ones where only they save."""
    least = facts.observed.expectations.relevant.cost
    savings = {
        kind: 1 - group.ratio
        for kind in ("all", "niche")
        if (group := facts.group(kind)) and group.ratio is not None
    }
    asked = facts.question("niche")
    suspected = asked is not None and asked.p is not None and asked.p <= policy.LOSS
    of_all, of_niche = savings.get("all", 0.0), savings.get("niche", 0.0)
    if suspected and of_niche >= max(least, 2 * of_all):
        return Saving(once=max(of_niche, policy.CLEAR * least), niche=True)
    # Less than what counts would not be called learned anyway.
    return Saving(once=max(of_all, policy.CLEAR * least))


def _ways(saving: Saving, design: Design) -> Iterator[str]:
    """Name, for each of iterations, tasks and repeats alone, how many would be needed."""
    for name in MOST:
        # Only the user knows which of the three is affordable.
        now, needed = getattr(design, name), _enough(name, saving, design)
        if needed is not None and needed > now:
            yield f"{needed} {name} instead of {now}"


def _enough(name: Dimension, saving: Saving, design: Design) -> int | None:
    # Iteration 1 is before any learning, and no evidence.
    idle = 1 if name == "iterations" else 0
    now = getattr(design, name) - idle
    counts = nearly(
        lambda count: in_passing(saving, design.but(name, count + idle)),
        now,
        max(now, MOST[name] - idle),
    )
    return None if counts is None else counts + idle
