"""Whatever happens to workers, no answered call is lost or repeated, and the runs are the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import environment

pytestmark = pytest.mark.slow


def test_simulated_workers_that_are_killed_suspended_and_out_of_room_lose_nothing() -> None:
    """In a process of its own, as nothing else must touch a file; 10,000 by `benchmarks.faults`."""
    words = ("-m", "benchmarks.faults", "--schedules", "200", "--jobs", "1")
    done = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env=environment(),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    counts = {what: int(times) for times, what in re.findall(r"^ +(\d+) (.+)$", done.stdout, re.M)}
    # What is never met is never tried.
    for what in ("killed", "suspended", "disk full", "clock set", "torn line", "LostLeaseError"):
        assert counts[what] > 10
    assert counts["schedules"] == 200
    assert counts["asked again"] > 10
