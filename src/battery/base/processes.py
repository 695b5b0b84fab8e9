"""Programs that battery starts: each in a group of its own, which is ended as a whole.

What they print is read as it comes and bounded. A guard ends the group where battery itself was
killed and cannot.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from battery.base.text import brief

#: Bytes of standard error that are kept, the last ones.
_KEPT_BYTES: Final = 64 * 1024
#: Seconds that are waited, once a process has ended, for output that is still in its pipes: a
#: process that it left running may keep them open.
_SETTLE_S: Final = 0.2
#: Lines of standard error that a message quotes.
_LAST_LINES: Final = 3
_STDIN, _STDOUT = 0, 1
# One small program per process, and no Python: a system may be started before each call. It reads
# the group, then waits for the end of its standard input, which comes when battery is gone.
_GUARD: Final = 'read -r group && { read -r end || kill -9 -"$group"; }'


class EndedError(Exception):
    """A process ended that should have said something first; the text is how it ended."""


class FloodError(Exception):
    """A process printed more than is taken; the text goes on after "the answer"."""


class Running:
    """A process at work: what it is given, what it prints, and its end."""

    def __init__(
        self, transport: asyncio.SubprocessTransport, pipes: _Pipes, guard: GroupGuard
    ) -> None:
        self._transport = transport
        self._pipes = pipes
        self._guard = guard

    @classmethod
    async def start(
        cls, words: Sequence[str], *, folder: Path, environment: Mapping[str, str], most: int
    ) -> Self:
        """Start a program in a folder; raise `OSError` or `ValueError` where that cannot be done.

        `most` is how many bytes of its output may wait to be read.
        """
        starting = asyncio.ensure_future(cls._started(words, folder, environment, most))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A program that starts while the work is cancelled is one that nobody would end.
            with contextlib.suppress(OSError, ValueError):
                await (await starting).stop()
            raise

    @classmethod
    async def _started(
        cls, words: Sequence[str], folder: Path, environment: Mapping[str, str], most: int
    ) -> Self:
        guard = GroupGuard()
        try:
            transport, pipes = await asyncio.get_running_loop().subprocess_exec(
                lambda: _Pipes(most),
                *words,
                cwd=folder,
                env=dict(environment),
                # A group of its own, which can be ended with all that the program starts.
                start_new_session=True,
            )
        except BaseException:
            guard.dismiss()
            raise
        guard.watch(transport.get_pid())
        return cls(transport, pipes, guard)

    @property
    def pid(self) -> int:
        """The number of the process, and of its group."""
        return self._transport.get_pid()

    @property
    def has_ended(self) -> bool:
        """Whether it has ended by now."""
        return self._pipes.ended.is_set()

    @property
    def said(self) -> list[str]:
        """The last lines that it printed to standard error."""
        lines = self._pipes.error.decode(errors="replace").splitlines()
        return [line for line in lines if line.strip()]

    @property
    def last_words(self) -> str:
        """The last few of them, with a colon before them; empty where there are none."""
        last = [brief(line, 300) for line in self.said[-_LAST_LINES:]]
        return f": {' / '.join(last)}" if last else ""

    def write(self, data: bytes, *, last: bool = False) -> None:
        """Send to its standard input, which is closed after the last; it need not read it."""
        stdin: Any = self._transport.get_pipe_transport(_STDIN)
        if stdin is not None and not stdin.is_closing():
            stdin.write(data)
            if last:
                stdin.close()

    async def line(self) -> bytes:
        """Return the next line of its output; raise `EndedError` or `FloodError`."""
        out = self._pipes.out
        seen = 0
        while (end := out.find(b"\n", seen)) < 0:
            seen = len(out)
            if not await self._more():
                raise EndedError(await self.ended())
        line = bytes(out[:end])
        del out[: end + 1]
        self._pipes.go_on()
        return line

    async def rest(self) -> bytes:
        """Return what it prints until it closes its output or ends; raise `FloodError`."""
        while await self._more():
            pass
        data = bytes(self._pipes.out)
        self._pipes.out.clear()
        return data

    async def exit_code(self) -> int:
        """Wait for its end; a negative code is the signal that killed it."""
        await self._pipes.ended.wait()
        return self._transport.get_returncode() or 0

    async def ended(self) -> str:
        """Wait for its end and say how it came."""
        return ending(await self.exit_code())

    async def _more(self) -> bool:
        """Wait for more output; return whether there is any."""
        pipes, size = self._pipes, len(self._pipes.out)
        while size == len(pipes.out) <= pipes.most and not pipes.is_done:
            pipes.changed.clear()
            # After its end, only what is in the pipe by then counts.
            limit_s = _SETTLE_S if pipes.ended.is_set() else None
            try:
                async with asyncio.timeout(limit_s):
                    await pipes.changed.wait()
            except TimeoutError:
                return False
        if len(pipes.out) > pipes.most:
            raise FloodError(f"is larger than {pipes.most >> 20} MiB")
        return len(pipes.out) > size

    async def stop(self) -> None:
        """Kill it with its whole group, and let go of its pipes."""
        kill_group(self.pid)
        await self._pipes.ended.wait()
        self._transport.close()
        self._guard.dismiss()


class _Pipes(asyncio.SubprocessProtocol):
    """What comes from a process, as it comes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.out = bytearray()
        self.error = bytearray()
        self.changed = asyncio.Event()
        self.ended = asyncio.Event()
        #: Whether nothing can come any more.
        self.is_done = False
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd != _STDOUT:
            self.error = (self.error + data)[-_KEPT_BYTES:]
            return
        self.out += data
        self.changed.set()
        if len(self.out) > self.most:
            self._transport.get_pipe_transport(_STDOUT).pause_reading()

    def go_on(self) -> None:
        """Read on, once there is room again."""
        if len(self.out) <= self.most and (pipe := self._transport.get_pipe_transport(_STDOUT)):
            pipe.resume_reading()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del exc
        if fd == _STDOUT:
            self.is_done = True
            self.changed.set()

    def process_exited(self) -> None:
        self.ended.set()
        self.changed.set()


class GroupGuard:
    """A process that ends a group when battery is gone, however that came."""

    def __init__(self) -> None:
        stdin, self._pipe = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
                ["/bin/sh", "-c", _GUARD],
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Ctrl-C in a terminal, or the end of one, is not for the guard either.
                start_new_session=True,
            )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(stdin)

    def watch(self, group: int) -> None:
        """Be ready to end a group."""
        with contextlib.suppress(OSError):
            os.write(self._pipe, b"%d\n" % group)

    def dismiss(self) -> None:
        """Let it go without ending anything."""
        # First: the end of its input would be the sign to kill.
        self._process.kill()
        self._process.wait()
        os.close(self._pipe)


def kill_group(number: int) -> None:
    """Kill all processes of a group, whether or not the one that leads it still runs."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(number, signal.SIGKILL)


def ending(code: int) -> str:
    """Say how a process ended; a negative code is the signal that killed it."""
    return f"killed by {signal_name(-code)}" if code < 0 else f"exit code {code}"


def signal_name(number: int) -> str:
    """Name a signal as people know it."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
