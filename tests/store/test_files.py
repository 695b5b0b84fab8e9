"""Files are whole or absent, whoever else writes them, and links are never written through."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from battery.base.errors import ArtifactError, disk_is_full
from battery.store.files import (
    RESERVE_BYTES,
    Reserve,
    cannot_write,
    holds,
    remove_leftovers,
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


def test_many_processes_write_one_file_and_a_reader_never_sees_half_of_it(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    code = (
        "import sys, pathlib\nfrom battery.store.files import write_atomic\n"
        "for _ in range(40):\n"
        "    write_atomic(pathlib.Path(sys.argv[1]), [sys.argv[2].encode() * 20000] * 2)"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, target, letter], stderr=subprocess.PIPE)
        for letter in "abcd"
    ]
    while any(writer.poll() is None for writer in writers):
        if target.exists():
            content = target.read_bytes()
            assert len(content) == 40000
            assert len(set(content)) == 1
    assert [writer.communicate()[1] for writer in writers] == [b""] * len(writers)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_new_file_has_the_permissions_that_the_user_gives_new_files(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a.json", b"{}")
    finally:
        os.umask(before)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o640


def test_the_longest_name_that_the_system_allows_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("ä" * 127)
    write_atomic(target, b"x")
    assert target.read_bytes() == b"x"


def test_a_link_is_replaced_and_never_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep")
    (tmp_path / "a.json").symlink_to(precious)
    write_atomic(tmp_path / "a.json", b"new")
    assert precious.read_text() == "keep"
    assert not (tmp_path / "a.json").is_symlink()
    (tmp_path / ".reserve").symlink_to(precious)
    Reserve(tmp_path).claim()
    assert precious.read_text() == "keep"


def test_a_file_holds_its_content_and_a_link_or_a_pipe_holds_nothing(tmp_path: Path) -> None:
    file, link, pipe = (tmp_path / name for name in ("file", "link", "pipe"))
    file.write_bytes(b"12")
    link.symlink_to(file)
    os.mkfifo(pipe)
    assert holds(file, b"12")
    assert not holds(file, b"21")
    assert not holds(file, b"123")
    assert not holds(link, b"12")
    assert not holds(pipe, b"")
    assert not holds(tmp_path / "none", b"")


def test_a_reserve_that_another_battery_has_claimed_since_stays(tmp_path: Path) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    ours, theirs = Reserve(folder), Reserve(folder)
    ours.claim()
    folder.rename(tmp_path / "moved")
    folder.mkdir()
    theirs.claim()
    ours.release()
    assert (folder / ".reserve").exists()


def test_what_somebody_still_writes_is_no_leftover(tmp_path: Path) -> None:
    def slowly() -> object:
        yield b"one"
        remove_leftovers(tmp_path)
        yield b"two"

    (tmp_path / ".left.json.tmp").write_text("half")
    write_atomic(tmp_path / "page.html", slowly())  # type: ignore[arg-type]
    assert (tmp_path / "page.html").read_bytes() == b"onetwo"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_without_locks_a_leftover_is_told_by_its_age(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", unsupported)
    write_atomic(tmp_path / "a.json", b"{}")
    (tmp_path / ".young.tmp").write_text("half")
    (tmp_path / ".old.tmp").write_text("half")
    os.utime(tmp_path / ".old.tmp", (time.time() - 7200,) * 2)
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".young.tmp", "a.json"]


def test_a_pipe_or_a_folder_that_is_named_like_a_leftover_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".pipe.tmp")
    (tmp_path / ".folder.tmp").mkdir()
    (tmp_path / ".reserve").mkdir()
    remove_leftovers(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.EIO, "check the disk"),
        (errno.ESTALE, "mount the network drive again"),
        (errno.EROFS, "writable"),
        (errno.ENAMETOOLONG, "shorter path"),
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EACCES, "permissions"),
        (errno.EPROTO, "check the disk"),
    ],
)
def test_a_failed_write_is_named_with_what_would_clear_its_cause(code: int, remedy: str) -> None:
    error = cannot_write(Path("a.json"), OSError(code, os.strerror(code)))
    assert error.message == f"cannot write a.json: {os.strerror(code)}"
    assert remedy in (error.remedy or "")
