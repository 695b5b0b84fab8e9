"""`battery tasks`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from battery.base.numbers import counted
from battery.base.text import listed, printable, write_line
from battery.cli import options
from battery.cli.deliver import note
from battery.cli.grouped import Group, Grouped, argument, option
from battery.commands import tasks as stage
from battery.commands.init import Names
from battery.inputs.tasks import DEFAULT_PATH
from battery.records.models import Phase

app = typer.Typer(
    help="Make a tasks file from a data set.\n\n\b\nExample:\n"
    "  battery tasks import data.jsonl --prompt question --answer answer",
    rich_markup_mode=None,
    add_completion=False,
)

Data = Annotated[Path, argument("DATA", "Data set: .jsonl, .json, .csv or .tsv.")]
Prompt = Annotated[str, option("--prompt COLUMN", "Column with the question.", Group.COLUMNS)]
Answer = Annotated[str, option("--answer COLUMN", "Column with the right answer.", Group.COLUMNS)]
Spec = Annotated[
    list[str] | None,
    option("--spec COLUMN", "Column that is sent with the prompt; may be repeated.", Group.COLUMNS),
]
Check = Annotated[
    stage.Method,
    option("--check auto|contains|number|equals|matches", "How answers are checked.", Group.TASKS),
]
At = Annotated[
    str | None,
    option(
        "--path EXPRESSION",
        "Where to look in the answer, such as artifact.answer [default: its words].",
        Group.TASKS,
    ),
]
OfKind = Annotated[
    Literal["easy", "niche", "impossible"],
    option("--phase easy|niche|impossible", "What kind of tasks they are.", Group.TASKS),
]
KindBy = Annotated[
    str | None,
    option(
        "--phase-by COLUMN",
        "Column with the kind of each task, instead of --phase.",
        Group.COLUMNS,
    ),
]
SiblingsBy = Annotated[
    str | None,
    option(
        "--siblings-by COLUMN",
        "Rows with the same value in this column become siblings of the first.",
        Group.COLUMNS,
    ),
]
Limit = Annotated[
    int | None, option("--limit N", "Take the first N tasks [default: all].", Group.COLUMNS, min=1)
]
TaskClass = Annotated[
    str, option("--task-class NAME", "Kind of task, for your system.", Group.TASKS)
]
Executor = Annotated[str, option("--executor NAME", "Model that does the tasks.", Group.TASKS)]
Reviewer = Annotated[str, option("--reviewer NAME", "Model that checks its work.", Group.TASKS)]
Overseer = Annotated[
    str, option("--overseer NAME", "Model that reviews each iteration.", Group.TASKS)
]
Output = Annotated[Path, option("--output -o PATH", "Tasks file to write.", Group.OUTPUT)]
_DEFAULTS = stage.Wanted()
_NAMES = _DEFAULTS.names


# A second command would make it no group without this.
@app.callback()
def tasks() -> None:
    """Hold the commands of tasks files together."""


@app.command("import", cls=Grouped)
def import_tasks(
    data: Data,
    prompt: Prompt = _DEFAULTS.prompt,
    answer: Answer = _DEFAULTS.answer,
    spec: Spec = None,
    check: Check = _DEFAULTS.method,
    path: At = None,
    phase: OfKind = "niche",
    phase_by: KindBy = None,
    siblings_by: SiblingsBy = None,
    limit: Limit = None,
    task_class: TaskClass = _NAMES.task_class,
    executor: Executor = _NAMES.executor,
    reviewer: Reviewer = _NAMES.reviewer,
    overseer: Overseer = _NAMES.overseer,
    output: Output = DEFAULT_PATH,
    debug: options.Debug = False,
) -> None:
    """Make a tasks file from a data set.

    Each row becomes a task with the question in its spec and a check made from the answer. The
    check looks for words and numbers in the text of an answer; with --path, what is there must be
    equal. Refuses rows without an answer and repeated questions. Overwrites nothing.

    \b
    Examples:
      battery tasks import data.jsonl --prompt question --answer answer
      battery tasks import qa.csv --siblings-by lesson --phase-by level
      battery tasks import qa.json --check equals --path artifact.answer
    """
    wanted = stage.Wanted(
        prompt=prompt,
        answer=answer,
        spec=spec or (),
        method=check,
        path=path,
        phase=stage.PHASES[phase],
        phase_by=phase_by,
        siblings_by=siblings_by,
        limit=limit,
        names=Names(task_class, executor, reviewer, overseer),
    )
    imported = stage.import_tasks(data, wanted, output)
    phases = imported.tasks.phases
    counts = [
        f"{len(phases.of(kind))} {name}" for name, kind in stage.PHASES.items() if phases.of(kind)
    ]
    new = sum(len(task.siblings) for kind in Phase for task in phases.of(kind))
    written = f"wrote {output}: {listed(counts)} tasks, {counted(new, 'sibling')}"
    write_line(sys.stdout, printable(written))
    for text in imported.notes:
        note(text)
    option = "" if output == DEFAULT_PATH else f" --tasks {shlex.quote(str(output))}"
    write_line(sys.stdout, printable(f"next: battery doctor{option}"))
