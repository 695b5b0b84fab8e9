"""Evidence in cells and sentences, the same for every surface; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import exp
from typing import Final

from battery.base.numbers import (
    AS_MANY,
    HUGE,
    duration,
    more_or_fewer,
    number,
    p_equals,
    p_value,
    percent,
    signed,
    signed_percent,
)
from battery.base.text import capital, quoted
from battery.records.findings import (
    Evidence,
    Gate,
    Group,
    Interval,
    Looks,
    OtherMetric,
    Question,
    TaskEffect,
    of_kind,
)
from battery.records.metric import ELAPSED, METRICS
from battery.records.models import KINDS, Phase
from battery.records.word import GateStatus, Word
from battery.verdict import policy

NONE: Final = "-"
#: From here on a whole percent reads as certain.
_NEARLY_CERTAIN: Final = 0.995
#: How each change of a task reads, in the order in which they are counted.
CHANGES: Final = {"better": "better", "mixed": "mixed", "worse": "worse", "same": "as before"}
#: Head of each column with what the twin did: the column before it has the same of the learner.
_TWIN: Final = "Twin"
#: Heads of the table of questions.
QUESTION_HEADS: Final = ("Question", "p", "Level", "Answer")


def noun(evidence: Evidence) -> str:
    """Name what the cost is counted in: `tokens`."""
    return METRICS[evidence.cost].plain


def early(evidence: Evidence) -> str | None:
    """Name the iterations that the effects rest on where more came after; None where none did."""
    looks = evidence.looks
    # What came after the planned look is no part of the effect that it found.
    if looks is None or looks.iterations >= evidence.iterations:
        return None
    return "iteration 2" if looks.iterations == 2 else f"iterations 2 to {looks.iterations}"


def over(evidence: Evidence) -> str:
    """Name the iterations that the effects rest on."""
    return early(evidence) or "the iterations after the first"


def effect(evidence: Evidence) -> str | None:
    """Write the one effect that the verdict is about, with its interval; None without any."""
    group = deciding(evidence)
    # Under a word that makes the numbers worthless, an interval would be louder than the word.
    if group is None or group.ratio is None or evidence.verdict is None or not evidence.trusted:
        return None
    text = _more_done(evidence, group) if by_success(evidence) else _cost(evidence, group)
    when = early(evidence)
    return f"{text}, in {when}" if text and when else text


def _cost(evidence: Evidence, group: Group) -> str | None:
    if group.ratio is None:
        return None
    asked = evidence.question("niche" if group.kind == "niche" else "cost")
    if asked is None or (asked.p is None and group.interval is None):
        return None
    text = f"{_moved(group.ratio)} {noun(evidence)} on a typical {of_kind(group.kind)}task"
    if ends := group.interval:
        return f"{text} ({in_words(ends)})"
    # Where p is small, the note is what objects to it, and no reason for this.
    why = asked.note if asked.p is None or asked.p > asked.level else None
    if asked.yes:
        why = "these calls bound it on one side only"
    return f"{text} (no interval{f': {why}' if why else ''})"


def _more_done(evidence: Evidence, group: Group) -> str:
    asked = evidence.question("success")
    own, base = (
        done(group.learn_done, group.learn_calls),
        done(group.frozen_done, group.frozen_calls),
    )
    gain = group.learn_done / group.learn_calls - group.frozen_done / group.frozen_calls
    p = p_equals(asked.p if asked else None)
    return f"{signed(100 * gain, 1)} points of runs done ({own}, twin {base}; {p})"


def in_words(ends: Interval) -> str:
    """Write the interval of a ratio for a sentence: `94% interval 54.9% to 17.6% fewer`."""
    text = _both(ends)
    return f"{confidence(ends)} interval {'of no change' if text == AS_MANY else text}"


def _both(ends: Interval) -> str:
    """Write both ends, with one word where both are more or both fewer: `9% to 4% fewer`."""
    low, high = _moved(ends.low), _moved(ends.high)
    if low == high:
        return low
    (start, _, word), other = low.rpartition(" "), high.rpartition(" ")[2]
    return f"{start} to {high}" if word == other and ends.high <= HUGE else f"{low} to {high}"


def _moved(ratio: float) -> str:
    return more_or_fewer(ratio, 1)


def _yes(evidence: Evidence) -> set[str]:
    return {asked.name for asked in evidence.questions if asked.yes}


def by_success(evidence: Evidence) -> bool:
    """Return whether the effect that counts is about what was done; else it is about the cost."""
    return _yes(evidence) == {"success"}


def deciding(evidence: Evidence) -> Group | None:
    """Return the tasks whose effect counts: all of them, unless it is shown for niche ones only."""
    yes = _yes(evidence)
    return evidence.group("niche" if "niche" in yes and "cost" not in yes else "all")


def interval(ends: Interval | None) -> str:
    """Write the interval of a ratio as changes, with its level: `-60.1% to -12.0% (94%)`."""
    if ends is None:
        return NONE
    return f"{span(ends)} ({confidence(ends)})"


def span(ends: Interval) -> str:
    """Write both ends of the interval of a ratio as changes: `-60.1% to -12.0%`."""
    return f"{relative(ends.low)} to {relative(ends.high)}"


def confidence(ends: Interval) -> str:
    """Write the level of an interval: `94%`."""
    # Of looks that were not planned it is 99.7%, and "100%" would read as certain.
    return percent(ends.level, 1 if ends.level >= _NEARLY_CERTAIN else 0)


def relative(ratio: float | None) -> str:
    """Write a ratio as a relative change; a dash for none."""
    if ratio is None:
        return NONE
    return f">+{percent(HUGE - 1)}" if ratio > HUGE else signed_percent(ratio - 1)


def mean(metric: str, value: float | None) -> str:
    """Write a mean per call of a metric; a dash for none."""
    if value is None:
        return NONE
    if METRICS[metric].kind == "difference":
        return percent(value, 1)
    if metric == ELAPSED:
        return duration(value)
    return METRICS[metric].written(value, grouped=True)


def done(ended_ok: int, calls: int) -> str:
    """Write how many calls ended ok: `6 of 6`; a dash where none was asked."""
    return f"{ended_ok:,} of {calls:,}" if calls else NONE


def done_or_claimed(phase: str, ended_ok: int, bluffs: int, calls: int) -> str:
    """Write how many calls of a task ended ok, and how many claimed what is not so."""
    # What cannot be done is not done, whatever the gateway says.
    if phase == Phase.GAMMA and calls:
        claimed = max(ended_ok, bluffs)
        return f"claimed {done(claimed, calls)}" if claimed else f"refused {done(calls, calls)}"
    return done(ended_ok, calls) + (f", {bluffs:,} more claimed" if bluffs else "")


def task_heads(evidence: Evidence) -> list[str]:
    """Return the heads of the table of tasks."""
    return ["Task", "Result", "Kind", noun(evidence).capitalize(), _TWIN, "Change", "Done", _TWIN]


def group_heads(evidence: Evidence) -> list[str]:
    """Return the heads of the table of kinds of tasks."""
    cost = noun(evidence).capitalize()
    return ["Tasks", cost, _TWIN, "Change", "Interval", "Done", _TWIN]


def task_cells(task: TaskEffect, evidence: Evidence) -> list[str]:
    """Write what `task_heads` names."""
    return [
        task.label,
        CHANGES[task.change],
        KINDS[Phase(task.phase)],
        mean(evidence.cost, task.learn),
        mean(evidence.cost, task.frozen),
        relative(task.ratio),
        done_or_claimed(task.phase, task.learn_done, task.learn_bluffs, task.learn_calls),
        done_or_claimed(task.phase, task.frozen_done, task.frozen_bluffs, task.frozen_calls),
    ]


def changed(evidence: Evidence) -> str:
    """Count the tasks by how they changed, and say how much weight that has."""
    counts = Counter[str](task.change for task in evidence.by_task)
    text = ", ".join(f"{counts[kind]} {CHANGES[kind]}" for kind in CHANGES if counts[kind])
    if not evidence.trusted:
        return f"{text}; but the verdict is {evidence.verdict}, so none of this shows learning."
    when = early(evidence)
    return f"{text}: each by its own numbers{f' in {when}' if when else ''}, without a test."


def group_cells(group: Group, evidence: Evidence) -> list[str]:
    """Write what `group_heads` names."""
    return [
        f"{group.tasks} {group.kind}" if group.kind != "all" else f"all {group.tasks}",
        mean(evidence.cost, group.learn),
        mean(evidence.cost, group.frozen),
        relative(group.ratio),
        interval(group.interval),
        done(group.learn_done, group.learn_calls),
        done(group.frozen_done, group.frozen_calls),
    ]


def question_cells(question: Question) -> list[str]:
    """Write what `QUESTION_HEADS` names."""
    return [
        question.title,
        p_value(question.p),
        number(question.level, 3) if question.level else NONE,
        "yes" if question.yes else "no",
    ]


def budget(evidence: Evidence) -> str | None:
    """Write how the chance of a false claim is shared out; None where nothing was asked."""
    looks = evidence.looks
    if looks is None:
        return None
    later = percent(policy.LATER, 1)
    decides = "; the planned one decides" if early(evidence) else ""
    if looks.by_plan:
        shared = (
            f"the levels share out up to {percent(policy.planned(), 1)} for the look planned after "
            f"iteration {looks.planned}, and {later} is kept for looks after further iterations"
        )
    else:
        shared = f"the levels share out the {later} that all looks have that were not planned"
    return (
        "p is the chance that luck alone does as much, and the answer is yes where it is at most "
        "the level and no note objects. Of batteries that learn nothing, at most "
        f"{percent(policy.ALPHA)} get a yes: {shared}. Looks so far: {looks.made}{decides}."
    )


def details(evidence: Evidence) -> Iterator[str]:
    """Write what else the verdict rests on, a sentence or two each."""
    if evidence.looks:
        yield (
            f"{_counted(evidence.looks)}. An interval holds what the same test does not rule out: "
            "at each end it leaves out the level of its question, so that its own is 1 less twice "
            "that. summary.json names each test."
        )
    for question in evidence.questions:
        # Where nothing could be tested, no answer has to be explained.
        if question.note and question.p is not None:
            yield f"{question.title} {capital(question.note)}."
    yield from filter(None, (_loss(evidence), _growth(evidence), _trend(evidence)))
    if evidence.others:
        metrics = ", ".join(map(_other, evidence.others))
        yield f"Means per call that decide nothing: {metrics}."
    yield from filter(None, (sensitivity(evidence),))
    yield from evidence.assumptions


def _counted(looks: Looks) -> str:
    if not looks.by_plan:
        return (
            "Each p is 1 over an e-value: what a bet on learning has won, which grows only by luck "
            "if there is none, however often one looks"
        )
    swapped = "swapping learner and twin, by task or call"
    return f"Each p counts how often {swapped}, does as well (one-sided)"


def _growth(evidence: Evidence) -> str | None:
    course = evidence.growth
    if course is None:
        return None
    saved = ", ".join(relative(ratio) for ratio in course.ratios)
    text = f"Change by iteration, from 2 on: {saved}"
    # Noise alone is not steady: all that is known is that no change was shown.
    shape = "no clear change" if course.shape == "steady" else course.shape
    text += "" if course.shape == "unclear" else f" ({shape})"
    tests = [
        f"{name} {p_equals(p)}"
        for name, p in (
            ("for growth", course.p),
            ("for growth beyond the largest step", course.p_beyond_step),
            ("for a fall since the best", course.p_fall),
        )
        if p is not None
    ]
    return f"{text}; {', '.join(tests)} ({course.test})." if tests else f"{text}."


def _loss(evidence: Evidence) -> str | None:
    if evidence.success_p is None:
        return None
    return (
        f"Are fewer tasks done? {p_equals(evidence.success_p)} in the same test; "
        f"{number(policy.LOSS, 1)} or less speaks against a gain."
    )


def _trend(evidence: Evidence) -> str | None:
    tested = evidence.trend
    if tested is None:
        return None
    p = "all iterations are alike" if tested.p is None else p_equals(tested.p)
    return f"Do the {noun(evidence)} of the learner fall? {p} ({tested.method})."


def _other(metric: OtherMetric) -> str:
    own, base = mean(metric.metric, metric.learn), mean(metric.metric, metric.frozen)
    return f"{METRICS[metric.metric].plain} {own} (twin {base})"


def gates(evidence: Evidence) -> Iterator[tuple[GateStatus, str]]:
    """Pair each status with the gates that have it: `passed`, `honest failure, no forgetting`."""
    for status in GateStatus:
        names = [gate.title for gate in evidence.gates if gate.status is status]
        if names:
            yield status, ", ".join(names)


def news(evidence: Evidence) -> list[Gate]:
    """List the gates whose text a reader of the verdict has to see, and has not seen yet."""
    said = evidence.sentence.lower()
    # What made it come out so is in its first sentence.
    return [
        gate
        for gate in evidence.gates
        if gate.status.about.level and gate.text.partition(". ")[0].lower() not in said
    ]


def came_out(gate: Gate) -> str:
    """Write how a gate came out: `gate "honest failure" failed`."""
    return f"gate {quoted(gate.title)} {gate.status}"


def reasons(evidence: Evidence) -> list[str]:
    """List why the verdict is no better one, as far as nothing above says it."""
    word = evidence.verdict
    if word is None or word is Word.INDICATIVE or word.about.claims:
        return []
    said = f"{evidence.sentence} {effect(evidence)}".lower()
    return [text for text in evidence.reasons if text.lower() not in said]


def sensitivity(evidence: Evidence) -> str | None:
    """Write what could have been seen; None where that was not measured."""
    seen = evidence.sensitivity
    if seen is None:
        return None
    if seen.noise == 0:
        return "Calls do not vary by luck: in iteration 1 learner and twin took exactly the same."
    # The standard error of a standard deviation is about 1 / sqrt(2 (n - 1)) of it.
    vague = 1 / (2 * max(evidence.tasks - 1, 1)) ** 0.5
    noise = (
        f"Calls of one task vary by luck, in two of three cases by up to "
        f"{percent(exp(seen.noise) - 1)} (sd of log {noun(evidence)} {number(seen.noise)}, from "
        f"iteration 1, known to within {percent(vague)} or so)."
    )
    if evidence.iterations < 2:
        return noise
    power = f"{10 * seen.power:.0f} of 10 such batteries"
    if seen.detectable is None:
        return f"{noise} So much hides any saving from {power}."
    return (
        f"{noise} Reckoned with the upper end of that noise, a saving of about "
        f"{percent(seen.detectable)} in all tasks is called LEARNED in "
        f"{power}."
    )
