"""Rows as CSV and as Parquet: what is read back is what was written, with types and nulls."""

from __future__ import annotations

import csv
import io
import sys
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given

from battery.base.errors import UsageError
from battery.records.lines import COLUMNS, MORE, Row
from battery.report.machine.rows import csv_chunks, parquet_chunks
from tests.report.machine.samples import ANY_TEXT, row

# Neither has types; a module imported by name is checked as one without.
parquet: Any = import_module("pyarrow.parquet")
pandas: Any = import_module("pandas")


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


def test_rows_come_back_with_their_types_and_nulls() -> None:
    rows = [row(str(n), repeat=n + 1, error="ä\x00\n" if n else None) for n in range(5)]
    data = b"".join(parquet_chunks(rows, group_rows=2))
    file = parquet.ParquetFile(io.BytesIO(data))
    assert file.num_row_groups == 3
    assert file.schema_arrow.names == list(COLUMNS)
    found = file.read().to_pylist()
    assert [tuple(each.values()) for each in found] == [each.cells for each in rows]
    assert found[0]["started_at"] == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert {field.name for field in file.schema_arrow if field.nullable} == {
        *("run_id", "started_at", "turns", "tokens", "prompt_tokens", "completion_tokens"),
        *("elapsed_ms", "memory_used", "error", "failed_checks", "sibling_of"),
        *(metric.key for metric in MORE),
    }


def test_a_battery_without_a_call_makes_a_table_without_a_row() -> None:
    table = parquet.read_table(io.BytesIO(b"".join(parquet_chunks([]))))
    assert (table.num_rows, table.column_names) == (0, list(COLUMNS))


def test_pandas_sees_numbers_times_and_truth_values() -> None:
    data = b"".join(parquet_chunks([row(), row("t2", tokens=50)]))
    frame = pandas.read_parquet(io.BytesIO(data))
    assert frame.groupby("task_id")["tokens"].sum().to_dict() == {"t1": 100, "t2": 50}
    assert str(frame["confirmation"].dtype) == "bool"
    assert frame["started_at"].dt.year.unique().tolist() == [2026]


def test_groups_are_handed_over_while_further_rows_are_to_come() -> None:
    rows = iter([row()] * 100)
    assert next(parquet_chunks(rows, group_rows=10)).startswith(b"PAR1")
    assert len(list(rows)) == 90


def test_without_pyarrow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    # None in this table is how the import system marks a module as not to be found.
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError) as caught:
        next(parquet_chunks([row()]))
    assert "pip install 'compounding-battery[parquet]'" in str(caught.value.hint)
