"""What a command was given becomes `Settings`, a folder or a model."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import typer

from battery.base.errors import UsageError
from battery.cli.configured import Source, source_of
from battery.inputs.config import Config
from battery.inputs.settings import Settings, Target, make_model, make_settings

DEFAULT_FOLDER: Final = Path("data/battery")

#: What the manifest of a battery keeps; a settings file may have changed since it began.
_KEPT: Final = frozenset(
    {
        *("iterations", "repeats", "seed", "limit", "concurrency"),
        *("feedback", "meter", "reviewer", "prepare"),
        *("name", "note", "tag"),
    }
)


def settings(ctx: typer.Context, read: Callable[[str, Mapping[str, str]], Target]) -> Settings:
    """Make `Settings` of a command's options and the environment; raise `UsageError`.

    `read` checks the text of `--gateway`. It is handed in because it knows every kind of target
    and loads the HTTP library, which most commands do without.
    """
    return make_settings({**asked(ctx), "folder": folder(ctx)}, os.environ, read)


def model(url: str | None) -> tuple[str | None, str | None]:
    """Check the URL of a language model and read its key; raise `UsageError`."""
    return make_model(url), os.environ.get("BATTERY_MODEL_KEY")


def asked(ctx: typer.Context) -> dict[str, Any]:
    """Return the options of a command, without those that others of them win over."""
    options = dict(ctx.params) | _from_environment(ctx)
    # The tables of a settings file describe a target as a file of their own does.
    if options.get("gateway") is None and isinstance(ctx.obj, Config) and ctx.obj.tables:
        options["gateway"] = str(ctx.obj.path)
    if options.get("resume") or ctx.info_name == "iterate":
        # Otherwise a file that is edited, or that another run's options won over, would change or
        # refuse a battery whose command names nothing of the kind.
        for name in _KEPT & options.keys():
            if source_of(ctx, name) is Source.FILE:
                options[name] = None
    control, none = options.get("control_gateway"), options.get("no_control")
    if control and none:
        sources = source_of(ctx, "control_gateway"), source_of(ctx, "no_control")
        if sources[0] == sources[1]:
            raise UsageError(
                "--no-control and --control-gateway contradict each other",
                hint="leave out one of them",
            )
        options |= {"no_control": False} if sources[0] < sources[1] else {"control_gateway": None}
    return options


def _from_environment(ctx: typer.Context) -> dict[str, list[str]]:
    """Return the options that take several texts and come from a variable, which holds one.

    Typer would take each word of it for one.
    """
    several = (param for param in ctx.command.params if getattr(param, "multiple", False))
    return {
        str(param.name): [os.environ[str(param.envvar)]]
        for param in several
        if source_of(ctx, str(param.name)) is Source.ENVIRONMENT
    }


def folder(ctx: typer.Context) -> Path:
    """Choose the folder: the argument, else `--dir`, else the default."""
    argument, option = ctx.params.get("folder"), ctx.params.get("directory")
    # An argument and a variable are no contradiction, an argument and another --dir are.
    if argument and source_of(ctx, "directory") > source_of(ctx, "folder"):
        option = None
    if argument and option and argument != option:
        raise UsageError(f"two folders are named: {argument} and {option}", hint="name one")
    chosen: Path = argument or option or DEFAULT_FOLDER
    return chosen
