"""How the tokens of an answer divide into what a model read and what it wrote."""

from __future__ import annotations

from typing import Final, NamedTuple

from battery.wire import Json

#: Both spellings are common: that of chat completions and that of newer interfaces.
_INPUT: Final = ("prompt_tokens", "input_tokens")
_OUTPUT: Final = ("completion_tokens", "output_tokens")


class Split(NamedTuple):
    """Tokens read and written; None where the answer does not say."""

    input: int | None
    output: int | None


def respond_split(answer: Json) -> Split:
    """Read the split of a respond answer, at `artifact.usage`."""
    artifact = answer.get("artifact")
    return _split(artifact.get("usage") if isinstance(artifact, dict) else None)


def chat_split(answer: Json) -> Split:
    """Read the split of a chat answer, at `usage`."""
    return _split(answer.get("usage"))


def _split(usage: object) -> Split:
    if not isinstance(usage, dict):
        return Split(None, None)
    return Split(_first(usage, _INPUT), _first(usage, _OUTPUT))


def _first(usage: Json, names: tuple[str, ...]) -> int | None:
    found = (usage.get(name) for name in names)
    # A truth value is an int to Python; whatever is no count is not reported.
    counts = (n for n in found if isinstance(n, int) and not isinstance(n, bool) and n >= 0)
    return next(counts, None)
