"""Arms differ at the start where chance does not explain it and the difference is worth a word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.records.metric import TOKENS
from battery.records.models import FROZEN, LEARN
from battery.verdict.start import Alike, alike
from tests.verdict.batteries import PHASES, Cell, observed


def differing(*factors: float | None, phases: Any = PHASES) -> Alike:
    """Let the learner take this share of the twin's tokens of each task."""

    def changes(cell: Cell) -> dict[str, Any]:
        factor = factors[cell.task] if cell.arm == LEARN else 1.0
        tokens = None if factor is None else round(100_000 * (1 + cell.task) * factor)
        return {"tokens": tokens, "memory_used": None}

    return alike(observed(changes, iterations=2, phases=phases).grid, TOKENS)


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ([0.6] * 8, "took 40% fewer tokens on a typical task than its twin (p = 0.008, 8 "),
        ([1.05] * 8, "5% more tokens"),
        # Regular, but too small to spoil anything.
        ([1.049] * 8, None),
        ([1.0] * 8, None),
        # Seven of eight tasks may lean one way by chance.
        ([0.6] * 7 + [1.1], None),
        # Nobody reported tokens of one task, and seven may lean one way by chance.
        ([None] + [0.6] * 7, None),
        # An answer from memory costs nothing; it counts as a hundredth.
        ([0.0] * 8, "99% fewer tokens"),
    ],
)
def test_arms_differ_by_chance_or_by_little_or_not(
    factors: list[float | None], said: str | None
) -> None:
    found = differing(*factors)
    assert found.differing is None if said is None else said in str(found.differing)


def test_it_says_why_most_likely() -> None:
    assert "memory of an earlier battery" in str(differing(*[0.6] * 8).differing)
    assert "not the same version" in str(differing(*[1.6] * 8).differing)


def test_what_differs_was_learned_where_battery_gave_both_arms_the_same_memory() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        return {"tokens": 600 if cell.arm == LEARN else 1000, "memory_used": cell.arm == LEARN}

    grid = observed(changes, iterations=2).grid
    assert alike(grid, TOKENS).differing
    found = alike(grid, TOKENS, kept=True)
    assert found.differing is None
    assert not found.start.netted
    assert not found.netted.any()


def test_a_small_and_regular_difference_is_taken_off_by_task() -> None:
    found = differing(*[1.01, 1.02, 1.03, 1.01, 1.02, 1.03, 1.01, None][:7], 1.02)
    assert found.start.netted
    assert found.netted == pytest.approx(
        np.log(1 / np.array([1.01, 1.02, 1.03] * 2 + [1.01, 1.02]))
    )
    large = differing(*[0.6] * 8)
    assert not large.start.netted
    assert not large.netted.any()


@pytest.mark.parametrize(
    ("learn", "frozen", "said"),
    [(True, False, "only the learner"), (False, True, "only the twin"), (True, True, None)],
)
def test_a_memory_that_only_one_arm_has_is_seen_without_a_test(
    learn: bool, frozen: bool, said: str | None
) -> None:
    given_any = {LEARN: learn, FROZEN: frozen}
    grid = observed(lambda cell: {"memory_used": given_any[cell.arm]}).grid
    found = alike(grid, TOKENS).differing
    assert found is None if said is None else said in str(found)
    unknown = observed(lambda cell: {"memory_used": True if cell.arm == LEARN else None}).grid
    assert alike(unknown, TOKENS).differing is None


@given(st.lists(st.floats(0.5, 2.0), min_size=8, max_size=8))
def test_exchanging_the_arms_inverts_the_ratio(factors: list[float]) -> None:
    one, other = differing(*factors), differing(*(1 / factor for factor in factors))
    assert one.start.ratio
    assert other.start.ratio
    assert one.start.ratio * other.start.ratio == pytest.approx(1, rel=1e-3)
