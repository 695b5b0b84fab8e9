"""Run a battery, go on with one, or add an iteration to one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from battery import __version__
from battery.artifacts import BatteryDir
from battery.client import Client, open_clients
from battery.clock import now
from battery.errors import BatteryError, FolderError, InterruptedRunError, MismatchError
from battery.files import Reserve, locked, make_folder
from battery.journal import Journal
from battery.models import Manifest, Summary, Tasks
from battery.progress import Notice, Observer, Plan
from battery.settings import DEFAULT_ITERATIONS, Settings
from battery.stages import targets
from battery.stages.iteration import Iteration
from battery.stages.summarize import require_iterations, write_summary
from battery.tasks import PACKAGED, differences, digest, find_tasks, load_tasks, plan


class _Work(NamedTuple):
    """A battery that is ready to go on: what was decided and what is on disk."""

    folder: BatteryDir
    manifest: Manifest
    tasks: Tasks
    settings: Settings
    tell: Observer


async def run(settings: Settings, tell: Observer) -> Summary:
    """Run a battery from the start, or with `settings.resume` from where it stopped.

    Raises `BatteryError`; whatever finished before is on disk.
    """
    folder = BatteryDir(settings.folder)
    if settings.resume and not folder.has_manifest():
        raise FolderError(
            f"there is no battery to resume in {folder.root}",
            hint="leave out --resume to start one, or name its folder with --dir",
        )
    # A tasks file that is refused leaves no folder behind.
    tasks, source = (None, "") if settings.resume else find_tasks(settings.tasks_path)
    with locked(folder.root):
        if tasks is None:
            work = _resumed(folder, settings, tell)
        else:
            work = _new(folder, settings, tasks, source, tell)
        return await _carry_on(work)


async def iterate(settings: Settings, tell: Observer) -> Summary:
    """Add one iteration to a finished battery, with the tasks and targets it had."""
    folder = BatteryDir(settings.folder)
    if not folder.has_manifest():
        raise FolderError(
            f"{folder.root} holds no battery.json, so its models and targets are not known",
            hint="`battery review` and `battery summarize` read such folders; iterate cannot",
        )
    with locked(folder.root):
        manifest = folder.read_manifest()
        if manifest is None or manifest.state != "finished":
            raise _unfinished(folder)
        wanted = manifest.iterations_finished + 1
        # The tasks as run; what became of the user's file since then is another matter.
        tasks = _recorded_tasks(folder, manifest)
        work = _continued(folder, manifest, tasks, settings, tell)
        return await _carry_on(_wanting(work, wanted))


def _new(
    folder: BatteryDir, settings: Settings, tasks: Tasks, source: str, tell: Observer
) -> _Work:
    _clear(folder, tell)
    manifest = Manifest(
        battery_version=__version__,
        run_id=uuid.uuid4().hex,
        started_at=now(),
        tasks_digest=digest(tasks),
        models=tasks.models,
        targets=targets.names(settings),
        options={
            "tasks": source,
            "respond_timeout_s": settings.respond_timeout,
            "meta_timeout_s": settings.meta_timeout,
            "concurrency": settings.concurrency or 1,
            "model_url": settings.model_url,
        },
        iterations_wanted=settings.iterations or DEFAULT_ITERATIONS,
    )
    folder.write_manifest(manifest)
    folder.write_tasks(tasks)
    return _Work(folder, manifest, tasks, settings, tell)


def _clear(folder: BatteryDir, tell: Observer) -> None:
    """Move a finished battery out of the way; refuse to touch anything else."""
    manifest = folder.read_manifest()
    if manifest is not None and manifest.state != "finished":
        raise _unfinished(folder)
    if manifest is None and not folder.numbers():
        if folder.has_tasks():
            raise FolderError(
                f"{folder.root} holds a tasks.json that no battery wrote; it would be overwritten",
                hint="name another folder with --dir, such as data/battery",
            )
        return
    target = folder.archive(manifest)
    text = f"the finished battery in {folder.root} was moved to {target}"
    # Not to be missed with --quiet: what was there a moment ago is now elsewhere.
    tell(Notice(text, warning=True))


def _resumed(folder: BatteryDir, settings: Settings, tell: Observer) -> _Work:
    manifest = folder.read_manifest()
    if manifest is None:
        raise FolderError(f"{folder.root} holds no battery.json", hint="start with: battery run")
    tasks = _same_tasks(folder, manifest, settings)
    work = _continued(folder, manifest, tasks, settings, tell)
    wanted = settings.iterations or manifest.iterations_wanted
    begun = max(folder.numbers(), default=0)
    if wanted < begun:
        raise MismatchError(
            f"iteration {begun} has begun, and {wanted} are wanted",
            hint="leave out --iterations, or ask for as many or more",
        )
    if manifest.iterations_finished:
        tell(Notice(f"{manifest.iterations_finished} of {wanted} iterations are already finished"))
    return _wanting(work, wanted)


def _continued(
    folder: BatteryDir, manifest: Manifest, tasks: Tasks, settings: Settings, tell: Observer
) -> _Work:
    require_iterations(folder, manifest)
    settings = targets.from_manifest(settings, manifest, tell)
    targets.refuse_other_kind(settings, manifest, tell)
    options = dict(manifest.options)
    before, after = options["concurrency"], settings.concurrency or options["concurrency"]
    if before != after:
        text = f"concurrency was {before} and is now {after}: elapsed times do not compare"
        tell(Notice(text, warning=True))
        options["concurrency"] = after
    update = {"targets": targets.names(settings), "options": options}
    return _Work(folder, manifest.model_copy(update=update), tasks, settings, tell)


def _wanting(work: _Work, iterations: int) -> _Work:
    """Record how far the battery is to go, unless it is there already."""
    if iterations == work.manifest.iterations_finished and work.manifest.state == "finished":
        return work
    update = {"iterations_wanted": iterations, "state": "running", "finished_at": None}
    manifest = work.manifest.model_copy(update=update)
    work.folder.write_manifest(manifest)
    return work._replace(manifest=manifest)


def _same_tasks(folder: BatteryDir, manifest: Manifest, settings: Settings) -> Tasks:
    """Load the tasks as run; refuse when the user's file asks for others by now."""
    path = settings.tasks_path
    source = manifest.options.get("tasks", PACKAGED)
    if path is None and source != PACKAGED and Path(source).exists():
        path = Path(source)
    if path is None and folder.has_tasks():
        return _recorded_tasks(folder, manifest)
    tasks, _ = find_tasks(path)
    _refuse_other_tasks(folder, manifest, tasks, path or folder.tasks_path)
    if not folder.has_tasks():
        folder.write_tasks(tasks)
    return tasks


def _recorded_tasks(folder: BatteryDir, manifest: Manifest) -> Tasks:
    tasks = load_tasks(folder.tasks_path)
    _refuse_other_tasks(folder, manifest, tasks, folder.tasks_path)
    return tasks


def _refuse_other_tasks(folder: BatteryDir, manifest: Manifest, tasks: Tasks, path: Path) -> None:
    if digest(tasks) == manifest.tasks_digest:
        return
    recorded = folder.read_tasks()
    changed = differences(recorded, tasks) if recorded else []
    raise MismatchError(
        f"{path} is not what this battery ran: "
        + ("; ".join(changed) or "its digest differs from the manifest's"),
        hint="restore the file, or run it as a battery of its own: --dir PATH",
    )


def _unfinished(folder: BatteryDir) -> FolderError:
    return FolderError(
        f"the battery in {folder.root} is not finished",
        hint=f"{folder.resume_hint}; or name another folder with --dir",
    )


async def _carry_on(work: _Work) -> Summary:
    """Run the iterations that are missing; keep the manifest true whatever happens."""
    folder, manifest = work.folder, work.manifest
    if manifest.state == "finished":
        work.tell(Notice("nothing is left to do"))
        return write_summary(folder, manifest)
    work.tell(Plan(manifest.iterations_wanted, len(plan(work.tasks))))
    reserve = Reserve(folder.root)
    try:
        reserve.claim()
        async with _asking(work) as (gateway, llm_team):
            for number in range(manifest.iterations_finished + 1, manifest.iterations_wanted + 1):
                await _iteration(work, number, reserve, gateway, llm_team)
                manifest = manifest.model_copy(update={"iterations_finished": number})
                folder.write_manifest(manifest)
                write_summary(folder, manifest)
    except asyncio.CancelledError:
        _mark(folder, manifest, "interrupted")
        raise InterruptedRunError(
            "interrupted; everything that finished is on disk", hint=folder.resume_hint
        ) from None
    except BaseException as error:
        _mark(folder, manifest, "failed")
        if isinstance(error, BatteryError):
            error.hint = "; ".join(filter(None, [error.hint, folder.resume_hint]))
        raise
    finally:
        reserve.release()
    manifest = manifest.model_copy(update={"state": "finished", "finished_at": now()})
    summary = write_summary(folder, manifest)
    folder.write_manifest(manifest)
    return summary


@asynccontextmanager
async def _asking(work: _Work) -> AsyncIterator[tuple[list[Client], Client]]:
    settings, tell = work.settings, work.tell
    with targets.opened(settings, work.folder.memory("learn"), tell) as (gateway, llm_team):
        async with (
            open_clients(gateway, work.manifest.options["concurrency"]) as workers,
            open_clients(llm_team, 1) as learners,
        ):
            yield list(workers), learners[0]


async def _iteration(
    work: _Work, number: int, reserve: Reserve, gateway: list[Client], llm_team: Client
) -> None:
    files = work.folder.iteration(number)
    make_folder(files.root)
    with Journal(files.journal, reserve) as journal:
        iteration = Iteration(
            files=files,
            journal=journal,
            plan=plan(work.tasks),
            models=work.tasks.models,
            gateway=gateway,
            llm_team=llm_team,
            settings=work.settings,
            tell=work.tell,
        )
        await iteration.run()


def _mark(folder: BatteryDir, manifest: Manifest, state: str) -> None:
    """Note how the run stopped; a disk that is full must not hide the first error."""
    try:
        folder.write_manifest(manifest.model_copy(update={"state": state}))
    except BatteryError:
        return
