"""One run under its lease: taken over where it was, and counted as it ended."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import ArtifactError, LostLeaseError
from battery.campaign import cell as cells
from battery.campaign import lease as leases
from battery.campaign.cell import battery_of
from battery.campaign.lease import Lease, Timing, Watch, state_of

#: Of a journal that is cut in the middle of its second line.
LINES = b'{"call": "respond"}\n{"call": "resp'


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def watch(clock: Clock, *, dead: bool | None = None) -> Watch:
    """Watch as on another host, or on that of a holder that has died."""
    return Watch(Timing(60, clock), lambda _note: None if dead is None else not dead)


def begun(folder: Path, clock: Clock) -> Lease:
    """Take a run for the first time, and record something."""
    lease = watch(clock).take(folder)
    assert lease is not None
    own = cells._taken_over(folder, lease, watch(clock))
    (own / "iter_1").mkdir(parents=True)
    (own / "iter_1" / "journal.jsonl").write_bytes(LINES)
    (own / ".lock").write_text("{}")
    return lease


def taken(folder: Path, observer: Watch) -> Lease:
    lease = observer.take(folder)
    assert lease is not None
    return lease


def test_what_a_dead_holder_left_is_moved(tmp_path: Path, clock: Clock) -> None:
    begun(tmp_path, clock)
    observer = watch(clock, dead=True)
    own = cells._taken_over(tmp_path, taken(tmp_path, observer), observer)
    assert own == tmp_path / "2" == battery_of(tmp_path)
    assert (own / "iter_1" / "journal.jsonl").read_bytes() == LINES
    assert not (tmp_path / "1").exists()


def test_what_a_silent_holder_left_is_copied_and_what_it_writes_later_is_not_read(
    tmp_path: Path, clock: Clock
) -> None:
    first, observer = begun(tmp_path, clock), watch(clock)
    assert observer.take(tmp_path) is None
    clock.now = 60
    own = cells._taken_over(tmp_path, taken(tmp_path, observer), observer)
    (tmp_path / "1" / "iter_1" / "journal.jsonl").write_bytes(b"late")
    assert (own / "iter_1" / "journal.jsonl").read_bytes() == LINES
    assert not (own / ".lock").exists()
    assert battery_of(tmp_path) == own
    with pytest.raises(LostLeaseError):
        cells._taken_over(tmp_path, first, observer)


def test_a_copy_that_nobody_finished_is_removed(tmp_path: Path, clock: Clock) -> None:
    begun(tmp_path, clock)
    (tmp_path / ".2.abc.tmp").mkdir()
    observer = watch(clock, dead=True)
    cells._taken_over(tmp_path, taken(tmp_path, observer), observer)
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_folder_that_changes_all_the_time_is_given_up(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path, clock)
    observer = watch(clock)
    assert observer.take(tmp_path) is None
    clock.now = 60
    lease, copytree = taken(tmp_path, observer), shutil.copytree

    def copied(*words: Any, **options: Any) -> Any:
        with (tmp_path / "1" / "iter_1" / "journal.jsonl").open("ab") as file:
            file.write(b"x")
        return copytree(*words, **options)

    monkeypatch.setattr(shutil, "copytree", copied)
    with pytest.raises(ArtifactError, match="somebody is writing there all the time"):
        cells._taken_over(tmp_path, lease, observer)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["1", "lease.1", "lease.2"]


def test_a_full_disk_is_named_and_leaves_the_run_as_it_was(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path, clock)
    observer = watch(clock)
    assert observer.take(tmp_path) is None
    clock.now = 60
    lease = taken(tmp_path, observer)

    def full(*_words: object, **_options: object) -> None:
        raise shutil.Error([("a", "b", os.strerror(28))])

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(ArtifactError, match=r"cannot take over the run in .*: No space left"):
        cells._taken_over(tmp_path, lease, observer)
    assert battery_of(tmp_path) == tmp_path / "1"


def test_the_state_of_a_run_is_what_its_last_holder_said(tmp_path: Path, clock: Clock) -> None:
    assert state_of(tmp_path) is None
    begun(tmp_path, clock).release("failed", "why")
    assert state_of(tmp_path) == "failed"
    taken(tmp_path, watch(clock))
    assert leases.latest(tmp_path) == 2
    assert state_of(tmp_path) is None
