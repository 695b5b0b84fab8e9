"""Lines, answers and rows hold what came back, under the names that the documents give."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from battery.protocol import Json
from battery.records.lines import COLUMNS, MORE, JournalLine, RecordedRun, Row, distill_warnings
from tests.support.runs import TASK, run

# It has no types; a module imported by name is checked as one without.
jsonschema: Any = import_module("jsonschema")
#: One line of each kind.
WRITTEN: dict[str, Json] = {
    "respond": {
        "call": "respond", "arm": "learn", "task_id": "t", "repeat": 1, "phase": "alpha",
        "at": "then", "task": TASK, "result": {"status": "ok", "of_its_own": [1]},
    },
    "distill": {
        "call": "distill", "at": "then", "_elapsed_ms": 3, "text": "", "broken": 0,
        "events": [{"x": 1}],
    },
    "chat": {
        "call": "chat", "role": "scrum", "at": "then", "model": "m", "_elapsed_ms": 3,
        "content": "fine", "answer": {"choices": []},
    },
}  # fmt: skip


def validator(shape: Any) -> Any:
    """Make the validator of the JSON Schema that is made of a type."""
    return jsonschema.Draft202012Validator(TypeAdapter(shape).json_schema())


LINE, RECORDED_RUN = validator(JournalLine), validator(RecordedRun)


@pytest.mark.parametrize("call", WRITTEN)
def test_a_line_has_the_keys_of_its_call_and_no_others(call: str) -> None:
    line = WRITTEN[call]
    assert LINE.is_valid(line)
    assert not LINE.is_valid({**line, "extra": 1})
    for key in line:
        assert not LINE.is_valid({name: line[name] for name in line if name != key}), key


@pytest.mark.parametrize(
    ("changes", "warnings"),
    [
        ({}, []),
        ({"broken": 2}, ["left out 2 distill events: not JSON"]),
        ({"cut": "distill: it broke"}, ["distill: it broke; the final event had come and is kept"]),
        (
            {"events": [{"error": "no room"}]},
            ["the distillation failed, so nothing counts as learned from it: no room"],
        ),
        (
            {"events": [{"error": "no room"}], "cut": "distill: it broke"},
            [
                "the distillation failed, so nothing counts as learned from it: no room",
                "distill: it broke; the error had come and is kept",
            ],
        ),
        (
            {"events": [{"error": "no room"}, {"role": "final", "text": "one"}]},
            ["the distillation delivered, and reported an error as well: no room"],
        ),
    ],
    ids=["fine", "broken", "cut", "failed", "failed and cut", "delivered"],
)
def test_a_distillation_has_warnings_for_all_that_went_wrong(
    changes: Json, warnings: list[str]
) -> None:
    line = {**WRITTEN["distill"], **changes}
    assert LINE.is_valid(line)
    assert list(distill_warnings(line)) == warnings


def test_the_kind_of_a_line_is_what_its_call_says() -> None:
    task = WRITTEN["respond"]
    assert LINE.is_valid({**task, "call": "confirm"})
    assert not LINE.is_valid({**task, "call": "distill"})
    assert not LINE.is_valid({**WRITTEN["chat"], "role": "gateway"})


def test_an_answer_may_have_keys_of_its_own_but_no_other_status() -> None:
    assert RECORDED_RUN.is_valid(run(of_its_own={"x": 1}))
    assert not RECORDED_RUN.is_valid(run("great"))
    assert not RECORDED_RUN.is_valid({**run(), "of_its_own": 1})


def test_a_row_has_a_cell_for_every_column() -> None:
    row = Row._make([*Row._fields[:-1], tuple(metric.key for metric in MORE)])
    assert list(row.cells) == list(COLUMNS)


def test_the_columns_are_documented_in_their_order() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "formats.md"
    section = page.read_text("utf-8").partition("## Columns")[2].partition("\n## ")[0]
    table = re.findall(r"^\| `(\w+)` \| .+? \| (yes)? ?\|", section, re.MULTILINE)
    wanted = [
        (name, "yes" if type(None) in get_args(hint) else "") for name, hint in COLUMNS.items()
    ]
    assert table == wanted
