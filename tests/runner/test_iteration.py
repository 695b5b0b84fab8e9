"""An iteration asks everything once, in order, and each answer is on disk before the next call."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import BatteryError, BrokenAnswerError, CallError
from battery.grading import Grader
from battery.inputs.settings import Settings, Target
from battery.inputs.tasks import PlannedTask, load_tasks, plan
from battery.records.events import Event, IterationFinished, StageStarted, TaskFinished, TaskStarted
from battery.records.models import FROZEN, LEARN, Arm, Models, Run, Task
from battery.runner.iteration import Iteration, ask_all
from battery.runner.schedule import Schedule
from battery.store.battery_dir import BatteryDir
from battery.store.journal import Journal
from battery.target.http import Client, open_clients
from battery.target.system import RespondReply
from tests.support import notes
from tests.support.commands import environment, write_tasks
from tests.support.gateway import Gateway

pytestmark = pytest.mark.slow


@pytest.fixture
def planned(tmp_path: Path) -> list[PlannedTask]:
    return plan(load_tasks(write_tasks(tmp_path / "tasks.json", 3)))


def ask(
    gateway: Gateway,
    planned: list[PlannedTask],
    workers: int,
    tmp_path: Path,
    on_error: Callable[[], None] = lambda: None,
) -> list[str]:
    """Ask all tasks and return the labels in the order of finishing."""
    models = load_tasks(tmp_path / "tasks.json").models
    finished: list[str] = []

    async def one(client: Client, entry: PlannedTask) -> None:
        try:
            await client.respond(entry.task, models, 60)
        except CallError:
            on_error()
            raise
        finished.append(entry.label)

    async def everything() -> None:
        async with open_clients(Target(gateway.url), workers) as clients:
            await ask_all([[entry] for entry in planned], clients, one)

    try:
        asyncio.run(everything())
    except CallError as error:
        finished.append(type(error).__name__)
    return finished


def test_one_client_asks_strictly_in_order(
    gateway: Gateway, planned: list[PlannedTask], tmp_path: Path
) -> None:
    assert ask(gateway, planned, 1, tmp_path) == [entry.label for entry in planned]
    assert list(gateway.count()) == [entry.label for entry in planned]


@pytest.mark.parametrize("workers", [2, 5, 20])
def test_several_clients_ask_each_task_exactly_once(
    workers: int, gateway: Gateway, planned: list[PlannedTask], tmp_path: Path
) -> None:
    assert sorted(ask(gateway, planned, workers, tmp_path)) == [entry.label for entry in planned]
    assert set(gateway.count().values()) == {1}


def test_a_unit_is_one_workers_own_and_an_error_ends_it() -> None:
    done: list[str] = []

    async def one(worker: str, call: str) -> None:
        done.append(worker + call)
        await asyncio.sleep(0)
        if call == "c":
            raise BatteryError("broken")

    async def everything() -> None:
        await ask_all(["ab", "cd", "ef"], ["1", "2"], one)

    with pytest.raises(BatteryError, match="broken"):
        asyncio.run(everything())
    assert done == ["1a", "2c", "1b"], "d would follow an error, and so would ef"


def test_as_many_calls_are_under_way_as_there_are_clients(
    gateway: Gateway, planned: list[PlannedTask], tmp_path: Path
) -> None:
    together = threading.Barrier(3, timeout=60)

    def meet(_path: str, _body: dict[str, Any]) -> None:
        together.wait()

    gateway.before = meet
    ask(gateway, planned, 3, tmp_path)
    assert not together.broken


def test_after_an_error_no_further_call_goes_out_but_those_under_way_finish(
    gateway: Gateway, planned: list[PlannedTask], tmp_path: Path
) -> None:
    failed = threading.Event()

    def break_first(_path: str, body: dict[str, Any]) -> None:
        if body["operation"] == planned[0].label:
            raise ConnectionError
        # The other answer comes only when the first has failed for good.
        assert failed.wait(60)

    gateway.before = break_first
    outcome = ask(gateway, planned, 2, tmp_path, failed.set)
    assert outcome == [planned[1].label, "BrokenAnswerError"]
    assert len(gateway.requests) == 2


def test_the_first_call_loads_nothing_that_would_add_to_its_elapsed_time(
    gateway: Gateway, tmp_path: Path
) -> None:
    """An import inside the first call would make every later iteration look faster."""
    write_tasks(tmp_path / "tasks.json", 1)
    code = f"""
import asyncio, pathlib, sys
from battery.target.http import open_clients
from battery.inputs.settings import Target
from battery.inputs.tasks import load_tasks
tasks = load_tasks(pathlib.Path("tasks.json"))
async def first():
    async with open_clients(Target({gateway.url!r}), 1) as clients:
        before = set(sys.modules)
        await clients[0].respond(tasks.phases.alpha_baseline[0], tasks.models, 10)
        print(*sorted(set(sys.modules) - before))
asyncio.run(first())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment(),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == []
    assert len(gateway.requests) == 1


# A whole iteration, answered in this process


class Agent(notes.Agent):
    """Fails the operations that it is told to fail, and looks into the journal at every call."""

    failing: frozenset[str] = frozenset()
    journal: Path

    async def respond(self, task: Task, models: Models, timeout_s: float) -> RespondReply:
        # What came back before this call is on disk by now.
        lines = self.journal.read_bytes().splitlines() if self.journal.exists() else []
        assert len(lines) == len(notes.CALLS)
        answer, result, _ = await super().respond(task, models, timeout_s)
        status = "failed" if task.operation in self.failing else result.status
        return RespondReply.of({**answer, "status": status}, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[BatteryDir]:
    write_tasks(tmp_path / "tasks.json", 2)
    notes.CALLS.clear()
    yield BatteryDir(tmp_path)
    notes.CALLS.clear()
    notes.BROKEN.clear()


def iterate(
    folder: BatteryDir, number: int = 1, *, repeats: int = 1, failing: frozenset[str] = frozenset()
) -> list[Event]:
    """Run one iteration with both arms; return what was told."""
    tasks = folder.read_tasks()
    assert tasks
    told: list[Event] = []
    files = folder.iteration(number)
    files.root.mkdir(exist_ok=True)
    arms: tuple[Arm, ...] = (LEARN, FROZEN)
    agents = {arm: Agent(arm, folder.memory(arm)) for arm in arms}
    for agent in agents.values():
        agent.failing, agent.journal = failing, files.journal
    notes.CALLS.clear()
    with Grader(folder.root) as grader, Journal(files.journal) as journal:
        # A resumed agent starts to count where the journal ends.
        notes.CALLS.extend([(LEARN, "before")] * journal.calls)
        iteration = Iteration(
            files=files,
            journal=journal,
            schedule=Schedule(plan(tasks), arms, repeats, seed=1),
            models=tasks.models,
            workers=[agents],
            llm_team=agents[LEARN],
            reviewing=agents[LEARN],
            settings=Settings(folder.root),
            tell=told.append,
            grader=grader,
            earlier=[folder.iteration(before) for before in range(1, number)],
        )
        asyncio.run(iteration.run())
    return told


def test_an_iteration_tells_of_its_stages_in_order_and_ends_with_its_metrics(
    folder: BatteryDir,
) -> None:
    told = iterate(folder, repeats=2)
    stages = [event.name for event in told if isinstance(event, StageStarted)]
    # Each phase once, then once more for the second repeat.
    assert stages == [
        *("alpha", "alpha", "beta", "beta", "gamma", "gamma"),
        *("delta", "epsilon", "zeta"),
    ]
    assert isinstance(told[-1], IterationFinished)
    assert told[-1].metrics == folder.iteration(1).read_metrics()


def test_what_an_earlier_run_had_asked_is_told_as_replayed_and_not_asked_again(
    folder: BatteryDir,
) -> None:
    notes.BROKEN.add("beta_drift 1")
    with pytest.raises(BrokenAnswerError):
        iterate(folder)
    notes.BROKEN.clear()
    with Journal(folder.iteration(1).journal) as journal:
        finished = journal.calls
    told = iterate(folder)
    replayed = [event.replayed for event in told if isinstance(event, TaskFinished)]
    assert replayed == [True] * finished + [False] * (12 - finished)
    assert sum(isinstance(event, TaskStarted) for event in told) == 12 - finished


def test_tasks_to_confirm_are_asked_again_in_turns_in_the_learn_arm(folder: BatteryDir) -> None:
    iterate(folder)
    alpha = ["alpha_baseline 0", "alpha_baseline 1"]
    failing = frozenset([*alpha, "beta_drift 1", "gamma_impossible 0"])
    told = iterate(folder, 2, failing=failing)
    reruns = [event for event in told if isinstance(event, TaskFinished) and event.confirm]
    assert [event.label for event in reruns] == alpha * 5 + ["beta_drift 1"] * 5
    assert {event.arm for event in reruns} == {LEARN}
    stages = [event.name for event in told if isinstance(event, StageStarted)]
    assert stages == ["alpha", "beta", "gamma", "alpha", "beta", "delta", "epsilon", "zeta"]
    assert len(folder.iteration(2).read_confirmations()) == 15
    # They are known to be lost by now, so a third iteration does not pay for that again.
    told = iterate(folder, 3, failing=failing)
    assert not any(isinstance(event, TaskFinished) and event.confirm for event in told)


def test_the_runs_that_say_the_tasks_are_complete_are_written_last(
    folder: BatteryDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tasks(folder.tasks_path, 1, siblings=1)
    written: list[tuple[str, str, int]] = []
    files = folder.iteration(1)
    whole = type(files).write_runs

    def write(self: Any, runs: Any, arm: Any, repeat: int, known: Any) -> None:
        assert not files.has_runs()
        written.append((self.root.name, arm, repeat))
        whole(self, runs, arm, repeat, known)

    monkeypatch.setattr(type(files), "write_runs", write)
    iterate(folder, repeats=2)
    assert written == [
        *(("siblings", FROZEN, 1), ("siblings", LEARN, 1)),
        *(("iter_1", FROZEN, 2), ("iter_1", FROZEN, 1), ("iter_1", LEARN, 2), ("iter_1", LEARN, 1)),
    ]


@pytest.mark.parametrize("resumed", [False, True])
def test_the_runs_in_memory_are_those_on_disk(folder: BatteryDir, resumed: bool) -> None:
    write_tasks(folder.tasks_path, 2, siblings=1, checks=[{"contains": "0"}])
    iterate(folder, repeats=2)
    if resumed:
        iterate(folder, repeats=2)
    here, read = (each.iteration(1) for each in (folder, BatteryDir(folder.root)))
    for one, other in ((here, read), (here.siblings, read.siblings)):
        for known, on_disk in zip(one.run_sets(), other.run_sets(), strict=True):
            assert known[:2] == on_disk[:2]
            assert [_asked(run) for run in known[2]] == [_asked(run) for run in on_disk[2]]


def _asked(run: Run) -> tuple[object, ...]:
    return run.task.asked, *run[1:]


def test_siblings_are_asked_once_after_the_repeats_and_kept_apart(folder: BatteryDir) -> None:
    write_tasks(folder.tasks_path, 1, siblings=1)
    told = iterate(folder, repeats=2)
    asked = [
        (event.phase, event.sibling, event.repeat)
        for event in told
        if isinstance(event, TaskFinished) and event.arm == LEARN
    ]
    phases = [event.phase for event in told if isinstance(event, TaskFinished)]
    assert phases == sorted(phases)
    assert asked == [
        (phase, *call)
        for phase in ("alpha", "beta", "gamma")
        for call in ((False, 1), (False, 2), (True, 1))
    ]
    files = folder.iteration(1)
    assert [run.task.operation for run in files.siblings.read_runs(FROZEN)] == [
        "alpha_baseline 0 new 1",
        "beta_drift 0 new 1",
        "gamma_impossible 0 new 1",
    ]
    tasks = folder.read_tasks()
    assert tasks
    of = [run.sibling_of for run in files.siblings.read_runs()]
    assert of == [entry.task_id for entry in plan(tasks)]
    assert files.read_metrics().total_tasks == 3
    # There is none for a second iteration.
    iterate(folder, 2)
    assert not folder.iteration(2).siblings.root.exists()
