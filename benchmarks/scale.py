"""Ten thousand tasks in one iteration: time a task, and peak memory."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks import gateway, memory
from benchmarks.memory import Cost
from benchmarks.table import Row, difference_row, ratio_row
from benchmarks.workload import run_words, tasks_file

_SIZES: Final = (1250, 2500, 5000, 10_000)
_QUICK_SIZES: Final = (20, 40)
#: A task among the most may cost so much more than one among the fewest.
_LINEAR: Final = 1.25
_MEMORY_MB: Final = 150


def scale(folder: Path, quick: bool) -> Iterator[Row]:
    """Run batteries of growing size, one call at a time and eight."""
    sizes, rounds = (_QUICK_SIZES, 1) if quick else (_SIZES, 3)
    with gateway.serving() as url:
        for concurrency in (8,) if quick else (1, 8):
            costs = _costs(url, folder, (1, *sizes), rounds, concurrency)
            yield from _rows(folder, costs, concurrency)


def _costs(
    url: str, folder: Path, sizes: tuple[int, ...], rounds: int, concurrency: int
) -> dict[int, Cost]:
    """Measure every size in each round; take the median time and the highest peak."""
    taken: dict[int, list[Cost]] = {size: [] for size in sizes}
    for _ in range(rounds):
        for size, costs in taken.items():
            costs.append(_cost(url, folder, size, concurrency))
    return {
        size: Cost(statistics.median(c.wall_s for c in costs), max(c.peak_mb for c in costs))
        for size, costs in taken.items()
    }


def _cost(url: str, folder: Path, size: int, concurrency: int) -> Cost:
    target = folder / "battery"
    shutil.rmtree(target, ignore_errors=True)
    words = run_words(tasks_file(folder, size), url, target, concurrency)
    return memory.run(folder / "note.json", words)


def _rows(folder: Path, costs: dict[int, Cost], concurrency: int) -> Iterator[Row]:
    """Compare each size's time a task with the smallest's, start-up taken off all of them."""
    fixed, *measured = costs.items()
    each = {size: (cost.wall_s - fixed[1].wall_s) / (size - 1) for size, cost in measured}
    smallest, *larger = each
    largest = larger[-1]
    calls = f"{concurrency} at a time"
    for size in larger:
        figure = f"a task of {size:,}, {calls}, against one of {smallest:,}"
        bound = _LINEAR if size == largest else None
        yield ratio_row(figure, each[size], each[smallest], bound)
    base_mb = memory.imports(folder / "note.json")
    figure = f"peak memory, {largest:,} tasks, {calls}, against its imports"
    yield difference_row(figure, costs[largest].peak_mb, base_mb, _MEMORY_MB)
