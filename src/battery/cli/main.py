"""The entry point: commands in, exit code out; the only place that puts errors into words.

A command is imported when it is used, because `battery --help` needs none of them.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import json
import os
import stat
import sys
import traceback
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.exceptions import TyperException

from battery import __version__
from battery.base import garbage, interrupts
from battery.base.errors import (
    BatteryError,
    GateError,
    InterruptedRunError,
    UsageError,
    disk_is_full,
    remedy_of,
)
from battery.base.text import printable, visible, write_line
from battery.cli.table import SUMMARIES, LazyGroup

_REPORT = "look at it with --debug; if it is not caused by this machine, report it"
#: What errors about a standard stream name as their file.
_OUTPUT: Final = "the output"
_STDERR: Final = 2

# Makes `--show-completion zsh` mean zsh. Otherwise Typer ignores the name and looks for a shell
# among the parent processes, where a container or an editor has none.
os.environ.setdefault("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")

app = typer.Typer(
    name="battery",
    cls=LazyGroup,
    # Plain help starts twice as fast as rich help, and reads as well in a pager.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"battery {__version__}")
        raise typer.Exit


@app.callback()
def battery(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Measure whether an AI agent system really gets better with use.

    Gives it the same tasks again and again, lets it learn between the rounds, and compares it with
    a twin that learns nothing. Then it says what you can honestly claim.

    \b
    Start here:
      battery run          try it on the embedded gateway: no network, no cost
      battery init         write tasks of your own, and see what to run next
      battery glossary     what the words mean
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit: 0 done, 1 failed, 2 usage, 3 gate unmet, 4 paused, 130 stopped."""
    # Scripts tell by the code what to do next. Causes that ask for different things have different
    # codes: look at the gateway (1), correct the command (2), read the result (3), allow more (4),
    # go on (130, which is what shells report of a program that Ctrl-C stopped).
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    _start_lean()
    _prepare_streams()
    try:
        code = app(words, prog_name="battery", standalone_mode=False) or 0
        if code == InterruptedRunError.exit_code:
            # Typer made an exit code of Ctrl-C, without a word.
            code = _fail(_as_battery_error(KeyboardInterrupt(), words), words)
        sys.stdout.flush()
        interrupts.closing()
    except BaseException as error:
        interrupts.closing()
        if _has_no_reader(error):
            code = 0  # the reader of our output has gone, as with `battery … | head`
        elif isinstance(error, SystemExit):
            raise
        else:
            code = _fail(_as_battery_error(error, words), words)
    finally:
        _show_logged(words)
        _give_up_what_cannot_be_written()
    sys.exit(code)


def _start_lean() -> None:
    """Skip what costs each command a twentieth of its start and brings nothing."""
    garbage.look_rarely()
    # Nothing here plugs into pydantic, and the search for plugins reads every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Nothing here multiplies matrices, and the threads for it take memory, which may be limited.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


class _Stream(io.FileIO):
    """A standard stream whose failures name it, as those of files do.

    Without a name they could come from anywhere: a lock, a certificate, a connection.
    """

    def write(self, data: Any, /) -> int:
        """Write what the buffer above hands down."""
        try:
            return super().write(data)
        except OSError as error:
            error.filename = _OUTPUT
            if self.fileno() != _STDERR:
                raise
            # Results must reach their reader. Progress is worth no run that is paid for: when its
            # terminal was closed, all that follows goes nowhere.
            _send_nowhere(_STDERR)
            return len(data)


def _prepare_streams() -> None:
    """Have streams name themselves; let a run whose output is closed (`>&-`) write to nowhere."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - open to the end
        # What else is there was put there by somebody who reads it.
        elif stream is getattr(sys, f"__{name}__"):
            named = io.TextIOWrapper(
                io.BufferedWriter(_Stream(stream.fileno(), "w", closefd=False)),
                encoding=stream.encoding,
                errors=stream.errors,
                line_buffering=stream.line_buffering,
                write_through=stream.write_through,
            )
            setattr(sys, name, named)


def _as_battery_error(error: BaseException, words: Sequence[str]) -> BatteryError:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]  # workers report in groups, and the first one says enough
    if isinstance(error, BatteryError):
        return error
    if isinstance(error, TyperException):
        if "unexpected extra argument" in error.format_message() and _gives_header(words):
            # The words may be what follows an unquoted `Name: `, and so a secret.
            return UsageError(
                "there are more arguments than the command takes",
                hint="quote a header as one word: --header 'X-Api-Key: …'",
            )
        context = getattr(error, "ctx", None)
        # Not every error knows its command.
        path = context.command_path if context else " ".join(["battery", *_command_of(words)])
        converted: BatteryError = UsageError(
            error.format_message().replace("Value error, ", "").rstrip("."),
            hint=f"see `{path} --help`",
        )
    elif isinstance(error, (KeyboardInterrupt, typer.Abort)):
        again = "run the same command again; everything that finished is on disk"
        converted = InterruptedRunError("interrupted", hint=again)
    elif isinstance(error, OSError) and error.filename == _OUTPUT:
        remedy = f"{remedy_of(error)}, or " if disk_is_full(error) else ""
        converted = BatteryError(
            f"cannot write the output: {error.strerror}",
            hint=f"{remedy}send the output elsewhere; files in folders were written",
        )
    elif isinstance(error, OSError):
        converted = BatteryError(
            f"the system refused to read or write: {error}", hint=f"{remedy_of(error)}; {_REPORT}"
        )
    else:
        converted = BatteryError(f"internal error: {type(error).__name__}: {error}", hint=_REPORT)
    converted.__cause__ = error
    return converted


def _command_of(words: Sequence[str]) -> Sequence[str]:
    return [word for word in words[:1] if word in SUMMARIES]


def _gives_header(words: Sequence[str]) -> bool:
    return any(word.startswith("-H") or "header" in word.partition("=")[0] for word in words)


def _fail(error: BatteryError, words: Sequence[str]) -> int:
    """Print what failed and what to do next; with --json also as the one JSON document."""
    # Whoever raised the error has taken out what its server knows. This covers the rest: what a
    # library quotes, and what was typed in the wrong place.
    secrets = importlib.import_module("battery.inputs.secrets")
    clean = secrets.redactor_of(os.environ, words).text
    message, hint = clean(error.message), clean(error.hint or error.remedy or "")
    # Where the message cannot be written either, the exit code still tells.
    with contextlib.suppress(OSError):
        if "--debug" in words:
            write_line(sys.stderr, visible(clean("".join(traceback.format_exception(error)))))
        say = importlib.import_module("battery.report.terminal.look").say
        for start, text in (("error: ", message), (" next: ", hint)):
            if text:
                say(f"{start}{printable(text)}", sys.stderr, " " * len(start))
    with contextlib.suppress(OSError):
        # With a gate that is not met, the one document is the summary.
        if _wants_json(words) and not isinstance(error, GateError):
            facts = {"kind": type(error).__name__, "message": message, "hint": hint or None}
            document = {"error": facts, "exit_code": error.exit_code}
            typer.echo(visible(json.dumps(document, indent=2, ensure_ascii=False)))
    return error.exit_code


def _show_logged(words: Sequence[str]) -> None:
    """Print with --debug what libraries have logged; by now no live view can be in the way."""
    logs = sys.modules.get("battery.cli.logs")
    if logs is None or "--debug" not in words:
        return
    clean = importlib.import_module("battery.inputs.secrets").redactor_of(os.environ, words).text
    with contextlib.suppress(OSError):
        for text in logs.kept():
            write_line(sys.stderr, visible(clean(text)))


def _wants_json(words: Sequence[str]) -> bool:
    """Return whether one JSON document is wanted, from the words: parsing them may have failed."""
    return bool({"--json", "--format=json"} & set(words)) or ("--format", "json") in pairwise(words)


def _has_no_reader(error: BaseException) -> bool:
    """Return whether the reader of our output has gone: a pipe's, or a terminal that was closed."""
    # Typer catches a broken pipe itself and leaves only an exit behind.
    cause = error.__context__ if isinstance(error, SystemExit) else error
    if isinstance(cause, OSError) and (cause.errno, cause.filename) == (errno.EIO, _OUTPUT):
        # A closed terminal says what a broken disk says.
        return stat.S_ISCHR(os.fstat(sys.stdout.fileno()).st_mode)
    return isinstance(cause, BrokenPipeError)


def _give_up_what_cannot_be_written() -> None:
    """Drop what a full or broken stream still holds: at the exit it would spoil the exit code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _send_nowhere(stream.fileno())


def _send_nowhere(handle: int) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), handle)
