"""Redo the chat stages of one iteration, or one of them, from saved artifacts."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from battery.base import interrupts, loop
from battery.base.errors import FolderError, UsageError
from battery.inputs.settings import Settings
from battery.inputs.tasks import PACKAGED, find_tasks
from battery.recorded import OpenedBattery, open_battery
from battery.records.events import Notice, Observer
from battery.records.manifest import Manifest
from battery.records.models import ReviewOutcome
from battery.records.stages import CHAT_STAGES, ChatStage
from battery.runner.reviewer import Reviewer, write_metrics
from battery.runner.summarize import rehearse, write_summary
from battery.store.battery_dir import BatteryDir
from battery.store.files import Reserve
from battery.store.iteration_dir import IterationDir
from battery.store.journal import Journal
from battery.store.lock import locked
from battery.target import targets
from battery.target.system import Chatting, Worker


async def review(
    settings: Settings, number: int | None, only: str | None, tell: Observer
) -> ReviewOutcome:
    """Ask again and keep the older texts; `number` None is the last complete iteration.

    `only` is the role of the one chat stage to redo; None redoes all of them. Works in folders of
    the original battery too. Raises `BatteryError`.
    """
    folder = BatteryDir(settings.folder)
    files = _choose(folder, number)
    stages = [stage for stage in CHAT_STAGES if only in {None, stage.role}]
    # Before the lock and before any call, so that a refusal costs nothing.
    _require_answers(files, stages)
    with locked(folder.root, tell), loop.breakable():
        opened = open_battery(folder)
        # Nobody is asked for a task, so there is nothing for a second arm to do.
        settings = replace(settings, no_control=True)
        if isinstance(opened.provenance, Manifest):
            settings = targets.from_manifest(settings, opened.provenance)
        # The prompt reads this file, which an older program may have written otherwise or not at
        # all.
        write_metrics(files)
        rehearse(folder, [files.number])
        settings = replace(settings, run_id=opened.provenance.run_id)
        await _ask(files, _model(opened, settings, tell), settings, stages, tell)
        write_summary(opened, report=True)
    return ReviewOutcome(
        iteration=files.number,
        proposals=files.read_proposals() or [],
        verdicts=files.read_verdicts(),
        artifacts=[str(path.relative_to(folder.root)) for path in files.listing()],
    )


def _model(opened: OpenedBattery, settings: Settings, tell: Observer) -> str:
    """Return the battery's large model; of one without a manifest, the user may know better."""
    recorded = opened.provenance.models
    chosen = settings.tasks_path is not None and not isinstance(opened.provenance, Manifest)
    if recorded and not chosen:
        return recorded.overseer_cloud
    tasks, source = find_tasks(settings.tasks_path)
    model = tasks.models.overseer_cloud
    if not chosen:
        where = f"that of {source} tasks" if source == PACKAGED else f"that of {source}"
        tell(Notice(f"the battery's own model is not recorded: asking {model}, {where}"))
    return model


async def _ask(
    files: IterationDir, model: str, settings: Settings, stages: Sequence[ChatStage], tell: Observer
) -> None:
    reserve = Reserve(files.root.parent)
    # A folder of the original script names no run.
    name = f"{settings.run_id}/{files.number}" if settings.run_id else None
    try:
        reserve.claim()
        with (
            # A chat teaches nothing, so the embedded gateway's memory is left alone.
            tempfile.TemporaryDirectory(prefix="battery-") as memory,
            Journal(files.journal, reserve, name=name) as journal,
        ):
            async with _reviewing(settings, BatteryDir(Path(memory)), tell) as system:
                reviewer = Reviewer(files, journal, system, model, settings, tell, redo=True)
                for stage in stages:
                    await reviewer.ask(stage)
    finally:
        reserve.release()
    for text in _outdated(files, stages):
        tell(Notice(text, warning=True))


@asynccontextmanager
async def _reviewing(
    settings: Settings, scratch: BatteryDir, tell: Observer
) -> AsyncIterator[Chatting]:
    """Open whom to ask; the target is not started where somebody else reviews."""
    async with AsyncExitStack() as stack:
        workers: Sequence[Worker] = ()
        if settings.reviewer is None:
            tell(Notice(f"asking the system itself: {targets.described(settings)['target']}"))
            workers = await stack.enter_async_context(targets.opened(settings, scratch, tell))
        yield await stack.enter_async_context(targets.reviewing_side(settings, workers))


def _require_answers(files: IterationDir, stages: Sequence[ChatStage]) -> None:
    """Refuse to redo a stage that reads an answer nobody has given; raise `FolderError`."""
    for stage in stages:
        for read in stage.reads:
            if read not in stages and files.read_answer(read.file) is None:
                raise FolderError(
                    f"{files.root} holds no {read.file}, which --only {stage.role} needs",
                    hint="leave out --only to write one first",
                )


def _outdated(files: IterationDir, redone: Sequence[ChatStage]) -> Iterator[str]:
    """Yield which answers are still about the older texts."""
    for stage in CHAT_STAGES:
        if stage in redone or files.read_answer(stage.file) is None:
            continue
        for read in stage.reads:
            if read in redone:
                again = f"redo it with --only {stage.role}"
                yield f"{stage.file} is still about the older {read.noun}; {again}"


@interrupts.at_once()
def _choose(folder: BatteryDir, number: int | None) -> IterationDir:
    opened = open_battery(folder)
    opened.require_complete()
    complete = {step.number: step for step in opened.steps}
    number = number or max(complete)
    if number not in complete:
        there = ", ".join(map(str, complete))
        raise UsageError(
            f"{folder.root} holds no complete iteration {number}", hint=f"complete are: {there}"
        )
    return complete[number]
