"""Replies check what a system answers, whoever it is."""

from __future__ import annotations

import pytest

from battery.base.errors import ShapeError
from battery.protocol.distill import DistillStream
from battery.target.system import DistillReply, RespondReply


def test_an_answer_gets_its_elapsed_time_and_stays_as_it_was() -> None:
    answer = {"status": "ok", "trace": [1]}
    reply = RespondReply.of(answer, elapsed_ms=7)
    assert reply.answer == {**answer, "_elapsed_ms": 7}
    assert (reply.result.status, reply.result.elapsed_ms) == ("ok", 7)
    assert "_elapsed_ms" not in answer


@pytest.mark.parametrize(("answer", "place"), [([], ""), ({"status": "fine"}, "status")])
def test_an_answer_of_another_shape_is_refused_with_its_place(answer: object, place: str) -> None:
    with pytest.raises(ShapeError) as caught:
        RespondReply.of(answer, elapsed_ms=7)
    assert caught.value.place == place


def test_a_distillation_without_an_event_is_no_reply() -> None:
    with pytest.raises(ShapeError, match="without any event"):
        DistillReply.of(DistillStream(), elapsed_ms=7)


def test_a_distillation_keeps_its_last_word_and_all_events() -> None:
    stream = DistillStream()
    for data in ('{"text": "one"}', "broken", '{"role": "final", "text": "two"}'):
        stream.add(data)
    reply = DistillReply.of(stream, elapsed_ms=7)
    assert (reply.result.text, len(reply.events), reply.broken, reply.elapsed_ms) == (
        "two",
        2,
        1,
        7,
    )
