"""Each chart is told in words and has its tables."""

from __future__ import annotations

from typing import Any

from battery.records.metric import METRICS
from battery.records.models import LEARN, Phase
from battery.report.html.charts import BLOCK, Block, Chart, charts, means_document
from battery.report.html.grid import MOST_LINES, Board
from tests.verdict.batteries import Cell, calls, learning


def first(board: Board, metric: str) -> Block:
    (chart,) = (chart for chart in charts(board) if chart.metric == metric)
    return next(chart.blocks)


def rows(block: Block) -> list[list[str | None]]:
    return [[line.name, line.arm, *line.cells] for _, lines in block.groups for line in lines]


def test_the_words_say_where_each_arm_began_and_came_to() -> None:
    board = Board(calls(learning))
    tokens: Chart = charts(board)[0]
    assert tokens.label == (
        "Line chart: tokens per task over the iterations. Mean, learn: from 1,000 to 565. "
        "Mean, frozen: from 1,000 to 1,000."
    )
    assert [chart.metric for chart in charts(board)] == list(METRICS)
    assert rows(first(board, "total_elapsed_s"))[0] == [
        *("mean over tasks", "learn", "2", "1.20", "1.20")
    ]


def test_every_task_has_its_numbers_in_both_arms() -> None:
    block = first(Board(calls(learning)), "total_tokens")
    assert [title.split(":")[0] for title, _ in block.groups] == ["", "alpha", "beta", "gamma"]
    assert len(rows(block)) == 2 + 2 * 8
    assert rows(block)[4:6] == [
        ["alpha 1", "learn", "1,000", "590", "590"],
        [None, "frozen", "1,000", "1,000", "1,000"],
    ]


def test_many_iterations_make_several_tables_and_many_tasks_those_that_are_drawn() -> None:
    board = Board(calls(phases=(Phase.ALPHA,) * 250, iterations=BLOCK + 1, arms=(LEARN,)))
    blocks = list(charts(board)[0].blocks)
    assert [block.title for block in blocks] == [
        f"Tokens per task, iterations 1 to {BLOCK}",
        f"Tokens per task, iterations {BLOCK + 1} to {BLOCK + 1}",
    ]
    assert [len(rows(block)) for block in blocks] == [1 + MOST_LINES] * 2


def test_the_share_that_ends_ok_leaves_impossible_tasks_out() -> None:
    block = first(Board(calls()), "ok_tasks")
    assert rows(block)[0] == ["mean over tasks", "learn", "100%", "100%", "100%"]
    assert len(rows(block)) == 2 + 2 * 6


def test_a_share_short_of_all_is_not_said_to_be_all() -> None:
    def once(cell: Cell) -> dict[str, Any]:
        return {"status": "failed"} if cell.task == 7 else {}

    block = first(Board(calls(once, phases=(Phase.ALPHA,) * 300)), "ok_tasks")
    assert rows(block)[0][2] == "99.7%"


def test_what_was_not_measured_is_no_zero() -> None:
    def silent(_: Cell) -> dict[str, Any]:
        return {"tokens": 0}

    board = Board(calls(silent, iterations=1, arms=(LEARN,)))
    (tokens, *_) = charts(board)
    assert "not measured in the only iteration" in tokens.label
    assert [each[2] for each in rows(next(tokens.blocks))] == ["not measured", *["-"] * 8]
    assert means_document(board)["total_tokens"] == [[None]]
