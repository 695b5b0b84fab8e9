"""The packaged tasks' siblings: as solvable as their tasks, and served by the same lessons."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from battery.embedded.analyst import RuleAnalyst
from battery.embedded.app import Gateway
from battery.embedded.forms import Search, read_spec
from battery.embedded.memory import Memory
from battery.embedded.policies import Dials, Policies
from battery.embedded.rules import RuleExecutor, RuleOverseer, RuleReviewer
from battery.embedded.world import World, supply
from battery.inputs.tasks import PlannedTask, load_tasks, plan
from battery.protocol import Json, RespondRequest, read_respond
from battery.records.models import SOLVABLE, Phase, Task
from tests.embedded.helpers import MODELS, SEED, SHIPPED, fitting

PLANNED = plan(load_tasks(SHIPPED))
#: More than the five iterations that COMPOUNDING takes.
ITERATIONS = 6
RULES = Policies(RuleExecutor(), RuleReviewer(), RuleOverseer(), RuleAnalyst())


def siblings(planned: PlannedTask) -> list[Task]:
    found = [planned.task.sibling(n + 1) for n in range(len(planned.task.siblings))]
    return [sibling for sibling in found if sibling]


ALL = [(planned, sibling) for planned in PLANNED for sibling in siblings(planned)]
EACH = pytest.mark.parametrize(
    ("planned", "sibling"), ALL, ids=[sibling.operation for _, sibling in ALL]
)


class Told(NamedTuple):
    """What came of one call."""

    phase: Phase
    status: str
    overseer: bool
    tokens: int


class Asked(NamedTuple):
    """What came of a battery's calls, in its order: by iteration, then by task."""

    tasks: list[list[Told]]
    siblings: list[list[Told]]

    def saving(self, twin: Asked) -> tuple[float, float]:
        """Return the shares that tasks and siblings saved since the first distillation."""
        return _saved(self.tasks[1:], twin.tasks[1:]), _saved(self.siblings[1:], twin.siblings[1:])


def _saved(learn: list[list[Told]], frozen: list[list[Told]]) -> float:
    spent = (sum(one.tokens for asked in arm for one in asked) for arm in (learn, frozen))
    learned, twin = spent
    return 1 - learned / twin


async def _told(gateway: Gateway, phase: Phase, task: Task) -> Told:
    answer = await gateway.respond(RespondRequest.model_validate(task.asked | MODELS))
    read = read_respond(answer)
    return Told(phase, read.status, read.overseer_called, read.tokens or 0)


async def _battery(gateway: Gateway) -> AsyncIterator[tuple[list[Told], list[Told]]]:
    """Ask in a battery's order: after the tasks of a phase one sibling of each, then distil."""
    for number in range(1, ITERATIONS + 1):
        tasks, new = [], []
        for phase in Phase:
            planned = [one.task for one in PLANNED if one.phase is phase]
            tasks += [await _told(gateway, phase, task) for task in planned]
            asked = [sibling for task in planned if (sibling := task.sibling(number))]
            new += [await _told(gateway, phase, sibling) for sibling in asked]
        yield tasks, new
        async for _ in gateway.distil(20):
            pass


@cache
def asked(*, frozen: bool = False, answer_cache: bool = False) -> Asked:
    async def ask(gateway: Gateway) -> Asked:
        rounds = [told async for told in _battery(gateway)]
        return Asked([tasks for tasks, _ in rounds], [new for _, new in rounds])

    with (
        TemporaryDirectory() as folder,
        closing(World(SEED)) as world,
    ):
        memory = Memory(Path(folder), frozen=frozen)
        return asyncio.run(ask(Gateway(world, memory, RULES, Dials(answer_cache=answer_cache))))


def literally(task: Task, world: World) -> int:
    """Count who is found by the words of a task in its whole radius."""
    spec = read_spec(task.spec)
    words = Search(
        role=spec.role,
        cities=(spec.city,),
        radius_miles=spec.reach,
        certificates=(spec.certificate,) if spec.certificate else (),
        by=spec.by,
    )
    return world.search(words, limit=0).total


def test_every_task_has_enough_siblings_and_none_twice() -> None:
    assert all(len(planned.task.siblings) >= ITERATIONS for planned in PLANNED)
    specs: list[Json] = [sibling.spec for _, sibling in ALL]
    specs += [planned.task.spec for planned in PLANNED]
    assert all(specs.count(spec) == 1 for spec in specs)


@EACH
def test_a_sibling_says_in_its_operation_what_it_asks(planned: PlannedTask, sibling: Task) -> None:
    spec = read_spec(sibling.spec)
    holding = f" with {spec.certificate}" if spec.certificate else ""
    where = f"within {spec.reach:g} miles of" if spec.reach else "in"
    by = f" by {spec.by}" if spec.by else ""
    said = f"fill: {spec.role} x{spec.count}{holding} {where} {spec.city}{by}"
    assert sibling.operation == said
    assert sibling.spec.keys() <= planned.task.spec.keys()


@EACH
def test_a_sibling_is_as_solvable_as_its_task(planned: PlannedTask, sibling: Task) -> None:
    with closing(World(SEED)) as world:
        for task in (planned.task, sibling):
            spec = read_spec(task.spec)
            assert supply(world, spec) == len(fitting(spec))
            assert (supply(world, spec) >= spec.count) is (planned.phase in SOLVABLE)
            if planned.phase in SOLVABLE:
                # What makes a task niche is that its words do not find them.
                enough = literally(task, world) >= spec.count
                assert enough is (planned.phase is Phase.ALPHA)


def test_a_gateway_that_learned_nothing_does_siblings_as_it_does_their_tasks() -> None:
    twin = asked(frozen=True)
    for tasks, new in zip(*twin, strict=True):
        for one, sibling in zip(tasks, new, strict=True):
            assert (sibling.phase, sibling.status) == (one.phase, one.status)
            if one.phase in SOLVABLE:
                assert sibling.overseer is one.overseer is (one.phase is Phase.BETA)


def test_what_was_learned_of_the_tasks_serves_their_siblings() -> None:
    learner, twin = asked(), asked(frozen=True)
    for new, before in zip(learner.siblings[1:], twin.siblings[1:], strict=True):
        assert [one.status for one in new] == [one.status for one in before]
        assert not any(one.overseer for one in new)
    repeated, fresh = learner.saving(twin)
    assert repeated > 0.2
    # Half of it is what the verdict asks for.
    assert fresh > 0.75 * repeated


def test_nothing_is_saved_before_anything_was_learned() -> None:
    learner, twin = asked(), asked(frozen=True)
    assert learner.tasks[0] == twin.tasks[0]
    assert learner.siblings[0] == twin.siblings[0]


def test_siblings_gain_nothing_from_an_answer_cache() -> None:
    cache_of_answers, twin = asked(answer_cache=True), asked(frozen=True)
    assert cache_of_answers.siblings == twin.siblings
    assert cache_of_answers.saving(twin)[0] > 0.5
