"""Simulated batteries are what their dials say: each effect where it belongs and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.calibration.dials import Dials
from battery.calibration.simulate import first_iterations, simulate
from battery.inputs.tasks import PlannedTask
from battery.records.metric import ELAPSED, OK, OVERSEER, TOKENS, TURNS
from battery.records.models import CONFIRMATIONS, FROZEN, LEARN, Arm, Phase, Task
from battery.runner.schedule import to_confirm
from battery.verdict.cost import cell_effects
from battery.verdict.facts import Observed
from battery.verdict.signflip import Floats
from battery.verdict.table import CACHED, MEMORY, SILENT, Grid

#: Enough tasks for averages to settle, all of one size.
MANY = Dials(tasks=(150, 150, 150), size_spread=0.0)
#: No randomness in tokens but rounding.
STILL = replace(MANY, noise=0.0)
TASK = Task(task_class="any", operation="any", spec={})


def draw(dials: Dials, seed: int = 1) -> Observed:
    (observed,) = simulate(dials, 1, np.random.default_rng(seed))
    return observed


@cache
def grid_of(dials: Dials) -> Grid:
    """Draw one battery, once however many of its metrics a test looks at."""
    return draw(dials).grid


def asked(dials: Dials, arm: Arm, metric: str, *phases: Phase) -> Floats:
    """Return one metric or fact of one arm's first repeats, tasks by iterations."""
    grid = grid_of(dials)
    chosen: Floats = grid.asked(arm, metric)[grid.rows(*(phases or Phase)), :, 0]
    return chosen


def saved(dials: Dials, metric: str = TOKENS, *phases: Phase) -> list[float]:
    """Return the mean log(frozen / learn) of each iteration."""
    grid = grid_of(dials)
    rows = grid.rows(*(phases or Phase))
    sides = (grid.asked(arm, metric)[rows] for arm in (LEARN, FROZEN))
    effects: list[float] = cell_effects(*sides).mean(axis=0).tolist()
    return effects


def many(dials: Dials, batteries: int = 400, metric: str = TOKENS) -> Floats:
    """Return the logs of one metric of many batteries: (batteries, arms, tasks, iterations)."""
    drawn = simulate(dials, batteries, np.random.default_rng(1))
    logs: Floats = np.log([observed.grid.calls[metric][..., 0] for observed in drawn])
    return logs


ANY_DIALS = st.builds(
    Dials,
    tasks=st.tuples(*[st.integers(1, 4)] * 3),
    iterations=st.integers(2, 6),
    repeats=st.integers(1, 3),
    arms=st.integers(1, 2),
    added=st.integers(0, 2),
    drop=st.floats(0, 0.5),
    saved=st.lists(st.floats(0, 0.5), max_size=8).map(tuple),
    niche_only=st.booleans(),
    solves=st.none() | st.tuples(st.floats(0, 1), st.floats(0, 1)),
    own_shock=st.floats(0, 0.5),
    wander=st.floats(0, 0.5),
    regime=st.floats(-1, 1),
    playbook=st.floats(0, 0.5),
    walk=st.floats(0, 0.5),
    lasting=st.floats(0, 0.5),
    offset=st.floats(-1, 1),
    pace=st.floats(0.5, 2),
    noise=st.floats(0.01, 2),
    erratic=st.none() | st.floats(0, 1),
    tails=st.sampled_from(["normal", "t2", "pareto"]),
    alike=st.floats(0, 1),
    flaky=st.floats(0, 1),
    bluff=st.floats(0, 1),
    forget_from=st.none() | st.integers(2, 6),
    gives_up=st.integers(0, 4),
    hopeless=st.booleans(),
    cached=st.booleans(),
    missing=st.integers(0, 3),
)


@given(ANY_DIALS, st.integers(0, 1000))
@settings(deadline=None, max_examples=50)
def test_any_dials_give_a_whole_battery_but_for_the_missing_cells(dials: Dials, seed: int) -> None:
    observed = draw(dials, seed)
    grid = observed.grid
    shape = (dials.arms, sum(dials.tasks), dials.length, dials.repeats)
    assert [task.phase for task in grid.tasks] == dials.phases
    assert grid.missing() == dials.missing
    for values in grid.calls.values():
        assert values.shape == shape
        assert int(np.isnan(values).sum()) == dials.missing * dials.repeats
    for metric in (TOKENS, TURNS):
        known = grid.calls[metric][~np.isnan(grid.calls[metric])]
        assert known.min() >= 1
        assert (known == np.rint(known)).all()
    assert not np.nansum(grid.calls[SILENT] * grid.calls[OK])
    assert set(observed.distilled) == set(grid.iterations) == set(range(1, dials.length + 1))
    assert observed.planned == dials.iterations


def passes(grid: Grid, iteration: int, arm: Arm = LEARN) -> dict[str, list[bool]]:
    """Return by task whether the runs of an arm in an iteration ended ok."""
    ok = grid.asked(arm, OK)[:, iteration - 1] > 0
    return {task.task: runs.tolist() for task, runs in zip(grid.tasks, ok, strict=True)}


@given(ANY_DIALS, st.integers(0, 1000))
@settings(deadline=None, max_examples=50)
def test_what_is_asked_again_is_what_a_run_would_ask_again(dials: Dials, seed: int) -> None:
    observed = draw(replace(dials, missing=0), seed)
    grid = observed.grid
    tasks = [PlannedTask(task.task, task.phase, TASK, task.label) for task in grid.tasks]
    both = dials.arms == 2
    learn = [passes(grid, 1)]
    frozen = [passes(grid, 1, FROZEN)] if both else []
    reruns: list[dict[str, list[bool]]] = []
    for iteration in grid.iterations[1:]:
        learn.append(passes(grid, iteration))
        frozen += [passes(grid, iteration, FROZEN)] if both else []
        due = to_confirm(tasks, learn, frozen, reruns)
        again = {
            grid.tasks[row].task: list(each.passed)
            for (row, number), each in observed.reruns.items()
            if number == iteration
        }
        assert set(again) == {task.task_id for task in due}
        reruns.append(again)
    assert all(len(each.passed) == CONFIRMATIONS for each in observed.reruns.values())


def test_a_seed_gives_the_same_batteries_and_another_seed_others() -> None:
    first, second = ([tokens.tolist() for tokens in many(Dials(), 2)] for _ in range(2))
    assert first == second
    assert first[0] != first[1]
    one, other = (draw(Dials(), seed).grid.calls[TOKENS] for seed in (1, 2))
    assert not np.array_equal(one, other)


def test_the_first_iterations_are_what_was_there_before_the_others() -> None:
    observed = draw(Dials(added=9, flaky=0.4))
    early = first_iterations(observed, 4)
    assert early.grid.iterations == (1, 2, 3, 4)
    assert np.array_equal(early.grid.calls[TOKENS], observed.grid.calls[TOKENS][:, :, :4])
    assert {n for _, n in early.reruns} == {n for _, n in observed.reruns if n <= 4}
    assert max(n for _, n in observed.reruns) > 4
    assert (early.planned, set(early.distilled)) == (3, {1, 2, 3, 4})


def test_noise_and_size_have_the_spread_of_their_dials() -> None:
    noise = np.log(asked(MANY, FROZEN, TOKENS, Phase.ALPHA))
    assert noise.std() == pytest.approx(0.3, rel=0.1)
    sizes = np.log(asked(replace(STILL, size_spread=0.7), FROZEN, TOKENS, Phase.ALPHA))
    assert sizes[:, 0].std() == pytest.approx(0.7, rel=0.2)
    assert sizes[:, 1] == pytest.approx(sizes[:, 0])


def test_without_learning_the_arms_differ_by_noise_alone() -> None:
    assert saved(STILL) == pytest.approx([0, 0, 0], abs=1e-9)
    assert saved(MANY) == pytest.approx([0, 0, 0], abs=0.06)


def test_a_drop_takes_its_share_an_iteration_after_the_other_in_the_learn_arm() -> None:
    wanted = [-n * np.log(0.8) for n in range(3)]
    assert saved(replace(STILL, drop=0.2)) == pytest.approx(wanted, abs=0.01)
    frozen = asked(replace(STILL, drop=0.2), FROZEN, TOKENS)
    assert frozen[:, 2] == pytest.approx(frozen[:, 0])


def test_what_is_saved_follows_its_list_and_stays_at_its_last() -> None:
    dials = replace(STILL, saved=(0.5, 0.3), iterations=5)
    wanted = [-np.log(left) for left in (1, 0.5, 0.7, 0.7, 0.7)]
    assert saved(dials) == pytest.approx(wanted, abs=0.01)
    needed = asked(dials, LEARN, OVERSEER, Phase.BETA).mean(axis=0)
    assert needed[1:] == pytest.approx([0.4, 0.56, 0.56, 0.56], abs=0.12)


def test_a_drop_goes_on_after_what_was_saved() -> None:
    wanted = [0, *(-np.log(0.7) - n * np.log(0.9) for n in (1, 2))]
    assert saved(replace(STILL, drop=0.1, saved=(0.3,))) == pytest.approx(wanted, abs=0.01)


def test_what_niche_tasks_alone_save_is_tokens_and_nothing_else() -> None:
    dials = replace(STILL, saved=(0.4,), niche_only=True)
    once = -np.log(0.6)
    assert saved(dials, TOKENS, Phase.BETA) == pytest.approx([0, once, once], abs=0.01)
    assert saved(dials, TOKENS, Phase.ALPHA, Phase.GAMMA) == pytest.approx([0] * 3, abs=1e-9)
    assert saved(dials, TURNS) == pytest.approx([0] * 3, abs=1e-9)
    assert asked(dials, LEARN, OVERSEER, Phase.BETA)[:, -1].mean() > 0.7


def test_what_is_solved_is_solved_by_the_learn_arm_from_iteration_2_on() -> None:
    dials = replace(MANY, solves=(0.1, 0.9))
    learn, frozen = (asked(dials, arm, OK, Phase.BETA).mean(axis=0) for arm in (LEARN, FROZEN))
    assert learn == pytest.approx([0.1, 0.9, 0.9], abs=0.09)
    assert frozen == pytest.approx([0.1, 0.1, 0.1], abs=0.09)
    assert saved(dials) == pytest.approx([0] * 3, abs=0.06)


def test_more_turns_cost_more_tokens_and_more_time() -> None:
    dials = replace(MANY, iterations=2)
    tokens, turns, elapsed = (
        asked(dials, FROZEN, metric, Phase.BETA)[:, 0] for metric in (TOKENS, TURNS, ELAPSED)
    )
    assert np.corrcoef(tokens, turns)[0, 1] > 0.5
    assert np.corrcoef(tokens, elapsed)[0, 1] > 0.5


@pytest.mark.parametrize(
    ("dials", "steps"),
    [
        (replace(STILL, drift=0.1), [0.0, 0.1, 0.2]),
        (replace(STILL, warm_up=2.0), [0.0, -np.log(2), -np.log(2)]),
        (replace(STILL, step=-0.5, iterations=5), [0.0, 0.0, -0.5, -0.5, -0.5]),
    ],
)
def test_what_moves_both_arms_moves_them_alike(dials: Dials, steps: list[float]) -> None:
    for arm in (LEARN, FROZEN):
        for metric in (TOKENS, ELAPSED):
            logs = np.log(asked(dials, arm, metric)).mean(axis=0)
            assert logs - logs[0] == pytest.approx(steps, abs=0.01)


def test_a_shock_hits_a_whole_iteration_in_both_arms() -> None:
    dials = replace(STILL, shock=0.5, iterations=6)
    assert saved(dials) == pytest.approx([0] * 6, abs=1e-9)
    assert np.log(asked(dials, LEARN, TOKENS)).mean(axis=0).std() > 0.2


@pytest.mark.parametrize(
    "dials",
    [
        replace(STILL, own_shock=0.5, iterations=6),
        replace(STILL, wander=0.5, iterations=6),
        replace(STILL, regime=0.5, iterations=6),
        replace(STILL, playbook=0.5, iterations=6),
        replace(STILL, walk=0.5, iterations=6),
    ],
)
def test_what_an_arm_has_for_itself_moves_all_its_tasks_together(dials: Dials) -> None:
    assert np.ptp(saved(dials)) > 0.2
    for arm in (LEARN, FROZEN):
        logs = np.log(asked(dials, arm, TOKENS, Phase.BETA))
        assert logs == pytest.approx(np.broadcast_to(logs[0], logs.shape), abs=0.01)


def test_a_load_that_wanders_has_its_spread_and_resembles_the_iteration_before() -> None:
    logs = many(Dials(wander=0.3, noise=0.0, size_spread=0.0, iterations=4))[:, :, 0]
    assert logs.std() == pytest.approx(0.3, rel=0.1)
    assert np.corrcoef(logs[..., 1].ravel(), logs[..., 2].ravel())[0, 1] == pytest.approx(
        0.7, abs=0.1
    )


def test_a_regime_changes_once_in_either_arm() -> None:
    logs = many(Dials(regime=0.5, noise=0.0, size_spread=0.0, iterations=5))[:, :, 0]
    changes = np.abs(np.diff(logs, axis=-1)) > 0.4
    assert (changes.sum(axis=(1, 2)) == 1).all()
    assert changes.any(axis=2).mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.1)


def test_a_playbook_is_of_the_learn_arm_and_begins_in_iteration_2() -> None:
    logs = many(Dials(playbook=0.3, walk=0.2, noise=0.0, size_spread=0.0))[:, :, 0]
    assert logs[:, 1] == pytest.approx(np.full(logs[:, 1].shape, np.log(3000)), abs=0.01)
    assert (logs[:, 0] - np.log(3000)).std(axis=0) == pytest.approx([0, 0.3, 0.36], abs=0.05)


def test_a_lasting_offset_is_of_one_task_and_stays() -> None:
    dials = replace(STILL, lasting=0.3)
    effects = np.log(asked(dials, FROZEN, TOKENS) / asked(dials, LEARN, TOKENS))
    assert effects[:, 0].std() == pytest.approx(0.3 * np.sqrt(2), rel=0.2)
    assert effects[:, 2] == pytest.approx(effects[:, 0], abs=0.01)


def test_erratic_calls_scatter_more_after_iteration_1_at_the_same_mean() -> None:
    dials = Dials(erratic=0.9, size_spread=0.0)
    logs = many(dials, 4000)[:, :, 0]
    assert logs.std(axis=0)[0] == pytest.approx([0.3, 0.9, 0.9], rel=0.1)
    assert logs.std(axis=0)[1] == pytest.approx([0.3] * 3, rel=0.1)
    means = np.exp(logs).mean(axis=0)
    assert means[0, 1:] == pytest.approx(means[1, 1:], rel=0.06)


@pytest.mark.parametrize(("tails", "least"), [("normal", 0.0), ("t2", 0.002), ("pareto", 0.002)])
def test_heavy_tails_have_calls_that_no_normal_noise_has(tails: str, least: float) -> None:
    dials = Dials(tails=tails, size_spread=0.0)  # type: ignore[arg-type]
    noise = (many(dials)[:, :, 0] - np.log(3000)) / 0.3
    assert (noise > 4.5).mean() >= least
    assert tails != "normal" or not (np.abs(noise) > 6).any()


def test_tasks_that_are_alike_share_noise_within_their_phase_arm_and_iteration() -> None:
    logs = many(Dials(alike=0.5, size_spread=0.0))

    def correlated(one: Floats, other: Floats) -> float:
        return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])

    assert correlated(logs[:, :, 0], logs[:, :, 1]) == pytest.approx(0.5, abs=0.07)
    assert correlated(logs[:, :, 0], logs[:, :, 3]) == pytest.approx(0, abs=0.07)
    assert correlated(logs[:, 0, 0], logs[:, 1, 1]) == pytest.approx(0, abs=0.1)
    assert logs[:, :, 0].std() == pytest.approx(0.3, rel=0.1)


def test_free_calls_take_no_token_in_either_arm() -> None:
    for arm in (LEARN, FROZEN):
        tokens = asked(replace(MANY, free=0.1), arm, TOKENS)
        assert (tokens == 0).mean() == pytest.approx(0.1, abs=0.03)


def test_an_offset_is_in_the_learn_arms_tokens_from_the_start_and_nowhere_else() -> None:
    dials = replace(STILL, offset=np.log(0.8))
    assert saved(dials) == pytest.approx([-np.log(0.8)] * 3, abs=0.01)
    assert saved(dials, TURNS) == pytest.approx([0, 0, 0], abs=1e-9)
    assert saved(dials, ELAPSED) == pytest.approx([0, 0, 0], abs=1e-9)


@pytest.mark.parametrize(
    ("dials", "effects"),
    [
        (replace(STILL, pace=1.5), [-np.log(1.5)] * 3),
        (replace(STILL, prompt_cache=0.6), [0, np.log(0.6), np.log(0.6)]),
    ],
)
def test_what_moves_time_moves_nothing_else(dials: Dials, effects: list[float]) -> None:
    assert saved(dials, ELAPSED) == pytest.approx(effects, abs=0.01)
    assert saved(dials) == pytest.approx([0, 0, 0], abs=1e-9)
    assert saved(dials, TURNS) == pytest.approx([0, 0, 0], abs=1e-9)


@pytest.mark.parametrize(
    ("dials", "effects"),
    [
        (replace(STILL, bloat=0.4), [0, -0.4, -0.8]),
        (replace(STILL, carries=0.4), [0, -0.4, -0.4]),
    ],
)
def test_what_the_learn_arm_carries_costs_tokens_and_nothing_else(
    dials: Dials, effects: list[float]
) -> None:
    assert saved(dials) == pytest.approx(effects, abs=0.01)
    assert saved(dials, TURNS) == pytest.approx([0, 0, 0], abs=1e-9)


def test_an_unlike_start_touches_the_first_iteration_of_the_learn_arm_alone() -> None:
    assert saved(replace(STILL, unlike_start=-1.2)) == pytest.approx([1.2, 0, 0], abs=0.01)


def test_forgetting_fails_its_share_of_easy_tasks_for_good_in_the_learn_arm() -> None:
    dials = Dials(tasks=(6, 2, 2), iterations=4, forget_from=3)
    learn = asked(dials, LEARN, OK, Phase.ALPHA)
    assert (6 - learn.sum(axis=0)).tolist() == [0, 0, 2, 2]
    assert learn[:, 2].tolist() == learn[:, 3].tolist()
    assert asked(dials, FROZEN, OK, Phase.ALPHA).all()
    lost = np.flatnonzero(learn[:, 2] == 0).tolist()
    reruns = {place: each for place, each in draw(dials).reruns.items() if place[0] < 6}
    assert set(reruns) == {(row, 3) for row in lost}
    assert not any(any(each.passed) for each in reruns.values())


def test_different_batteries_forget_different_tasks() -> None:
    drawn = simulate(Dials(forget_from=2), 30, np.random.default_rng(1))
    lost = {int(np.argmin(observed.grid.asked(LEARN, OK)[:3, 1, 0])) for observed in drawn}
    assert lost == {0, 1, 2}


def test_giving_up_fails_so_many_niche_tasks_from_iteration_2_on() -> None:
    dials = Dials(tasks=(2, 5, 2), gives_up=2, flaky=0.0, solves=(1.0, 1.0))
    learn = asked(dials, LEARN, OK, Phase.BETA)
    assert (5 - learn.sum(axis=0)).tolist() == [0, 2, 2]
    assert asked(dials, FROZEN, OK, Phase.BETA).all()


def test_flaky_calls_fail_in_both_arms_but_pass_when_asked_again() -> None:
    dials = replace(MANY, flaky=0.2)
    for arm in (LEARN, FROZEN):
        assert asked(dials, arm, OK, Phase.ALPHA).mean() == pytest.approx(0.8, abs=0.05)
        assert not asked(dials, arm, OK, Phase.GAMMA).any()
    easy = [each.passed for (row, _), each in draw(dials).reruns.items() if row < 150]
    assert np.mean(easy) == pytest.approx(0.8, abs=0.1)


def test_reruns_are_alike_only_where_nothing_is_left_to_chance() -> None:
    noisy, still = (
        draw(Dials(forget_from=2, noise=noise, flaky=flaky)).reruns.values()
        for noise, flaky in ((0.3, 0.0), (0.0, 0.0))
    )
    assert not any(each.alike for each in noisy)
    assert any(each.alike for each in still)


def test_a_bluff_is_the_learn_arms_and_begins_in_iteration_2() -> None:
    dials = replace(MANY, bluff=0.5)
    means = asked(dials, LEARN, OK, Phase.GAMMA).mean(axis=0)
    assert means == pytest.approx([0, 0.5, 0.5], abs=0.1)
    assert means[0] == 0
    assert not asked(dials, FROZEN, OK, Phase.GAMMA).any()


def test_base_rates_are_those_of_both_arms_in_all_iterations() -> None:
    dials = replace(MANY, overseen=0.3, claims=0.2, silent=0.4)
    for arm in (LEARN, FROZEN):
        assert asked(dials, arm, OVERSEER, Phase.ALPHA).mean() == pytest.approx(0.3, abs=0.07)
        assert asked(dials, arm, OK, Phase.GAMMA).mean() == pytest.approx(0.2, abs=0.07)
        failed = asked(dials, arm, OK) == 0
        assert asked(dials, arm, SILENT)[failed].mean() == pytest.approx(0.4, abs=0.07)


def test_the_overseer_is_for_beta_and_learning_makes_it_rare() -> None:
    dials = replace(MANY, drop=0.3)
    first = [asked(dials, LEARN, OVERSEER, phase)[:, 0].mean() for phase in Phase]
    assert first[0] == 0
    assert first[1] == max(first) > 0.7
    learn, frozen = (
        asked(dials, arm, OVERSEER, Phase.BETA)[:, -1].mean() for arm in (LEARN, FROZEN)
    )
    assert learn < 0.6 * frozen
    assert not asked(replace(dials, overseer=False), LEARN, OVERSEER).any()


def test_nothing_is_solved_where_it_is_hopeless() -> None:
    for arm in (LEARN, FROZEN):
        assert not asked(Dials(hopeless=True), arm, OK).any()


def test_the_learn_arm_uses_its_memory_after_iteration_1_and_the_twin_may_be_cached() -> None:
    dials = Dials(cached=True)
    assert asked(dials, LEARN, MEMORY).tolist() == [[0, 1, 1]] * 8
    assert not asked(dials, FROZEN, MEMORY).any()
    assert asked(dials, FROZEN, CACHED).all()
    assert not asked(dials, LEARN, CACHED).any()


def test_one_arm_is_the_learn_arm() -> None:
    assert grid_of(Dials(arms=1)).arms == (LEARN,)


def test_siblings_are_asked_once_in_both_arms_and_gain_unless_answers_are_kept() -> None:
    def saved(dials: Dials) -> tuple[float, float]:
        ratios = []
        for observed in simulate(dials, 40, np.random.default_rng(1)):
            assert observed.siblings
            assert observed.siblings.tasks == observed.grid.tasks
            assert observed.siblings.repeats == 1
            for table in (observed.grid, observed.siblings):
                learn, frozen = (table.asked(arm, TOKENS)[:, 1:] for arm in (LEARN, FROZEN))
                ratios.append(float(np.log(learn / frozen).mean()))
        return float(np.mean(ratios[::2])), float(np.mean(ratios[1::2]))

    repeated, new = saved(Dials(saved=(0.5,), siblings=True, repeats=2))
    assert repeated == pytest.approx(np.log(0.5), abs=0.05)
    assert new == pytest.approx(np.log(0.5), abs=0.05)
    repeated, new = saved(Dials(saved=(0.5,), siblings=True, memorises=True))
    assert repeated == pytest.approx(np.log(0.5), abs=0.05)
    assert new == pytest.approx(0, abs=0.05)
