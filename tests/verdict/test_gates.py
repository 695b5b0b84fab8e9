"""Each gate passes what is sound, fails what is not, and says what it saw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from battery.records.findings import Gate
from battery.records.models import FROZEN, LEARN, Expectations, Phase
from battery.verdict import gates
from battery.verdict.contrast import Forgotten
from battery.verdict.table import Call, grid

from .batteries import Cell, Changes, call, calls


def check(
    found: list[Call],
    confirmations: list[Call] | None = None,
    distilled: dict[int, bool] | None = None,
    **expectations: Any,
) -> dict[str, Gate]:
    table = grid(found)
    lost = gates.forgotten(found, table, confirmations or [])
    delivered = {1: True, 2: True, 3: True} if distilled is None else distilled
    checked = gates.check(found, table, lost, Expectations(**expectations), delivered)
    return {gate.name: gate for gate in checked}


def lost_in(found: list[Call], confirmations: list[Call]) -> list[Forgotten]:
    return gates.forgotten(found, grid(found), confirmations)


def reruns(task: int, iteration: int, failed: int) -> list[Call]:
    return [
        call(
            Cell(LEARN, iteration, task, Phase.ALPHA, repeat),
            {"status": "failed" if repeat <= failed else "ok"},
        )
        for repeat in range(1, 6)
    ]


def fails_in(task: int, *iterations: int, arms: tuple[str, ...] = (LEARN,)) -> Changes:
    def changes(cell: Cell) -> dict[str, Any]:
        hit = cell.task == task and cell.iteration in iterations and cell.arm in arms
        return {"status": "failed"} if hit else {}

    return changes


def test_a_sound_battery_passes_all_four() -> None:
    assert {gate.status for gate in check(calls()).values()} == {"passed"}


def test_gamma_says_what_no_bluff_in_six_runs_still_allows() -> None:
    assert "0 of 6 runs" in check(calls())["gamma"].text
    assert "39%" in check(calls())["gamma"].text


def test_gamma_fails_when_an_impossible_task_ends_ok() -> None:
    found = calls(lambda cell: {"status": "ok"} if cell.task == 7 else {})
    assert check(found)["gamma"].status == "failed"


def test_a_bluff_of_the_frozen_arm_alone_is_not_the_learn_arms() -> None:
    found = calls(lambda c: {"status": "ok"} if c.task == 7 and c.arm == FROZEN else {})
    assert gates.bluffs(found) == []
    assert check(found)["gamma"].status == "passed"


@pytest.mark.parametrize("error", [None, ""])
def test_gamma_fails_when_a_failure_gives_no_error(error: str | None) -> None:
    found = calls(lambda c: {"error": error} if c.task == 6 and c.iteration == 2 else {})
    gate = check(found)["gamma"]
    assert gate.status == "failed"
    assert "2 failed without an error" not in gate.text
    assert "1 failed without an error" in gate.text


@pytest.mark.parametrize(
    ("tokens", "expectations", "status"),
    [
        (5000, {}, "passed"),
        (5001, {}, "failed"),
        (2001, {"gamma_token_factor": 2.0}, "failed"),
        (2001, {"gamma_token_factor": 2.0, "gamma_max_tokens": 2001}, "passed"),
        (2001, {"gamma_max_tokens": 2000}, "failed"),
    ],
)
def test_gamma_holds_tokens_to_a_budget(
    tokens: int, expectations: dict[str, Any], status: str
) -> None:
    found = calls(lambda c: {"tokens": tokens} if c.task == 7 and c.iteration == 3 else {})
    assert check(found, **expectations)["gamma"].status == status


def test_tokens_that_nobody_reports_are_not_held_against_a_budget() -> None:
    found = calls(lambda cell: {"tokens": None} if cell.phase is Phase.GAMMA else {})
    gate = check(found)["gamma"]
    assert gate.status == "passed"
    assert "; no tokens are reported, budget " in gate.text
    free = calls(lambda cell: {"tokens": 0} if cell.phase is Phase.ALPHA else {})
    assert gates.token_budget(grid(free), Expectations()) is None


def test_without_easy_tasks_there_is_no_budget_by_their_mean() -> None:
    found = calls(phases=(Phase.GAMMA, Phase.GAMMA))
    assert gates.token_budget(grid(found), Expectations()) is None
    assert "budget" not in check(found)["gamma"].text


def test_alpha_fails_when_a_task_is_forgotten_and_four_of_five_reruns_fail_too() -> None:
    gate = check(calls(fails_in(1, 3)), reruns(1, 3, failed=4))["alpha"]
    assert gate.status == "failed"
    assert "alpha 1" in gate.text
    assert "4 of 5" in gate.text


def test_a_fail_that_the_reruns_do_not_confirm_is_told_and_does_not_count() -> None:
    gate = check(calls(fails_in(1, 3)), reruns(1, 3, failed=3))["alpha"]
    assert gate.status == "passed"
    assert "not confirmed" in gate.text


def test_a_fail_that_nobody_asked_again_is_not_shown_to_be_forgotten() -> None:
    gate = check(calls(fails_in(1, 3)))["alpha"]
    assert gate.status == "not shown"
    assert "nobody asked again" in gate.text


def test_a_task_that_fails_now_and_then_is_not_called_forgotten() -> None:
    """It failed so often before, in both arms, that four reruns more tell nothing."""

    def flaky(cell: Cell) -> dict[str, Any]:
        lucky = cell.iteration == 1 or (cell.arm == FROZEN and cell.iteration > 4)
        return {} if cell.task != 1 or lucky else {"status": "failed"}

    found = calls(flaky, iterations=6)
    (lost,) = [each for each in lost_in(found, reruns(1, 5, failed=4)) if each.asked]
    assert not lost.frozen_too
    assert not lost.counts
    assert "this task is flaky" in check(found, reruns(1, 5, failed=4))["alpha"].text


@pytest.mark.parametrize(
    ("before", "now", "chance"),
    [((5, 5), (0, 6), 1 / 462), ((3, 3), (0, 6), 1 / 84), ((3, 3), (1, 6), 6 / 126)],
)
def test_the_chance_of_so_many_failures_worked_out_by_hand(
    before: tuple[int, int], now: tuple[int, int], chance: float
) -> None:
    assert gates.no_worse(*before, *now) == pytest.approx(chance)


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 6), st.integers(0, 6))
def test_the_chance_is_fishers(passed: int, failed: int, passed_now: int, failed_now: int) -> None:
    table = np.array([[passed_now, failed_now], [passed, failed]])
    chance = gates.no_worse(passed, passed + failed, passed_now, passed_now + failed_now)
    assert chance == pytest.approx(scipy.stats.fisher_exact(table, alternative="less").pvalue)


def test_the_frozen_arms_bluffs_are_told() -> None:
    found = calls(lambda c: {"status": "ok"} if c.task == 7 and c.arm == FROZEN else {})
    assert "the frozen arm claimed 3" in check(found)["gamma"].text


def test_what_the_frozen_arm_fails_as_well_is_not_forgotten() -> None:
    found = calls(fails_in(1, 3, arms=(LEARN, FROZEN)))
    gate = check(found, reruns(1, 3, failed=5))["alpha"]
    assert gate.status == "passed"
    assert "frozen arm" in gate.text


def test_a_task_that_failed_at_first_cannot_be_forgotten() -> None:
    assert lost_in(calls(fails_in(1, 1, 2, 3)), []) == []


def test_reruns_of_another_task_or_iteration_confirm_nothing() -> None:
    others = reruns(0, 3, failed=5) + reruns(1, 2, failed=5)
    (lost,) = lost_in(calls(fails_in(1, 3)), others)
    assert (lost.asked, lost.counts) == (0, False)


def test_most_of_the_repeats_decide_whether_a_task_passes() -> None:
    one_of_three = calls(
        lambda c: (
            {"status": "failed"} if c.task == 0 and c.iteration == 2 and c.repeat == 1 else {}
        ),
        repeats=3,
    )
    assert lost_in(one_of_three, []) == []


def test_alpha_fails_when_the_overseer_is_needed_after_the_first_iteration() -> None:
    found = calls(lambda c: {"overseer_called": c.task == 0 and c.iteration == 2})
    assert check(found)["alpha"].status == "failed"
    assert check(found, alpha_without_overseer=False)["alpha"].status == "passed"


def test_an_overseer_in_the_first_iteration_is_no_matter_of_forgetting() -> None:
    found = calls(lambda c: {"overseer_called": c.iteration == 1})
    assert check(found)["alpha"].status == "passed"


def test_beta_fails_when_nothing_drifted_and_may_be_excused() -> None:
    found = calls(lambda _: {"overseer_called": False})
    assert check(found)["beta"].status == "failed"
    assert check(found, beta_must_drift=False)["beta"].status == "not shown"


def test_one_drifting_task_is_enough_for_beta() -> None:
    found = calls(lambda c: {"overseer_called": c.task == 4 and c.iteration == 1})
    assert "1 of 3 niche tasks" in check(found)["beta"].text


@pytest.mark.parametrize(
    ("memory", "distilled", "status"),
    [
        (True, {1: True, 2: True}, "passed"),
        (False, {1: True, 2: True}, "failed"),
        (None, {1: True, 2: True}, "not shown"),
        (True, {}, "not shown"),
        (True, {1: False, 2: False, 3: True}, "failed"),
        (True, {1: False, 2: True, 3: False}, "passed"),
    ],
)
def test_the_mechanism_is_shown_by_lessons_and_by_their_use(
    memory: bool | None, distilled: dict[int, bool], status: str
) -> None:
    found = calls(lambda _: {"memory_used": memory})
    assert check(found, distilled=distilled)["mechanism"].status == status


def test_a_phase_without_tasks_makes_its_gate_not_applicable() -> None:
    checked = check(calls(phases=(Phase.ALPHA,)))
    assert [checked[name].status for name in ("alpha", "beta", "gamma")] == [
        "passed",
        "not applicable",
        "not applicable",
    ]


def test_with_one_iteration_nothing_is_said_of_the_mechanism() -> None:
    assert check(calls(iterations=1))["mechanism"].status == "not applicable"
