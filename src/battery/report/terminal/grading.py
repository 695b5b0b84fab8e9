"""What came of grading saved answers again, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from battery.base.numbers import counted
from battery.base.text import printable
from battery.records.checks import Regraded, Regrading
from battery.records.models import ARM_NAMES
from battery.records.stages import STAGE_NAMES
from battery.report.terminal.look import GAP, say


def print_regrading(regrading: Regrading, stream: TextIO) -> None:
    """Print how many answers were graded, and each that flipped, with the checks it fails."""
    for line in _lines(regrading):
        say(line, stream, 2 * GAP)


def _lines(regrading: Regrading) -> Iterator[str]:
    flipped = len(regrading.flipped)
    yield (
        f"graded {regrading.graded} of {counted(regrading.runs, 'answer')}: "
        f"{flipped or 'none'} flipped"
    )
    for flip in regrading.flipped:
        yield f"iteration {flip.iteration}, {_asked(flip)}: {flip.before} -> {flip.after}"
        yield from (f"    {failed.check}: {printable(failed.reason)}" for failed in flip.failed)
    yield ""


def _asked(flip: Regraded) -> str:
    repeat = f", repeat {flip.repeat}" if flip.repeat > 1 else ""
    kind = "" if flip.kind == "task" else f" ({flip.kind})"
    return f"{ARM_NAMES[flip.arm]}{repeat}, {STAGE_NAMES[flip.phase]} {printable(flip.task)}{kind}"
