"""Deployments that battery does not start: their addresses, and what empties their memories."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from battery.base import jsonio
from battery.base.errors import AnswerError, StatusError
from battery.inputs.settings import OPENAI, Settings, Target, make_target
from battery.records.models import FROZEN, LEARN, Arm
from battery.target import targets
from battery.target.file import is_file, read_file
from battery.target.restored import MemoryClient

#: What answers to a call that it does not know.
_NOT_OFFERED: Final = frozenset({404, 405, 501})


def is_deployed(settings: Settings) -> bool:
    """Return whether the target runs somewhere and has a memory that battery does not keep."""
    return targets.is_elsewhere(settings) or not targets.keeps_memory(settings)


def address(target: Target) -> str:
    """Return the URL that the calls to a deployment go to."""
    if is_file(target.url):
        return make_target(read_file(Path(target.url)).target.url or "", {}).url
    return target.url.removeprefix(OPENAI)


def likeness(target: Target) -> str | None:
    """Return what a file says of a deployment but for its address, as a hash; None without one."""
    if not is_file(target.url):
        return None
    document = read_file(Path(target.url)).model_dump(exclude={"target": {"url"}})
    return sha256(jsonio.canonical(document)).hexdigest()


async def reset(settings: Settings, require: Callable[[], None]) -> None:
    """Have a gateway and its twin forget everything; raise `CallError`.

    `require` is asked before each request, and raises where none may be made.
    """
    for target in gateways(settings).values():
        async with _client(target) as client:
            require()
            await client.reset()


async def fingerprints(settings: Settings) -> dict[Arm, str | None]:
    """Ask a gateway and its twin what their memories are; None where that is not offered.

    Raises `CallError`.
    """
    return {arm: await _fingerprint(target) for arm, target in gateways(settings).items()}


def gateways(settings: Settings) -> dict[Arm, Target]:
    """Return the gateway of each arm; one that is its own twin counts once."""
    known: dict[Arm, Target | None] = {LEARN: settings.gateway, FROZEN: settings.control_gateway}
    return {arm: target for arm, target in known.items() if target is not None}


async def _fingerprint(target: Target) -> str | None:
    async with _client(target) as client:
        try:
            return await client.fingerprint()
        except StatusError as error:
            if error.status in _NOT_OFFERED:
                return None
            raise
        except AnswerError as error:
            # Some answer every page with 200 and nothing.
            raise AnswerError(
                f"{error.message}; a gateway that offers no fingerprint answers 404 there",
                hint=error.hint,
            ) from error


@asynccontextmanager
async def _client(target: Target) -> AsyncIterator[MemoryClient]:
    async with aclosing(MemoryClient(target)) as client:
        yield client
