"""Batteries told to a live view at full speed, and what is wrong on the screen at their end."""

from __future__ import annotations

import io
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from battery.base.numbers import minus
from battery.records.events import Event, Introduction, IterationFinished, Notice, Plan
from battery.report.terminal.lines import (
    introduction_lines,
    iteration_line,
    notice_line,
    plan_lines,
)
from battery.report.terminal.live import LiveProgress
from tests.report.events import BOTH, battery
from tests.support.screens import Screen

#: Columns and rows of terminals.
SIZES = ((80, 24), (100, 30), (160, 50))
#: Seconds between two frames: many more than people see, so that they meet all that is printed.
PAUSE_S = 0.005
#: Seconds after which the interpreter lets another thread go on.
_SWITCH_S = 0.0001
_WORDS = ("the", "answer", "of", "a", "call", "came", "late", "and", "is", "kept", "as", "it")


class Tape(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


def faults(columns: int, rows: int, seed: int) -> list[str]:
    """Tell one battery in two threads; return what is lost, broken or left over on the screen."""
    tape, telling = Tape(), random.Random(seed)
    with _size(columns, rows), _switching(), LiveProgress(tape, pause=PAUSE_S) as show:
        notices = [_notice(telling, number) for number in range(8)]
        other = threading.Thread(target=_tell, args=(show, notices, telling.random()))
        other.start()
        events = list(battery(2, 2, BOTH))
        _tell(show, events, telling.random())
        other.join()
    tape.write("the end\n")
    screen = Screen(columns, rows).feed(tape.getvalue().replace("\n", "\r\n").encode())
    faulty = [] if screen.cursor_shown else ["no cursor"]
    return faulty + list(_differences(screen, [*_printed([*events, *notices]), "the end"]))


def _tell(show: LiveProgress, events: list[Event], seed: float) -> None:
    pace = random.Random(seed)
    for event in events:
        show(event)
        time.sleep(pace.choice([0, 0, PAUSE_S / 4, PAUSE_S]))


def _notice(telling: random.Random, number: int) -> Event:
    words = telling.choices(_WORDS, k=telling.randrange(1, 40))
    return Notice(f"{number}: {' '.join(words)}.", warning=telling.random() < 0.5)


def _printed(events: list[Event]) -> Iterator[str]:
    plan = next(event for event in events if isinstance(event, Plan))
    for event in events:
        match event:
            case Introduction():
                yield introduction_lines(event)
            case Plan():
                yield plan_lines(event)
            case IterationFinished():
                # One that is too long is broken between its parts.
                yield from iteration_line(event, plan).split("; ")
            case Notice():
                yield notice_line(event)
            case _:
                pass


def _differences(screen: Screen, texts: list[str]) -> Iterator[str]:
    shown = _words("\n".join(screen.everything))
    for text in sorted(texts, key=len, reverse=True):
        before, there, after = shown.partition(_words(text))
        if not there:
            yield f"lost: {text}"
        shown = f"{before}{after}"
    if shown.strip():
        yield f"left over: {' '.join(shown.split())}"


def _words(text: str) -> str:
    # Lines are wrapped between words; a terminal is shown a real minus.
    return " ".join(minus(text).replace(";", "").split())


@contextmanager
def _size(columns: int, rows: int) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in ("COLUMNS", "LINES", "TERM")}
    os.environ |= {"COLUMNS": str(columns), "LINES": str(rows), "TERM": "xterm-256color"}
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
