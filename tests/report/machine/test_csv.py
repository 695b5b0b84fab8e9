"""Rows as CSV: what is read back is what was written."""

from __future__ import annotations

import csv
import io

from hypothesis import given

from battery.records.rows import COLUMNS, Row
from battery.report.machine.csv import csv_chunks
from tests.report.machine.samples import ANY_TEXT, row


def read(*rows: Row) -> list[dict[str, str]]:
    text = b"".join(csv_chunks(rows)).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_head_names_the_columns_even_without_a_row() -> None:
    assert b"".join(csv_chunks([])) == ",".join(COLUMNS).encode() + b"\r\n"


def test_cells_are_plain_numbers_truth_values_times_and_empty_for_null() -> None:
    (found,) = read(row(confirmation=True, tokens=2**53))
    assert found["started_at"] == "2026-03-01T10:00:00Z"
    assert (found["confirmation"], found["cached"]) == ("true", "false")
    assert found["tokens"] == "9007199254740992"
    assert (found["memory_used"], found["error"]) == ("", "")


@given(ANY_TEXT, ANY_TEXT)
def test_any_text_comes_back_as_it_was(label: str, error: str) -> None:
    (found,) = read(row(label=label, error=error))
    assert (found["label"], found["error"]) == (label, error)


def test_a_row_is_written_before_the_next_is_read() -> None:
    rows = iter([row(), row(), row()])
    chunks = csv_chunks(rows)
    assert [next(chunks) for _ in range(2)]
    assert len(list(rows)) == 2
