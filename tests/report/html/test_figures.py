"""Intervals are drawn to scale, with no difference always on it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.records.metric import ELAPSED, OK, OVERSEER, TOKENS, TURNS
from battery.records.models import LEARN
from battery.report.evidence import EFFECT
from battery.report.html.figures import Scale, bar, drawn, headline
from battery.verdict.assess import assess
from tests.report.samples import metrics, summary, three
from tests.verdict.batteries import Cell, learning, observed

CHANGES = st.floats(-1, 20, allow_nan=False)


@pytest.mark.parametrize(
    ("changes", "low", "high"),
    [
        ([], -0.1, 0.1),
        ([-0.05, 0.1], -0.1, 0.1),
        ([-0.4, -0.55], -1, 1),
        ([3.0], -1, 5),
        ([99.0], -1, 10),
    ],
)
def test_the_scale_is_the_smallest_that_holds_all(
    changes: list[float], low: float, high: float
) -> None:
    assert Scale.over(changes) == (low, high)


@given(st.lists(CHANGES, min_size=3, max_size=3).map(sorted))
def test_places_keep_the_order_and_stay_inside(values: list[float]) -> None:
    low, middle, high = values
    scale = Scale.over(values)
    drawn = bar("words", [middle, low, high], scale)
    assert drawn.band
    left, right = drawn.band[0], 100 - drawn.band[1]
    assert 0 <= left <= drawn.point + 0.01
    assert drawn.point <= right + 0.01 <= 100.02
    assert 0 < drawn.none < 100


def test_ticks_name_both_ends_and_nothing_between() -> None:
    drawn = bar("words", [-0.2], Scale.over([-0.2]), ticks=True)
    assert [text for _, text in drawn.ticks] == ["-25%", "0%: no difference", "+25%"]
    assert drawn.band is None


def test_with_two_arms_it_is_the_effect_with_its_interval() -> None:
    evidence = assess(observed(learning))
    found = headline(three(evidence=evidence), evidence)
    assert found.value == "-43.5%"
    assert "95% interval" in found.text
    assert "p = 0.004" in found.text
    assert found.figure
    assert found.figure.band
    assert found.figure.point < found.figure.none
    assert found.value in found.figure.label


def test_with_one_arm_it_is_the_trend_and_no_interval() -> None:
    evidence = assess(observed(learning, arms=("learn",)))
    found = headline(three(evidence=evidence), evidence)
    assert found.title == "Tokens, from the first to the last iteration"
    assert found.figure
    assert found.figure.band is None
    assert "no frozen arm" in found.text


def test_a_single_iteration_has_nothing_to_draw() -> None:
    evidence = assess(observed(iterations=1))
    found = headline(summary(metrics(1), evidence=evidence), evidence)
    assert (found.value, found.figure) == ("No effect can be shown", None)


def test_tokens_that_nobody_reported_have_no_effect() -> None:
    def silent(_: Cell) -> dict[str, Any]:
        return {"tokens": None}

    evidence = assess(observed(silent))
    found = headline(three(evidence=evidence), evidence)
    assert (found.value, found.figure) == ("No effect can be shown", None)
    assert drawn(EFFECT, evidence.effects)[0].figure is None


def test_ratios_are_drawn_on_one_scale_and_rates_on_another() -> None:
    def slow(cell: Cell) -> dict[str, Any]:
        return {"elapsed_ms": 20_000 if cell.arm == LEARN else 2000}

    rows = drawn(EFFECT, assess(observed(slow)).effects)
    figures = {row.cells[0]: row.figure for row in rows if row.figure}
    assert len({figures[metric].none for metric in (TOKENS, TURNS, ELAPSED)}) == 1
    assert figures[OK].none == figures[OVERSEER].none == 50
    assert figures[ELAPSED].none < 50
