"""How far the runs of a campaign are, from any host that sees its folder.

Only reads, and of a run that is not finished only small files: a look costs the same however many
calls are on record. What a worker has spent it writes down itself, mostly within a second.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from battery.base.errors import ArtifactError, BatteryError, PausedError
from battery.base.numbers import counted
from battery.campaign import lease as leases
from battery.campaign import spent as spending
from battery.campaign.cell import battery_of
from battery.campaign.lease import Note, Timing, Watch
from battery.campaign.plan import Campaign
from battery.campaign.spent import Caps
from battery.campaign.targets import states_of_targets
from battery.inputs.tasks import limited, load_tasks
from battery.inputs.tasks import plan as planned_tasks
from battery.records.manifest import Manifest
from battery.records.models import FROZEN, LEARN, Arm
from battery.records.plan import Cell
from battery.records.status import CampaignStatus, RunState, RunStatus, RunWorker
from battery.records.word import Word
from battery.report.measured import ratio_so_far
from battery.runner.schedule import Schedule
from battery.store.artifacts import SUMMARY
from battery.store.battery_dir import BatteryDir


class _Held(NamedTuple):
    """What the lease of a run says."""

    epoch: int
    state: RunState
    note: Note | None = None

    @property
    def worker(self) -> RunWorker | None:
        note = self.note
        if note is None:
            return None
        return RunWorker(pid=note.pid, host=note.host, alive=leases.is_alive(note))


class _Came(NamedTuple):
    """How far a run came, and what it found until then."""

    folder: Path | None = None
    target: int | None = None
    finished: int = 0
    word: Word | None = None
    effect: float | None = None


class Observation:
    """What is known of a campaign from one look to the next.

    A worker of another host is known to be silent only when its lease has not changed for as long
    as it lasts, between two looks: no clocks of two hosts are compared.
    """

    def __init__(
        self, campaign: Campaign, timing: Timing | None = None, caps: Caps | None = None
    ) -> None:
        """Begin to look at a campaign; raise `BatteryError` where its tasks cannot be read.

        `caps` are those that hold; without them those of the plan do.
        """
        plan = campaign.plan
        self._campaign = campaign
        self._caps = caps or Caps(plan.max_tokens, plan.max_cost)
        self._watch = Watch(timing or Timing(plan.lease_s))
        self._calls = _calls_of_a_run(campaign)
        #: Runs that have come to their end, which are not looked at again.
        self._over: dict[int, RunStatus] = {}
        #: By battery, the iterations that were finished, and the effect that the last one showed.
        self._effects: dict[Path, tuple[int, float | None]] = {}

    def look(self) -> CampaignStatus:
        """Return how far everything is now; raise `BatteryError` where that cannot be read."""
        campaign, plan = self._campaign, self._campaign.plan
        runs = [self._over.get(cell.number) or self._run(cell) for cell in plan.cells]
        self._over = {run.number: run for run in runs if run.is_over}
        tokens = [run.tokens for run in runs if run.tokens is not None]
        costs = [run.cost_usd for run in runs if run.cost_usd is not None]
        status = CampaignStatus(
            name=plan.options.get("name"),
            folder=str(campaign.folder),
            digest=campaign.registration,
            iterations=plan.iterations,
            lease_s=plan.lease_s,
            planned=plan.runs,
            done=len(self._over),
            calls=sum(run.calls for run in runs),
            calls_planned=sum(run.calls_planned for run in runs),
            tokens=sum(tokens) if tokens else None,
            max_tokens=self._caps.max_tokens,
            cost_usd=sum(costs) if costs else None,
            max_cost=self._caps.max_cost,
            next="",
            runs=runs,
            targets=states_of_targets(campaign),
        )
        return status.model_copy(update={"next": shlex.join(_next(status))})

    def _run(self, cell: Cell) -> RunStatus:
        folder = self._campaign.cell(cell)
        held = self._held(folder)
        came = self._came(folder, held.state)
        spent = spending.read(folder)
        iterations = self._campaign.plan.iterations
        # Folders that were copied without it: a finished run has made every call.
        calls = spent.calls or (self._calls if held.state == "finished" else 0)
        is_over = held.state in leases.DONE
        return RunStatus(
            number=cell.number,
            state=held.state,
            epoch=held.epoch,
            worker=held.worker,
            why=held.note.why if held.note else None,
            target=came.target,
            folder=str(came.folder) if came.folder else None,
            iterations=iterations,
            iterations_finished=min(came.finished, iterations),
            calls=calls,
            calls_planned=calls if is_over else max(self._calls, calls),
            tokens=spent.tokens or None,
            cost_usd=spent.cost or None,
            word=came.word,
            effect=came.effect,
        )

    def _held(self, folder: Path) -> _Held:
        epoch = leases.latest(folder)
        if not epoch:
            return _Held(0, "waiting")
        # Asked before the note is read: whoever left in between is not silent.
        is_free = self._watch.is_free(folder)
        note = leases.read(folder, epoch)
        if note and note.ended:
            return _Held(epoch, note.ended, note)
        return _Held(epoch, "silent" if is_free else "running", note)

    def _came(self, folder: Path, state: RunState) -> _Came:
        root = battery_of(folder)
        manifest = _manifest(root) if root else None
        if root is None or manifest is None:
            return _Came(word=Word.INVALID if state == "invalid" else None)
        finished = manifest.iterations_finished
        came = _Came(root, self._campaign.plan.number_of(manifest.targets), finished)
        if state == "invalid":
            return came._replace(word=Word.INVALID)
        if state == "finished":
            word, effect = _found(root)
            return came._replace(word=word, effect=effect)
        return came._replace(effect=self._so_far(root, finished))

    def _so_far(self, root: Path, finished: int) -> float | None:
        # In the first iteration nothing was learned yet.
        if finished > 1 and self._effects.get(root, (0, None))[0] != finished:
            iteration = BatteryDir(root).iteration(finished)
            try:
                twin = iteration.twin_metrics()
                self._effects[root] = finished, ratio_so_far(iteration.read_metrics(), twin)
            except ArtifactError as error:
                _require_moved(error)
        return self._effects.get(root, (0, None))[1]


def follow(
    observation: Observation,
    show: Callable[[CampaignStatus], object],
    *,
    wait: bool,
    pause: Callable[[], None],
    timing: Timing,
) -> CampaignStatus:
    """Show how far a campaign is until it has come to its end; return how it is then.

    `pause` is what to do between two looks. Without `wait` it is a `BatteryError` where no run has
    been under way for the length of a lease.
    """
    last_at = timing.clock()
    while True:
        status = observation.look()
        show(status)
        if status.is_over:
            return status
        if status.counts["running"]:
            last_at = timing.clock()
        elif not wait and timing.clock() - last_at >= timing.lease_s:
            raise _stopped(status)
        pause()


@contextmanager
def observed(
    observation: Observation, show: Callable[[CampaignStatus], object], pause_s: float
) -> Iterator[None]:
    """Show how far a campaign is within the block, every so many seconds and at its end."""
    over = Event()

    def look() -> None:
        # Whoever runs the campaign says what is wrong with its folder, and better.
        with suppress(BatteryError, OSError):
            show(observation.look())

    def look_again() -> None:
        look()
        while not over.wait(pause_s):
            look()

    thread = Thread(target=look_again, name="campaign status", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        look()


def _stopped(status: CampaignStatus) -> BatteryError:
    made = PausedError if status.counts["paused"] else BatteryError
    come = f"{status.done} of {counted(status.planned, 'run')} are finished"
    return made(
        f"nobody works on the campaign in {status.folder} any more; {come}",
        hint=f"go on with: {status.next}",
    )


def _calls_of_a_run(campaign: Campaign) -> int:
    """Count the calls of each run; no order of the tasks makes a difference."""
    plan = campaign.plan
    tasks = limited(load_tasks(campaign.tasks_path), plan.options.get("limit"))
    has_twin = "control" in plan.targets[0].targets
    arms: tuple[Arm, ...] = (LEARN, FROZEN) if has_twin else (LEARN,)
    schedule = Schedule(planned_tasks(tasks), arms, plan.options.get("repeats") or 1)
    return schedule.plan(0, plan.iterations, ()).calls


def _manifest(root: Path) -> Manifest | None:
    """Read the manifest of a run; None before there is one, and while the run is taken over."""
    try:
        return BatteryDir(root).read_manifest()
    except ArtifactError as error:
        _require_moved(error)
        return None


def _require_moved(error: ArtifactError) -> None:
    """Raise an error again, unless a file is missing: who takes over a run moves its folder."""
    if not isinstance(error.__cause__, FileNotFoundError):
        raise error


def _found(root: Path) -> tuple[Word | None, float | None]:
    """Read the word and the effect of a finished run; None of what its summary does not say."""
    try:
        summary = SUMMARY.find(root)
    except ArtifactError:
        # Of another version or broken: the verdict reads the runs themselves.
        return None, None
    evidence = summary.evidence if summary else None
    if evidence is None:
        return None, None
    group = evidence.group("all")
    return evidence.verdict, group.ratio if group and evidence.trusted else None


def _next(status: CampaignStatus) -> Iterator[str]:
    """Yield the words of the command to give next."""
    yield from ("battery", "campaign")
    counts = status.counts
    if status.is_over:
        yield from ("verdict", status.folder)
    elif counts["running"]:
        yield from ("status", status.folder, "--follow")
    else:
        yield from ("run", status.folder)
        if status.max_tokens is not None and (status.tokens or 0) >= status.max_tokens:
            yield from ("--max-tokens", "N")
        if status.max_cost is not None and (status.cost_usd or 0) >= status.max_cost:
            yield from ("--max-cost", "N")
