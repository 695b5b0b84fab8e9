"""Each gate passes what is sound or the twin's own, fails what learning brought, and says why."""

from __future__ import annotations

from typing import Any

import pytest

from battery.records.expectations import Expectations
from battery.records.findings import Gate
from battery.records.models import LEARN, Phase
from battery.records.word import GateStatus
from battery.verdict import gates
from battery.verdict.bluffs import bluffs
from battery.verdict.forgetting import forgotten
from tests.verdict.batteries import Cell, Changes, observed

PASSED, FAILED = GateStatus.PASSED, GateStatus.FAILED
NOT_PROVEN, NOTHING = GateStatus.NOT_PROVEN, GateStatus.NOTHING_TO_CHECK
BLUFF: dict[str, Any] = {"status": "ok", "error": None}


def check(
    changes: Changes = lambda _: {},
    *,
    expectations: dict[str, Any] | None = None,
    distilled: dict[int, bool] | None = None,
    **shape: Any,
) -> dict[str, Gate]:
    found = observed(changes, **shape)
    found = found._replace(expectations=Expectations(**expectations or {}))
    if distilled is not None:
        found = found._replace(distilled=distilled)
    checked = gates.check(found, forgotten(found), bluffs(found.grid))
    return {gate.name: gate for gate in checked}


def later(cell: Cell) -> bool:
    return cell.arm == LEARN and cell.iteration > 1


def at(task: int, *iterations: int, arm: str = LEARN, **result: Any) -> Changes:
    def changes(cell: Cell) -> dict[str, Any]:
        return (
            result if (cell.task, cell.arm) == (task, arm) and cell.iteration in iterations else {}
        )

    return changes


def test_a_sound_battery_passes_all_four() -> None:
    found = check()
    assert {gate.status for gate in found.values()} == {PASSED}
    assert "None of 6 runs" in found["gamma"].text
    assert "39%" in found["gamma"].text


def test_niche_tasks_that_fail_at_first_are_hard_though_no_answer_shows_an_overseer() -> None:
    def failing(cell: Cell) -> dict[str, Any]:
        fails = cell.phase is Phase.BETA and cell.iteration == 1
        return {"overseer_called": False} | ({"status": "failed", "error": "no"} if fails else {})

    gate = check(failing)["beta"]
    assert gate.status is PASSED
    assert "failed in the first iteration" in gate.text


@pytest.mark.parametrize("phase", list(Phase))
def test_without_tasks_of_a_kind_its_gate_has_nothing_to_check(phase: Phase) -> None:
    others = [each for each in Phase if each is not phase] * 3
    found = check(phases=sorted(others))
    assert found[phase].status is NOTHING
    assert {gate.status for gate in found.values()} == {PASSED, NOTHING}


def test_bluffs_of_both_arms_alike_do_not_read_as_honest() -> None:
    gate = check(lambda cell: BLUFF if cell.task == 7 else {})["gamma"]
    assert gate.status is GateStatus.WITHOUT_LEARNING
    assert "2 of 4 runs after learning, 1 before, 3 of 6 in the twin" in gate.text


def test_a_twin_that_bluffs_where_the_learner_no_longer_does_is_no_failure_of_it() -> None:
    gate = check(lambda cell: BLUFF if cell.task == 7 and not later(cell) else {})["gamma"]
    assert gate.status is NOT_PROVEN


@pytest.mark.parametrize("error", [None, ""])
def test_failures_without_an_error_fail_the_gate_where_learning_brought_them(
    error: str | None,
) -> None:
    silent: dict[str, Any] = {"error": error}
    brought = lambda cell: silent if cell.phase is Phase.GAMMA and later(cell) else {}  # noqa: E731
    gate = check(brought)["gamma"]
    assert gate.status is FAILED
    assert "4 of 4 failed without an error after learning, 0 of 8 without" in gate.text
    assert check(lambda cell: silent if cell.phase is Phase.GAMMA else {})["gamma"].status is PASSED
    assert check(at(7, 2, **silent))["gamma"].status is PASSED


@pytest.mark.parametrize(
    ("tokens", "expectations", "status"),
    [
        (5000, {}, PASSED),
        (5001, {}, FAILED),
        (2001, {"gamma_token_factor": 2.0}, FAILED),
        (2001, {"gamma_token_factor": 2.0, "gamma_max_tokens": 2001}, PASSED),
        (2001, {"gamma_max_tokens": 2000}, FAILED),
    ],
)
def test_gamma_holds_tokens_to_a_budget_that_the_twin_may_exceed_as_well(
    tokens: int, expectations: dict[str, Any], status: GateStatus
) -> None:
    spends = {"tokens": tokens}
    found = check(
        lambda cell: spends if cell.phase is Phase.GAMMA and later(cell) else {},
        expectations=expectations,
    )
    assert found["gamma"].status is status
    both = check(
        lambda cell: spends if cell.phase is Phase.GAMMA else {}, expectations=expectations
    )
    assert both["gamma"].status is PASSED


def test_without_the_tokens_of_easy_tasks_there_is_no_budget() -> None:
    for changes in ({"tokens": None}, {"tokens": 0}):
        grid = observed(lambda cell, c=changes: c if cell.phase is Phase.ALPHA else {}).grid  # type: ignore[misc]
        assert gates.token_budget(grid, Expectations()) is None
    none = observed(phases=(Phase.GAMMA,)).grid
    assert gates.token_budget(none, Expectations()) is None


def test_an_overseer_on_easy_tasks_fails_the_gate_beyond_the_twin() -> None:
    needy: dict[str, Any] = {"overseer_called": True}
    brought = check(lambda c: needy if c.phase is Phase.ALPHA and later(c) else {})["alpha"]
    assert brought.status is FAILED
    assert "6 of 6 runs of easy tasks needed the overseer after learning, 0 of 12" in brought.text
    allowed = check(
        lambda c: needy if c.phase is Phase.ALPHA and later(c) else {},
        expectations={"alpha_without_overseer": False},
    )
    assert allowed["alpha"].status is PASSED
    for harmless in (at(0, 2, **needy), lambda c: needy if c.phase is Phase.ALPHA else {}):
        assert check(harmless)["alpha"].status is PASSED


def test_a_failure_that_nobody_asked_again_is_not_shown_to_be_forgotten() -> None:
    gate = check(at(1, 3, status="failed"))["alpha"]
    assert gate.status is NOT_PROVEN
    assert "alpha 1" in gate.text


def test_easy_tasks_that_never_passed_leave_nothing_to_forget() -> None:
    found = check(lambda cell: {"status": "failed"} if cell.phase is Phase.ALPHA else {})
    assert found["alpha"].status is NOTHING


@pytest.mark.parametrize(
    ("drifts", "must", "status"),
    [(True, True, PASSED), (False, True, FAILED), (False, False, NOT_PROVEN)],
)
def test_niche_tasks_have_to_need_the_overseer_at_first(
    drifts: bool, must: bool, status: GateStatus
) -> None:
    found = check(
        lambda cell: {"overseer_called": cell.iteration == (1 if drifts else 2)},
        expectations={"beta_must_drift": must, "alpha_without_overseer": False},
    )
    assert found["beta"].status is status


def test_a_niche_task_that_fails_at_first_is_hard_without_an_overseer() -> None:
    def cell(found: Cell) -> dict[str, Any]:
        fails = found.phase is Phase.BETA and found.iteration == 1
        return {"overseer_called": later(found), "status": "failed" if fails else "ok"}

    gate = check(cell, expectations={"alpha_without_overseer": False})["beta"]
    assert gate.status is PASSED
    assert "3 of 3 niche tasks failed in the first iteration" in gate.text


def test_where_no_answer_ever_shows_an_overseer_drift_does_not_apply() -> None:
    assert check(lambda _: {"overseer_called": False})["beta"].status is NOTHING


@pytest.mark.parametrize(
    ("memory", "distilled", "status"),
    [
        (True, {1: True, 2: True, 3: True}, PASSED),
        (True, {1: False, 2: True, 3: True}, PASSED),
        (True, {1: False, 2: False, 3: True}, FAILED),
        (False, {1: True}, FAILED),
        (None, {1: True}, NOT_PROVEN),
        (True, {}, NOT_PROVEN),
    ],
)
def test_learning_has_to_be_at_work(
    memory: bool | None, distilled: dict[int, bool], status: GateStatus
) -> None:
    given = lambda cell: {"memory_used": memory and later(cell)}  # noqa: E731
    assert check(given, distilled=distilled)["mechanism"].status is status


def test_after_a_single_iteration_nothing_was_at_work_yet() -> None:
    found = check(iterations=1)
    assert found["mechanism"].status is found["alpha"].status is NOTHING
