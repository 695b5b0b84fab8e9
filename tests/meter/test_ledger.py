"""Windows: a call belongs to that in which it ends, and is counted once."""

from __future__ import annotations

import json
import threading

import pytest

from battery.base.redact import Redactor
from battery.meter import ledger
from battery.meter.ledger import Entry, Ledger
from battery.meter.request import Request


def begun(books: Ledger, *texts: str, path: str = "/v1/chat/completions") -> Entry:
    messages = [{"role": "user", "content": text} for text in texts]
    body = json.dumps({"model": "m", "messages": messages}).encode()
    entry = books.begin(Request.of("POST", path, body), Redactor([]))
    entry.status = 200
    return entry


def test_a_call_is_counted_once_however_often_it_ends() -> None:
    books = Ledger()
    entry = begun(books)
    books.finish(entry)
    books.finish(entry)
    assert books.idle
    assert len(books.take().calls) == 1


def test_turns_are_numbered_as_they_began_and_repeat_what_came_before() -> None:
    books = Ledger()
    first, second = begun(books, "a"), begun(books, "a", "b")
    embedding = begun(books, path="/v1/embeddings")
    third = begun(books, "a", "b", "c")
    for entry in (third, embedding, second, first):
        books.finish(entry)
    calls = books.take().calls
    assert [call.turn for call in calls] == [1, 2, None, 3]
    assert [call.repeated for call in calls] == [0, 1, 0, 2]
    assert [len(call.messages) for call in calls][::3] == [1, 1]


def test_whoever_takes_waits_for_what_is_under_way() -> None:
    books = Ledger()
    entry = begun(books)
    threading.Timer(0.05, books.finish, [entry]).start()
    (call,) = books.take(30).calls
    assert not call.late


def test_without_a_wait_it_is_late() -> None:
    books = Ledger()
    entry = begun(books)
    assert books.take().calls == []
    books.finish(entry)
    assert [call.late for call in books.take().calls] == [True]


def test_more_requests_than_can_be_held_are_counted_without_their_messages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger, "MAX_HELD_BYTES", 100)
    books = Ledger()
    for entry in (begun(books, "a"), begun(books, "b" * 50)):
        books.finish(entry)
    metered = books.take()
    assert [len(call.messages) for call in metered.calls] == [1, 0]
    assert [call.model for call in metered.calls] == ["m", "m"]
    assert metered.turns == 2
    books.finish(begun(books, "c"))
    assert len(books.take().calls[0].messages) == 1, "the next window begins anew"
