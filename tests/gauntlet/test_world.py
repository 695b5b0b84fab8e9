"""The world of the gauntlet: tasks that a battery accepts, and checks that only truth passes."""

from __future__ import annotations

from battery.base import jsonio
from battery.gauntlet.world import Layout, World
from battery.inputs.tasks import parse_tasks
from battery.records.models import SOLVABLE, Phase

LAYOUT = Layout(siblings=3)


def test_a_world_is_a_tasks_file_that_a_battery_reads_back() -> None:
    tasks = World(Layout(siblings=3, prices=True), "1").tasks
    assert parse_tasks(jsonio.dumps_indented(tasks.document()), "tasks.json") == tasks
    assert [len(tasks.phases.of(phase)) for phase in Phase] == [3, 3, 2]


def test_a_seed_makes_one_world() -> None:
    assert World(LAYOUT, "1").tasks == World(LAYOUT, "1").tasks
    assert World(LAYOUT, "1").tasks != World(LAYOUT, "2").tasks


def test_siblings_share_the_lesson_and_ask_for_something_else() -> None:
    world = World(LAYOUT, "1")
    for phase in Phase:
        for task in world.tasks.phases.of(phase):
            siblings = [task.sibling(number) for number in (1, 2, 3)]
            jobs = [world.job(sibling) for sibling in siblings if sibling]
            assert [job.sibling for job in jobs] == [1, 2, 3]
            assert {job.lesson for job in jobs} == {world.job(task).lesson}
            assert len({job.task.operation for job in jobs} | {task.operation}) == 4


def test_tasks_that_can_be_done_have_checks_unless_the_layout_leaves_them_out() -> None:
    def checked(layout: Layout) -> set[Phase]:
        phases = World(layout, "1").tasks.phases
        return {phase for phase in Phase if any(task.checks for task in phases.of(phase))}

    assert checked(LAYOUT) == checked(Layout(checks="shape")) == set(SOLVABLE)
    assert checked(Layout(checks="none")) == set()


def test_the_largest_task_is_one_that_can_be_done() -> None:
    world = World(LAYOUT, "1")
    solvable = [job for job in world.jobs() if job.phase in SOLVABLE]
    assert max(solvable, key=lambda job: job.tokens).lesson == world.largest
