from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base.errors import ArtifactError
from battery.protocol import Status
from battery.records.metric import METRICS
from battery.records.models import Phase, Run, RunResult, Task
from battery.records.summary import EmptyPhase, PhaseMetrics, Trend
from battery.verdict.metrics import count_directions, measure, trends
from tests.report.samples import metrics

TASK = Task(task_class="staffing", operation="fill: Welder x2 in Toledo, OH", spec={})

BETTER: dict[str, Any] = {
    "total_tokens": 6999,
    "avg_turns_per_task": 2.9,
    "overseer_called_rate": 0.2,
    "ok_tasks": 7,
    "total_elapsed_s": 12.0,
}

results = st.builds(
    RunResult,
    status=st.sampled_from(["ok", "failed", "blocked"]),
    turns=st.integers(0, 100),
    tokens=st.integers(0, 10**9),
    overseer_called=st.booleans(),
    error=st.none(),
    elapsed_ms=st.integers(0, 10**7),
)
iterations = st.lists(st.builds(Run, st.just(TASK), st.sampled_from(Phase), results), min_size=1)


def run(phase: Phase, status: Status, *numbers: int, overseer: bool = False) -> Run:
    """Make a run from its turns, tokens and milliseconds."""
    turns, tokens, elapsed_ms = numbers
    return Run(TASK, phase, RunResult(status, turns, tokens, overseer, None, elapsed_ms))


def phases_with_tasks(runs: list[Run]) -> list[PhaseMetrics]:
    table = measure(1, runs).by_phase
    phases = (table.alpha, table.beta, table.gamma)
    return [each for each in phases if isinstance(each, PhaseMetrics)]


def test_an_iteration_worked_out_by_hand() -> None:
    measured = measure(
        2,
        [
            run(Phase.ALPHA, "ok", 1, 100, 250),
            run(Phase.ALPHA, "ok", 2, 150, 500),
            run(Phase.BETA, "ok", 5, 900, 1500, overseer=True),
            run(Phase.BETA, "blocked", 3, 400, 1000, overseer=True),
            run(Phase.GAMMA, "failed", 8, 50, 125, overseer=True),
        ],
    )
    assert measured.model_dump() == {
        "iteration": 2,
        "total_tasks": 5,
        "ok_tasks": 3,
        "failed_tasks": 1,
        "blocked_tasks": 1,
        "total_tokens": 1600,
        "avg_turns_per_task": 3.8,
        "overseer_called_rate": 0.6,
        "total_elapsed_s": 3.375,
        "correction_effective": 1 / 3,
        "by_phase": {
            "alpha": {
                "count": 2,
                "ok": 2,
                "failed": 0,
                "blocked": 0,
                "avg_turns": 1.5,
                "total_tokens": 250,
                "overseer_called": 0,
                "avg_elapsed_s": 0.375,
            },
            "beta": {
                "count": 2,
                "ok": 1,
                "failed": 0,
                "blocked": 1,
                "avg_turns": 4.0,
                "total_tokens": 1300,
                "overseer_called": 2,
                "avg_elapsed_s": 1.25,
            },
            "gamma": {
                "count": 1,
                "ok": 0,
                "failed": 1,
                "blocked": 0,
                "avg_turns": 8.0,
                "total_tokens": 50,
                "overseer_called": 1,
                "avg_elapsed_s": 0.125,
            },
        },
    }


def test_a_phase_without_tasks_has_a_count_and_nothing_else() -> None:
    measured = measure(1, [run(Phase.ALPHA, "ok", 1, 1, 1)])
    assert measured.by_phase.beta.model_dump() == {"count": 0}
    assert measured.by_phase.gamma == EmptyPhase()


def test_correction_is_not_measured_when_nothing_was_corrected() -> None:
    assert measure(1, [run(Phase.ALPHA, "ok", 1, 1, 1)]).correction_effective is None


def test_a_correction_that_helped_nothing_is_a_measured_zero() -> None:
    assert (
        measure(1, [run(Phase.BETA, "failed", 8, 1, 1, overseer=True)]).correction_effective == 0.0
    )


def test_averages_are_not_rounded() -> None:
    runs = [run(Phase.ALPHA, "ok", turns, 0, 0) for turns in (1, 1, 2)]
    assert measure(1, runs).avg_turns_per_task == 4 / 3


def test_many_small_times_add_up_exactly() -> None:
    """Seconds of 0.1 added one by one would give 99.9999999999986."""
    runs = [run(Phase.ALPHA, "ok", 1, 0, 100)] * 1000
    assert measure(1, runs).total_elapsed_s == 100.0


def test_an_iteration_without_runs_is_refused_by_number() -> None:
    with pytest.raises(ArtifactError, match="iteration 4 has no run") as caught:
        measure(4, [])
    assert caught.value.hint


@given(iterations, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_the_runs_does_not_matter(runs: list[Run], chance: random.Random) -> None:
    shuffled = list(runs)
    chance.shuffle(shuffled)
    assert measure(1, shuffled) == measure(1, runs)


@given(iterations)
@settings(deadline=None)
def test_the_phases_add_up_to_the_whole(runs: list[Run]) -> None:
    whole, phases = measure(1, runs), phases_with_tasks(runs)
    assert whole.total_tasks == sum(each.count for each in phases) == len(runs)
    assert whole.ok_tasks == sum(each.ok for each in phases)
    assert whole.failed_tasks == sum(each.failed for each in phases)
    assert whole.blocked_tasks == sum(each.blocked for each in phases)
    assert whole.total_tokens == sum(each.total_tokens for each in phases)
    assert whole.overseer_called_rate * len(runs) == pytest.approx(
        sum(each.overseer_called for each in phases)
    )
    assert whole.avg_turns_per_task * len(runs) == pytest.approx(
        sum(each.avg_turns * each.count for each in phases)
    )
    assert whole.total_elapsed_s == pytest.approx(
        sum(each.avg_elapsed_s * each.count for each in phases)
    )


@given(iterations)
@settings(deadline=None)
def test_every_task_has_one_status_and_rates_are_shares(runs: list[Run]) -> None:
    measured = measure(1, runs)
    statuses = measured.ok_tasks + measured.failed_tasks + measured.blocked_tasks
    assert statuses == measured.total_tasks
    assert 0 <= measured.overseer_called_rate <= 1
    corrected = measured.overseer_called_rate > 0
    assert (measured.correction_effective is not None) == corrected
    assert 0 <= (measured.correction_effective or 0) <= 1


def trend(name: str, *values: float) -> Trend:
    made = trends([metrics(n, **{name: value}) for n, value in enumerate(values, 1)])
    (row,) = (row for row in made if row.metric == name)
    return row


def test_the_rows_come_in_the_order_of_the_contract() -> None:
    assert [(row.metric, row.goal) for row in trends([metrics(1), metrics(2)])] == [
        ("total_tokens", "fewer"),
        ("avg_turns_per_task", "fewer"),
        ("overseer_called_rate", "fewer"),
        ("ok_tasks", "more"),
        ("total_elapsed_s", "fewer"),
    ]


@pytest.mark.parametrize(
    ("name", "values", "direction", "change", "relative"),
    [
        ("total_tokens", [9300, 4780], "better", -4520, -4520 / 9300),
        ("total_tokens", [4780, 9300], "worse", 4520, 4520 / 4780),
        ("total_tokens", [0, 3], "worse", 3, None),
        ("total_tokens", [0, 0], "flat", 0, None),
        ("avg_turns_per_task", [3.625, 3.625], "flat", 0, 0),
        ("ok_tasks", [5, 6], "better", 1, 0.2),
        ("ok_tasks", [6, 5], "worse", -1, -1 / 6),
        ("total_elapsed_s", [2.669, 4.624], "worse", 1.955, 1.955 / 2.669),
    ],
)
def test_a_trend_worked_out_by_hand(
    name: str, values: list[float], direction: str, change: float, relative: float | None
) -> None:
    assert trend(name, *values) == Trend.model_validate(
        {
            "metric": name,
            "goal": METRICS[name].goal,
            "values": values,
            "direction": direction,
            "change": change,
            "relative": relative,
        }
    )


def test_a_trend_looks_at_the_first_and_the_last_iteration_only() -> None:
    found = trend("total_tokens", 100, 1, 100)
    assert (found.direction, found.values) == ("flat", [100, 1, 100])


def test_iterations_may_have_gaps() -> None:
    made = trends([metrics(1, total_tokens=10), metrics(3, total_tokens=30)])
    assert (made[0].values, made[0].direction) == ([10, 30], "worse")


@pytest.mark.parametrize(
    ("improved", "validated", "label"),
    [
        (5, True, "Architecture validated"),
        (3, True, "Architecture validated"),
        (2, False, "Compounding NOT demonstrated"),
        (0, False, "Compounding NOT demonstrated"),
    ],
)
def test_three_of_five_validate(improved: int, validated: bool, label: str) -> None:
    last = dict(list(BETTER.items())[:improved])
    counted = count_directions(trends([metrics(1), metrics(2, **last)]))
    assert counted is not None
    assert counted.model_dump() == {
        "improved": improved,
        "of": 5,
        "validated": validated,
        "label": label,
    }


def test_a_single_iteration_has_values_but_no_trend_and_no_verdict() -> None:
    made = trends([metrics(1)])
    assert count_directions(made) is None
    assert made[0].values == [7000]
    for each in made:
        assert (each.direction, each.change, each.relative) == (None, None, None)


@given(st.lists(st.integers(0, 10**12), min_size=2), st.sampled_from(["total_tokens", "ok_tasks"]))
@settings(deadline=None)
def test_turning_the_order_round_turns_the_direction_round(values: list[int], name: str) -> None:
    other = {"better": "worse", "worse": "better", "flat": "flat", None: None}
    forth, back = trend(name, *values), trend(name, *reversed(values))
    assert back.direction == other[forth.direction]
    assert back.change == -(forth.change or 0)
