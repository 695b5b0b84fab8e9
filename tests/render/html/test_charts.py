"""Each chart is told in words and has its table."""

from __future__ import annotations

from typing import Any

from battery.evidence.table import METRICS, grid
from battery.models import LEARN
from battery.render.html.charts import charts, means_document
from tests.evidence.batteries import Cell, calls, learning


def test_the_words_say_where_each_arm_began_and_came_to() -> None:
    tokens, *_, elapsed = charts(grid(calls(learning)))
    assert tokens.label == (
        "Line chart: tokens a task over the iterations. Mean, learn: from 1,000.00 to 565.00. "
        "Mean, frozen: from 1,000.00 to 1,000.00."
    )
    assert [chart.metric for chart in charts(grid(calls()))] == list(METRICS)
    assert elapsed.rows[0] == ["learn", "2.00", "1.20", "1.20"]


def test_the_share_that_ends_ok_leaves_impossible_tasks_out() -> None:
    found = {chart.metric: chart.rows[0] for chart in charts(grid(calls()))}
    assert found["ok_tasks"] == ["learn", "100%", "100%", "100%"]


def test_what_was_not_measured_is_no_zero() -> None:
    def silent(_: Cell) -> dict[str, Any]:
        return {"tokens": 0}

    table = grid(calls(silent, iterations=1, arms=(LEARN,)))
    (tokens, *_) = charts(table)
    assert tokens.rows == [["learn", "not measured"]]
    assert "not measured in all there is" in tokens.label
    assert means_document(table)["total_tokens"] == [[None]]
