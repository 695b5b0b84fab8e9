"""Streams are cut at blank lines of every kind, and stay the same bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.meter.events import MAX_EVENT_BYTES, EventCutter, event_data

streams = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"data:", b"x", "\u2028".encode()]))


@given(streams, st.lists(st.integers(1, 4)))
def test_the_events_together_are_the_stream_however_it_arrives(
    parts: list[bytes], sizes: list[int]
) -> None:
    stream, cutter, got = b"".join(parts), EventCutter(), []
    left = stream
    for size in sizes:
        got += cutter.feed(left[:size])
        left = left[size:]
    got += cutter.feed(left)
    assert b"".join([*got, cutter.rest()]) == stream


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@given(cut=st.integers(0, 40))
def test_every_kind_of_line_end_ends_an_event(end: bytes, cut: int) -> None:
    stream = b"data: a" + end + b"data: b" + end + end + b"data: c" + end + end
    cutter = EventCutter()
    events = [*cutter.feed(stream[:cut]), *cutter.feed(stream[cut:])]
    data = [event_data(event) for event in [*events, cutter.rest()]]
    assert list(filter(None, data)) == [b"a\nb", b"c"]


def test_one_line_end_of_two_bytes_that_arrive_apart_is_no_blank_line() -> None:
    cutter = EventCutter()
    assert cutter.feed(b"data: a\r") == []
    assert cutter.feed(b"\ndata: b\n") == []


def test_only_lines_of_data_are_data() -> None:
    assert event_data(b": note\nevent: x\ndata:  a\ndata:b\nid: 1\n\n") == b" a\nb"
    assert event_data(b": keep-alive\n\n") == b""


def test_an_event_without_end_is_not_kept() -> None:
    cutter = EventCutter()
    piece = b"x" * (MAX_EVENT_BYTES + 1)
    assert cutter.feed(piece) == [piece]
    assert cutter.rest() == b""
