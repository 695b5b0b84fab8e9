"""What goes to standard output, and how progress goes to standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from battery.base import jsonio
from battery.base.text import visible
from battery.records.events import Observer
from battery.records.summary import Summary
from battery.report.terminal.lines import make_progress
from battery.report.terminal.summary import print_summary


def progress(*, quiet: bool, watching: bool = False) -> AbstractContextManager[Observer]:
    """Show progress on standard error; `watching` says that another process makes the calls."""
    # Standard output is for results alone: `battery … > file` and pipes must hold nothing else.
    return make_progress(quiet=quiet, stream=sys.stderr, watching=watching)


@contextmanager
def then(check: Callable[[], None]) -> Iterator[None]:
    """Check a gate after the output, also when the output could not be written.

    Otherwise a gate would pass because the reader of the output has left, as in `… | head`.
    """
    try:
        yield
    except OSError:
        check()
        raise
    check()


def print_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    print_document([jsonio.dumps_indented(document)])


def print_document(chunks: Iterable[bytes]) -> None:
    """Print a document for other programs: as it is, but harmless where people look at it."""
    if sys.stdout.isatty():
        chunks = [visible(b"".join(chunks).decode()).encode()]
    sys.stdout.buffer.writelines(chunks)
    sys.stdout.buffer.flush()


def print_record(record: BaseModel, print_it: Callable[[], object], *, as_json: bool) -> None:
    """Print a record as JSON for machines, or for people with `print_it`."""
    if as_json:
        print_json(record.model_dump(mode="json"))
    else:
        print_it()


def show_summary(
    summary: Summary,
    folder: Path,
    *,
    as_json: bool = False,
    full: bool = False,
    quiet: bool = False,
) -> None:
    """Print the summary for people, in full or what it comes to, or for machines.

    `quiet` leaves warnings of reviews to the files: no number rests on them.
    """
    if quiet and not as_json:
        kept = [text for text in summary.warnings if text not in summary.review_warnings]
        summary = summary.model_copy(update={"warnings": kept})
    print_record(
        summary, lambda: print_summary(summary, folder, sys.stdout, full=full), as_json=as_json
    )
