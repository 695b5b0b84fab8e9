"""Cost and tasks done of two sides, and what is only shown."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from battery.comparison.change import interval
from battery.records.metric import METRICS
from battery.records.models import Phase
from battery.verdict import policy
from battery.verdict.signflip import differs
from tests.comparison.pairs import against_usual, cheaper, everywhere, facts
from tests.verdict.batteries import Cell, calls

EFFECTS = st.lists(st.integers(-40, 40).map(lambda n: n / 20), min_size=1, max_size=10)


def test_the_cost_is_a_mean_of_logs_over_tasks_each_a_ratio_of_means() -> None:
    def erratic(cell: Cell) -> dict[str, int]:
        return {"tokens": {1: 1000, 2: 100, 3: 1900}[cell.iteration] if cell.task else 500}

    cost = against_usual(erratic).change.cost
    # Two calls of 100 and 1,900 cost as much as two of 1,000; a mean of their logs would be below.
    assert cost.ratio == pytest.approx(0.5 ** (1 / 8))
    assert cost.before == 1000
    assert cost.after == pytest.approx((7 * 1000 + 500) / 8)
    assert (cost.tasks, cost.cells) == (8, 16)


@settings(deadline=None, max_examples=100)
@given(EFFECTS)
@example([1.0] * 6)
@example([1.0] * 7)
@example([0.0] * 8)
@example([-1.0, 0.5] * 3 + [0.1] * 12)
def test_the_interval_excludes_no_change_exactly_where_p_reaches_the_level(
    effects: list[float],
) -> None:
    each = np.array(effects)
    p, ends = differs(each).p, interval(each)
    if ends is None:
        assert len(effects) < 7
        assert p is None or p > policy.compared()
        return
    assert ends.level == 1 - policy.compared()
    assert ends.low <= math.exp(-each.mean()) * (1 + 1e-9)
    assert ends.high >= math.exp(-each.mean()) * (1 - 1e-9)
    assert (ends.high < 1 or ends.low > 1) == (p is not None and p <= policy.compared())


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(13)
    # Symmetric, as the logs of two like calls are, with heavier tails than a normal distribution.
    drawn = [interval(rng.laplace(0, 0.3, 8)) for _ in range(1000)]
    held = sum(ends is not None and ends.low <= 1 <= ends.high for ends in drawn)
    # 97.5 % of 1,000 and three standard errors either way.
    assert 960 <= held <= 990


def test_six_tasks_have_a_cost_and_no_interval() -> None:
    six, seven = (
        against_usual(everywhere(500), phases=(Phase.ALPHA,) * tasks).change.cost
        for tasks in (6, 7)
    )
    assert (six.interval, six.p) == (None, 2 / 2**6)
    assert six.ratio == pytest.approx(0.5, abs=0.01)
    assert seven.interval is not None


def test_a_free_answer_is_a_saving_and_no_infinite_one() -> None:
    cost = against_usual(lambda _: {"tokens": 0}).change.cost
    assert cost.ratio == pytest.approx(0.01)
    assert cost.after == 0


def test_only_cells_that_both_measured_count() -> None:
    """In A the costly iteration 3 tells its tokens and turns, in B it does not."""

    def costly(cell: Cell) -> dict[str, int]:
        return {"tokens": 9000, "turns": 9} if cell.iteration == 3 else {}

    def silent(cell: Cell) -> dict[str, Any]:
        return {"tokens": None, "turns": None} if cell.iteration == 3 else {}

    found = facts(calls(costly), calls(silent))
    cost, turns = found.change.cost, found.change.others[0]
    assert (cost.before, cost.after, cost.ratio) == (1000, 1000, 1)
    assert (cost.tasks, cost.cells) == (8, 8)
    assert (turns.before, turns.after) == (4, 4)
    assert {(pair.cost_before, pair.ratio) for pair in found.pairs} == {(1000, 1)}


def test_tasks_done_leave_out_the_impossible_and_are_tested_by_task() -> None:
    def lost(cell: Cell) -> dict[str, str]:
        return {"status": "failed"} if cell.task in {0, 1} else {"status": "ok"}

    done = against_usual(lost).change.done
    assert (done.before, done.before_calls, done.after, done.after_calls) == (12, 12, 8, 12)
    assert done.tasks == 6
    assert done.difference == pytest.approx(-1 / 3)
    # Of four calls of a task two ended ok: that both are A's has a chance of 1 in 6, twice.
    assert done.p_fewer == pytest.approx(1 / 36)
    assert done.p == pytest.approx(2 / 36)
    assert against_usual(cheaper).change.done.p is None


def test_a_call_that_the_other_side_has_no_cell_for_counts_nowhere() -> None:
    after = [call for call in calls() if (call.task, call.iteration) != ("id0", 3)]
    done = facts(calls(), after).change.done
    assert (done.before_calls, done.after_calls) == (11, 11)


def test_the_difference_of_the_shares_has_the_sign_of_the_test() -> None:
    """Each task is done less often in B, of which most calls are of the task that is easier."""

    def first(cell: Cell) -> dict[str, str]:
        return {"status": "ok" if cell.task == 0 or cell.repeat == 1 else "failed"}

    def second(cell: Cell) -> dict[str, str]:
        return {"status": "ok" if cell.task == 0 and cell.repeat < 4 else "failed"}

    shape: dict[str, Any] = {"phases": (Phase.ALPHA,) * 2, "iterations": 2}
    before = calls(first, repeats=4, **shape)
    before = [call for call in before if call.task == "id1" or call.repeat == 1]
    after = calls(second, repeats=4, **shape)
    after = [call for call in after if call.task == "id0" or call.repeat == 1]
    done = facts(before, after).change.done
    assert done.after / done.after_calls > done.before / done.before_calls
    assert done.difference is not None
    assert done.difference < 0
    assert done.p_fewer is not None
    assert done.p_fewer < 1


def test_what_decides_nothing_has_two_means_and_nothing_else() -> None:
    others = against_usual(cheaper).change.others
    assert [each.metric for each in others] == [
        metric.key for metric in METRICS.values() if not metric.decides
    ]
    assert (others[0].before, others[0].after) == (4, 2)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 10**6), min_size=8, max_size=8))
def test_turning_the_comparison_round_turns_every_change_round(tokens: list[int]) -> None:
    def drawn(cell: Cell) -> dict[str, Any]:
        status = "ok" if tokens[cell.task] % 3 else "failed"
        return {"tokens": tokens[cell.task], "status": status}

    after = calls(drawn)
    there, back = facts(calls(), after).change, facts(after, calls()).change
    assert there.cost.ratio is not None
    assert back.cost.ratio is not None
    assert there.cost.ratio * back.cost.ratio == pytest.approx(1)
    assert there.cost.interval is not None
    assert back.cost.interval is not None
    assert there.cost.interval.low * back.cost.interval.high == pytest.approx(1)
    assert there.done.difference is not None
    assert there.done.difference == -(back.done.difference or 0.0)
    assert (there.cost.p, there.done.p) == (back.cost.p, back.done.p)
