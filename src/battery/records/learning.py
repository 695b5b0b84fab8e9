"""What learning itself cost, next to what it saved."""

from __future__ import annotations

from pydantic import Field

from battery.records.findings import Record


class Amount(Record):
    """What one call took; null where its answer does not report it."""

    tokens: int | None = Field(default=None, description="Tokens of all models.")
    cost_usd: float | None = Field(
        default=None, description="US dollars; null without a price or the tokens by kind."
    )


class LearningOf(Record):
    """One iteration: what its calls about learning took, and what its tasks saved."""

    iteration: int = Field(description="Counted from 1.")
    calls: dict[str, Amount] = Field(
        description="By `distill`, `review` and `judgment`; one that was not made has no key. With "
        "a meter `distill` includes what it took to tell the system how tasks ended."
    )
    saved: float | None = Field(
        description="What the tasks took less than those of the twin, over all pairs of calls that "
        "both measured; null in iteration 1, before which nothing was learned, and with one arm."
    )


class Learning(Record):
    """The cost of learning over a battery, and the iteration that has paid it back."""

    # Reviews and judgments are the battery's own: a gateway in use learns without them.
    unit: str = Field(description="Key of the metric that `cost` and `saved` are in.")
    iterations: list[LearningOf] = Field(description="In order.")
    total: Amount = Field(
        description="Of all calls in `iterations`, as far as they report it: the battery's reviews "
        "and judgments included."
    )
    cost: float | None = Field(
        description="Sum of the distillations: learning alone. Null where one does not report it."
    )
    saved: float | None = Field(description="Sum of what the iterations saved; null where none is.")
    paid_back: int | None = Field(
        description="The iteration from which on the saving so far covers the cost so far; null "
        "where it does not, or one of both is not known."
    )
