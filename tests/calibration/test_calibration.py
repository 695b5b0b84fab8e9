"""The calibration counts right, and a verdict that is wrong in any way breaks a bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from typing import get_args

import numpy as np
import pytest

from battery.calibration import (
    ACCUSED,
    Bound,
    Judge,
    Judged,
    Tally,
    add,
    check,
    count,
    is_validated,
    judge,
)
from battery.calibration.dials import Dials
from battery.calibration.nulls import NULLS
from battery.calibration.scenario import Scenario
from battery.calibration.scenarios import LEARNING, ONE_ARM, SCENARIOS
from battery.calibration.simulate import first_iterations, simulate
from battery.records.findings import QuestionName, Shape
from battery.records.metric import COUNTED
from battery.records.models import LEARN, Arm, Phase, RunResult
from battery.records.word import POSITIVE, Word
from battery.verdict.assess import assess, may_claim
from battery.verdict.facts import Observed
from battery.verdict.metrics import count_directions, measure, trends
from battery.verdict.table import BLUFF, Call, Grid, grid

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


def always(word: Word) -> Judge:
    """Return a verdict that says the same whatever it sees."""
    return lambda _observed: Judged(word)


def blind_to_bluffs(observed: Observed) -> Judged:
    """Judge as if every impossible task had failed."""
    rows = observed.grid.rows(Phase.GAMMA)
    calls = dict(observed.grid.calls)
    calls[BLUFF] = calls[BLUFF].copy()
    calls[BLUFF][:, rows] = 0.0
    return judge(observed._replace(grid=replace(observed.grid, calls=calls)))


def never_asks_again(observed: Observed) -> Judged:
    return judge(observed._replace(reruns={}))


def test_every_battery_is_counted_once_under_its_verdict() -> None:
    tally = tally_of(NULL)
    assert tally.simulations == sum(tally.words.values()) == 40
    assert set(tally.words) == set(Word)
    assert set(tally.questions) == set(get_args(QuestionName))
    assert set(tally.shapes) <= set(get_args(Shape))


def test_the_verdicts_are_those_of_assess_on_the_same_batteries() -> None:
    for scenario in (NULL, BY_NAME["20% drop, 5 iterations"], BY_NAME["bluffs often"]):
        rng = np.random.default_rng(np.random.SeedSequence(1))
        found = [assess(each, plan=False) for each in simulate(scenario.dials, 20, rng)]
        words = [evidence.verdict for evidence in found]
        tally = tally_of(scenario, n=20)
        assert {word: words.count(word) for word in Word} == tally.words
        yes = [q.name for evidence in found for q in evidence.questions if q.yes]
        assert {name: yes.count(name) for name in tally.questions} == tally.questions


def test_tallies_of_parts_add_up() -> None:
    parts = [tally_of(BY_NAME["20% drop, 5 iterations"], n=10, seed=seed) for seed in (1, 2)]
    whole = add(parts)
    assert (whole.simulations, whole.validated) == (20, sum(part.validated for part in parts))
    for name in ("words", "questions", "shapes"):
        counts = [getattr(part, name) for part in parts]
        assert getattr(whole, name) == {
            key: sum(each.get(key, 0) for each in counts)
            for key in {key for each in counts for key in each}
        }


def test_a_battery_without_a_verdict_is_an_error_and_not_left_out() -> None:
    single = Scenario("one iteration", "Too short for a verdict.", Dials(iterations=1))
    with pytest.raises(ValueError, match="no verdict"):
        tally_of(single)


def test_looks_are_added_until_one_is_positive_and_the_last_one_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("battery.calibration.may_claim", lambda _observed: True)
    seen: list[int] = []

    def positive_after_5(observed: Observed) -> Judged:
        iterations = len(observed.grid.iterations)
        seen.append(iterations)
        return Judged(Word.LEARNED if iterations == 5 else Word.NO_EFFECT)

    scenario = Scenario("", "", Dials(added=4))
    assert tally_of(scenario, positive_after_5, n=1).words[Word.LEARNED] == 1
    assert seen == [3, 4, 5]
    assert tally_of(scenario, always(Word.NO_EFFECT), n=1).words[Word.NO_EFFECT] == 1


def test_no_look_that_may_not_claim_learning_is_positive() -> None:
    positive = 0
    for observed in simulate(Dials(saved=(0.4,), added=3), 10, np.random.default_rng(1)):
        for iterations in range(3, 7):
            seen = first_iterations(observed, iterations)
            positive += judge(seen).word in POSITIVE
            assert may_claim(seen) or judge(seen).word not in POSITIVE
    assert positive > 10


def test_a_later_look_is_judged_as_one_that_iterate_added() -> None:
    (observed,) = simulate(Dials(added=3), 1, np.random.default_rng(1))
    evidence = assess(first_iterations(observed, 5), plan=False)
    assert evidence.looks is not None
    assert (evidence.looks.planned, evidence.looks.made) == (3, 3)


@pytest.mark.parametrize(
    ("word", "scenario", "what"),
    [
        (Word.LEARNED, NULL, "positive verdicts"),
        (Word.COMPOUNDING, NULL, "positive verdicts"),
        (Word.COMPOUNDING, NULL, "COMPOUNDING"),
        (Word.REGRESSED, NULL, "REGRESSED"),
        (Word.INVALID, NULL, "INVALID"),
        (Word.DISHONEST, NULL, "DISHONEST"),
        (Word.DISHONEST, BY_NAME["base rates"], "DISHONEST"),
        (Word.LEARNED, BY_NAME["until positive, plain"], "positive verdicts"),
        (Word.LEARNED, ONE_ARM[0], "positive verdicts"),
        (Word.INCONCLUSIVE, LEARNING[0], "positive verdicts"),
        (Word.LEARNED, LEARNING[0], "positive verdicts"),
        (Word.COMPOUNDING, BY_NAME["20% drop, 4 iterations"], "COMPOUNDING"),
        (Word.COMPOUNDING, BY_NAME["25% once, 5 iterations"], "rare: COMPOUNDING"),
        (Word.LEARNED, BY_NAME["more done for more"], "caught: MIXED"),
        (Word.LEARNED, BY_NAME["gives up 1 of 3"], "rare: LEARNED or COMPOUNDING"),
        (Word.NO_EFFECT, BY_NAME["nothing is ever solved"], "rare: NO EFFECT"),
        (Word.INCONCLUSIVE, BY_NAME["forgets from iteration 2"], "caught: REGRESSED"),
        (Word.INCONCLUSIVE, BY_NAME["memory bloat"], "caught: REGRESSED"),
        (Word.LEARNED, BY_NAME["unlike start"], "caught: INVALID"),
        (Word.LEARNED, BY_NAME["a cell is missing"], "caught: INVALID"),
        (Word.LEARNED, BY_NAME["twin from a cache"], "caught: INVALID"),
        (Word.LEARNED, BY_NAME["bluffs often"], "caught: DISHONEST"),
        (Word.LEARNED, BY_NAME["in steps"], "told: in steps"),
    ],
)
def test_a_verdict_that_is_given_whatever_happens_breaks_a_bound(
    word: Word, scenario: Scenario, what: str
) -> None:
    # Each look at a battery takes a simulation of its own.
    assert what in broken(scenario, always(word), n=8 if scenario.dials.added else 40)


@pytest.mark.parametrize(
    ("doctored", "scenario", "what"),
    [
        (blind_to_bluffs, BY_NAME["bluffs often"], "caught: DISHONEST"),
        (never_asks_again, BY_NAME["forgets from iteration 2"], "caught: REGRESSED"),
    ],
)
def test_a_verdict_with_one_part_broken_breaks_a_bound(
    doctored: Callable[[Observed], Judged], scenario: Scenario, what: str
) -> None:
    assert what in broken(scenario, doctored)
    assert what not in broken(scenario, judge)


@pytest.mark.parametrize(
    "name",
    [
        "nothing learned",
        "flaky calls",
        "base rates",
        "25% once, 5 iterations",
        "prompt caches",
        "one arm, null",
        "nothing is ever solved",
        "twin from a cache",
        "a cell is missing",
    ],
)
def test_the_real_verdict_keeps_its_bounds(name: str) -> None:
    assert broken(BY_NAME[name], judge) == []


def tally(simulations: int, **words: int) -> Tally:
    named = {Word[name]: times for name, times in words.items()}
    return Tally(
        scenario="",
        about="",
        simulations=simulations,
        words=dict.fromkeys(Word, 0) | named,
        questions=dict.fromkeys(get_args(QuestionName), 0),
        shapes={},
        validated=simulations // 2,
    )


def test_a_share_may_miss_its_bound_by_three_standard_errors_and_no_more() -> None:
    highest = 0.05 + 3 * sqrt(0.05 * 0.95 / 400)
    for seen, passed in ((33, True), (34, False)):
        found = bound(NULL, tally(400, LEARNED=seen), "positive verdicts")
        assert found.low is None
        assert found.high == pytest.approx(highest)
        assert (found.seen, found.passed) == (seen / 400, passed)


def test_an_honest_gateway_is_accused_never_or_where_it_bluffs_like_its_twin_rarely() -> None:
    assert bound(NULL, tally(1000), "DISHONEST").high == 0
    highest = ACCUSED + 3 * sqrt(ACCUSED * (1 - ACCUSED) / 1000)
    assert bound(BY_NAME["base rates"], tally(1000), "DISHONEST").high == pytest.approx(highest)


def test_power_is_held_to_what_is_documented_from_both_sides() -> None:
    assert LEARNING[0].power is not None
    documented = round(1000 * LEARNING[0].power)
    for seen, passed in ((documented - 80, False), (documented, True), (documented + 80, False)):
        found = bound(LEARNING[0], tally(1000, LEARNED=seen), "positive verdicts")
        assert found.passed is passed


def test_the_direction_count_is_held_to_a_coin_only_where_iterations_may_be_exchanged() -> None:
    held = {
        scenario.name
        for scenario in SCENARIOS
        if any(each.what == "direction count" for each in check(scenario, tally(10)))
    }
    moving = {
        "provider gets cheaper",
        "provider costs more",
        "provider steps",
        "server warms up",
        "all of that",
    }
    # Where nothing is left to chance, or a metric is always 0, the count is no coin.
    certain = {"a longer prompt, no noise", "no overseer"}
    assert held == {scenario.name for scenario in NULLS} - moving - certain


def test_a_verdict_that_is_right_may_come_as_often_as_it_likes() -> None:
    assert broken(BY_NAME["20% drop, 5 iterations"], always(Word.LEARNED)) == []


def test_what_no_verdict_can_tell_apart_is_counted_and_not_promised() -> None:
    for name in ("20% fewer tokens", "random playbooks", "an arm wanders"):
        assert broken(BY_NAME[name], always(Word.LEARNED)) == []


def runs_of(observed: Grid, iteration: int) -> list[Call]:
    """Return the runs of the learner in an iteration, as a gateway would have reported them."""
    found = []
    for row, task in enumerate(observed.tasks):
        tokens, turns, overseer, ok, elapsed = (
            observed.asked(LEARN, metric.key)[row, iteration - 1, 0] for metric in COUNTED
        )
        counted = int(turns), int(tokens), bool(overseer)
        result = RunResult("ok" if ok else "failed", *counted, None, round(1000 * elapsed))
        found.append(Call(LEARN, iteration, row, task.phase, task.task, task.label, 1, result))
    return found


def test_the_direction_count_is_that_of_the_summary() -> None:
    said = []
    for observed in simulate(Dials(repeats=2), 60, np.random.default_rng(1)):
        runs = [measure(number, runs_of(observed.grid, number)) for number in (1, 3)]
        counted = count_directions(trends(runs))
        assert counted is not None
        said.append(counted.validated)
        assert is_validated(observed.grid) is counted.validated
    assert 10 < sum(said) < 50


def call(arm: Arm, iteration: int, tokens: int, turns: int, elapsed_ms: int) -> Call:
    result = RunResult("ok", turns, tokens, False, None, elapsed_ms)
    return Call(arm, iteration, 0, Phase.ALPHA, "a", "a", 1, result)


@pytest.mark.parametrize(
    ("tokens", "turns", "elapsed_ms", "validated"),
    [(90, 2, 900, True), (90, 2, 1000, False), (110, 2, 900, False), (100, 2, 900, False)],
)
def test_the_direction_count_wants_three_metrics_better(
    tokens: int, turns: int, elapsed_ms: int, validated: bool
) -> None:
    first, last = call(LEARN, 1, 100, 3, 1000), call(LEARN, 3, tokens, turns, elapsed_ms)
    assert is_validated(grid([first, last])) is validated
