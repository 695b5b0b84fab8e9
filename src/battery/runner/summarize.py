"""Rebuild metrics and summary from saved runs; no network, no large model."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from battery.base import interrupts
from battery.base.errors import BatteryError, advised, is_forbidden
from battery.recorded import OpenedBattery, open_battery
from battery.recorded.summary import summary_of
from battery.records.events import Notice, Observer
from battery.records.manifest import Manifest
from battery.records.models import FROZEN
from battery.records.summary import Summary
from battery.report.html.report import report as page
from battery.report.html.report import write_page
from battery.report.markdown.summary import markdown
from battery.store import original
from battery.store.artifacts import described
from battery.store.battery_dir import BatteryDir
from battery.store.files import cannot_write, make_folder, require_writable
from battery.store.lock import locked
from battery.store.prices import keep_prices


def summarize(folder: BatteryDir, tell: Observer, *, elsewhere: bool = False) -> Summary:
    """Compute everything again from `runs.json` and write it; raise `BatteryError`.

    A report that is there is written again, too. `elsewhere` says that the result goes elsewhere as
    well: then a folder that may only be read is no error, and a warning says that it stays as it
    is.
    """
    # Looked at before the lock, which would make the folder.
    open_battery(folder).require_complete()
    try:
        with locked(folder.root, tell):
            return rewrite(folder)
    except BatteryError as error:
        if not (elsewhere and is_forbidden(error)):
            raise
        tell(Notice(f"the files of the battery stay as they are: {error.message}", warning=True))
    opened = open_battery(folder)
    opened.require_whole()
    return summary_of(opened, report=folder.report_path.exists())


def rewrite(folder: BatteryDir) -> Summary:
    """Write metrics and summary again from the runs on disk; the caller holds the lock."""
    opened = open_battery(folder)
    opened.require_whole()
    for metrics in opened.metrics:
        folder.iteration(metrics.iteration).write_metrics(metrics)
    for metrics in opened.control:
        folder.iteration(metrics.iteration).write_metrics(metrics, FROZEN)
    return write_summary(opened)


def write_summary(
    opened: OpenedBattery, *, report: bool | None = None, then: Callable[[], None] = lambda: None
) -> Summary:
    """Write `summary.md` and `summary.json` of a battery with a complete iteration.

    `then` is called once they are written. `report` says whether to write the report as well; None
    does so where there is one, which would contradict the summary if it stayed as it was. Raises
    `BatteryError`.
    """
    folder = opened.folder
    if not isinstance(opened.provenance, Manifest):
        original.keep_summary(folder.root)
    wanted = folder.report_path.exists() if report is None else report
    keep_prices(folder.root, folder.pricing, opened.results)
    summary = summary_of(opened, report=wanted)
    folder.write_summary(summary, markdown(summary))
    then()
    if wanted:
        write_page(folder.report_path, page(opened, summary))
    return summary


@interrupts.at_once()
def rehearse(folder: BatteryDir, numbers: Iterable[int]) -> None:
    """Do, before the first call, what could fail after it without any fault of its answer.

    Sums up the battery as it is, page included, and checks that the files of the battery and of
    the iterations that calls are made for can be read and replaced. Nothing that it writes stays.
    Raises `BatteryError`.
    """
    with advised("name another folder with --dir"):
        for path in _written(folder, numbers):
            _require_usable(path)
    opened = open_battery(folder)
    if opened.steps:
        summary = summary_of(opened, report=True)
        markdown(summary)
        deque(page(opened, summary), maxlen=0)


def _written(folder: BatteryDir, numbers: Iterable[int]) -> Iterator[Path]:
    """Yield the folders that are written to, and the files in them that may be replaced."""
    yield folder.root
    yield from (path for path in folder.root.glob("*") if described(path.name))
    for root in (folder.iteration(number).root for number in numbers):
        # Not made ahead: an iteration counts as begun by its folder.
        if os.path.lexists(root):
            make_folder(root)
            yield from (root, *root.rglob("*"))


def _require_usable(path: Path) -> None:
    """Refuse a file that cannot be read and a folder that is not writable; `ArtifactError`."""
    try:
        if described(path.name):
            path.open("rb").close()
        elif path.is_dir():
            require_writable(path)
    except FileNotFoundError:
        return  # a link to nothing, which the file that is written replaces
    except OSError as error:
        raise cannot_write(path, error) from error
