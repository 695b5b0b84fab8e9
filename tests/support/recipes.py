"""Recipes of CONTRIBUTING, followed word by word in a copy of the program."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import battery as package

ROOT = Path(__file__).parents[2]


def recipe(title: str) -> str:
    """Return the section of that title."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    return text.partition(f"## {title}")[2].partition("\n## ")[0]


def code_of(section: str) -> list[str]:
    """Return its blocks of Python."""
    blocks = re.findall(r"^ *```python\n(.*?)^ *```", section, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for block in blocks]


def copy_program(root: Path) -> Path:
    """Copy the program to a folder that serves as `PYTHONPATH`; return the copied package."""
    source = root / "battery"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(package.__file__).parent, source, ignore=ignored)
    return source


def insert(path: Path, *changes: tuple[str, str]) -> None:
    """Insert texts into a file, each at the empty group `()` of a pattern that matches once.

    The pattern names a table and none of its rows, which whoever follows a recipe adds to.
    """
    text = path.read_text("utf-8")
    for pattern, addition in changes:
        (match,) = re.finditer(pattern, text, re.MULTILINE)
        text = text[: match.start(1)] + addition + text[match.start(1) :]
    path.write_text(text, "utf-8")
