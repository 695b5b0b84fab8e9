"""A plan says what a battery costs in calls, and an event what is usual when nothing is said."""

from __future__ import annotations

import pytest

from battery.records.events import Plan, TaskStarted
from battery.records.models import LEARN, Phase
from battery.records.stages import META_STAGES


@pytest.mark.parametrize(
    ("plan", "asked", "calls"),
    [
        (Plan(1, 1), 1, 4),
        (Plan(3, 8), 8, 33),
        (Plan(3, 8, arms=2), 16, 57),
        (Plan(2, 8, arms=2, repeats=5), 80, 166),
        (Plan(3, 0), 0, 9),
    ],
)
def test_a_plan_counts_the_calls_of_all_arms_repeats_and_stages(
    plan: Plan, asked: int, calls: int
) -> None:
    assert plan.asks(1) == asked
    assert plan.calls_of(1) == asked + len(META_STAGES)
    assert plan.calls == calls


def test_siblings_are_counted_in_the_iterations_that_ask_them_once_in_each_arm() -> None:
    plan = Plan(3, 8, arms=2, repeats=5, siblings=(2, 1))
    assert [plan.asks(number) for number in (1, 2, 3, 4)] == [84, 82, 80, 80]
    assert plan.calls == Plan(3, 8, arms=2, repeats=5).calls + 2 * (2 + 1)


def test_what_may_come_on_top_and_what_is_done_already_change_no_count() -> None:
    assert Plan(3, 8, confirmations=30, on_disk=7).calls == Plan(3, 8).calls


def test_a_task_is_of_the_learn_arm_and_its_first_repeat_unless_it_says_otherwise() -> None:
    started = TaskStarted(1, Phase.ALPHA, "weld")
    assert (started.arm, started.repeat, started.confirm) == (LEARN, 1, False)
