"""Decide what battery it is that runs: a new one, one to resume, one to iterate.

Reads the folder and writes nothing, so that a dry run refuses what a run would refuse, and a signal
may end it at once.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from battery import __version__
from battery.base import interrupts
from battery.base.clock import now
from battery.base.errors import FolderError, MismatchError
from battery.base.text import listed
from battery.grading import require_usable, scoring_digest
from battery.inputs.settings import (
    DEFAULT_FEEDBACK,
    DEFAULT_ITERATIONS,
    Settings,
)
from battery.inputs.tasks import (
    PACKAGED,
    as_run,
    digest,
    find_tasks,
    folder_of,
    load_tasks,
    named,
    recorded_folder,
    refuse_placeholders,
    scoring_differences,
    told_differences,
)
from battery.pricing import Pricing
from battery.recorded import OpenedBattery, open_battery
from battery.records.events import Notice, Observer
from battery.records.manifest import Manifest, Options, Provenance
from battery.records.models import Tasks
from battery.runner.budget import require_prices
from battery.runner.schedule import Schedule
from battery.runner.start import require_alike
from battery.store.artifacts import MANIFEST, TASKS
from battery.store.battery_dir import BatteryDir, no_battery
from battery.target import targets
from battery.target.kinds import kind_of

#: Bits of a seed that is drawn: enough, and short enough to be typed again.
_SEED_BITS = 32
_FIXED = "a plan must be made before there are results"


@dataclass(frozen=True)
class Battery:
    """A battery that is ready to go on: what was decided and what is on disk."""

    folder: BatteryDir
    manifest: Manifest
    tasks: Tasks
    #: With the targets that the calls go to.
    settings: Settings
    #: Where the files of the tasks' checks are.
    checks_folder: Path
    #: Whether the answers on disk were graded by other checks, or priced by other prices.
    rescored: bool = False

    @cached_property
    def schedule(self) -> Schedule:
        """Which calls it makes, and in which order."""
        return Schedule.of(self.manifest, self.tasks)


@interrupts.at_once()
def new(folder: BatteryDir, settings: Settings) -> Battery:
    """Set up a battery from the start, whatever the folder holds; raise `UsageError`."""
    targets.refuse_unfit(settings)
    all_tasks, source = find_tasks(settings.tasks_path)
    options = _options(settings, source)
    tasks, checks_folder = as_run(all_tasks, options), folder_of(source)
    targets.refuse_unfit_attempts(settings, tasks)
    require_usable(tasks, checks_folder, named(source))
    if targets.sends_models(settings):
        refuse_placeholders(tasks, named(source))
    wanted = settings.iterations or DEFAULT_ITERATIONS
    require_prices(settings.max_cost, tasks.models, Pricing.of(tasks.prices, None))
    manifest = Manifest(
        battery_version=__version__,
        run_id=settings.run_id or uuid.uuid4().hex,
        started_at=now(),
        tasks_digest=digest(tasks),
        scoring_digest=scoring_digest(tasks, checks_folder),
        tasks_folder=None if source == PACKAGED else str(checks_folder),
        models=tasks.models,
        targets=targets.names(settings),
        **settings.labels,
        options=options,
        iterations_wanted=wanted,
        planned_iterations=wanted,
    )
    return Battery(folder, manifest, tasks, settings, checks_folder)


def _options(settings: Settings, source: str) -> Options:
    # With one arm it decides nothing; it is drawn all the same, so that every manifest has one.
    seed = secrets.randbits(_SEED_BITS) if settings.seed is None else settings.seed
    return Options(
        tasks=source,
        limit=settings.limit,
        repeats=settings.repeats or 1,
        seed=seed,
        **({"shuffled": True} if settings.shuffled else {}),
        respond_timeout_s=settings.respond_timeout,
        meta_timeout_s=settings.meta_timeout,
        concurrency=settings.concurrency or 1,
        model_url=settings.model_url,
        reviewer=settings.reviewer,
        prepare=settings.prepare,
        **_of_local(settings),
        **_of_memory(settings),
        **({"meter": settings.meter.url} if settings.meter else {}),
    )


def _of_local(settings: Settings) -> dict[str, Any]:
    """Return the options that only local systems have: a gateway is told nothing."""
    if not targets.is_local(settings):
        return {}
    digest, files = targets.digest(settings), targets.file_digests(settings)
    return {
        "feedback": settings.feedback or DEFAULT_FEEDBACK,
        **({"target_digest": digest} if digest else {}),
        **({"target_files": files} if files else {}),
    }


def _of_memory(settings: Settings) -> dict[str, bool]:
    """Return what battery itself does with the memory, where it does anything."""
    return {"memory_kept": True} if targets.has_folder(settings) or settings.restores else {}


def finished_there(folder: BatteryDir) -> OpenedBattery | None:
    """Open the finished battery in a folder; None where there is no battery.

    Raises `FolderError` for an unfinished battery and for a folder that is somebody else's.
    """
    opened = open_battery(folder)
    if opened.provenance.state not in {None, "finished"}:
        # It holds calls that are paid for; only the user may give them up.
        if folder.has_calls() or not _forgets(opened.provenance):
            raise unfinished(folder)
        # Nothing is on record, and it must not be in the way of a command that is corrected.
        return None
    if opened.has_begun:
        return opened
    if folder.has_tasks():
        raise FolderError(
            f"{folder.root} holds a {TASKS.name} that no battery wrote; it would be overwritten",
            hint="name another folder with --dir, such as data/battery",
        )
    return None


def _forgets(provenance: Provenance) -> bool:
    """Return whether a battery that failed leaves no trace in its target once it is removed."""
    # A deployment may have been taught by a call that got no answer; a local system remembers in
    # the battery's own folder.
    target = (provenance.targets or {}).get("gateway")
    return provenance.state == "failed" and target is not None and kind_of(target).is_local


@interrupts.at_once()
def resumed(folder: BatteryDir, settings: Settings, tell: Observer) -> Battery:
    """Take up the battery in a folder; raise `MismatchError` for what would make it another."""
    manifest = folder.read_manifest()
    if manifest is None:
        raise unknown(folder, "run --resume")

    _refuse_other_options(settings, manifest)
    tasks, source = _same_tasks(folder, manifest, settings)
    wanted = settings.iterations or manifest.iterations_wanted
    begun = max(folder.numbers(), default=0)
    # Fewer would leave answers on disk that no manifest counts.
    if wanted < begun:
        raise MismatchError(
            f"iteration {begun} has begun, and {wanted} are wanted",
            hint="leave out --iterations, or give a number at least as large",
        )
    checks_folder = folder_of(source) if source else recorded_folder(manifest)
    battery = Battery(folder, manifest, tasks, settings, checks_folder)
    battery = _continued(_scored(battery, source or str(folder.tasks_path), tell), wanted, tell)
    planned = battery.manifest.planned_iterations
    if planned is not None and wanted not in {planned, manifest.iterations_wanted}:
        tell(Notice(f"the verdict stays planned after iteration {planned}, not {wanted}: {_FIXED}"))
    if manifest.iterations_finished:
        tell(Notice(f"{manifest.iterations_finished} of {wanted} iterations are already finished"))
    return battery


@interrupts.at_once()
def iterated(folder: BatteryDir, settings: Settings, tell: Observer) -> Battery:
    """Take up a finished battery for one more iteration; raise `FolderError`, `MismatchError`."""
    manifest = folder.read_manifest()
    if manifest is None or manifest.state != "finished":
        raise unfinished(folder)
    # The tasks as run; what became of the user's file since then is another matter.
    tasks = _recorded_tasks(folder, manifest)
    wanted = manifest.iterations_finished + 1
    battery = Battery(folder, manifest, tasks, settings, recorded_folder(manifest))
    return _continued(_scored(battery, str(folder.tasks_path), tell), wanted, tell)


def unfinished(folder: BatteryDir) -> FolderError:
    """Return the error for a battery that has not come to its end."""
    return FolderError(
        f"the battery in {folder.root} is not finished",
        hint=f"{folder.resume_hint}; or name another folder with --dir",
    )


def unknown(folder: BatteryDir, command: str) -> FolderError:
    """Return the error for a folder without a manifest, which a command cannot go on with."""
    if not folder.numbers():
        return no_battery(folder.root)
    return FolderError(
        f"{folder.root} holds no {MANIFEST.name}, so its tasks and targets are not known",
        hint=f"`battery review` and `battery summarize` read such folders; `battery {command}` "
        "cannot",
    )


def _scored(battery: Battery, source: str, tell: Observer) -> Battery:
    """Look whether the answers on disk were scored by these checks and prices; tell if not.

    Raises `TasksError` for checks that cannot be used.
    """
    folder, manifest, tasks = battery.folder, battery.manifest, battery.tasks
    require_usable(tasks, battery.checks_folder, named(source))
    scoring = scoring_digest(tasks, battery.checks_folder)
    packaged = battery.checks_folder == folder_of(PACKAGED)
    update = {
        "scoring_digest": scoring,
        "tasks_folder": None if packaged else str(battery.checks_folder),
    }
    rescored = scoring != manifest.scoring_digest
    if rescored:
        before = folder.read_tasks() if folder.has_tasks() else None
        changed = listed(scoring_differences(before or tasks, tasks))
        tell(Notice(f"{changed} changed; the answers on disk are graded again", warning=True))
    return replace(battery, manifest=manifest.model_copy(update=update), rescored=rescored)


def _continued(battery: Battery, wanted: int, tell: Observer) -> Battery:
    """Take what the user did not name from the manifest; note what changed, if more is asked."""
    manifest = battery.manifest
    open_battery(battery.folder).require_whole()
    settings = targets.continued(battery.settings, manifest)
    options = manifest.options
    settings = replace(
        settings, feedback=options.feedback, prepare=settings.prepare or options.prepare
    )
    # Nothing will be asked, so nothing has changed that the manifest would have to note.
    if wanted == manifest.iterations_finished and manifest.state == "finished":
        return replace(battery, settings=settings)
    first = battery.folder.iteration(1)
    if first.has_runs():
        again = "give the same command with --keep-going"
        require_alike(first, tell, keep_going=settings.keep_going, anyway=again)
    pricing = Pricing.of(battery.tasks.prices, battery.folder.pricing.known)
    require_prices(settings.max_cost, manifest.models, pricing)
    concurrency = settings.concurrency or manifest.options.concurrency
    changes = _changes(settings, manifest, concurrency)
    for change in changes:
        tell(Notice(change, warning=True))
    update = {
        "targets": targets.names(settings),
        "options": manifest.options.model_copy(
            update={
                "concurrency": concurrency,
                "reviewer": settings.reviewer,
                "prepare": settings.prepare,
                **({"target_files": files} if (files := targets.file_digests(settings)) else {}),
            }
        ),
        # Kept for good: a summary made much later must still know which numbers do not compare.
        **settings.labels,
        "notes": [*manifest.notes, *changes],
        "iterations_wanted": wanted,
        # A folder of before plans were recorded must not have its planned look wander on with it.
        "planned_iterations": manifest.planned_iterations or manifest.iterations_wanted,
        "state": "running",
        "stopped_by": None,
        "unlike": False,
        "finished_at": None,
    }
    return replace(battery, manifest=manifest.model_copy(update=update), settings=settings)


def _changes(settings: Settings, manifest: Manifest, concurrency: int) -> list[str]:
    """List what is not as it was; the numbers of the iterations may not compare."""
    since = f"from iteration {manifest.iterations_finished + 1} on"
    changes = [
        f"the {name} was {before} and is {after} {since}"
        for name, (before, after) in targets.moved(settings, manifest).items()
    ]
    before = manifest.options.concurrency
    if before != concurrency:
        moved = f"the concurrency was {before} and is {concurrency} {since}"
        changes.append(f"{moved}: elapsed times cannot be compared")
    sums, now = manifest.options.target_files or {}, targets.file_digests(settings)
    changes += [
        f"{path} was edited, so it is another system {since}: the numbers cannot be compared"
        for path, digest in sums.items()
        if digest != now.get(path)
    ]
    if settings.reviewer != manifest.options.reviewer:
        own = manifest.options.reviewer or "the target itself"
        changes.append(f"the reviewer was {own} and is {settings.reviewer} {since}")
    return changes


def _refuse_other_options(settings: Settings, manifest: Manifest) -> None:
    """Refuse options that would ask other tasks, more often, or in another order."""
    # Concurrency and timeouts may change: they move how long calls take, not what is asked.
    for name in ("seed", "repeats", "limit", "feedback"):
        asked, before = getattr(settings, name), getattr(manifest.options, name)
        if asked is not None and asked != before:
            had = "none" if before is None else before
            raise MismatchError(
                f"--{name} of this battery is {had}, not {asked}",
                hint=f"leave out --{name}, or run into another folder with --dir",
            )


def _same_tasks(
    folder: BatteryDir, manifest: Manifest, settings: Settings
) -> tuple[Tasks, str | None]:
    """Load the tasks as run, and return where from; None is the copy in the folder.

    Refuses when the user's file asks for others by now.
    """
    path = settings.tasks_path
    source = manifest.options.tasks or PACKAGED
    # The user's file is read again, so that an edit is refused and not silently passed over.
    if path is None and source != PACKAGED and Path(source).exists():
        path = Path(source)
    # The copy as run, where that file is gone or the packaged tasks may be those of a newer
    # version.
    if path is None and folder.has_tasks():
        return _recorded_tasks(folder, manifest), None
    all_tasks, source = find_tasks(path)
    tasks = as_run(all_tasks, manifest.options)
    _refuse_other_tasks(folder, manifest, tasks, path or folder.tasks_path)
    return tasks, source


def _recorded_tasks(folder: BatteryDir, manifest: Manifest) -> Tasks:
    tasks = load_tasks(folder.tasks_path)
    _refuse_other_tasks(folder, manifest, tasks, folder.tasks_path)
    return tasks


def _refuse_other_tasks(folder: BatteryDir, manifest: Manifest, tasks: Tasks, path: Path) -> None:
    if digest(tasks) == manifest.tasks_digest:
        return
    raise MismatchError(
        f"{path} is not what this battery ran: {told_differences(folder.read_tasks(), tasks)}",
        hint="restore the file, or run it as a new battery in another folder: --dir PATH",
    )
