"""Serve a web application on a background thread, over real HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from battery.base.errors import BatteryError, UsageError

#: Longer than a client keeps an idle connection, so that it is the client who closes it.
KEEP_ALIVE_S: Final = 75
#: What a call in flight is given to end when the server stops; then it is cancelled.
GRACE_S: Final = 1
#: After this the thread is left to die with the process rather than hold it up.
STOP_S: Final = 10


def listen(host: str, port: int, name: str) -> socket.socket:
    """Open a listening socket; port 0 takes a free one. Raises `UsageError`, which names `name`."""
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
            f"the {name} cannot listen on {host} port {port}: {error}",
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
        await self._accept_no_more()

    async def _accept_no_more(self) -> None:
        # A connection that is accepted in the same turn of the loop in which its listener closes is
        # lost to asyncio: neither answered nor closed, so that its client waits for nothing.
        loop = asyncio.get_running_loop()
        for server in self.servers:
            for listener in server.sockets:
                loop.remove_reader(listener)
        # One turn until it is accepted, and one until the server knows of it.
        for _ in range(2):
            await asyncio.sleep(0)

    def stop(self) -> None:
        """Ask the server to stop, from another thread."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopped.set)


@contextmanager
def running(app: ASGIApp, listener: socket.socket, name: str) -> Iterator[None]:
    """Serve on a thread of its own; stop on exit, calls in flight included.

    Touches no signal handlers and logs nothing. Raises `BatteryError`, which names `name`, for an
    application that does not start.
    """
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
    thread = Thread(target=_serve, args=(server, listener), name=name, daemon=True)
    thread.start()
    try:
        server.ready.wait()
        if not server.started:
            raise BatteryError(f"the {name} did not start")
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
