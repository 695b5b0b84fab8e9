"""Timeouts that expire without being waited for: once a server has said all it will say."""

from __future__ import annotations

import selectors
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from battery.base import loop
from tests.support.server import Server

#: Seconds without a byte after which none is on its way: on loopback that takes microseconds.
QUIET_S = 0.05
#: Reads after the last new word after which a client that is sent the same for ever has read it.
ROUNDS = 10
#: Seconds that pass at once; longer than any timeout of a test.
JUMP_S = 3600.0


class _Selector(selectors.DefaultSelector):
    """Let the time jump once the client has read what there is: its own pace does not matter."""

    def __init__(self, spoken: threading.Event) -> None:
        super().__init__()
        self._spoken = spoken
        self._rounds = 0
        #: Seconds by which the clock is ahead.
        self.ahead_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        spoken = self._spoken.is_set() and not self.ahead_s
        idle = timeout is None or timeout > 0
        most = QUIET_S if timeout is None else min(timeout, QUIET_S)
        events = super().select(most if idle else timeout)
        self._rounds += spoken and bool(events)
        if spoken and (self._rounds > ROUNDS or (idle and not events)):
            self.ahead_s = JUMP_S
        return events


@contextmanager
def impatient(server: Server) -> Iterator[None]:
    """Let every timeout of a call expire as soon as the server has nothing new to say.

    A short timeout would expire on a slow machine before the server has said anything.
    """

    class Loop(loop.Loop):
        def __init__(self) -> None:
            self._fast = _Selector(server.spoken)
            super().__init__(self._fast)

        def time(self) -> float:
            return super().time() + self._fast.ahead_s

    with patch.object(loop, "Loop", Loop):
        yield
