"""The name of a call on the wire: the same each time it is asked, and that of no other call.

    Idempotency-Key: <run id>/<iteration>/<arm>/<task id>/<repeat>

A call is asked again only where its first answer never reached the disk. A system that knows the
name may answer as it did, and learn once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Final

HEADER: Final = "Idempotency-Key"

#: Yields the names of the requests of the call that is being made in this task, if any.
_names: ContextVar[Iterator[str] | None] = ContextVar("names", default=None)


@contextmanager
def named(name: str | None) -> Iterator[None]:
    """Name the call that is made in the block; without a name none is sent."""
    token = _names.set(_requests(name) if name else None)
    try:
        yield
    finally:
        _names.reset(token)


def headers() -> dict[str, str]:
    """Return the header of the next request of the call; none outside a call."""
    names = _names.get()
    return {} if names is None else {HEADER: next(names)}


def _requests(name: str) -> Iterator[str]:
    # A call may be a talk of several requests, each of another body.
    yield name
    for number in count(2):
        yield f"{name}/{number}"
