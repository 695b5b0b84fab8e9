"""Load a command when it is used: `battery --help` needs none of them."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command

#: Each command is the function of that name in the module of that name, with its help in short.
SUMMARIES: Final = {
    "run": "Run a battery from the start, or resume one.",
    "iterate": "Add one iteration to a finished battery.",
    "review": "Redo review and judgment of an iteration.",
    "summarize": "Rebuild metrics and summary from saved runs.",
    "watch": "Follow a battery from another terminal.",
    "report": "Write the report: one page that opens anywhere.",
    "compare": "Compare two batteries, task by task.",
    "history": "List all batteries under a folder, with a trend.",
    "export": "Write a battery in the format of another tool.",
    "schema": "Print the JSON Schema of a file.",
    "gateway": "Serve the embedded gateway until interrupted.",
    "power": "Say before a run what it could see.",
    "calibrate": "Show how often each verdict is given on simulated batteries.",
    "doctor": "Check that everything is in place for a run.",
    "init": "Write a starter for tasks of your own.",
}


class Commands(Mapping[str, Any]):
    """Map names to commands, importing each one when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        """Import and build one command; raise `KeyError` for a name that is none."""
        if name not in SUMMARIES:
            raise KeyError(name)
        module = importlib.import_module(f"battery.cli.{name}")
        app = typer.Typer(rich_markup_mode=None, add_completion=False)
        app.command(name)(getattr(module, name))
        return get_command(app)

    def __iter__(self) -> Iterator[str]:
        """Yield the names in the order of the help."""
        return iter(SUMMARIES)

    def __len__(self) -> int:
        """Count the commands."""
        return len(SUMMARIES)


class LazyGroup(TyperGroup):
    """A group that lists its commands without loading them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = cast(Any, Commands())

    def list_commands(self, _ctx: Any) -> list[str]:
        """List the names of all commands."""
        return list(SUMMARIES)

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        """Write the commands' part of the help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))
