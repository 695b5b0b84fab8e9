"""Rebuild metrics and summary from saved runs; no network, no large model."""

from __future__ import annotations

from collections.abc import Callable

from battery.recorded.compute import Measured, require_battery, require_iterations, summary_from
from battery.recorded.observe import observed
from battery.records.models import FROZEN, Manifest, Metrics, Summary
from battery.report.markdown.summary import markdown
from battery.store.battery_dir import BatteryDir, IterationDir
from battery.store.files import locked
from battery.verdict.metrics import measure


def summarize(folder: BatteryDir) -> Summary:
    """Compute everything again from `runs.json` and write it; raise `BatteryError`.

    A report that is there is written again, too.
    """
    require_battery(folder)
    with locked(folder.root):
        manifest = folder.read_manifest()
        require_iterations(folder, manifest)
        for step in folder.complete():
            write_metrics(step)
        return write_summary(folder, manifest)


def write_metrics(files: IterationDir) -> Metrics:
    """Write the `metrics.json` of each arm; return the learn arm's.

    They are of the first repeat: further repeats serve the statistics only. Raises `ArtifactError`.
    """
    if files.has_runs(FROZEN):
        files.write_metrics(measure(files.number, files.read_runs(FROZEN)), FROZEN)
    metrics = measure(files.number, files.read_runs())
    files.write_metrics(metrics)
    return metrics


def write_summary(
    folder: BatteryDir,
    manifest: Manifest | None,
    *,
    report: bool | None = None,
    then: Callable[[], None] = lambda: None,
) -> Summary:
    """Write `summary.md` and `summary.json` from the metrics on disk.

    `then` is called once they are written. `report` says whether to write the report as well; None
    does so where there is one, which would contradict the summary if it stayed as it was.
    """
    wanted = folder.report_path.exists() if report is None else report
    steps = folder.complete()
    metrics = [step.read_metrics() for step in steps]
    control = [each for step in steps if (each := step.control_metrics())]
    found = Measured(steps, metrics, control, observed(folder, manifest))
    summary = summary_from(folder, manifest, found, report=wanted)
    folder.write_summary(summary, markdown(summary))
    then()
    if wanted:
        # Loaded where there is a report to write: its templates take time to load.
        from battery.run.report import write_report  # noqa: PLC0415

        write_report(folder, manifest, summary, found)
    return summary
