"""Which forms a system of the user's own may have: how it is found, recognized and called.

Loaded into the system's process, so it imports the standard library alone.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    Json = dict[str, Any]

#: A function with one of these parameters answers tasks.
_TASK = {"task", "ask"}
#: One that needs none but these makes a system.
_OF_FACTORY = {"memory", "model"}
_ALIASES = {"ask": "task"}
_MEMORY = ("snapshot", "restore", "fingerprint")
EXPECTED = (
    "battery expects a class or function that takes memory and model and returns an object with "
    "`ask(task)` or `respond(task, memory)`, or a function `respond(task, memory)`"
)


class FaultError(Exception):
    """Say what is wrong with the user's code; `trace` is its traceback, if there is one."""

    def __init__(self, text: str, trace: str = "") -> None:
        super().__init__(text)
        self.trace = trace


def imported(request: Json, run: Callable[..., Any]) -> ModuleType:
    """Import the file or module of a system; `run` calls what is the user's code."""
    sys.path.insert(0, request["folder"])
    if "file" not in request:
        module: ModuleType = run(importlib.import_module, request["module"])
        return module
    path = Path(request["file"])
    # Its own name, which pickles and processes that it starts look for, unless that is taken.
    name = path.stem if path.stem not in sys.modules else f"agent_in_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FaultError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    run(spec.loader.exec_module, module)
    return module


def named(module: ModuleType, name: str, place: str) -> Any:
    """Return what has a name in a module, such as `Agent` or `agents.Agent`."""
    thing: Any = module
    for part in name.split("."):
        try:
            thing = getattr(thing, part)
        except AttributeError:
            own = [key for key, value in vars(module).items() if _is_own(key, value, module)]
            rest = f"; it has {', '.join(own[:10])}" if own else ""
            raise FaultError(f"{place} has no {name}{rest}") from None
    return thing


def _is_own(name: str, value: Any, module: ModuleType) -> bool:
    of = getattr(value, "__module__", None)
    return callable(value) and of == module.__name__ and not name.startswith("_")


def answering(thing: Any) -> Any:
    """Return what answers tasks: a method, or a function itself; None where nothing does."""
    if isinstance(thing, type):
        return None
    for name in ("ask", "respond"):
        method = getattr(thing, name, None)
        if callable(method):
            return method
    return thing if callable(thing) else None


def has_memory(thing: Any) -> bool:
    """Return whether a system brings copies of its memory; it has to bring all of it or nothing."""
    has = [name for name in _MEMORY if callable(getattr(thing, name, None))]
    if has and len(has) < len(_MEMORY):
        missing = " and ".join(name for name in _MEMORY if name not in has)
        raise FaultError(
            f"it has {' and '.join(has)} and no {missing}; define all three to copy the memory "
            "yourself, or none to have its folder copied"
        )
    return bool(has)


def is_factory(thing: Any) -> bool:
    """Return whether something makes a system and is not one: a class, or it takes no task."""
    if isinstance(thing, type):
        return True
    if answering(thing) is not thing:
        return False
    parameters = _parameters(thing)
    usual = [
        each for each in parameters if each.kind not in {each.VAR_POSITIONAL, each.VAR_KEYWORD}
    ]
    if parameters and not usual:
        raise FaultError(f"{described(thing)} has no parameters with names; {EXPECTED}")
    required = {each.name for each in usual if each.default is each.empty}
    return required <= _OF_FACTORY and not _TASK & {each.name for each in usual}


def _parameters(function: Any) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):
        raise FaultError(
            f"the parameters of {described(function)} cannot be seen; wrap it in a function"
        ) from None


def called(function: Any, offered: Json) -> Any:
    """Call with what the parameters ask for, by name, and the rest of them in order."""
    parameters = _parameters(function)
    names = {each.name: _ALIASES.get(each.name, each.name) for each in parameters}
    left = [name for name in offered if name not in names.values()]
    args: list[Any] = []
    kwargs: Json = {}
    for each in parameters:
        if each.kind is each.VAR_POSITIONAL:
            continue
        if each.kind is each.VAR_KEYWORD:
            kwargs |= {name: offered[name] for name in left}
            continue
        name = names[each.name]
        if name not in offered:
            if each.default is not each.empty:
                continue
            if not left:
                takes = ", ".join(names)
                raise FaultError(
                    f"{described(function)} takes ({takes}), and is given {', '.join(offered)}"
                )
            name = left.pop(0)
        if each.kind is each.POSITIONAL_ONLY:
            args.append(offered[name])
        else:
            kwargs[each.name] = offered[name]
    return function(*args, **kwargs)


def described(value: Any) -> str:
    """Name a value for a message, whatever it is."""
    if value is None:
        return "None"
    name = getattr(value, "__qualname__", None)
    if isinstance(name, str):
        return name
    try:
        return f"{type(value).__name__} {repr(value)[:60]}"
    except Exception:
        return type(value).__name__
