"""Where calls are written down as they begin and end, and taken from when somebody asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Condition
from typing import Final

from battery.base.clock import awake, now
from battery.base.redact import Redactor
from battery.meter.answer import Answer
from battery.meter.calls import Metered, MeteredCall, read_usage, repeated_messages
from battery.meter.request import Request

# What an agent sends while nobody asks could fill the memory.
#: Bytes of requests in one window after which only counts are kept.
MAX_HELD_BYTES: Final = 64 * 1024 * 1024


@dataclass
class Entry:
    """A call under way; `Ledger.finish` closes it."""

    request: Request
    #: Of the headers that came with the request.
    redact: Redactor
    #: Number of the window in which it began.
    window: int
    answer: Answer = field(default_factory=Answer)
    status: int | None = None
    #: It never got to the endpoint.
    unsent: bool = False
    aborted: bool = False
    late: bool = False
    is_open: bool = True
    started_at: str = field(default_factory=now)
    started: float = field(default_factory=awake)
    elapsed_ms: int = 0

    @property
    def is_paid(self) -> bool:
        """Whether somebody may have to pay: it reached the endpoint, which did not refuse it."""
        return not self.unsent and (self.status is None or self.status < 400)


class Ledger:
    """The calls of one meter; they come from the thread that serves, and leave on any other."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._window = self._open = 0
        self._finished: list[Entry] = []
        self._held = 0
        #: Whether there ever was a call.
        self.seen = False

    def begin(self, request: Request, redact: Redactor) -> Entry:
        """Note that a call begins."""
        with self._changed:
            self._open += 1
            self.seen = True
            return Entry(request, redact, self._window)

    def finish(self, entry: Entry) -> None:
        """Note that a call has ended, and count it; a second time changes nothing."""
        if not entry.is_open:
            return
        entry.elapsed_ms = round((awake() - entry.started) * 1000)
        with self._changed:
            self._held += len(entry.request.body)
            entry.request = entry.request.kept(whole=self._held <= MAX_HELD_BYTES)
            entry.is_open = False
            entry.late = entry.window != self._window
            self._finished.append(entry)
            self._open -= 1
            self._changed.notify_all()

    @property
    def idle(self) -> bool:
        """Whether no call is under way."""
        return self._open == 0

    def take(self, timeout_s: float = 0) -> Metered:
        """Return what has ended since the last time, after waiting for what is under way."""
        with self._changed:
            self._changed.wait_for(lambda: self.idle, timeout_s)
            finished, self._finished = self._finished, []
            self._window += 1
            self._held = 0
        return Metered(_calls(sorted(finished, key=lambda entry: entry.started)))


def _calls(entries: Sequence[Entry]) -> list[MeteredCall]:
    calls: list[MeteredCall] = []
    earlier: list[object] = []
    turns = 0
    for entry in entries:
        messages = entry.request.messages()
        is_turn = entry.request.is_turn and entry.is_paid
        turns += is_turn
        calls.append(_call(entry, messages, earlier, turns if is_turn else None))
        if entry.request.is_turn:
            earlier = messages
    return calls


def _call(
    entry: Entry, messages: list[object], earlier: list[object], turn: int | None
) -> MeteredCall:
    model = entry.answer.model or entry.request.model
    total, tokens = read_usage(entry.answer.usage, model)
    repeated = repeated_messages(messages, earlier)
    return MeteredCall(
        path=entry.request.path,
        model=model,
        status=entry.status,
        total=total,
        tokens=tokens,
        is_paid=entry.is_paid,
        turn=turn,
        messages=entry.redact.document(messages[repeated:]),
        repeated=repeated,
        text=entry.redact.text(entry.answer.text),
        started_at=entry.started_at,
        elapsed_ms=entry.elapsed_ms,
        late=entry.late,
        aborted=entry.aborted,
        error=entry.redact.text(entry.answer.error),
    )
