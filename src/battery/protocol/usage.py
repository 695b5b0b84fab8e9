"""Tokens as answers report them: one table of the spellings in use, and one reader.

Battery's own contract is `usage.total_tokens`. Whatever else stands next to it comes from the
provider behind a gateway, passed on as it was; docs/reference/wire.md lists the spellings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from battery.protocol import MOST_COUNTED, Json, object_of, whole

# Compared without case and underscores, and with `TokenCount` as `Tokens`: `prompt_tokens`,
# `promptTokens` and `promptTokenCount` are one spelling. What is in an object of details has the
# name of that object before a point. The first name that holds a count is taken.
#: The whole prompt, or in the spelling of Anthropic and Bedrock what is left of it.
_PROMPT: Final = ("prompttokens", "inputtokens", "promptevalcount")
#: The part of the prompt that the provider had cached.
_CACHED: Final = (
    *("promptdetails.cachedtokens", "inputdetails.cachedtokens", "inputdetails.cacheread"),
    *("inputdetails.cachereadinputtokens", "promptcachehittokens", "cachedcontenttokens"),
    *("cachedtokens", "cachedprompttokens", "cachedinputtokens", "cachedprompttexttokens"),
)
#: What was read from the cache and written to it. Next to `input_tokens` these are no part of it.
_CACHE_READ: Final = ("cachereadinputtokens", "cachereadtokens")
_CACHE_WRITTEN: Final = ("cachecreationinputtokens", "cachewriteinputtokens", "cachewritetokens")
#: Prompts of tools, which Gemini counts apart.
_PROMPT_TOO: Final = ("tooluseprompttokens",)
_OUTPUT: Final = ("completiontokens", "outputtokens", "candidatestokens", "evalcount")
#: The part of the output that nobody sees.
_REASONING: Final = (
    *("completiondetails.reasoningtokens", "outputdetails.reasoningtokens"),
    *("outputdetails.reasoning", "reasoningtokens", "reasoningoutputtokens"),
)
#: The same where it is no part of the output.
_REASONING_TOO: Final = ("thoughtstokens",)
_TOTAL: Final = ("totaltokens",)
#: Counts that tell nothing by kind.
_OF_NO_KIND: Final = frozenset(_TOTAL)
#: Where usage is by model: an object by name, or a list of objects that name theirs.
_BY_MODEL: Final = ("bymodel", "models", "modelusage", "permodel")
_MODEL: Final = ("model", "name")
#: Characters of a name that nobody uses.
_LONG_NAME: Final = 100


class Tokens(NamedTuple):
    """Tokens of one model; None where the answer does not say."""

    #: The whole prompt, what was cached included.
    prompt: int | None = None
    #: Of these, what the provider had cached.
    cached: int | None = None
    #: All that was written, reasoning included.
    output: int | None = None
    #: Of these, what was reasoning.
    reasoning: int | None = None

    @property
    def known(self) -> int:
        """How many tokens are told apart."""
        return (self.prompt or 0) + (self.output or 0)

    def plus(self, other: Tokens) -> Tokens:
        """Add up; what one of both does not say counts as 0."""
        return Tokens(*map(_sum, self, other))


_NONE: Final = Tokens()


class Spent(NamedTuple):
    """What an answer reports of tokens; None where it does not."""

    #: In total, as the gateway adds up.
    tokens: int | None = None
    #: All models together.
    kinds: Tokens = Tokens()
    #: The same by model; by the empty name where the answer names none.
    models: tuple[tuple[str, Tokens], ...] = ()
    #: Whether the answer says that its tokens were not counted by any model.
    estimated: bool = False


def respond_spent(answer: Json) -> Spent:
    """Read what a respond answer reports, its tokens at `artifact.usage`.

    Unlike `read_respond` it keeps a reported 0 apart from what was not reported.
    """
    return usage_spent(object_of(answer.get("artifact")))


def usage_spent(place: Json) -> Spent:
    """Read the tokens at `usage` of a chat answer, an event or an artifact, and whose they are."""
    usage = place.get("usage")
    if not isinstance(usage, dict):
        return Spent()
    counts = _counts(usage)
    kinds = _NONE if counts.keys() <= _OF_NO_KIND else _tokens(counts)
    models = _by_model(usage)
    if models and kinds == _NONE:
        kinds = _together(models.values())
    if not models and kinds != _NONE:
        models = {_text(usage, _MODEL[:1]) or _text(place, _MODEL[:1]): kinds}
    return Spent(
        tokens=_first(counts, _TOTAL),
        kinds=kinds,
        models=tuple(models.items()),
        estimated=usage.get("estimated") is True,
    )


def usage_numbers(answer: Json) -> dict[str, float]:
    """Read every number from 0 to `MOST_COUNTED` at `artifact.usage`, by its name."""
    return numbers_at(object_of(answer.get("artifact")))


def numbers_at(place: Json) -> dict[str, float]:
    """Read the same at `usage` of any object that has one, such as a chat answer."""
    return {
        name: float(value)
        for name, value in object_of(place.get("usage")).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
        if 0 <= value <= MOST_COUNTED
    }


def _tokens(counts: Mapping[str, int]) -> Tokens:
    prompt, cached = _first(counts, _PROMPT), _first(counts, _CACHED)
    if cached is None:
        cached = _first(counts, _CACHE_READ)
        # Routers that count the whole prompt call it `prompt_tokens`, and pass these on as well.
        if prompt is not None and "prompttokens" not in counts:
            prompt += (cached or 0) + (_first(counts, _CACHE_WRITTEN) or 0)
    elif prompt is not None and cached > prompt:
        # A part cannot be larger than the whole: they are counted apart.
        prompt += cached
    output, reasoning = _first(counts, _OUTPUT), _first(counts, _REASONING)
    apart = _first(counts, _REASONING_TOO)
    prompt = _sum(prompt, _first(counts, _PROMPT_TOO))
    # Others say by their total alone that they count reasoning apart, or by a part that would be
    # larger than the whole.
    summed = _first(counts, _TOTAL) == (prompt or 0) + (output or 0) + (reasoning or 0)
    if reasoning and (summed or (output is not None and reasoning > output)):
        apart = reasoning
    return Tokens(prompt, cached, _sum(output, apart), reasoning if apart is None else apart)


def _by_model(usage: Json) -> dict[str, Tokens]:
    for key, value in usage.items():
        if _plain(key) in _BY_MODEL:
            return _of_models(value)
    return {}


def _of_models(listed: object) -> dict[str, Tokens]:
    if isinstance(listed, dict):
        entries = [(name, entry) for name, entry in listed.items() if isinstance(entry, dict)]
    else:
        dicts = (each for each in _list(listed) if isinstance(each, dict))
        entries = [(_text(entry, _MODEL), entry) for entry in dicts]
    models: dict[str, Tokens] = {}
    for name, entry in entries:
        inner = entry.get("usage")
        tokens = _tokens(_counts(inner if isinstance(inner, dict) else entry))
        models[name] = models.get(name, Tokens()).plus(tokens)
    return models


def _counts(usage: Json) -> dict[str, int]:
    """Return the counts of a usage by their plain names, details after a point."""
    counts: dict[str, int] = {}
    for key, value in usage.items():
        name = _plain(key)
        if isinstance(value, dict):
            of = name.removesuffix("details").removesuffix("s").removesuffix("token")
            inner = {f"{of}details.{_plain(key)}": _count(each) for key, each in value.items()}
            counts |= {key: count for key, count in inner.items() if count is not None}
        elif (count := _count(value)) is not None:
            counts[name] = count
    return counts


def _plain(key: str) -> str:
    # Answers use the same few names again and again; nobody may fill the memory with long ones.
    return _known_plain(key) if len(key) < _LONG_NAME else _made_plain(key)


def _made_plain(key: str) -> str:
    return key.replace("_", "").lower().replace("tokencount", "tokens")


_known_plain = lru_cache(maxsize=256)(_made_plain)


def _count(value: object) -> int | None:
    # To Python a boolean is an int. Tokens by kind decide no status, so what is no count there is
    # left out; it is not worth the call.
    count = whole(value)
    return count if type(count) is int and 0 <= count <= MOST_COUNTED else None


def _first(counts: Mapping[str, int], names: Iterable[str]) -> int | None:
    # Asked nine times for each answer, and a generator takes several times as long.
    for name in names:
        if name in counts:
            return counts[name]
    return None


def _sum(one: int | None, other: int | None) -> int | None:
    return (one or 0) + (other or 0) if one is not None or other is not None else None


def _together(tokens: Iterable[Tokens]) -> Tokens:
    whole = Tokens()
    for each in tokens:
        whole = whole.plus(each)
    return whole


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(place: Json, keys: Iterable[str]) -> str:
    found = (place.get(key) for key in keys)
    return next((value for value in found if isinstance(value, str) and value), "")
