"""The clocks: the time of day, as artifacts write it, and the time in which calls are measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from threading import Lock, Thread
from typing import Final, NoReturn

#: Seconds between two looks at the clock.
_BEAT_S: Final = 0.1
#: Seconds between two looks after which the process must have stood still: no scheduler is so late.
STANDSTILL_S: Final = 0.5


def now() -> str:
    """Return the present moment in UTC, in whole seconds: `2026-01-31T12:00:00Z`."""
    return stamp(datetime.now(UTC).timestamp())


def stamp(seconds: float) -> str:
    """Write seconds since the epoch as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class AwakeClock:
    """Seconds from any start, those left out in which the process stood still.

    A stopped process (Ctrl-Z, a paused container) sees nothing of what happens meanwhile, so that
    time must neither be counted as somebody else's nor end a timeout. No system says how long it
    was. Therefore somebody has to look at the clock all the time: each look is a call.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._seen = monotonic()
        #: Seconds that were left out so far.
        self.left_out = 0.0

    def __call__(self) -> float:
        """Return the time, and note that the process is at work."""
        with self._lock:
            now = self._monotonic()
            gap = now - self._seen
            if gap > STANDSTILL_S:
                # One beat of it was due: never is more left out than the process stood still.
                self.left_out += gap - _BEAT_S
            self._seen = now
            return now - self.left_out


@cache
def _watched() -> AwakeClock:
    # This one stands still by itself while the machine sleeps, on Linux and on macOS.
    clock = AwakeClock(time.monotonic)
    Thread(target=_look, args=(clock,), name="clock", daemon=True).start()
    return clock


def _look(clock: AwakeClock) -> NoReturn:
    while True:
        time.sleep(_BEAT_S)
        clock()


def awake() -> float:
    """Return seconds from any start, those left out in which process or machine stood still."""
    return _watched()()


def left_out() -> float:
    """Return how many seconds the process stood still since somebody first asked for the time."""
    return _watched().left_out
