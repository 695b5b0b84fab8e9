"""Find all batteries under a folder and read what came of each; writes nothing."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, Literal

from battery.base.errors import BatteryError, FolderError
from battery.base.text import brief
from battery.comparison.timeline import Entry, History, courses
from battery.recorded import OpenedBattery, open_battery
from battery.records.findings import EDITION, Evidence
from battery.records.manifest import Manifest, Provenance
from battery.records.models import Phase
from battery.records.summary import Metrics, PhaseMetrics, Summary
from battery.report import evidence as shown
from battery.store.artifacts import ITERATION, MEMORY, RUN_SETS, SUMMARY
from battery.store.battery_dir import BatteryDir, no_battery
from battery.verdict.assess import assess

#: The tasks that a battery asked, by their ids.
_Asked = frozenset[str]
#: What a user sees named of the system may be an address of any length.
_LONGEST: Final = 200


def history(root: Path, tags: Collection[str] = ()) -> History:
    """List the batteries under a folder, oldest first; raise `FolderError` where there is none.

    Only those with all of the tags. A battery that cannot be read is a warning, whatever its files
    hold.
    """
    if not root.is_dir():
        raise no_battery(root, below=True)
    listed: list[tuple[Entry, _Asked]] = []
    warnings: list[str] = []
    for folder in _batteries(root, warnings):
        try:
            listed.append(_entry(folder, root))
        # One folder with numbers that nobody foresaw must not hide all the others.
        except Exception as error:
            warnings.append(f"{_below(folder.root, root)} is skipped: {_why(error)}")
    if not listed and not warnings:
        raise no_battery(root, below=True)

    if tags and not (listed := [pair for pair in listed if pair[0].has(tags)]):
        noun = "tag" if len(tags) == 1 else "tags"
        raise FolderError(
            f"no battery under {root} has the {noun} {' and '.join(tags)}",
            hint=f"list all of them: battery history {root}",
        )
    # By time and then by name, so that two listings of the same folders agree.
    listed.sort(key=lambda pair: (pair[0].started_at, pair[0].folder))
    entries = _grouped(listed)
    return History(folder=str(root), batteries=entries, courses=courses(entries), warnings=warnings)


def _why(error: Exception) -> str:
    known = isinstance(error, BatteryError | OSError)
    return str(error) if known else f"it cannot be worked out ({type(error).__name__}: {error})"


def _batteries(root: Path, warnings: list[str]) -> Iterator[BatteryDir]:
    def unreadable(error: OSError) -> None:
        warnings.append(f"{error.filename} is skipped: {error.strerror}")

    for path, folders, _ in os.walk(root, onerror=unreadable):
        folder = BatteryDir(Path(path))
        try:
            is_battery = folder.has_manifest() or bool(folder.complete())
        except OSError as error:
            unreadable(error)
            continue
        if is_battery:
            yield folder
            # Its archive may hold more of them.
            folders[:] = [name for name in folders if not _is_inside(name)]
        folders.sort()


def _is_inside(name: str) -> bool:
    """Return whether a folder is a part of a battery, and so holds no other battery."""
    return name == MEMORY or ITERATION.number(name) is not None


def _entry(folder: BatteryDir, root: Path) -> tuple[Entry, _Asked]:
    opened = open_battery(folder)
    provenance = opened.provenance
    asked = opened.asked if opened.steps else frozenset[str]()
    evidence, last = _result(opened, asked) if opened.steps else (None, None)
    # What the last screen shows: an interval of all tasks says nothing where niche ones decide.
    decides = shown.deciding(evidence) if evidence else None
    entry = Entry(
        folder=_below(folder.root, root),
        run_id=provenance.run_id,
        name=provenance.name,
        note=provenance.note,
        tags=provenance.tags,
        started_at=opened.started_at,
        dated_by=_dated_by(provenance),
        state=provenance.state,
        models=provenance.models.model_dump() if provenance.models else None,
        iterations=len(opened.steps),
        tasks=len(asked),
        verdict=evidence.verdict if evidence else None,
        tokens=_tokens(opened, last) if last else None,
        cost_usd=last.cost_usd / last.total_tasks if last and last.cost_usd is not None else None,
        ok=_ok(last) if last else None,
        effect=decides.ratio if decides else None,
        interval=decides.interval if decides else None,
        system=_system(provenance),
        group=None,
    )
    return entry, asked


def _system(provenance: Provenance) -> str | None:
    """Name what was measured; two models behind one address are two systems."""
    if provenance.targets is None or provenance.models is None:
        return None
    named = f"{provenance.targets['gateway']}, {provenance.models.executor_cloud}"
    return brief(named, _LONGEST)


def _dated_by(provenance: Provenance) -> Literal["manifest", "summary", "files"]:
    if isinstance(provenance, Manifest):
        return "manifest"
    return "summary" if provenance.started_at else "files"


def _result(opened: OpenedBattery, asked: _Asked) -> tuple[Evidence, Metrics]:
    """Return the evidence and the numbers of the last iteration."""
    summary = _current_summary(opened)
    # One that counts other tasks is not of this folder, whatever its date.
    same = summary and summary.iterations[-1].total_tasks == len(asked)
    # What other rules made of it does not compare with the verdicts next to it.
    if summary and summary.evidence and same and summary.evidence.edition == EDITION:
        return summary.evidence, summary.iterations[-1]
    # The prospects are left out: they take longer than all the rest.
    return assess(opened.observed, plan=False), opened.metrics[-1]


def _current_summary(opened: OpenedBattery) -> Summary | None:
    """Read `summary.json` where it is whole and of these iterations, else None."""
    root = opened.folder.root
    path = root / SUMMARY.name
    runs = [step.root / RUN_SETS.name for step in opened.steps]
    try:
        # Only while nothing has changed since: computing one again may take seconds, and a folder
        # may hold many.
        if path.stat().st_mtime < max(file.stat().st_mtime for file in runs):
            return None
        summary = SUMMARY.read(root)
    except (BatteryError, OSError):
        return None
    numbers = [metrics.iteration for metrics in summary.iterations]
    same = summary.run_id == opened.provenance.run_id
    return summary if same and numbers == [step.number for step in opened.steps] else None


def _grouped(listed: list[tuple[Entry, _Asked]]) -> list[Entry]:
    """Give each set of like batteries a number, in the order in which they first occur."""
    groups: dict[tuple[_Asked, str | None], int] = {}
    entries = []
    for entry, asked in listed:
        group = groups.setdefault((asked, entry.system), len(groups) + 1) if asked else None
        entries.append(entry.model_copy(update={"group": group}))
    return entries


def _tokens(opened: OpenedBattery, last: Metrics) -> float | None:
    """Return the tokens per task; None where no answer tells any: then they were not measured."""
    # A total of 0 does not say whether anybody counted.
    runs = opened.steps[-1].read_runs() if not last.total_tokens else ()
    if not last.total_tokens and all(run.result.tokens is None for run in runs):
        return None
    return last.total_tokens / last.total_tasks


def _ok(last: Metrics) -> float | None:
    """Return the share that ended ok of the tasks that can be done."""
    phases = [getattr(last.by_phase, phase) for phase in (Phase.ALPHA, Phase.BETA)]
    possible = [phase for phase in phases if isinstance(phase, PhaseMetrics)]
    count = sum(phase.count for phase in possible)
    return sum(phase.ok for phase in possible) / count if count else None


def _below(path: Path, root: Path) -> str:
    return str(path.relative_to(root))
