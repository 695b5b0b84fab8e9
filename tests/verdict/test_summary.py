from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.records.metric import METRICS
from battery.records.models import Options, Provenance, Trend
from tests.report.samples import MANIFEST, MODELS, metrics, summary, three

BETTER: dict[str, Any] = {
    "total_tokens": 6999,
    "avg_turns_per_task": 2.9,
    "overseer_called_rate": 0.2,
    "ok_tasks": 7,
    "total_elapsed_s": 12.0,
}


def trend(name: str, *values: float) -> Trend:
    made = summary(*(metrics(n, **{name: value}) for n, value in enumerate(values, 1)))
    (found,) = (each for each in made.trends if each.metric == name)
    return found


def test_the_rows_come_in_the_order_of_the_contract() -> None:
    assert [(each.metric, each.goal) for each in three().trends] == [
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


def test_iterations_are_ordered_by_number_and_may_have_gaps() -> None:
    made = summary(metrics(3, total_tokens=30), metrics(1, total_tokens=10))
    assert [each.iteration for each in made.iterations] == [1, 3]
    assert made.trends[0].values == [10, 30]
    assert made.trends[0].direction == "worse"


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
    verdict = summary(metrics(1), metrics(2, **last)).verdict
    assert verdict is not None
    assert verdict.model_dump() == {
        "improved": improved,
        "of": 5,
        "validated": validated,
        "label": label,
    }


def test_a_single_iteration_has_values_but_no_trend_and_no_verdict() -> None:
    made = summary(metrics(1))
    assert made.verdict is None
    assert made.trends[0].values == [7000]
    for each in made.trends:
        assert (each.direction, each.change, each.relative) == (None, None, None)


def test_no_iteration_gives_a_summary_without_numbers() -> None:
    made = summary()
    assert made.verdict is None
    assert [each.values for each in made.trends] == [[], [], [], [], []]


def test_identity_and_times_come_from_the_manifest() -> None:
    made = three()
    assert (made.run_id, made.state) == (MANIFEST.run_id, "finished")
    assert (made.started_at, made.finished_at) == (MANIFEST.started_at, MANIFEST.finished_at)
    assert made.targets == MANIFEST.targets
    assert made.seed is None
    drawn = MANIFEST.model_copy(update={"options": Options(seed=7)})
    assert three(provenance=drawn).seed == 7
    assert (made.calls, made.elapsed_s) == (33, 4210.5)


def test_without_a_manifest_what_was_not_recorded_is_null() -> None:
    made = three(provenance=Provenance(), models=None)
    assert (made.run_id, made.state, made.started_at, made.finished_at) == (None,) * 4
    assert (made.targets, made.models, made.seed) == (None, None, None)
    assert three(provenance=Provenance()).models == MODELS


@given(st.lists(st.integers(0, 10**12), min_size=2), st.sampled_from(["total_tokens", "ok_tasks"]))
@settings(deadline=None)
def test_turning_the_order_round_turns_the_direction_round(values: list[int], name: str) -> None:
    other = {"better": "worse", "worse": "better", "flat": "flat", None: None}
    forth, back = trend(name, *values), trend(name, *reversed(values))
    assert back.direction == other[forth.direction]
    assert back.change == -(forth.change or 0)
