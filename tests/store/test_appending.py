"""A line is on disk or its fate is told, and a file that was taken away is noticed."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base.errors import ArtifactError, LostFolderError
from battery.store.appending import AppendedFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "b" / "iter_1").mkdir(parents=True)
    return tmp_path / "b" / "iter_1" / "journal.jsonl"


@pytest.fixture
def file(path: Path) -> Iterator[AppendedFile]:
    opened = AppendedFile(path)
    opened.append(b"one\n", "one")
    yield opened
    opened.close()


def fail_sync(monkeypatch: pytest.MonkeyPatch, times: int, code: int = errno.EIO) -> None:
    """Let the next syncs fail, as a disk does that dies."""
    left = [times]
    real = os.fsync

    def sync(handle: int) -> None:
        if left[0]:
            left[0] -= 1
            raise OSError(code, os.strerror(code))
        real(handle)

    monkeypatch.setattr(os, "fsync", sync)


def test_a_line_whose_sync_fails_once_is_saved_and_still_the_end(
    path: Path, file: AppendedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_sync(monkeypatch, 1)
    with pytest.raises(ArtifactError, match="Input/output error; the answer was saved") as caught:
        file.append(b"two\n", "the answer")
    assert "check the disk" in (caught.value.remedy or "")
    file.append(b"three\n", "")
    assert path.read_bytes() == b"one\ntwo\nthree\n"


def test_a_line_that_cannot_be_synced_is_left_in_the_file_and_its_fate_is_told(
    path: Path, file: AppendedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_sync(monkeypatch, 2)
    with pytest.raises(ArtifactError, match="was written, but may not survive a crash"):
        file.append(b"two\n", "the answer")
    assert path.read_bytes() == b"one\ntwo\n"


def test_a_moved_folder_is_named_with_where_it_is_and_has_the_line(
    path: Path, file: AppendedFile, tmp_path: Path
) -> None:
    file.require_in_place()
    moved = tmp_path / "my backup"
    path.parent.parent.rename(moved)
    for ask in (file.require_in_place, lambda: file.append(b"two\n", "")):
        with pytest.raises(LostFolderError) as caught:
            ask()
        assert f"{tmp_path / 'b'} was moved to {moved} while" in caught.value.message
        assert caught.value.hint == f"name the folder where it is now: --dir '{moved}'"
    assert (moved / "iter_1" / "journal.jsonl").read_bytes() == b"one\ntwo\n"


def test_a_moved_folder_is_told_from_another_that_has_its_name(
    path: Path, file: AppendedFile, tmp_path: Path
) -> None:
    path.parent.parent.rename(tmp_path / "moved")
    shutil.copytree(tmp_path / "moved", tmp_path / "b")
    with pytest.raises(LostFolderError, match=r"moved to .*/moved while"):
        file.require_in_place()


def test_of_a_removed_folder_it_is_said_that_its_answers_are_gone(
    file: AppendedFile, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "b")
    with pytest.raises(LostFolderError) as caught:
        file.append(b"two\n", "")
    assert caught.value.message.startswith(f"{tmp_path / 'b'} was removed while")
    assert "the answers in it are gone" in caught.value.message


def test_a_file_that_was_replaced_or_removed_alone_leaves_a_battery_to_go_on_with(
    path: Path, file: AppendedFile, tmp_path: Path
) -> None:
    (tmp_path / "saved").write_bytes(path.read_bytes())
    (tmp_path / "saved").replace(path)
    with pytest.raises(LostFolderError, match="was replaced by another file") as caught:
        file.require_in_place()
    assert "--resume" in (caught.value.hint or "")
    path.unlink()
    with pytest.raises(LostFolderError, match="was removed while") as caught:
        file.require_in_place()
    assert "--resume" in (caught.value.hint or "")


def test_a_file_that_was_moved_alone_is_to_be_moved_back(
    path: Path, file: AppendedFile, tmp_path: Path
) -> None:
    path.rename(tmp_path / "elsewhere")
    with pytest.raises(LostFolderError) as caught:
        file.require_in_place()
    assert f"is in {tmp_path / 'elsewhere'}" in caught.value.message
    assert caught.value.hint == f"move that back to {path}, then resume"


def test_where_the_system_does_not_tell_a_place_none_is_named(
    path: Path, file: AppendedFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.parent.parent.rename(tmp_path / "moved")

    def unreadable(_: Path) -> Path:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "readlink", unreadable)
    with pytest.raises(LostFolderError, match="was moved or replaced while"):
        file.require_in_place()


@given(kept=st.integers(0, 11), more=st.binary(max_size=4) | st.just(bytes(9)))
@settings(deadline=None)
def test_wherever_somebody_cuts_the_file_the_next_line_is_whole_and_the_change_is_told(
    kept: int, more: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("cut") / "lines"
    file = AppendedFile(path)
    for line in (b"one\n", b"two\n", b"six\n"):
        file.append(line, "")
    changed = b"one\ntwo\nsix\n"[:kept] + more
    with path.open("wb") as other:
        other.write(changed)
    if len(changed) != 12:
        with pytest.raises(ArtifactError, match="changed by another program"):
            file.require_in_place()
        with pytest.raises(ArtifactError, match="changed by another program"):
            file.append(b"paid for\n", "")
        whole = changed[: changed.rfind(b"\n") + 1]
        assert path.read_bytes() == whole + b"paid for\n"
    file.close()


def test_a_link_is_not_appended_to(path: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep\n")
    path.symlink_to(tmp_path / "precious")
    with pytest.raises(ArtifactError, match="it is a link"):
        AppendedFile(path)
    assert (tmp_path / "precious").read_text() == "keep\n"
