"""Transcripts are packed in groups that a page can unpack, up to a limit."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Iterator

from battery.report.html.transcripts import Group, Groups, call_name, rerun_name


def calls(count: int, size: int = 10) -> Iterator[tuple[str, bytes]]:
    source = random.Random(1)  # noise, which does not compress
    for row in range(count):
        text = base64.b64encode(source.randbytes(size)).decode()
        yield call_name(1, "learn", row, 1), json.dumps({"row": row, "text": text}).encode()


def unpacked(group: Group) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(
        gzip.decompress(base64.b64decode(group.packed))
    )
    return found


def test_every_call_is_in_the_group_that_names_it() -> None:
    groups = list(Groups(calls(120)))
    assert len(groups) == 3
    found = {name: each for group in groups for name, each in unpacked(group).items()}
    assert [name for group in groups for name in group.names.split()] == list(found)
    assert [each["row"] for each in found.values()] == list(range(120))


def test_large_transcripts_make_smaller_groups() -> None:
    assert len(list(Groups(calls(8, size=200_000)))) > 1


def test_what_does_not_fit_is_counted_and_so_is_all_that_follows() -> None:
    everything = Groups(calls(200, size=1000))
    assert len(list(everything)) == 4
    assert everything.left_out == 0
    some = Groups(calls(200, size=1000), most=150_000)
    kept = sum(len(group.names.split()) for group in some)
    assert 0 < kept < 200
    assert some.left_out == 200 - kept


def test_the_same_calls_give_the_same_bytes() -> None:
    assert list(Groups(calls(60))) == list(Groups(calls(60)))


def test_names_tell_calls_and_reruns_apart() -> None:
    assert call_name(2, "frozen", 3, 1) == "call-2-frozen-3-1"
    assert rerun_name(2, 3, 5) == "call-2-rerun-3-5"
