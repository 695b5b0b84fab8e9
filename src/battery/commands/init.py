"""Write a starter: a tasks file for one's own system, with the schema that editors check it by."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

from battery.base import jsonio
from battery.base.errors import FolderError
from battery.inputs.tasks import DEFAULT_PATH, PLACEHOLDERS
from battery.protocol import Json
from battery.records.models import SCHEMA_KEY, Phases
from battery.store.schemas import schema

TASKS_FILE: Final = DEFAULT_PATH.name
SCHEMA_FILE: Final = "tasks.schema.json"


class Names(NamedTuple):
    """What a starter calls things; the defaults are there to be replaced."""

    task_class: str = "support.answer"
    executor: str = PLACEHOLDERS[0]
    reviewer: str = PLACEHOLDERS[1]
    overseer: str = PLACEHOLDERS[2]


def require_free(folder: Path) -> None:
    """Refuse a folder that has one of the files already; raise `FolderError` naming them."""
    # A link that leads nowhere is somebody's file as well.
    taken = [str(path) for path in _paths(folder) if os.path.lexists(path)]
    if taken:
        raise FolderError(
            f"{' and '.join(taken)} would be overwritten; nothing was written",
            hint="name another folder: battery init DIR",
        )


def init(folder: Path, names: Names) -> list[Path]:
    """Write the starter into a folder, which is made if need be; return the files.

    All of them or none, and never over another file: raises `FolderError`.
    """
    require_free(folder)
    contents = (starter(names), schema("tasks"))
    files = dict(zip(_paths(folder), map(jsonio.dumps_indented, contents), strict=True))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_new(files)
    except OSError as error:
        raise FolderError(
            f"cannot write a starter to {folder}: {error.strerror}; nothing was written",
            hint="name a folder that you may write to: battery init DIR",
        ) from error
    return list(files)


def starter(names: Names) -> Json:
    """Return the tasks file of the starter."""
    document: Json = jsonio.loads(resources.files("battery").joinpath("starter.json").read_bytes())
    document[SCHEMA_KEY] = f"./{SCHEMA_FILE}"
    for key in Phases.model_fields:
        for task in document["phases"][key]:
            task["task_class"] = names.task_class
    document["models"] |= {
        "executor_cloud": names.executor,
        "reviewer_cloud": names.reviewer,
        "overseer_cloud": names.overseer,
    }
    return document


def _paths(folder: Path) -> tuple[Path, Path]:
    return folder / TASKS_FILE, folder / SCHEMA_FILE


def write_new(files: Mapping[Path, bytes]) -> None:
    """Write files that must not exist yet; after an error or an interruption there are none."""
    written: list[Path] = []
    try:
        for path, content in files.items():
            # Exclusive, because somebody may have made the file since it was looked for.
            with path.open("xb") as file:
                written.append(path)
                file.write(content)
    # Ctrl-C as well: half a starter would block the next try.
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
