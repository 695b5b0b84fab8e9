"""`battery init`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from battery.base.errors import InterruptedRunError
from battery.base.text import printable, visible
from battery.cli import options
from battery.cli.grouped import argument, option
from battery.commands import init as stage
from battery.commands.init import Names

Here = Annotated[Path, argument("DIR", "Folder to write to.")]
Yes = Annotated[bool, option("--yes -y", "Ask nothing; write the defaults.")]

_NEXT = """\
Edit {file}:
  models        the model names that your system knows
  phases        replace the invented tasks by yours, with what a right answer
                must have (checks) and new tasks for the same lesson (siblings)
  expectations  what the gates expect; the defaults will do for a start
The $comment of each task says what makes a good one.

Then, for a class or function (or a command: 'exec:./agent {{verb}}'):
  battery doctor{tasks} --target python:agent.py:Agent --try
  battery run{tasks} --target python:agent.py:Agent

For a gateway, with its learning side and a second deployment as the twin:
  battery doctor{tasks} --target http://localhost:3100 \\
    --llm-team http://localhost:3100 --control-gateway http://localhost:3200
  battery run{tasks} --target http://localhost:3100 \\
    --llm-team http://localhost:3100 --control-gateway http://localhost:3200

Before you pay for a run, add --dry-run to list its calls, and see what a
battery of this size could detect:
  battery power{tasks}"""


def init(folder: Here = Path(), yes: Yes = False, debug: options.Debug = False) -> None:
    """Write a starter for tasks of your own.

    Writes tasks.json, with comments and ready for you to edit, and the schema with which an editor
    checks it. Overwrites nothing. On a terminal it first asks for a few names, each with a default.

    \b
    Examples:
      battery init
      battery init my-system --yes
    """
    stage.require_free(folder)
    # Without a terminal nobody can answer, and a script must not hang on a question.
    asked = not yes and sys.stdin.isatty() and sys.stdout.isatty()
    tasks, schema = stage.init(folder, _ask() if asked else Names())
    typer.echo(printable(f"wrote {tasks}: invented tasks, with comments"))
    typer.echo(printable(f"wrote {schema}: for editors, to check that file") + "\n")
    named = "" if folder == Path() else f" --tasks {shlex.quote(str(tasks))}"
    typer.echo(visible(_NEXT.format(file=tasks, tasks=named)))


def _ask() -> Names:
    default = Names()
    try:
        return Names(
            task_class=_answer("Kind of task, as your system names it", default.task_class),
            executor=_answer("Model that does the tasks", default.executor),
            reviewer=_answer("Model that checks its work", default.reviewer),
            overseer=_answer("Model that reviews each iteration", default.overseer),
        )
    except (typer.Abort, KeyboardInterrupt) as error:
        # The question has the line still.
        typer.echo(err=True)
        hint = "run it again, or with --yes to skip the questions"
        raise InterruptedRunError("interrupted; nothing was written", hint=hint) from error


def _answer(question: str, default: str) -> str:
    # Questions are no result: they go where progress goes.
    answer: str = typer.prompt(question, default=default, err=True)
    return answer.strip() or default
