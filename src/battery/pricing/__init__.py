"""What calls cost in money: prices by model, and tokens by kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, Self

from battery.base.numbers import counted
from battery.base.text import listed
from battery.pricing import catalog
from battery.protocol import MOST_COUNTED, Json
from battery.protocol.usage import Spent, Tokens, numbers_at, usage_spent
from battery.records.lines import place_of_usage
from battery.records.models import KnownPrice, Price, RunResult

#: Prices are per so many tokens.
PER: Final = 10**6
#: Where gateways say, among the numbers of `usage`, what a call cost.
_STATED: Final = "cost_usd"
#: Where a tasks file has a price, nothing else counts.
_OF_TASKS: Final = "the tasks file"
#: What gateways and routers put before the name of a model. A colon may also be part of a name.
_BEFORE: Final = re.compile(
    r".*/|(?:openai|anthropic|azure|bedrock|deepseek|gemini|google|groq|mistral|ollama|openrouter"
    r"|vertex|xai):"
)


@lru_cache(maxsize=256)
def plain_name(model: str) -> str:
    """Return the name by which a model is known everywhere: `gpt-oss-120b` for `gpt-oss:120b`."""
    return _BEFORE.sub("", model.strip().lower()).replace(":", "-").removesuffix("-cloud")


@dataclass(frozen=True)
class Pricing:
    """The prices of one battery, found when they are first asked for."""

    #: By plain name: those of the tasks file, then those that an earlier summary used.
    known: Mapping[str, KnownPrice] = field(default_factory=dict)
    #: Whose tokens they are where an answer names no model.
    executor: str = ""
    #: Prices change: those of this day count.
    day: datetime | None = None
    _found: dict[str, KnownPrice | None] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        prices: Mapping[str, Price] | None,
        earlier: Mapping[str, KnownPrice] | None,
        executor: str = "",
        day: datetime | None = None,
    ) -> Self:
        """Put the prices of a tasks file before those that an earlier summary used."""
        known = {plain_name(model): price for model, price in (earlier or {}).items()}
        for model, price in (prices or {}).items():
            known[plain_name(model)] = KnownPrice(**price.model_dump(), source=_OF_TASKS)
        return cls(known, executor, day)

    def priced(self, result: RunResult) -> RunResult:
        """Return a result with what it cost; None where that is not known, and never 0 for it."""
        cost = self.cost(result.spent)
        # The gateway's own word comes last: nobody can check it, and the two arms may be billed
        # unlike.
        stated = _stated(result.usage, result.tokens, cost)
        return result if stated == result.cost_usd else result._replace(cost_usd=stated)

    def of_call(self, call: Json) -> float | None:
        """Return what a line of a journal cost, of whatever kind its call is; None if unknown."""
        place = place_of_usage(call)
        spent = usage_spent(place)
        # Who answers a chat without naming itself is the model that was asked for.
        named = tuple((model or call.get("model", ""), tokens) for model, tokens in spent.models)
        cost = self.cost(spent._replace(models=named))
        return _stated(numbers_at(place), spent.tokens, cost)

    @property
    def remedy(self) -> str:
        """Say what to do about a model without a price."""
        extra = "" if catalog.is_there() else f", or install the price list: {catalog.INSTALL}"
        return f"add `prices` to the tasks file{extra}"

    def price(self, model: str) -> Price | None:
        """Return the price of a model; None where nobody knows it."""
        return self._price(model, estimated=False)

    def cost(self, spent: Spent) -> float | None:
        """Return what these tokens cost, in US dollars; None where a price or a part is missing."""
        if not spent.models or _incomplete(spent):
            return None
        amounts = [self._amount(model, tokens, spent) for model, tokens in spent.models]
        known = [amount for amount in amounts if amount is not None]
        total = sum(known, Decimal(0))
        # Neither a price nor a count can be absurd alone; their product can.
        return float(total) if len(known) == len(amounts) and total <= MOST_COUNTED else None

    def used(self, results: Iterable[RunResult]) -> dict[str, KnownPrice]:
        """Return the prices that results rest on, by model, but for those of the tasks file."""
        models = {self._named(model) for result in results for model, _ in result.spent.models}
        prices = {model: self._found.get(plain_name(model)) for model in sorted(models)}
        return {m: price for m, price in prices.items() if price and price.source != _OF_TASKS}

    def warnings(self, results: Iterable[RunResult]) -> Iterator[str]:
        """Yield why what calls cost is not known, a sentence per cause."""
        unpriced = [result.spent for result in results if result.cost_usd is None]
        unknown = {
            self._named(model)
            for spent in unpriced
            if not spent.estimated and not _incomplete(spent)
            for model, tokens in spent.models
            if tokens.known and self._price(model, estimated=False) is None
        }
        if unknown == {""}:
            yield "no answer names its model, so cost_usd is not known"
        elif unknown:
            names = listed([model or "a model without a name" for model in sorted(unknown)])
            yield f"no price is known for {names}, so cost_usd is not known: {self.remedy}"
        elif self._found and (
            incomplete := sum(_incomplete(each) for each in unpriced if each.models)
        ):
            yield (
                f"{counted(incomplete, 'answer')} with fewer prompt and completion tokens "
                "than in total, so their cost is not known"
            )

    def _amount(self, model: str, tokens: Tokens, spent: Spent) -> Decimal | None:
        if tokens.prompt is None or tokens.output is None:
            return None
        if not tokens.known:
            return Decimal(0)
        price = self._price(model, estimated=spent.estimated)
        if price is None:
            return None
        cached = min(tokens.cached or 0, tokens.prompt)
        of_cached = price.input if price.cached_input is None else price.cached_input
        # Decimals: sums of binary fractions would show digits that nobody is billed.
        parts = (
            (tokens.prompt - cached, price.input),
            (cached, of_cached),
            (tokens.output, price.output),
        )
        return sum((count * Decimal(repr(each)) for count, each in parts), Decimal(0)) / PER

    def _named(self, model: str) -> str:
        return model or self.executor

    def _price(self, model: str, *, estimated: bool) -> KnownPrice | None:
        name = plain_name(self._named(model))
        if name not in self._found:
            found = self.known.get(name)
            # Nobody is billed for tokens that no model counted, unless the user gives prices.
            if estimated and (found is None or found.source != _OF_TASKS):
                return None
            self._found[name] = found or (catalog.price(name, self.day) if name else None)
        return self._found[name]


def _stated(usage: Mapping[str, float], tokens: int | None, priced: float | None) -> float | None:
    """Return what a call cost by its price, else as the gateway says."""
    stated = usage.get(_STATED) if priced is None else priced
    # Routers say 0 of a model whose price they do not know.
    return None if priced is None and stated == 0 and tokens else stated


def _incomplete(spent: Spent) -> bool:
    """Return whether tokens by kind leave out some of the total, such as those of a reviewer."""
    told = sum(tokens.known for _, tokens in spent.models)
    return told < max(spent.tokens or 0, spent.kinds.known)
