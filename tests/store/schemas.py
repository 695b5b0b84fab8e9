"""Write the schema files of the package anew: `python -m tests.schemas`.

Read the difference before keeping it: files that were valid must stay so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from battery.base import jsonio
from battery.store import schemas

FOLDER: Final = Path(schemas.__file__).parent


def path_of(name: str) -> Path:
    """Say where the schema of that name is shipped."""
    return FOLDER / f"{name}.schema.json"


def content_of(name: str) -> bytes:
    """Build what has to be in that file."""
    return jsonio.dumps_indented(schemas.schema(name))


if __name__ == "__main__":
    for name in schemas.FILES:
        path_of(name).write_bytes(content_of(name))
