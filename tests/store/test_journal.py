"""A finished call is on disk, is found by key, and survives a torn end."""

from __future__ import annotations

import codecs
import os
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base import jsonio
from battery.base.errors import ArtifactError
from battery.records.lines import ChatCall, DistillCall, TaskCall
from battery.records.models import ELAPSED_KEY, Phase
from battery.records.stages import DISTILL, OVERSEER, SCRUM, CallKey, confirm_key, respond_key
from battery.store.files import Reserve
from battery.store.journal import Journal
from tests.support.disks import small_disk

RESULT: Final = {"status": "ok", ELAPSED_KEY: 12}


def task(text: str = "") -> TaskCall:
    return TaskCall(phase=Phase.ALPHA, at="then", task={}, result={**RESULT, "text": text})


def chat(content: str, elapsed_ms: int = 1) -> ChatCall:
    return ChatCall(at="then", model="m", _elapsed_ms=elapsed_ms, content=content, answer={})


def distilled(broken: int = 0) -> DistillCall:
    return DistillCall(at="then", _elapsed_ms=30, text="", broken=broken, events=[])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_a_call_is_found_again_by_key_in_another_process(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(respond_key("a"), task())
        journal.append(DISTILL.key, distilled(broken=2))
        journal.append(SCRUM.key, chat("fine\u2028really", 8))
    again = Journal(path)
    assert again.read(respond_key("a"))["result"] == task()["result"]
    assert again.read(SCRUM.key)["content"] == "fine\u2028really"
    assert again.get(OVERSEER.key) is None
    assert respond_key("a", arm="frozen") not in again
    assert respond_key("a", repeat=2) not in again
    assert confirm_key("a", 1) not in again
    assert (again.calls, again.elapsed_ms) == (3, 50)


def test_a_number_of_any_length_that_was_recorded_is_read_again(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(respond_key("a"), {**task(), "result": {**RESULT, "n": 7**400}})
    assert Journal(path).read(respond_key("a"))["result"]["n"] == 7**400


def test_calls_are_read_one_after_the_other_in_any_order(path: Path) -> None:
    names = ["a", "b" * 20_000, "c"]
    with Journal(path) as journal:
        for name in names:
            journal.append(respond_key(name), task(name))
        orders = [names, names[::-1], [names[1], names[1]]]
        for order in orders:
            read = journal.entries(map(respond_key, order))
            assert [entry["result"]["text"] for entry in read] == order


def test_reading_what_is_not_there_is_a_key_error(path: Path) -> None:
    with pytest.raises(KeyError):
        Journal(path).read(DISTILL.key)


def test_a_call_recorded_twice_counts_twice_and_the_later_one_is_read(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(SCRUM.key, chat("first"))
        journal.append(SCRUM.key, chat("second"))
        assert journal.read(SCRUM.key)["content"] == "second"
    assert Journal(path).calls == 2


def test_a_journal_that_was_written_knows_whether_its_file_was_touched_since(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(SCRUM.key, chat("first"))
        assert not journal.is_as_left(), "still open"
    assert journal.is_as_left()
    assert not Journal(path).is_as_left(), "only read"
    with Journal(path) as other:
        other.append(SCRUM.key, chat("second"))
    assert (journal.is_as_left(), other.is_as_left()) == (False, True)
    path.unlink()
    assert not other.is_as_left()


@given(cut=st.integers(min_value=0, max_value=400))
@settings(deadline=None)
def test_wherever_the_last_write_was_torn_all_whole_calls_survive(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    with Journal(path) as journal:
        for name in ("a", "b", "c"):
            journal.append(respond_key(name), task(name * 20))
    data = path.read_bytes()
    path.write_bytes(data[:cut])
    whole = data[:cut].count(b"\n")
    with Journal(path) as journal:
        assert journal.calls == whole
        journal.append(respond_key("d"), task())
    again = Journal(path)
    assert again.calls == whole + 1
    assert respond_key("d") in again
    assert path.read_bytes().endswith(b"\n")


def test_a_torn_line_longer_than_a_read_block_is_cut_off(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(respond_key("a"), task())
    whole = path.read_bytes()
    path.write_bytes(whole + b"x" * 200_000)
    with Journal(path) as journal:
        assert journal.calls == 1
    assert path.read_bytes() == whole


@pytest.mark.parametrize("line", [b"not json\n", b"5\n", b"{}\n"])
def test_a_spoilt_line_in_the_middle_is_an_error_that_names_it(path: Path, line: bytes) -> None:
    path.write_bytes(line + b'{"call":"distill"}\n')
    with pytest.raises(ArtifactError, match=r"journal\.jsonl, line 1 is not a finished call"):
        Journal(path)


def test_a_copy_that_went_through_windows_is_read_and_goes_on(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(respond_key("a"), task("a"))
        journal.append(SCRUM.key, chat("fine"))
    path.write_bytes(codecs.BOM_UTF8 + path.read_bytes().replace(b"\n", b"\r\n"))
    with Journal(path) as journal:
        journal.append(OVERSEER.key, chat("more"))
    again = Journal(path)
    assert again.read(respond_key("a"))["result"] == task("a")["result"]
    assert (again.read(SCRUM.key)["content"], again.read(OVERSEER.key)["content"]) == (
        "fine",
        "more",
    )
    assert again.calls == 3


def test_a_journal_that_was_not_opened_takes_nothing(path: Path) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        Journal(path).append(DISTILL.key, distilled())


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot write"), Journal(tmp_path / "no" / "j.jsonl"):
        pass


@given(st.builds(CallKey, st.text(), st.text(), st.text(), st.text(), st.integers(0, 99)))
def test_a_key_survives_the_way_through_a_line(key: CallKey) -> None:
    parts = {name: value for name, value in key._asdict().items() if value}
    line = jsonio.dumps({"call": key.call, **parts, "content": 1})
    assert CallKey.of(jsonio.loads(line)) == key


def test_on_a_full_disk_the_finished_call_is_saved_from_the_reserve() -> None:
    with small_disk(12) as disk:
        path, reserve = disk / "journal.jsonl", Reserve(disk)
        reserve.claim()
        with Journal(path, reserve) as journal:
            journal.append(respond_key("a"), task())
            _fill(disk / "filler")
            with pytest.raises(ArtifactError, match="No space left") as caught:
                journal.append(respond_key("b"), task("x" * 100_000))
            assert caught.value.remedy == "free some space"
            again = Journal(path)
            assert respond_key("b") in again
            assert again.calls == 2


def test_on_a_full_disk_without_reserve_no_half_line_stays() -> None:
    with small_disk(4) as disk:
        path = disk / "journal.jsonl"
        with Journal(path) as journal:
            journal.append(respond_key("a"), task())
            before = path.read_bytes()
            _fill(disk / "filler")
            with pytest.raises(ArtifactError, match="No space left"):
                journal.append(respond_key("b"), task("x" * 100_000))
            assert path.read_bytes() == before


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (65536, 512, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                os.fsync(file.fileno())
