"""Files are whole or absent, and a folder has one writer."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from battery.base.errors import ArtifactError, FolderError
from battery.store.files import (
    RESERVE_BYTES,
    Reserve,
    cannot_write,
    disk_is_full,
    holder,
    is_held,
    locked,
    write_atomic,
)


def test_a_written_file_holds_all_chunks_and_leaves_no_neighbour(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a.json", iter([b"one", b"two"]))
    assert (tmp_path / "a.json").read_bytes() == b"onetwo"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_an_older_file_stays_when_the_new_one_fails_half_way(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_atomic(target, b"old")

    def broken() -> object:
        yield b"new"
        raise OSError(errno.EIO, "the disk is dying")

    with pytest.raises(ArtifactError, match=r"cannot write .*a\.json.*dying"):
        write_atomic(target, broken())  # type: ignore[arg-type]
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_has_one_writer_at_a_time(tmp_path: Path) -> None:
    with (
        locked(tmp_path),
        pytest.raises(FolderError, match="another battery process"),
        locked(tmp_path),
    ):
        pass
    with locked(tmp_path):
        pass


def test_a_killed_writer_lets_go_and_its_leftovers_are_removed(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib\nfrom battery.store.files import Reserve, locked\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "with locked(root):\n"
        "    (root / '.x.json.tmp').write_text('half'); Reserve(root).claim()\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    with writer:
        assert writer.stdout
        assert writer.stdout.readline() == "held\n"
        with pytest.raises(FolderError), locked(tmp_path):
            pass
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    with locked(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_made_is_a_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(FolderError, match="cannot make the folder") as caught,
        locked(tmp_path / "file" / "below"),
    ):
        pass
    assert caught.value.exit_code == 2
    assert "--dir" in (caught.value.hint or "")


def test_the_reserve_takes_real_space_and_gives_it_back(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path)
    reserve.claim()
    (kept,) = tmp_path.iterdir()
    assert kept.stat().st_size == RESERVE_BYTES
    assert kept.stat().st_blocks * 512 >= RESERVE_BYTES
    reserve.release()
    reserve.release()
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_from_a_forbidden_file(tmp_path: Path) -> None:
    full, forbidden = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), PermissionError(13, "no")
    assert disk_is_full(full)
    assert not disk_is_full(forbidden)
    assert cannot_write(tmp_path, full).remedy == "free some space"
    assert "permissions" in (cannot_write(tmp_path, forbidden).remedy or "")


def test_the_lock_names_its_holder_until_it_is_let_go(tmp_path: Path) -> None:
    assert is_held(tmp_path) is None
    with locked(tmp_path):
        found = holder(tmp_path)
        assert found
        assert (found.pid, found.host) == (os.getpid(), socket.gethostname())
        assert is_held(tmp_path) is True
        with pytest.raises(FolderError), locked(tmp_path):
            pass
        assert holder(tmp_path) == found, "one that was turned away leaves no name"
    assert (holder(tmp_path), is_held(tmp_path)) == (None, False)


def test_a_killed_holder_is_gone_even_before_its_parent_has_noticed(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib\nfrom battery.store.files import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "held\n"
        assert is_held(tmp_path) is True
        writer.kill()
        assert writer.stdout.read() == ""  # it has ended, and nobody has asked how
        if Path("/proc/self/stat").exists():
            while is_held(tmp_path):
                time.sleep(0.001)
        writer.wait()
        assert is_held(tmp_path) is False
        found = holder(tmp_path)
        assert found
        assert found.pid == writer.pid


@pytest.mark.parametrize(
    ("note", "held"),
    [
        ("", None),
        ("{", None),
        ("[1]", None),
        ('{"pid": 0, "host": "HERE"}', None),
        ('{"pid": "7", "host": "HERE"}', None),
        ('{"pid": 1, "host": "elsewhere"}', None),
        ("{}", False),
        # The number of a process that lives, and that began at another time.
        ('{"pid": 1, "host": "HERE", "started": "never"}', False),
        ('{"pid": 1, "host": "HERE", "started": null}', True),
    ],
)
def test_only_a_process_of_this_host_can_be_told_to_live_or_to_be_gone(
    note: str, held: bool | None, tmp_path: Path
) -> None:
    (tmp_path / ".lock").write_text(note.replace("HERE", socket.gethostname()))
    assert is_held(tmp_path) is held
