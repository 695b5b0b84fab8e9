from __future__ import annotations

import io

from battery.inputs.tasks import PlannedTask
from battery.records.events import Outlook
from battery.records.models import FROZEN, LEARN, Phase, Task
from battery.report.terminal.outlook import outlook_document, print_outlook
from battery.run.schedule import Schedule


def outlook(operation: str = "fill: Welder") -> Outlook:
    task = Task(task_class="c", operation=operation, spec={})
    entry = PlannedTask("id", Phase.ALPHA, task, operation)
    schedule = Schedule([entry], (LEARN, FROZEN), repeats=1, seed=1)
    return Outlook(schedule.plan(0, 1, ()), 1, list(schedule.calls([1])))


def printed(shown: Outlook) -> list[str]:
    stream = io.StringIO()
    print_outlook(shown, stream)
    return stream.getvalue().splitlines()


def test_the_cost_comes_first_and_then_one_line_a_call() -> None:
    first, *calls = printed(outlook())
    assert first.startswith("5 calls: 2 tasks (1 iteration x 1 task x 2 arms)")
    assert sorted(calls) == [
        "1 alpha   frozen 1 fill: Welder",
        "1 alpha   learn  1 fill: Welder",
        "1 delta   -      - distill",
        "1 epsilon -      - overseer review",
        "1 zeta    -      - scrum judgment",
    ]


def test_a_label_cannot_break_its_line_or_the_terminal() -> None:
    lines = printed(outlook("a\nb\x1b[31m"))
    assert len(lines) == 6
    assert all(line.isprintable() for line in lines)


def test_the_document_has_the_same_as_numbers() -> None:
    document = outlook_document(outlook())
    assert document["seed"] == 1
    assert document["cost"] == {
        "iterations": 1,
        "tasks": 1,
        "arms": 2,
        "repeats": 1,
        "confirmations": 0,
        "on_disk": 0,
        "calls": 5,
    }
    assert [call["stage"] for call in document["calls"]] == [
        *("alpha", "alpha"),
        *("delta", "epsilon", "zeta"),
    ]
    assert document["calls"][-1] == {
        "iteration": 1,
        "stage": "zeta",
        "arm": None,
        "repeat": None,
        "label": "scrum judgment",
    }
