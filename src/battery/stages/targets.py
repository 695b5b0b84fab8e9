"""Whom to call: the live gateway that the user named, or an embedded one of our own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from battery.errors import MismatchError
from battery.models import Manifest
from battery.progress import Notice, Observer
from battery.settings import (
    DEFAULT_LLM_TEAM,
    EMBEDDED,
    Settings,
    Target,
    make_target,
    make_team_target,
)


class Targets(NamedTuple):
    """Where respond and chat go, and where distill goes."""

    gateway: Target
    llm_team: Target


def names(settings: Settings) -> dict[str, str]:
    """Name the targets as the manifest keeps them, without secrets."""
    if settings.gateway is None:
        learner = settings.llm_team.url if settings.llm_team else EMBEDDED
        return {"gateway": EMBEDDED, "llm_team": learner}
    return {"gateway": settings.gateway.url, "llm_team": _live_team(settings).url}


def from_manifest(settings: Settings, manifest: Manifest, tell: Observer) -> Settings:
    """Take the targets of the manifest where the user named none."""
    gateway, team = settings.gateway, settings.llm_team
    url, team_url = manifest.targets["gateway"], manifest.targets["llm_team"]
    if gateway is None and url != EMBEDDED:
        gateway = make_target(url, settings.gateway_headers)
        tell(Notice(f"calling the gateway that the manifest names: {url}"))
    if team is None and team_url != EMBEDDED:
        team = make_team_target(team_url, settings.llm_team_headers, gateway)
    model = settings.model_url or manifest.options.get("model_url")
    return replace(settings, gateway=gateway, llm_team=team, model_url=model)


def refuse_other_kind(settings: Settings, manifest: Manifest, tell: Observer) -> None:
    """Refuse to mix embedded and live targets, or models, in one battery; raise `MismatchError`.

    A live target may have moved to another URL: that is said, not refused.
    """
    now = names(settings)
    for name, option in (("gateway", "--gateway"), ("llm_team", "--llm-team")):
        before, after = manifest.targets[name], now[name]
        if EMBEDDED in {before, after} and before != after:
            raise MismatchError(
                f"the {name} of this battery is {before}, not {after}",
                hint=f"leave out {option} and its variable, or run into another folder with --dir",
            )
        if before != after:
            tell(Notice(f"the {name} was {before} and is now {after}", warning=True))
    model = manifest.options.get("model_url")
    if now["gateway"] == EMBEDDED and settings.model_url != model:
        raise MismatchError(
            f"this battery ran with {model or 'rules'} as its model, not {settings.model_url}",
            hint="leave out --model-url, or run into another folder with --dir",
        )


@contextmanager
def opened(settings: Settings, memory: Path, tell: Observer) -> Iterator[Targets]:
    """Yield whom to call; start the embedded gateway where no other is named.

    `memory` is where that gateway keeps what it learns.
    """
    if settings.gateway is not None:
        yield Targets(settings.gateway, _live_team(settings))
        return
    # The server costs more than all the rest to import, and a live run needs none of it.
    from battery.embedded.server import GatewayOptions, serving  # noqa: PLC0415

    options = GatewayOptions(
        store=memory, model_url=settings.model_url, model_key=settings.model_key
    )
    with serving(options) as url:
        tell(Notice(f"no --gateway: using the embedded gateway at {url}"))
        yield Targets(Target(url), settings.llm_team or Target(url))


def _live_team(settings: Settings) -> Target:
    return settings.llm_team or make_team_target(
        DEFAULT_LLM_TEAM, settings.llm_team_headers, settings.gateway
    )
