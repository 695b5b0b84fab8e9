"""A battery that was traced, and a collector to send to."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.support.collector import Collector, collecting
from tests.support.commands import battery
from tests.support.tracing import (
    ENDPOINT,
    TOKEN,
    Traced,
)


@pytest.fixture(autouse=True)
def all_sent() -> Iterator[None]:
    """Wait for whoever still tries to send: that draws random numbers, and may fail later tests."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        # Not the watch over the clock, which lasts as long as the process.
        if thread.name.startswith("Otel") or "shutdown" in thread.name:
            thread.join(10)


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """Run one iteration as a process of its own."""
    folder = tmp_path_factory.mktemp("traced") / "battery"
    with collecting() as collector:
        env = {ENDPOINT: collector.url, "GATEWAY_TOKEN": TOKEN}
        words = ("run", "--iterations", 1, "--seed", 7, "--quiet", "--dir", folder)
        done = battery(*words, cwd=folder.parent, env=env)
        assert done.returncode == 0, done.stderr
        yield Traced(folder, collector, collector.spans(), done.stderr)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Serve a collector that this process sends to."""
    with collecting() as found:
        monkeypatch.setenv(ENDPOINT, found.url)
        yield found
