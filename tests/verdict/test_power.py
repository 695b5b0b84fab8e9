from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from benchmarks import power as benchmark

from battery.verdict.power import (
    LARGEST_DROP,
    average_reduction,
    call_noise,
    compounding_power,
    fewest,
    learned_power,
    nearly,
    smallest,
    trend_power,
)
from battery.verdict.simulation import PACKAGED, SIMULATIONS, Design, Saving, judge
from battery.verdict.statistics import page

pytestmark = pytest.mark.slow

#: Eight tasks once each, with the noise of a language model.
USUAL = Design(PACKAGED, iterations=3, repeats=1, noise=0.3)
LONG = USUAL._replace(iterations=10)


@pytest.mark.parametrize(
    "design",
    [
        USUAL,
        USUAL._replace(iterations=5),
        Design((5, 2, 1), 4, 2, 0.4),
        Design((2, 5, 0), 3, 3, 0.5),
    ],
)
@pytest.mark.parametrize("kind", [Saving._make((1, 0, False)), Saving._make((0, 1, False))])
def test_a_promised_80_percent_is_delivered(design: Design, kind: Saving) -> None:
    """2,000 batteries from other random numbers; the benchmark has more designs, one by one."""

    def saving(share: float) -> Saving:
        return Saving(share * kind.drop, share * kind.once)

    found = smallest(lambda share: learned_power(saving(share), design))
    assert found is not None
    rng = np.random.default_rng(11)
    drawn = [benchmark.simulate(design, saving(found), rng) for _ in range(2_000)]
    own, base = (np.stack(side) for side in zip(*drawn, strict=True))
    assert 0.77 <= judge(own, base, design).learned.mean() <= 0.85


def test_trend_power_is_how_often_one_arm_falls() -> None:
    for design in (USUAL, USUAL._replace(iterations=6, repeats=2)):
        rng = np.random.default_rng(2)
        shape = (800, design.tasks, design.iterations)
        fall = -np.log(1 - 0.1) * np.arange(design.iterations)
        batteries = fall + rng.normal(0, design.noise / np.sqrt(design.repeats), shape)
        seen = [p is not None and p <= 0.05 for p in (page(each).p for each in batteries)]
        assert trend_power(Saving(0.1), design) == pytest.approx(np.mean(seen), abs=0.075)


@pytest.mark.parametrize(
    ("saving", "iterations", "share"),
    [
        (Saving(0.1), 3, 0.25),
        (Saving(0.1), 5, 0.82),
        (Saving(once=0.25), 3, 0.62),
        (Saving(once=0.25), 5, 0.88),
        (Saving(once=0.4, niche=True), 3, 0.45),
        (Saving(once=0.4, niche=True), 5, 0.85),
    ],
)
def test_the_documented_power_comes_out(saving: Saving, iterations: int, share: float) -> None:
    found = learned_power(saving, USUAL._replace(iterations=iterations))
    assert found == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("power", [learned_power, compounding_power, trend_power])
def test_power_never_falls_as_the_drop_grows(power: Callable[..., float]) -> None:
    found = [power(Saving(drop), LONG, 400) for drop in np.linspace(0, 0.5, 12)]
    # Not for each single battery: what one task grows by may look like its own story.
    assert all(later >= earlier - 0.02 for earlier, later in pairwise(found))
    assert found[0] < 0.07
    assert found[-1] > 0.98


def test_without_noise_what_the_verdict_asks_for_is_all_that_is_left() -> None:
    silent = LONG._replace(noise=0.0)
    assert compounding_power(Saving(0.2), silent, 20) == trend_power(Saving(0.01), silent, 20) == 1
    assert learned_power(Saving(once=0.09), silent, 20) == 0
    assert learned_power(Saving(once=0.11), silent, 20) == 1
    assert smallest(lambda once: learned_power(Saving(once=once), silent, 20)) == pytest.approx(
        0.1, abs=0.001
    )


def test_too_few_calls_can_show_nothing() -> None:
    assert learned_power(Saving(0.9), USUAL._replace(phases=(2, 0, 1))) == 0
    assert learned_power(Saving(0.9), USUAL._replace(iterations=1)) == 0
    assert trend_power(Saving(0.9), USUAL._replace(iterations=1)) == 0
    assert compounding_power(Saving(0.5), USUAL._replace(iterations=4)) == 0
    assert compounding_power(Saving(0.5), LONG._replace(phases=(2, 2, 0))) == 0
    assert compounding_power(Saving(0.5), LONG) > 0.9


def test_the_average_reduction_is_what_the_verdict_calls_the_saving() -> None:
    """Iterations 2 and 3 use 90 % and 81 % of the first."""
    assert average_reduction(0.1, 3) == pytest.approx(1 - (0.9 + 0.81) / 2)
    assert average_reduction(0.1, 2) == pytest.approx(0.1)


def test_the_noise_of_a_call_is_found_again() -> None:
    own, base = benchmark.simulate(
        Design((4000, 0, 0), 1, 3, 0.25), Saving(), np.random.default_rng(1)
    )
    logs = np.log(base.mean(axis=2) / own.mean(axis=2))[:, 0]
    assert call_noise(logs, 3) == pytest.approx(0.25, rel=0.05)


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
    def power(drop: float) -> float:
        return learned_power(Saving(drop), USUAL)

    found = smallest(power)
    assert found is not None
    assert 0.8 <= power(found) <= 0.82
    larger = smallest(power, 0.95)
    assert larger is not None
    assert larger > found


def test_a_power_that_jumps_is_found_where_it_jumps() -> None:
    assert smallest(lambda drop: float(drop >= 0.123)) == pytest.approx(0.123, abs=0.001)
    assert smallest(lambda drop: float(drop >= LARGEST_DROP)) == pytest.approx(
        LARGEST_DROP, abs=0.001
    )
    assert smallest(lambda _: 1.0) == pytest.approx(0, abs=0.001)
    assert smallest(lambda _: 0.79) is None


def test_the_fewest_tasks_are_just_enough() -> None:
    def power(tasks: int) -> float:
        return learned_power(Saving(0.2), USUAL.but("tasks", tasks), SIMULATIONS)

    found = fewest(power, 5, 100)
    assert found is not None
    assert power(found) >= 0.8 > power(found - 1)
    assert fewest(power, found + 5, 100) == found + 5
    assert fewest(power, 5, found - 1) is None


def power_of(count: int, enough: float) -> float:
    """Grow as power does, and reach .8 at a number."""
    deviate = 2.84 * (count / enough) ** 0.5 - 2
    return float(0.5 * (1 + np.tanh(0.8 * deviate)))


@pytest.mark.parametrize("enough", [2.5, 9.0, 27.0, 150.0])
def test_a_search_with_few_simulations_comes_near(enough: float) -> None:
    asked: list[int] = []

    def power(count: int) -> float:
        asked.append(count)
        return power_of(count, enough)

    exact, found = fewest(partial(power_of, enough=enough), 2, 200), nearly(power, 2, 200)
    assert exact is not None
    assert found == pytest.approx(exact, abs=max(1, 0.1 * exact))
    assert len(asked) <= 4
    assert nearly(power, 2, 2) == (2 if enough < 2 else None)
