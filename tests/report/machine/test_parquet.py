"""Rows as Parquet: typed columns, nulls, groups of rows."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest

from battery.base.errors import UsageError
from battery.records.rows import COLUMNS, MORE
from battery.report.machine.parquet import parquet_chunks
from tests.report.machine.samples import row

# Neither has types; a module imported by name is checked as one without.
parquet: Any = import_module("pyarrow.parquet")
pandas: Any = import_module("pandas")


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
        *("elapsed_ms", "memory_used", "error"),
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
