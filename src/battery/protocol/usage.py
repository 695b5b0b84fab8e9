"""What an answer reports of its turns and tokens, apart from what it leaves out."""

from __future__ import annotations

from typing import Final, NamedTuple

from battery.protocol.wire import Json

#: Both spellings are common: that of chat completions and that of newer interfaces.
_INPUT: Final = ("prompt_tokens", "input_tokens")
_OUTPUT: Final = ("completion_tokens", "output_tokens")


#: The most that 64 bits hold; protobuf and common tables take no more.
MOST: Final = 2**63 - 1


class Reported(NamedTuple):
    """Turns and tokens of a respond answer; None where the answer does not say."""

    turns: int | None
    tokens: int | None


class Split(NamedTuple):
    """Tokens read and written; None where the answer does not say."""

    input: int | None
    output: int | None


def reported(answer: Json, *, turns: int, tokens: int) -> Reported:
    """Keep apart a reported 0 and what was not reported, which was also read as 0.

    `turns` and `tokens` are what was read of the same answer.
    """
    artifact = answer.get("artifact")
    usage = artifact.get("usage") if isinstance(artifact, dict) else None
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return Reported(
        turns=unless_missing(answer.get("iterations"), turns), tokens=unless_missing(total, tokens)
    )


def unless_missing(told: object, read: int) -> int | None:
    """Return what was read of a value; None where nothing was told."""
    return None if told is None else read


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
