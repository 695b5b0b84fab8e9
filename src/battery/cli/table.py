"""The table of commands: each with its help in short, under the heading that it is shown below."""

from __future__ import annotations

import gc
import importlib
import sys
from types import ModuleType
from typing import Any, Final, cast

import typer
from typer.core import TyperGroup
from typer.main import get_command

from battery.base import interrupts
from battery.cli.grouped import Grouped

# Written here once more because help, completion and suggestions must not import the commands; a
# test compares them with the commands' own.
#: Each command is the function of that name in the module of that name, or the group `app` in it.
COMMANDS: Final = {
    "Run": {
        "run": "Run a battery from the start, or resume one.",
        "campaign": "Make a claim about the system: plan several runs, run and judge them.",
        "iterate": "Add one iteration to a finished battery.",
        "review": "Redo review and judgment of an iteration.",
        "grade": "Grade saved answers again after checks changed.",
    },
    "Look": {
        "open": "Open the report of a battery, or of a campaign, in the browser.",
        "watch": "Follow a battery from another terminal.",
        "summarize": "Rebuild metrics and summary from saved runs.",
        "report": "Write the report: one page that opens anywhere.",
        "export": "Write a battery in the format of another tool.",
    },
    "Compare": {
        "compare": "Compare two batteries, task by task.",
        "pool": "Judge the system from several batteries that exist already.",
        "history": "List all batteries under a folder, with a trend.",
    },
    "Set up": {
        "init": "Write a starter for tasks of your own.",
        "tasks": "Make a tasks file from a data set.",
        "doctor": "Check that everything is in place for a run.",
        "power": "Estimate what a run could detect.",
        "gateway": "Serve the embedded gateway until interrupted.",
        "schema": "Print the JSON Schema of a file or a call.",
        "calibrate": "Show how often each verdict is given when the truth is known.",
        "glossary": "Explain the words that battery prints.",
    },
}
SUMMARIES: Final = {name: text for group in COMMANDS.values() for name, text in group.items()}


class LazyGroup(TyperGroup):
    """A group that lists its commands without loading them.

    Each command brings libraries of its own, and `battery --help` should not wait for all of them.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # Help, completion and suggestions need the names alone.
        self.commands = cast(Any, dict.fromkeys(SUMMARIES))

    def get_command(self, _ctx: Any, name: str) -> Any:
        """Import and build one command; return None for an unknown name."""
        if name not in SUMMARIES:
            return None
        module = _imported(f"battery.cli.{name}")
        _keep_logs()
        command = getattr(module, "app", None)
        if command is None:
            command = typer.Typer(rich_markup_mode=None, add_completion=False)
            command.command(name, cls=Grouped)(getattr(module, name))
        built = get_command(command)
        # Up to here a signal ends the program; from now on there may be something to close first.
        interrupts.begin()
        return built

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        """Write the commands' part of the help."""
        width = max(map(len, SUMMARIES))
        for title, commands in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, text in commands.items()])


def _keep_logs() -> None:
    """Keep from the terminal what libraries log; it may have a live view on it."""
    # Who does not log by now has nothing imported that does, and is spared the time.
    if "logging" in sys.modules:
        importlib.import_module("battery.cli.logs").keep()


def _imported(name: str) -> ModuleType:
    """Import a module and what it needs, a tenth of a short command faster than by itself."""
    # All of it stays to the end: there is no garbage in it to look for, now or later.
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()
