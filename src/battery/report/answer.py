"""What a reader wants to know of a battery, in words: five questions and their answers.

Pure. The terminal, `summary.md` and the page lay the same answers out, each in its own way.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from battery.base.numbers import (
    AS_MANY,
    counted,
    minus,
    more_or_fewer,
    number,
)
from battery.base.text import capital, listed, printable
from battery.records.again import NO_TWIN, portable
from battery.records.findings import Evidence, FalseClaims, TaskEffect
from battery.records.summary import Metrics, Summary
from battery.records.word import SETTLE, Word
from battery.report import evidence as shown
from battery.report.evidence import done
from battery.report.measured import done_of_possible, ends, refused_of_impossible
from battery.verdict import policy


class Answer(NamedTuple):
    """One question of a reader, with its answer in a sentence or two."""

    question: str
    text: str


#: What a reader asks, in this order.
QUESTIONS: Final = (
    "Does it get better?",
    "By how much, how sure?",
    "Is the work still done?",
    "Which tasks?",
    "What does it hold for?",
)


def answers(summary: Summary, evidence: Evidence) -> list[Answer]:
    """Answer the five questions of a reader, in the order in which they are asked."""
    word = f"{evidence.verdict}: " if evidence.verdict else ""
    texts = (
        f"{word}{evidence.claim}",
        _size(summary, evidence),
        _work_of_both(summary, evidence),
        _changes_by_name(evidence),
        evidence.scope,
    )
    return [Answer(*pair) for pair in zip(QUESTIONS, texts, strict=True)]


def _size(summary: Summary, evidence: Evidence) -> str:
    if not evidence.trusted:
        return f"No size can be given: under {evidence.verdict} none of the numbers shows learning."
    if effect := shown.effect(evidence):
        return f"{capital(effect)}."
    change = _change(summary, evidence)
    if change is None:
        return "No effect could be measured."
    first, last = (f"in iteration {side.iteration}" for side in ends(summary))
    amount = more_or_fewer(change, 1)
    than = "as" if amount == AS_MANY else "than"
    why = "without a twin there is no interval"
    return f"{capital(amount)} {shown.noun(evidence)} {last} {than} {first}; {why}."


def _work_of_both(summary: Summary, evidence: Evidence) -> str:
    last = summary.iterations[-1]
    claims = evidence.bluffs.impossible if evidence.bluffs else None
    bluffed = claims is not None and claims.any
    own = (_possible_done if bluffed else work)(last)
    own = own or f"{done(last.ok_tasks, last.total_tasks)} tasks ended ok"
    text = f"{own}, in iteration {last.iteration}"
    if claims and bluffed:
        return f"{text}. {_claimed(claims)}."
    if not summary.control:
        return f"{text}."
    twin = work(summary.control[-1])
    return f"{text}, as in the twin." if twin == work(last) else f"{text}. The twin: {twin}."


def _claimed(claims: FalseClaims) -> str:
    """Count over all iterations: one that claims nothing in the last has claimed before."""
    runs = counted(claims.learn_calls + claims.before_calls, "run")
    twins = f", by the twin in {claims.frozen:,} of {claims.frozen_calls:,}"
    return (
        f"Impossible tasks were claimed done in {claims.learn + claims.before:,} of {runs}"
        f"{twins if claims.frozen_calls else ''}"
    )


def work(metrics: Metrics) -> str:
    """Count: `6 of 6 possible tasks done, 2 of 2 impossible refused`."""
    parts = [possible] if (possible := _possible_done(metrics)) else []
    if counts := refused_of_impossible(metrics):
        parts.append("{:,} of {:,} impossible refused".format(*counts))
    return ", ".join(parts)


def _possible_done(metrics: Metrics) -> str:
    ended_ok, asked = done_of_possible(metrics)
    return f"{ended_ok:,} of {counted(asked, 'possible task')} done" if asked else ""


_CHANGED: Final = {
    "better": "got better",
    "mixed": "got better in one way and worse in another",
    "same": "stayed as before",
    "worse": "got worse",
}


def changes(evidence: Evidence) -> str:
    """Count the tasks by how they changed: `Of 8 tasks 5 got better and 3 stayed as before.`."""
    if not evidence.by_task:
        if evidence.has_twin:
            return "No task was asked again."
        return (
            "Without a twin, no task can be said to have learned; the page has the calls of each."
        )
    counts = Counter(task.change for task in evidence.by_task)
    parts = [f"{count} {_CHANGED[change]}" for change, count in counts.items()]
    tasks = counted(evidence.tasks, "task")
    if len(counts) == 1 < evidence.tasks:
        return f"All {tasks} {_CHANGED[next(iter(counts))]}."
    return f"Of {tasks} {listed(parts)}."


def _changes_by_name(evidence: Evidence) -> str:
    """Add the task that gained most, and the one that lost most."""
    parts = [changes(evidence)]
    if not evidence.trusted:
        return f"{parts[0]} None of it shows learning."
    for change, which, tasks in (
        ("better", "Most", evidence.by_task[:1]),
        ("worse", "Worst", evidence.by_task[-1:]),
    ):
        parts += [f"{which}: {_moved(task)}." for task in tasks if task.change == change]
    return " ".join(parts)


def _change(summary: Summary, evidence: Evidence) -> float | None:
    """Return what the last iteration cost over what the first did; None with a twin."""
    if evidence.has_twin or len(summary.iterations) == 1:
        return None
    trend = next((each for each in summary.trends if each.metric == evidence.cost), None)
    return None if trend is None or trend.relative is None else 1 + trend.relative


def _moved(task: TaskEffect) -> str:
    ratio = None if task.ratio is None or task.ratio == 1 else task.ratio
    return task.label if ratio is None else f"{task.label} ({minus(shown.relative(ratio))})"


def size(summary: Summary) -> list[str]:
    """Write what was run: `8 tasks x 3 iterations`, `with twin`, `57 calls`, `seed 7`, of whom."""
    parts, evidence = [], summary.evidence
    if evidence:
        parts = [counted(evidence.tasks, "task"), counted(evidence.iterations, "iteration")]
        parts += [f"{evidence.repeats:,} repeats"] if evidence.repeats > 1 else []
    calls = counted(summary.calls, "call")
    twin = "" if evidence is None else "with twin" if evidence.has_twin else "no twin"
    seed = "" if summary.seed is None else f"seed {summary.seed}"
    return list(filter(None, [" x ".join(parts), twin, calls, seed, _system(summary)]))


def _system(summary: Summary) -> str:
    target = printable((summary.targets or {}).get("gateway") or "")
    return f"{target} gateway" if is_ours(summary) else target


def is_ours(summary: Summary) -> bool:
    """Return whether battery's own gateway was measured, and nobody's system."""
    # A word alone is no address: it says which of battery's own it was.
    return ((summary.targets or {}).get("gateway") or "").isalpha()


#: Words that claim nothing which could hold for anything.
_NO_CLAIM: Final = (None, Word.INCONCLUSIVE, Word.INDICATIVE)


def holds(evidence: Evidence) -> str | None:
    """Say in a line what the verdict holds for; None where there is none, or none to be trusted."""
    if evidence.verdict in _NO_CLAIM or not evidence.trusted:
        return None
    about = f"{'this' if evidence.tasks == 1 else 'these'} {counted(evidence.tasks, 'task')}"
    # Without a twin, new tasks may have been asked, but nothing compares them.
    new, told = evidence.siblings, "; nothing new was asked" if evidence.has_twin else ""
    if new and new.outcome == "shown":
        saved = f" ({more_or_fewer(new.ratio)} {shown.noun(evidence)})" if new.ratio else ""
        about, told = f"{about}, {new.asked:,} new ones like them{saved}", ""
    elif new:
        told = f"; not proven for {new.asked:,} new ones like them"
    return f"Holds for {about} and this one memory{told}."


#: Goes on with what is begun.
RESUME: Final = ["run", "--resume"]


def next_command(summary: Summary, evidence: Evidence) -> list[str] | None:
    """Return the words of the command that would settle it, its folder not among them.

    None where nothing is open. What is begun is finished before anything else is asked.
    """
    # What is refused gets no better by being finished.
    if summary.unfinished and evidence.verdict is not Word.INVALID:
        return RESUME
    if not evidence.settle:
        return None
    # What an iteration more can tell: all other questions take a battery of their own.
    if evidence.verdict in {None, Word.LEARNED} and summary.run_id is not None:
        return ["iterate"]
    # Next to a twin, whatever the question: without one nothing more is shown.
    return ["run", *(word for word in summary.again or () if word != NO_TWIN)]


def is_new(words: Sequence[str]) -> bool:
    """Return whether a command starts another battery, which takes a folder of its own."""
    return words[0] == "run" and words != RESUME


def before_command(words: Sequence[str], summary: Summary, evidence: Evidence) -> str:
    """Say what the reader has to do to the next command: `Next:`, `Next, with that changed:`."""
    if not is_new(words) or evidence.verdict is Word.INVALID:
        return "Next:"
    if summary.again is None and not is_ours(summary):
        return "Next, with its options:"
    return "Next, with that changed:"


def portable_line(words: Sequence[str]) -> str:
    """Write a command for a document that is passed on: it knows no folder."""
    # In the folder of this one it would move this one to the archive.
    place = ["--dir", "NEW"] if is_new(words) else []
    return shlex.join(["battery", *portable(words), *place])


def aim(summary: Summary, evidence: Evidence) -> str:
    """Say what the advice is for: to settle an open verdict, or what is open under a clear one."""
    word = evidence.verdict
    # What more iterations show is not known before they are there.
    return SETTLE if word is None or next_command(summary, evidence) == RESUME else word.about.aim


def wrong(evidence: Evidence) -> str | None:
    """Say how often such a verdict is wrong; None for one that claims no learning."""
    if evidence.verdict is None or not evidence.verdict.about.claims:
        return None
    once = number(1 / policy.ALPHA, 0)
    return (
        f"Of systems that learn nothing, about one in {once} at most is called LEARNED or "
        "COMPOUNDING, however often the battery is extended."
    )
