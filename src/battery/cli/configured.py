"""How a settings file becomes the defaults of a command, and where each value came from."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, get_args, get_origin

import typer
from typer.exceptions import TyperException
from typer.models import OptionInfo

from battery.base.redact import without_user
from battery.inputs.config import Config, read_config
from battery.inputs.secrets import holds_secret

#: What a settings file cannot hold: it is about one command and not about a setting.
_ONCE: Final = frozenset({"config", "debug", "dry-run", "json", "resume"})
_DEFAULT: Final = re.compile(r"\[default: (.+)\]")
_MASK: Final = "***"
#: What it must not hold, and the variables that may.
_SECRET: Final = {
    "header": "GATEWAY_TOKEN or GATEWAY_HEADERS",
    "llm-team-header": "LLM_TEAM_TOKEN or LLM_TEAM_HEADERS",
    "control-header": "CONTROL_GATEWAY_TOKEN or CONTROL_GATEWAY_HEADERS",
}


class Source(IntEnum):
    """Where the value of an option came from; of two that contradict, the lower one wins."""

    COMMANDLINE = 0
    ENVIRONMENT = 1
    FILE = 2
    DEFAULT = 3


def source_of(ctx: typer.Context, name: str) -> Source:
    """Return where the value of a parameter came from."""
    source = ctx.get_parameter_source(name)
    known = {"DEFAULT_MAP": Source.FILE} | Source.__members__
    return known.get(source.name, Source.DEFAULT) if source else Source.DEFAULT


def kinds_in_file(declared: Mapping[str, Any]) -> dict[str, type]:
    """Map the keys that `[run]` of a settings file may have to the types of their values.

    `declared` holds the options of all commands, next to whatever else.
    """
    kinds: dict[str, type] = {}
    for annotated in declared.values():
        if get_origin(annotated) is not Annotated:
            continue
        base, info = get_args(annotated)[:2]
        if not isinstance(info, OptionInfo):
            continue
        # Typer takes the first name for the default, and sorts it out later.
        names = (str(info.default), *(info.param_decls or ()))
        key = next(name[2:] for name in names if name.startswith("--"))
        kind = next((inner for inner in get_args(base) if inner is not type(None)), base)
        if key not in _ONCE and key not in _SECRET:
            # A path and a choice of words are strings there.
            kinds[key] = kind if kind in {int, float, bool} else str
    return kinds


def callback(declared: Mapping[str, Any]) -> Callable[[typer.Context, Path | None], Path | None]:
    """Make what reads the file that `--config` names, before a command's other options are read."""

    def take(ctx: typer.Context, named: Path | None) -> Path | None:
        if not ctx.resilient_parsing:
            config = read_config(named, kinds_in_file(declared), _SECRET)
            if config is not None:
                ctx.obj = config
                # So command line and environment win without anybody having to say so, and it is
                # known of each value where it came from.
                ctx.default_map = dict(_defaults(ctx, config))
        return named

    return take


def _defaults(ctx: typer.Context, config: Config) -> Iterator[tuple[str, Any]]:
    # By name, and not by option: `--tasks` of `grade` is another question than that of `run`.
    params = {param.name: param for param in ctx.command.params}
    for key, value in config.run.items():
        name = "directory" if key == "dir" else key.replace("-", "_")
        if name not in params:
            continue
        try:
            params[name].process_value(ctx, value)
        except TyperException as error:
            why = getattr(error, "message", str(error)).replace("Value error, ", "").rstrip(".")
            raise config.refused(f"run.{key}", why) from error
        yield name, value


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
        key = max(param.opts, key=len).removeprefix("--")
        if key not in _ONCE or key == "config":
            settings += _told(key, param, ctx if param.name in own else ahead)
    return [*settings, *_secrets()]


def _told(key: str, param: Any, ctx: typer.Context) -> Iterator[Setting]:
    value, source = ctx.params[param.name], source_of(ctx, param.name)
    if key in _SECRET:
        for line in value or ():
            yield Setting(key, f"{line.partition(':')[0]}: {_MASK}", _words(source, param, ctx))
        return
    config = ctx.obj if source is Source.DEFAULT else None
    if config and key == "config":
        yield Setting(key, str(config.path), "found in the working folder")
        return
    if config and key == "gateway" and config.tables:
        yield Setting(key, "[target]", str(config.path))
        return
    if source is Source.DEFAULT:
        words = _DEFAULT.search(param.help or "")
        shown = words[1] if words else "none" if value is None else _text(value)
    else:
        shown = without_user(_text(value))
    yield Setting(key, shown, _words(source, param, ctx))


def _text(value: Any) -> str:
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
