"""Whom to call: what the user named, what the manifest names, or the embedded gateway.

All of it is asked of the kinds, which `battery.target.kinds` lists.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Final, NamedTuple

from battery.base.errors import MismatchError, UsageError
from battery.base.redact import MIN_SECRET, MIN_WORD
from battery.inputs.secrets import header_secrets, short_credential
from battery.inputs.settings import (
    DEFAULT_LLM_TEAM,
    RESTORE,
    RULES,
    Settings,
    Target,
    make_companion,
    make_target,
    same_place,
)
from battery.records.events import Notice, Observer
from battery.records.manifest import Manifest
from battery.records.models import FROZEN, LEARN, Arm, Tasks
from battery.store.battery_dir import BatteryDir
from battery.target.http import open_clients
from battery.target.kinds import EMBEDDED, kind_of, read
from battery.target.memory import folder_of
from battery.target.restored import Restored
from battery.target.reviewing import open_reviewer
from battery.target.system import Chatting, Connection, Judge, Kind, Opening, Worker

_SHORT: Final = (
    "the credential in the header {} for {} is so short that battery can hide it only where it is "
    f"a separate word, and not at all below {MIN_WORD} characters; use one of {MIN_SECRET} "
    "characters or more"
)

_OPTIONS: Final = {"gateway": "--gateway", "llm_team": "--llm-team", "control": "--control-gateway"}


def has_control(settings: Settings) -> bool:
    """Return whether there are two arms: where the target brings a twin or one is named."""
    named = settings.control_gateway is not None or settings.restores
    return not settings.no_control and (named or not _kind(settings).is_address)


def names(settings: Settings) -> dict[str, str]:
    """Name the targets as the manifest keeps them, without secrets; `control` with two arms."""
    gateway = _gateway(settings).url
    team, control = _team(settings), settings.control_gateway
    targets = {"gateway": gateway, "llm_team": team.url if team else gateway}
    if has_control(settings):
        targets["control"] = control.url if control else _twin(settings)
    return targets


def _twin(settings: Settings) -> str:
    """Name the twin that no address of its own has."""
    return RESTORE if settings.restores else _gateway(settings).url


def is_local(settings: Settings) -> bool:
    """Return whether battery starts the target itself and keeps its memory."""
    return _kind(settings).is_local


def described(settings: Settings) -> dict[str, str]:
    """Return in words who is asked, who is its twin, and who is asked to distill."""
    kind, team, control = _kind(settings), _team(settings), settings.control_gateway
    target, unnamed = _gateway(settings).url, settings.gateway is None
    ours = f"{kind.name} (no --target is given)" if unnamed else kind.name
    restored = "the same one, its memory put back before each call"
    twin = control.url if control else restored if settings.restores else kind.twin
    return {
        "target": ours if target == EMBEDDED else target,
        "twin": twin if has_control(settings) else "none",
        "learning": team.url if team else "by the target itself",
    }


def is_elsewhere(settings: Settings) -> bool:
    """Return whether the target is a deployment of somebody else's, with a memory of its own."""
    return _kind(settings).is_address


def has_folder(settings: Settings) -> bool:
    """Return whether the target remembers in a folder that battery copies and puts back."""
    kind = _kind(settings)
    return kind.is_local and kind.has_memory(_gateway(settings).url)


def keeps_memory(settings: Settings) -> bool:
    """Return whether battery can put the memory of the target back."""
    return settings.restores or not is_local(settings) or has_folder(settings)


def sends_models(settings: Settings) -> bool:
    """Return whether anybody is sent the names of the models."""
    named = settings.reviewer not in {None, RULES} or settings.model_url is not None
    return named or _kind(settings).sends_models


def surroundings(settings: Settings, folder: BatteryDir) -> dict[Arm, dict[str, str]]:
    """Return by arm the variables that tell a command which arm it is, and where its memory is."""
    kind, gateway = _kind(settings), _gateway(settings).url
    arms = _arms(settings)
    found: dict[Arm, dict[str, str]] = {arm: {"BATTERY_ARM": arm} for arm in arms}
    for arm, variables in found.items():
        if kind.is_address:
            control = settings.control_gateway if arm == FROZEN else None
            variables["GATEWAY_URL"] = control.url if control else gateway
        elif kind.has_memory(gateway):
            home = folder.memories.absolute()
            memory = folder_of(arm, home) if kind.is_local else folder.memory(arm).absolute()
            variables["BATTERY_MEMORY"] = str(memory)
    return found


def digest(settings: Settings) -> str | None:
    """Return what the file that describes the target says, as a hash; None where none does."""
    return _kind(settings).digest(_gateway(settings).url)


def file_digests(settings: Settings) -> dict[str, str]:
    """Return by path the SHA-256 of each file of the system's own that the target names."""
    files = _kind(settings).files(_gateway(settings).url)
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}


def refuse_unfit(settings: Settings) -> None:
    """Refuse settings that do not go with the kind of target; raise `UsageError`."""
    kind = _kind(settings)
    if (has_folder(settings) or settings.restores) and (settings.concurrency or 1) > 1:
        raise UsageError(
            f"a {kind.name} whose memory is put back can only run one task at a time",
            hint="leave out --concurrency",
        )
    if settings.restores and not kind.is_address:
        raise UsageError(
            f"--control-gateway {RESTORE} is for live gateways: the {kind.name} brings a twin",
            hint="leave it out, or name a gateway's URL with --target",
        )
    if settings.meter and not has_folder(settings):
        raise UsageError(
            f"--meter is for systems that battery starts, and it does not start a {kind.name}",
            hint="leave out --meter and its variable BATTERY_METER",
        )
    _refuse_unfit_control(settings, kind)


def refuse_unfit_attempts(settings: Settings, tasks: Tasks) -> None:
    """Refuse attempts of which nothing is said; raise `UsageError`."""
    if is_local(settings) and settings.feedback == "none" and tasks.attempts > 1:
        raise UsageError(
            f"the tasks file allows {tasks.attempts} attempts, but with --feedback none the system "
            "is not told that an answer was refused, so the next attempt would be the same",
            hint="give --feedback grade or answer, or take `attempts` out of the tasks file",
        )


def _refuse_unfit_control(settings: Settings, kind: Kind) -> None:
    """Refuse a twin that has nothing to be compared with, or would learn."""
    control = settings.control_gateway
    if control is None:
        return
    if not kind.is_address:
        url = settings.gateway and settings.gateway.url
        named = f"the target is {url}" if url else "no gateway is named"
        raise UsageError(
            f"--control-gateway names a twin, and {named}",
            hint="name a gateway's URL with --gateway, or leave out --control-gateway and its "
            f"variable: the {kind.name} brings a twin of its own",
        )
    # The twin shows what time alone does. One that learns as well would hide what was learned.
    for target, name, why in (
        (settings.gateway, "gateway", "it would learn what the learner learns"),
        (_team(settings), "learning side", "it would be distilled"),
    ):
        if target and same_place(control.url, target.url):
            raise UsageError(
                f"the twin's gateway {control.url} is the {name} {target.url}: {why}",
                hint="name a second deployment with a memory of its own, or leave it out",
            )


def from_manifest(settings: Settings, manifest: Manifest) -> Settings:
    """Take the targets of the manifest where the user named none."""
    gateway, recorded = settings.gateway, manifest.targets
    if gateway is None and recorded["gateway"] != EMBEDDED:
        gateway = read(recorded["gateway"], settings.gateway_headers)
    headers = settings.llm_team_headers
    team = _companion(settings.llm_team, recorded["llm_team"], headers, gateway)
    model = settings.model_url or manifest.options.model_url
    reviewer, meter = settings.reviewer or manifest.options.reviewer, settings.meter
    if meter is None and manifest.options.meter:
        meter = make_target(manifest.options.meter, {})
    return replace(
        settings,
        gateway=gateway,
        llm_team=team,
        model_url=model,
        reviewer=reviewer,
        meter=meter,
    )


def continued(settings: Settings, manifest: Manifest) -> Settings:
    """Take targets and arms of the manifest, to go on with its battery.

    Raises `MismatchError` for what would make it another battery: an arm more or less, a target of
    another kind, another model. An address may have changed: that is noted, not refused.
    """
    settings = _same_arms(from_manifest(settings, manifest), manifest)
    _refuse_other_target(settings, manifest)
    # Checked here too: only with the manifest's targets filled in is it known who is who.
    refuse_unfit(settings)
    return settings


def moved(settings: Settings, manifest: Manifest) -> dict[str, tuple[str, str]]:
    """Map the targets that differ from the manifest's to where they were and where they are."""
    now = names(settings)
    both = {name: (manifest.targets[name], now[name]) for name in _OPTIONS if name in now}
    return {name: (before, after) for name, (before, after) in both.items() if before != after}


class Asked(NamedTuple):
    """What a battery is that asks tasks, as in `Opening`."""

    workers: int = 1
    tasks: Tasks | None = None
    judge: Judge | None = None
    run_id: str = ""


def opened(
    settings: Settings,
    folder: BatteryDir,
    tell: Observer,
    asked: Asked | None = None,
) -> AbstractAsyncContextManager[Sequence[Worker]]:
    """Open whom the workers ask in each arm.

    `folder` is where a system that battery starts keeps what it learns.
    """
    _warn_of_short_credentials(settings, tell)
    opening = Opening(
        target=_gateway(settings),
        settings=settings,
        arms=_arms(settings),
        memory=folder.memory,
        memories=folder.memories,
        tell=tell,
        secrets=_secrets(settings),
        **(asked or Asked())._asdict(),
    )
    return _kind(settings).opened(opening)


@asynccontextmanager
async def learning_side(settings: Settings, workers: Sequence[Worker]) -> AsyncIterator[Connection]:
    """Open whom to ask to distill: the learning side, or the target itself where it brings none."""
    team = _team(settings)
    if team is None:
        yield workers[0][LEARN]
        return
    async with open_clients(team, 1, secrets=_secrets(settings)) as clients:
        gateway = workers[0][LEARN]
        yield gateway.taught_by(clients[0]) if isinstance(gateway, Restored) else clients[0]


@asynccontextmanager
async def reviewing_side(settings: Settings, workers: Sequence[Worker]) -> AsyncIterator[Chatting]:
    """Open whom to ask for reviews and judgments: the reviewer that is named, else the target."""
    if settings.reviewer is None:
        yield workers[0][LEARN]
        return
    async with open_reviewer(settings, _secrets(settings)) as reviewer:
        yield reviewer


def _secrets(settings: Settings) -> list[str]:
    """List the secrets of all targets: what one of them is sent, another may have got to know."""
    named = filter(None, (settings.gateway, _team(settings), settings.control_gateway))
    headers = [target.headers for target in named]
    keys = filter(None, (settings.model_key, settings.reviewer_key))
    return [*(secret for each in headers for secret in header_secrets(each)), *keys]


def _warn_of_short_credentials(settings: Settings, tell: Observer) -> None:
    # Gateway and learning side are often one program, which is named once.
    named = filter(None, (settings.gateway, _team(settings), settings.control_gateway))
    for url, headers in {target.url: target.headers for target in named}.items():
        if name := short_credential(headers):
            tell(Notice(_SHORT.format(name, url), warning=True))


def _gateway(settings: Settings) -> Target:
    return settings.gateway or Target(EMBEDDED)


def _arms(settings: Settings) -> Sequence[Arm]:
    return (LEARN, FROZEN) if has_control(settings) else (LEARN,)


def _kind(settings: Settings) -> Kind:
    return kind_of(_gateway(settings).url)


def _team(settings: Settings) -> Target | None:
    """Return the learning side; None where the target brings it."""
    if settings.llm_team or not _kind(settings).is_address:
        return settings.llm_team
    return make_companion(DEFAULT_LLM_TEAM, settings.llm_team_headers, settings.gateway)


def _companion(
    named: Target | None, recorded: str, headers: Mapping[str, str], gateway: Target | None
) -> Target | None:
    """Return the companion that is named, else the recorded one; None where the target brings it.

    On the gateway's host and port it gets the gateway's headers. The command line could not give
    them: it did not know yet which gateway the manifest names.
    """
    if named is not None:
        return make_companion(named.url, named.headers, gateway)
    return make_companion(recorded, headers, gateway) if kind_of(recorded).is_address else None


def _same_arms(settings: Settings, manifest: Manifest) -> Settings:
    url, control = manifest.targets.get("control"), settings.control_gateway
    # Half a battery with a control and half without has no contrast that means anything.
    if (settings.restores or control) and (settings.restores != (url == RESTORE)) and url:
        raise MismatchError(
            f"the twin of this battery is {url}, not {control.url if control else RESTORE}",
            hint="leave out --control-gateway and its variable, or run into another folder",
        )
    if url is None and settings.restores:
        raise MismatchError(
            "this battery has no twin, and the gateway with its memory put back would be one",
            hint="leave out --control-gateway and its variable, or run into another folder",
        )
    if url is None and control is not None:
        raise MismatchError(
            f"this battery has no twin, and {control.url} would be one",
            hint="leave out --control-gateway and its variable, or run into another folder",
        )
    if url is not None and settings.no_control:
        raise MismatchError(
            f"this battery has a twin ({url}), which cannot be left out later",
            hint="leave out --no-control, or run into another folder with --dir",
        )
    if url is None:
        return replace(settings, no_control=True)
    if url == RESTORE:
        return replace(settings, restores=True)
    # Headers are never on disk, so they come from where the user keeps them.
    control = _companion(control, url, settings.control_headers, settings.gateway)
    return replace(settings, control_gateway=control)


def _refuse_other_target(settings: Settings, manifest: Manifest) -> None:
    # An address is where a system is, not which one it is, so it may change; a kind may not.
    for name, (before, after) in moved(settings, manifest).items():
        if not (kind_of(before).is_address and kind_of(after).is_address):
            raise MismatchError(
                f"the {name} of this battery is {before}, not {after}",
                hint=f"leave out {_OPTIONS[name]} and its variable, or run into another folder "
                "with --dir",
            )
    if settings.meter and manifest.options.meter is None:
        raise MismatchError(
            "this battery ran without a meter, so its tokens were counted by the system itself",
            hint="leave out --meter and its variable, or run into another folder with --dir",
        )
    if digest(settings) != manifest.options.target_digest:
        raise MismatchError(
            f"{_gateway(settings).url} no longer says what it said when this battery began",
            hint="restore what it said, or run into another folder with --dir",
        )
    model = manifest.options.model_url
    if _kind(settings).takes_model and settings.model_url != model:
        raise MismatchError(
            f"this battery ran with {model or 'rules'} as its model, not {settings.model_url}",
            hint="leave out --model-url, or run into another folder with --dir",
        )
