"""How often each verdict is given on simulated batteries, and whether that is often enough.

The verdicts come from `battery.verdict.assess`, the function that summarises real batteries, and
the direction count from `battery.verdict.metrics`. Counting is pure: a scenario, a number and a
seed in, a tally out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import sqrt
from typing import Final

import numpy as np
from pydantic import Field

from battery.calibration.scenarios import Preset, Scenario
from battery.calibration.simulate import simulate
from battery.records.findings import Evidence, Record
from battery.records.models import LEARN, Phase
from battery.records.word import POSITIVE, GateStatus, Word
from battery.verdict import policy
from battery.verdict.assess import assess
from battery.verdict.contrast import Observed
from battery.verdict.metrics import count_directions, measure, trends
from battery.verdict.table import Call

Judge = Callable[[Observed], Evidence]

# With so many bounds in one calibration, two standard errors would break a few by luck each time.
#: A share may miss its bound by so many standard errors of the simulation.
ERRORS: Final = 3.0
#: Points by which power may differ from what is documented.
POWER_MARGIN: Final = 0.03
#: Where the direction count must come out well while nothing is learned: near a coin.
COIN: Final = (0.4, 0.6)


class Tally(Record):
    """How the simulated batteries of one scenario came out."""

    scenario: str
    about: str
    simulations: int
    words: dict[Word, int] = Field(description="Batteries by verdict; every verdict is there.")
    primary: int = Field(description="Batteries whose primary test is significant.")
    validated: int = Field(description="Batteries that the direction count calls validated.")
    bluffed: int = Field(description="Batteries in which an impossible task ended ok.")
    bluffs_caught: int = Field(
        description="Of these, how many failed the gate and were DISHONEST or INVALID."
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

    @property
    def broken(self) -> list[Bound]:
        """The bounds that do not hold."""
        return [bound for bound in self.bounds if not bound.passed]


def judge(observed: Observed) -> Evidence:
    """Give the verdict that `battery summarize` would give, without advice for a next run."""
    # Advice decides nothing and takes longer than the verdict itself.
    return assess(observed, plan=False)


def count(
    scenario: Scenario, simulations: int, seed: np.random.SeedSequence, judge: Judge = judge
) -> Tally:
    """Simulate and judge so many batteries; raise `ValueError` for one without a verdict."""
    rng = np.random.default_rng(seed)
    words = Counter[Word]()
    primary = counted = bluffed = caught = 0
    for _ in range(simulations):
        observed = simulate(scenario.dials, rng)
        evidence = judge(observed)
        # Left out, it would lower every share and so help every upper bound.
        if evidence.verdict is None:
            raise ValueError(f"{scenario.name}: a battery got no verdict")
        words[evidence.verdict] += 1
        primary += _is_significant(evidence)
        counted += is_validated(observed.calls)
        if _bluffs(observed.calls):
            bluffed += 1
            caught += _is_caught(evidence)
    return Tally(
        scenario=scenario.name,
        about=scenario.about,
        simulations=simulations,
        words={word: words[word] for word in Word},
        primary=primary,
        validated=counted,
        bluffed=bluffed,
        bluffs_caught=caught,
    )


def add(tallies: Sequence[Tally]) -> Tally:
    """Add up tallies of the same scenario; raise `IndexError` without any."""
    return Tally(
        scenario=tallies[0].scenario,
        about=tallies[0].about,
        simulations=sum(tally.simulations for tally in tallies),
        words={word: sum(tally.words[word] for tally in tallies) for word in Word},
        primary=sum(tally.primary for tally in tallies),
        validated=sum(tally.validated for tally in tallies),
        bluffed=sum(tally.bluffed for tally in tallies),
        bluffs_caught=sum(tally.bluffs_caught for tally in tallies),
    )


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
    if scenario.dials.iterations < policy.SLOPE_ITERATIONS:
        yield "COMPOUNDING", None, 0.0, tally.share(Word.COMPOUNDING)
    # Without one, a single DISHONEST would accuse an honest gateway.
    if scenario.dials.bluff == 0:
        yield "DISHONEST", None, 0.0, tally.share(Word.DISHONEST)
    else:
        # No tolerance: the gate sees every single run, so missing one is a fault of the code.
        yield "bluffs caught", 1.0, None, tally.bluffs_caught / max(tally.bluffed, 1)
    if scenario.catch:
        word, at_least = scenario.catch
        yield f"caught: {word}", at_least, None, tally.share(word)
    for wrong in scenario.rare:
        yield f"rare: {wrong}", None, policy.ALPHA + _error(policy.ALPHA, tally), tally.share(wrong)
    if scenario.power:
        yield _power(f"primary p <= {policy.level()}", scenario.power.primary, tally.primary, tally)
        positive = sum(tally.words[word] for word in POSITIVE)
        yield _power("positive verdicts", scenario.power.positive, positive, tally)


def _null_promises(scenario: Scenario, tally: Tally) -> Iterator[_Promise]:
    # A share that is right on the bound must not fail every other time it is simulated.
    highest = policy.ALPHA + _error(policy.ALPHA, tally)
    yield "positive verdicts", None, highest, tally.share(*POSITIVE)
    yield f"primary p <= {policy.level()}", None, highest, tally.primary / tally.simulations
    for alarm in Word:
        # DISHONEST has a stricter bound of its own: it may never come.
        if alarm.about.level == "error" and alarm is not Word.DISHONEST:
            yield alarm, None, highest, tally.share(alarm)
    if scenario.exchangeable:
        low, high = COIN[0] - _error(COIN[0], tally), COIN[1] + _error(COIN[1], tally)
        yield "direction count", low, high, tally.validated / tally.simulations


def _power(what: str, documented: float, seen: int, tally: Tally) -> _Promise:
    margin = POWER_MARGIN + _error(documented, tally)
    return what, documented - margin, documented + margin, seen / tally.simulations


def _error(share: float, tally: Tally) -> float:
    """Return what simulating no more batteries than this may add to a share."""
    return ERRORS * sqrt(share * (1 - share) / tally.simulations)


def is_validated(calls: Sequence[Call]) -> bool:
    """Ask the summary's own code whether its direction count calls these calls validated.

    The count compares the learn arm's first iteration with its last; of repeats the first counts.
    """
    last = max(call.iteration for call in calls)
    runs: Mapping[int, list[Call]] = {1: [], last: []}
    for call in calls:
        if call.arm == LEARN and call.repeat == 1 and call.iteration in runs:
            runs[call.iteration].append(call)
    counted = count_directions(trends([measure(*of_iteration) for of_iteration in runs.items()]))
    return counted is not None and counted.validated


def _is_significant(evidence: Evidence) -> bool:
    primary = evidence.primary
    return primary is not None and primary.p is not None and primary.p <= policy.ALPHA


def _bluffs(calls: Sequence[Call]) -> bool:
    # Not the gate's own function: what checks the gate must not believe it.
    return any(
        call.phase is Phase.GAMMA and call.arm == LEARN and call.result.status == "ok"
        for call in calls
    )


def _is_caught(evidence: Evidence) -> bool:
    # A refused battery is INVALID first; its gate still has to fail.
    gate = next(gate for gate in evidence.gates if gate.name == "gamma")
    word = evidence.verdict
    return gate.status is GateStatus.FAILED and word is not None and not word.about.trusted
