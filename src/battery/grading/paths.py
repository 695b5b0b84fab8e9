"""Where checks look: places in an answer, and files next to the tasks file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from battery.grading.processes import BrokenCheckError
from battery.protocol import Json

_FUNCTION: Final = "function_expression"


def require_path(expression: str) -> None:
    """Raise `BrokenCheckError` for what is not JMESPath, or calls a function that it lacks."""
    # Loaded when it is needed: most batteries of today have no check.
    jmespath, functions = import_module("jmespath"), import_module("jmespath.functions")
    known = functions.Functions.FUNCTION_TABLE
    try:
        tree = jmespath.compile(expression).parsed
    except (ValueError, RecursionError) as error:
        raise BrokenCheckError(f"not a JMESPath expression: {error}") from error
    for call in _calls(tree):
        if call["value"] not in known:
            raise BrokenCheckError(f"JMESPath has no function {call['value']!r}")
        signature, given = known[call["value"]]["signature"], len(call["children"])
        if given != len(signature) and not (signature and signature[-1].get("variadic")):
            raise BrokenCheckError(
                f"{call['value']}() takes {len(signature)} arguments, and gets {given}"
            )


def _calls(tree: Json) -> Iterator[Json]:
    if tree["type"] == _FUNCTION:
        yield tree
    for child in tree["children"]:
        if isinstance(child, dict):
            yield from _calls(child)


def look_up(expression: str, answer: Json) -> Any:
    """Return what is at a path; None where nothing is. Raise `LookupError` if it cannot apply."""
    try:
        return import_module("jmespath").search(expression, answer)
    # Whatever it is, such as `sum` of a text: the answer has another shape than was expected.
    except Exception as error:
        raise LookupError(str(error)) from error


def file(folder: Path | None, name: str) -> Path:
    """Return a check's file; raise `BrokenCheckError` where it is missing or outside the folder."""
    path = _inside(folder, name)
    if not path.is_file():
        raise BrokenCheckError(f"there is no file {path}")
    if not os.access(path, os.R_OK):
        raise BrokenCheckError(f"{path} cannot be read")
    return path


def program(folder: Path | None, name: str) -> Path:
    """Return the program of a command check, a bare name from PATH; raise `BrokenCheckError`."""
    if os.sep not in name:
        known = shutil.which(name)
        if known is None:
            raise BrokenCheckError(
                f"no program {name!r} is on PATH; one next to the tasks file is ./{name}"
            )
        return Path(known)
    path = file(folder, name)
    if not os.access(path, os.X_OK):
        raise BrokenCheckError(f"{path} is not executable")
    return path


def _inside(folder: Path | None, name: str) -> Path:
    """Resolve a path, links included; one that is not absolute must not leave the folder."""
    if Path(name).is_absolute():
        return Path(name)
    if folder is None:
        raise BrokenCheckError(f"{name} is relative, and the tasks file's folder is not known")
    real, root = os.path.realpath(folder / name), os.path.realpath(folder)
    if not Path(real).is_relative_to(root):
        raise BrokenCheckError(
            f"{name} leads out of {folder}, the tasks file's folder; if it is meant, give the "
            "absolute path"
        )
    return Path(real)
