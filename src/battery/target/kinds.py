"""The kinds of systems under test: how each is recognized and opened.

A new kind of target is one more record in `KINDS`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import replace
from pathlib import Path
from typing import Final

from battery.base.errors import UsageError
from battery.inputs.settings import Target, make_target
from battery.records.models import FROZEN, LEARN, Arm
from battery.target import openai
from battery.target.command import COMMAND
from battery.target.file import endpoint_of, is_file, named, read_file
from battery.target.http import Client, open_clients
from battery.target.python import PYTHON
from battery.target.restored import open_restored
from battery.target.started import filled
from battery.target.system import Finding, Kind, Opening, Worker

#: Names the embedded gateway, on the command line and in the manifest.
EMBEDDED: Final = "embedded"


class _Embedded(Client):
    """A client of an embedded gateway, whose address nobody knows or needs."""

    async def probe(self, timeout_s: float) -> Finding:
        """Ask for its front page, which is not much of one."""
        await super().probe(timeout_s)
        return Finding(True, "the embedded one starts and answers")


@asynccontextmanager
async def _calling(
    targets: Mapping[Arm, Target], opening: Opening, client: type[Client] = Client
) -> AsyncIterator[list[Worker]]:
    """Open clients for all workers."""
    secrets, count = opening.secrets, opening.workers
    async with AsyncExitStack() as stack:
        clients = {
            arm: await stack.enter_async_context(open_clients(target, count, client, secrets))
            for arm, target in targets.items()
        }
        yield [{arm: own[n] for arm, own in clients.items()} for n in range(count)]


@asynccontextmanager
async def _live(opening: Opening) -> AsyncIterator[Sequence[Worker]]:
    if opening.settings.restores:
        async with open_restored(opening) as workers:
            yield workers
        return
    targets: dict[Arm, Target] = {LEARN: opening.target}
    control = opening.settings.control_gateway
    if control and FROZEN in opening.arms:
        targets[FROZEN] = control
    async with _calling(targets, opening) as workers:
        yield workers


@asynccontextmanager
async def _embedded(opening: Opening) -> AsyncIterator[Sequence[Worker]]:
    # The server costs more than all the rest to import, and a live run needs none of it.
    from battery.embedded.server import GatewayOptions, serving  # noqa: PLC0415

    def options(arm: Arm) -> GatewayOptions:
        return GatewayOptions(
            store=opening.memory(arm),
            frozen=arm == FROZEN,
            model_url=opening.settings.model_url,
            model_key=opening.settings.model_key,
            # Whoever called the gateway should be the one to give up, unless told otherwise.
            model_timeout=opening.settings.model_timeout
            or max(opening.settings.respond_timeout, opening.settings.meta_timeout),
        )

    # One server per arm: they share nothing, as two deployments of a live gateway share nothing.
    with ExitStack() as stack:
        targets = {arm: Target(stack.enter_context(serving(options(arm)))) for arm in opening.arms}
        async with _calling(targets, opening, _Embedded) as workers:
            yield workers


#: How each kind of target is written.
_WAYS: Final = (
    "write it like http://localhost:3100, openai:http://localhost:8000/v1, python:agent.py:Agent "
    "or 'exec:./agent {verb}', or name a .toml file that describes it"
)
_PYTHON_FILE: Final = re.compile(r"([\w./-]+\.py)(:\w+)?")


def _read_live(text: str, headers: Mapping[str, str]) -> Target:
    """Check the URL of a gateway; say how other kinds are written where it is not one."""
    try:
        return make_target(text, headers)
    except UsageError as error:
        if "://" not in text:
            name = _PYTHON_FILE.fullmatch(text)
            known = f"write it like python:{name[1]}{name[2] or ':Agent'}" if name else None
            error.hint = known or _WAYS
        raise


#: Recognizes every text, so it comes last: its reader says what is wrong with one that is no URL.
LIVE: Final = Kind(
    name="live gateway",
    recognizes=lambda _text: True,
    opened=_live,
    read=_read_live,
    is_address=True,
    sends_models=True,
)
EMBEDDED_GATEWAY: Final = Kind(
    name="embedded gateway",
    recognizes=lambda text: text == EMBEDDED,
    opened=_embedded,
    takes_model=True,
)


def _read_file(text: str, headers: Mapping[str, str]) -> Target:
    """Check a file that describes a target; one that describes a gateway stands for its URL."""
    path = Path(text).absolute()
    target = read_file(path).target
    if target.kind == "http":
        return read(target.url or "", headers)
    if target.kind == "openai":
        return openai.with_key(str(path), headers)
    return Target(str(path), read(named(path, target), headers).headers)


@asynccontextmanager
async def _described(opening: Opening) -> AsyncIterator[Sequence[Worker]]:
    path = Path(opening.target.url)
    document = read_file(path)
    target = document.target
    system: AbstractAsyncContextManager[Sequence[Worker]]
    if target.kind == "openai":
        system = openai.open_endpoint(opening, endpoint_of(document, path, opening.target.headers))
    else:
        inner = read(named(path, target), {})
        here = {"here": path.parent}
        own = {name: filled(text, here) for name, text in target.environment.items()}
        changed = replace(opening, target=inner, environment={**opening.environment, **own})
        system = kind_of(inner.url).opened(changed)
    async with system as workers:
        yield workers


def _files_of_described(text: str) -> Sequence[Path]:
    path = Path(text)
    target = read_file(path).target
    if target.kind not in {"python", "exec"}:
        return ()
    inner = read(named(path, target), {}).url
    return kind_of(inner).files(inner)


FILE: Final = Kind(
    name="target of a file",
    recognizes=is_file,
    opened=_described,
    read=_read_file,
    sends_models=True,
    twin="the same one, with the memory of the start in each call",
    is_local=True,
    has_memory=lambda text: read_file(Path(text)).has_memory,
    digest=lambda text: read_file(Path(text)).digest,
    files=_files_of_described,
)


#: The first that recognizes a target has it.
KINDS: tuple[Kind, ...] = (EMBEDDED_GATEWAY, PYTHON, COMMAND, openai.OPENAI, FILE, LIVE)

#: Kinds that a program which uses battery as a library brings, for as long as it needs them.
_ALSO: Final[list[Kind]] = []


@contextmanager
def also(kind: Kind) -> Iterator[None]:
    """Know one more kind of target within the block, ahead of all others."""
    _ALSO.insert(0, kind)
    try:
        yield
    finally:
        _ALSO.remove(kind)


def kind_of(text: str) -> Kind:
    """Return the kind of a target, as the command line and the manifest write it."""
    return next(kind for kind in (*_ALSO, *KINDS) if kind.recognizes(text))


def read(text: str, headers: Mapping[str, str]) -> Target:
    """Check the text of a target, of whatever kind; raise `UsageError`."""
    return kind_of(text).read(text, headers)
