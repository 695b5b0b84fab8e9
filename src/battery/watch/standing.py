"""How far a battery is, at one look: for scripts, and for whoever only wants to know."""

from __future__ import annotations

from typing import NamedTuple

from battery.base.errors import FolderError
from battery.protocol.wire import Json
from battery.records.events import IterationFinished, Plan, StageStarted
from battery.records.models import Manifest, Metrics
from battery.report.terminal.lines import iteration_line, place
from battery.store.battery_dir import BatteryDir
from battery.store.files import holder
from battery.watch.follow import Follower
from battery.watch.watch import Look, first_look, stop


class Standing(NamedTuple):
    """How far a battery is."""

    look: Look
    manifest: Manifest
    #: With the number of calls on disk.
    plan: Plan
    #: Of the finished iterations, in order.
    metrics: list[Metrics]
    #: Where the iteration under way is; None where none is or only its next call can tell.
    stage: StageStarted | None
    #: Finished task calls of the iteration under way, confirmations left out.
    tasks_done: int


def standing(folder: BatteryDir) -> Standing:
    """Find out how far a battery is; raise `FolderError` where there is none."""
    look, manifest = first_look(folder)
    tasks = folder.read_tasks()
    if tasks is None:
        raise FolderError(
            f"{folder.root} has no tasks.json",
            hint="look again in a moment if it has just begun; otherwise restore the file",
        )
    follower = Follower(folder, tasks, manifest)
    events = list(follower.news(manifest))
    return Standing(
        look=look,
        manifest=manifest,
        plan=next(event for event in events if isinstance(event, Plan)),
        metrics=[event.metrics for event in events if isinstance(event, IterationFinished)],
        stage=follower.current.stage,
        tasks_done=follower.current.tasks_done,
    )


def document(found: Standing) -> Json:
    """Write it as a JSON object; what only an iteration under way has is null without one."""
    stage = found.stage
    return {
        "run_id": found.manifest.run_id,
        "started_at": found.manifest.started_at,
        "state": found.manifest.state,
        "working": found.look.working,
        "iterations_wanted": found.plan.iterations,
        "iterations_finished": found.manifest.iterations_finished,
        "calls": found.plan.calls,
        "calls_done": found.plan.on_disk,
        "iteration": stage.iteration if stage else None,
        "stage": stage.name if stage else None,
        "tasks": found.plan.asks_per_iteration if stage else None,
        "tasks_done": found.tasks_done if stage else None,
        "metrics": [metrics.model_dump(mode="json") for metrics in found.metrics],
    }


def text(folder: BatteryDir, found: Standing) -> str:
    """Write it as lines: each finished iteration, then where it is and who works on it."""
    plan, stage = found.plan, found.stage
    lines = [iteration_line(metrics, plan) for metrics in found.metrics]
    calls = f"{plan.on_disk:,} of {plan.calls:,} calls"
    if stage:
        tasks = f"{found.tasks_done:,} of {plan.asks_per_iteration:,} tasks"
        start = f"{place(stage.iteration, plan)} {stage.name:<5}"
        lines.append(f"{start} {stage.title}; {tasks} of this iteration, {calls} in all")
    else:
        lines.append(f"{calls} in all")
    return "\n".join([*lines, *_who(folder, found.look)])


def _who(folder: BatteryDir, look: Look) -> list[str]:
    if look.stopped:
        why, next_step = stop(folder, look)
        return [why, f" next: {next_step}"]
    found = holder(folder.root)
    if found and look.working:
        return [f"process {found.pid} is working on it"]
    if found:
        return [f"whether process {found.pid} on {found.host} works on it cannot be told from here"]
    return []
