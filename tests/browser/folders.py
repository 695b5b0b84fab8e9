"""Folders of batteries written in a moment, of any size and with any texts in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from battery.inputs.tasks import task_id
from battery.protocol import Json
from battery.records.checks import Checked
from battery.records.models import FROZEN, LEARN, Arm, Phase, Task
from battery.report.html.report import report_page, write_page
from battery.store.battery_dir import BatteryDir


class Asked(NamedTuple):
    """One call of a made-up battery."""

    arm: Arm
    iteration: int
    phase: Phase
    #: Of the task within its phase, from 0.
    number: int
    repeat: int


def answer(asked: Asked) -> Json:
    """Answer as a gateway does that learns: fewer tokens and turns after the first iteration."""
    better = asked.arm == LEARN and asked.iteration > 1
    done = asked.phase is not Phase.GAMMA
    tokens = (500 + 40 * asked.number) // (2 if better else 1) + 3 * asked.iteration
    correction = {"kind": "overseer_correction", "turn": 1, "text": "Look it up first."}
    log = [{"kind": "search", "turn": 1, "text": f"looked for {asked.number}", "found": 0}]
    return {
        "status": "ok" if done else "failed",
        "iterations": 2 if better else 4,
        "artifact": {"usage": {"total_tokens": tokens}},
        "log": [*log, *([correction] if asked.phase is Phase.BETA and not better else [])],
        "error": None if done else "no supply",
        "_elapsed_ms": 40 + asked.number % 7,
    }


def operation(phase: Phase, number: int) -> str:
    """Name a task."""
    return f"{phase} task {number}"


def write_battery(
    root: Path,
    *,
    sizes: tuple[int, int, int] = (3, 3, 2),
    iterations: int = 3,
    arms: tuple[Arm, ...] = (LEARN, FROZEN),
    repeats: int = 1,
    answering: Callable[[Asked], Json] = answer,
    naming: Callable[[Phase, int], str] = operation,
    grading: Callable[[Asked], Checked | None] = lambda _: None,
    siblings: bool = False,
) -> BatteryDir:
    """Write the runs of a battery without a manifest, as the original one left them.

    With `siblings`, each task has one in every iteration.
    """
    folder = BatteryDir(root)
    for iteration in range(1, iterations + 1):
        step = folder.iteration(iteration)
        for arm in arms[::-1]:
            for repeat in range(repeats, 0, -1):
                asked = [
                    Asked(arm, iteration, phase, number, repeat)
                    for phase, size in zip(Phase, sizes, strict=True)
                    for number in range(size)
                ]
                runs = list(_runs(asked, answering, naming, grading))
                step.write_runs(runs, arm, repeat)
                if siblings and repeat == 1:
                    step.siblings.write_runs(map(partial(_sibling, iteration), runs), arm)
    return folder


def _runs(
    asked: list[Asked],
    answering: Callable[[Asked], Json],
    naming: Callable[[Phase, int], str],
    grading: Callable[[Asked], Checked | None],
) -> Iterator[dict[str, Any]]:
    for each in asked:
        name, checked = naming(each.phase, each.number), grading(each)
        task = {"task_class": "class", "operation": name, "spec": {"number": each.number}}
        run = {"task": task, "phase": each.phase, "result": answering(each)}
        yield run | ({"checked": checked.model_dump()} if checked else {})


def _sibling(iteration: int, run: dict[str, Any]) -> dict[str, Any]:
    """Make the run of a sibling from that of its task."""
    name = f"new {iteration}: {run['task']['operation']}"
    of = task_id(run["phase"], Task(**run["task"]))
    return {**run, "task": {**run["task"], "operation": name}, "sibling_of": of}


def make_report(folder: BatteryDir) -> Path:
    """Write a folder's report to where `battery report` writes it; return its path."""
    write_page(folder.report_path, report_page(folder, in_place=True).chunks)
    return folder.report_path
