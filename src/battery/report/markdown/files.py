"""The files of a battery in Markdown, one line for each kind of file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import PurePosixPath
from typing import Final

from battery.base.numbers import counted
from battery.base.text import clause
from battery.report.markdown import code
from battery.store.artifacts import CONTROL, ITERATION, REPEAT, SIBLINGS, described

#: A time as it is in names: `20261127T040113_952303Z`.
_TIME: Final = re.compile(r"\d{8}T[\d_]+Z")


def files(paths: Iterable[str]) -> Iterator[str]:
    """Write a line for each kind of file; those that differ by a number or a time share it."""
    kinds: dict[str, list[str]] = {}
    for path in paths:
        kinds.setdefault(_kind(path), []).append(path)
    for kind, alike in kinds.items():
        iterations = _numbers(alike, 0)
        name = kind if len(alike) > 1 else alike[0]
        if len(iterations) > 1:
            name = kind.replace("iter_N", ITERATION.name(_ranges(iterations)), 1)
        about = clause(described(alike[0]).rstrip("."))
        many = f" ({counted(len(alike), 'file')})" if "*" in name else ""
        parts = [about, *_whose(alike[0])] if about else []
        yield f"- {code(name)}{many}{': ' if parts else ''}{', '.join(parts)}"


def _kind(path: str) -> str:
    """Return a path with what numbers and times are in place of them."""
    first, _, rest = path.partition("/")
    folder = "iter_N" if rest and ITERATION.number(first) else first
    return _TIME.sub("*", f"{folder}/{rest}" if rest else folder)


def _numbers(paths: Sequence[str], part: int) -> list[int]:
    found = (ITERATION.number(PurePosixPath(path).parts[part]) for path in paths)
    return sorted({number for number in found if number})


def _ranges(numbers: Sequence[int]) -> str:
    """Write which numbers there are: `1..3,5`."""
    runs = groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    ends = ([number for _, number in run] for _, run in runs)
    return ",".join(f"{run[0]}..{run[-1]}" if run[1:] else str(run[0]) for run in ends)


def _whose(path: str) -> Iterator[str]:
    """Name new tasks, the twin and the repeat, where the folders tell them."""
    folders = PurePosixPath(path).parts[:-1]
    if SIBLINGS in folders:
        yield "new tasks"
    if CONTROL in folders:
        yield "of the twin"
    for folder in folders:
        if repeat := REPEAT.number(folder):
            yield f"repeat {repeat}"
