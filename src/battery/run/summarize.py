"""Rebuild metrics and summary from saved runs; no network, no large model."""

from __future__ import annotations

from collections.abc import Callable

from battery.recorded import OpenedBattery, open_battery, summary_of
from battery.records.manifest import Manifest
from battery.records.models import FROZEN, Summary
from battery.report.markdown.summary import markdown
from battery.store import original
from battery.store.battery_dir import BatteryDir
from battery.store.lock import locked


def summarize(folder: BatteryDir) -> Summary:
    """Compute everything again from `runs.json` and write it; raise `BatteryError`.

    A report that is there is written again, too.
    """
    # Looked at before the lock, which would make the folder.
    open_battery(folder).require_complete()
    with locked(folder.root):
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
    summary = summary_of(opened, report=wanted)
    folder.write_summary(summary, markdown(summary))
    then()
    if wanted:
        # Loaded where there is a report to write: its templates take time to load.
        from battery.report.html.report import report as page  # noqa: PLC0415
        from battery.report.html.report import write_page  # noqa: PLC0415

        write_page(folder.report_path, page(opened, summary))
    return summary
