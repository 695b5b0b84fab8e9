"""How a settings file becomes the defaults of a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_origin

import typer
from typer.exceptions import TyperException
from typer.models import OptionInfo

from battery.inputs.config import Config, read_config

#: What a settings file cannot hold: it is about one command and not about a setting.
ONCE: Final = frozenset({"config", "debug", "dry-run", "json", "out", "output", "resume"})
#: What it must not hold, and the variables that may.
SECRET: Final = {
    "header": "GATEWAY_TOKEN or GATEWAY_HEADERS",
    "llm-team-header": "LLM_TEAM_TOKEN or LLM_TEAM_HEADERS",
    "control-header": "CONTROL_GATEWAY_TOKEN or CONTROL_GATEWAY_HEADERS",
}
_PLAIN: Final = frozenset({int, float, bool})
#: Parameters that are not called as their options are.
_PARAMETERS: Final = {"dir": "directory", "target": "gateway"}


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
        keys = {name[2:] for name in names if name.startswith("--")}
        kind = next((inner for inner in get_args(base) if inner is not type(None)), base)
        for key in keys - ONCE - SECRET.keys():
            # A path and a choice of words are strings there.
            kinds[key] = list if get_origin(kind) is list else kind if kind in _PLAIN else str
    return kinds


def callback(declared: Mapping[str, Any]) -> Callable[[typer.Context, Path | None], Path | None]:
    """Make what reads the file that `--config` names, before a command's other options are read."""

    def take(ctx: typer.Context, named: Path | None) -> Path | None:
        if not ctx.resilient_parsing:
            config = read_config(named, kinds_in_file(declared), SECRET)
            if config is not None:
                ctx.obj = config
                # So command line and environment win without anybody having to say so, and it is
                # known of each value where it came from.
                ctx.default_map = dict(_defaults(ctx, config))
        return named

    return take


def parameter_of(key: str) -> str:
    """Return the parameter of `run` that a key of the file sets."""
    return _PARAMETERS.get(key, key.replace("-", "_"))


def _defaults(ctx: typer.Context, config: Config) -> Iterator[tuple[str, Any]]:
    # By name, and not by option: `--tasks` of `grade` is another question than that of `run`.
    params = {param.name: param for param in ctx.command.params}
    for key, value in config.run.items():
        name = parameter_of(key)
        if name not in params:
            continue
        # Of what a command may be given several, the file may name one.
        is_one = isinstance(value, str) and getattr(params[name], "multiple", False)
        given = [value] if is_one else value
        try:
            params[name].process_value(ctx, given)
        except TyperException as error:
            why = getattr(error, "message", str(error)).replace("Value error, ", "").rstrip(".")
            raise config.refused(f"run.{key}", why) from error
        yield name, given
