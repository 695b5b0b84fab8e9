"""The calibration counts right, and a verdict that is wrong in any way breaks a bound."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import sqrt

import numpy as np
import pytest

from battery.calibration import (
    Bound,
    Judge,
    Tally,
    add,
    check,
    count,
    is_validated,
    judge,
)
from battery.calibration.scenarios import (
    LEARNING,
    NULLS,
    ONE_ARM,
    SCENARIOS,
    Scenario,
)
from battery.calibration.simulate import Dials, simulate
from battery.records.findings import Evidence
from battery.records.models import FROZEN, LEARN, Arm, Phase, RunResult
from battery.records.word import Word
from battery.verdict.contrast import Observed
from battery.verdict.table import Call

pytestmark = pytest.mark.slow

NULL = NULLS[0]
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def tally_of(scenario: Scenario, judge: Judge = judge, n: int = 40, seed: int = 1) -> Tally:
    return count(scenario, n, np.random.SeedSequence(seed), judge)


def broken(scenario: Scenario, judge: Judge, n: int = 40) -> list[str]:
    return [b.what for b in check(scenario, tally_of(scenario, judge, n)) if not b.passed]


def bound(scenario: Scenario, tally: Tally, what: str) -> Bound:
    (found,) = (each for each in check(scenario, tally) if each.what == what)
    return found


@cache
def any_evidence() -> Evidence:
    return judge(simulate(NULL.dials, np.random.default_rng(1)))


def always(word: Word) -> Judge:
    """Return a verdict that says the same whatever it sees."""
    return lambda _observed: any_evidence().model_copy(update={"verdict": word})


def always_significant(observed: Observed) -> Evidence:
    evidence = judge(observed)
    assert evidence.primary is not None
    sure = evidence.primary.model_copy(update={"p": 0.001})
    return evidence.model_copy(update={"primary": sure})


def blind_to_bluffs(observed: Observed) -> Evidence:
    """Judge as if every impossible task had failed."""
    calls = [
        call._replace(result=call.result._replace(status="failed", error="nothing fits"))
        if call.phase is Phase.GAMMA
        else call
        for call in observed.calls
    ]
    return judge(observed._replace(calls=calls))


def never_asks_again(observed: Observed) -> Evidence:
    return judge(observed._replace(confirmations=()))


def test_every_battery_is_counted_once_under_its_verdict() -> None:
    tally = tally_of(NULL)
    assert tally.simulations == sum(tally.words.values()) == 40
    assert set(tally.words) == set(Word)


def test_the_verdicts_are_those_of_assess_on_the_same_batteries() -> None:
    rng = np.random.default_rng(np.random.SeedSequence(1))
    words = [judge(simulate(NULL.dials, rng)).verdict for _ in range(20)]
    tally = tally_of(NULL, n=20)
    assert {word: words.count(word) for word in Word} == tally.words


def test_tallies_of_parts_add_up() -> None:
    parts = [tally_of(BY_NAME["bluffs often"], n=10, seed=seed) for seed in (1, 2)]
    whole = add(parts)
    assert whole.simulations == 20
    for name in ("primary", "validated", "bluffed", "bluffs_caught"):
        assert getattr(whole, name) == sum(getattr(part, name) for part in parts)
    assert whole.words == {word: sum(part.words[word] for part in parts) for word in Word}


def test_a_battery_without_a_verdict_is_an_error_and_not_left_out() -> None:
    single = Scenario("one iteration", "Too short for a verdict.", Dials(iterations=1))
    with pytest.raises(ValueError, match="no verdict"):
        tally_of(single)


@pytest.mark.parametrize(
    ("word", "scenario", "what"),
    [
        (Word.LEARNED, NULL, "positive verdicts"),
        (Word.COMPOUNDING, NULL, "positive verdicts"),
        (Word.COMPOUNDING, NULL, "COMPOUNDING"),
        (Word.REGRESSED, NULL, "REGRESSED"),
        (Word.INVALID, NULL, "INVALID"),
        (Word.DISHONEST, NULL, "DISHONEST"),
        (Word.LEARNED, ONE_ARM[0], "positive verdicts"),
        (Word.INCONCLUSIVE, LEARNING[0], "positive verdicts"),
        (Word.LEARNED, LEARNING[0], "positive verdicts"),
        (Word.COMPOUNDING, BY_NAME["20% drop, 4 iterations"], "COMPOUNDING"),
        (Word.COMPOUNDING, BY_NAME["30% saved once"], "rare: COMPOUNDING"),
        (Word.REGRESSED, BY_NAME["slower by half"], "rare: REGRESSED"),
        (Word.INCONCLUSIVE, BY_NAME["forgets from iteration 2"], "caught: REGRESSED"),
        (Word.INCONCLUSIVE, BY_NAME["memory bloat"], "caught: REGRESSED"),
        (Word.LEARNED, BY_NAME["unlike start"], "caught: INVALID"),
        (Word.LEARNED, BY_NAME["a cell is missing"], "caught: INVALID"),
        (Word.LEARNED, BY_NAME["bluffs often"], "bluffs caught"),
    ],
)
def test_a_verdict_that_is_given_whatever_happens_breaks_a_bound(
    word: Word, scenario: Scenario, what: str
) -> None:
    assert what in broken(scenario, always(word))


@pytest.mark.parametrize(
    ("doctored", "scenario", "what"),
    [
        (always_significant, NULL, "primary p <= .05"),
        (blind_to_bluffs, BY_NAME["bluffs often"], "bluffs caught"),
        (never_asks_again, BY_NAME["forgets from iteration 2"], "caught: REGRESSED"),
    ],
)
def test_a_verdict_with_one_part_broken_breaks_a_bound(
    doctored: Callable[[Observed], Evidence], scenario: Scenario, what: str
) -> None:
    assert what in broken(scenario, doctored)
    assert what not in broken(scenario, judge)


@pytest.mark.parametrize(
    "name",
    [
        "nothing learned",
        "flaky calls",
        "30% saved once",
        "slower by half",
        "one arm, null",
        "bluffs often",
        "a cell is missing",
    ],
)
def test_the_real_verdict_keeps_its_bounds(name: str) -> None:
    assert broken(BY_NAME[name], judge) == []


def test_a_share_may_miss_its_bound_by_three_standard_errors_and_no_more() -> None:
    words = dict.fromkeys(Word, 0)
    flat = Tally(
        scenario="", about="", simulations=400, words=words, primary=0,
        validated=200, bluffed=0, bluffs_caught=0,
    )  # fmt: skip
    highest = 0.05 + 3 * sqrt(0.05 * 0.95 / 400)
    found = bound(NULL, flat, "positive verdicts")
    assert found.low is None
    assert found.high == pytest.approx(highest)
    for seen, passed in ((33, True), (34, False)):
        tally = flat.model_copy(update={"words": {**words, Word.LEARNED: seen}})
        found = bound(NULL, tally, "positive verdicts")
        assert (found.seen, found.passed) == (seen / 400, passed)


def test_power_is_held_to_what_is_documented_from_both_sides() -> None:
    tally = tally_of(LEARNING[0], n=1)
    for seen, passed in ((200, False), (370, True), (540, False)):
        each = tally.model_copy(update={"simulations": 1000, "primary": seen})
        assert bound(LEARNING[0], each, "primary p <= .05").passed is passed


def test_the_direction_count_is_held_to_a_coin_only_where_iterations_may_be_exchanged() -> None:
    held = {
        scenario.name
        for scenario in SCENARIOS
        if any(each.what == "direction count" for each in check(scenario, tally_of(scenario, n=1)))
    }
    moving = {"provider gets cheaper", "provider costs more", "server warms up", "all of that"}
    assert held == {scenario.name for scenario in NULLS} - moving


def test_a_verdict_that_is_right_may_come_as_often_as_it_likes() -> None:
    assert broken(BY_NAME["30% saved once"], always(Word.LEARNED)) == []


def test_what_no_verdict_can_tell_apart_is_counted_and_not_promised() -> None:
    for name in ("20% fewer tokens", "30% fewer tokens", "shocks of its own"):
        assert "positive verdicts" not in broken(BY_NAME[name], always(Word.LEARNED))


def call(arm: Arm, iteration: int, tokens: int, turns: int, elapsed_ms: int) -> Call:
    result = RunResult("ok", turns, tokens, False, None, elapsed_ms)
    return Call(arm, iteration, 0, Phase.ALPHA, "a", "a", 1, result)


FIRST = call(LEARN, 1, 100, 3, 1000)


@pytest.mark.parametrize(
    ("last", "validated"),
    [
        (call(LEARN, 3, 90, 2, 900), True),
        (call(LEARN, 3, 90, 2, 1000), False),
        (call(LEARN, 3, 110, 2, 900), False),
        (call(LEARN, 3, 100, 2, 900), False),
    ],
)
def test_the_direction_count_wants_three_metrics_better(last: Call, validated: bool) -> None:
    assert is_validated([FIRST, last]) is validated


def test_the_direction_count_looks_at_first_and_last_of_the_learn_arm_and_first_repeats() -> None:
    better, worse = call(LEARN, 3, 90, 2, 900), call(LEARN, 3, 900, 9, 9000)
    frozen = [call(FROZEN, 1, 1, 1, 1), call(FROZEN, 3, 900, 9, 9000)]
    between = worse._replace(iteration=2)
    assert is_validated([FIRST, between, better, *frozen, worse._replace(repeat=2)])
    assert not is_validated([FIRST, between, worse, *frozen])
