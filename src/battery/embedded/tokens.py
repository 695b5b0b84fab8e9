"""Count tokens: exactly where a model reports them, by estimate where rules stand in for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from battery.protocol.wire import Json

#: The usual rule of thumb for English text and JSON with current tokenizers.
CHARACTERS_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more model calls; `estimated` when any of them was not reported."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.estimated or other.estimated,
        )

    def as_json(self) -> Json:
        """Return the usage as answers carry it, with its total."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "estimated": self.estimated,
        }


def count_tokens(text: str) -> int:
    """Estimate the tokens of a text, rounded up; an empty text has none."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def estimate(prompt: str, reply: str) -> Usage:
    """Estimate the usage of a model that was given this prompt and gave this reply."""
    return Usage(count_tokens(prompt), count_tokens(reply), estimated=True)
