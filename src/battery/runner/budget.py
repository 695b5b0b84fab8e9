"""What the calls of a battery have spent, and whether more may begin under the caps of a command.

A cap belongs to the command and not to the battery: a resume without one goes on to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from battery.base import interrupts
from battery.base.errors import BatteryError, PausedError, UsageError
from battery.base.numbers import money
from battery.base.text import listed
from battery.pricing import Pricing
from battery.protocol import Json
from battery.records.events import Notice, Observer
from battery.records.lines import tokens_of
from battery.records.models import Models
from battery.runner.hold import Spent
from battery.store.battery_dir import BatteryDir
from battery.store.documents import read_back
from battery.store.journal import Journal


def require_prices(max_cost: float | None, models: Models, pricing: Pricing) -> None:
    """Refuse `--max-cost` where it could not be kept; raise `UsageError`."""
    if max_cost is None:
        return
    # In the order of the tasks file, each once: a dict keeps it.
    asked = dict.fromkeys([models.executor_cloud, models.reviewer_cloud])
    unknown = [model for model in asked if pricing.price(model) is None]
    if unknown:
        raise UsageError(
            f"--max-cost needs a price for {listed(unknown)}, and none is known",
            hint=f"{pricing.remedy}, or cap the tokens with --max-tokens",
        )


class Budget:
    """Sums up what recorded calls report, whichever arm they are of, against the caps."""

    def __init__(
        self,
        max_tokens: int | None = None,
        max_cost: float | None = None,
        pricing: Pricing | None = None,
        tell: Observer = lambda _event: None,
        others: Callable[[Spent], Spent] | None = None,
    ) -> None:
        """Hold calls to caps; `others` is that of `Hold`."""
        #: Of all recorded calls of this battery.
        self.spent = Spent()
        self._max_tokens = max_tokens
        self._max_cost = max_cost
        self._pricing = pricing or Pricing()
        self._tell = tell
        self._others = others
        self._warnings: set[str] = set()
        #: Why the cost of a task is not known.
        self._unpriced: str | None = None

    @property
    def has_caps(self) -> bool:
        """Whether there is anything to hold the calls to."""
        return self._max_tokens is not None or self._max_cost is not None

    @property
    def _counts(self) -> bool:
        return self.has_caps or self._others is not None

    @interrupts.at_once()
    def read(self, folder: BatteryDir, finished: int) -> None:
        """Add the calls of the finished iterations, unless nobody asks what they have spent."""
        # Reading 10,000 answers to count them is slow.
        if self._counts:
            for number in range(1, finished + 1):
                Journal(folder.iteration(number).journal, heard=self.add)

    def add(self, call: Json) -> None:
        """Add one line of a journal."""
        if not self._counts:
            return
        tokens, cost = tokens_of(call), self._pricing.of_call(call)
        # To tell a system how a task ended is part of asking it.
        self.spent = self.spent.plus(Spent(call["call"] != "tell", tokens or 0, cost or 0.0))
        if self._others:
            self._others(self.spent)
        is_task = "result" in call
        if self._max_tokens is not None and is_task and tokens is None:
            self._warn("--max-tokens: an answer reports no tokens, so it counts as 0")
        if self._max_cost is not None and cost is None:
            # Reviews are mostly of another model, and no reason to give up what the tasks cost.
            if tokens and not is_task:
                self._warn(
                    "--max-cost: the cost of reviews and judgments is not known, so it counts as 0"
                )
            elif is_task:
                self._unpriced = self._unpriced or self._why_unpriced(call)

    @property
    def is_reached(self) -> bool:
        """Whether nothing more may begin; what is under way is finished all the same."""
        return any(self._stops())

    def require(self) -> None:
        """Raise `PausedError` where nothing more may begin, `BatteryError` where nobody can tell.

        The hint of a pause is what to add to the command that goes on.
        """
        for error in self._stops():
            raise error

    def _stops(self) -> Iterator[BatteryError]:
        if self._unpriced is not None:
            yield BatteryError(
                self._unpriced, hint=f"{self._pricing.remedy}, or go on without --max-cost"
            )
        if not self.has_caps:
            return
        _, tokens, cost = self._total()
        if self._max_tokens is not None and tokens >= self._max_tokens:
            spent = f"{tokens:,} tokens are spent"
            yield self._pause(f"--max-tokens {self._max_tokens:,}: {spent}", "tokens N", tokens)
        if self._max_cost is not None and cost >= self._max_cost:
            spent = f"{money(cost)} is spent"
            yield self._pause(f"--max-cost {money(self._max_cost)}: {spent}", "cost N", cost)

    def _total(self) -> Spent:
        return self.spent.plus(self._others(self.spent)) if self._others else self.spent

    def _pause(self, why: str, option: str, spent: float) -> PausedError:
        hint = f"--max-{option}, with N above {spent:.10g}"
        # A campaign has caps in its plan, which hold where the command names none.
        more = "" if self._others else "; without a cap it goes on to the end"
        return PausedError(f"paused at {why}", hint=f"{hint}{more}")

    def _why_unpriced(self, call: Json) -> str:
        result = self._pricing.priced(read_back(call["result"])[0])
        causes = self._pricing.warnings([result])
        why = next(causes, "the answer does not report prompt and completion tokens separately")
        asked = call.get("task", {}).get("operation")
        return f"--max-cost: what {asked!r} cost is not known: {why}"

    def _warn(self, text: str) -> None:
        if text not in self._warnings:
            self._warnings.add(text)
            self._tell(Notice(text, warning=True))
