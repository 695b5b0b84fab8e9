"""Compute the metrics of an iteration from its runs on disk."""

from __future__ import annotations

from battery.records.models import FROZEN, Metrics
from battery.store.battery_dir import IterationDir
from battery.verdict.metrics import measure


def write_metrics(files: IterationDir) -> Metrics:
    """Write the `metrics.json` of each arm; return the learn arm's.

    They are of the first repeat: further repeats serve the statistics only. Raises `ArtifactError`.
    """
    if files.has_runs(FROZEN):
        files.write_metrics(measure(files.number, files.read_runs(FROZEN)), FROZEN)
    metrics = measure(files.number, files.read_runs())
    files.write_metrics(metrics)
    return metrics
