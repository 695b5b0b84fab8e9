"""What start-up is compared to: Typer programs with as many commands, all of them empty."""

from __future__ import annotations

import importlib
from typing import Final

import typer

#: The commands of the battery; a test holds them to the program.
COMMANDS: Final = (
    "run",
    "campaign",
    "pool",
    "iterate",
    "review",
    "summarize",
    "grade",
    "watch",
    "report",
    "open",
    "compare",
    "history",
    "export",
    "schema",
    "gateway",
    "power",
    "calibrate",
    "doctor",
    "init",
    "tasks",
    "glossary",
)


def _empty() -> None:
    """Do nothing."""


def _filled(app: typer.Typer) -> typer.Typer:
    for name in COMMANDS:
        app.command(name)(_empty)
    return app


def plain() -> None:
    """Run a program whose help is plain text, as the battery's is."""
    _filled(typer.Typer(rich_markup_mode=None))()


def computing() -> None:
    """Run the plain program after loading what statistics need."""
    importlib.import_module("numpy")
    plain()


def default() -> None:
    """Run a program with all of Typer's defaults; its help is drawn with rich."""
    _filled(typer.Typer())()
