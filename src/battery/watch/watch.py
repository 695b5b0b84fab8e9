"""Follow a battery from another terminal, whatever becomes of the process that runs it.

Nothing here writes, locks or waits for the run. Whether it lives is told from the process that
its lock names, and what it has done from its files.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from battery.base.errors import ArtifactError, BatteryError
from battery.records.events import Notice, Observer
from battery.records.manifest import Manifest
from battery.records.models import Summary
from battery.store.artifacts import SUMMARY
from battery.store.battery_dir import BatteryDir
from battery.store.files import holder
from battery.watch.follow import Follower
from battery.watch.status import Look, first_look, stop_of


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
    while True:
        with show() as tell:
            if look.run_id != watched:
                watched, shown = look.run_id, 0
                tell(Notice("another battery has begun in this folder; following that one"))
            look, shown = _follow(folder, look, shown, tell, pause)
            if look.stopped and wait:
                tell(Notice("; ".join(stop_of(folder, look)), warning=True))
                tell(Notice("waiting for that; Ctrl-C ends the watch, and nothing else"))
        if look.finished and look.run_id == watched:
            return read_summary(folder)
        if look.stopped and not wait:
            stop = stop_of(folder, look)
            raise BatteryError(stop.why, hint=stop.next_step)
        # A stop is over, and so is an archiving, when there is something to follow again.
        while look.stopped or look.manifest is None:
            pause()
            look = Look.at(folder)


def read_summary(folder: BatteryDir) -> Summary:
    """Read the summary of a finished battery; raise `ArtifactError`."""
    summary = SUMMARY.find(folder.root)
    if summary is None:
        raise ArtifactError(
            f"the battery in {folder.root} is finished and has no {SUMMARY.name}",
            hint=f"make it again with: battery summarize {shlex.quote(str(folder.root))}",
        )
    return summary


def _follow(
    folder: BatteryDir, look: Look, shown: int, tell: Observer, pause: Callable[[], None]
) -> tuple[Look, int]:
    """Tell of a battery until it is finished, its run stops or another battery takes its place.

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
    """Say where nobody can tell whether the run lives; of an earlier version's run say nothing."""
    owner = holder(folder.root) if look.working is None else None
    if owner:
        yield Notice(
            f"process {owner.pid} on {owner.host} ran this battery last; whether it still does "
            "cannot be told from here"
        )
