"""Hold the overseer's proposals against what came of them: metrics that moved as expected.

Pure. A direction is only read where the words leave no doubt: to call an overseer wrong for a
sentence that was misread would be worse than not to score it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Final, Literal

from battery.records.findings import Expectation, Scorecard
from battery.records.metric import TABLE, named_metric
from battery.records.models import Proposal
from battery.records.summary import Metrics

Direction = Literal["fall", "rise"]
Outcome = Literal["right", "wrong", "no change", "not measurable"]

#: More of these is better, less of all others.
MORE_IS_BETTER: Final = frozenset(
    {"correction_effective", *(metric.key for metric in TABLE if metric.goal == "more")}
)
#: What is no measurement: the number of the iteration, and the table of the phases.
_NOT_MEASURED: Final = frozenset({"iteration", "by_phase"})

_SENTENCE_END: Final = re.compile(r"(?<=[.;!?])\s+|\n")
#: With these words a clause says under which condition something moves ...
_CONDITION: Final = r"if|unless|whether|when|until|once"
#: ... or why, not what.
_REASON: Final = r"because|since|while|whereas|where|though|although|without"
_JOINED: Final = r"and|but|then|or|yet"
_CLAUSE_END: Final = re.compile(
    # Not before the second number of "from 5, to 3", nor of a range with a dash.
    r"[,;:]\s+(?!to\b)|\s+[\u2013\u2014]\s+(?!\d)"
    rf"|\s+(?=(?:{_CONDITION}|{_REASON}|{_JOINED}|so)\b)"
)
_IS_CONDITION: Final = re.compile(rf"\W*(?:{_CONDITION})\b")
_IS_ASIDE: Final = re.compile(rf"\W*(?:{_CONDITION}|{_REASON})\b")
_IS_JOINED: Final = re.compile(rf"(?:{_JOINED})\b")
_ONE_WORD: Final = re.compile(r"\W*(?:(?:and|or|both)\W+)?\w+\W*")
# "less than 300" and "up to 2" say how far, not which way; "held up by" says neither.
_BOUND: Final = re.compile(
    r"\b(?:no |not )?(?:less|fewer|more|lower|higher|greater) than\b"
    r"|\b(?:or|and) (?:less|fewer|more|lower|higher)\b"
    r"|(?<!\bgo )(?<!\bgoes )(?<!\bgoing )\bup to\b"
    r"|\b(?:held|backed|taken|made|used|slowed|brought) (?:up|down) by\b"
)
# A bound as well, though nothing moves at all unless other words say so.
_FLOOR: Final = re.compile(
    r"(?:\b(?:cannot|can not|will not|never)|n['\u2019]t) (?:\w+ )?"
    r"(?:fall|drop|go|get|sink|rise|climb|grow) (?:\w+ )?(?:below|under|above|beyond)\b"
)
# A word in italics is between underscores, which `\b` takes for letters.
_WORD: Final = r"(?<![a-z])(?:{})(?![a-z])"
_FALL: Final = _WORD.format(
    r"falls?|fallen|falling|fell|drop(?:s|ped|ping)?|decreas(?:es?|ed|ing)"
    r"|declin(?:es?|ed|ing)|reduc(?:es?|ed|ing|tions?)|lower(?:s|ed|ing)?|fewer|less"
    r"|shrinks?|cuts?|cutting|sav(?:es?|ed|ings?)|halv(?:es?|ed|ing)|shorter|smaller"
    r"|cheaper|faster|down (?:by|from|to)|(?:goes|go|going|is|are|comes?) down|minus(?= \d)"
)
_RISE: Final = _WORD.format(
    r"ris(?:es?|en|ing)|rose|increas(?:es?|ed|ing)|higher|more|grow(?:s|n|ing)?"
    r"|climb(?:s|ed|ing)?|gain(?:s|ed|ing)?|rais(?:es?|ed|ing)|greater|larger|longer"
    r"|slower|doubl(?:es?|ed|ing)|up (?:by|from)|(?:goes|go|going|is|are) up|plus(?= \d)"
)
_GOAL: Final = _WORD.format(r"improv(?:es?|ed|ing|ements?)|better")
_WORDS: Final = re.compile(f"(?P<fall>{_FALL}|↓)|(?P<rise>{_RISE}|↑)|(?P<goal>{_GOAL})")
# Less of what? "Fewer retries" says nothing of tokens.
_AMOUNT: Final = re.compile(
    r"(?:fewer|less|more)\W* (?!(?:by|in|on|at|per|each|every|for|of|with|to|from|often|again)\b)"
    r"(?P<of>[a-z]\w*(?: \w+){0,2})"
)
# What turns a word round or takes it back, and failures, of which fewer means more that is ok.
_UNCLEAR: Final = re.compile(
    _WORD.format(
        r"no|not|never|neither|nor|none|nothing|cannot|without|hardly|unlikely|unaffected"
        r"|unchanged|same|stays?|remains?|constant|flat|worse|worsens?|avoid(?:s|ed|ing)?"
        r"|prevent(?:s|ed|ing)?|(?:rather|instead) (?:than|of)"
        r"|(?:fewer|less|more|reduc\w+|lower\w*|cut\w*|decreas\w+)(?: \w+){0,3}"
        r" (?:fail\w*|errors?|misses|blocked)"
    )
    + r"|n['\u2019]t\b|±"
)
# What is said not to move.
_STAYS: Final = re.compile(
    r"\b(?:unaffected|unchanged|untouched|same|stays?|remains?|constant|flat|steady|holds?"
    r"|no (?:change|effect|loss|impact)"
    r"|(?:not|never|n['\u2019]t) (?:change|move|affect|fall|rise|drop)"
    r"|(?:nothing|little) (?:on|for|in))\b"
)
_STAYING: Final = re.compile(rf"\([^()]*{_STAYS.pattern}[^()]*\)")
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

    The clause that names the metric counts; when it says nothing of a direction, its sentence;
    then the whole text. Where nothing does ("improves"), the expectation is the metric's goal.
    """
    goal: Direction = "rise" if metric in MORE_IS_BETTER else "fall"
    near = (_said_by(clauses, metric) for clauses in _nearest_first(metric, impact.lower()))
    said = next(filter(None, near), {"fall", "rise"} if _FLOOR.search(impact.lower()) else {goal})
    found = {goal if one == "goal" else one for one in said}
    if len(found) > 1:
        return None
    return "fall" if "fall" in found else "rise"


def moved_metric(impact: str) -> str | None:
    """Return the metric that an impact says will move; of several, not one that is to stay."""
    text = _STAYING.sub(" ", impact.lower())
    clauses = [clause for sentence in _SENTENCE_END.split(text) for clause in _clauses(sentence)]
    moving = [c for c in clauses if not _STAYS.search(c) and not _IS_ASIDE.match(c)]
    return named_metric("; ".join(moving)) or named_metric(impact)


def _nearest_first(metric: str, impact: str) -> Iterator[list[str]]:
    """Yield the clause that names the metric, then its sentence, then the whole text."""
    sentences = [_clauses(sentence) for sentence in _SENTENCE_END.split(impact)]
    found = [(s, n) for s in sentences for n, c in enumerate(s) if named_metric(c) == metric]
    if found:
        # By its key before a word like "tokens", which may be there in passing.
        name = re.compile(r"[\\\s_-]+".join(map(re.escape, metric.split("_"))))
        clauses, at = next((one for one in found if name.search(one[0][one[1]])), found[0])
        joined = [c for c in takewhile(_IS_JOINED.match, clauses[at + 1 :]) if _is_about(c, metric)]
        yield [clauses[at], *(clause for clause in joined if not _UNCLEAR.search(clause))]
        yield [clause for clause in clauses if _is_about(clause, metric)]
    yield [clause for sentence in sentences for clause in sentence if _is_about(clause, metric)]


def _clauses(sentence: str) -> list[str]:
    """Cut a sentence into clauses; a name alone goes with what follows it."""
    plain = _BOUND.sub(" ", " ".join(sentence.split()))
    plain = " ".join(_FLOOR.sub(" ", plain).split())
    clauses: list[str] = []
    alone = ""
    for piece in _CLAUSE_END.split(plain):
        clause = f"{alone} {piece}".strip()
        is_name = _ONE_WORD.fullmatch(piece) and named_metric(piece) and not _WORDS.search(piece)
        alone = clause if is_name else ""
        if not is_name:
            clauses.append(clause)
    return [*clauses, alone] if alone else clauses


def _is_about(clause: str, metric: str) -> bool:
    """Return whether a clause that need not name the metric may still speak of it."""
    return not _IS_ASIDE.match(clause) and named_metric(clause) in {None, metric}


def _said_by(clauses: Sequence[str], metric: str) -> set[str]:
    return {one for clause in clauses for one in _said(clause, metric)}


def _said(clause: str, metric: str) -> set[str]:
    """Read all directional words of a clause and all numbers that move."""
    if _UNCLEAR.search(clause) or _IS_CONDITION.match(clause):
        return {"fall", "rise"}
    said = _moves(clause)
    for word in _WORDS.finditer(clause):
        amount = _AMOUNT.match(clause, word.start())
        other = amount and named_metric(amount["of"]) != metric
        said |= {"fall", "rise"} if other else {str(word.lastgroup)}
    return said


def _moves(clause: str) -> set[str]:
    """Read the signs, arrows and pairs of numbers of a clause."""
    said = {"fall" if sign["minus"] else "rise" for sign in _SIGN.finditer(clause)}
    for pattern in _MOVES:
        for move in pattern.finditer(clause):
            said |= _moved(*move.groups())
    return said


def _moved(before: str, unit: str, after: str, other_unit: str) -> set[str]:
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
