"""Run a battery, go on with one, add an iteration to one, or say what a run would ask."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Container, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from battery.base import interrupts, loop
from battery.base.clock import left_out, now
from battery.base.errors import (
    BatteryError,
    InterruptedRunError,
    LostFolderError,
    LostLeaseError,
    PausedError,
)
from battery.base.numbers import duration
from battery.grading import Grader
from battery.inputs.settings import Settings
from battery.protocol import Json
from battery.recorded import open_battery
from battery.recorded.summary import summary_of
from battery.records.checks import Checked
from battery.records.events import Event, Notice, Observer, Outlook, Plan
from battery.records.manifest import Manifest
from battery.records.models import LEARN, Phase, Task
from battery.records.stages import CallKey
from battery.records.summary import Summary
from battery.runner import preflight, prepare
from battery.runner.budget import Budget
from battery.runner.emptying import empty_memories
from battery.runner.estimate import estimate
from battery.runner.hold import Hold
from battery.runner.iteration import Iteration
from battery.runner.prepare import Battery
from battery.runner.regrade import score_again
from battery.runner.stopping import advise, go_on, mark
from battery.runner.summarize import rehearse, write_summary
from battery.store.battery_dir import BatteryDir
from battery.store.files import Reserve, make_folder
from battery.store.iteration_dir import IterationDir
from battery.store.journal import Journal
from battery.target import targets
from battery.target.system import Chatting, Connection, Worker, is_learner

#: By the lock of the folder.
_ALONE: Final = Hold()


async def run(settings: Settings, tell: Observer, hold: Hold = _ALONE) -> Summary:
    """Run a battery from the start, or with `settings.resume` from where it stopped.

    Raises `BatteryError`; whatever finished before is on disk.
    """
    folder = BatteryDir(settings.folder)
    if settings.resume:
        # Looked at before the lock, which would make the folder.
        if not folder.has_manifest():
            raise prepare.unknown(folder, "run --resume")

        with hold.folder(folder.root, tell):
            return await _carry_on(prepare.resumed(folder, settings, tell), tell, hold)
    # What is refused here leaves no folder behind.
    battery = prepare.new(folder, settings)
    with hold.folder(folder.root, tell):
        looked = await _clear(battery, tell)
        preflight.warn_of_earlier(battery, tell)
        return await _carry_on(battery, tell, hold, looked)


async def iterate(settings: Settings, tell: Observer) -> Summary:
    """Add one iteration to a finished battery, with the tasks, targets and arms it had."""
    folder = BatteryDir(settings.folder)
    if not folder.has_manifest():
        raise prepare.unknown(folder, "iterate")

    with _ALONE.folder(folder.root, tell):
        return await _carry_on(prepare.iterated(folder, settings, tell), tell, _ALONE)


def dry_run(settings: Settings, tell: Observer) -> Outlook:
    """Return what `run` would ask; call nobody, write nothing, lock nothing.

    Refuses what `run` would refuse, but for what only a call or a write can tell.
    """
    folder = BatteryDir(settings.folder)
    if settings.resume:
        battery, there = prepare.resumed(folder, settings, tell), True
    else:
        battery = prepare.new(folder, settings)
        there = prepare.finished_there(folder) is not None
        if settings.seed is None:
            seed = battery.manifest.options.seed
            tell(Notice(f"drew the seed {seed}; --seed {seed} uses the order shown"))
    schedule, manifest = battery.schedule, battery.manifest
    finished, wanted = manifest.iterations_finished, manifest.iterations_wanted
    _tell_of_siblings(battery, tell)
    # What a finished battery in the folder had on record would be archived with it.
    recorded = _recorded(battery) if settings.resume else ()
    calls = list(schedule.left(finished, wanted, recorded))
    return Outlook(
        plan=schedule.plan(finished, wanted, recorded),
        seed=schedule.seed,
        calls=calls,
        estimate=estimate(calls, battery.tasks, folder if there else None),
    )


def _recorded(battery: Battery) -> Container[CallKey]:
    """Return the calls of the iteration that is next, as far as they are on disk."""
    files = battery.folder.iteration(battery.manifest.iterations_finished + 1)
    return Journal(files.journal) if files.has_calls() else ()


async def _clear(battery: Battery, tell: Observer) -> list[Event] | None:
    """Move a finished battery out of the way, and remove one that never made a call.

    Returns what a look at the target had to say, where one was needed. Refuses to touch anything
    else, and to make room for a battery that cannot begin.
    """
    folder = battery.folder
    opened = prepare.finished_there(folder)
    if opened is None:
        folder.discard()
        return None
    looked = await _look(battery.settings)
    target = folder.archive(opened.provenance)
    text = f"the finished battery in {folder.root} was moved to {target}"
    # Not to be missed with --quiet: what was there a moment ago is now elsewhere.
    tell(Notice(text, warning=True))
    return looked


async def _look(settings: Settings) -> list[Event]:
    """Look whether everybody is there who will be asked; raise `CallError`.

    Returns what there is to say of it once the battery begins.
    """

    def mute(_event: Event) -> None:
        """Say nothing: targets are opened once more."""

    said: list[Event] = []
    # Memories of no account: the real ones are where they are looked for later.
    with tempfile.TemporaryDirectory(prefix="battery-") as scratch:
        async with _opened(settings, BatteryDir(Path(scratch)), mute) as (workers, team, reviewing):
            await preflight.require_there(workers[0], team, reviewing, settings, said.append)
    return said


@asynccontextmanager
async def _opened(
    settings: Settings, folder: BatteryDir, tell: Observer, asked: targets.Asked | None = None
) -> AsyncIterator[tuple[Sequence[Worker], Connection, Chatting]]:
    """Open whom the workers ask, who is asked to distill, and who reviews."""
    async with (
        targets.opened(settings, folder, tell, asked) as workers,
        targets.learning_side(settings, workers) as team,
        targets.reviewing_side(settings, workers) as reviewing,
    ):
        yield workers, team, reviewing


@asynccontextmanager
async def _asking(
    battery: Battery, grader: Grader, tell: Observer, looked: list[Event] | None
) -> AsyncIterator[Callable[..., Iteration]]:
    """Open the targets, and yield what makes iterations that ask them.

    `looked` is what a look at them had to say, where somebody had one already: a system that
    battery starts may take a minute to come up.
    """
    settings, manifest = battery.settings, battery.manifest

    async def judge(task: Task, answer: Json) -> Checked | None:
        # By its checks alone: which phase a task is of, and so what is expected, is not said.
        return await asyncio.to_thread(grader.grade, task, Phase.ALPHA, answer)

    asked = targets.Asked(
        workers=manifest.options.concurrency,
        tasks=battery.tasks,
        judge=judge,
        run_id=manifest.run_id,
    )
    opened = _opened(settings, battery.folder, tell, asked)
    async with opened as (workers, llm_team, reviewing):
        if looked is None:
            await preflight.require_there(workers[0], llm_team, reviewing, settings, tell)
        for event in looked or ():
            tell(event)
        await _put_memory_back(battery, workers)
        yield partial(
            Iteration,
            schedule=battery.schedule,
            models=battery.tasks.models,
            workers=workers,
            llm_team=llm_team,
            reviewing=reviewing,
            settings=settings,
            tell=tell,
            grader=grader,
            first_answer=preflight.FirstAnswer(
                tell, compares=not (settings.keep_going or battery.folder.has_calls())
            ),
        )


async def _put_memory_back(battery: Battery, workers: Sequence[Worker]) -> None:
    """Have the system go on from the memory that belongs to the last call on record."""
    system = workers[0][LEARN]
    if is_learner(system):
        folder = battery.folder
        journals = (Journal(folder.iteration(number).journal) for number in folder.numbers())
        await system.put_back([journal.memory for journal in journals if journal.memory])


async def _carry_on(
    battery: Battery, tell: Observer, hold: Hold, looked: list[Event] | None = None
) -> Summary:
    """Run the iterations that are missing; keep the manifest true whatever happens."""
    folder, manifest, settings = battery.folder, battery.manifest, battery.settings
    if battery.rescored:
        score_again(battery, tell)
    if manifest.state == "finished":
        return _nothing_left(battery, tell)
    missing = range(manifest.iterations_finished + 1, manifest.iterations_wanted + 1)
    _begin(battery, missing, tell)
    reserve, grader = Reserve(folder.root), Grader(battery.checks_folder)
    budget = Budget(settings.max_tokens, settings.max_cost, folder.pricing, tell, hold.others)
    journal_of = partial(_journal, manifest.run_id, reserve, budget, hold)
    journals: dict[int, Journal] = {}
    try:
        reserve.claim()
        budget.read(folder, manifest.iterations_finished)
        # Before the targets are opened: what it leaves is the start of both arms.
        if not hold.empties:
            await empty_memories(battery, tell)
        async with _asking(battery, grader, tell, looked) as iteration:
            for number in missing:
                with loop.breakable(), _standstill_noted(tell):
                    journals[number] = await _run_iteration(
                        iteration, folder, number, budget, journal_of
                    )
                manifest = manifest.model_copy(update={"iterations_finished": number})
                folder.write_manifest(manifest)
                if settings.summaries and number < manifest.iterations_wanted:
                    # The page comes at the end: drawing it each time would take longer and longer.
                    _summed_up(folder, journals, report=False)
        # The last files may need the room.
        reserve.release()
        return _finish(battery, manifest, journals)
    # From here on no signal may spoil it: a manifest left at `running` reads as a process at work.
    except (asyncio.CancelledError, KeyboardInterrupt):
        interrupts.closing()
        mark(folder, manifest, "interrupted")
        raise InterruptedRunError(
            "interrupted; everything that finished is on disk", hint=go_on(folder, hold)
        ) from None
    except PausedError as error:
        interrupts.closing()
        mark(folder, manifest, "paused")
        raise _paused(error, replace(battery, manifest=manifest), hold) from None
    # What is there now may be another battery, and is not to be touched.
    except (LostFolderError, LostLeaseError):
        raise
    # Also for a fault of this program.
    except BaseException as error:
        interrupts.closing()
        mark(folder, manifest, "failed", error)
        if isinstance(error, BatteryError):
            advise(error, folder, hold)
        raise
    finally:
        # First, as a check may still be at work in a thread.
        grader.close()
        reserve.release()


def _nothing_left(battery: Battery, tell: Observer) -> Summary:
    folder, labels = battery.folder, battery.settings.labels
    if labels:
        folder.write_manifest(battery.manifest.model_copy(update=labels))
    tell(Notice("nothing is left to do"))
    return _summed_up(folder, {}, report=True)


def _paused(error: PausedError, battery: Battery, hold: Hold) -> PausedError:
    """Add to a pause how far the battery came, and how it goes on."""
    plan, finished = _plan(battery), battery.manifest.iterations_finished
    wanted = plan.iterations
    came = f"{finished} of {wanted} iterations and {plan.on_disk:,} of {plan.calls:,} calls"
    return PausedError(
        f"{error.message}; {came} are done", hint=f"{go_on(battery.folder, hold)} {error.hint}"
    )


def _begin(battery: Battery, missing: range, tell: Observer) -> None:
    """Do before the first call all that needs none."""
    folder, manifest = battery.folder, battery.manifest
    rehearse(folder, missing)
    # What is paid for without a manifest could not be resumed.
    folder.write_manifest(manifest)
    if not folder.has_tasks():
        folder.write_tasks(battery.tasks)
    preflight.introduce(battery, tell)
    _tell_of_siblings(battery, tell)
    tell(_plan(battery))


def _tell_of_siblings(battery: Battery, tell: Observer) -> None:
    if short := battery.schedule.runs_short(battery.manifest.iterations_wanted):
        tell(Notice(short))


def _plan(battery: Battery) -> Plan:
    manifest = battery.manifest
    finished, wanted = manifest.iterations_finished, manifest.iterations_wanted
    return battery.schedule.plan(finished, wanted, _recorded(battery))


# All answers are on disk by now, so a signal may end this at once, and `_finish` as well.
@interrupts.at_once()
def _summed_up(folder: BatteryDir, journals: Mapping[int, Journal], *, report: bool) -> Summary:
    return write_summary(replace(open_battery(folder), written=journals), report=report)


@interrupts.at_once()
def _finish(battery: Battery, manifest: Manifest, journals: Mapping[int, Journal]) -> Summary:
    folder = battery.folder
    manifest = manifest.model_copy(update={"state": "finished", "finished_at": now()})
    # Finished before the page is drawn: no answer that it cannot draw may hold the battery up.
    opened = replace(open_battery(folder), provenance=manifest, written=journals)
    if not battery.settings.summaries:
        folder.write_manifest(manifest)
        return summary_of(opened, report=False)
    return write_summary(opened, report=True, then=partial(folder.write_manifest, manifest))


@contextmanager
def _standstill_noted(tell: Observer) -> Iterator[None]:
    """Say afterwards for how long this process could not see the answers."""
    before = left_out()
    yield
    if seconds := left_out() - before:
        text = f"this process was stopped for {duration(seconds)}"
        tell(Notice(f"{text}; that time counts in no call, and timeouts were extended by it"))


def _journal(
    run_id: str, reserve: Reserve, budget: Budget, hold: Hold, files: IterationDir
) -> Journal:
    return Journal(files.journal, reserve, budget.add, hold.require, f"{run_id}/{files.number}")


async def _run_iteration(
    iteration: Callable[..., Iteration],
    folder: BatteryDir,
    number: int,
    budget: Budget,
    journal_of: Callable[[IterationDir], Journal],
) -> Journal:
    """Run an iteration; return its journal, which is closed by then."""
    files = folder.iteration(number)
    if not files.root.exists():
        # An iteration counts as begun by its folder.
        budget.require()
    make_folder(files.root)
    with journal_of(files) as journal:
        earlier = [folder.iteration(before) for before in range(1, number)]
        await iteration(files=files, journal=journal, budget=budget, earlier=earlier).run()
    return journal
