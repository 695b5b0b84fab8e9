"""Rows as CSV, as Parquet and as a `DataFrame`.

CSV follows RFC 4180: UTF-8, a head line, CRLF, quotes only where they are needed. Parquet is
written through pyarrow, which is an extra and may be missing, as pandas may.
"""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final, get_args

from battery.base.clock import stamp
from battery.base.errors import UsageError
from battery.records.lines import COLUMNS, Row

#: Rows of one group: large enough to pack well, small enough to hold.
GROUP_ROWS: Final = 10_000


def csv_chunks(rows: Iterable[Row]) -> Iterator[bytes]:
    """Write the rows, a chunk a line; None is an empty cell, truth is `true` or `false`.

    Texts are as they came, line ends included: a reader gets back what the gateway said.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    yield _taken(buffer)
    for row in rows:
        writer.writerow(map(_cell, row.cells))
        yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _cell(value: Any) -> str | float | None:
    # The `csv` module would write `True`, which is Python's spelling alone.
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return stamp(value.timestamp())
    cell: str | float | None = value
    return cell


def require_parquet() -> None:
    """Raise `UsageError` where pyarrow is not installed."""
    _library("pyarrow")


def parquet_chunks(rows: Iterable[Row], group_rows: int = GROUP_ROWS) -> Iterator[bytes]:
    """Write the rows as one file, piece by piece; `group_rows` of them are in memory at a time.

    Raises `UsageError` without pyarrow.
    """
    arrow = _library("pyarrow")
    schema = arrow.schema([_field(arrow, name, hint) for name, hint in COLUMNS.items()])
    sink, source = _Sink(), iter(rows)
    with _library("pyarrow.parquet").ParquetWriter(sink, schema) as writer:
        while group := list(islice(source, group_rows)):
            records = [dict(zip(COLUMNS, row.cells, strict=True)) for row in group]
            writer.write_table(arrow.Table.from_pylist(records, schema=schema))
            yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """A file to write to that hands over what it got so far."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def taken(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def _library(name: str) -> Any:
    try:
        # Only when it is asked for: pyarrow is an extra, and a large one to load.
        return importlib.import_module(name)
    except ImportError as error:
        raise UsageError(
            f"the format parquet needs pyarrow, which cannot be loaded: {error}",
            hint="install it: pip install 'compounding-battery[parquet]'; or take --format csv",
        ) from error


def _kind(hint: Any) -> tuple[Any, bool]:
    """Return the type of a column, and whether it may hold None."""
    options = [kind for kind in get_args(hint) if kind is not type(None)]
    nullable = len(options) < len(get_args(hint))
    return (options[0] if nullable else hint), nullable


def _field(arrow: Any, name: str, hint: Any) -> Any:
    """Make a column of the record's own types, so that the two cannot differ."""
    kind, nullable = _kind(hint)
    types = {
        bool: arrow.bool_(),
        int: arrow.int64(),
        float: arrow.float64(),
        datetime: arrow.timestamp("ms", tz="UTC"),
    }
    return arrow.field(name, types.get(kind, arrow.string()), nullable=nullable)


def frame(rows: Iterable[Row]) -> Any:
    """Return the rows as a pandas `DataFrame`, whose columns can hold what was not reported.

    Raises `UsageError` without pandas.
    """
    try:
        pandas = importlib.import_module("pandas")
    except ImportError as error:
        raise UsageError(
            f"a DataFrame needs pandas, which cannot be loaded: {error}",
            hint="install it: pip install pandas; rows() gives the same as dicts",
        ) from error
    types = {bool: "boolean", int: "Int64", float: "Float64", datetime: "datetime64[ms, UTC]"}
    return pandas.DataFrame([row.cells for row in rows], columns=list(COLUMNS)).astype(
        {name: types.get(_kind(hint)[0], "string") for name, hint in COLUMNS.items()}
    )
