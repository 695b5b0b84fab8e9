"""The name of a call: one for each request, and none outside a call."""

from __future__ import annotations

import asyncio

from battery.protocol import idempotency
from battery.protocol.idempotency import HEADER, headers, named


def test_the_requests_of_a_call_are_numbered_and_begin_anew_when_it_is_asked_again() -> None:
    for _ in range(2):
        with named("run/1/distill"):
            assert [headers()[HEADER] for _ in range(3)] == [
                "run/1/distill",
                "run/1/distill/2",
                "run/1/distill/3",
            ]


def test_outside_a_call_and_in_one_without_a_name_there_is_no_header() -> None:
    assert headers() == {}
    with named("a"):
        with named(None):
            assert headers() == {}
        assert headers() == {HEADER: "a"}
    assert headers() == {}


def test_calls_that_are_under_way_at_the_same_time_do_not_mix() -> None:
    async def call(name: str) -> str:
        with idempotency.named(name):
            await asyncio.sleep(0)
            return headers()[HEADER]

    async def both() -> list[str]:
        return [*await asyncio.gather(call("a"), call("b"))]

    assert asyncio.run(both()) == ["a", "b"]
