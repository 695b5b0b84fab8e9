"""Whom to call: the live gateway that the user named, or an embedded one of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from battery.base.errors import MismatchError, UsageError
from battery.inputs.settings import (
    DEFAULT_LLM_TEAM,
    EMBEDDED,
    Settings,
    Target,
    make_companion,
    make_target,
    same_place,
)
from battery.records.events import Notice, Observer
from battery.records.models import FROZEN, LEARN, Arm, Manifest

_OPTIONS: Final = {
    "gateway": "--gateway",
    "llm_team": "--llm-team",
    "control": "--control-gateway",
}


class Targets(NamedTuple):
    """Where the calls go: respond of each arm, chat with those of the learn arm, and distill."""

    gateway: Target
    llm_team: Target
    #: The frozen arm; None with one arm.
    control: Target | None

    def arms(self) -> dict[Arm, Target]:
        """Return whom each arm asks."""
        learn: dict[Arm, Target] = {LEARN: self.gateway}
        return learn | ({FROZEN: self.control} if self.control else {})


def has_control(settings: Settings) -> bool:
    """Tell whether there are two arms: with the embedded gateway unless told otherwise."""
    return not settings.no_control and (
        settings.gateway is None or settings.control_gateway is not None
    )


def names(settings: Settings) -> dict[str, str]:
    """Name the targets as the manifest keeps them, without secrets; `control` with two arms."""
    gateway = settings.gateway.url if settings.gateway else EMBEDDED
    team = _team(settings)
    found = {"gateway": gateway, "llm_team": team.url if team else EMBEDDED}
    if has_control(settings):
        control = settings.control_gateway
        found["control"] = control.url if control else EMBEDDED
    return found


def refuse_unfit_control(settings: Settings) -> None:
    """Refuse a control gateway that has no gateway beside it, or would learn; `UsageError`."""
    control = settings.control_gateway
    if control is None:
        return
    if settings.gateway is None:
        raise UsageError(
            "a control gateway is named and no gateway",
            hint="name it with --gateway, or leave out --control-gateway and its variable: the "
            "embedded gateway brings a control of its own",
        )
    for target, name, why in (
        (settings.gateway, "gateway", "it would be taught by the other arm"),
        (_team(settings), "LLM team", "it would be distilled"),
    ):
        if target and same_place(control.url, target.url):
            raise UsageError(
                f"the control gateway {control.url} is the {name} {target.url}: {why}",
                hint="name a second deployment with a memory of its own, or leave it out",
            )


def from_manifest(settings: Settings, manifest: Manifest, tell: Observer) -> Settings:
    """Take the targets of the manifest where the user named none."""
    gateway, team = settings.gateway, settings.llm_team
    url, team_url = manifest.targets["gateway"], manifest.targets["llm_team"]
    if gateway is None and url != EMBEDDED:
        gateway = make_target(url, settings.gateway_headers)
        tell(Notice(f"calling the gateway that the manifest names: {url}"))
    if team is not None:
        team = _beside(team, gateway)
    elif team_url != EMBEDDED:
        team = make_companion(team_url, settings.llm_team_headers, gateway)
    model = settings.model_url or manifest.options.model_url
    return replace(settings, gateway=gateway, llm_team=team, model_url=model)


def control_from_manifest(settings: Settings, manifest: Manifest) -> Settings:
    """Take the control arm of the manifest; refuse to add or to drop one with `MismatchError`."""
    url, control = manifest.targets.get("control"), settings.control_gateway
    if url is None and control is not None:
        raise MismatchError(
            f"this battery has one arm, and {control.url} would be a second",
            hint="leave out --control-gateway and its variable, or run into another folder",
        )
    if url is not None and settings.no_control:
        raise MismatchError(
            f"this battery has a control arm ({url}), which cannot be dropped on the way",
            hint="leave out --no-control, or run into another folder with --dir",
        )
    if url is None:
        return replace(settings, no_control=True)
    # Headers are never on disk, so they come from where the user keeps them.
    if control is not None:
        control = _beside(control, settings.gateway)
    elif url != EMBEDDED:
        control = make_companion(url, settings.control_headers, settings.gateway)
    return replace(settings, control_gateway=control)


def moved(settings: Settings, manifest: Manifest) -> dict[str, tuple[str, str]]:
    """Map the targets that differ from the manifest's to where they were and where they are."""
    now = names(settings)
    both = {name: (manifest.targets[name], now[name]) for name in _OPTIONS if name in now}
    return {name: (before, after) for name, (before, after) in both.items() if before != after}


def refuse_other_kind(settings: Settings, manifest: Manifest) -> None:
    """Refuse to mix embedded and live targets, or models, in one battery; raise `MismatchError`.

    A live target may have moved to another URL: that is noted, not refused.
    """
    for name, (before, after) in moved(settings, manifest).items():
        if EMBEDDED in {before, after}:
            raise MismatchError(
                f"the {name} of this battery is {before}, not {after}",
                hint=f"leave out {_OPTIONS[name]} and its variable, or run into another folder "
                "with --dir",
            )
    model = manifest.options.model_url
    if settings.gateway is None and settings.model_url != model:
        raise MismatchError(
            f"this battery ran with {model or 'rules'} as its model, not {settings.model_url}",
            hint="leave out --model-url, or run into another folder with --dir",
        )


@contextmanager
def opened(settings: Settings, memory: Callable[[Arm], Path], tell: Observer) -> Iterator[Targets]:
    """Yield whom to call; start embedded gateways where no other is named.

    `memory` says where such a gateway keeps what it learns in an arm.
    """
    if settings.gateway is not None:
        control = settings.control_gateway if has_control(settings) else None
        yield Targets(settings.gateway, _live_team(settings), control)
        return
    # The server costs more than all the rest to import, and a live run needs none of it.
    from battery.embedded.server import GatewayOptions, serving  # noqa: PLC0415

    def options(arm: Arm) -> GatewayOptions:
        return GatewayOptions(
            store=memory(arm),
            frozen=arm == FROZEN,
            model_url=settings.model_url,
            model_key=settings.model_key,
        )

    # A server each: they share nothing, as two deployments of a live gateway share nothing.
    with ExitStack() as stack:
        learn = Target(stack.enter_context(serving(options(LEARN))))
        frozen = None
        if has_control(settings):
            frozen = Target(stack.enter_context(serving(options(FROZEN))))
        tell(Notice(f"no --gateway: using the embedded gateway at {learn.url}"))
        yield Targets(learn, settings.llm_team or learn, frozen)


def _beside(companion: Target, gateway: Target | None) -> Target:
    """Give a named companion the gateway's headers, where it is on the gateway's host and port.

    The command line could not: it did not know yet which gateway the manifest names.
    """
    return make_companion(companion.url, companion.headers, gateway)


def _team(settings: Settings) -> Target | None:
    """Return the learning side; None is the embedded one."""
    return settings.llm_team if settings.gateway is None else _live_team(settings)


def _live_team(settings: Settings) -> Target:
    return settings.llm_team or make_companion(
        DEFAULT_LLM_TEAM, settings.llm_team_headers, settings.gateway
    )
