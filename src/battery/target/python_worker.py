"""The process in which a system lives that is a class or function of the user's own.

One JSON line in; out come any number of events, then a value or a fault, a line each. It imports
the standard library and `battery.system`, so that it starts fast.
"""

from __future__ import annotations

import dataclasses
import faulthandler
import importlib
import importlib.util
import inspect
import json
import os
import signal
import sys
import sysconfig
import traceback
from collections.abc import Mapping
from pathlib import Path

from battery.system import Ask, Event, Outcome, Reply, Verbs
from battery.target.python_forms import (
    EXPECTED,
    FaultError,
    answering,
    called,
    described,
    has_memory,
    imported,
    is_factory,
    named,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, NoReturn

    Json = dict[str, Any]

#: Characters that are passed on of what an error says, and of its whole traceback.
_LONGEST, _LONGEST_TRACE = 2000, 20_000
#: Lines of the user's code that are named, the last ones.
_FRAMES = 3


class Served:
    """The system, once it is made, and how it is called."""

    def __init__(self) -> None:
        self._system: Any = None
        self._answer: Callable[..., Any] | None = None
        #: What a function may be given in addition to what the call is about.
        self._offered: Json = {}
        self._loop: AbstractEventLoop | None = None
        self._process = os.getpid()

    def start(self, request: Json) -> Json:
        """Import and make the system; return which methods it has."""
        thing = named(imported(request, self._run), request["name"], request["place"])
        self._offered = {"memory": Path(request["memory"]), "model": request["model"]}
        name, makes = f"{request['name']} in {request['place']}", is_factory(thing)
        self._system = self._run(called, thing, self._offered) if makes else thing
        self._answer = answering(self._system)
        if self._answer is None:
            said = "returned" if makes else "is"
            raise FaultError(f"{name} {said} {described(self._system)}; {EXPECTED}")
        has = {verb: callable(getattr(self._system, verb, None)) for verb in ("tell", "learn")}
        own = has_memory(self._system)
        return dataclasses.asdict(Verbs(**has, memory=own, one_turn=self._answer is self._system))

    def ask(self, request: Json) -> Any:
        """Have it work on one task; return a text or an object."""
        ask = Ask(**request["ask"])
        offered = {"task": ask, **self._offered}
        return _answered(self._run(called, self._answer, offered))

    def tell(self, request: Json) -> None:
        """Tell it how a task ended."""
        self._call("tell", {"outcome": _outcome(request["outcome"])})

    def learn(self, request: Json) -> None:
        """Have it learn, and hand out what it says as it comes."""
        outcomes = [_outcome(document) for document in request["outcomes"]]
        for said in self._each(self._call("learn", {"outcomes": outcomes})):
            _reply({"event": _event(said)})

    def snapshot(self, request: Json) -> None:
        """Have it copy its memory into an empty folder."""
        self._call("snapshot", {"to": Path(request["to"])})

    def restore(self, request: Json) -> None:
        """Have it replace its memory by such a copy."""
        self._call("restore", {"source": Path(request["source"])})

    def fingerprint(self, request: Json) -> str:
        """Ask for the fingerprint of its memory."""
        del request
        value = self._call("fingerprint", {})
        if isinstance(value, str) and value:
            return value
        raise FaultError(f"its fingerprint is {described(value)}; it must be a text")

    def close(self, request: Json) -> None:
        """Let it close what it has open."""
        del request
        if callable(getattr(self._system, "close", None)):
            self._call("close", {})

    def _call(self, method: str, offered: Json) -> Any:
        return self._run(called, getattr(self._system, method), {**offered, **self._offered})

    def _each(self, said: Any) -> Iterator[Any]:
        """Yield what a learning step says; a text of its own is its result."""
        if said is None:
            return
        if isinstance(said, str):
            yield Event(text=said, role="final")
        elif isinstance(said, (Event, Mapping)) or not hasattr(said, "__iter__"):
            if not hasattr(said, "__aiter__"):
                yield said
                return
            turn, end = said.__aiter__(), object()
            while (item := self._run(_next_of, turn, end)) is not end:
                yield item
        else:
            items, end = self._run(iter, said), object()
            while (item := self._run(next, items, end)) is not end:
                yield item

    def _run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call what may be the user's code; raise `FaultError` whatever it does."""
        try:
            # Not inside a running loop, or code that is not asynchronous could not run one.
            value = function(*args)
            if inspect.isawaitable(value):
                value = self._waited(value)
        except FaultError:
            raise
        except BaseException as error:
            self._stay_one()
            _fail(error)
        self._stay_one()
        return value

    def _waited(self, value: Any) -> Any:
        asyncio = importlib.import_module("asyncio")
        if self._loop is None:
            # One loop for the life of the process, as clients belong to the loop they began in.
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)

        async def wait() -> Any:
            return await value

        return self._loop.run_until_complete(wait())

    def _stay_one(self) -> None:
        # A child that the user's code made with `fork` gets here as well; one answer is enough.
        if os.getpid() != self._process:
            os._exit(0)


async def _next_of(turn: Any, end: Any) -> Any:
    return await anext(turn, end)


def _outcome(document: Json) -> Outcome:
    return Outcome(**document | {"ask": Ask(**document["ask"])})


def _answered(said: Any) -> Any:
    if isinstance(said, str):
        return str(said)
    return _object(said, "it returned", "Reply")


def _event(said: Any) -> Json:
    if isinstance(said, str):
        return {"role": "progress", "text": said}
    return _object(said, "its learning step said", "Event")


def _object(said: Any, verb: str, kind: str) -> Json:
    plain = _plain(said)
    if not isinstance(plain, dict):
        wanted = f"a text, a dict or a battery.{kind}"
        raise FaultError(f"{verb} {described(said)}; it must be {wanted}")
    return plain


def _plain(value: Any) -> Any:
    """Make a dict of what is like one: a dataclass, a model of pydantic, any mapping."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        document = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        absent = isinstance(value, (Reply, Event))
        return {key: item for key, item in document.items() if not (absent and item is None)}
    if isinstance(value, Mapping):
        return dict(value)
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        return dump(mode="json")
    return value


def _inside(value: Any) -> Any:
    plain = _plain(value)
    if plain is value:
        raise TypeError(f"{described(value)} is not JSON")
    return plain


def _fail(error: BaseException) -> NoReturn:
    """Put an error of the user's code into words, with the lines that it came from."""
    try:
        text = str(error)
    except BaseException:
        text = "(its text cannot be read)"
    frames = _users(traceback.extract_tb(error.__traceback__))
    lines = [f"{Path(f.filename).name} line {f.lineno}, in {f.name}: {f.line}" for f in frames]
    place = f" ({'; '.join(lines[-_FRAMES:])})" if lines else ""
    said = f"{type(error).__name__}: {text[:_LONGEST]}" if text else type(error).__name__
    trace = "".join(traceback.format_exception(error))[-_LONGEST_TRACE:]
    raise FaultError(f"it raised {said}{place}", trace) from None


def _users(frames: Sequence[traceback.FrameSummary]) -> Sequence[traceback.FrameSummary]:
    """Leave out what is not the user's code; where nothing else is left, only battery's own."""
    ours = (str(Path(__file__).parent), "<frozen")
    paths = sysconfig.get_paths()
    libraries = tuple(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    rest = [each for each in frames if not each.filename.startswith(ours)]
    return [each for each in rest if not each.filename.startswith(libraries)] or rest


def _reply(document: Json) -> None:
    try:
        # In ASCII: half a surrogate pair, and any other character, comes out as it went in.
        data = json.dumps(document, default=_inside, allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise FaultError(f"it returned what JSON cannot hold: {str(error)[:_LONGEST]}") from None
    if len(data) > _most[0]:
        size, most = len(data) / 1e6, _most[0] >> 20
        raise FaultError(f"it returned {size:,.1f} MB; up to {most} MiB are taken")
    line = data + b"\n"
    while line:
        line = line[os.write(_replies[0], line) :]


#: Where replies go, and bytes that one may have.
_replies = [1]
_most = [sys.maxsize]


def _serve(served: Served, request: Json) -> None:
    try:
        try:
            _reply({"value": getattr(served, request["do"])(request)})
        except FaultError:
            raise
        except BaseException as error:
            # Objects of the user's may break wherever they are looked at.
            _fail(error)
    except FaultError as fault:
        _reply({"fault": str(fault), "trace": fault.trace})


def main() -> None:
    """Serve requests until it is told to close, or the pipe is closed."""
    # The pipes of the protocol are taken away from the user's code: what it prints goes to standard
    # error, also from libraries that are not Python, and what it reads is empty.
    requests = os.fdopen(os.dup(0), "rb")
    _replies[0] = os.dup(1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.dup2(2, 1)
    # Or its last words would be lost where it is killed.
    stdout: Any = sys.stdout
    stdout.reconfigure(line_buffering=True)
    # Says where it was when it crashes, and when battery has waited too long.
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR2, all_threads=False)
    served = Served()
    for line in requests:
        request = json.loads(line)
        _most[0] = request["most"]
        _serve(served, request)
        if request["do"] == "close":
            break


if __name__ == "__main__":
    main()
