"""A campaign on a Dask cluster: the same runs as anywhere, whatever happens to its processes."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from battery import __version__
from battery.campaign import dask, task
from battery.campaign.spent import Caps
from tests.campaign.dask_hunt import FAULTS, Cluster, cluster, hunt_on_dask
from tests.cli.test_campaign import CALLS, claims, counting, planned, recorded, verdicts
from tests.support.arms import serving_pair
from tests.support.calls import assert_one_message, command_here
from tests.support.commands import battery, read_json, start, write_tasks

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


def test_a_cluster_of_two_workers_makes_the_same_runs_as_two_processes_here(
    there: Cluster, tmp_path: Path
) -> None:
    one = planned(tmp_path)
    two = tmp_path / "two"
    shutil.copytree(one, two)
    here = battery("campaign", "run", one, "-j", 2)
    assert here.returncode == 0, here.stderr
    on_dask = command_here("campaign", "run", two, "--on", there.url)
    assert on_dask.returncode == 0, on_dask.stderr
    assert on_dask.stdout == here.stdout.replace(str(one), str(two))
    assert sorted(on_dask.stderr.splitlines()) == sorted(here.stderr.splitlines())
    assert len(recorded(one)) == 6
    assert recorded(one) == recorded(two)
    assert verdicts(one) == verdicts(two)
    assert claims(one) == claims(two)
    assert {path.name for path in two.iterdir()} == {path.name for path in one.iterdir()}
    # Nothing is left to do, and nothing is asked of the cluster.
    again = command_here("campaign", "run", two, "--on", "dask://127.0.0.1:1")
    assert (again.returncode, again.stdout) == (0, on_dask.stdout)


def test_a_cap_holds_for_all_runs_on_a_cluster_and_a_higher_one_goes_on(
    there: Cluster, tmp_path: Path
) -> None:
    with counting() as (endpoint, target):
        campaign = planned(tmp_path, *target, "--max-tokens", 80, runs=2)
        words = ("campaign", "run", campaign, "--on", there.url)
        done = command_here(*words)
        assert done.returncode == 4, done.stderr
        assert done.stderr.count("paused at --max-tokens 80: ") == 1
        assert 8 <= len(endpoint.names) < 2 * CALLS
        more = command_here(*words, "--max-tokens", 100_000)
        assert more.returncode == 0, more.stderr
        assert not endpoint.repeated()
        assert len(endpoint.names) == 2 * CALLS


def test_a_run_whose_worker_is_killed_gets_its_target_back_from_nobody_who_only_waits_for_it(
    there: Cluster, tmp_path: Path
) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    with serving_pair() as pair:
        words = ("--runs", 2, "-n", 1, "-o", "c", "--prepare", "true", *pair.options())
        assert command_here("campaign", "plan", *words, cwd=tmp_path).returncode == 0
        pair.learn.delay = 0.1
        run = start("campaign", "run", tmp_path / "c", "--on", there.url)
        lease = tmp_path / "c" / "cells" / "001" / "lease.1"
        until = time.monotonic() + 60
        while not (lease.exists() and pair.learn.requests):
            assert time.monotonic() < until
            time.sleep(0.05)
        # The other worker has nothing to do, for the only target is taken.
        assert not (tmp_path / "c" / "cells" / "002").exists()
        os.kill(read_json(lease)["pid"], signal.SIGKILL)
        _, said = run.communicate(timeout=60)
        there.add_worker()
    assert run.returncode == 0, said
    assert (tmp_path / "c" / "cells" / "001" / "2").is_dir()


def test_workers_that_do_not_see_the_folder_are_named_before_any_call(
    there: Cluster, tmp_path: Path
) -> None:
    with counting() as (endpoint, target):
        campaign = planned(tmp_path, *target)
        # A path that leads each process somewhere else.
        words = ("campaign", "run", "/proc/self/cwd/c", "--on", there.url)
        done = command_here(*words, cwd=tmp_path)
        seen = "it does not see /proc/self/cwd/c, or sees a copy of it (worker tcp://127.0.0.1:"
        assert_one_message(done, 2, seen, "put the campaign where every worker sees it")
        assert endpoint.names == []
    assert not list(campaign.glob(".on*"))


def test_a_run_that_fails_stops_all_and_says_why(there: Cluster, tmp_path: Path) -> None:
    with counting() as (endpoint, target):
        campaign = planned(tmp_path, *target, runs=3)
    done = command_here("campaign", "run", campaign, "--on", there.url)
    why = "stopped: the target is not there: cannot connect to"
    assert_one_message(done, 1, why, "3 runs of 3 are not finished", f"--on {there.url}")
    assert endpoint.names == []


def test_what_happens_to_a_cluster_costs_the_calls_under_way_and_nothing_else(
    tmp_path: Path,
) -> None:
    """Random ones by `benchmarks.faults --dask 20`."""
    counts = hunt_on_dask(tmp_path / "x", 1, FAULTS)
    assert all(counts[fault] == 1 for fault in FAULTS)


def test_a_worker_with_another_battery_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "seal").touch()
    order = task.Order(str(tmp_path), "seal", "0.0", Caps(), "dask://head:8786")
    assert "and here is 0.0" in str(task.fault_of(order))
    assert task.fault_of(order._replace(version=__version__)) is None


def test_a_scheduler_that_does_not_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask, "_PATIENCE_S", 0.2)
    campaign = planned(tmp_path)
    done = command_here("campaign", "run", campaign, "--on", "dask://127.0.0.1:1")
    assert_one_message(done, 1, "no Dask scheduler answers at dask://127.0.0.1:1", "dask worker")
    assert not list((campaign / "cells").iterdir())


@pytest.mark.parametrize("url", ["tcp://head:8786", "dask://head", "dask://head:port", "head:1"])
def test_what_is_no_address_of_a_scheduler_is_refused(url: str, tmp_path: Path) -> None:
    done = command_here("campaign", "run", planned(tmp_path), "--on", url)
    assert_one_message(done, 2, f"--on {url}: not the address", "dask://HOST:PORT")


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "battery.campaign.dask")
    done = command_here("campaign", "run", planned(tmp_path), "--on", "dask://head:8786")
    needs = "--on dask://head:8786 needs Dask, which is not installed"
    assert_one_message(done, 2, needs, "pip install 'compounding-battery[dask]'")
