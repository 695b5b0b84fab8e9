"""Events to trace, and what a collector got of a battery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from battery.records.events import StageStarted, TaskStarted
from battery.records.models import Phase, RunResult, Task
from tests.support.collector import Collector, Seen
from tests.support.commands import read_json
from tests.support.server import deserted_port

TOKEN = "a-token-that-nobody-may-see"
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
RESULT = RunResult("ok", 2, 300, False, None, 40)
STAGE = StageStarted(1, "alpha", "easy tasks")
STARTED = TaskStarted(
    1,
    Phase.ALPHA,
    "fill",
    model="small",
    task=Task(task_class="c", operation="fill", spec={"n": 1}),
)


class Traced(NamedTuple):
    """A battery that ran with a collector at hand."""

    folder: Path
    collector: Collector
    spans: list[Seen]
    stderr: str

    def named(self, start: str) -> list[Seen]:
        return [span for span in self.spans if span.name.startswith(start)]

    def children(self, parent: Seen) -> list[Seen]:
        return [span for span in self.spans if span.parent == parent.id]


def results(folder: Path) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Yield the results on disk, by arm and task."""
    for arm, path in (("learn", "iter_1/runs.json"), ("frozen", "iter_1/control/runs.json")):
        for run in read_json(folder / path):
            yield (arm, run["task"]["operation"]), run["result"]


def use_dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name a proxy at a port where nobody listens."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{deserted_port()}")
