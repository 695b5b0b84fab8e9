"""Whatever happens to workers, no answered call is lost or repeated, and the runs are the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from battery.campaign import plan as planning
from tests.campaign.hunt import answers, hunt
from tests.support.commands import environment

pytestmark = pytest.mark.slow


def test_simulated_workers_that_are_killed_suspended_and_out_of_room_lose_nothing() -> None:
    """In a process of its own, as nothing else must touch a file; 10,000 by `benchmarks.faults`."""
    words = ("-m", "benchmarks.faults", "--schedules", "80", "--jobs", "1")
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
    assert counts["schedules"] == 80
    assert counts["asked again"] > 10


def test_real_workers_that_are_killed_and_suspended_lose_nothing(tmp_path: Path) -> None:
    """A few of them; 200 by `benchmarks.faults --real 200`."""
    hunt(tmp_path / "undisturbed", 0, faults=0)
    expected = answers(planning.open_campaign(tmp_path / "undisturbed" / "c"))
    for seed in (1, 2, 3):
        counts = hunt(tmp_path / str(seed), seed)
        assert counts["killed"] + counts["suspended"] > 2
        assert answers(planning.open_campaign(tmp_path / str(seed) / "c")) == expected
