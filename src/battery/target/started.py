"""A server that battery starts in each arm, from one line, and ends: a proxy with a memory, say."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Final

from battery.base.clock import awake
from battery.base.errors import CallError, CallTimeoutError
from battery.base.processes import Running
from battery.base.text import printable
from battery.target.driver import Seat
from battery.target.system import Finding

#: What may be in braces in a start line, and what it stands for.
PLACEHOLDERS: Final = {
    "port": "a free port, another one in each start",
    "memory": "the folder of the arm's memory",
    "model": "the executor model of the tasks file",
    "scratch": "the working folder, for what is not memory; emptied before each start",
    "here": "the folder of the file",
}
#: Seconds between two looks whether a server is ready.
_LOOK_S: Final = 0.05
#: Seconds that a server has to end by itself, and to write what it still has to.
_GRACE_S: Final = 10.0
#: Lines of its output that an error shows.
_SHOWN: Final = 5
#: Bytes of output that may wait; a server's own output is all read as it comes.
_MOST: Final = 1 << 20
# What it prints is its log, wherever it prints it: only the last lines are kept, to quote from.
_TO_LOG: Final = ("/bin/sh", "-c", 'exec "$0" "$@" 1>&2')
_HINT: Final = "run the `start` line by hand, with a port and folders of your own"


@dataclass(frozen=True)
class Start:
    """How a server is started, and when it is ready."""

    line: str
    #: The folder of the file that says so.
    here: Path
    ready_s: float = 60.0
    environment: Mapping[str, str] = field(default_factory=dict)


def filled(text: str, values: Mapping[str, object]) -> str:
    """Put values for the placeholders of a text; braces around anything else stay."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def startable(start: Start) -> Finding:
    """Find out whether the program of a start line is there, without starting it."""
    word = (shlex.split(start.line) or [""])[0]
    program = filled(word, {"here": start.here})
    # One that a variable names is known only in the environment that it is started in.
    if "$" in program or shutil.which(program):
        return Finding(True, f"battery starts it in each arm: {start.line}")
    return Finding(False, f"{program}, which `start` names, is not there", _HINT)


class Server:
    """A server at work."""

    def __init__(self, running: Running, values: Mapping[str, object], name: str) -> None:
        self._running = running
        #: What the placeholders stand for in this start.
        self.values = values
        self._name = name

    @classmethod
    async def started(cls, start: Start, seat: Seat) -> Server:
        """Start a server on a free port; raise `CallError`."""
        values = {
            "port": _free_port(),
            "memory": seat.memory,
            "model": seat.model,
            "scratch": seat.scratch,
            "here": start.here,
        }
        environment = _environment(start, seat, values)
        words = _words(start.line, values, environment)
        try:
            running = await Running.start(
                [*_TO_LOG, *words], folder=seat.scratch, environment=environment, most=_MOST
            )
        except (OSError, ValueError) as error:
            raise CallError(f"{words[0]} cannot be started: {error}", hint=_HINT) from error
        return cls(running, values, words[0])

    async def ready(self, limit_s: float, look: Callable[[], Awaitable[object]]) -> None:
        """Wait until a look, which raises `CallError`, finds it ready; raise `CallError`."""
        until = awake() + limit_s
        while True:
            await self.require_running()
            try:
                await look()
            except CallError as error:
                if awake() > until:
                    raise CallTimeoutError(
                        f"{self._name} was not ready within {limit_s:g} s "
                        f"({error.message}){self._running.last_words}",
                        hint=f"look at `ready`, or allow more with `ready_s`; or {_HINT}",
                    ) from error
            else:
                return
            await asyncio.sleep(_LOOK_S)

    async def require_running(self, settle_s: float = 0) -> None:
        """Raise `CallError`, with its last words, where it has ended or does within a while."""
        if settle_s:
            with suppress(TimeoutError):
                async with asyncio.timeout(settle_s):
                    await self._running.exit_code()
        if self._running.has_ended:
            how = await self._running.ended()
            said = printable(" | ".join(self._running.said[-_SHOWN:]))
            raise CallError(
                f"the server that `start` starts has ended ({how}): {said or 'it said nothing'}",
                hint=f"{_HINT}; it runs in an empty folder, so name files with {{here}}",
            )

    async def stop(self) -> None:
        """Have it end, and end it with everything it has started."""
        try:
            # First without force: there are databases that are whole only then.
            with suppress(TimeoutError, ProcessLookupError):
                async with asyncio.timeout(_GRACE_S):
                    os.kill(self._running.pid, signal.SIGTERM)
                    await self._running.exit_code()
        finally:
            await self._running.stop()


def _environment(start: Start, seat: Seat, values: Mapping[str, object]) -> dict[str, str]:
    # A home of its own: what a system keeps there is memory as well, and neither copied nor shared.
    home, temporary = seat.scratch / "home", seat.scratch / "tmp"
    for path in (home, temporary):
        path.mkdir(parents=True, exist_ok=True)
    return {
        **seat.away_from_home(home, temporary),
        **{name: filled(text, values) for name, text in start.environment.items()},
        # Last: the meter's address is not the file's to change.
        **seat.environment,
    }


def _words(line: str, values: Mapping[str, object], environment: Mapping[str, str]) -> list[str]:
    """Split a line as a shell does, then put in values: a path with a space stays one word."""
    try:
        words = [Template(word).substitute(environment) for word in shlex.split(line)]
    except (KeyError, ValueError) as error:
        raise CallError(
            f"the `start` line cannot be read: {error}", hint="write $$ for a dollar sign"
        ) from error
    return [filled(word, values) for word in words]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
