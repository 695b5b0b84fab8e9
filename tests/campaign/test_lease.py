"""A lease: one holder per epoch, who notices that it was taken over, whatever the clocks say."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from battery.base.errors import FolderError, LostLeaseError
from battery.campaign import lease as leases
from battery.campaign.lease import Heart, Lease, Note, Timing, Watch
from battery.store.lock import this_process

LEASE_S = 60.0


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def watching(clock: Clock, at_work: bool | None = None) -> Watch:
    """Watch as another host does, which knows of no process whether it lives."""
    return Watch(Timing(LEASE_S, clock), lambda _note: at_work)


def taken(watch: Watch, folder: Path) -> Lease:
    lease = watch.take(folder)
    assert lease is not None
    return lease


def test_epochs_count_up_and_a_held_one_is_not_free(tmp_path: Path, clock: Clock) -> None:
    first = taken(watching(clock), tmp_path / "a")
    assert (first.epoch, first.path) == (1, tmp_path / "a" / "lease.1")
    assert watching(clock).take(tmp_path / "a") is None
    first.require()
    first.release("interrupted")
    assert taken(watching(clock), tmp_path / "a").epoch == 2


def test_of_many_who_try_at_once_one_has_it(tmp_path: Path, clock: Clock) -> None:
    for _ in range(20):
        with ThreadPoolExecutor(8) as pool:
            held = [*pool.map(lambda _n: watching(clock).take(tmp_path), range(8))]
        (lease,) = filter(None, held)
        lease.release("interrupted")
    assert leases.latest(tmp_path) == 20


def test_a_holder_without_a_sign_of_life_is_taken_over_and_notices(
    tmp_path: Path, clock: Clock
) -> None:
    lease, other = taken(watching(clock), tmp_path), watching(clock)
    assert not other.is_free(tmp_path)
    clock.now = LEASE_S - 1
    assert not other.is_free(tmp_path)
    clock.now = LEASE_S
    assert taken(other, tmp_path).epoch == 2
    with pytest.raises(LostLeaseError) as caught:
        lease.require()
    assert caught.value.exit_code == 5


def test_signs_of_life_keep_it_for_as_long_as_it_takes(tmp_path: Path, clock: Clock) -> None:
    lease, other = taken(watching(clock), tmp_path), watching(clock)
    for number in range(1, 50):
        clock.now = number * LEASE_S * 0.9
        lease.beat()
        assert not other.is_free(tmp_path)
        lease.require()


def test_who_stood_still_too_long_makes_no_call_though_nobody_took_over(
    tmp_path: Path, clock: Clock
) -> None:
    lease = taken(watching(clock), tmp_path)
    clock.now = LEASE_S
    # What wakes up first, the heart or the run, must not matter.
    lease.beat()
    with pytest.raises(LostLeaseError):
        lease.require()


def test_a_lease_that_is_taken_over_early_is_lost_as_well(tmp_path: Path, clock: Clock) -> None:
    lease = taken(watching(clock), tmp_path)
    taken(watching(clock, at_work=False), tmp_path)
    with pytest.raises(LostLeaseError, match="belongs to the one that took over"):
        lease.require()


@pytest.mark.parametrize("wall", [0, 4_000_000_000])
def test_a_clock_that_was_set_changes_nothing(tmp_path: Path, clock: Clock, wall: int) -> None:
    lease, other = taken(watching(clock), tmp_path), watching(clock)
    assert not other.is_free(tmp_path)
    os.utime(lease.path, (wall, wall))
    clock.now = LEASE_S - 1
    assert not other.is_free(tmp_path)
    # It counts from when the change was seen.
    clock.now = 2 * LEASE_S - 2
    assert not other.is_free(tmp_path)
    clock.now = 2 * LEASE_S - 1
    assert other.is_free(tmp_path)


def test_a_dead_process_on_this_host_is_seen_at_once_and_a_live_one_is_not(
    tmp_path: Path, clock: Clock
) -> None:
    code = f"""
from pathlib import Path
from battery.campaign.lease import Timing, Watch
Watch(Timing(60)).take(Path({str(tmp_path)!r}))
print(flush=True)
input()
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout
    holder.stdout.readline()
    here = Watch(Timing(LEASE_S, clock))
    assert not here.is_free(tmp_path)
    holder.kill()
    # Also before its parent has buried it.
    while not here.is_free(tmp_path):
        pass
    holder.communicate()
    assert here.is_gone(tmp_path, 1)


def test_of_a_process_elsewhere_nothing_is_known() -> None:
    here = this_process()
    note = Note(space=leases._space(), **here._asdict())
    assert leases.is_alive(note) is True
    assert leases.is_alive(note.model_copy(update={"host": "another"})) is None
    # A container on this host may number its processes alike.
    assert leases.is_alive(note.model_copy(update={"space": "another", "pid": 2**22})) is None


def test_a_lease_that_says_nothing_yet_is_held_until_it_runs_out(
    tmp_path: Path, clock: Clock
) -> None:
    (tmp_path / "lease.7").touch()
    watch = watching(clock, at_work=False)
    assert watch.take(tmp_path) is None
    clock.now = LEASE_S
    assert taken(watch, tmp_path).epoch == 8


def test_a_release_tells_how_it_ended(tmp_path: Path, clock: Clock) -> None:
    taken(watching(clock), tmp_path).release("failed", "the gateway is away")
    note = leases.read(tmp_path, 1)
    assert note is not None
    assert (note.ended, note.why) == ("failed", "the gateway is away")


def test_where_no_folder_can_be_made_it_is_named(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "a").write_text("a file")
    with pytest.raises(FolderError, match="cannot make the folder"):
        watching(clock).take(tmp_path / "a")


def test_a_heart_beats_for_the_leases_it_has(tmp_path: Path) -> None:
    timing = Timing(1.2)
    lease = taken(Watch(timing), tmp_path)
    before = lease.path.stat().st_mtime_ns
    with Heart(timing) as heart, heart.beating(lease):
        while lease.path.stat().st_mtime_ns == before:
            pass
