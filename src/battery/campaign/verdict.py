"""What the runs of a campaign come to: read one after another, judged together, written down."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from battery.base.errors import BatteryError, FolderError, MismatchError, is_forbidden
from battery.base.numbers import counted
from battery.base.text import listed
from battery.campaign import deployments, finished
from battery.campaign import lease as leases
from battery.campaign.cell import battery_of
from battery.campaign.emptying import doubt
from battery.campaign.lease import DONE, state_of
from battery.campaign.plan import PLAN_NAME, Campaign
from battery.recorded import OpenedBattery, open_battery
from battery.recorded.run import all_findings, described, total
from battery.records.again import again
from battery.records.campaign import CampaignSummary, RunFindings
from battery.records.events import Notice, Observer
from battery.records.manifest import Manifest
from battery.records.plan import Cell, Plan
from battery.report.html.report import write_page
from battery.report.html.runs import page
from battery.report.markdown.runs import markdown
from battery.store.artifacts import REPORT, SUMMARY, SUMMARY_TEXT
from battery.store.battery_dir import BatteryDir
from battery.store.documents import dump_record
from battery.store.files import write_atomic
from battery.verdict.runs import assess_runs

#: Of the runs that are left, so many are named with why.
_NAMED: Final = 5


class NothingFinishedError(FolderError):
    """Report that no run of a campaign is finished, so that there is nothing to judge."""


def judge(campaign: Campaign) -> CampaignSummary:
    """Return the verdict over the finished runs of a campaign; raise `BatteryError`.

    Before all that were planned are finished there is no word, and the warnings say what is left.
    """
    plan, folder = campaign.plan, campaign.folder
    folders: dict[int, Path] = {}
    manifests: list[Manifest] = []
    warnings: list[str] = []
    for cell in plan.cells:
        if state_of(campaign.cell(cell)) in DONE:
            opened, manifest = _opened(campaign, cell)
            manifests.append(manifest)
            folders[cell.number] = opened.folder.root
            warnings += [f"run {cell.number}: {text}" for text in manifest.notes]
    runs = list(all_findings(list(folders.values()), list(map(str, folders))))
    if not runs:
        raise NothingFinishedError(
            f"no run of the campaign in {folder} is finished yet",
            hint=f"run it, or go on: battery campaign run {shlex.quote(str(folder))}",
        )
    return CampaignSummary(
        kind="campaign",
        name=plan.options.get("name"),
        note=plan.options.get("note"),
        tags=plan.options.get("tag", []),
        folder=str(folder),
        digest=campaign.registration,
        started_at=min(manifest.started_at for manifest in manifests),
        finished_at=max((m.finished_at for m in manifests if m.finished_at), default=None),
        tasks_digest=plan.tasks_digest,
        models=plan.models,
        targets=_targets(plan) if len(plan.targets) > 1 else manifests[0].targets,
        spent=total(runs),
        evidence=assess_runs(
            runs,
            planned=plan.runs,
            primary=plan.primary,
            folder=str(folder),
            again=list(_again(campaign, manifests[0])),
        ),
        warnings=[
            *_unlike(campaign, runs, manifests),
            *finished.doubts(campaign, folders),
            *filter(None, [doubt(campaign)]),
            *_left(campaign),
            *warnings,
        ],
    )


def _again(campaign: Campaign, first: Manifest) -> Iterator[str]:
    """Yield the options that plan the same again, of what one of its runs was."""
    plan, options = campaign.plan, first.options
    tasks = options.model_copy(update={"tasks": str(campaign.tasks_path)})
    yield from again(first.model_copy(update={"options": tasks})) or ()
    # The n-th of each kind belong together, and those of the run come first.
    for target in plan.targets:
        if target.targets != first.targets:
            for name, text in target.options.items():
                yield from (deployments.OPTIONS[name], text)
    if plan.reset:
        yield "--reset"
    if plan.options.get("keep_going"):
        yield "--keep-going"


def _targets(plan: Plan) -> dict[str, str]:
    """Name all deployments of a plan by what they are, without repetition."""
    names = dict.fromkeys(name for target in plan.targets for name in target.targets)
    return {
        name: ", ".join(
            dict.fromkeys(filter(None, (each.targets.get(name) for each in plan.targets)))
        )
        for name in names
    }


def _opened(campaign: Campaign, cell: Cell) -> tuple[OpenedBattery, Manifest]:
    """Open the battery of a run that is finished, and hold it to the plan."""
    folder = battery_of(campaign.cell(cell))
    if folder is None:
        raise FolderError(
            f"run {cell.number} is finished, and its battery is gone from {campaign.cell(cell)}",
            hint="restore the folder; a campaign is judged with all of its runs",
        )
    opened = open_battery(BatteryDir(folder))
    opened.require_complete()
    opened.require_whole()
    manifest = opened.provenance
    if not isinstance(manifest, Manifest) or manifest.run_id != campaign.run_id(cell):
        raise MismatchError(
            f"{folder} is not run {cell.number} of {campaign.folder / PLAN_NAME}",
            hint="restore the folder; a campaign is judged with its own runs alone",
        )
    return opened, manifest


def _unlike(
    campaign: Campaign, runs: Sequence[RunFindings], manifests: Sequence[Manifest]
) -> Iterator[str]:
    """Warn of runs that asked another system, or were graded otherwise, than the first."""
    first = _system(campaign, manifests[0])
    for run, manifest in zip(runs, manifests, strict=True):
        own = _system(campaign, manifest)
        both = dict.fromkeys([*first, *own])
        differs = [what for what in both if own.get(what) != first.get(what)]
        if differs:
            yield (
                f"run {run.name} differs from run {runs[0].name} in {listed(differs)}: the runs "
                "are not of one system"
            )


def _system(campaign: Campaign, manifest: Manifest) -> dict[str, str]:
    """Return what has to be the same in all runs of a campaign."""
    own = dict(described(manifest))
    # The tasks are the plan's, in an order of each run's own.
    del own["tasks"]
    for target in campaign.plan.targets:
        # Which of the planned deployments it was, makes it no other system.
        if (target.targets, target.digest) == (manifest.targets, manifest.options.target_digest):
            where = {"target_digest", *(f"targets.{name}" for name in target.targets)}
            return {what: value for what, value in own.items() if what not in where}
    return own


def _left(campaign: Campaign) -> Iterator[str]:
    """Say of the runs that are not finished how far each is."""
    left = [cell for cell in campaign.plan.cells if state_of(campaign.cell(cell)) not in DONE]
    for cell in left[:_NAMED]:
        yield f"run {cell.number} {_progress(campaign.cell(cell))}"
    if len(left) > _NAMED:
        yield f"{counted(len(left) - _NAMED, 'more run')} not finished"


def _progress(folder: Path) -> str:
    note = leases.read(folder, leases.latest(folder))
    if note is None:
        return "has not begun"
    if note.ended is None:
        return f"is under way, or its worker is gone (process {note.pid} on {note.host})"
    if note.why is None:
        return f"is {note.ended}"
    # What stopped it may begin with the same word.
    return f"is {note.ended}: {note.why.removeprefix(f'{note.ended}; ')}"


def report_path(campaign: Campaign) -> Path:
    """Return where the report of a campaign is."""
    return campaign.folder / REPORT.name


def write(campaign: Campaign, summary: CampaignSummary, tell: Observer) -> None:
    """Write what the runs come to into the folder of the campaign; raise `BatteryError`.

    A folder that may only be read is no error: what is there can be computed again at any time.
    """
    try:
        write_atomic(campaign.folder / SUMMARY.name, dump_record(summary))
        write_atomic(campaign.folder / SUMMARY_TEXT.name, markdown(summary).encode())
        write_page(path := report_path(campaign), page(summary, path))
    except BatteryError as error:
        if not is_forbidden(error):
            raise
        tell(Notice(f"nothing is written: {error.message}", warning=True))
