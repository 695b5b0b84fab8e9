"""The grid says of every task what came of it, in each iteration and arm."""

from __future__ import annotations

from typing import Any

from battery.records.models import LEARN, Phase
from battery.report.html.grid import MOST_LINES, ROWS, Board
from tests.verdict.batteries import Cell, calls, learning


def test_tasks_stand_by_phase_with_the_cells_of_each_arm_in_turn() -> None:
    (part,) = Board(calls(iterations=2)).parts()
    titles = [title.split(":")[0] for title, _ in part.phases]
    assert titles == ["alpha", "beta", "gamma"]
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


def test_a_cell_is_marked_when_a_call_did_not_end_as_it_should() -> None:
    def wrong(cell: Cell) -> dict[str, Any]:
        if (cell.arm, cell.repeat) != (LEARN, 2) or cell.task not in {0, 7}:
            return {}
        return {"status": "ok" if cell.phase is Phase.GAMMA else "blocked"}

    (part,) = Board(calls(wrong, iterations=1, repeats=3)).parts()
    rows = [row for _, rows in part.phases for row in rows]
    marked = [row.label for row in rows if "off" in row.cells[0].classes]
    assert marked == ["alpha 0", "gamma 7"]
    assert rows[0].cells[0].text == "2 ok, 1 blocked"
    assert rows[7].cells[0].text == "1 ok, 2 failed"
    assert rows[6].cells[0].text == "3 failed"


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
        return {"tokens": 0} if cell.task == 1 else {"tokens": 1234.5678}

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
