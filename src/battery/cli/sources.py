"""What a run would be set to, and where each value came from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import typer

from battery.base.redact import without_user
from battery.cli.configured import ONCE, SECRET, Source, source_of
from battery.cli.grouped import default_of
from battery.inputs.secrets import holds_secret

_MASK: Final = "***"


class Setting(NamedTuple):
    """One setting of a run: its name, its value in words without secrets, and where it is from."""

    name: str
    value: str
    source: str


def settings_of(ctx: typer.Context) -> list[Setting]:
    """List what `battery run` would be set to where the command of `ctx` is given.

    What both have an option for is what the latter was given. Raises `UsageError`, or what Typer
    raises, for a setting that `run` would refuse.
    """
    root: Any = ctx.find_root()
    run, named = root.command.get_command(root, "run"), ctx.params.get("config")
    # The command line is that of another command; all that it leaves open is the same for both.
    ahead = run.make_context("run", ["--config", str(named)] if named else [], parent=root)
    own = {param.name for param in ctx.command.params}
    settings: list[Setting] = []
    for param in run.params:
        key = next(opt[2:] for opt in param.opts if opt.startswith("--"))
        if key not in ONCE or key == "config":
            settings += _told(key, param, ctx if param.name in own else ahead)
    return [*settings, *_secrets()]


def _told(key: str, param: Any, ctx: typer.Context) -> Iterator[Setting]:
    value, source = ctx.params[param.name], source_of(ctx, param.name)
    if key in SECRET:
        for line in value or ():
            yield Setting(key, f"{line.partition(':')[0]}: {_MASK}", _words(source, param, ctx))
        return
    config = ctx.obj if source is Source.DEFAULT else None
    if config and key == "config":
        yield Setting(key, str(config.path), "found in the working folder")
        return
    if config and key == "target" and config.tables:
        yield Setting(key, "[target]", str(config.path))
        return
    if source is Source.DEFAULT:
        shown = default_of(param) or "none"

    else:
        shown = without_user(_text(value))
    yield Setting(key, shown, _words(source, param, ctx))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _words(source: Source, param: Any, ctx: typer.Context) -> str:
    if source is Source.FILE:
        return str(ctx.obj.path)
    if source is Source.ENVIRONMENT:
        return f"environment variable {param.envvar}"
    return "command line" if source is Source.COMMANDLINE else "default"


def _secrets() -> Iterator[Setting]:
    for name, value in sorted(os.environ.items()):
        if value and holds_secret(name):
            yield Setting(name, _MASK, f"environment variable {name}")
