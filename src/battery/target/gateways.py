"""The two kinds of target that speak HTTP: a live gateway, and the embedded one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from typing import Final

from battery.inputs.settings import Target, make_target
from battery.records.events import Notice
from battery.records.models import FROZEN, LEARN, Arm
from battery.target.http import Client, open_clients
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
    targets: Mapping[Arm, Target], count: int, client: type[Client] = Client
) -> AsyncIterator[list[Worker]]:
    """Open clients for `count` workers."""
    async with AsyncExitStack() as stack:
        clients = {
            arm: await stack.enter_async_context(open_clients(target, count, client))
            for arm, target in targets.items()
        }
        yield [{arm: own[n] for arm, own in clients.items()} for n in range(count)]


@asynccontextmanager
async def _live(opening: Opening) -> AsyncIterator[Sequence[Worker]]:
    targets: dict[Arm, Target] = {LEARN: opening.target}
    control = opening.settings.control_gateway
    if control and FROZEN in opening.arms:
        targets[FROZEN] = control
    async with _calling(targets, opening.workers) as workers:
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
        )

    # One server per arm: they share nothing, as two deployments of a live gateway share nothing.
    with ExitStack() as stack:
        targets = {arm: Target(stack.enter_context(serving(options(arm)))) for arm in opening.arms}
        why = "no --gateway: " if opening.settings.gateway is None else ""
        opening.tell(Notice(f"{why}using the embedded gateway at {targets[LEARN].url}"))
        async with _calling(targets, opening.workers, _Embedded) as workers:
            yield workers


#: Recognizes every text, so it comes last: its reader says what is wrong with one that is no URL.
LIVE: Final = Kind(
    name="live gateway",
    recognizes=lambda _text: True,
    opened=_live,
    read=make_target,
    is_address=True,
)
EMBEDDED_GATEWAY: Final = Kind(
    name="embedded gateway",
    recognizes=lambda text: text == EMBEDDED,
    opened=_embedded,
    takes_model=True,
)
