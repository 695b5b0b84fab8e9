"""From events to spans, sent in a thread of their own; the only module that knows OpenTelemetry.

    battery run
    ├── iteration 1
    │   ├── alpha, baseline
    │   │   ├── invoke_agent learner            each respond call
    │   │   └── invoke_agent twin
    │   ├── distill
    │   ├── chat <model>                        review, then judgment
    …

A span is made when its call is over, with the times it had, so a replayed call leaves none.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context

from battery import __version__
from battery.base.errors import AnswerError, BatteryError, PausedError
from battery.base.network import is_loopback
from battery.records import events
from battery.records.events import Event
from battery.records.stages import DISTILL, META_STAGES
from battery.records.summary import Summary
from battery.tracing import environment, spans
from battery.tracing.spans import Attributes

_MS: Final = 1_000_000
#: What a meta stage's span is called while no answer has named its model.
_META_NAMES: Final = {stage.name: stage.noun for stage in META_STAGES}


class CountingExporter(SpanExporter):
    """Send spans as the environment says, and count those that the collector took.

    Raises `ValueError`, `RuntimeError` or `OSError` for a variable that cannot be used.
    """

    def __init__(self) -> None:
        session = None if environment.brings_its_own_session() else self._session()
        self._exporter: SpanExporter = OTLPSpanExporter(session=session)
        #: Spans of the batch under way that the latest answer refuses.
        self._rejected = 0
        self.taken = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; called by the sending thread alone."""
        self._rejected = 0
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.taken += max(0, len(spans) - self._rejected)
        return result

    def shutdown(self) -> None:
        """Give up what is being tried again."""
        self._exporter.shutdown()

    def _session(self) -> requests.Session:
        session = requests.Session()
        # As for all calls: no proxy between two programs of one machine.
        session.trust_env = not is_loopback(environment.endpoint())
        session.hooks["response"].append(self._read)
        return session

    def _read(self, response: requests.Response, **_: object) -> None:
        """Read from an answer how many spans the collector refuses though it says 200."""
        # Some answer with text; the spans have arrived all the same.
        with suppress(Exception):
            answer = ExportTraceServiceResponse.FromString(response.content)
            self._rejected = max(0, answer.partial_success.rejected_spans)


class _OpenTask(NamedTuple):
    """A respond call that is under way, with its start in nanoseconds since the epoch."""

    event: events.TaskStarted
    at: int


class _OpenStage(NamedTuple):
    """A stage that is under way, with its start in nanoseconds since the epoch."""

    event: events.StageStarted
    at: int


def start(command: str, *, content: bool) -> Recorder:
    """Start a recorder that sends to the endpoint of the environment.

    Raises `ValueError`, `RuntimeError` or `OSError` for a variable that cannot be used. `content`
    puts prompts and answers into the spans.
    """
    # A collector that is down would fill the terminal; what was lost is reported once, at the end.
    for name in ("opentelemetry", "urllib3"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    exporter = CountingExporter()
    own = Resource({"service.name": "battery", "service.version": __version__})
    # The user's own names win over ours.
    resource = Resource.create().merge(own).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    # In batches, from a thread of its own: a call that waited for the collector would be measured
    # as a slow call, and a collector that hangs would stop the battery.
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Recorder(command, provider, exporter, content=content)


class Recorder:
    """Turns events into spans; an observer."""

    def __init__(
        self, command: str, provider: TracerProvider, exporter: CountingExporter, *, content: bool
    ) -> None:
        self._provider = provider
        self._exporter = exporter
        self._content = content
        self._tracer = provider.get_tracer("battery", __version__)
        self._ended = 0
        self._root = self._tracer.start_span(f"battery {command}")
        #: Iteration and stage get a span with the first call in them; a resume may make none.
        self._iteration: Span | None = None
        self._stage: Span | None = None
        self._iteration_began: int | None = None
        #: The stage under way; None once its one call is recorded.
        self._open: _OpenStage | None = None
        self._running: dict[tuple[object, ...], _OpenTask] = {}
        #: The latest end of a call.
        self._latest = 0

    def __call__(self, event: Event) -> None:
        """Take one event."""
        match event:
            case events.StageStarted():
                self._start_stage(event)
            case events.TaskStarted():
                self._running[_key(event)] = _OpenTask(event, time.time_ns())
            case events.TaskFinished(replayed=False):
                self._finish_task(event)
            case events.MetaFinished():
                self._finish_meta(event)
            case events.IterationFinished():
                self._finish_iteration(spans.iteration(event.metrics))
            case _:
                pass

    def conclude(self, summary: Summary) -> None:
        """Put what was found onto the root span."""
        self._root.set_attributes(spans.battery(summary))
        for evaluation in spans.evaluations(summary):
            self._root.add_event(spans.EVALUATION, evaluation)

    def fail(self, error: BaseException) -> None:
        """Record the calls that did not finish, and why the battery stopped."""
        if isinstance(error, PausedError):
            # No call was under way, and nothing is wrong with those that were made.
            self._root.set_attribute("battery.paused", error.message)
            return
        # These are what whoever opens the trace of a failed battery is looking for.
        now = time.time_ns()
        for began in self._running.values():
            self._record_task(began, {}, now, error)
        self._running.clear()
        if self._open and self._open.event.name in _META_NAMES:
            self._record_meta(self._open, _META_NAMES[self._open.event.name], {}, now, error)
        for span in (self._stage, self._iteration, self._root):
            if span is not None:
                _mark(span, error)

    def close(self, wait_s: float) -> None:
        """Send what is left; give it up after so many seconds."""
        self._finish_iteration({})
        self._end_parent(self._root)
        sender = threading.Thread(target=self._provider.shutdown, daemon=True)
        sender.start()
        try:
            sender.join(wait_s)
        finally:
            if sender.is_alive():
                self._exporter.shutdown()

    def losses(self) -> tuple[int, int]:
        """Return how many spans the collector did not take, and how many there were."""
        return self._ended - self._exporter.taken, self._ended

    def _start_stage(self, event: events.StageStarted) -> None:
        self._finish_stage()
        now = time.time_ns()
        self._iteration_began = self._iteration_began or now
        self._open = _OpenStage(event, now)

    def _finish_task(self, event: events.TaskFinished) -> None:
        began = self._running.pop(_key(event), None)
        if began is None:
            return  # two tasks under way look alike; a span less is better than a wrong one
        # As long as the call was measured: the time to put it on disk is not the gateway's.
        end = began.at + event.result.elapsed_ms * _MS
        self._record_task(began, spans.answered(event, content=self._content), end)

    def _record_task(
        self, began: _OpenTask, attributes: Attributes, end: int, error: BaseException | None = None
    ) -> None:
        attributes = spans.asked(began.event, content=self._content) | attributes
        name = f"invoke_agent {spans.agent(began.event)}"
        parent = self._stage_span(began.event.iteration)
        self._record(name, attributes, (began.at, end), parent, error)

    def _finish_meta(self, event: events.MetaFinished) -> None:
        opened, self._open = self._open, None
        if opened is None or event.replayed:
            return
        name = DISTILL.noun if event.model is None else f"chat {event.model}"
        attributes = spans.chat(event, content=self._content)
        end = opened.at + event.elapsed_ms * _MS
        error = AnswerError(event.detail) if event.failed else None
        self._record_meta(opened, name, attributes, end, error)

    def _record_meta(
        self,
        opened: _OpenStage,
        name: str,
        attributes: Attributes,
        end: int,
        error: BaseException | None = None,
    ) -> None:
        number = opened.event.iteration
        attributes = spans.meta(number, opened.event.name) | attributes
        self._record(name, attributes, (opened.at, end), self._iteration_span(number), error)

    def _record(
        self,
        name: str,
        attributes: Attributes,
        times: tuple[int, int],
        parent: Span,
        error: BaseException | None,
    ) -> None:
        start, end = times
        context = set_span_in_context(parent)
        span = self._tracer.start_span(
            name, context, kind=SpanKind.CLIENT, attributes=attributes, start_time=start
        )
        if error is not None:
            _mark(span, error)
        self._latest = max(self._latest, end)
        self._end(span, end)

    def _iteration_span(self, number: int) -> Span:
        if self._iteration is None:
            self._iteration = self._tracer.start_span(
                f"iteration {number}",
                set_span_in_context(self._root),
                attributes={"battery.iteration": number},
                start_time=self._iteration_began,
            )
        return self._iteration

    def _stage_span(self, number: int) -> Span:
        iteration = self._iteration_span(number)
        if self._open is None:
            return iteration
        if self._stage is None:
            stage = self._open.event
            self._stage = self._tracer.start_span(
                stage.title,
                set_span_in_context(iteration),
                attributes=spans.meta(number, stage.name),
                start_time=self._open.at,
            )
        return self._stage

    def _finish_stage(self) -> None:
        if self._stage is not None:
            self._end_parent(self._stage)
        self._stage = None

    def _finish_iteration(self, attributes: Attributes) -> None:
        self._finish_stage()
        if self._iteration is not None:
            self._iteration.set_attributes(attributes)
            self._end_parent(self._iteration)
        self._iteration = self._iteration_began = self._open = None

    def _end_parent(self, span: Span) -> None:
        # A call's time is rounded, perhaps up: half a millisecond must not reach out of its stage.
        self._end(span, max(time.time_ns(), self._latest))

    def _end(self, span: Span, at: int) -> None:
        self._ended += span.get_span_context().trace_flags.sampled
        span.end(at)


def _key(event: events.TaskStarted | events.TaskFinished) -> tuple[object, ...]:
    kind = event.confirm, event.sibling
    return event.iteration, event.phase, event.label, event.arm, event.repeat, kind


def _mark(span: Span, error: BaseException) -> None:
    """Give a span the error that stopped the battery; its words are redacted where it is raised."""
    words = error.message if isinstance(error, BatteryError) else ""
    span.set_attribute("error.type", type(error).__name__)
    span.set_status(StatusCode.ERROR, words or None)
