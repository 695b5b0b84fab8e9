from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import scipy

from battery.verdict.power import (
    LARGEST_DROP,
    SIMULATIONS,
    Design,
    average_reduction,
    call_noise,
    compounding_power,
    fewest,
    learned_power,
    primary_power,
    smallest,
    trend_power,
)
from battery.verdict.signflip import Floats, better
from battery.verdict.statistics import page, ratio

pytestmark = pytest.mark.slow

#: Eight tasks once each, with the noise of a language model.
USUAL = Design(tasks=8, iterations=3, repeats=1, noise=0.3)
LONG = USUAL._replace(iterations=6)


def simulated(drop: float, design: Design, batteries: int) -> Floats:
    """Make log(frozen / learn) of every cell from the tokens of single calls."""
    rng = np.random.default_rng(1)
    shape = (batteries, 2, design.tasks, design.iterations, design.repeats)
    sizes = rng.normal(8.0, 0.7, (batteries, 1, design.tasks, 1, 1))
    logs: Floats = sizes + rng.normal(0.0, design.noise, shape)
    logs[:, 1] += np.log(1 - drop) * np.arange(design.iterations)[:, None]
    cells = logs.mean(axis=4)
    logs_of_ratios: Floats = cells[:, 0] - cells[:, 1]
    return logs_of_ratios


def is_primary(logs: Floats) -> bool:
    p = better(logs[:, 1:].mean(axis=1)).p
    return p is not None and p <= 0.05


def is_learned(logs: Floats) -> bool:
    found = ratio(logs[:, 1:].mean(axis=1), 0.95)
    assert found.high is not None
    assert found.value is not None
    return is_primary(logs) and found.high < 1 and found.value <= 0.9


def is_compounding(logs: Floats) -> bool:
    p = page(logs[:, 1:]).p
    return is_learned(logs) and p is not None and p <= 0.05


@pytest.mark.parametrize(
    ("drop", "design"),
    [
        (0.1, USUAL),
        (0.2, USUAL),
        (0.08, LONG),
        (0.08, LONG._replace(tasks=5, repeats=3)),
        (0.1, LONG._replace(tasks=14)),
    ],
)
def test_power_is_how_often_whole_batteries_meet_the_conditions(
    drop: float, design: Design
) -> None:
    """Simulated call by call and judged by the very tests; within four standard errors."""
    batteries = list(simulated(drop, design, 800))
    reduction = average_reduction(drop, design.iterations)
    for found, condition in (
        (primary_power(reduction, design), is_primary),
        (learned_power(reduction, design), is_learned),
        (compounding_power(drop, design), is_compounding),
    ):
        if condition is is_compounding and design.iterations < 5:
            continue
        assert found == pytest.approx(np.mean([condition(each) for each in batteries]), abs=0.075)


def test_trend_power_is_how_often_one_arm_falls() -> None:
    for design in (USUAL, LONG._replace(repeats=2)):
        rng = np.random.default_rng(2)
        shape = (800, design.tasks, design.iterations)
        fall = -np.log(1 - 0.1) * np.arange(design.iterations)
        batteries = fall + rng.normal(0, design.noise / np.sqrt(design.repeats), shape)
        seen = [p is not None and p <= 0.05 for p in (page(each).p for each in batteries)]
        assert trend_power(0.1, design) == pytest.approx(np.mean(seen), abs=0.075)


@pytest.mark.parametrize(
    ("drop", "iterations", "primary", "learned"),
    [(0.1, 3, 0.37, 0.25), (0.1, 5, 0.93, 0.85), (0.2, 3, 0.87, 0.77)],
)
def test_the_documented_power_comes_out(
    drop: float, iterations: int, primary: float, learned: float
) -> None:
    design = USUAL._replace(iterations=iterations)
    reduction = average_reduction(drop, iterations)
    assert primary_power(reduction, design) == pytest.approx(primary, abs=0.03)
    assert learned_power(reduction, design) == pytest.approx(learned, abs=0.03)


@pytest.mark.parametrize("tasks", [12, 13, 40])
def test_with_many_tasks_the_power_is_that_of_students_t(tasks: int) -> None:
    """Up to 12 tasks the flips are counted; from 13 on the t test stands for them."""
    design = Design(tasks, 3, 1, 0.3)
    effect = 2.5 / np.sqrt(tasks)
    reduction = 1 - np.exp(-effect * 0.3)
    critical = scipy.stats.t.ppf(0.95, tasks - 1)
    oracle = float(scipy.stats.nct.sf(critical, tasks - 1, 2.5))
    assert primary_power(reduction, design) == pytest.approx(oracle, abs=0.03)


def test_without_an_effect_nothing_is_claimed_more_often_than_allowed() -> None:
    three_errors = 3 * np.sqrt(0.05 * 0.95 / SIMULATIONS)
    for design in (USUAL, LONG, Design(20, 5, 2, 0.5)):
        for found in (
            primary_power(0.0, design),
            learned_power(0.0, design),
            compounding_power(0.0, design),
            trend_power(0.0, design),
        ):
            assert 0 <= found <= 0.05 + three_errors
        assert primary_power(0.0, design) > 0.02


@pytest.mark.parametrize("power", [primary_power, learned_power, compounding_power, trend_power])
def test_power_never_falls_as_the_drop_grows(power: Callable[[float, Design], float]) -> None:
    found = [power(drop, LONG) for drop in np.linspace(-0.2, 0.6, 30)]
    assert found == sorted(found)
    assert found[0] < 0.05
    assert found[-1] == 1.0


def test_without_noise_what_the_verdict_asks_for_is_all_that_is_left() -> None:
    silent = LONG._replace(noise=0.0)
    assert primary_power(0.001, silent) == compounding_power(0.2, silent) == 1.0
    assert trend_power(0.001, silent) == 1.0
    assert learned_power(0.09, silent) == 0.0
    assert learned_power(0.11, silent) == 1.0
    assert primary_power(0.0, silent) == learned_power(0.0, silent) == 0.0


@pytest.mark.parametrize("tasks", [1, 2, 4])
def test_fewer_than_five_tasks_can_show_nothing(tasks: int) -> None:
    few = LONG._replace(tasks=tasks)
    assert primary_power(0.9, few) == learned_power(0.9, few) == compounding_power(0.9, few) == 0.0
    assert primary_power(0.9, few._replace(tasks=5)) > 0.99


def test_a_single_iteration_shows_nothing_and_four_show_no_compounding() -> None:
    single = USUAL._replace(iterations=1)
    assert primary_power(0.9, single) == learned_power(0.9, single) == 0.0
    assert trend_power(0.9, single) == compounding_power(0.9, single) == 0.0
    assert compounding_power(0.5, USUAL._replace(iterations=4)) == 0.0
    assert compounding_power(0.5, USUAL._replace(iterations=5)) > 0.9


def test_a_thousand_tasks_see_a_small_drop() -> None:
    assert compounding_power(0.03, Design(1000, 10, 1, 0.3)) == 1.0


def test_the_average_reduction_is_the_geometric_mean_over_later_iterations() -> None:
    """Iterations 2 and 3 use 90 % and 81 % of the first."""
    assert average_reduction(0.1, 3) == pytest.approx(1 - np.sqrt(0.9 * 0.81))
    assert average_reduction(0.1, 2) == pytest.approx(0.1)


def test_an_average_that_rounds_to_everything_is_still_an_effect() -> None:
    design = USUAL._replace(iterations=60)
    assert average_reduction(0.95, 60) == 1.0
    assert learned_power(1.0, design) == compounding_power(0.95, design) == 1.0


def test_the_noise_of_a_call_is_found_again() -> None:
    first = simulated(0.0, Design(4000, 1, 3, 0.25), 1)[0, :, 0]
    assert call_noise(first, 3) == pytest.approx(0.25, rel=0.05)


def test_the_noise_of_too_few_tasks_is_unknown_and_of_equal_ones_zero() -> None:
    nan = float("nan")
    assert call_noise(np.array([]), 1) is None
    assert call_noise(np.array([0.3]), 1) is None
    assert call_noise(np.array([0.3, nan]), 1) is None
    assert call_noise(np.zeros(8), 1) == 0.0
    assert call_noise(np.array([0.1, nan, 0.3]), 1) == pytest.approx(
        np.std([0.1, 0.3], ddof=1) / 2**0.5
    )


def test_the_smallest_drop_is_just_enough() -> None:
    power = partial(learned_power, design=USUAL)
    found = smallest(power)
    assert found is not None
    assert power(found) >= 0.8 > power(found - 0.001)
    better_power = smallest(power, 0.95)
    assert better_power is not None
    assert better_power > found


def test_no_drop_is_enough_where_even_the_largest_is_not_seen() -> None:
    assert smallest(partial(learned_power, design=USUAL._replace(tasks=4))) is None
    assert smallest(lambda drop: float(drop >= LARGEST_DROP)) == pytest.approx(LARGEST_DROP)


def test_the_fewest_tasks_are_just_enough() -> None:
    def power(tasks: int) -> float:
        return learned_power(0.2, USUAL._replace(tasks=tasks))

    found = fewest(power, 5, 100)
    assert found is not None
    assert power(found) >= 0.8 > power(found - 1)
    assert fewest(power, found + 5, 100) == found + 5
    assert fewest(power, 5, found - 1) is None
