"""Find all batteries under a folder and read what came of each; writes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from battery.base.errors import BatteryError, FolderError
from battery.comparison.timeline import Entry, History, courses
from battery.inputs.tasks import plan, task_id
from battery.recorded.observe import observed
from battery.records.findings import Evidence
from battery.records.models import Manifest, Metrics, Phase, PhaseMetrics, Summary
from battery.store.artifacts import ITERATION, MEMORY, RUN_SETS, SUMMARY
from battery.store.battery_dir import BatteryDir, IterationDir
from battery.verdict.assess import assess
from battery.verdict.metrics import measure
from battery.verdict.table import TOKENS

#: The tasks that a battery asked, by their ids.
_Asked = frozenset[str]


class _Result(NamedTuple):
    """What came of a battery: its evidence and the numbers of its last iteration."""

    evidence: Evidence | None
    last: Metrics


def history(root: Path) -> History:
    """List the batteries under a folder, oldest first; raise `FolderError` where there is none.

    A battery that cannot be read is a warning, whatever its files hold.
    """
    if not root.is_dir():
        raise FolderError(f"{root} is no folder", hint="name the folder that holds your batteries")
    found: list[tuple[Entry, _Asked]] = []
    warnings: list[str] = []
    for folder in _batteries(root, warnings):
        try:
            found.append(_entry(folder, root))
        # One folder with numbers that nobody foresaw must not hide all the others.
        except Exception as error:
            warnings.append(f"{_below(folder.root, root)} is skipped: {_why(error)}")
    if not found and not warnings:
        raise FolderError(
            f"there is no battery under {root}", hint="name another folder, or run one: battery run"
        )
    found.sort(key=lambda pair: (pair[0].started_at, pair[0].folder))
    entries = _grouped(found)
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
            found = folder.has_manifest() or bool(folder.complete())
        except OSError as error:
            unreadable(error)
            continue
        if found:
            yield folder
            # Its archive may hold more of them.
            folders[:] = [name for name in folders if not _is_inside(name)]
        folders.sort()


def _is_inside(name: str) -> bool:
    """Return whether a folder is a part of a battery, and so holds no other battery."""
    return name == MEMORY or ITERATION.number(name) is not None


def _entry(folder: BatteryDir, root: Path) -> tuple[Entry, _Asked]:
    manifest, steps = folder.read_manifest(), folder.complete()
    asked = _asked(folder, manifest, steps[-1]) if steps else frozenset()
    result = _result(folder, manifest, steps, asked) if steps else None
    evidence, last = result if result else (None, None)
    effects = evidence.effects if evidence else []
    tokens = next((each for each in effects if each.metric == TOKENS), None)
    entry = Entry(
        folder=_below(folder.root, root),
        run_id=manifest.run_id if manifest else None,
        started_at=folder.started_at(manifest),
        dated_by="manifest" if manifest else "files",
        state=manifest.state if manifest else None,
        models=manifest.models.model_dump() if manifest else None,
        iterations=len(steps),
        tasks=len(asked),
        verdict=evidence.verdict if evidence else None,
        tokens=_tokens(last) if last else None,
        ok=_ok(last) if last else None,
        effect=tokens.value if tokens else None,
        interval=tokens.interval if tokens else None,
        group=None,
    )
    return entry, asked


def _result(
    folder: BatteryDir, manifest: Manifest | None, steps: list[IterationDir], asked: _Asked
) -> _Result:
    summary = _current_summary(folder, manifest, steps)
    # One that counts other tasks is not of this folder, whatever its date.
    if summary and summary.iterations[-1].total_tasks != len(asked):
        summary = None
    if summary and summary.evidence:
        return _Result(summary.evidence, summary.iterations[-1])
    # The prospects are left out: they take longer than all the rest.
    evidence = assess(observed(folder, manifest), plan=False)
    return _Result(evidence, measure(steps[-1].number, steps[-1].read_runs()))


def _current_summary(
    folder: BatteryDir, manifest: Manifest | None, steps: list[IterationDir]
) -> Summary | None:
    """Read `summary.json` where it is whole and of these iterations, else None."""
    path = folder.root / SUMMARY.name
    runs = [step.root / RUN_SETS.name for step in steps]
    try:
        if path.stat().st_mtime < max(each.stat().st_mtime for each in runs):
            return None
        summary = SUMMARY.read(folder.root)
    except (BatteryError, OSError):
        return None
    numbers = [each.iteration for each in summary.iterations]
    same = summary.run_id == (manifest.run_id if manifest else None)
    return summary if same and numbers == [step.number for step in steps] else None


def _asked(folder: BatteryDir, manifest: Manifest | None, last: IterationDir) -> _Asked:
    # Without a manifest a tasks.json is the user's own, and may have changed since.
    tasks = folder.read_tasks() if manifest else None
    if tasks:
        return frozenset(entry.task_id for entry in plan(tasks))
    return frozenset(task_id(run.phase, run.task) for run in last.read_runs())


def _grouped(found: list[tuple[Entry, _Asked]]) -> list[Entry]:
    """Give each set of tasks a number, in the order in which they first occur."""
    groups: dict[_Asked, int] = {}
    entries = []
    for entry, asked in found:
        group = groups.setdefault(asked, len(groups) + 1) if asked else None
        entries.append(entry.model_copy(update={"group": group}))
    return entries


def _tokens(last: Metrics) -> float | None:
    """Return the tokens a task; None where no answer tells any: then they were not measured."""
    if not last.total_tokens or not last.total_tasks:
        return None
    return last.total_tokens / last.total_tasks


def _ok(last: Metrics) -> float | None:
    """Return the share that ended ok of the tasks that can be done."""
    phases = [getattr(last.by_phase, phase) for phase in (Phase.ALPHA, Phase.BETA)]
    possible = [each for each in phases if isinstance(each, PhaseMetrics)]
    count = sum(each.count for each in possible)
    return sum(each.ok for each in possible) / count if count else None


def _below(path: Path, root: Path) -> str:
    return str(path.relative_to(root))
