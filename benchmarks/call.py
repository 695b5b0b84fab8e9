"""What the battery itself adds to a call, its journal and the sync included."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks import gateway
from benchmarks.processes import battery, in_turns, module, output, seconds
from benchmarks.table import Row, ratio_row
from benchmarks.workload import run_words, tasks_file

#: Of the stage, and of all of `battery run`.
_STAGE: Final = 1.1
_WHOLE: Final = 1.25


def call(folder: Path, quick: bool) -> Iterator[Row]:
    """Compare one call of the battery with one of a bare httpx loop, in two ways."""
    with gateway.serving() as url:
        yield from _stage(url, folder, *((20, 1) if quick else (500, 9)))
        yield _whole(url, folder, *((20, 1) if quick else (2000, 5)))


def _stage(url: str, folder: Path, calls: int, rounds: int) -> Iterator[Row]:
    """Time the stage that asks tasks, in one process with the bare loop."""
    words = (url, str(folder), str(calls), str(rounds))
    ours, checked, siblings, held, bare = json.loads(output(module("loops", *words)))
    figure = "one call, in the stage that asks tasks"
    yield ratio_row(figure, ours[0], bare[0], _STAGE)
    yield ratio_row("processor time of it", ours[1], bare[1])
    yield ratio_row("the same with a check of each answer", checked[0], bare[0])
    yield ratio_row("the same where every other call asks a sibling", siblings[0], bare[0])
    yield ratio_row("the same under a lease", held[0], bare[0])


def _whole(url: str, folder: Path, calls: int, rounds: int) -> Row:
    """Time whole processes with `calls` and with half of them: the difference is the calls'.

    Ours then pays for everything that grows with tasks: reading and checking them, `runs.json`,
    metrics, the review's evidence.
    """
    half = calls // 2

    def ours(count: int) -> float:
        # A folder of its own each time: a finished battery would first be moved away.
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            return seconds(battery(*run_words(tasks_file(folder, count), url, Path(fresh))))

    def bare(count: int) -> float:
        return seconds(module("loops", url, str(folder), str(count), "0"))

    measures = [lambda: ours(calls), lambda: bare(calls), lambda: ours(half), lambda: bare(half)]
    ours_all, bare_all, ours_half, bare_half = in_turns(measures, rounds)
    ours_slope, bare_slope = (ours_all - ours_half) / half, (bare_all - bare_half) / half
    return ratio_row("one call more in `battery run`, all of it", ours_slope, bare_slope, _WHOLE)
