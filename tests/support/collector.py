"""A collector of OpenTelemetry traces: real HTTP on loopback, real protobuf."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.support.server import Exchange, Server, http


class Seen(NamedTuple):
    """One span as it arrived; times are nanoseconds since the epoch."""

    name: str
    id: bytes
    parent: bytes
    start: int
    end: int
    attributes: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]
    #: 0 unset, 1 ok, 2 error.
    status: int
    message: str


class Collector:
    """Takes spans and remembers them."""

    def __init__(self) -> None:
        self.url = ""
        self.bodies: list[bytes] = []
        #: What a request waits for before it is answered.
        self.may_answer = threading.Event()
        self.may_answer.set()
        #: Set when a request has come.
        self.asked = threading.Event()
        #: How many spans of each request are said to be refused.
        self.refused = 0

    def script(self, exchange: Exchange) -> None:
        """Take the spans of one request."""
        self.asked.set()
        self.may_answer.wait()
        known = exchange.request.target == "/v1/traces"
        if known:
            self.bodies.append(exchange.request.body)
        refused = ExportTracePartialSuccess(rejected_spans=self.refused)
        answer = ExportTraceServiceResponse(partial_success=refused).SerializeToString()
        status = "200 OK" if known else "404 Not Found"
        exchange.send(http(answer, status=status, kind="application/x-protobuf"))

    def requests(self) -> list[ExportTraceServiceRequest]:
        """Decode everything that arrived."""
        return [ExportTraceServiceRequest.FromString(body) for body in self.bodies]

    def resource(self) -> dict[str, Any]:
        """Return the attributes of the sender."""
        return _plain(self.requests()[0].resource_spans[0].resource.attributes)

    def spans(self) -> list[Seen]:
        """List all spans by their start, parents before their children."""
        found = [
            _seen(span)
            for request in self.requests()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        # A parent may begin with its first child, and never ends before it.
        return sorted(found, key=lambda span: (span.start, -span.end))


def _seen(span: Any) -> Seen:
    return Seen(
        name=span.name,
        id=span.span_id,
        parent=span.parent_span_id,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes=_plain(span.attributes),
        events=[(event.name, _plain(event.attributes)) for event in span.events],
        status=span.status.code,
        message=span.status.message,
    )


def _plain(attributes: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """Serve a fresh collector for the duration."""
    collector = Collector()
    with Server(collector.script) as server:
        collector.url = server.url
        try:
            yield collector
        finally:
            collector.may_answer.set()
