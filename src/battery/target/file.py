"""A target that a file describes: what a flag cannot say, from a start line to a learning step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from battery.base import jsonio
from battery.base.errors import ShapeError, UsageError
from battery.base.text import listed, nearest
from battery.inputs.config import load
from battery.inputs.settings import Target, make_target
from battery.target.openai import Endpoint, Lesson, Way
from battery.target.started import PLACEHOLDERS, Start, filled

SUFFIX: Final = ".toml"
#: What a learning step may hold as well.
_SESSION: Final = "session"
_NAME: Final = re.compile(r"\{([a-z_]+)\}")
_REQUEST: Final = re.compile(r"(GET|POST|PUT|DELETE) (/\S*)")
#: Variables whose values nobody writes into a file that others read.
_SECRET: Final = re.compile("(KEY|TOKEN|SECRET|PASSWORD|PASSWD)$", re.IGNORECASE)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _with(*names: str) -> AfterValidator:
    """Take only placeholders of these names."""

    def check(text: str) -> str:
        for name in _NAME.findall(text):
            if name not in names:
                near = nearest(name, names)
                hint = f"; did you mean {{{near}}}?" if near else ""
                known = ", ".join(f"{{{name}}}" for name in names)
                raise ValueError(f"{{{name}}} is not known{hint or f'; known are {known}'}")
        return text

    return AfterValidator(check)


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError("a path that begins with / was expected")
    return text


def _request(text: str) -> str:
    if not _REQUEST.fullmatch(text):
        raise ValueError('a method and a path were expected, such as "POST /session/close"')
    return text


_Path = Annotated[str, AfterValidator(_path)]
_Started = Annotated[str, Field(min_length=1), _with(*PLACEHOLDERS)]
_Seconds = Annotated[float, Field(gt=0, le=86_400, strict=False)]


class Until(_Part):
    """What to wait for after the lessons have been asked for."""

    get: Annotated[str, AfterValidator(_path), _with(_SESSION)]
    #: What the answer has to have in it; None is any answer 2xx.
    contains: Annotated[str, _with(_SESSION)] | None = None
    #: Seconds without any progress.
    timeout_s: _Seconds | None = None
    every_s: _Seconds = 1.0


class Learning(_Part):
    """The learning step: a request for each session, and what to wait for then."""

    each_session: Annotated[str, AfterValidator(_request), _with(_SESSION)]
    body: dict[str, Any] | None = None
    until: Until | None = None


class Memory(_Part):
    """Where a system remembers, and what becomes of the twin while it remembers nothing new."""

    path: Literal["{memory}"] = "{memory}"
    #: Whether the twin is started anew before each call, so that nothing in it stays.
    restart: bool = True


class Described(_Part):
    """The table `[target]`."""

    kind: Literal["openai", "python", "exec", "http"]
    #: Of the kinds `python` and `exec`.
    target: str | None = None
    start: _Started | None = None
    url: Annotated[str, _with(*PLACEHOLDERS)] | None = None
    ready: _Path | None = None
    ready_s: _Seconds = 60.0
    session: str = "metadata.session_id"
    user: str = "user"
    #: Keys of each request on top of battery's own.
    body: dict[str, Any] = {}
    environment: dict[str, Annotated[str, _with(*PLACEHOLDERS)]] = {}

    @model_validator(mode="after")
    def _fit(self) -> Self:
        own = {"python": {"target"}, "exec": {"target"}, "http": {"url"}, "openai": {"url"}}
        for name in sorted(own[self.kind]):
            if getattr(self, name) is None:
                raise ValueError(f"`{name}` is missing, which kind {self.kind!r} needs")
        may = own[self.kind] | _MAY[self.kind] | {"kind"}
        for name in sorted(self.model_fields_set - may):
            raise ValueError(f"`{name}` is not for kind {self.kind!r}")
        if self.start is None and "{" in (self.url or ""):
            raise ValueError("`url` has a placeholder, and there is no `start` that would fill it")
        for name, text in self.environment.items():
            others = set(_NAME.findall(text)) - {"here"}
            if self.kind != "openai" and others:
                raise ValueError(
                    f"`environment.{name}` may hold only {{here}}; the memory is BATTERY_MEMORY"
                )
            if _SECRET.search(name):
                raise ValueError(
                    f"`environment.{name}` looks like a secret; set it where battery is started"
                )
        return self


_OPENAI: Final = {"start", "ready", "ready_s", "session", "user", "body", "environment"}
_MAY: Final[Mapping[str, set[str]]] = {
    "openai": _OPENAI,
    "python": {"environment"},
    "exec": {"environment"},
    "http": set(),
}


class TargetFile(_Part):
    """All that a file says of its target."""

    target: Described
    learn: Learning | None = None
    memory: Memory = Memory()

    @property
    def digest(self) -> str:
        """What the file says, as a hash: comments and order of keys are no part of it."""
        return sha256(jsonio.canonical(self.model_dump())).hexdigest()

    @property
    def has_memory(self) -> bool:
        """Whether battery keeps its memory."""
        return self.target.kind != "openai" or self.target.start is not None


#: What such a file may hold.
_ABOUT: Final = "; ".join(
    f"[{name}] may have {listed(list(part.model_fields))}"
    for name, part in (("target", Described), ("learn", Learning), ("memory", Memory))
)


def is_file(text: str) -> bool:
    """Return whether a target is written as the path of a file."""
    return text.endswith(SUFFIX) and "://" not in text


def read_file(path: Path) -> TargetFile:
    """Read a file that describes a target; raise `UsageError` with the place in it."""
    if not path.is_file():
        raise UsageError(
            f"there is no file {path}",
            hint="name the file that describes the target: --target PATH",
        )
    config = load(path)
    if "target" not in config.tables:
        raise UsageError(f"{path} has no [target]", hint=_ABOUT)
    try:
        document = TargetFile.model_validate(config.tables)
    except ValidationError as error:
        shape = ShapeError.of(error)
        first = error.errors(include_url=False)[0]
        # What is said here has its own words, and what was given is in front of the reader.
        why = str(first["ctx"]["error"]) if first["type"] == "value_error" else shape.why
        raise UsageError(
            f"{path}: {shape.place}: {why}", hint=_nearest(shape.place) or _ABOUT
        ) from error
    learn, kind = document.learn, document.target.kind
    if learn is not None and kind != "openai":
        raise UsageError(
            f"{path}: learn: kind {kind!r} brings its own learning step", hint="take it out"
        )
    return document


def named(path: Path, target: Described) -> str:
    """Return the target that a file of kind `python` or `exec` names, found from its folder."""
    text = filled(target.target or "", {"here": path.parent})
    kind, _, place = text.partition(":")
    if kind == "python" and place.rpartition(":")[0].endswith(".py"):
        return f"{kind}:{path.parent / place}"
    return text


def endpoint_of(document: TargetFile, path: Path, headers: Mapping[str, str]) -> Endpoint:
    """Return the endpoint that a file of kind `openai` describes."""
    target, learn = document.target, document.learn
    url, start = target.url or "", None
    if target.start is None:
        url = make_target(url, {}).url
    else:
        start = Start(target.start, path.parent, target.ready_s, target.environment)
    return Endpoint(
        target=Target(url, headers),
        session=Way(target.session),
        user=Way(target.user),
        body=target.body,
        start=start,
        ready=target.ready,
        lesson=None if learn is None else _lesson(learn),
        stays=not document.memory.restart,
    )


def _lesson(learn: Learning) -> Lesson:
    lesson, until = Lesson(learn.each_session, learn.body), learn.until
    if until is None:
        return lesson
    return replace(
        lesson,
        get=until.get,
        contains=until.contains or "",
        timeout_s=until.timeout_s,
        every_s=until.every_s,
    )


def _nearest(place: str) -> str | None:
    """Return which key may have been meant."""
    *above, last = place.split(".")
    near = nearest(last, _keys(TargetFile, above))
    return f"did you mean {near}?" if near and near != last else None


def _keys(model: type[BaseModel], above: list[str]) -> Iterator[str]:
    known: dict[str, type[BaseModel]] = {
        "target": Described,
        "learn": Learning,
        "memory": Memory,
        "until": Until,
    }
    inner = known.get(above[-1]) if above else model
    yield from (inner.model_fields if inner else ())
