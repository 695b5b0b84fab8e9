"""Spans of a run: which there are, what is below what, and when they began and ended."""

from __future__ import annotations

import pytest

from battery.base.errors import PausedError, StatusError
from battery.records.events import (
    Event,
    MetaFinished,
    Notice,
    StageStarted,
    TaskFinished,
)
from battery.records.models import FROZEN, Phase
from battery.tracing import traced
from tests.support.collector import Collector
from tests.support.tracing import (
    RESULT,
    STAGE,
    STARTED,
    Traced,
    use_dead_proxy,
)

pytestmark = pytest.mark.slow


def test_the_spans_are_a_tree_of_battery_iteration_stage_and_call(ran: Traced) -> None:
    (root,) = [span for span in ran.spans if not span.parent]
    assert root.name == "battery run"
    (iteration,) = ran.children(root)
    assert iteration.name == "iteration 1"
    stages = ran.children(iteration)
    assert [stage.name for stage in stages] == [
        "easy tasks",
        "easy tasks, new ones",
        "niche tasks",
        "niche tasks, new ones",
        "impossible tasks",
        "impossible tasks, new ones",
        "distill",
        "chat overseer-large",
        "chat overseer-large",
    ]
    calls = [len(ran.children(stage)) for stage in stages]
    assert calls == [6, 6, 6, 6, 4, 4, 0, 0, 0]
    assert len(ran.spans) == 2 + 9 + 32
    assert ran.stderr == ""


def test_a_span_lies_within_its_parent(ran: Traced) -> None:
    by_id = {span.id: span for span in ran.spans}
    for span in ran.spans:
        assert span.start <= span.end
        if span.parent:
            assert by_id[span.parent].start <= span.start
            assert span.end <= by_id[span.parent].end


def test_the_sender_names_itself(ran: Traced) -> None:
    assert ran.collector.resource()["service.name"] == "battery"


def test_replayed_calls_make_no_span(collector: Collector) -> None:
    with traced("run", lambda _event: None) as trace:
        trace.tell(STAGE)
        trace.tell(TaskFinished(1, Phase.ALPHA, "fill", RESULT, replayed=True))
        trace.tell(StageStarted(1, "epsilon", "review"))
        trace.tell(MetaFinished(1, "epsilon", 9000, "3 proposals", True, "large"))
    assert [span.name for span in collector.spans()] == ["battery run"]


def test_a_call_that_did_not_finish_carries_the_error(collector: Collector) -> None:
    def fail() -> None:
        with traced("run", lambda _event: None) as trace:
            trace.tell(STAGE)
            trace.tell(STARTED)
            answer = {"artifact": {"usage": {"total_tokens": 300}}}
            trace.tell(TaskFinished(1, Phase.ALPHA, "fill", RESULT, False, answer=answer))
            trace.tell(STARTED._replace(arm=FROZEN))
            raise StatusError("respond for 'fill' was answered with 500")

    with pytest.raises(StatusError):
        fail()
    root, iteration, stage, done, failed = collector.spans()
    assert (done.status, done.attributes["battery.tokens"]) == (0, 300)
    for span in (root, iteration, stage, failed):
        assert span.status == 2
        assert span.attributes["error.type"] == "StatusError"
        assert span.message == "respond for 'fill' was answered with 500"
    assert failed.attributes["battery.arm"] == FROZEN


def test_a_pause_is_no_error_of_any_call(collector: Collector) -> None:
    def pause() -> None:
        with traced("run", lambda _event: None) as trace:
            trace.tell(STAGE)
            trace.tell(STARTED)
            trace.tell(TaskFinished(1, Phase.ALPHA, "fill", RESULT, False, answer={}))
            trace.tell(StageStarted(1, "delta", "distill"))
            raise PausedError("paused at --max-tokens 9: 12 tokens are spent")

    with pytest.raises(PausedError):
        pause()
    spans = collector.spans()
    assert "distill" not in [span.name for span in spans]
    assert {span.status for span in spans} == {0}
    assert spans[0].attributes["battery.paused"] == "paused at --max-tokens 9: 12 tokens are spent"


def test_a_review_that_did_not_finish_is_a_span_too(collector: Collector) -> None:
    def fail() -> None:
        with traced("run", lambda _event: None) as trace:
            trace.tell(StageStarted(1, "zeta", "judgment"))
            raise StatusError("chat for the scrum was answered with 500")

    with pytest.raises(StatusError):
        fail()
    assert [(span.name, span.status) for span in collector.spans()] == [
        ("battery run", 2),
        ("iteration 1", 2),
        ("judgment", 2),
    ]


def test_a_failed_distillation_is_a_span_that_failed_in_a_battery_that_did_not(
    collector: Collector,
) -> None:
    with traced("run", lambda _event: None) as trace:
        trace.tell(StageStarted(1, "delta", "distill"))
        trace.tell(
            MetaFinished(1, "delta", 9, "The distillation failed: no room", False, failed=True)
        )
    spans = {span.name: span for span in collector.spans()}
    root, iteration, distill = (spans[n] for n in ("battery run", "iteration 1", "distill"))
    assert (root.status, iteration.status, distill.status) == (0, 0, 2)
    assert distill.message == "The distillation failed: no room"


def test_no_proxy_stands_before_a_collector_on_this_machine(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_dead_proxy(monkeypatch)
    with traced("run", lambda _event: None):
        pass
    assert [span.name for span in collector.spans()] == ["battery run"]


def test_spans_that_the_collector_refuses_with_a_200_count_as_lost(collector: Collector) -> None:
    collector.refused = 1
    told: list[Event] = []
    with traced("run", told.append) as trace:
        trace.tell(StageStarted(1, "zeta", "judgment"))
        trace.tell(MetaFinished(1, "zeta", 9, "1 verdict", replayed=False, model="large"))
    warning = told[-1]
    assert isinstance(warning, Notice)
    assert warning.text.startswith("1 of 3 spans could not be delivered")
