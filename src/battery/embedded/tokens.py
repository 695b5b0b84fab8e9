"""Tokens of model calls: what a model reports, and what rules would have taken in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from battery.protocol import Json

#: The usual rule of thumb for English text and JSON with current tokenizers.
CHARACTERS_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more model calls; `estimated` when any of them was not reported."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    #: Of the prompt tokens, those that the provider had cached; None where nobody said.
    cached_tokens: int | None = None

    def __add__(self, other: Usage) -> Usage:
        told = [one for one in (self.cached_tokens, other.cached_tokens) if one is not None]
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.estimated or other.estimated,
            sum(told) if told else None,
        )

    def as_json(self) -> Json:
        """Return the usage as answers carry it, with its total."""
        cached = {} if self.cached_tokens is None else {"cached_tokens": self.cached_tokens}
        return {
            "prompt_tokens": self.prompt_tokens,
            **cached,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            # Nobody should take an estimate for a bill.
            "estimated": self.estimated,
        }


class Bill:
    """The usage of all model calls of a task, by the model that was asked."""

    def __init__(self) -> None:
        self._models: dict[str, Usage] = {}

    def add(self, model: str, usage: Usage) -> None:
        """Add a call."""
        self._models[model] = self._models.get(model, Usage()) + usage

    def as_json(self) -> Json:
        """Return the usage of all models, and `by_model` that of each; the parts add up to it."""
        by_model = {model: usage.as_json() for model, usage in self._models.items()}
        return sum(self._models.values(), Usage()).as_json() | {"by_model": by_model}


def count_tokens(text: str) -> int:
    """Estimate the tokens of a text, rounded up; an empty text has none."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def estimate(prompt: str, reply: str) -> Usage:
    """Estimate the usage of a model that was given this prompt and gave this reply."""
    return Usage(count_tokens(prompt), count_tokens(reply), estimated=True)
