"""A memory in a folder: the same fingerprint for the same content, and every copy whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.base.errors import ArtifactError
from battery.target.memory import FolderMemory, Kept, RestlessError, fingerprint

NAMES = st.sampled_from(["notes.txt", "a/b.txt", "a/c.txt", "empty/", "link", "\u00e9\n.md"])
TREES = st.dictionaries(NAMES, st.binary(max_size=8), max_size=6)


def grow(folder: Path, tree: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif name == "link":
            path.symlink_to(f"to {content.hex()}")
        else:
            path.write_bytes(content)


def test_a_link_out_of_the_memory_is_told_once_and_by_name(tmp_path: Path) -> None:
    told: list[str] = []
    kept = Kept(tmp_path, told.append)
    (tmp_path / "shared").write_text("known")
    for arm in ("learn", "frozen"):
        grow(tmp_path / arm, {"a/notes.txt": b"a"})
        (tmp_path / arm / "inner").symlink_to("a/notes.txt")
        (tmp_path / arm / "self").symlink_to("self")
        FolderMemory(tmp_path / arm, kept).keep()
        assert not told
    for arm in ("learn", "frozen"):
        (tmp_path / arm / "a" / "outer").symlink_to(tmp_path / "shared")
        FolderMemory(tmp_path / arm, kept).keep()
    (text,) = told
    assert text.startswith(f"a/outer in the memory is a link to {tmp_path / 'shared'}, outside")


def content(folder: Path) -> dict[str, object]:
    return {
        path.relative_to(folder).as_posix(): str(path.readlink())
        if path.is_symlink()
        else (path.read_bytes() if path.is_file() else None)
        for path in folder.rglob("*")
    }


@pytest.fixture
def memory(tmp_path: Path) -> FolderMemory:
    made = FolderMemory(tmp_path / "learn", Kept(tmp_path))
    made.begin()
    return made


@given(first=TREES, second=TREES)
def test_a_fingerprint_tells_two_memories_apart_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, first: dict[str, bytes], second: dict[str, bytes]
) -> None:
    one, other = (tmp_path_factory.mktemp("memory") for _ in range(2))
    grow(one, first)
    grow(other, second)
    assert (fingerprint(one) == fingerprint(other)) == (content(one) == content(other))


@given(trees=st.lists(TREES, min_size=1, max_size=4))
def test_every_kept_memory_can_be_put_back(
    tmp_path_factory: pytest.TempPathFactory, trees: list[dict[str, bytes]]
) -> None:
    home = tmp_path_factory.mktemp("home")
    memory, kept = FolderMemory(home / "learn", Kept(home)), []
    start = memory.begin()
    for tree in trees:
        memory.put_back(start)
        grow(home / "learn", tree)
        kept.append((memory.keep(), content(home / "learn")))
    for name, expected in kept:
        memory.put_back(name)
        assert content(home / "learn") == expected


def test_what_the_system_writes_later_changes_no_copy(tmp_path: Path, memory: FolderMemory) -> None:
    notes = tmp_path / "learn" / "notes.txt"
    notes.write_text("one")
    (tmp_path / "learn" / "large.bin").write_bytes(bytes(1000))
    first = memory.keep()
    # In place, of the same size, and within one tick of the clock.
    with notes.open("r+") as file:
        file.write("two")
    second = memory.keep()
    kept = tmp_path / "kept"
    assert [(kept / name / "notes.txt").read_text() for name in (first, second)] == ["one", "two"]
    large = kept / first / "large.bin"
    assert large.samefile(kept / second / "large.bin")
    assert not large.samefile(tmp_path / "learn" / "large.bin")


def test_half_a_copy_is_none(tmp_path: Path, memory: FolderMemory) -> None:
    """As a process leaves it that is killed while it copies."""
    (tmp_path / "learn" / "notes.txt").write_text("whole")
    name = fingerprint(tmp_path / "learn")
    half = tmp_path / "kept" / f".{name}.tmp"
    half.mkdir()
    (half / "notes.txt").write_text("wh")
    assert memory.keep() == name
    assert (tmp_path / "kept" / name / "notes.txt").read_text() == "whole"


def test_a_battery_that_goes_on_keeps_the_start_that_it_had(
    tmp_path: Path, memory: FolderMemory
) -> None:
    start = memory.keep()
    (tmp_path / "learn" / "notes.txt").write_text("learned")
    assert FolderMemory(tmp_path / "learn", Kept(tmp_path)).begin() == start
    assert FolderMemory(tmp_path / "frozen", Kept(tmp_path)).begin() == start


def test_a_copy_that_is_gone_is_named(memory: FolderMemory) -> None:
    with pytest.raises(ArtifactError, match="kept/0123"):
        memory.put_back("0123")


def _times(path: Path) -> None:
    os.utime(path / "notes.txt", (1, 1))


def _rights(path: Path) -> None:
    (path / "notes.txt").chmod(0o600)


def _pipe(path: Path) -> None:
    os.mkfifo(path / "the answer is 42")


@pytest.mark.parametrize("write", [_times, _rights, _pipe])
def test_nothing_that_was_written_next_to_the_content_is_there_after_putting_back(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    folder = tmp_path / "frozen"
    folder.mkdir()
    (folder / "notes.txt").write_text("start")
    (folder / "notes.txt").chmod(0o644)
    memory = FolderMemory(folder, Kept(tmp_path))
    start = memory.begin()
    memory.put_back(start)

    def state() -> list[tuple[str, int, int]]:
        states = ((path.name, path.stat()) for path in sorted(folder.iterdir()))
        return [(name, each.st_mode, each.st_mtime_ns) for name, each in states]

    before = state()
    write(folder)
    assert state() != before
    memory.put_back(start)
    assert state() == before


def test_a_folder_that_nobody_touched_is_not_copied_again(
    tmp_path: Path, memory: FolderMemory
) -> None:
    (tmp_path / "learn" / "notes.txt").write_text("one")
    name = memory.keep()
    memory.put_back(name)
    before = (tmp_path / "learn" / "notes.txt").stat().st_ino
    memory.put_back(name)
    assert (tmp_path / "learn" / "notes.txt").stat().st_ino == before


def test_a_kept_copy_that_somebody_wrote_to_is_not_gone_on_from(
    tmp_path: Path, memory: FolderMemory
) -> None:
    start = memory.keep()
    (tmp_path / "kept" / start / "hint.txt").write_text("the answer is 42")
    with pytest.raises(ArtifactError, match="has changed since it was kept"):
        memory.put_back(start)


#: Keeps a memory, changes it and puts the first one back; as somebody whom rights bind.
_BOUND = """\
import os, sys
from pathlib import Path
from battery.base.errors import ArtifactError
from battery.target.memory import FolderMemory, Kept
home = Path(sys.argv[1])
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
folder = home / "learn"
memory = FolderMemory(folder, Kept(home))
start = memory.begin()
(folder / "cache" / "inner").mkdir(parents=True)
(folder / "cache" / "inner" / "file.txt").write_text("cached")
mode = int(sys.argv[2], 8)
(folder / "cache" / "inner").chmod(mode)
(folder / "cache").chmod(mode)
try:
    second = memory.keep()
    memory.put_back(start)
    memory.put_back(second)
    print((folder / "cache" / "inner" / "file.txt").read_text())
    memory.put_back(start)
    memory._kept.clear({start})
except ArtifactError as error:
    print(error.message)
    (folder / "cache").chmod(0o700)
    (folder / "cache" / "inner").chmod(0o700)
"""


@pytest.mark.parametrize(
    ("mode", "said"), [("555", "cached"), ("000", "cannot be copied: .*Permission denied")]
)
def test_folders_that_may_not_be_written_are_copied_and_unreadable_ones_told(
    mode: str, said: str
) -> None:
    # Not pytest's folder, which others may not enter.
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o777)
        words = [sys.executable, "-c", _BOUND, home, mode]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert re.search(said, done.stdout), done.stderr
    assert not done.stderr


def test_sockets_and_pipes_are_no_memory(tmp_path: Path, memory: FolderMemory) -> None:
    start = memory.keep()
    os.mkfifo(tmp_path / "learn" / "pipe")
    assert memory.keep() == start


class Writer:
    """Writes into a folder whenever somebody has read all of it, up to a number of times."""

    def __init__(self, folder: Path, times: int) -> None:
        self.folder = folder
        self.left = times

    def fingerprint(self, folder: Path) -> str:
        name = fingerprint(folder)
        if folder == self.folder and self.left:
            self.left -= 1
            (folder / "growing.txt").write_text("x" * self.left)
        return name


def test_a_copy_is_what_the_folder_was_at_one_moment(
    tmp_path: Path, memory: FolderMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may write while it is copied: half of what it writes is no memory."""
    grow(tmp_path / "learn", {"notes.txt": b"1"})
    writer = Writer(tmp_path / "learn", 3)
    monkeypatch.setattr("battery.target.memory.fingerprint", writer.fingerprint)
    name = memory.keep()
    assert writer.left == 0
    assert fingerprint(tmp_path / "learn") == name
    assert fingerprint(tmp_path / "kept" / name) == name


def test_a_memory_that_never_stands_still_is_not_kept(
    tmp_path: Path, memory: FolderMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(tmp_path / "learn", {"notes.txt": b"1"})
    writer = Writer(tmp_path / "learn", 99)
    monkeypatch.setattr("battery.target.memory.fingerprint", writer.fingerprint)
    monkeypatch.setattr("battery.target.memory._WAITS_S", (0, 0, 0))
    with pytest.raises(RestlessError, match="keeps changing"):
        memory.keep()
    # That of the start alone.
    assert len(list((tmp_path / "kept").glob("[!.]*"))) == 1
