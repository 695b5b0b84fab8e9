"""Follow a battery from another terminal, whatever becomes of the process that runs it.

Nothing here writes, locks or waits for the run. Whether it lives is told from the process that
its lock names, and what it has done from its files.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

from battery.base.errors import ArtifactError, BatteryError, FolderError
from battery.records.events import Notice, Observer
from battery.records.models import Manifest, Summary
from battery.store.artifacts import SUMMARY
from battery.store.battery_dir import BatteryDir
from battery.store.files import holder, is_held
from battery.watch.follow import Follower


class Look(NamedTuple):
    """What a folder looked like at one moment."""

    #: None where there is no battery, such as while one is moved to the archive.
    manifest: Manifest | None
    #: Whether a process works in the folder; None where nobody can tell.
    working: bool | None

    @classmethod
    def at(cls, folder: BatteryDir) -> Look:
        """Look at manifest and lock; raise `ArtifactError` for a manifest that is none."""
        # Asked twice: a process that was gone before has had its last word in the manifest, and
        # one that started since then has not had its first.
        before, manifest, after = is_held(folder.root), _manifest(folder), is_held(folder.root)
        working = before if before == after else True
        if working is None and manifest and manifest.state in {"interrupted", "failed"}:
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
        return self.working is False and not self.finished

    @property
    def identity(self) -> tuple[str, int] | None:
        """What stays the same for as long as one plan holds: the battery and its length."""
        return (self.manifest.run_id, self.manifest.iterations_wanted) if self.manifest else None


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
    watched, told = look.run_id, 0
    while True:
        with show() as tell:
            if look.run_id != watched:
                watched, told = look.run_id, 0
                tell(Notice("another battery has begun in this folder; following that one"))
            look, told = _follow(folder, look, told, tell, pause)
            if look.stopped and wait:
                tell(Notice("; ".join(stop(folder, look)), warning=True))
                tell(Notice("waiting for that; Ctrl-C ends the watch, and nothing else"))
        if look.finished and look.run_id == watched:
            return read_summary(folder)
        if look.stopped and not wait:
            why, next_step = stop(folder, look)
            raise BatteryError(why, hint=next_step)
        # A stop is over, and so is an archiving, when there is something to follow again.
        while look.stopped or look.manifest is None:
            pause()
            look = Look.at(folder)


def first_look(folder: BatteryDir) -> tuple[Look, Manifest]:
    """Look at a folder that must hold a battery; raise `FolderError` where it holds none."""
    look = Look.at(folder)
    if look.manifest is not None:
        return look, look.manifest
    if folder.numbers():
        raise FolderError(
            f"{folder.root} has no battery.json, which says how far a battery is",
            hint=f"look at what it holds with: battery summarize {shlex.quote(str(folder.root))}",
        )
    raise FolderError(
        f"there is no battery in {folder.root}",
        hint="start one with battery run, or name the folder of one: battery watch DIR",
    )


def stop(folder: BatteryDir, look: Look) -> tuple[str, str]:
    """Say of a battery that stopped what became of it, and what to do next."""
    if look.manifest is None:
        return f"the battery in {folder.root} was moved or deleted", "look into its archive folder"
    if look.manifest.state == "failed":
        why = f"the battery in {folder.root} failed; the terminal that it ran in says why"
    elif look.manifest.state == "interrupted":
        why = f"the battery in {folder.root} was interrupted"
    else:
        found = holder(folder.root)
        who = f"process {found.pid}, which ran it, is gone" if found else "nobody works on it"
        why = f"the battery in {folder.root} stopped half way: {who}"
    return why, folder.resume_hint


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
    folder: BatteryDir, look: Look, told: int, tell: Observer, pause: Callable[[], None]
) -> tuple[Look, int]:
    """Tell of a battery until it is finished, its run stops or another battery takes its place.

    Returns the last look and how many finished iterations have been told of, `told` among them.
    """
    for notice in _unsure(folder, look):
        tell(notice)
    battery, follower, missing = look.identity, None, False
    while True:
        if look.manifest is not None and look.identity == battery:
            try:
                follower = follower or _follower(folder, look.manifest)
                for event in follower.news(look.manifest, told=told) if follower else ():
                    tell(event)
                missing = False
            except ArtifactError as error:
                # Files that are moved to the archive vanish before the manifest does.
                if missing or not isinstance(error.__cause__, FileNotFoundError):
                    raise
                follower, missing = None, True
            told = max(told, follower.current.number - 1) if follower else told
        if missing:
            # The next look tells whether the battery was moved or lacks a file.
            over = look.identity != battery
        else:
            over = look.finished or look.stopped or look.identity not in {battery, None}
        if over:
            return look, told
        pause()
        look = Look.at(folder)


def _follower(folder: BatteryDir, manifest: Manifest) -> Follower | None:
    """Begin to follow; None while a battery that has just begun has not written its tasks."""
    tasks = folder.read_tasks()
    return Follower(folder, tasks, manifest) if tasks else None


def _unsure(folder: BatteryDir, look: Look) -> Iterator[Notice]:
    """Say where nobody can tell whether the run lives; of an earlier version's run say nothing."""
    found = holder(folder.root) if look.working is None else None
    if found:
        yield Notice(
            f"process {found.pid} on {found.host} ran this battery last; whether it still does "
            "cannot be told from here"
        )


def _manifest(folder: BatteryDir) -> Manifest | None:
    try:
        return folder.read_manifest()
    except ArtifactError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None  # moved to the archive at this very moment
        raise
