"""The plan of a campaign: made and frozen before the first call, read by everybody who runs it.

campaign.json    the plan; its SHA-256 is the registration of the campaign
tasks/           the tasks, and the files of their checks
cells/001/3/     a run: the battery of its third holder
finished/001.1   what a run was when it finished
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from battery import __version__
from battery.base import jsonio
from battery.base.clock import now
from battery.base.errors import (
    ArtifactError,
    FolderError,
    MismatchError,
    ShapeError,
    TasksError,
    UsageError,
    remedy_of,
)
from battery.base.redact import url_secrets
from battery.base.text import listed
from battery.campaign import deployments
from battery.grading import names_of_files, require_usable, scoring_digest
from battery.inputs.settings import Settings, Target, make_settings
from battery.inputs.tasks import digest, find_tasks, folder_of, limited, load_tasks
from battery.records.events import Notice, Observer
from battery.records.findings import QuestionName
from battery.records.manifest import Manifest
from battery.records.models import Tasks
from battery.records.plan import Cell, Plan, PlannedTarget
from battery.runner import prepare
from battery.store.artifacts import TASKS
from battery.store.battery_dir import BatteryDir, missing
from battery.store.documents import cannot_read, dump_record
from battery.store.files import sync_folder, write_atomic
from battery.target import targets

PLAN_NAME: Final = "campaign.json"
DEFAULT_FOLDER: Final = Path("campaign")
DEFAULT_RUNS: Final = 5
#: Seconds; long enough for a busy disk, short enough to wait for.
DEFAULT_LEASE_S: Final = 60.0
_SEED_BITS: Final = 32
_FEW: Final = (
    "{} runs can show nothing about the system: the smallest p that they can have is 1/{}; "
    f"{DEFAULT_RUNS} are the least that can"
)
_RESTORE: Final = (
    "restore the file, or make a plan of its own: battery campaign plan --output ANOTHER_FOLDER"
)
_ONCE: Final = (
    "runs of a single iteration show nothing about learning: no task is asked again; "
    "--iterations 2 is the least"
)
#: Options that are the plan's own, or the caps of all runs together.
_OF_THE_PLAN: Final = frozenset({"seed", "max_tokens", "max_cost", "tasks", "folder"})


class World(NamedTuple):
    """Where runs get their secrets from, and how the texts of targets are read."""

    environ: Mapping[str, str]
    read: Callable[[str, Mapping[str, str]], Target]


class Wanted(NamedTuple):
    """What `campaign plan` was asked for."""

    folder: Path
    runs: int
    primary: QuestionName
    lease_s: float
    #: The options of `battery run` by their names; those that name a deployment may be lists.
    options: Mapping[str, Any]
    #: Whether live gateways are emptied by their own reset.
    reset: bool = False


class Campaign(NamedTuple):
    """A plan on disk."""

    folder: Path
    plan: Plan
    #: SHA-256 of `campaign.json`.
    registration: str

    @property
    def tasks_path(self) -> Path:
        """The tasks of all runs."""
        return self.folder / "tasks" / TASKS.name

    def cell(self, cell: Cell) -> Path:
        """Return the folder of a run, with its leases and the batteries of its holders."""
        return self.folder / "cells" / f"{cell.number:03}"

    def run_id(self, cell: Cell) -> str:
        """Return the id of a run: whoever holds it, and however often it begins, it is the same."""
        return hashlib.sha256(f"{self.registration}/{cell.number}".encode()).hexdigest()[:32]

    def settings(self, cell: Cell, world: World, target: PlannedTarget) -> Settings:
        """Make what a run is asked to do at a target, with the secrets of the environment."""
        own = {"folder": self.cell(cell), "tasks": self.tasks_path}
        settings = make_settings({**self.plan.options, **target.options, **own}, *world)
        return replace(settings, seed=cell.seed, shuffled=True, run_id=self.run_id(cell))


def make(wanted: Wanted, world: World, tell: Observer) -> Campaign:
    """Make and freeze a plan; write nothing where `battery run` would refuse what it says.

    Raises `UsageError`, and `ArtifactError` where the folder cannot be written.
    """
    folder = wanted.folder
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise FolderError(
            f"there is something in {folder} already, and a plan is made once",
            hint=f"name another folder with --output, or go on with: battery campaign run {folder}",
        )
    shared = {**deployments.shared(wanted.options), "folder": folder}
    named = deployments.named(wanted.options)
    deployed = [make_settings({**shared, **own}, *world) for own in named]
    for texts in (shared, *named):
        _refuse_secrets(texts)
    batteries = [prepare.new(BatteryDir(folder), settings) for settings in deployed]
    deployments.refuse_unfit(deployed)
    deployments.refuse_kept_memory(deployed[0], wanted.runs, reset=wanted.reset)
    battery, settings = batteries[0], deployed[0]
    deployments.tell_of_emptying(settings, tell)
    tasks, source = find_tasks(settings.tasks_path)
    planned = [
        PlannedTarget(
            targets=targets.names(own),
            options=dict(_named(texts, own)),
            digest=targets.digest(own),
            files=targets.file_digests(own),
        )
        for texts, own in zip(named, deployed, strict=True)
    ]
    plan = _plan(wanted, settings, battery.manifest, planned)
    for text in _too_little(plan.runs, plan.iterations):
        tell(Notice(text, warning=True))
    with _whole(folder) as draft:
        _copy_tasks(tasks, folder_of(source), draft / "tasks")
        require_usable(battery.tasks, draft / "tasks", "the copy of the tasks file")
        if scoring_digest(battery.tasks, draft / "tasks") != battery.manifest.scoring_digest:
            raise MismatchError(
                "a file of the checks changed while it was copied", hint="make the plan again"
            )
        (draft / "cells").mkdir()
        write_atomic(draft / PLAN_NAME, dump_record(plan))
        (draft / PLAN_NAME).chmod(0o444)
    return open_campaign(folder)


def is_in(folder: Path) -> bool:
    """Return whether a folder holds a campaign, and no battery."""
    return (folder / PLAN_NAME).exists()


def open_campaign(folder: Path, tell: Observer = lambda _event: None) -> Campaign:
    """Read a plan and hold the tasks next to it to what it says; raise `BatteryError`."""
    path = folder / PLAN_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise FolderError(
            f"there is no campaign in {folder}: {missing(folder, PLAN_NAME)}",
            hint="name the folder of one, or plan one: battery campaign plan",
        ) from error
    except OSError as error:
        raise cannot_read(path, error) from error
    try:
        plan = Plan.model_validate(jsonio.loads(data))
    except ValidationError as error:
        raise _no_plan(path, ShapeError.of(error)) from error
    except ValueError as error:
        raise _no_plan(path, ShapeError("", f"not JSON: {error}")) from error
    campaign = Campaign(folder, plan, hashlib.sha256(data).hexdigest())
    _require_planned(campaign, tell)
    return campaign


def _no_plan(path: Path, error: ShapeError) -> ArtifactError:
    return ArtifactError(f"{path} is not the plan of a campaign: {error}", hint=_RESTORE)


def _planned_tasks(path: Path) -> Tasks:
    try:
        return load_tasks(path)
    except TasksError as error:
        # Nobody named the file, so nobody can name another.
        raise TasksError(error.message, hint=_RESTORE) from error


def _require_planned(campaign: Campaign, tell: Observer) -> None:
    """Refuse other tasks than those that were planned; warn of other checks."""
    path, plan = campaign.tasks_path, campaign.plan
    tasks = limited(_planned_tasks(path), plan.options.get("limit"))
    if digest(tasks) != plan.tasks_digest:
        raise MismatchError(
            f"{path} is not what was planned: its digest differs from that in {PLAN_NAME}",
            hint=_RESTORE,
        )
    if scoring_digest(tasks, path.parent) != plan.scoring_digest:
        text = f"checks, their files or prices in {path.parent} are not those that were planned"
        tell(Notice(f"{text}; answers are graded by those that are there", warning=True))


def _too_little(runs: int, iterations: int) -> Iterator[str]:
    """Yield why a campaign of such a size can have no verdict on learning."""
    if runs < DEFAULT_RUNS:
        yield _FEW.format(runs, 2**runs)
    if iterations == 1:
        yield _ONCE


def _plan(
    wanted: Wanted, settings: Settings, manifest: Manifest, planned: list[PlannedTarget]
) -> Plan:
    seed = manifest.options.seed or 0
    return Plan(
        battery_version=__version__,
        made_at=now(),
        runs=wanted.runs,
        iterations=manifest.iterations_wanted,
        seed=seed,
        cells=[
            Cell(number=number, seed=_derived(seed, number)) for number in range(1, wanted.runs + 1)
        ],
        primary=wanted.primary,
        targets=planned,
        reset=wanted.reset,
        models=manifest.models,
        tasks_digest=manifest.tasks_digest,
        scoring_digest=manifest.scoring_digest,
        options=dict(_kept(wanted.options, settings)),
        max_tokens=settings.max_tokens,
        max_cost=settings.max_cost,
        lease_s=wanted.lease_s,
    )


def _derived(seed: int, number: int) -> int:
    """Derive the seed of a run: as far from that of the next run as any."""
    drawn = hashlib.sha256(jsonio.canonical([seed, number])).digest()
    return int.from_bytes(drawn[: _SEED_BITS // 8])


def _named(texts: Mapping[str, str], settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the options that name a deployment as a plan keeps them: valid from anywhere."""
    for name, text in texts.items():
        target = getattr(settings, name)
        yield name, text if target is None else target.url


def _kept(options: Mapping[str, Any], settings: Settings) -> Iterator[tuple[str, Any]]:
    """Yield the other options as a plan keeps them: with paths that hold from anywhere."""
    meter = {"meter": settings.meter.url} if settings.meter else {}
    labels = {{"tags": "tag"}.get(name, name): value for name, value in settings.labels.items()}
    for name, value in ({**deployments.shared(options), **meter, **labels}).items():
        if name not in _OF_THE_PLAN and value not in (None, False, []):
            yield name, str(value.absolute()) if isinstance(value, Path) else value


def _refuse_secrets(options: Mapping[str, Any]) -> None:
    named = [
        f"--{name.replace('_', '-')}"
        for name, value in options.items()
        if isinstance(value, str) and any(url_secrets(value))
    ]
    if named:
        raise UsageError(
            f"{listed(named)} {'carries' if len(named) == 1 else 'carry'} a user or a password, "
            "and a plan keeps no secrets",
            hint="give the URL alone, and set GATEWAY_TOKEN or GATEWAY_HEADERS where it is run",
        )


def _copy_tasks(tasks: Tasks, source: Path, folder: Path) -> None:
    """Copy a tasks file, and what its checks run."""
    folder.mkdir()
    TASKS.write(folder, tasks)
    for name in names_of_files(tasks):
        there = source / name
        # What is named from the root is where it is on every host, or it is not there.
        if Path(name).is_absolute() or not there.exists():
            continue
        if ".." in Path(name).parts:
            raise UsageError(
                f"a check runs {name}, which is not below the folder of the tasks file, so it "
                "cannot be copied with it",
                hint="move the file into the folder of the tasks file",
            )
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if there.is_dir():
            shutil.copytree(there, folder / name, dirs_exist_ok=True)
        else:
            shutil.copy2(there, folder / name)


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """Write a folder whole or not at all, under another name first."""
    draft = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name[:40]}.", dir=folder.parent))
        draft.chmod(0o755)
        yield draft
        # Only onto an empty folder: of two that make the same plan, one is refused.
        draft.rename(folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise ArtifactError(
            f"cannot write the campaign into {folder}: {error.strerror or error}",
            hint=f"{remedy_of(error)}, or name another folder with --output",
        ) from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def require_same_target(planned: PlannedTarget, settings: Settings, tell: Observer) -> None:
    """Refuse a target that says something else than planned; warn of edited files."""
    if targets.digest(settings) != planned.digest:
        raise MismatchError(
            f"{planned.targets['gateway']} no longer says what it said when the campaign was "
            "planned",
            hint="restore what it said, or make a plan of its own: battery campaign plan",
        )
    now = targets.file_digests(settings)
    for path, known in planned.files.items():
        if now.get(path) != known:
            text = f"{path} was edited since the campaign was planned"
            tell(Notice(f"{text}: the runs are not of one system", warning=True))
