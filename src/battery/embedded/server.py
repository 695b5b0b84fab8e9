"""Serve the embedded gateway on a background thread, over real HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from battery.base.errors import BatteryError, UsageError, remedy_of
from battery.embedded.analyst import RuleAnalyst
from battery.embedded.app import Gateway, make_app
from battery.embedded.guard import Guard, Place
from battery.embedded.language_model import TIMEOUT_S, LanguageModel
from battery.embedded.memory import Memory
from battery.embedded.policies import Dials, Policies
from battery.embedded.rules import RuleExecutor, RuleOverseer, RuleReviewer
from battery.embedded.world import World

#: Longer than a client keeps an idle connection, so that it is the client who closes it.
KEEP_ALIVE_S: Final = 75
#: What a call in flight is given to end when the server stops; then it is cancelled.
GRACE_S: Final = 1
#: After this the thread is left to die with the process rather than hold it up.
STOP_S: Final = 10


@dataclass(frozen=True)
class GatewayOptions:
    """What a gateway is made from; `model_key` is never logged, stored or shown."""

    #: Folder of the memory: created when missing, continued when not.
    store: Path
    #: Seed of the world.
    seed: int = 7
    #: Never learns.
    frozen: bool = False
    #: Base of an OpenAI-compatible endpoint; without one, rules stand in for the models.
    model_url: str | None = None
    model_key: str | None = field(default=None, repr=False)
    #: Seconds for one call of the model.
    model_timeout: float = TIMEOUT_S
    #: Faults to show or test; all off.
    dials: Dials = field(default_factory=Dials)


@contextmanager
def serving(
    options: GatewayOptions,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    warn: Callable[[str], None] = lambda _: None,
) -> Iterator[str]:
    """Serve a gateway and yield its base URL; stop cleanly on exit, calls in flight included.

    Port 0 takes a free one. `warn` is told when other machines can reach it. Touches no signal
    handlers and logs nothing. Raises `UsageError` for a port that cannot be bound or a store that
    cannot be used.
    """
    with listen(host, port) as listener:
        place = Place(host, *listener.getsockname()[:2])
        if warning := place.warning():
            warn(warning)
        memory = _open_memory(options)
        # Both are made here, so that what is wrong with them is raised to the caller.
        world = World(options.seed)
        try:
            with _running(Guard(_make_app(options, world, memory), place), listener):
                yield place.url
        finally:
            world.close()


def _make_app(options: GatewayOptions, world: World, memory: Memory) -> Starlette:
    if options.model_url is None:
        rules = Policies(RuleExecutor(), RuleReviewer(), RuleOverseer(), RuleAnalyst())
        return make_app(Gateway(world, memory, rules, options.dials))
    model = LanguageModel(options.model_url, options.model_key, timeout_s=options.model_timeout)
    gateway = Gateway(world, memory, model.policies(), options.dials)
    return make_app(gateway, on_stop=model.close)


def _open_memory(options: GatewayOptions) -> Memory:
    try:
        return Memory(options.store, frozen=options.frozen)
    except OSError as error:
        raise UsageError(
            f"the gateway's memory in {options.store} cannot be used: {error.strerror}",
            hint=f"{remedy_of(error)}, or name another folder",
        ) from error


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; port 0 takes a free one. Raises `UsageError` when it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's delay off only where it is; with the
    # delay every answer would take 40 ms longer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(socket.SOMAXCONN)
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageError(
            f"the gateway cannot listen on {host} port {port}: {error}",
            hint="choose another port, or 0 for any that is free",
        ) from error
    return listener


class _Server(uvicorn.Server):
    """A server that says when it has started or has died trying, and stops when it is told."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = Event()
        self._stopped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        # An event and no polling, so that a battery starts as soon as it can.
        self.ready.set()

    async def main_loop(self) -> None:
        # The library looks ten times a second whether it shall stop; two gateways a battery, and
        # each would keep it waiting.
        await self._stopped.wait()

    def stop(self) -> None:
        """Ask the server to stop, from another thread."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopped.set)


@contextmanager
def _running(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    config = uvicorn.Config(
        app,
        log_config=None,
        # Above every level there is: the battery's terminal is not the place for it.
        log_level=logging.CRITICAL + 1,
        access_log=False,
        ws="none",
        # What a proxy says of its client would be taken on trust, and nothing here asks for it.
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config)
    # On a thread that is not the main one, the server leaves signals to the battery.
    thread = Thread(target=_serve, args=(server, listener), name="gateway", daemon=True)
    thread.start()
    try:
        server.ready.wait()
        if not server.started:
            raise BatteryError("the embedded gateway did not start")
        yield
    finally:
        server.stop()
        thread.join(STOP_S)


def _serve(server: _Server, listener: socket.socket) -> None:
    try:
        server.run(sockets=[listener])
    finally:
        # Also when it died: a caller that waits for ever is worse than an error.
        server.ready.set()
