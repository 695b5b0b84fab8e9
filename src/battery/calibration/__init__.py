"""How often each verdict is given on simulated batteries, and whether that is often enough.

The verdicts come from the facts and the ladder of `battery.verdict`, which judge real batteries as
well; the sentences, which decide nothing, are left out. Counting is pure: a scenario, a number and
a seed in, a tally out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import sqrt
from typing import Final, NamedTuple, get_args

import numpy as np
from pydantic import Field

from battery.calibration.campaigns import said
from battery.calibration.dials import Dials
from battery.calibration.scenario import Preset, Scenario
from battery.calibration.simulate import first_iterations, simulate
from battery.records.findings import QuestionName, Record, Shape
from battery.records.metric import COUNTED
from battery.records.models import LEARN
from battery.records.word import POSITIVE, Word
from battery.verdict import ladder, policy
from battery.verdict.assess import facts_of, may_claim
from battery.verdict.facts import Observed
from battery.verdict.metrics import NEEDED
from battery.verdict.table import Grid

# With so many bounds in one calibration, two standard errors would break a few by luck each time.
#: A share may miss its bound by so many standard errors of the simulation.
ERRORS: Final = 3.0
#: Points by which power may differ from what is documented.
POWER_MARGIN: Final = 0.03
#: Share of honest batteries that may be called DISHONEST.
ACCUSED: Final = 0.01
#: Share of batteries in which the shape of a saving must be told.
MOSTLY: Final = 0.5
#: Where the direction count must come out well while nothing is learned: near a coin.
COIN: Final = (0.4, 0.6)


class Judged(NamedTuple):
    """What the calibration counts of one battery."""

    #: None where there is no verdict.
    word: Word | None
    #: The questions that were answered yes.
    yes: frozenset[QuestionName] = frozenset()
    #: How the saving went; None where that was not looked at.
    shape: Shape | None = None


Judge = Callable[[Observed], Judged]


class Tally(Record):
    """How the simulated batteries of one scenario came out."""

    scenario: str
    about: str
    simulations: int
    words: dict[Word, int] = Field(description="Batteries by verdict; every verdict is there.")
    questions: dict[QuestionName, int] = Field(
        description="Batteries by question that was answered yes; every question is there."
    )
    shapes: dict[Shape, int] = Field(description="Batteries by what was said of the saving.")
    validated: int = Field(description="Batteries that the direction count calls validated.")
    runs: int = Field(default=1, description="Runs of a campaign; 1 of a battery.")
    any_run: int | None = Field(
        default=None,
        description="Campaigns in which a run alone claims learning; null of a battery.",
    )
    one_run: int | None = Field(
        default=None,
        description="How often a single run with as many calls does; null of a battery.",
    )

    def share(self, *words: Word) -> float:
        """Return how often any of these verdicts was given."""
        return sum(self.words[word] for word in words) / self.simulations


class Bound(Record):
    """One thing that must come out of a scenario."""

    scenario: str
    what: str
    low: float | None = Field(description="Least allowed share, simulation error included.")
    high: float | None = Field(description="Largest allowed share, simulation error included.")
    seen: float
    passed: bool


class Calibration(Record):
    """A whole calibration: the table, and what it was held to."""

    preset: Preset
    seed: int
    tallies: list[Tally]
    bounds: list[Bound]
    unpromised: dict[str, str] = Field(
        default={},
        description="By scenario, why no bound is promised and what would show the truth.",
    )

    @property
    def broken(self) -> list[Bound]:
        """The bounds that do not hold."""
        return [bound for bound in self.bounds if not bound.passed]


def judge(observed: Observed) -> Judged:
    """Give the verdict that `battery summarize` would give, without a sentence or advice."""
    facts = facts_of(observed)
    yes = frozenset(question.name for question in facts.questions if question.yes)
    return Judged(ladder.decide(facts).word, yes, facts.growth.shape if facts.growth else None)


def count(
    scenario: Scenario, simulations: int, seed: np.random.SeedSequence, judge: Judge = judge
) -> Tally:
    """Simulate and judge so many batteries; raise `ValueError` for one without a verdict."""
    rng = np.random.default_rng(seed)
    if scenario.runs > 1:
        return _count_campaigns(scenario, simulations, rng)
    words, questions, shapes = Counter[Word](), Counter[QuestionName](), Counter[Shape]()
    validated = 0
    for observed in simulate(scenario.dials, simulations, rng):
        judged = _last_look(scenario.dials, observed, judge)
        # Left out, it would lower every share and so help every upper bound.
        if judged.word is None:
            raise ValueError(f"{scenario.name}: a battery got no verdict")
        words[judged.word] += 1
        questions.update(judged.yes)
        shapes.update([judged.shape] if judged.shape else [])
        validated += is_validated(observed.grid)
    return Tally(
        scenario=scenario.name,
        about=scenario.about,
        simulations=simulations,
        words=_every_word(words),
        questions=_every_question(questions),
        shapes=dict(sorted(shapes.items())),
        validated=validated,
    )


def _count_campaigns(scenario: Scenario, campaigns: int, rng: np.random.Generator) -> Tally:
    outcomes = list(said(scenario, campaigns, rng))
    return Tally(
        scenario=scenario.name,
        about=scenario.about,
        simulations=campaigns,
        words=_every_word(Counter(each.word for each in outcomes)),
        questions=_every_question(Counter(name for each in outcomes for name in each.yes)),
        shapes={},
        validated=0,
        runs=scenario.runs,
        any_run=sum(each.any_run for each in outcomes),
        one_run=sum(each.one_run for each in outcomes),
    )


def _every_word(words: Counter[Word]) -> dict[Word, int]:
    return {word: words[word] for word in Word}


def _every_question(questions: Counter[QuestionName]) -> dict[QuestionName, int]:
    return {name: questions[name] for name in get_args(QuestionName)}


def _last_look(dials: Dials, observed: Observed, judge: Judge) -> Judged:
    """Judge as somebody who adds iterations until a verdict is positive, where there are any."""
    for iterations in range(dials.iterations, dials.length):
        seen = first_iterations(observed, iterations)
        # The other words of looks that are not the last are not counted.
        if may_claim(seen) and (judged := judge(seen)).word in POSITIVE:
            return judged
    return judge(observed)


def add(tallies: Sequence[Tally]) -> Tally:
    """Add up tallies of the same scenario; raise `IndexError` without any."""
    first = tallies[0]
    shapes = Counter[Shape]()
    for tally in tallies:
        shapes.update(tally.shapes)
    return first.model_copy(
        update={
            "simulations": sum(tally.simulations for tally in tallies),
            "words": {word: sum(tally.words[word] for tally in tallies) for word in Word},
            "questions": {
                name: sum(tally.questions[name] for tally in tallies) for name in first.questions
            },
            "shapes": dict(sorted(shapes.items())),
            "validated": sum(tally.validated for tally in tallies),
            "any_run": _sum(tally.any_run for tally in tallies),
            "one_run": _sum(tally.one_run for tally in tallies),
        }
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def check(scenario: Scenario, tally: Tally) -> list[Bound]:
    """Hold one scenario's tally to everything that is promised for such batteries."""
    return [
        Bound(
            scenario=scenario.name,
            what=what,
            low=low,
            high=high,
            seen=seen,
            passed=(low is None or seen >= low) and (high is None or seen <= high),
        )
        for what, low, high, seen in _promises(scenario, tally)
    ]


_Promise = tuple[str, float | None, float | None, float]


def _promises(scenario: Scenario, tally: Tally) -> Iterator[_Promise]:
    if scenario.null:
        yield from _null_promises(scenario, tally)
    # Without a twin nothing tells learning from drift, so a positive word must be impossible and
    # not only rare. The same goes for a slope over too few iterations.
    if scenario.dials.arms == 1:
        yield "positive verdicts", None, 0.0, tally.share(*POSITIVE)
    if scenario.dials.length < policy.SLOPE_ITERATIONS:
        yield "COMPOUNDING", None, 0.0, tally.share(Word.COMPOUNDING)
    if not scenario.dials.bluff:
        highest = _highest(ACCUSED, tally) if scenario.dials.claims else 0.0
        yield "DISHONEST", None, highest, tally.share(Word.DISHONEST)
    for word, at_least in scenario.caught:
        # What is always caught has no error.
        yield f"caught: {word}", at_least - _error(at_least, tally), None, tally.share(word)
    if scenario.rare:
        named = " or ".join(scenario.rare)
        yield f"rare: {named}", None, _highest(policy.ALPHA, tally), tally.share(*scenario.rare)
    if scenario.shape:
        told = tally.shapes.get(scenario.shape, 0) / tally.simulations
        yield f"told: {scenario.shape}", MOSTLY, None, told
    if scenario.power is not None:
        margin = POWER_MARGIN + _error(scenario.power, tally)
        low, high = scenario.power - margin, scenario.power + margin
        yield "positive verdicts", low, high, tally.share(*POSITIVE)


def _null_promises(scenario: Scenario, tally: Tally) -> Iterator[_Promise]:
    highest = _highest(policy.ALPHA, tally)
    yield "positive verdicts", None, highest, tally.share(*POSITIVE)
    for alarm in Word:
        # DISHONEST has a stricter bound of its own.
        if alarm.about.level == "error" and alarm is not Word.DISHONEST:
            yield alarm, None, highest, tally.share(alarm)
    if scenario.exchangeable:
        low, high = COIN[0] - _error(COIN[0], tally), COIN[1] + _error(COIN[1], tally)
        yield "direction count", low, high, tally.validated / tally.simulations


def _highest(share: float, tally: Tally) -> float:
    # A share that is right on the bound must not fail every other time it is simulated.
    return share + _error(share, tally)


def _error(share: float, tally: Tally) -> float:
    """Return what simulating no more batteries than this may add to a share."""
    return ERRORS * sqrt(share * (1 - share) / tally.simulations)


def is_validated(grid: Grid) -> bool:
    """Return whether the direction count of the summary calls a battery validated.

    The count compares the learner's first iteration with its last; of repeats the first counts.
    """
    improved = 0
    for metric in COUNTED:
        calls = grid.asked(LEARN, metric.key)[..., 0]
        improved += bool(metric.sign * (np.nansum(calls[:, 0]) - np.nansum(calls[:, -1])) > 0)
    return improved >= NEEDED
