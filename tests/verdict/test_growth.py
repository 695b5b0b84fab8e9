"""A saving grows, comes in steps, stays, or falls again; and each is told from the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from battery.records.findings import Growth
from battery.records.metric import TOKENS
from battery.records.models import LEARN, Phase
from battery.verdict.growth import _fall, falling, growth
from tests.verdict.batteries import PHASES, Cell, observed


def course(*savings: float, **shape: Any) -> Growth:
    """Save this share in each iteration, the first included."""

    def changes(cell: Cell) -> dict[str, Any]:
        saved = savings[cell.iteration - 1] if cell.arm == LEARN else 0.0
        return {"tokens": round((10_000 + 100 * cell.task) * (1 - saved))}

    return growth(observed(changes, iterations=len(savings), **shape).grid, TOKENS)


@pytest.mark.parametrize(
    ("savings", "shape", "best"),
    [
        ((0, 0.1, 0.2, 0.3, 0.4), "grew", 5),
        ((0, 0.1, 0.2, 0.3), "unclear", 4),
        ((0, 0.15, 0.15, 0.4, 0.4), "in steps", 4),
        ((0, 0.3, 0.3, 0.3, 0.3), "steady", 2),
        ((0, 0.1, 0.5, 0.4, 0.25), "past its peak", 3),
        ((0, 0.5, 0.4, 0.3, 0.15), "fading", 2),
        # Few iterations show no growth, but a fall they do.
        ((0, 0.5, 0.1), "fading", 2),
    ],
)
def test_a_course_has_its_shape(savings: tuple[float, ...], shape: str, best: int) -> None:
    found = course(*savings)
    assert (found.shape, found.best) == (shape, best)
    assert [round(1 - (ratio or 0), 2) for ratio in found.ratios] == list(savings[1:])


def test_a_fall_is_corrected_for_the_choice_of_the_best_iteration() -> None:
    assert course(0, 0.1, 0.5, 0.4, 0.25).p_fall == 3 / 256
    assert course(0, 0.5, 0.25).p_fall == 1 / 256
    assert course(0, 0.1, 0.2, 0.3).p_fall is None


def test_a_slope_of_fewer_than_five_tasks_is_one_tasks_story() -> None:
    for tasks, shape in ((5, "grew"), (4, "steady")):
        assert course(0, 0.1, 0.2, 0.3, 0.4, 0.5, phases=(Phase.ALPHA,) * tasks).shape == shape


def test_ranks_that_rise_while_the_saving_falls_are_no_growth() -> None:
    """Seven tasks save a little more each time, and the eighth far less."""

    def changes(cell: Cell) -> dict[str, Any]:
        step = cell.iteration - 2
        saved = 0.8 - 0.2 * step if cell.task == 7 else 0.1 + 0.01 * step
        return {"tokens": round(10_000 * (1 - saved))} if cell.arm == LEARN and step >= 0 else {}

    usual = lambda cell: {"tokens": 10_000} | changes(cell)  # noqa: E731
    found = growth(observed(usual, iterations=5).grid, TOKENS)
    assert found.p is not None
    assert found.p < 0.05
    assert found.shape == "steady"


def test_the_learn_arms_own_cost_falls_over_all_iterations() -> None:
    falls = observed(lambda cell: {"tokens": 1000 - 100 * cell.iteration}, iterations=3).grid
    found = falling(falls, TOKENS)
    assert found
    assert found.p == pytest.approx(6.0**-8)
    assert found.tasks == len(PHASES)
    assert falling(observed(iterations=1).grid, TOKENS) is None


def test_where_nothing_was_measured_nothing_is_said() -> None:
    found = growth(observed(lambda _: {"tokens": None}, iterations=5).grid, TOKENS)
    assert (found.ratios, found.p, found.p_fall, found.best) == ([None] * 4, None, None, None)


def test_where_nothing_was_saved_nothing_fades() -> None:
    """It costs more and more: the least bad iteration is no peak."""
    for savings in ((0, -0.1, -0.5), (0, 0.05, -0.5)):
        found = course(*savings)
        assert found.p_fall == 1 / 256
        assert found.shape == "unclear"
    assert course(0, 0.1, -0.5).shape == "fading"


def test_rounding_is_no_fall() -> None:
    """Equal savings, made of other numbers, may differ in the last digit, in all tasks alike."""
    effects = np.array([[2.0, np.nextafter(2.0, 1.0)]] * 8)
    assert _fall(effects).p is None
