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
    """Take the live targets of the manifest where the user named none."""
    recorded = manifest.targets["gateway"]
    if settings.gateway is not None:
        return settings
    if recorded == EMBEDDED:
        return replace(settings, model_url=settings.model_url or manifest.options.get("model_url"))
    tell(Notice(f"calling the gateway that the manifest names: {recorded}"))
    gateway = make_target(recorded, settings.gateway_headers)
    team = make_team_target(manifest.targets["llm_team"], settings.llm_team_headers, gateway)
    return replace(settings, gateway=gateway, llm_team=settings.llm_team or team)


def refuse_other_kind(settings: Settings, manifest: Manifest, tell: Observer) -> None:
    """Refuse to mix the embedded gateway with a live one; raise `MismatchError`.

    A live gateway may have moved to another URL: that is said, not refused.
    """
    recorded = manifest.targets["gateway"]
    if settings.gateway is None:
        _refuse_other_model(settings, manifest)
        return
    if settings.gateway.url == recorded:
        return
    if recorded == EMBEDDED:
        raise MismatchError(
            f"this battery ran on the embedded gateway, not on {settings.gateway.url}",
            hint="leave out --gateway (and GATEWAY_URL), or run into another folder with --dir",
        )
    tell(Notice(f"the gateway was {recorded} and is now {settings.gateway.url}", warning=True))


def _refuse_other_model(settings: Settings, manifest: Manifest) -> None:
    model = manifest.options.get("model_url")
    if settings.model_url != model:
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
