"""Follow a battery from another terminal, whatever becomes of the process that runs it.

Nothing here writes, locks or waits for the run. Whether it lives is told from the process that
its lock names, and what it has done from its files.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import NamedTuple

from battery.base.errors import ArtifactError, BatteryError, FolderError, PausedError
from battery.protocol import Json
from battery.recorded import open_battery
from battery.recorded.summary import summary_of
from battery.records.events import (
    Event,
    IterationFinished,
    Notice,
    Observer,
    Plan,
    StageStarted,
    TaskFinished,
)
from battery.records.manifest import Manifest
from battery.records.summary import Summary
from battery.report.measured import under_way
from battery.report.terminal.lines import iteration_line, place
from battery.store.artifacts import MANIFEST, TASKS
from battery.store.battery_dir import BatteryDir, no_battery
from battery.store.lock import holder, is_held
from battery.watch.follow import Follower


class Look(NamedTuple):
    """What a folder looked like at one moment."""

    #: None where there is no battery, such as while one is moved to the archive.
    manifest: Manifest | None
    #: Whether a process works in the folder; None where nobody can tell.
    working: bool | None

    @classmethod
    def at(cls, folder: BatteryDir) -> Look:
        """Look at manifest and lock; raise `ArtifactError` for a manifest that cannot be read."""
        # Asked twice: a process that was gone before has had its last word in the manifest, and
        # one that started since then has not had its first.
        before, manifest, after = is_held(folder.root), _manifest(folder), is_held(folder.root)
        working = before if before == after else True
        if working is None and manifest and manifest.state in {"interrupted", "failed", "paused"}:
            working = False
        return cls(manifest, working)

    @property
    def run_id(self) -> str | None:
        """Which battery it is; None where there is none."""
        return self.manifest.run_id if self.manifest else None

    @property
    def finished(self) -> bool:
        """Whether the battery has come to its end."""
        return self.manifest is not None and self.manifest.state == "finished"

    @property
    def stopped(self) -> bool:
        """Whether nothing more will happen unless somebody resumes the battery."""
        # Where nobody can tell, as for a process on another host, the battery is not declared dead.
        return self.working is False and not self.finished

    @property
    def identity(self) -> tuple[str, int] | None:
        """What stays the same for as long as one plan holds: the battery and its length."""
        return (self.manifest.run_id, self.manifest.iterations_wanted) if self.manifest else None


class Status(NamedTuple):
    """How far a battery is."""

    look: Look
    manifest: Manifest
    #: With the number of calls on disk.
    plan: Plan
    #: In order.
    iterations: list[IterationFinished]
    #: Where the iteration under way is; None where none is or only its next call can tell.
    stage: StageStarted | None
    #: Finished task calls of the iteration under way, confirmations left out.
    tasks_done: int
    #: The finished task calls of the iteration under way, confirmations among them.
    asked: list[TaskFinished]

    def document(self) -> Json:
        """Return it as a JSON object; what only an iteration under way has is null without one."""
        stage = self.stage
        return {
            "run_id": self.manifest.run_id,
            "started_at": self.manifest.started_at,
            "state": self.manifest.state,
            "working": self.look.working,
            "iterations_wanted": self.plan.iterations,
            "iterations_finished": self.manifest.iterations_finished,
            "calls": self.plan.calls,
            "calls_done": self.plan.on_disk,
            "iteration": stage.iteration if stage else None,
            "stage": stage.name if stage else None,
            "tasks": self.plan.asks(stage.iteration) if stage else None,
            "tasks_done": self.tasks_done if stage else None,
            "metrics": [done.metrics.model_dump(mode="json") for done in self.iterations],
        }


def status_of(folder: BatteryDir) -> Status:
    """Return how far a battery is; raise `FolderError` where there is none."""
    look, manifest = first_look(folder)
    tasks = folder.read_tasks()
    if tasks is None:
        raise FolderError(
            f"{folder.root} has no {TASKS.name}",
            hint="look again in a moment if it has just begun; otherwise restore the file",
        )
    # By way of the events of a watch, so that the two cannot count differently.
    follower = Follower(folder, tasks, manifest)
    events = list(follower.news(manifest))
    return Status(
        look=look,
        manifest=manifest,
        plan=next(event for event in events if isinstance(event, Plan)),
        iterations=[event for event in events if isinstance(event, IterationFinished)],
        stage=follower.current.stage,
        tasks_done=follower.current.tasks_done,
        asked=[event for event in events if isinstance(event, TaskFinished)],
    )


def iterations_of(status: Status) -> Iterator[str]:
    """Write a line for each finished iteration, and for the one under way; its parts end with `;`.

    Where none is under way, the last line counts the calls alone.
    """
    plan, stage = status.plan, status.stage
    yield from (iteration_line(done, plan) for done in status.iterations)
    calls = f"{plan.on_disk:,} of {plan.calls:,} calls in total"
    if stage is None:
        yield calls
        return
    tasks = f"{status.tasks_done:,} of {plan.asks(stage.iteration):,} tasks of this iteration"
    parts = [under_way(status.asked, plan.arms), f"{stage.title}: {tasks}, {calls}"]
    yield f"{place(stage.iteration, plan)}  {'; '.join(filter(None, parts))}"


def standing(folder: BatteryDir, status: Status) -> Iterator[str]:
    """Say who works on a battery or why it stopped, and where the numbers so far are."""
    yield from _who(folder, status.look)
    if status.iterations:
        yield f"the numbers so far: battery summarize {shlex.quote(str(folder.root))}"


def first_look(folder: BatteryDir) -> tuple[Look, Manifest]:
    """Look at a folder that must hold a battery; raise `FolderError` where it holds none."""
    look = Look.at(folder)
    if look.manifest is not None:
        return look, look.manifest
    if folder.numbers():
        raise FolderError(
            f"{folder.root} has no {MANIFEST.name}, which says how far a battery is",
            hint=f"look at what it holds with: battery summarize {shlex.quote(str(folder.root))}",
        )
    raise no_battery(folder.root)


def stop_of(folder: BatteryDir, look: Look) -> BatteryError:
    """Return what became of a battery that stopped before its end, and what to do next."""
    root, manifest = folder.root, look.manifest
    if manifest is None:
        why = f"the battery in {root} was moved or deleted"
        return BatteryError(why, hint="look into its archive folder")
    if manifest.state == "paused":
        why = f"the battery in {root} is paused: it has spent what the cap of its run allowed"
        return PausedError(why, hint=f"{folder.resume_hint}; with a higher cap, or without one")
    owner = holder(root)
    match manifest.state:
        case "failed":
            # Earlier versions did not write down why.
            told = f": {manifest.stopped_by}" if manifest.stopped_by else ""
            why = f"the battery in {root} failed{told}"
        case "interrupted":
            why = f"the battery in {root} was interrupted"
        case _:
            # Its process was killed: one that ends by itself writes how into the manifest.
            who = f"process {owner.pid}, which ran it, is gone" if owner else "nobody works on it"
            why = f"the battery in {root} stopped half way: {who}"
    return BatteryError(why, hint=folder.resume_hint)


def _who(folder: BatteryDir, look: Look) -> list[str]:
    if look.stopped:
        stop = stop_of(folder, look)
        return [stop.message, f"next: {stop.hint}"]
    owner = holder(folder.root)
    if owner and look.working:
        return [f"process {owner.pid} is working on it"]
    if owner:
        return [
            f"cannot tell from here whether process {owner.pid} on {owner.host} is working on it"
        ]
    return []


def _manifest(folder: BatteryDir) -> Manifest | None:
    try:
        return folder.read_manifest()
    except ArtifactError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None  # moved to the archive at this very moment
        raise


def watch(
    folder: BatteryDir,
    show: Callable[[], AbstractContextManager[Observer]],
    *,
    wait: bool,
    pause: Callable[[], None],
) -> Summary:
    """Show what happens to the battery in a folder until it is finished; return its summary.

    `show` opens a display: one for each time that somebody works on the battery. Where the run
    stops early, `wait` says to wait until somebody resumes it; without it that is a
    `BatteryError`. `pause` is what to do between two looks. Raises `FolderError` where there is no
    battery to begin with.
    """
    look, _ = first_look(folder)
    watched, shown = look.run_id, 0
    told: set[Notice] = set()
    while True:
        with show() as display:
            tell = partial(_tell_once, display, told)
            if look.run_id != watched:
                watched, shown = look.run_id, 0
                display(Notice("another battery has begun in this folder; following that one"))
            look, shown = _follow(folder, look, shown, tell, pause)
            if look.stopped and wait:
                stop = stop_of(folder, look)
                tell(Notice(f"{stop.message}; {stop.hint}", warning=True))
                display(Notice("waiting for that; Ctrl-C ends the watch, and nothing else"))
        # Another battery may have come and finished meanwhile; nobody waited for its result.
        if look.finished and look.run_id == watched:
            # The page comes after that, and whoever looks where the summary points expects it.
            while look.run_id == watched and look.working and not folder.report_path.exists():
                pause()
                look = Look.at(folder)
            return summed_up(folder)
        if look.stopped and not wait:
            raise stop_of(folder, look)
        # A stop is over, and so is an archiving, when there is something to follow again.
        while look.stopped or look.manifest is None:
            pause()
            look = Look.at(folder)


def _tell_once(display: Observer, told: set[Notice], event: Event) -> None:
    """Tell an event, but no note a second time: a battery may be resumed often."""
    if isinstance(event, Notice) and not event.warning:
        if event in told:
            return
        told.add(event)
    display(event)


def summed_up(folder: BatteryDir) -> Summary:
    """Return the summary of a finished battery; raise `BatteryError`.

    Of its runs, as `battery summarize` does: one on disk may be of files that have broken since.
    """
    opened = open_battery(folder)
    opened.require_complete()
    opened.require_whole()
    return summary_of(opened, report=False)


def _follow(
    folder: BatteryDir, look: Look, shown: int, tell: Observer, pause: Callable[[], None]
) -> tuple[Look, int]:
    """Report on a battery until it is finished, its run stops or another battery takes its place.

    Returns the last look and how many finished iterations are shown, the given ones included.
    """
    for notice in _unsure(folder, look):
        tell(notice)
    battery, follower, missing = look.identity, None, False
    while True:
        if look.manifest is not None and look.identity == battery:
            try:
                follower = follower or _follower(folder, look.manifest)
                for event in follower.news(look.manifest, shown=shown) if follower else ():
                    tell(event)
                missing = False
            except ArtifactError as error:
                # Files that are moved to the archive vanish before the manifest does.
                if missing or not isinstance(error.__cause__, FileNotFoundError):
                    raise
                follower, missing = None, True
            shown = max(shown, follower.current.number - 1) if follower else shown
        if missing:
            # The next look tells whether the battery was moved or lacks a file.
            over = look.identity != battery
        else:
            over = look.finished or look.stopped or look.identity not in {battery, None}
        if over:
            return look, shown
        pause()
        look = Look.at(folder)


def _follower(folder: BatteryDir, manifest: Manifest) -> Follower | None:
    """Begin to follow; None while a battery that has just begun has not written its tasks."""
    tasks = folder.read_tasks()
    return Follower(folder, tasks, manifest) if tasks else None


def _unsure(folder: BatteryDir, look: Look) -> Iterator[Notice]:
    """Yield a note where nobody can tell whether the run lives, but for one of an older version."""
    owner = holder(folder.root) if look.working is None else None
    if owner:
        yield Notice(
            f"process {owner.pid} on {owner.host} ran this battery last; cannot tell from here "
            "whether it still does"
        )
