"""Who is asked what, and when: all of it decided before the first call."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.inputs.tasks import PlannedTask, frozen_first, task_id
from battery.records.checks import Check
from battery.records.models import (
    CONFIRMATIONS,
    FROZEN,
    LEARN,
    Arm,
    Phase,
    Run,
    RunResult,
    Sibling,
    Task,
)
from battery.records.stages import CallKey
from battery.runner.schedule import Schedule, confirmations, outcomes, to_confirm

BOTH: tuple[Arm, ...] = (LEARN, FROZEN)
CHECK = Check(contains="A1")


def entries(alpha: int = 2, beta: int = 2, gamma: int = 1, siblings: int = 0) -> list[PlannedTask]:
    counts = {Phase.ALPHA: alpha, Phase.BETA: beta, Phase.GAMMA: gamma}
    found = []
    for phase, count in counts.items():
        for number in range(count):
            own = [Sibling(operation=f"new {n}", spec={"of": number}) for n in range(siblings)]
            task = Task(task_class="c", operation=f"{phase} {number}", spec={}, siblings=own)
            found.append(PlannedTask(task_id(phase, task), phase, task, task.operation))
    return found


schedules = st.builds(
    Schedule,
    tasks=st.builds(entries, *(st.integers(0, 3) for _ in range(4))),
    arms=st.sampled_from([(LEARN,), BOTH]),
    repeats=st.integers(1, 3),
    seed=st.integers(0, 2**63 - 1),
)


@given(schedules, st.integers(1, 4))
@settings(deadline=None)
def test_every_call_is_made_once_and_the_plan_counts_them(
    schedule: Schedule, iterations: int
) -> None:
    calls = list(schedule.calls(range(1, iterations + 1)))
    assert len({(call.iteration, call.key) for call in calls}) == len(calls)
    assert schedule.plan(0, iterations, ()).calls == len(calls)
    tasks = [call for call in calls if call.key.call == "respond"]
    asked = Counter((call.iteration, call.arm, call.repeat) for call in tasks)
    assert set(asked.values()) <= {len(schedule.tasks)}
    if schedule.tasks:
        assert len(asked) == iterations * len(schedule.arms) * schedule.repeats


@given(schedules)
@settings(deadline=None)
def test_a_task_is_asked_in_every_arm_before_the_next_and_all_once_before_all_again(
    schedule: Schedule,
) -> None:
    calls = [call for call in schedule.calls([1]) if call.arm]
    width = len(schedule.arms)
    pairs = [calls[start : start + width] for start in range(0, len(calls), width)]
    for pair in pairs:
        assert {call.arm for call in pair} == set(schedule.arms)
        assert len({(call.label, call.repeat) for call in pair}) == 1
    rounds = [(pair[0].stage, pair[0].key.call == "sibling", pair[0].repeat or 0) for pair in pairs]
    assert rounds == sorted(rounds)
    tasks = [call for call, *_ in pairs if call.key.call == "respond"]
    # The labels of a phase are numbered in file order.
    order = [(call.stage, call.repeat or 0, call.label) for call in tasks]
    assert order == sorted(order)


def test_an_iteration_asks_the_sibling_of_its_number_once_and_never_another() -> None:
    tasks = entries(2, 1, 0, siblings=2)
    schedule = Schedule(tasks, BOTH, repeats=3, seed=1)
    asked = [call for call in schedule.calls([1, 2, 3]) if call.key.call == "sibling"]
    each = {
        (number, arm, (task.task_id, task.task.siblings[number - 1].operation))
        for number in (1, 2)
        for arm in BOTH
        for task in tasks
    }
    of = {
        sibling.task_id: (sibling.sibling_of, sibling.task.operation)
        for number in (1, 2)
        for sibling in schedule.siblings(number)
    }
    assert {(call.iteration, call.arm, of[call.key.task_id]) for call in asked} == each
    assert len(asked) == len(each)
    # Two of a phase that share an operation are told apart.
    labels = [call.label for call in asked if (call.iteration, call.arm) == (1, LEARN)]
    assert sorted(labels) == ["new 0 (1)", "new 0 (2)", "new 0 (3)"]


@pytest.mark.parametrize("own", [[], [CHECK]])
@pytest.mark.parametrize("of_sibling", [[], [CHECK]])
def test_a_plan_knows_checks_of_tasks_from_those_of_siblings(
    own: list[Check], of_sibling: list[Check]
) -> None:
    new = Sibling(operation="new", spec={}, checks=of_sibling)
    task = Task(task_class="c", operation="find", spec={}, checks=own, siblings=[new])
    entry = PlannedTask(task_id(Phase.ALPHA, task), Phase.ALPHA, task, task.operation)
    plan = Schedule([entry], BOTH, 1, 0).plan(0, 1, ())
    assert (plan.checked, plan.graded) == (bool(own), bool(own or of_sibling))


def test_where_siblings_do_not_last_it_is_said_from_when() -> None:
    tasks = [*entries(2, 0, 0, siblings=2), *entries(0, 1, 0, siblings=3), *entries(0, 0, 1)]
    schedule = Schedule(tasks)
    assert schedule.runs_short(2) is None
    assert schedule.runs_short(3) == (
        "2 of the 3 tasks with siblings have fewer of them than there are iterations (3): "
        "from iteration 3 on, there are fewer new tasks"
    )
    assert Schedule(entries()).runs_short(3) is None


def test_the_coin_is_fair_and_each_throw_is_its_own() -> None:
    throws = {
        (seed, iteration, task, repeat): frozen_first(seed, iteration, task, repeat)
        for seed in range(10)
        for iteration in range(1, 6)
        for task in ("a", "b", "c", "d", "e")
        for repeat in range(1, 5)
    }
    assert 450 <= sum(throws.values()) <= 550
    for part in range(4):
        # With all else equal, no part of the key decides alone.
        sides: dict[tuple[object, ...], set[bool]] = {}
        for key, side in throws.items():
            sides.setdefault((*key[:part], *key[part + 1 :]), set()).add(side)
        assert sum(len(each) == 2 for each in sides.values()) > len(sides) / 2


def test_a_seed_gives_one_order_and_another_seed_another() -> None:
    def order(seed: int) -> list[CallKey]:
        return [call.key for call in Schedule(entries(8), BOTH, 2, seed).calls([1, 2])]

    assert order(7) == order(7)
    assert order(7) != order(8)


def test_what_an_iteration_ends_with_has_neither_arm_nor_repeat() -> None:
    *_, delta, epsilon, zeta = Schedule(entries(), BOTH).calls([1])
    assert [call[1:5] for call in (delta, epsilon, zeta)] == [
        ("delta", None, None, "distill"),
        ("epsilon", None, None, "review"),
        ("zeta", None, None, "judgment"),
    ]


def test_what_is_on_disk_is_not_left_and_is_counted() -> None:
    schedule = Schedule(entries(), BOTH, 2, 7)
    each = 5 * 2 * 2 + 3
    begun = {call.key for call in list(schedule.calls([2]))[:4]}
    plan = schedule.plan(1, 3, begun)
    assert (plan.calls, plan.on_disk) == (3 * each, each + 4)
    left = list(schedule.left(1, 3, begun))
    assert len(left) == plan.calls - plan.on_disk
    # The keys of two iterations are the same; only those of the one under way are on record.
    assert [call.iteration for call in left] == [2] * (each - 4) + [3] * each


@pytest.mark.parametrize(
    ("finished", "wanted", "most"), [(0, 1, 0), (0, 3, 30), (1, 3, 30), (2, 3, 15), (3, 3, 0)]
)
def test_confirmations_are_for_tasks_that_can_be_done_after_the_first_iteration(
    finished: int, wanted: int, most: int
) -> None:
    assert Schedule(entries(alpha=2, beta=1)).plan(finished, wanted, ()).confirmations == most


def test_a_confirmation_is_a_call_of_the_learn_arm_with_a_name_of_its_own() -> None:
    (entry,) = entries(1, 0, 0)
    ((ask,),) = confirmations([entry], 3)
    assert ask.key == CallKey("confirm", arm=LEARN, task_id=entry.task_id, repeat=3)


def test_what_can_be_done_and_is_in_doubt_is_confirmed_in_task_order() -> None:
    tasks = entries(1, 1, 1)
    passed = {entry.task_id: [True] for entry in tasks}
    failed = {entry.task_id: [False] for entry in tasks}
    assert to_confirm(tasks, [passed, failed], [], []) == tasks[:2]
    assert to_confirm(tasks, [passed, passed], [], []) == []
    # Each task is judged by its own runs, in both arms and in the reruns.
    mixed = {tasks[0].task_id: [True], tasks[1].task_id: [False]}
    assert to_confirm(tasks, [mixed, failed], [], []) == tasks[:1]
    assert to_confirm(tasks, [mixed, failed], [passed, passed], []) == tasks[:2]
    known = {tasks[0].task_id: [False] * CONFIRMATIONS}
    assert to_confirm(tasks, [passed, failed, failed], [], [known]) == tasks[1:2]
    # Of a task that iteration 1 did not have nothing is known.
    assert to_confirm(tasks, [{}, failed], [], []) == []


def test_outcomes_collect_the_repeats_of_tasks_that_can_be_done() -> None:
    (alpha, beta, gamma) = entries(1, 1, 1)

    def run(entry: PlannedTask, passed: bool) -> Run:
        status = RunResult("ok" if passed else "failed", 1, 1, False, None, 1)
        return Run(entry.task, entry.phase, status)

    runs = [run(alpha, True), run(beta, True), run(gamma, True), run(alpha, False)]
    assert outcomes(runs) == {alpha.task_id: [True, False], beta.task_id: [True]}
