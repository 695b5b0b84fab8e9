"""The deployments that a plan names: each a target, with its twin and its learning side.

Runs at several of them are runs of one system, so they may differ in nothing but where they are,
and no two may share a memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final, NamedTuple

from battery.base.errors import UsageError
from battery.base.numbers import counted
from battery.inputs.settings import RESTORE, Settings, same_place
from battery.records.events import Notice, Observer
from battery.target import deployed, targets
from battery.target.kinds import EMBEDDED, kind_of

#: The options that name a deployment, as messages call them.
OPTIONS: Final = {
    "gateway": "--target",
    "llm_team": "--llm-team",
    "control_gateway": "--control-gateway",
}
_ONE_EACH: Final = "give {0} once for each --target, in the same order"


def shared(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that all deployments have in common."""
    return {name: value for name, value in options.items() if name not in OPTIONS}


def named(options: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return by deployment the options that name it: the n-th of each kind belong together.

    Raises `UsageError` where they do not pair.
    """
    found: list[dict[str, str]] = [
        {"gateway": text} for text in _several(options.get("gateway"))
    ] or [{}]
    for name in ("llm_team", "control_gateway"):
        texts = _several(options.get(name))
        if texts == [RESTORE]:
            texts *= len(found)
        if texts and len(texts) != len(found):
            raise UsageError(
                f"{OPTIONS[name]} is given {counted(len(texts), 'time')}, and there "
                f"{'is' if len(found) == 1 else 'are'} {counted(len(found), 'target')}",
                hint=_ONE_EACH.format(OPTIONS[name]),
            )
        for own, text in zip(found, texts, strict=False):
            own[name] = text
    return found


def _several(value: str | Sequence[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def refuse_unfit(deployments: Sequence[Settings]) -> None:
    """Refuse several deployments that are not of one system, or share one; raise `UsageError`."""
    if len(deployments) == 1:
        return
    for settings in deployments:
        _refuse_started(settings)
    first, *others = deployments
    for other in others:
        _refuse_unlike(first, other)
    places = [place for n, settings in enumerate(deployments, 1) for place in _places(n, settings)]
    for here, there in combinations(places, 2):
        if here.number != there.number and same_place(here.url, there.url):
            raise UsageError(
                f"{here.url} is named twice, with {here.option} for target {here.number} and with "
                f"{there.option} for target {there.number}: the memory of one run would reach the "
                "other",
                hint="name a deployment of its own for each",
            )


class _Place(NamedTuple):
    """Something that a deployment calls."""

    number: int
    option: str
    url: str


def _places(number: int, settings: Settings) -> Iterator[_Place]:
    for name, option in OPTIONS.items():
        if (target := getattr(settings, name)) is not None:
            yield _Place(number, option, deployed.address(target))


def _name(settings: Settings) -> str:
    return settings.gateway.url if settings.gateway else EMBEDDED


def _refuse_started(settings: Settings) -> None:
    if not deployed.is_deployed(settings):
        raise UsageError(
            f"battery starts {_name(settings)} itself, with an empty memory for each run, so "
            "there is no second deployment of it",
            hint="name it once; -j of `battery campaign run` says how many runs go on at a time",
        )
    if targets.is_elsewhere(settings) and settings.llm_team is None:
        raise UsageError(
            f"the learning side of {_name(settings)} is not named, and one learning side cannot "
            "teach two gateways",
            hint=_ONE_EACH.format("--llm-team"),
        )


def _refuse_unlike(first: Settings, other: Settings) -> None:
    names = _name(first), _name(other)
    kinds = [kind_of(name).name for name in names]
    if kinds[0] != kinds[1]:
        raise UsageError(
            f"{names[0]} is a {kinds[0]} and {names[1]} is a {kinds[1]}: runs of both are not of "
            "one system",
            hint="plan a campaign for each",
        )
    if first.gateway and other.gateway:
        likeness = deployed.likeness(first.gateway), deployed.likeness(other.gateway)
        if likeness[0] != likeness[1]:
            raise UsageError(
                f"{names[0]} and {names[1]} differ in more than `url`: runs of both are not of one "
                "system",
                hint="make them alike, or plan a campaign for each",
            )


def refuse_kept_memory(settings: Settings, runs: int, *, reset: bool) -> None:
    """Refuse runs that would begin with what an earlier one has learned; raise `UsageError`."""
    if reset and not targets.is_elsewhere(settings):
        raise UsageError(
            f"--reset is for live gateways, and {_name(settings)} is none",
            hint="leave it out: runs on it begin with an empty memory without it",
        )
    if reset and settings.prepare:
        raise UsageError(
            "--reset and --prepare both say how a memory is emptied", hint="leave out one of them"
        )
    if runs > 1 and targets.is_elsewhere(settings) and not (settings.prepare or reset):
        raise UsageError(
            f"{runs} runs on one live gateway are not independent: each would begin with what the "
            "ones before it have learned",
            hint="name a command that empties its memory before each run, --prepare CMD; or give "
            "--reset, if the gateway offers POST /v1/memory/reset",
        )


def tell_of_emptying(settings: Settings, tell: Observer) -> None:
    """Say what will confirm that a memory was emptied between two runs."""
    if targets.is_elsewhere(settings) and settings.prepare:
        tell(
            Notice(
                "--prepare empties the memory before each run; that is confirmed by GET "
                "/v1/memory/fingerprint where the gateway offers that, and otherwise only by the "
                "exit code of the command"
            )
        )
