"""The process in which checks run that could hang, crash or print: one JSON line in, one out.

Run as a script, and it imports nothing of the battery: it starts fast, and a check finds the
standard library, what is installed, and the folder of its own file.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import signal
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Request = dict[str, Any]

#: Characters of a reason that are passed on.
_LONGEST = 4000
_loaded: dict[str, Callable[..., Any]] = {}


class BrokenError(Exception):
    """Say why a check cannot be used, or broke."""


def load(request: Request) -> None:
    """Import the file of a Python check; raise `BrokenError` where that or the function fails."""
    path, name = request["file"], request["function"]
    key = f"{path}:{name}"
    if key in _loaded:
        return
    module = sys.modules.get(path) or _module(path)
    function = getattr(module, name, None)
    if function is None:
        raise BrokenError(f"{path} has no function {name!r}")
    if not callable(function):
        raise BrokenError(f"{name!r} in {path} is not a function")
    _loaded[key] = function


def _module(path: str) -> Any:
    folder = str(Path(path).parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None:
        raise BrokenError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    # Under its whole path: two files of one name, in two folders, are two modules.
    sys.modules[path] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[path]
        raise BrokenError(f"{path} cannot be imported: {_described(error, path)}") from None
    return module


def call(request: Request) -> str | None:
    """Call a Python check; return None where it passes, else its reason."""
    path, name = request["file"], request["function"]
    process = os.getpid()
    try:
        verdict = _loaded[f"{path}:{name}"](request["task"], request["answer"])
    except BaseException as error:
        verdict = error
    if os.getpid() != process:
        # A child that the check made with `fork` got here as well; one answer is enough.
        os._exit(0)
    if isinstance(verdict, BaseException):
        raise BrokenError(f"it raised {_described(verdict, path)}")
    if verdict is True:
        return None
    if verdict is False:
        return f"{name} returned False"
    if isinstance(verdict, str) and verdict.strip():
        return verdict[:_LONGEST]
    shown = "an empty text" if isinstance(verdict, str) else f"a {type(verdict).__name__}"
    raise BrokenError(f"{name} returned {shown}; True passes, False or a text (the reason) fails")


def _described(error: BaseException, path: str) -> str:
    """Name an error, with the line of the check's file that it came from."""
    lines = list(_lines(error, path))
    place = f" (line {lines[-1]})" if lines else ""
    try:
        text = str(error)
    except BaseException:
        text = ""
    return f"{type(error).__name__}: {text[:_LONGEST]}{place}"


def _lines(error: BaseException, path: str) -> Iterator[int]:
    trace = error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == path:
            yield trace.tb_lineno
        trace = trace.tb_next


def matches(request: Request) -> bool:
    """Return whether a regular expression is found in a text."""
    return re.search(request["pattern"], request["text"]) is not None


def usable_schema(request: Request) -> None:
    """Raise `BrokenError` where a JSON Schema is not one, or refers to what is not in it."""
    _validator(request["schema"])


def schema(request: Request) -> str | None:
    """Return why a value is not valid by a JSON Schema; None where it is."""
    best_match = importlib.import_module("jsonschema.exceptions").best_match
    try:
        error = best_match(_validator(request["schema"]).iter_errors(request["value"]))
    except RecursionError:
        raise BrokenError("the schema refers to itself without end") from None
    if error is None:
        return None
    return f"{error.json_path}: {error.message}"[:_LONGEST]


def _validator(document: Any) -> Any:
    validators = importlib.import_module("jsonschema.validators")
    exceptions = importlib.import_module("jsonschema.exceptions")
    kind = validators.validator_for(document, default=validators.Draft202012Validator)
    try:
        kind.check_schema(document)
    except exceptions.SchemaError as error:
        raise BrokenError(f"not a JSON Schema: {error.json_path}: {error.message}") from None
    # With a registry of its own it never fetches what a `$ref` names: the drafts come with it.
    registry = importlib.import_module("jsonschema_specifications").REGISTRY
    referencing = importlib.import_module("referencing")
    default = importlib.import_module("referencing.jsonschema").DRAFT202012
    resource = referencing.Resource.from_contents(document, default_specification=default)
    _resolve(registry.resolver_with_root(resource), resource)
    return kind(document, registry=registry)


def _resolve(resolver: Any, resource: Any) -> None:
    """Look every reference up; raise `BrokenError` for one that leads out of the schema."""
    unresolvable = importlib.import_module("referencing.exceptions").Unresolvable
    contents = resource.contents
    for key in ("$ref", "$dynamicRef"):
        if isinstance(contents, dict) and key in contents:
            try:
                resolver.lookup(contents[key])
            except unresolvable:
                raise BrokenError(
                    f"{key} {contents[key]!r} is not in the schema, and nothing is fetched"
                ) from None
    for part in resource.subresources():
        _resolve(resolver.in_subresource(part), part)


def nothing(request: Request) -> None:
    """Reply, which shows that the process is at work."""
    del request


def import_schemas(request: Request) -> None:
    """Import what validates by JSON Schema, which takes longer than most checks."""
    del request
    importlib.import_module("jsonschema")


_OPERATIONS: dict[str, Callable[[Request], Any]] = {
    "nothing": nothing,
    "load": load,
    "call": call,
    "matches": matches,
    "import_schemas": import_schemas,
    "usable_schema": usable_schema,
    "schema": schema,
}


def _reply(request: Request) -> dict[str, Any]:
    try:
        return {"value": _OPERATIONS[request["do"]](request)}
    except BrokenError as error:
        return {"broken": str(error)}
    except Exception as error:
        return {"broken": f"{type(error).__name__}: {error}"[:_LONGEST]}


def main() -> None:
    """Serve requests until the pipe is closed, which it is when the battery ends, however."""
    # The pipes of the protocol are taken away from the checks: what one prints goes to standard
    # error, and what one reads is empty.
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.dup(1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.dup2(2, 1)
    for line in requests:
        request = json.loads(line)
        # Whoever waits has given up by then, and would have ended this process. Where that one was
        # killed itself, nobody is left to do so; no handler runs inside a regular expression.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, request["limit_s"] + 2)
        reply = json.dumps(_reply(request)).encode() + b"\n"
        signal.setitimer(signal.ITIMER_REAL, 0)
        while reply:
            reply = reply[os.write(replies, reply) :]


if __name__ == "__main__":
    main()
