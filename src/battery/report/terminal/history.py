"""A history on the terminal: one line a battery, oldest first, then what became of like ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Final, TextIO

from battery.base.numbers import percent, signed_percent
from battery.base.text import can_show, printable, write_line
from battery.comparison.timeline import Course, Entry, History
from battery.report.compare_cells import share, tokens
from battery.report.evidence import NONE
from battery.report.terminal.columns import GAP, WIDTH, align

_BARS: Final = "▁▂▃▄▅▆▇█"
#: Above ten times nobody needs the digits.
_HUGE: Final = 9.995


def print_history(found: History, stream: TextIO) -> None:
    """Write the history for people; folders come last in their line and are whole."""
    bars = _BARS if can_show(stream, _BARS) else ""
    for text in history_lines(found, bars):
        write_line(stream, text)


def history_lines(found: History, bars: str = _BARS) -> Iterator[str]:
    """Build the lines of `print_history`; without `bars` there are no sparklines."""
    if found.batteries:
        yield from _table(found.batteries)
        yield ""
    for course in found.courses:
        yield from wrap(_course(course, bars), WIDTH, subsequent_indent="  ")
    for warning in found.warnings:
        yield f"warning: {printable(warning)}"


def sparkline(values: Sequence[float], bars: str = _BARS) -> str:
    """Draw values as bars between the smallest and the largest; all equal are all lowest."""
    if not values or not bars:
        return ""
    low, spread = min(values), max(values) - min(values)
    top = len(bars) - 1
    return "".join(bars[round((value - low) / spread * top) if spread else 0] for value in values)


def _table(entries: Sequence[Entry]) -> Iterator[str]:
    columns = [
        align(["start", *(_start(each) for each in entries)], left=True),
        align(["set", *(_set(each.group) for each in entries)]),
        align(["tasks", *(str(each.tasks or NONE) for each in entries)]),
        align(["it.", *(str(each.iterations) for each in entries)]),
        align(["verdict", *(each.verdict or NONE for each in entries)], left=True),
        align(["tokens", *(tokens(each.tokens) for each in entries)]),
        align(["vs frozen", *map(_effect, entries)]),
        align(["ok", *(share(each.ok) for each in entries)]),
        ["folder", *map(_folder, entries)],
    ]
    for cells in zip(*columns, strict=True):
        yield GAP.join(cells).rstrip()


def _start(entry: Entry) -> str:
    # Without seconds; a start that only the files tell is marked.
    shown = printable(entry.started_at)[:16].replace("T", " ")
    return shown if entry.dated_by == "manifest" else f"{shown}?"


def _set(group: int | None) -> str:
    return NONE if group is None else str(group)


def _effect(entry: Entry) -> str:
    if entry.effect is None:
        return NONE
    if entry.interval is None:
        return _relative(entry.effect)
    low, high = (_relative(each) for each in (entry.interval.low, entry.interval.high))
    return f"{_relative(entry.effect)} ({low} to {high})"


def _relative(ratio: float) -> str:
    if ratio > _HUGE:
        return ">+900%"
    text = percent(ratio - 1)
    return text if text.startswith("-") else f"+{text}"


def _folder(entry: Entry) -> str:
    unfinished = "" if entry.state in {None, "finished"} else f" ({entry.state})"
    return f"{printable(entry.folder)}{unfinished}"


def _course(course: Course, bars: str) -> str:
    name = f"set {course.group}, {course.tasks} {'task' if course.tasks == 1 else 'tasks'}"
    drawn = sparkline(course.tokens, bars)
    change = "" if course.change is None else f"{_moved(course)}, "
    return f"{name}: {f'{drawn} ' if drawn else ''}{change}{course.text}"


def _moved(course: Course) -> str:
    size = ">+900%" if course.change and course.change > _HUGE else None
    shown = size or signed_percent(course.change or 0.0)
    return f"tokens {shown} from the first to the last of {course.batteries}"
