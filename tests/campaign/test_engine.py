"""The workers of a campaign on this machine: shared out, replaced, and never left behind."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from battery.campaign import engine
from battery.campaign.engine import Patience
from tests.cli.test_campaign import CALLS, children, counting, planned
from tests.support.campaigns import campaign, run
from tests.support.commands import alive, battery, environment, start, words

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("jobs", "processes", "shares"), [(1, 1, [1]), (4, 2, [2, 2]), (5, 2, [3, 2]), (2, 2, [1, 1])]
)
def test_runs_are_shared_out_evenly(jobs: int, processes: int, shares: list[int]) -> None:
    assert engine._shares(jobs, processes) == shares


def test_patience_ends_after_so_many_replacements_and_begins_anew_with_each_finished_run(
    tmp_path: Path,
) -> None:
    made = campaign(tmp_path, (), runs=5)
    patience = Patience(made, 2)
    assert [patience.is_over() for _ in range(2)] == [False, False]
    run(made, made.plan.cells[0], 0.3)
    assert [patience.is_over() for _ in range(3)] == [False, False, True]


def test_workers_stop_before_their_next_call_when_their_command_is_killed(tmp_path: Path) -> None:
    with counting(after=6) as (endpoint, target):
        made = planned(tmp_path, *target, runs=3)
        command = start("campaign", "run", made, "-j", 2)
        assert endpoint.reached.wait(60)
        workers = children(command.pid)
        assert len(workers) == 2
        command.kill()
        command.communicate()
        until = time.monotonic() + 60
        while any(alive(str(pid)) for pid in workers):
            assert time.monotonic() < until, "a worker goes on"
            time.sleep(0.02)
        # Both waited for an answer.
        asked = len(endpoint.names)
        endpoint.go_on.set()
        done = battery("campaign", "run", made, "-j", 2)
        assert done.returncode == 0, done.stderr
        assert "taken over" not in done.stderr
        assert len(set(endpoint.names[:asked])) == asked
        assert len(set(endpoint.names)) == 3 * CALLS
        assert sum(times - 1 for times in endpoint.repeated().values()) <= 2


def test_a_worker_that_is_told_to_stops_at_the_end_of_its_input(tmp_path: Path) -> None:
    with counting(after=2) as (endpoint, target):
        made = planned(tmp_path, *target, runs=2)
        worker = subprocess.Popen(
            words("campaign", "worker", made, "--until-eof"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(),
            text=True,
        )
        assert endpoint.reached.wait(60)
        assert worker.poll() is None
        _, said = worker.communicate(timeout=60)
    assert worker.returncode == 128 + signal.SIGINT
    assert "error: interrupted" in said
