"""A battery whose folder is taken away stops before the next call and says what is true."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.arms import journal
from tests.support.calls import command_here
from tests.support.commands import environment, run_options
from tests.support.gateway import Gateway

pytestmark = pytest.mark.slow

#: The calls of one iteration: six tasks, distill, review and judgment.
CALLS = 9


@pytest.fixture
def options(gateway: Gateway, tmp_path: Path) -> list[object]:
    return run_options(tmp_path, gateway.url, per_phase=2, iterations=1)


def at_call(gateway: Gateway, number: int, act: Callable[[], object]) -> None:
    """Do something while a call is under way."""

    def before(_path: str, _body: dict[str, Any]) -> None:
        if len(gateway.requests) == number:
            act()

    gateway.before = before


def errors(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert done.stderr.count("error: ") == 1
    return done.stderr


@pytest.mark.parametrize("call", range(1, CALLS + 1))
def test_whichever_call_a_removed_folder_meets_is_the_last(
    call: int, gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    at_call(gateway, call, lambda: shutil.rmtree(tmp_path / "b"))
    said = errors(command_here(*options, cwd=tmp_path))
    assert f"{tmp_path / 'b'} was removed while" in said
    assert "the answers in it are gone" in said
    assert "on disk" not in said
    assert "--resume" not in said
    assert len(gateway.requests) == call
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize("call", [1, 6, 7, 9])
def test_a_battery_in_a_moved_folder_goes_on_where_it_is_now(
    call: int, replaced: bool, gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    moved, foreign = tmp_path / "moved", tmp_path / "b" / "mine.txt"

    def move() -> None:
        (tmp_path / "b").rename(moved)
        if replaced:
            foreign.parent.mkdir()
            foreign.write_text("mine")

    at_call(gateway, call, move)
    said = errors(command_here(*options, cwd=tmp_path))
    assert f"{tmp_path / 'b'} was moved to {moved} while" in said
    assert f"--dir {moved}" in said
    assert f"--dir {tmp_path / 'b'}" not in said
    assert len(gateway.requests) == call == len(journal(moved))
    left = [path.name for path in (tmp_path / "b").iterdir()] if replaced else []
    assert left == ["mine.txt"] * replaced
    resumed = [moved if word == tmp_path / "b" else word for word in options]
    done = command_here(*resumed, "--resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(gateway.requests) == CALLS


def test_of_several_workers_none_asks_again_and_what_was_under_way_is_kept(
    gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    at_call(gateway, 2, lambda: (tmp_path / "b").rename(tmp_path / "moved"))
    said = errors(command_here(*options, "--concurrency", 2, cwd=tmp_path))
    assert "was moved to" in said
    # The other worker may have had its answer just before the folder went, and asked once more.
    assert 2 <= len(gateway.requests) <= 3
    assert len(journal(tmp_path / "moved")) == len(gateway.requests)


def test_the_embedded_gateway_whose_memory_went_too_is_not_blamed(tmp_path: Path) -> None:
    folder, moved = tmp_path / "b", tmp_path / "moved"
    words = [sys.executable, "-m", "battery", "run", "-n", "200", "--dir", str(folder)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        while not (folder / "iter_1" / "runs.json").exists():
            assert process.poll() is None
        folder.rename(moved)
        said = process.communicate()[1]
    assert process.returncode == 1
    assert f"{folder} was moved" in said or f"cannot write {folder}" in said
    assert not folder.exists()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_battery_that_goes_while_something_else_fails_is_not_said_to_be_there(
    replaced: bool, gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    """Only the manifest, as halfway through a removal, with the journal still in its place."""
    manifest = tmp_path / "b" / "battery.json"

    def remove() -> None:
        text = manifest.read_text()
        manifest.unlink()
        if replaced:
            manifest.write_text(text.replace('"run_id": "', '"run_id": "another'))
        raise ConnectionError

    at_call(gateway, 3, remove)
    said = errors(command_here(*options, cwd=tmp_path))
    assert f"{tmp_path / 'b'} was removed, moved or replaced" in said
    assert "on disk" not in said
    assert manifest.exists() == replaced
    assert not replaced or "another" in manifest.read_text()


@pytest.mark.parametrize("size", [0, 1, 300, -1], ids=["empty", "torn", "middle", "end"])
def test_a_journal_that_somebody_cuts_stops_the_run_and_the_next_one_goes_on(
    size: int, gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    path = tmp_path / "b" / "iter_1" / "journal.jsonl"
    at_call(gateway, 4, lambda: os.truncate(path, size % path.stat().st_size))
    said = errors(command_here(*options, cwd=tmp_path))
    assert f"{path} was changed by another program" in said
    assert "--resume" in said
    assert len(gateway.requests) == 4
    kept = len(journal(tmp_path / "b"))
    assert kept >= 1
    done = command_here(*options, "--resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(gateway.requests) == CALLS + 4 - kept


@pytest.mark.parametrize("file", ["iter_1/journal.jsonl", "battery.json", "tasks.json"])
@pytest.mark.parametrize("damage", ["cut", "nul", "hole"])
def test_what_is_damaged_before_a_resume_is_named_or_harmless(
    damage: str, file: str, gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    def die() -> None:
        raise ConnectionError

    at_call(gateway, 7, die)
    command_here(*options, cwd=tmp_path)
    gateway.before = lambda _path, _body: None
    path = tmp_path / "b" / file
    whole = path.read_bytes()
    for at in range(0, len(whole), len(whole) // 9):
        damaged = {
            "cut": whole[:at],
            "nul": whole[:at] + bytes(len(whole) - at),
            "hole": whole[:at] + bytes(9) + whole[at + 9 :],
        }[damage]
        path.write_bytes(damaged)
        done = command_here(*options, "--resume", "--dry-run", cwd=tmp_path)
        assert "internal error" not in done.stderr
        assert done.returncode in {0, 1, 2}
        if done.returncode:
            assert path.name in done.stderr


#: The next sync of a journal fails, once or for good.
FAILING_SYNC = """
import errno, os, sys
real, left = os.fsync, [int(sys.argv.pop(1)), int(sys.argv.pop(1))]
def sync(handle):
    if os.readlink(f"/proc/self/fd/{handle}").endswith("journal.jsonl"):
        left[0] -= 1
        if left[0] < 0 and left[1]:
            left[1] -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))
    real(handle)
os.fsync = sync
from battery.cli.main import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("times", "fate"), [(1, "was saved"), (9, "was written, but may not survive a crash")]
)
def test_a_sync_that_fails_stops_the_run_names_the_call_and_says_what_became_of_its_answer(
    times: int, fate: str, gateway: Gateway, options: list[object]
) -> None:
    words = [sys.executable, "-c", FAILING_SYNC, "2", str(times), *map(str, options)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment())
    said = errors(done)
    assert f"Input/output error; the answer to respond beta_drift 0 {fate}" in said
    assert "next: check the disk" in said
    assert len(gateway.requests) == 3
    resumed = command_here(*options, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert len(gateway.requests) == CALLS
