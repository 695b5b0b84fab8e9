"""The grid says of every task what came of it, in each iteration and arm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.records.metric import COUNTED
from battery.records.models import FROZEN, LEARN, Arm, Phase
from battery.records.stages import TASK_STAGES
from battery.report.html.board import (
    BLOCK,
    MOST_LINES,
    ROWS,
    Block,
    Board,
    Chart,
    charts,
    figure,
    means_document,
    rate,
    rounded,
)
from battery.verdict.table import Call
from tests.verdict.batteries import PHASES, REFUTED, Cell, call, calls, learning


def test_tasks_stand_by_phase_with_the_cells_of_each_arm_in_turn() -> None:
    (part,) = Board(calls(iterations=2)).parts()
    titles = [title.split()[0] for title, _ in part.phases]
    assert titles == ["Easy", "Niche", "Impossible"]
    first = part.phases[0][1][0]
    assert first.label == "alpha 0"
    names = [cell.name for cell in first.cells]
    assert names == [
        "call-1-learn-0-1",
        "call-2-learn-0-1",
        "call-1-frozen-0-1",
        "call-2-frozen-0-1",
    ]
    assert [cell.classes for cell in first.cells] == ["learn", "learn", "frozen edge", "frozen"]


def test_a_heading_says_what_the_stage_s_record_does(monkeypatch: pytest.MonkeyPatch) -> None:
    strange = replace(TASK_STAGES[Phase.BETA], about="strange tasks")
    monkeypatch.setitem(TASK_STAGES, Phase.BETA, strange)
    board = Board(calls(iterations=1))
    (part,) = board.parts()
    assert "Strange tasks" in [title for title, _ in part.phases]
    assert "Strange tasks" in [title for title, _ in first(board, "total_tokens").groups]


def test_a_cell_is_marked_when_a_call_did_not_end_as_it_should() -> None:
    def wrong(cell: Cell) -> dict[str, Any]:
        if (cell.arm, cell.repeat) != (LEARN, 2) or cell.task not in {0, 7}:
            return {}
        return {"status": "ok" if cell.phase is Phase.GAMMA else "blocked"}

    (part,) = Board(calls(wrong, iterations=1, repeats=3)).parts()
    rows = [row for _, rows in part.phases for row in rows]
    marked = {row.label: row.cells[0].classes for row in rows if row.cells[0].classes != LEARN}
    assert marked == {"alpha 0": "learn off", "gamma 7": "learn bluff"}
    assert rows[0].cells[0].text == "2 ok, 1 blocked"
    assert rows[7].cells[0].text == "2 refused, 1 bluff"
    assert rows[6].cells[0].text == "3 refused"


def test_a_bluff_on_any_task_is_told_from_a_failure() -> None:
    def wrong(cell: Cell) -> dict[str, Any]:
        return {0: REFUTED, 1: {"status": "failed"}}.get(cell.task, {})

    board = Board(calls(wrong, iterations=1))
    (part,) = board.parts()
    refuted, failed, sound = (row.cells[0] for row in part.phases[0][1])
    assert (refuted.text, refuted.classes) == ("bluff", "learn bluff")
    assert (failed.text, failed.classes) == ("failed", "learn off")
    assert (sound.text, sound.classes) == ("ok", "learn")
    assert board.marks() == ["bluff", "off"]
    assert Board(calls(iterations=1)).marks() == []


def new(task: int, iteration: int, arm: Arm = LEARN, **changes: Any) -> Call:
    """Make the call of a sibling, which is another one in each iteration."""
    phase = PHASES[task]
    made = call(Cell(arm, iteration, 0, phase, 1), changes)
    name = f"new {task}.{iteration}"
    return made._replace(task=name, label=name, phase=phase, sibling_of=f"id{task}")


def test_siblings_share_a_row_below_their_task_and_name_what_each_iteration_asked() -> None:
    board = Board(calls(iterations=2), [new(4, 1), new(4, 2, **REFUTED), new(4, 2, FROZEN)])
    (part,) = board.parts()
    niche = part.phases[1][1]
    assert [(row.label, row.new) for row in niche] == [
        ("beta 3", False),
        ("beta 4", False),
        ("beta 4", True),
        ("beta 5", False),
    ]
    cells = niche[2].cells
    assert [cell.asked for cell in cells] == ["new 4.1", "new 4.2", "", "new 4.2"]
    assert [cell.text for cell in cells] == ["ok", "bluff", "-", "ok"]
    assert [cell.name for cell in cells] == [
        "call-1-learn-8-1",
        "call-2-learn-8-1",
        None,
        "call-2-frozen-8-1",
    ]
    assert board.marks() == ["bluff"]


def test_the_numbers_of_siblings_come_after_those_of_the_tasks() -> None:
    siblings = [new(0, 1, tokens=70), new(0, 2), new(7, 1, tokens=90)]
    document = Board(calls(iterations=2), siblings).document()
    assert document["tasks"][8:] == ["new, like alpha 0", "new, like gamma 7"]
    assert document["values"]["total_tokens"][0][8:] == [[70, 1000], [90, None]]
    assert document["values"]["ok_tasks"][0][8:] == [[1, 1], [None, None]]
    assert document["calls"][0][8:] == [[1, 1], [1, 0]]
    assert document["calls"][1][8:] == [[0, 0], [0, 0]]
    assert document["lines"] == list(range(8))


def test_siblings_of_no_task_of_the_battery_have_no_row() -> None:
    lost = new(0, 1)._replace(sibling_of="gone")
    assert Board(calls(), [lost]).document() == Board(calls()).document()


def test_a_cell_without_a_call_leads_nowhere() -> None:
    lost = [call for call in calls() if (call.task, call.iteration) != ("id1", 2)]
    (part,) = Board(lost).parts()
    cell = part.phases[0][1][1].cells[1]
    assert (cell.name, cell.text) == (None, "-")


def test_many_tasks_make_several_tables_and_a_choice_of_lines() -> None:
    board = Board(calls(phases=(Phase.ALPHA,) * 250, iterations=1))
    spans = [(part.first, part.last) for part in board.parts()]
    assert spans == [(1, ROWS), (ROWS + 1, 2 * ROWS), (2 * ROWS + 1, 250)]
    lines = board.lines()
    assert len(lines) == len(set(lines)) == MOST_LINES
    assert (lines[0], lines[-1]) == (0, 249)
    assert Board(calls()).lines() == list(range(8))


def test_the_document_has_a_number_a_cell_and_null_for_what_was_not_measured() -> None:
    def silent(cell: Cell) -> dict[str, Any]:
        return {"tokens": None} if cell.task == 1 else {"tokens": 1234.5678}

    document = Board(calls(silent, repeats=2)).document()
    assert document["values"]["total_tokens"][0][0] == [1234.57] * 3
    assert document["values"]["total_tokens"][1][1] == [None] * 3
    assert document["calls"][1][7] == [2, 2, 2]


def test_a_whole_number_of_any_length_is_not_rounded() -> None:
    document = Board(calls(lambda _: {"tokens": 1_234_567_891})).document()
    assert document["values"]["total_tokens"][0][0] == [1_234_567_891] * 3


def test_impossible_tasks_have_no_share_of_those_that_end_ok() -> None:
    ends = Board(calls(learning)).document()["values"]["ok_tasks"][0]
    assert ends == [[1] * 3] * 6 + [[None] * 3] * 2


def test_a_long_name_is_cut() -> None:
    (one, *_) = calls()
    (part,) = Board([one._replace(label="word " * 1000)]).parts()
    assert len(part.phases[0][1][0].label) <= 160


def first(board: Board, metric: str) -> Block:
    (chart,) = (chart for chart in charts(board) if chart.metric == metric)
    return next(chart.blocks)


def rows(block: Block) -> list[list[str | None]]:
    return [[line.name, line.arm, *line.cells] for _, lines in block.groups for line in lines]


def test_the_words_say_where_each_arm_began_and_came_to() -> None:
    board = Board(calls(learning))
    tokens: Chart = charts(board)[0]
    assert tokens.label == (
        "Line chart: tokens per task over the iterations. Mean, learner: from 1,000 to 565. "
        "Mean, twin: from 1,000 to 1,000."
    )
    assert [chart.metric for chart in charts(board)] == [metric.key for metric in COUNTED]
    assert rows(first(board, "total_elapsed_s"))[0] == [
        *("mean over tasks", "learner", "2", "1.20", "1.20")
    ]


def test_every_task_has_its_numbers_in_both_arms() -> None:
    block = first(Board(calls(learning)), "total_tokens")
    assert [title.split(" ")[0] for title, _ in block.groups] == ["", "Easy", "Niche", "Impossible"]
    assert len(rows(block)) == 2 + 2 * 8
    assert rows(block)[4:6] == [
        ["alpha 1", "learner", "1,000", "590", "590"],
        [None, "twin", "1,000", "1,000", "1,000"],
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
    assert rows(block)[0] == ["mean over tasks", "learner", "100%", "100%", "100%"]
    assert len(rows(block)) == 2 + 2 * 6


def test_a_share_short_of_all_is_not_said_to_be_all() -> None:
    def once(cell: Cell) -> dict[str, Any]:
        return {"status": "failed"} if cell.task == 7 else {}

    block = first(Board(calls(once, phases=(Phase.ALPHA,) * 300)), "ok_tasks")
    assert rows(block)[0][2] == "99.7%"


def test_what_was_not_measured_is_no_zero() -> None:
    def silent(_: Cell) -> dict[str, Any]:
        return {"tokens": None}

    board = Board(calls(silent, iterations=1, arms=(LEARN,)))
    (tokens, *_) = charts(board)
    assert "not measured in the only iteration" in tokens.label
    assert [each[2] for each in rows(next(tokens.blocks))] == ["not measured", *["-"] * 8]
    assert means_document(board)["total_tokens"] == [[None]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1_234_567, "1,234,567"),
        (1_234_567.25, "1,234,567.25"),
        (12.5, "12.50"),
        (0.0125, "0.0125"),
        (3.0, "3"),
        (0.0, "0"),
        (99.9999, "100"),
    ],
)
def test_amounts(value: float, text: str) -> None:
    assert figure(float(value)) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1 / 3, "33.3%"),
        (0.5, "50%"),
        (0.996, "99.6%"),
        (0.9999, ">99.9%"),
        (1.0, "100%"),
        (0.0001, "<0.1%"),
        (0.0, "0%"),
    ],
)
def test_shares(share: float, text: str) -> None:
    assert rate(share) == text


@given(st.floats(0, 1))
def test_only_all_and_none_are_a_hundred_and_zero_percent(share: float) -> None:
    assert (rate(share) == "100%") == (share == 1)
    assert (rate(share) == "0%") == (share == 0)


@given(st.integers(0, 10**15))
def test_a_whole_number_keeps_all_its_digits(count: int) -> None:
    assert rounded(float(count)) == count
    assert figure(float(count)) == f"{count:,}"
