"""Simulated batteries are what their dials say: each effect where it belongs and nowhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.calibration.simulate import Dials, simulate
from battery.inputs.tasks import PlannedTask
from battery.records.metric import ELAPSED, OK, OVERSEER, TOKENS, TURNS
from battery.records.models import CONFIRMATIONS, FROZEN, LEARN, Arm, Phase, RunResult, Task
from battery.run.schedule import to_confirm
from battery.verdict.contrast import Observed
from battery.verdict.signflip import Floats
from battery.verdict.table import Call, Grid, grid, log_ratio

#: Enough tasks for averages to settle, all of one size.
MANY = Dials(tasks=(150, 150, 150), size_spread=0.0)
#: No randomness in tokens but rounding.
STILL = replace(MANY, noise=0.0)
TASK = Task(task_class="any", operation="any", spec={})


def draw(dials: Dials, seed: int = 1) -> Observed:
    return simulate(dials, np.random.default_rng(seed))


@cache
def grid_of(dials: Dials) -> Grid:
    """Lay out one battery, drawn once however many of its metrics a test looks at."""
    return grid(draw(dials).calls)


def cells(dials: Dials, arm: Arm, metric: str, phase: Phase | None = None) -> Floats:
    """Return one metric of one arm, tasks by iterations."""
    table = grid_of(dials)
    rows = [row for row, task in enumerate(table.tasks) if phase in {None, task.phase}]
    chosen: Floats = table.of(arm, metric)[rows]
    return chosen


def saved(dials: Dials, metric: str = TOKENS) -> list[float]:
    """Return the mean log(frozen / learn) of each iteration."""
    means: list[float] = (
        log_ratio(cells(dials, FROZEN, metric), cells(dials, LEARN, metric)).mean(axis=0).tolist()
    )
    return means


def test_every_task_is_asked_in_every_iteration_arm_and_repeat_once() -> None:
    calls = draw(Dials(tasks=(2, 1, 1), iterations=3, repeats=2)).calls
    places = Counter((c.arm, c.iteration, c.position, c.repeat) for c in calls)
    assert len(places) == len(calls) == 2 * 3 * 4 * 2
    assert [c.phase for c in calls[:16:4]] == [Phase.ALPHA, Phase.ALPHA, Phase.BETA, Phase.GAMMA]


def test_the_arms_take_turns_task_by_task() -> None:
    order = [(c.position, c.arm) for c in draw(Dials()).calls[:4]]
    assert order == [(0, LEARN), (0, FROZEN), (1, LEARN), (1, FROZEN)]


def test_a_seed_gives_one_battery_and_another_seed_another() -> None:
    assert draw(Dials(flaky=0.2), 1) == draw(Dials(flaky=0.2), 1)
    assert draw(Dials(), 1) != draw(Dials(), 2)


ANY_DIALS = st.builds(
    Dials,
    tasks=st.tuples(*[st.integers(1, 4)] * 3),
    iterations=st.integers(2, 6),
    repeats=st.integers(1, 3),
    arms=st.integers(1, 2),
    drop=st.floats(0, 0.5),
    saved_once=st.floats(0, 0.5),
    own_shock=st.floats(0, 0.5),
    offset=st.floats(-1, 1),
    pace=st.floats(0.5, 2),
    noise=st.floats(0, 2),
    flaky=st.floats(0, 1),
    bluff=st.floats(0, 1),
    forget_from=st.none() | st.integers(2, 6),
    missing=st.integers(0, 3),
)


@given(ANY_DIALS, st.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_any_dials_give_a_whole_battery_but_for_the_missing_cells(dials: Dials, seed: int) -> None:
    observed = draw(dials, seed)
    wanted = dials.arms * dials.iterations * sum(dials.tasks) - dials.missing
    assert len(observed.calls) == wanted * dials.repeats
    for call in observed.calls:
        result = call.result
        assert min(result.tokens or 0, result.turns or 0, result.elapsed_ms) >= 1
        assert (result.status == "ok") == (result.error is None)
    assert set(observed.distilled) == set(range(1, dials.iterations + 1))


def passes(calls: Iterable[Call], iteration: int, arm: Arm = LEARN) -> dict[str, list[bool]]:
    """Return by task whether the runs of an arm in an iteration ended ok."""
    found: dict[str, list[bool]] = {}
    for call in calls:
        if (call.arm, call.iteration) == (arm, iteration):
            found.setdefault(call.task, []).append(call.result.status == "ok")
    return found


@given(ANY_DIALS, st.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_what_is_asked_again_is_what_a_run_would_ask_again(dials: Dials, seed: int) -> None:
    observed = draw(replace(dials, missing=0), seed)
    tasks = {
        call.position: PlannedTask(call.task, call.phase, TASK, call.label)
        for call in observed.calls
    }
    learn, frozen = ([passes(observed.calls, 1, arm)] for arm in (LEARN, FROZEN))
    reruns: list[dict[str, list[bool]]] = []
    for iteration in range(2, dials.iterations + 1):
        learn.append(passes(observed.calls, iteration))
        frozen.append(passes(observed.calls, iteration, FROZEN))
        due = to_confirm(tasks.values(), learn, frozen, reruns)
        reruns.append(passes(observed.confirmations, iteration))
        assert set(reruns[-1]) == {task.task_id for task in due}
    assert all(len(each) == CONFIRMATIONS for asked in reruns for each in asked.values())
    assert len(observed.confirmations) == CONFIRMATIONS * sum(map(len, reruns))


def test_noise_and_size_have_the_spread_of_their_dials() -> None:
    noise = np.log(cells(MANY, FROZEN, TOKENS, Phase.ALPHA))
    assert noise.std() == pytest.approx(0.3, rel=0.1)
    sizes = np.log(cells(replace(STILL, size_spread=0.7), FROZEN, TOKENS, Phase.ALPHA))
    assert sizes[:, 0].std() == pytest.approx(0.7, rel=0.2)
    assert sizes[:, 1] == pytest.approx(sizes[:, 0])


def test_without_learning_the_arms_differ_by_noise_alone() -> None:
    assert saved(STILL) == pytest.approx([0, 0, 0], abs=1e-9)
    assert saved(MANY) == pytest.approx([0, 0, 0], abs=0.06)


def test_a_drop_takes_its_share_an_iteration_after_the_other_in_the_learn_arm() -> None:
    wanted = [-n * np.log(0.8) for n in range(3)]
    assert saved(replace(STILL, drop=0.2)) == pytest.approx(wanted, abs=0.01)
    frozen = cells(replace(STILL, drop=0.2), FROZEN, TOKENS)
    assert frozen[:, 2] == pytest.approx(frozen[:, 0])


def test_what_is_saved_once_is_saved_from_iteration_2_on_and_stays() -> None:
    dials = replace(STILL, saved_once=0.3, iterations=4)
    once = -np.log(0.7)
    assert saved(dials) == pytest.approx([0, once, once, once], abs=0.01)
    needed = cells(dials, LEARN, OVERSEER, Phase.BETA).mean(axis=0)
    assert needed[1:] == pytest.approx([0.7 * 0.8] * 3, abs=0.12)
    frozen = cells(dials, FROZEN, TOKENS)
    assert frozen[:, 3] == pytest.approx(frozen[:, 0])


def test_a_drop_goes_on_after_what_was_saved_once() -> None:
    wanted = [0, *(-np.log(0.7) - n * np.log(0.9) for n in (1, 2))]
    assert saved(replace(STILL, drop=0.1, saved_once=0.3)) == pytest.approx(wanted, abs=0.01)


def test_more_turns_cost_more_tokens_and_more_time() -> None:
    dials = replace(MANY, iterations=1)
    tokens, turns, elapsed = (
        cells(dials, FROZEN, metric, Phase.BETA)[:, 0] for metric in (TOKENS, TURNS, ELAPSED)
    )
    assert np.corrcoef(tokens, turns)[0, 1] > 0.5
    assert np.corrcoef(tokens, elapsed)[0, 1] > 0.5


@pytest.mark.parametrize(
    ("dials", "steps"),
    [
        (replace(STILL, drift=0.1), [0.0, 0.1, 0.2]),
        (replace(STILL, warm_up=2.0), [0.0, -np.log(2), -np.log(2)]),
    ],
)
def test_drift_and_warm_up_move_both_arms_alike(dials: Dials, steps: list[float]) -> None:
    for arm in (LEARN, FROZEN):
        for metric in (TOKENS, ELAPSED):
            logs = np.log(cells(dials, arm, metric)).mean(axis=0)
            assert logs - logs[0] == pytest.approx(steps, abs=0.01)


def test_a_shock_hits_a_whole_iteration_in_both_arms() -> None:
    dials = replace(STILL, shock=0.5, iterations=6)
    assert saved(dials) == pytest.approx([0] * 6, abs=1e-9)
    logs = np.log(cells(dials, LEARN, TOKENS)).mean(axis=0)
    assert logs.std() > 0.2


def test_a_shock_of_its_own_hits_all_calls_of_one_arm_in_one_iteration() -> None:
    dials = replace(STILL, own_shock=0.5, iterations=6)
    assert np.std(saved(dials)) > 0.2
    for arm in (LEARN, FROZEN):
        logs = np.log(cells(dials, arm, TOKENS, Phase.BETA))
        assert logs == pytest.approx(np.broadcast_to(logs[0], logs.shape), abs=0.01)
        assert logs[0].std() > 0.2


def test_an_offset_is_in_the_learn_arms_tokens_from_the_start_and_nowhere_else() -> None:
    dials = replace(STILL, offset=np.log(0.8))
    assert saved(dials) == pytest.approx([-np.log(0.8)] * 3, abs=0.01)
    assert saved(dials, TURNS) == pytest.approx([0, 0, 0], abs=1e-9)
    assert saved(dials, ELAPSED) == pytest.approx([0, 0, 0], abs=1e-9)


def test_a_pace_is_in_the_learn_arms_time_from_the_start_and_nowhere_else() -> None:
    dials = replace(STILL, pace=1.5)
    assert saved(dials, ELAPSED) == pytest.approx([-np.log(1.5)] * 3, abs=0.01)
    assert saved(dials) == pytest.approx([0, 0, 0], abs=1e-9)
    assert saved(dials, TURNS) == pytest.approx([0, 0, 0], abs=1e-9)


def test_bloat_costs_the_learn_arm_tokens_and_nothing_else() -> None:
    dials = replace(STILL, bloat=0.4)
    assert saved(dials) == pytest.approx([0, -0.4, -0.8], abs=0.01)
    assert saved(dials, TURNS) == pytest.approx([0, 0, 0], abs=1e-9)


def test_an_unlike_start_touches_the_first_iteration_of_the_learn_arm_alone() -> None:
    assert saved(replace(STILL, unlike_start=-1.2)) == pytest.approx([1.2, 0, 0], abs=0.01)


def test_forgetting_fails_its_share_of_easy_tasks_for_good_in_the_learn_arm() -> None:
    dials = Dials(tasks=(6, 2, 2), iterations=4, forget_from=3)
    learn = cells(dials, LEARN, OK, Phase.ALPHA)
    assert (6 - learn.sum(axis=0)).tolist() == [0, 0, 2, 2]
    assert learn[:, 2].tolist() == learn[:, 3].tolist()
    assert cells(dials, FROZEN, OK, Phase.ALPHA).all()
    reruns = [call for call in draw(dials).confirmations if call.phase is Phase.ALPHA]
    assert {(call.iteration, call.result.status) for call in reruns} == {(3, "failed")}
    assert len(reruns) == 2 * CONFIRMATIONS


def test_flaky_calls_fail_in_both_arms_but_pass_when_asked_again() -> None:
    dials = replace(MANY, flaky=0.2)
    for arm in (LEARN, FROZEN):
        assert cells(dials, arm, OK, Phase.ALPHA).mean() == pytest.approx(0.8, abs=0.05)
        assert not cells(dials, arm, OK, Phase.GAMMA).any()
    reruns = [call for call in draw(dials).confirmations if call.phase is Phase.ALPHA]
    passed = sum(call.result.status == "ok" for call in reruns)
    assert passed / len(reruns) == pytest.approx(0.8, abs=0.1)


def test_a_bluff_is_the_learn_arms_and_begins_in_iteration_2() -> None:
    dials = replace(MANY, bluff=0.5)
    means = cells(dials, LEARN, OK, Phase.GAMMA).mean(axis=0)
    assert means == pytest.approx([0, 0.5, 0.5], abs=0.1)
    assert means[0] == 0
    assert not cells(dials, FROZEN, OK, Phase.GAMMA).any()


def test_the_overseer_is_for_beta_and_learning_makes_it_rare() -> None:
    dials = replace(MANY, drop=0.3)
    first = [cells(dials, LEARN, OVERSEER, phase)[:, 0].mean() for phase in Phase]
    assert first[0] == 0
    assert first[1] == max(first) > 0.7
    learn, frozen = (
        cells(dials, arm, OVERSEER, Phase.BETA)[:, -1].mean() for arm in (LEARN, FROZEN)
    )
    assert learn < 0.6 * frozen


def test_one_arm_is_the_learn_arm() -> None:
    assert {call.arm for call in draw(Dials(arms=1)).calls} == {LEARN}


def test_missing_cells_are_missing_in_the_grid() -> None:
    assert grid(draw(Dials(missing=3)).calls).missing() == 3


def test_calls_of_a_cell_are_numbered_from_1_and_name_their_task() -> None:
    call = draw(Dials()).calls[0]
    assert isinstance(call, Call)
    assert isinstance(call.result, RunResult)
    assert (call.repeat, call.iteration, call.label) == (1, 1, "alpha 1")
