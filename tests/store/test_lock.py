"""A folder has one writer, and the lock tells who it is."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from battery.base.errors import FolderError
from battery.records.events import Event, Notice
from battery.store.lock import Holder, holder, is_at_work, is_held, locked


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
        "import sys, time, pathlib\nfrom battery.store.files import Reserve\n"
        "from battery.store.lock import locked\n"
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
        "import sys, time, pathlib\nfrom battery.store.lock import locked\n"
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


#: Ends its first thread alone, as a kill does for a moment.
_HALF_DEAD = """
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
print(flush=True)
ctypes.CDLL(None).syscall({number}, 0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of the threads of a process")
def test_a_process_whose_first_thread_has_ended_still_holds_what_it_has() -> None:
    number = {"x86_64": 60, "aarch64": 93}[os.uname().machine]
    code = _HALF_DEAD.format(number=number)
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        stat = Path(f"/proc/{process.pid}/stat")
        while ") Z " not in stat.read_text():
            pass
        started = stat.read_text().rpartition(")")[2].split()[19]
        here = Holder(process.pid, os.uname().nodename, started)
        assert is_at_work(here) is True
        process.kill()
        while is_at_work(here):
            pass


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


def test_a_lock_that_is_a_link_is_refused_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep")
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / ".lock").symlink_to(precious)
    with pytest.raises(FolderError, match=r"\.lock: it is a link") as caught, locked(folder):
        pass
    assert "remove the link" in (caught.value.hint or "")
    assert precious.read_text() == "keep"


#: A folder's writer where there are no locks, as on a network drive without them.
WITHOUT_LOCKS = """
import errno, fcntl, os, pathlib, sys, time
def unsupported(*_):
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
fcntl.flock = unsupported
from battery.base.errors import FolderError
from battery.store.lock import locked
try:
    with locked(pathlib.Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(float(sys.argv[2]))
except FolderError as error:
    print(error, "|", error.hint)
"""


def without_locks(folder: Path, wait_s: int = 0) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", WITHOUT_LOCKS, str(folder), str(wait_s)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def refuse_locks(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fcntl.flock", refuse)


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS])
def test_where_there_are_no_locks_a_file_stands_in_and_a_warning_says_so(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_locks(monkeypatch, code)
    said: list[Event] = []
    with locked(tmp_path, said.append):
        assert (tmp_path / ".held").exists()
    (notice,) = said
    assert isinstance(notice, Notice)
    assert notice.text.startswith(f"the file system of {tmp_path} has no locks")
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_lock_that_fails_otherwise_is_no_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_locks(monkeypatch, errno.EIO)
    with pytest.raises(FolderError, match="cannot lock") as caught, locked(tmp_path):
        pass
    assert "check the disk" in f"{caught.value.hint} {caught.value.remedy}"


def test_without_locks_a_second_writer_is_refused_and_a_dead_one_is_not_waited_for(
    tmp_path: Path,
) -> None:
    with without_locks(tmp_path, 60) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "held\n"
        second = without_locks(tmp_path).communicate()[0]
        assert f"another battery process is working in {tmp_path}: process {writer.pid}" in second
        assert "remove" not in second, "it is alive"
        assert is_held(tmp_path) is True
        writer.kill()
        writer.wait()
    assert (tmp_path / ".held").exists()
    assert without_locks(tmp_path).communicate()[0].endswith("held\n")
    assert not (tmp_path / ".held").exists()


@pytest.mark.parametrize("note", ['{"pid": 7, "host": "elsewhere", "started": "1"}', ""])
def test_a_stand_in_whose_process_cannot_be_seen_is_for_the_user_to_remove(
    note: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_locks(monkeypatch, errno.ENOTSUP)
    (tmp_path / ".held").write_text(note)
    with pytest.raises(FolderError) as caught, locked(tmp_path):
        pass
    assert f"if it has ended, remove {tmp_path / '.held'}" in (caught.value.hint or "")
    (tmp_path / ".held").unlink()
    said: list[Event] = []
    with locked(tmp_path, said.append):
        assert json.loads((tmp_path / ".held").read_text())["pid"] == os.getpid()
    assert [type(event) for event in said] == [Notice]
