"""The kind `python:`: a class or function of the user's own, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from battery.base import jsonio
from battery.base.errors import (
    AnswerError,
    BrokenAnswerError,
    CallError,
    CallTimeoutError,
    UsageError,
)
from battery.base.processes import EndedError, FloodError, Running
from battery.base.text import brief
from battery.inputs.secrets import without_own_secrets
from battery.inputs.settings import Target
from battery.protocol import Json, limits
from battery.system import Ask, Outcome, Verbs
from battery.target.driver import FIX, Seat
from battery.target.local import local_kind
from battery.target.system import Finding

PREFIX: Final = "python:"
#: Seconds that may pass until the system is imported and made, as some load a model, or until its
#: memory is copied.
START_LIMIT_S: Final = 600.0
#: Seconds that it has to close what it has open.
_CLOSE_LIMIT_S: Final = 2.0
#: Seconds that Python has to say where it is.
_LOOK_S: Final = 0.2
_WORKER: Final = "battery.target.python_worker"
#: Where Python was when it was killed or asked.
_FRAME: Final = re.compile(r'  File "(.+)", line (\d+) in (.+)')
_FATAL: Final = "Fatal Python error: "
#: Which option allows a call more time.
_ALLOWING: Final = {
    "ask": "--respond-timeout",
    "tell": "--meta-timeout",
    "learn": "--meta-timeout",
}


class _UserCodeError(Exception):
    """The traceback of the user's code, for --debug."""


class PythonDriver:
    """One arm of a system that is a class or function: its process, and what is asked of it."""

    def __init__(self, text: str, seat: Seat) -> None:
        self._place, _, self._name = text.removeprefix(PREFIX).rpartition(":")
        self._file = Path(self._place) if self._place.endswith(".py") else None
        # As short as it is still clear, in sentences that name a task as well.
        self._title = f"{self._file.name if self._file else self._place}:{self._name}"
        self._seat = seat
        self._running: Running | None = None
        #: Whether it waits for a request, so that it can be asked to close.
        self._idle = False

    async def start(self) -> Verbs:
        """Import and make the system in a new process."""
        folder = self._file.parent if self._file else Path.cwd()
        temporary = self._seat.scratch / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        # -P: the folder of the script is no place to import from.
        words = [sys.executable, "-P", "-X", "utf8", "-m", _WORKER]
        environment = {
            **without_own_secrets(os.environ),
            "BATTERY_MEMORY": str(self._seat.memory),
            "TMPDIR": str(temporary),
            **self._seat.environment,
        }
        try:
            self._running = await Running.start(
                words, folder=folder, environment=environment, most=limits.MAX_ANSWER_BYTES + 1
            )
        except (OSError, ValueError) as error:
            raise CallError(
                f"{self._title}: no process can be started for it: {error}",
                hint="check the folder and the limits of the operating system",
            ) from error
        document = {
            "memory": str(self._seat.memory),
            "model": self._seat.model,
            "folder": str(folder),
            "place": self._file.name if self._file else self._place,
            "name": self._name,
            **({"file": str(self._file)} if self._file else {"module": self._place}),
        }
        name = f"{self._title} cannot be used"
        return Verbs(**await self._call("start", name, document, START_LIMIT_S))

    async def ask(self, ask: Ask, timeout_s: float) -> Json | str:
        """Ask one turn of a task."""
        name = f"respond for {ask.operation!r} to {self._title}"
        said: Json | str = await self._call("ask", name, {"ask": asdict(ask)}, timeout_s)
        return said

    async def tell(self, outcome: Outcome, timeout_s: float) -> None:
        """Tell how a task ended."""
        name = f"tell of {outcome.ask.operation!r} to {self._title}"
        await self._call("tell", name, {"outcome": asdict(outcome)}, timeout_s)

    async def learn(
        self, outcomes: Sequence[Outcome], on_event: Callable[[Json], None], timeout_s: float
    ) -> list[Json]:
        """Have it learn; the events come as it yields them."""
        events: list[Json] = []

        def add(event: Json) -> None:
            events.append(event)
            on_event(event)

        document = {"outcomes": [asdict(outcome) for outcome in outcomes]}
        await self._call("learn", f"learn by {self._title}", document, timeout_s, add)
        return events

    async def snapshot(self, to: Path) -> None:
        """Have it write its memory into an empty folder."""
        await self._copying("snapshot", {"to": str(to)})

    async def restore(self, source: Path) -> None:
        """Have it replace its memory by such a copy."""
        await self._copying("restore", {"source": str(source)})

    async def fingerprint(self) -> str:
        """Ask for the fingerprint of its memory."""
        return str(await self._copying("fingerprint", {}))

    async def stop(self) -> None:
        """Let it close what it has open, then end it and everything that it has started."""
        running, self._running = self._running, None
        if running is None:
            return
        try:
            if self._idle:
                await self._close(running)
        finally:
            self._idle = False
            await running.stop()

    async def look(self) -> Finding:
        """Import and make the system on a memory of no account, and end it."""
        with tempfile.TemporaryDirectory(prefix="battery-") as folder:
            memory = tempfile.mkdtemp(dir=folder)
            seat = replace(self._seat, memory=Path(memory), scratch=Path(folder))
            driver = PythonDriver(f"{PREFIX}{self._place}:{self._name}", seat)
            try:
                verbs = await driver.start()
            finally:
                await driver.stop()
        has = [verb for verb in ("tell", "learn") if getattr(verbs, verb)]
        extra = f", and has {' and '.join(has)}" if has else ""
        return Finding(True, f"{self._title} starts and takes tasks{extra}")

    async def _copying(self, verb: str, document: Json) -> Any:
        return await self._call(verb, f"{verb} by {self._title}", document, START_LIMIT_S)

    async def _close(self, running: Running) -> None:
        # Whatever comes of it: all that counts was on disk before the last call ended.
        with contextlib.suppress(TimeoutError, EndedError, FloodError):
            async with asyncio.timeout(_CLOSE_LIMIT_S):
                running.write(_line("close", {}))
                await running.exit_code()

    async def _call(
        self,
        verb: str,
        name: str,
        document: Json,
        timeout_s: float,
        on_event: Callable[[Json], None] = lambda _event: None,
    ) -> Any:
        """Make one call to the process; raise `CallError`, with `name` before it."""
        running, self._idle = self._running, False
        if running is None:
            raise CallError(f"{name}: it does not run", hint=FIX)
        idle = False
        running.write(_line(verb, document))
        try:
            value = await self._value(running, timeout_s, on_event)
            idle = True
        except TimeoutError:
            raise CallTimeoutError(
                f"{name}: no answer came within {timeout_s:g} s{await self._whereabouts(running)}",
                hint=f"make it answer sooner, or allow more: {_ALLOWING[verb]}"
                if verb in _ALLOWING
                else "make it quicker: this limit is fixed",
            ) from None
        except EndedError as error:
            raise BrokenAnswerError(
                f"{name}: its process ended ({error}){_last_words(running)}",
                hint=f"answer `failed` instead of exiting; {FIX}",
            ) from error
        except (FloodError, limits.TooLargeError) as error:
            raise BrokenAnswerError(
                f"{name}: the answer {error}", hint="let it leave files and long logs out of it"
            ) from error
        except _UserCodeError as fault:
            idle = True
            cause = fault if fault.args[1] else None
            raise CallError(f"{name}: {fault.args[0]}", hint=FIX) from cause
        except ValueError as error:
            raise AnswerError(
                f"{name}: its process sent something that cannot be read: {error}",
                hint="something in it writes into the pipe by which battery talks to it",
            ) from error
        finally:
            # After anything else it is in the middle of something, or gone.
            self._idle = idle
        return value

    async def _value(
        self, running: Running, timeout_s: float, on_event: Callable[[Json], None]
    ) -> Any:
        """Read events and the value behind them; the timeout is for the time without any."""
        count = limits.ValueCount()
        while True:
            async with asyncio.timeout(timeout_s):
                line = await running.line()
            count.add_event(line)
            reply = jsonio.loads(line, jsonio.MAX_DEPTH)
            match reply:
                case {"fault": str(text), "trace": str(trace)}:
                    raise _UserCodeError(text, trace)
                case {"event": event}:
                    on_event(event)
                case {"value": value}:
                    return value
                case _:
                    raise ValueError(brief(line.decode(), 100))

    async def _whereabouts(self, running: Running) -> str:
        """Ask Python where it is, as somebody who waits in vain wants to know."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGUSR2)
            await asyncio.sleep(_LOOK_S)
        return _frame(running.said)


def _last_words(running: Running) -> str:
    """Return what a process said last: of a crash what it was and where, else its last line."""
    fatal = [line for line in running.said if line.startswith(_FATAL)]
    if fatal:
        return f": {fatal[-1].removeprefix(_FATAL)}{_frame(running.said)}"
    return running.last_words


def _frame(lines: Sequence[str]) -> str:
    """Return the innermost frame of the user's code that `faulthandler` has printed last."""
    starts = [n for n, line in enumerate(lines) if line.endswith("(most recent call first):")]
    last = lines[starts[-1] :] if starts else ()
    frames = [match for line in last if (match := _FRAME.fullmatch(line))]
    own = str(Path(__file__).parent)
    for file, number, function in (match.groups() for match in frames):
        if not file.startswith((own, "<frozen", sys.base_prefix)):
            return f" ({Path(file).name} line {number}, in {function})"
    return ""


def _line(verb: str, document: Json) -> bytes:
    return jsonio.dumps({"do": verb, "most": limits.MAX_ANSWER_BYTES, **document}) + b"\n"


def read(text: str, _headers: Mapping[str, str]) -> Target:
    """Check a target of this kind, and write its file as a path that holds from anywhere."""
    place, colon, name = text.removeprefix(PREFIX).rpartition(":")
    if not colon or not place or not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(
            f"{text!r} names no class or function",
            hint="write it like python:agent.py:Agent or python:package.module:Agent",
        )
    if not place.endswith(".py") and "/" not in place:
        if not all(part.isidentifier() for part in place.split(".")):
            raise UsageError(
                f"{place!r} is neither a Python file nor a module",
                hint="write it like python:agent.py:Agent or python:package.module:Agent",
            )
        return Target(text)
    path = Path(place).expanduser().absolute()
    if not path.is_file():
        raise UsageError(
            f"there is no file {path}", hint=f"name the file that has {name}: python:FILE.py:{name}"
        )
    return Target(f"{PREFIX}{path}:{name}")


def _files(text: str) -> list[Path]:
    place = text.removeprefix(PREFIX).rpartition(":")[0]
    return [Path(place)] if place.endswith(".py") else []


PYTHON: Final = local_kind("Python system", PREFIX, PythonDriver, read, _files)
