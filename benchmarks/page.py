"""How long the report of five thousand runs takes: to write, and to open in a real browser."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser
from tests.support.browser import browsing

from battery.calibration.dials import Dials
from battery.records.stages import OVERSEER
from battery.report.html.report import report_page, write_page
from battery.store.battery_dir import BatteryDir
from benchmarks.simulated import write_simulated
from benchmarks.table import Row, seconds_row

#: Tasks by phase and iterations, each with two arms: many tasks, and many iterations.
_SHAPES: Final = ((334, 334, 166, 3), (3, 3, 2, 313))
_CHARTS: Final = 5
_REVIEW: Final = "## What worked\n\n" + "- `fill: Welder` ended ok in 2 turns.\n" * 20


def page(folder: Path, quick: bool) -> Iterator[Row]:
    """Time the writing and the opening of two reports, the latter until all charts are painted."""
    for number, (alpha, beta, gamma, iterations) in enumerate(_SHAPES):
        tasks = (3, 3, 2) if quick else (alpha, beta, gamma)
        shown = 3 if quick else iterations
        root = folder / str(number)
        write_simulated(root, Dials(tasks=tasks, iterations=shown, drop=0.05))
        for step in BatteryDir(root).complete():
            step.write_answer(OVERSEER.file, _REVIEW)
        name = f"{sum(tasks):,} tasks x {shown} iterations x 2 arms"
        started = time.perf_counter()
        battery = BatteryDir(root)
        path = battery.report_path
        write_page(path, report_page(battery, in_place=True).chunks)
        yield seconds_row(f"write the report of {name}", time.perf_counter() - started, 10)
        try:
            with browsing() as browser:
                took = statistics.median(map(partial(_open, browser, path), range(5)))
        except pytest.skip.Exception as reason:
            print(f"not measured: how long a page takes to open: {reason}", file=sys.stderr)
        else:
            yield seconds_row(f"open the report of {name}", took, 2)


def _open(browser: Browser, path: Path, _round: int) -> float:
    with browser.new_context(offline=True) as context:
        tab = context.new_page()
        started = time.perf_counter()
        tab.goto(path.absolute().as_uri())
        tab.locator(".chart svg").nth(_CHARTS - 1).wait_for()
        # What was drawn is on the screen with the frame after the next.
        tab.evaluate("new Promise(d => requestAnimationFrame(() => requestAnimationFrame(d)))")
        return time.perf_counter() - started
