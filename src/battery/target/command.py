"""The kind `exec:`: a command, run once per call, with a document on its standard input."""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

from battery.base import jsonio
from battery.base.errors import (
    AnswerError,
    BrokenAnswerError,
    CallError,
    CallTimeoutError,
    UsageError,
)
from battery.base.processes import EndedError, FloodError, Running, ending
from battery.base.text import brief, nearest
from battery.inputs.settings import Target
from battery.protocol import Json, limits
from battery.system import Ask, Outcome, Verbs
from battery.target.driver import FIX, Seat, WithoutCopies
from battery.target.local import local_kind
from battery.target.system import Finding

PREFIX: Final = "exec:"
#: Is replaced by `respond` or `distill`; the longer one by `tell` as well. In a shell's script,
#: `${verb}` is a variable.
_VERB: Final = re.compile(r"(?<!\$)\{verb(,tell)?\}")
#: What may be in braces in a command line.
_PLACES: Final = ("verb", "verb,tell")
_PLACE: Final = re.compile(r"(?<!\$)\{([a-z_]+(?:,[a-z_]+)*)\}")
#: The exit code by which a command says that it has no such verb, as `sysexits.h` has it.
_UNKNOWN_VERB: Final = 64
#: What needs no quotes where the command is one text again.
_PLAIN: Final = re.compile(r"[\w@%+=:,./{}-]+")
_EXAMPLE: Final = "write it like 'exec:./agent {verb}'"


class CommandDriver(WithoutCopies):
    """One arm of a system that is a command: its runs, and what they print."""

    def __init__(self, text: str, seat: Seat) -> None:
        self._words = shlex.split(text.removeprefix(PREFIX))
        # Without the folders, which would leave no room for the rest.
        self._title = brief(" ".join(Path(word).name or word for word in self._words), 60)
        self._seat = seat
        self._running: Running | None = None

    async def start(self) -> Verbs:
        """Look which verbs the command line has a place for; nothing runs between calls."""
        verbs = list(filter(None, map(_VERB.search, self._words)))
        return Verbs(learn=bool(verbs), tell=any(verb[1] for verb in verbs), one_turn=True)

    async def ask(self, ask: Ask, timeout_s: float) -> Json | str:
        """Run it for one turn of a task."""
        name = f"respond for {ask.operation!r} by {self._title}"
        async with (
            self._run("respond", name, asdict(ask), timeout_s) as running,
            asyncio.timeout(timeout_s),
        ):
            data = await running.rest()
            _refuse_failure(name, running, await running.exit_code())
            return _answer(name, data)

    async def tell(self, outcome: Outcome, timeout_s: float) -> None:
        """Run it for how a task ended."""
        name = f"tell of {outcome.ask.operation!r} to {self._title}"
        async with (
            self._run("tell", name, asdict(outcome), timeout_s) as running,
            asyncio.timeout(timeout_s),
        ):
            await running.rest()
            _refuse_failure(name, running, await running.exit_code())

    async def learn(
        self, outcomes: Sequence[Outcome], on_event: Callable[[Json], None], timeout_s: float
    ) -> list[Json]:
        """Run it to learn; each line that it prints is an event."""
        name = f"distill by {self._title}"
        events: list[Json] = []

        def add(event: Json) -> None:
            events.append(event)
            on_event(event)

        document = {"outcomes": [asdict(outcome) for outcome in outcomes]}
        count = limits.ValueCount()
        async with self._run("distill", name, document, timeout_s) as running:
            async for line in _lines(running, timeout_s):
                count.add_event(line)
                add(_event(name, line))
            async with asyncio.timeout(timeout_s):
                code = await running.exit_code()
            if code == _UNKNOWN_VERB and not events:
                add({"role": "final", "text": "The command has no verb `distill`."})
            else:
                _refuse_failure(name, running, code)
        return events

    async def stop(self) -> None:
        """End the run that is under way, if any, with everything that it has started."""
        running, self._running = self._running, None
        if running is not None:
            await running.stop()

    async def look(self) -> Finding:
        """Look whether the command is there; nothing is run, as any run may cost."""
        _refuse_unusable(self._words[0])
        return Finding(True, f"{self._title} can be run")

    @asynccontextmanager
    async def _run(
        self, verb: str, name: str, document: Json, timeout_s: float
    ) -> AsyncIterator[Running]:
        """Run the command with a document; put into words what goes wrong in the block.

        The timeout is the one that the block keeps.
        """
        words = [_VERB.sub(verb, word) for word in self._words]
        try:
            folder = await asyncio.to_thread(self._fresh_folder)
            self._running = running = await Running.start(
                words,
                folder=folder,
                environment=self._environment(),
                most=limits.MAX_ANSWER_BYTES,
            )
        except (OSError, ValueError) as error:
            raise CallError(f"{name}: it cannot be run: {error}", hint=FIX) from error
        try:
            running.write(jsonio.dumps(document) + b"\n", last=True)
            yield running
        except TimeoutError:
            option = "--respond-timeout" if verb == "respond" else "--meta-timeout"
            raise CallTimeoutError(
                f"{name}: no answer within {timeout_s:g} s{running.last_words}",
                hint=f"make it answer sooner, or allow more: {option}",
            ) from None
        except (FloodError, limits.TooLargeError) as error:
            raise BrokenAnswerError(
                f"{name}: the answer {error}", hint="print the answer alone on standard output"
            ) from error
        finally:
            await self.stop()

    def _fresh_folder(self) -> Path:
        """Make the folders of one run: what it keeps there must not help the next."""
        # Raises where something cannot be removed, and so would be there for the next run.
        for name in ("work", "home", "tmp"):
            folder = self._seat.scratch / name
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True)
        return self._seat.scratch / "work"

    def _environment(self) -> dict[str, str]:
        scratch = self._seat.scratch
        return {
            **self._seat.away_from_home(scratch / "home", scratch / "tmp"),
            "PWD": str(scratch / "work"),
            **self._seat.environment,
        }


async def _lines(running: Running, timeout_s: float) -> AsyncIterator[bytes]:
    """Yield the lines that it prints, the last one also without an end of line."""
    while True:
        try:
            async with asyncio.timeout(timeout_s):
                line = await running.line()
        except EndedError:
            line = await running.rest()
            if line.strip():
                yield line
            return
        if line.strip():
            yield line


def _refuse_failure(name: str, running: Running, code: int) -> None:
    if code:
        raise CallError(
            f"{name}: {ending(code)}{running.last_words}",
            hint=f"{FIX}; for a task that cannot be done, print a status and exit with 0",
        )


def _answer(name: str, data: bytes) -> Json | str:
    """Read what it printed: an object in JSON, else a text."""
    document = _document(name, data)
    return _text(name, data).strip() if document is None else document


def _event(name: str, line: bytes) -> Json:
    document = _document(name, line)
    return document or {"role": "progress", "text": _text(name, line).strip()}


def _document(name: str, data: bytes) -> Json | None:
    if not data.lstrip().startswith(b"{"):
        return None
    limits.ValueCount().add(data)
    try:
        document = jsonio.loads(data, jsonio.MAX_DEPTH)
    except jsonio.UnfitError as error:
        raise AnswerError(f"{name}: the answer cannot be read: {error}", hint=error.hint) from error
    except ValueError:
        # A text may begin with a brace.
        return None
    return document if isinstance(document, dict) else None


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise AnswerError(
            f"{name}: the answer is not UTF-8 (byte {error.start} is 0x{data[error.start]:02x})",
            hint="print texts as UTF-8 on standard output",
        ) from error


def read(text: str, _headers: Mapping[str, str]) -> Target:
    """Check a target of this kind, and write the files in it as paths that hold from anywhere."""
    try:
        words = shlex.split(text.removeprefix(PREFIX))
    except ValueError as error:
        raise UsageError(f"{text!r} cannot be read: {error}", hint=_EXAMPLE) from error
    if not words:
        raise UsageError(f"{text!r} names no command", hint=_EXAMPLE)
    _refuse_unknown_places(words)
    if "/" in words[0]:
        words[0] = str(Path(words[0]).expanduser().absolute())
    _refuse_unusable(words[0])
    # It runs in another folder, where `python agent.py` would find no such file.
    words[1:] = [str(Path(word).absolute()) if _is_file(word) else word for word in words[1:]]
    quoted = (word if _PLAIN.fullmatch(word) else shlex.quote(word) for word in words)
    return Target(PREFIX + " ".join(quoted))


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except OSError:
        # A script for a shell is longer than any name.
        return False


def _refuse_unknown_places(words: Sequence[str]) -> None:
    """Refuse a place for what nobody fills in; raise `UsageError`."""
    # A word with a space in it is a script, in whose language braces have a meaning of their own.
    for word in (word for word in words if not re.search(r"\s", word)):
        for name in _PLACE.findall(word):
            if name not in _PLACES:
                meant = nearest(name, _PLACES)
                known = " and ".join(f"{{{place}}}" for place in _PLACES)
                raise UsageError(
                    f"{{{name}}} in the command line of the target is not known",
                    hint=f"write {{{meant}}}; known are {known}" if meant else f"known are {known}",
                )


def _files(text: str) -> list[Path]:
    """Return the program that a target names by its path, and the first file that it is given."""
    words = shlex.split(text.removeprefix(PREFIX))
    # `read` has made paths of all that are files; what a name on the PATH stands for is not known.
    first = [word for word in words[:1] if "/" in word]
    given = [word for word in words[1:] if word.startswith("/") and _is_file(word)]
    return [Path(word) for word in (*first, *given[:1])]


def _refuse_unusable(command: str) -> None:
    """Refuse what no system would run; raise `UsageError`."""
    if shutil.which(command):
        return
    if "/" in command and _is_file(command):
        raise UsageError(
            f"{command} may not be executed",
            hint=f"chmod +x {shlex.quote(command)}, or name what runs it: exec:sh {command}",
        )
    here = _is_file(command)
    hint = f"write it with its folder: exec:./{command}" if here else "check the name and the PATH"
    raise UsageError(f"there is no command {command}", hint=hint)


COMMAND: Final = local_kind("command", PREFIX, CommandDriver, read, _files)
