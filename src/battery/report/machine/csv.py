"""Rows as CSV (RFC 4180): UTF-8, a head line, CRLF, quotes only where they are needed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from battery.base.clock import stamp
from battery.records.rows import COLUMNS, Row


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
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return stamp(value.timestamp())
    cell: str | float | None = value
    return cell
