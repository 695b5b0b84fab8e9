"""Hold the overseer's proposals against what came of them: metrics that moved as expected.

Pure. A direction is only read where the words leave no doubt: to call an overseer wrong for a
sentence that was misread would be worse than not to score it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from battery.findings import Expectation, Scorecard
from battery.models import Metrics, Proposal
from battery.verdicts.inline import named_metric

Direction = Literal["fall", "rise"]
Outcome = Literal["right", "wrong", "no change", "not measurable"]

#: More of these is better, less of all others.
MORE_IS_BETTER: Final = frozenset({"ok_tasks", "correction_effective"})
#: What is no measurement: the number of the iteration, and the table of the phases.
_NOT_MEASURED: Final = frozenset({"iteration", "by_phase"})

_SENTENCE_END: Final = re.compile(r"(?<=[.;!?])\s+|\n")
# "less than 300" and "up to 2" say how far, not which way.
_BOUND: Final = re.compile(
    r"\b(?:no |not )?(?:less|fewer|more|lower|higher|greater) than\b"
    r"|(?<!\bgo )(?<!\bgoes )(?<!\bgoing )\bup to\b"
)
# A word in italics stands between underscores, which `\b` takes for letters.
_WORD: Final = r"(?<![a-z])(?:{})(?![a-z])"
_WORDS: Final[Mapping[Direction, re.Pattern[str]]] = {
    "fall": re.compile(
        _WORD.format(
            r"falls?|fallen|falling|fell|drop(?:s|ped|ping)?|decreas(?:es?|ed|ing)"
            r"|declin(?:es?|ed|ing)|reduc(?:es?|ed|ing|tions?)|lower(?:s|ed|ing)?|fewer|less"
            r"|shrinks?|cuts?|cutting|sav(?:es?|ed|ings?)|halv(?:es?|ed|ing)|shorter|smaller"
            r"|cheaper|faster|down (?:by|from|to)|(?:goes|go|going|is|are|comes?) down|minus(?= \d)"
        )
        + r"|↓"
    ),
    "rise": re.compile(
        _WORD.format(
            r"ris(?:es?|en|ing)|rose|increas(?:es?|ed|ing)|higher|more|grow(?:s|n|ing)?"
            r"|climb(?:s|ed|ing)?|gain(?:s|ed|ing)?|rais(?:es?|ed|ing)|greater|larger|longer"
            r"|slower|doubl(?:es?|ed|ing)|up (?:by|from)|(?:goes|go|going|is|are) up|plus(?= \d)"
        )
        + r"|↑"
    ),
}
# What turns a word round or takes it back, and failures, of which fewer means more that is ok.
_UNCLEAR: Final = re.compile(
    _WORD.format(
        r"no|not|never|neither|nor|none|nothing|cannot|without|hardly|unlikely|unaffected"
        r"|unchanged|same|stays?|remains?|constant|flat|worse|worsens?|avoid(?:s|ed|ing)?"
        r"|prevent(?:s|ed|ing)?|(?:rather|instead) (?:than|of)"
        r"|(?:fewer|less|more)(?: \w+)? (?:fail\w*|errors?|misses|blocked)"
    )
    + r"|n['\u2019]t\b|±"
)
# A hyphen inside "5-10" or "iteration-2" is no minus.
_SIGN: Final = re.compile(
    r"(?<![\w.,)%/])(?:(?P<minus>[-\u2013](?=\d)|\u2212(?=\s?\d))|\+(?=\s?\d))"
)
#: A number and the unit that is written to it, such as 12k.
_NUMBER: Final = (
    r"(?:(?:about|around|roughly|nearly|almost|some)\s+|[~≈])?(\d[\d,]*+(?:\.\d+)?+)([a-z%]*+)"
)
_ARROW: Final = r"(?:→|->|=>)"
_MOVES: Final = (
    re.compile(rf"\bfrom\s+{_NUMBER}[^.;]{{0,20}}?(?:\bto\b|{_ARROW})\s*{_NUMBER}"),
    re.compile(rf"(?<![\w.,]){_NUMBER}\s*{_ARROW}\s*{_NUMBER}"),
)
_SCALE: Final = {"k": 1e3, "m": 1e6, "ms": 1e-3, "%": 1e-2}


def score(metrics: Sequence[Metrics], proposals: Mapping[int, Sequence[Proposal]]) -> Scorecard:
    """Say of each proposal whether its metric moved as expected in the next iteration.

    `proposals` holds those of each iteration's review; `metrics` may come in any order and with
    gaps. A review without a next iteration is left out: nothing has come of it yet. The
    expectations are in the order of iterations, then of the review.
    """
    by_iteration = {each.iteration: each for each in metrics}
    expectations = [
        _expectation(proposal, iteration, by_iteration.get(iteration), by_iteration[iteration + 1])
        for iteration in sorted(proposals)
        if iteration + 1 in by_iteration
        for proposal in proposals[iteration]
    ]
    counts = Counter(each.outcome for each in expectations)
    return Scorecard(
        expectations=expectations,
        right=counts["right"],
        wrong=counts["wrong"],
        unchanged=counts["no change"],
        not_measurable=counts["not measurable"],
    )


def expected_direction(metric: str, impact: str) -> Direction | None:
    """Read which way an impact expects a metric to move; None where the words leave doubt.

    The sentence that names the metric counts, or all of them when it says nothing of a
    direction. Where nothing does ("improves"), the expectation is the metric's goal.
    """
    sentences = _SENTENCE_END.split(impact)
    about = next((one for one in sentences if named_metric(one) == metric), "")
    goal: Direction = "rise" if metric in MORE_IS_BETTER else "fall"
    said = _said(about) or _said(impact) or {goal}
    return said.pop() if len(said) == 1 else None


def _said(text: str) -> set[Direction]:
    """Collect the directions that a text speaks of; both where its words are unclear."""
    plain = _BOUND.sub(" ", " ".join(text.lower().split()))
    if _UNCLEAR.search(plain):
        return {"fall", "rise"}
    said = {direction for direction, words in _WORDS.items() if words.search(plain)}
    for sign in _SIGN.finditer(plain):
        said.add("fall" if sign["minus"] else "rise")
    for pattern in _MOVES:
        for move in pattern.finditer(plain):
            said |= _moved(*move.groups())
    return said


def _moved(before: str, unit: str, after: str, other_unit: str) -> set[Direction]:
    first, last = _number(before, unit), _number(after, other_unit)
    if first == last:
        # It is expected to stay, which is neither.
        return {"fall", "rise"}
    return {"fall"} if last < first else {"rise"}


def _number(digits: str, unit: str) -> float:
    return float(digits.replace(",", "")) * _SCALE.get(unit, 1)


def _expectation(
    proposal: Proposal, iteration: int, before: Metrics | None, after: Metrics
) -> Expectation:
    metric = proposal.metric
    expected = expected_direction(metric, proposal.expected_impact or "") if metric else None
    first, last = _value(before, metric), _value(after, metric)
    return Expectation(
        iteration=iteration,
        proposal=proposal.number,
        title=proposal.title,
        metric=metric,
        expected=expected,
        before=first,
        after=last,
        outcome=_outcome(expected, first, last),
    )


def _value(metrics: Metrics | None, name: str | None) -> float | None:
    # The name comes from a file that anybody may have edited.
    if metrics is None or name not in Metrics.model_fields or name in _NOT_MEASURED:
        return None
    value = getattr(metrics, name)
    return None if value is None else float(value)


def _outcome(expected: Direction | None, before: float | None, after: float | None) -> Outcome:
    if expected is None or before is None or after is None:
        return "not measurable"
    # No tolerance, as in the direction count: what is noise is for the statistics to say.
    if before == after:
        return "no change"
    return "right" if (after < before) == (expected == "fall") else "wrong"
