"""How a metric moved, in words."""

from __future__ import annotations

import pytest

from battery.records.findings import Expectation
from battery.records.summary import Trend
from battery.report.trends import metric_value, moved, trend_change


def trend(metric: str, change: float, relative: float | None) -> Trend:
    return Trend(
        metric=metric, goal="fewer", values=[], direction="flat", change=change, relative=relative
    )


@pytest.mark.parametrize(
    ("metric", "change", "relative", "text"),
    [
        ("total_tokens", -4520, -4520 / 9300, "(-4520.00, -48.6%)"),
        ("total_tokens", 3, None, "(+3.00)"),
        ("total_tokens", 0, 0, "(0.00, 0.0%)"),
        ("avg_turns_per_task", -1.125, -1.125 / 3.625, "(-1.13, -31.0%)"),
        ("total_tokens", 9_000_000, 9.0, "(+9000000.00, +900.0%)"),
        ("avg_turns_per_task", 0.0005, 0.0005, "(0.00, +0.1%)"),
        ("cost_usd", -0.0456, -0.486, "(-$0.0456, -48.6%)"),
        ("cost_usd", 0.5, None, "(+$0.500)"),
    ],
)
def test_a_change_has_signs_and_a_relative_part_when_there_is_one(
    metric: str, change: float, relative: float | None, text: str
) -> None:
    assert trend_change(trend(metric, change, relative)) == f"flat {text}"


def test_values_have_two_decimals_and_money_its_own() -> None:
    assert metric_value("total_tokens", 9300) == "9300.00"
    assert metric_value("cost_usd", 0.0123) == "$0.0123"
    assert metric_value("cost_usd", None) == "-"


def test_what_was_expected_is_written_as_its_metric() -> None:
    expectation = Expectation(
        iteration=1,
        proposal=1,
        title="t",
        metric="cost_usd",
        expected="fall",
        before=0.02,
        after=0.01,
        outcome="right",
    )
    assert moved(expectation) == "$0.0200 → $0.0100"
