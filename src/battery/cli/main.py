"""The entry point: commands in, exit code out; the only place that puts errors into words."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from battery import __version__
from battery.base.errors import BatteryError, GateError, InterruptedRunError, UsageError
from battery.cli.lazy import LazyGroup

_REPORT = "look at it with --debug; where it is no matter of this machine, report it"
_HEADERS = {"-H", "--header", "--llm-team-header", "--control-header"}

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
    """Measure whether an AI agent gateway really gets better with use.

    Asks the same tasks again and again, lets the gateway learn between the rounds, and says what
    can honestly be claimed.

    \b
    Start here:
      battery run --iterations 3     on the embedded gateway: no network, no cost
      battery doctor                 is everything in place for a run of your own?
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit: 0 done, 1 failed, 2 wrong use, 3 gate not met, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    _start_lean()
    _replace_closed_streams()
    _let_signals_interrupt()
    try:
        code = app(words, prog_name="battery", standalone_mode=False) or 0
        if code == InterruptedRunError.exit_code:
            # Typer made an exit code of Ctrl-C, without a word.
            code = _fail(_as_battery_error(KeyboardInterrupt(), words), words)
        sys.stdout.flush()
    except BaseException as error:
        if _is_broken_pipe(error):
            code = 0  # whoever read our output has gone, as with `battery … | head`
        elif isinstance(error, SystemExit):
            raise
        else:
            code = _fail(_as_battery_error(error, words), words)
    finally:
        _give_up_what_cannot_be_written()
    sys.exit(code)


def _start_lean() -> None:
    """Spare each command what costs it a twentieth of its start and brings nothing."""
    # What is imported by now stays to the end: no use in searching it for garbage.
    gc.freeze()
    # Nothing here plugs into pydantic, and the search for plugins reads every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def _replace_closed_streams() -> None:
    """Let a run whose output nobody wants (`>&-`) write to nowhere instead of failing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - open to the end


def _let_signals_interrupt() -> None:
    """Make Ctrl-C and a polite kill the same thing, also in a shell's background job."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


def _as_battery_error(error: BaseException, words: Sequence[str]) -> BatteryError:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]  # workers report in groups, and the first one says enough
    if isinstance(error, BatteryError):
        return error
    if isinstance(error, TyperException):
        if "unexpected extra argument" in error.format_message() and _HEADERS & set(words):
            # The words may be what follows an unquoted `Name: `, and so a secret.
            return UsageError(
                "there are more arguments than the command takes",
                hint="quote a header as one word: --header 'X-Api-Key: …'",
            )
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "battery"
        found: BatteryError = UsageError(
            error.format_message().replace("Value error, ", "").rstrip("."),
            hint=f"see `{path} --help`",
        )
    elif isinstance(error, (KeyboardInterrupt, typer.Abort)):
        again = "run the same command again; everything that finished is on disk"
        found = InterruptedRunError("interrupted", hint=again)
    elif isinstance(error, OSError) and error.filename is None:
        # What goes wrong with a file names it; without a name it was one of the streams.
        found = BatteryError(
            f"cannot write the output: {error.strerror or error}",
            hint="free some space, or send the output elsewhere; what was to be written into "
            "folders is there",
        )
    elif isinstance(error, OSError):
        found = BatteryError(f"the system refused to read or write: {error}", hint=_REPORT)
    else:
        found = BatteryError(
            f"internal error: {type(error).__name__}: {error}",
            hint=_REPORT,
        )
    found.__cause__ = error
    return found


def _fail(error: BatteryError, words: Sequence[str]) -> int:
    """Say what failed and what to do next; with --json also as the one JSON document."""
    # Where nobody can be told any more, the exit code still tells.
    with contextlib.suppress(OSError):
        if "--debug" in words:
            traceback.print_exception(error)
        typer.echo(f"error: {error.message}", err=True)
        if error.hint:
            typer.echo(f" next: {error.hint}", err=True)
    with contextlib.suppress(OSError):
        # With a gate that is not met, the one document is the summary.
        if _wants_json(words) and not isinstance(error, GateError):
            facts = {"kind": type(error).__name__, "message": error.message, "hint": error.hint}
            document = {"error": facts, "exit_code": error.exit_code}
            typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    return error.exit_code


def _wants_json(words: Sequence[str]) -> bool:
    """Tell from the command line alone: what failed may be the parsing of it."""
    return bool({"--json", "--format=json"} & set(words)) or ("--format", "json") in pairwise(words)


def _is_broken_pipe(error: BaseException) -> bool:
    # Typer catches a broken pipe itself and leaves only an exit behind.
    cause = error.__context__ if isinstance(error, SystemExit) else error
    return isinstance(cause, BrokenPipeError)


def _give_up_what_cannot_be_written() -> None:
    """Drop what a full or broken stream still holds: at the exit it would spoil the exit code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
