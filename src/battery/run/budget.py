"""What the calls of a battery have spent, and whether more may begin under the caps of a command.

A cap belongs to the command and not to the battery: a resume without one goes on to the end.
"""

from __future__ import annotations

from battery.base import interrupts
from battery.base.errors import PausedError
from battery.protocol import Json
from battery.records.events import Notice, Observer
from battery.records.lines import tokens_of
from battery.store.battery_dir import BatteryDir
from battery.store.journal import Journal


class Budget:
    """Sums up what recorded calls report, whichever arm they are of, against the caps."""

    def __init__(self, max_tokens: int | None = None, tell: Observer = lambda _event: None) -> None:
        #: Tokens of all recorded calls, as far as their answers report them.
        self.tokens = 0
        self._max_tokens = max_tokens
        self._tell = tell
        self._warned = False

    @interrupts.at_once()
    def read(self, folder: BatteryDir, finished: int) -> None:
        """Add the calls of the finished iterations, unless there is no cap to hold them to."""
        # Reading 10,000 answers to count them is slow.
        if self._max_tokens is not None:
            for number in range(1, finished + 1):
                Journal(folder.iteration(number).journal, heard=self.add)

    def add(self, call: Json) -> None:
        """Add one line of a journal."""
        tokens = tokens_of(call)
        self.tokens += tokens or 0
        if tokens is None and "result" in call and self._max_tokens is not None:
            self._warn()

    @property
    def is_reached(self) -> bool:
        """Whether nothing more may begin; what is under way is finished all the same."""
        return self._max_tokens is not None and self.tokens >= self._max_tokens

    def require(self) -> None:
        """Raise `PausedError` where nothing more may begin."""
        if self.is_reached:
            raise PausedError(
                f"paused at --max-tokens {self._max_tokens:,}: {self.tokens:,} tokens are spent",
                hint=f"--max-tokens N, with N above {self.tokens}; without a cap it goes on to the "
                "end",
            )

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            text = "an answer reports no tokens; what is not reported does not count"
            self._tell(Notice(f"--max-tokens: {text}", warning=True))
