"""What each distillation added, and what it had said before; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from battery.base.text import brief
from battery.protocol.wire import Json

#: Roles of events that say how far the distillation is, or repeat all of it.
_NO_LESSON: Final = frozenset({"status", "progress", "final", "done", "error"})
#: Most lessons of one iteration that are shown; some gateways send a word an event.
MOST_LESSONS: Final = 300
#: A lesson longer than this is cut, and says so.
MOST_CHARACTERS: Final = 2_000
_KIND_WIDTH: Final = 60


class Lesson(NamedTuple):
    """One event of the distill stream that carries a text."""

    kind: str
    text: str
    #: Whether the text goes on in the file of the events.
    cut: bool = False


class Learned(NamedTuple):
    """What the learning side delivered after one iteration."""

    iteration: int
    #: The distill text; None where nothing was distilled.
    text: str | None
    #: Whether an earlier iteration had the same text.
    same_text: bool
    new: list[Lesson]
    #: What an earlier iteration had delivered as well.
    known: list[Lesson]
    #: Lessons beyond `MOST_LESSONS`, only counted.
    more: int


def learned(
    distilled: Iterable[tuple[int, str | None, Iterable[Json]]],
) -> Iterator[Learned]:
    """Sort the lessons of each iteration (number, text, events) into new and known ones."""
    texts: set[str] = set()
    seen: set[Lesson] = set()
    for iteration, text, events in distilled:
        lessons = list(dict.fromkeys(_lessons(events)))
        shown = lessons[:MOST_LESSONS]
        yield Learned(
            iteration=iteration,
            text=text,
            same_text=text in texts,
            new=[_short(each) for each in shown if each not in seen],
            known=[_short(each) for each in shown if each in seen],
            more=len(lessons) - len(shown),
        )
        seen.update(lessons)
        texts |= {text} if text else set()


def _lessons(events: Iterable[Json]) -> Iterator[Lesson]:
    for event in events:
        # The events are a gateway's own: any key of them may hold any JSON.
        role, text = _text(event, "role"), _text(event, "text")
        if role not in _NO_LESSON and text.strip():
            yield Lesson(_text(event, "kind") or role or "event", text)


def _text(event: Json, key: str) -> str:
    value = event.get(key)
    return value if isinstance(value, str) else ""


def _short(lesson: Lesson) -> Lesson:
    """Cut a lesson for the page, once it has been compared as a whole."""
    cut = len(lesson.text) > MOST_CHARACTERS
    return Lesson(brief(lesson.kind, _KIND_WIDTH), lesson.text[:MOST_CHARACTERS], cut)
