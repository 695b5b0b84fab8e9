"""Settings in a file, `battery.toml`: read in this one place, before the options of a command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from battery.base.errors import UsageError
from battery.base.text import nearest

DEFAULT_PATH: Final = Path("battery.toml")
#: What describes the target; the reader of targets knows their keys.
TABLES: Final = ("target", "learn", "memory")

_RUN: Final = "run"
#: The keys of `[run]` that name the target.
_TARGET: Final = ("target", "gateway")
_ABOUT: Final = (
    "[run] holds options by their long names (`battery run --help` lists them); [target], [learn] "
    "and [memory] describe a target"
)
_SECRET: Final = re.compile(
    r"(?:^|[-_])(?:auth\w*|cookies?|headers?|keys?|pass\w*|secrets?|token)$"
)
_VARIABLES: Final = "GATEWAY_TOKEN, GATEWAY_HEADERS and the like"
#: As near as where a letter was forgotten: nearer than a secret's name is to an option's.
_MISTYPED: Final = 0.9
_WORDS: Final = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list of strings",
    dict: "a table",
}


@dataclass(frozen=True)
class Config:
    """What a settings file says, checked as far as it can be without a command."""

    path: Path
    #: By the long name of an option without its dashes: `max-cost`.
    run: Mapping[str, Any] = field(default_factory=dict)
    #: The tables of `TABLES` that are there, as they came.
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def refused(self, place: str, why: str, hint: str = _ABOUT) -> UsageError:
        """Return the error for a value that cannot be used, such as `run.max-cost`."""
        return UsageError(f"{self.path}: {place}: {why}", hint=hint)


def read_config(
    named: Path | None, kinds: Mapping[str, type], secret: Mapping[str, str]
) -> Config | None:
    """Read the file that is named, else the one in the working folder; None where there is none.

    `kinds` maps the keys of `[run]` to the type of their values, `secret` those that only the
    environment may hold to the variables that do. Raises `UsageError`, with the place in the file.
    """
    path = named or DEFAULT_PATH
    # A folder of that name is somebody's folder, unless it is named.
    if named is None and not path.is_file():
        return None
    config = load(path)
    _check_run(config, kinds, secret)
    naming = [key for key in _TARGET if key in config.run] + [*config.tables][:1]
    if len(naming) > 1:
        place = f"{_RUN}.{naming[0]}"
        raise config.refused(place, f"{naming[1]} names another target", "leave out one of them")
    return config


def load(path: Path) -> Config:
    """Read a settings file without looking into its tables; raise `UsageError`.

    It may hold `[target]` and its companions alone, as a file that `--target` names does.
    """
    document = _parsed(path)
    tables = {str(name): document[name] for name in TABLES if name in document}
    config = Config(path, document.get(_RUN, {}), tables)
    _refuse_unknown(config, "", document, (_RUN, *TABLES))
    for name, table in document.items():
        _require(config, name, table, dict)
    if tables and TABLES[0] not in tables:
        raise config.refused(next(iter(tables)), f"belongs to a [{TABLES[0]}], which is missing")
    for place, value in _strings(document, ""):
        if _names_user(value):
            raise config.refused(
                place,
                "is a URL with a user or a password",
                f"give only the URL; credentials are set in the environment: {_VARIABLES}",
            )
    return config


def _parsed(path: Path) -> dict[str, Any]:
    # Most commands find no such file and can do without the parser.
    import tomllib  # noqa: PLC0415

    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise UsageError(
            f"cannot read the settings file {path}: {error.strerror}",
            hint="name another with --config, or leave out the option and BATTERY_CONFIG",
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8: byte {error.start}", hint=_ABOUT) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}", hint=_ABOUT) from error


def _check_run(config: Config, kinds: Mapping[str, type], secret: Mapping[str, str]) -> None:
    for key, value in config.run.items():
        place = f"{_RUN}.{key}"
        if key in secret:
            raise _secret(config, place, secret[key])
        if not nearest(key, kinds, _MISTYPED) and _SECRET.search(key):
            raise _secret(config, place, _VARIABLES)
        _refuse_unknown(config, f"{_RUN}.", {key: value}, tuple(kinds))
        _require(config, place, value, kinds[key])


def _secret(config: Config, place: str, variables: str) -> UsageError:
    # A settings file is shared and kept with the tasks; a secret in it would be, too.
    return config.refused(
        place,
        "secrets are not read from a file",
        f"take it out, and set it in the environment: {variables}",
    )


def _refuse_unknown(
    config: Config, above: str, table: Mapping[str, Any], known: tuple[str, ...]
) -> None:
    for key in table:
        if key in known:
            continue
        near = nearest(key.replace("_", "-"), known)
        raise config.refused(
            f"{above}{key}", "is not a known key", f"did you mean {near}?" if near else _ABOUT
        )


def _require(config: Config, place: str, value: Any, kind: type) -> None:
    # Python takes true for the number 1, and a user who wrote it meant no number.
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        fits = True
    if kind is list and fits:
        fits = all(isinstance(inner, str) for inner in value)
    if not fits:
        raise config.refused(place, f"{_WORDS[kind]} was expected, got {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a table"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _strings(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _strings(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _strings(inner, f"{place}[{number}]")


def _names_user(text: str) -> bool:
    try:
        return "://" in text and "@" in urlsplit(text.strip()).netloc
    except ValueError:
        return False
