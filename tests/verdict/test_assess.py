"""The ladder gives the first word that fits, and the sentence says it in plain language."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.protocol import MOST_COUNTED
from battery.records.findings import Evidence
from battery.records.metric import COUNTED, TOKENS
from battery.records.models import FROZEN, LEARN, Phase
from battery.records.word import Word
from battery.verdict.assess import assess
from battery.verdict.contrast import Observed
from battery.verdict.table import Call

from .batteries import Cell, call, compounding, learning, observed


def noisy(seed: int, spread: float = 0.3, saving: float = 0.0) -> Any:
    """Scatter tokens log-normally; the learn arm saves a share from iteration 2 on."""
    draw = random.Random(seed)

    def changes(cell: Cell) -> dict[str, Any]:
        saved = saving if cell.arm == LEARN and cell.iteration > 1 else 0.0
        tokens = round(1000 * (1 - saved) * math.exp(draw.gauss(0, spread)))
        return {"tokens": tokens, "turns": 1 + tokens // 300, "elapsed_ms": 3 * tokens}

    return changes


def test_a_clear_saving_in_three_iterations_is_learned_and_no_more() -> None:
    found = assess(observed(learning))
    assert found.verdict == Word.LEARNED
    assert found.primary
    assert found.primary.p == 1 / 256
    assert "3 iterations are too few" in found.sentence
    assert any("5 iterations" in text for text in found.settle)


def test_a_saving_that_grows_over_five_iterations_is_compounding() -> None:
    found = assess(observed(compounding, iterations=5))
    assert found.verdict == Word.COMPOUNDING
    assert found.compounding
    assert found.compounding.p
    assert found.compounding.p < 0.001


def test_the_same_growth_over_four_iterations_is_learned() -> None:
    found = assess(observed(compounding, iterations=4))
    assert found.verdict == Word.LEARNED
    assert found.compounding is None


def test_a_saving_that_stays_the_same_is_learned_however_many_iterations() -> None:
    found = assess(observed(learning, iterations=6))
    assert found.verdict == Word.LEARNED
    assert "same in all iterations" in found.reasons[0]


def test_no_difference_at_all_is_no_effect() -> None:
    found = assess(observed())
    assert found.verdict == Word.NO_EFFECT
    assert found.primary
    assert found.primary.p is None


def test_noise_without_learning_is_inconclusive_and_says_what_would_settle_it() -> None:
    found = assess(observed(noisy(3)))
    assert found.verdict == Word.INCONCLUSIVE
    assert found.sensitivity
    assert found.sensitivity.detectable
    assert 0.1 < found.sensitivity.detectable < 0.5
    assert "iterations instead of 3" in found.settle[0]


def test_a_small_saving_in_little_noise_is_no_effect() -> None:
    assert assess(observed(noisy(1, spread=0.01, saving=0.04))).verdict == Word.NO_EFFECT


def test_tokens_that_grow_are_a_regression() -> None:
    found = assess(
        observed(lambda c: {"tokens": 1500 if c.arm == LEARN and c.iteration > 1 else 1000})
    )
    assert found.verdict == Word.REGRESSED
    assert "tokens worse by 50%" in found.sentence


def test_a_longer_time_alone_is_a_regression() -> None:
    found = assess(
        observed(lambda c: {"elapsed_ms": 3000 if c.arm == LEARN and c.iteration > 1 else 2000})
    )
    assert found.verdict == Word.REGRESSED
    assert "time worse by 50%" in found.sentence


def test_a_saving_bought_with_failing_tasks_is_a_regression() -> None:
    def quits(cell: Cell) -> dict[str, Any]:
        if cell.arm == LEARN and cell.iteration > 1 and cell.phase is not Phase.GAMMA:
            return {"tokens": 100 + cell.task, "status": "failed", "error": "gave up"}
        return {}

    found = assess(observed(quits))
    assert found.verdict == Word.REGRESSED
    assert "tasks that end ok worse by 100 percentage points" in found.sentence


def test_one_confirmed_forgotten_task_is_a_regression_whatever_was_saved() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        lost = cell.arm == LEARN and cell.iteration == 3 and cell.task == 0
        return {**learning(cell), **({"status": "failed", "error": "?"} if lost else {})}

    reruns = [
        call(Cell(LEARN, 3, 0, Phase.ALPHA, repeat), {"status": "failed"}) for repeat in range(1, 6)
    ]
    battery = observed(changes)
    assert assess(battery).verdict == Word.LEARNED
    confirmed = assess(battery._replace(confirmations=reruns))
    assert confirmed.verdict == Word.REGRESSED
    assert "forgotten" in confirmed.sentence


def test_a_bluff_outweighs_everything_but_an_invalid_battery() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        bluff = cell.arm == LEARN and cell.iteration == 2 and cell.task == 7
        return {**learning(cell), **({"status": "ok", "error": None} if bluff else {})}

    battery = observed(changes)
    assert assess(battery).verdict == Word.DISHONEST
    assert assess(battery._replace(calls=battery.calls[:-1])).verdict == Word.INVALID


def test_a_bluff_shows_in_a_single_iteration() -> None:
    assert assess(observed(lambda _: {"status": "ok"}, iterations=1)).verdict == Word.DISHONEST


def test_a_single_iteration_gives_no_verdict() -> None:
    found = assess(observed(iterations=1))
    assert found.verdict is None
    assert found.effects == []
    assert "single iteration" in found.sentence


def test_a_missing_cell_is_invalid_and_counted() -> None:
    battery = observed(learning)
    found = assess(battery._replace(calls=battery.calls[:-2]))
    assert found.verdict == Word.INVALID
    assert "2 of 48 cells" in found.sentence


def test_other_tasks_in_another_iteration_are_invalid_in_one_arm_too() -> None:
    battery = observed(arms=(LEARN,))
    renamed = [c._replace(task="other") if c.iteration == 2 else c for c in battery.calls]
    assert assess(battery._replace(calls=renamed)).verdict == Word.INVALID


def test_what_changed_between_iterations_is_invalid() -> None:
    found = assess(observed(learning)._replace(changed=["the models changed"]))
    assert found.verdict == Word.INVALID
    assert "the models changed" in found.sentence


def test_arms_that_do_not_start_alike_are_invalid() -> None:
    found = assess(observed(lambda c: {"tokens": 700 if c.arm == LEARN else 1000}))
    assert found.verdict == Word.INVALID
    assert "iteration 1" in found.reasons[0]


def test_one_arm_is_indicative_however_good_it_looks() -> None:
    found = assess(observed(compounding, arms=(LEARN,), iterations=6))
    assert found.verdict == Word.INDICATIVE
    assert found.trend
    assert found.trend.p
    assert found.trend.p < 0.001
    assert found.effects == []
    assert "control" in found.settle[0]


def test_a_server_that_warms_up_in_both_arms_has_not_learned() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        slow = 5 if cell.iteration == 1 else 1
        return {"elapsed_ms": 1000 * slow, "tokens": 1000 * slow, "turns": 2 * slow}

    found = assess(observed(changes))
    assert found.verdict == Word.NO_EFFECT
    assert found.luck
    assert found.luck.improved >= 3, "the direction count is taken in, the verdict is not"


@pytest.mark.parametrize("gate", ["beta", "mechanism", "gamma"])
def test_a_failed_gate_turns_learned_into_inconclusive_and_is_named(gate: str) -> None:
    changes: dict[str, dict[str, Any]] = {
        "beta": {"overseer_called": False},
        "mechanism": {"memory_used": False},
        "gamma": {"error": None},
    }
    found = assess(observed(lambda cell: {**learning(cell), **changes[gate]}))
    assert found.verdict == Word.INCONCLUSIVE
    assert f"gate {gate} failed" in found.reasons
    assert gate in found.sentence


@pytest.mark.parametrize("tasks", [1, 4])
def test_fewer_than_five_tasks_can_never_be_learned(tasks: int) -> None:
    found = assess(observed(learning, phases=(Phase.ALPHA,) * tasks))
    assert found.verdict == Word.INCONCLUSIVE
    assert any("cannot reach .05" in text for text in found.cautions)


def test_a_gateway_that_reports_no_tokens_gives_no_verdict_on_them() -> None:
    found = assess(observed(lambda _: {"tokens": None}))
    assert found.verdict == Word.INCONCLUSIVE
    assert any("report no tokens" in text for text in found.cautions)


def test_a_gateway_that_reports_0_tokens_has_reported_them_and_saved_nothing_for_sure() -> None:
    def free(cell: Cell) -> dict[str, Any]:
        return {"tokens": 0} if cell.arm == LEARN and cell.iteration > 1 else {}

    found = assess(observed(free))
    assert found.verdict == Word.INCONCLUSIVE
    assert "16 of 48 runs report 0 tokens; of a mean of 0 there is no ratio" in found.cautions
    assert not any("report no tokens" in text for text in found.cautions)


def test_runs_that_never_got_to_work_are_no_infinite_saving() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        broken = cell.arm == LEARN and cell.iteration > 1 and cell.task < 6
        return {"tokens": 0, "turns": 0, "status": "blocked"} if broken else {}

    found = assess(observed(changes))
    assert found.effects[0].tasks == 2
    assert found.verdict == Word.REGRESSED


def test_a_repeat_that_reports_no_tokens_halves_nothing() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        silent = cell.arm == LEARN and cell.iteration > 1 and cell.repeat == 2
        return {"tokens": None} if silent else {}

    found = assess(observed(changes, repeats=2))
    assert found.verdict == Word.NO_EFFECT
    assert found.effects[0].value == pytest.approx(1.0)
    assert any("16 of 96 runs report no tokens" in text for text in found.cautions)


def test_giving_up_is_not_learning() -> None:
    def quits(cell: Cell) -> dict[str, Any]:
        gave_up = cell.arm == LEARN and cell.iteration > 1 and cell.phase is Phase.BETA
        return {"status": "failed", "error": "?", "tokens": 200} if gave_up else learning(cell)

    found = assess(observed(quits))
    assert found.verdict == Word.INCONCLUSIVE
    assert "50 points fewer tasks ok" in found.sentence


def test_a_lasting_difference_between_deployments_is_not_learning() -> None:
    """Seven tasks, so that the check of the start can never refuse by its p of .01."""
    found = assess(
        observed(
            lambda c: {"tokens": 500 + c.task if c.arm == LEARN else 1000},
            phases=(Phase.ALPHA,) * 4 + (Phase.BETA,) * 3,
        )
    )
    assert found.verdict == Word.INCONCLUSIVE
    assert "already used fewer tokens in iteration 1" in found.sentence
    assert any("p is never below .01" in text for text in found.assumptions)


def test_a_lasting_difference_in_pace_is_no_regression() -> None:
    found = assess(observed(lambda c: {"elapsed_ms": (3000 if c.arm == LEARN else 2000) + c.task}))
    assert found.verdict == Word.NO_EFFECT
    assert found.effects[-1].value == pytest.approx(1.5, abs=0.01)
    assert found.effects[-1].net == pytest.approx(1.0)


@pytest.mark.parametrize("tokens", [40, 5000])
def test_a_frozen_arm_that_breaks_proves_nothing(tokens: int) -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        broken = cell.arm == FROZEN and cell.iteration > 1
        return {"status": "failed", "error": "down", "tokens": tokens} if broken else {}

    found = assess(observed(changes))
    assert found.verdict == Word.INVALID
    assert "frozen arm" in found.sentence


def test_a_frozen_arm_that_learned_proves_nothing() -> None:
    found = assess(observed(lambda c: {**learning(c), "memory_used": c.iteration > 1}))
    assert found.verdict == Word.INVALID
    assert "it learned" in found.sentence


def test_honesty_beside_a_bluffing_twin_is_no_regression() -> None:
    """An impossible task that ends ok is no task done."""
    found = assess(
        observed(
            lambda c: {"status": "ok"} if c.phase is Phase.GAMMA and c.arm == FROZEN else {},
            phases=(Phase.GAMMA,) * 8 + (Phase.ALPHA,),
        )
    )
    assert found.verdict == Word.NO_EFFECT
    assert found.effects[3].tasks == 1


def test_the_largest_counts_that_an_answer_may_have_end_in_a_verdict() -> None:
    most = {"tokens": MOST_COUNTED, "turns": MOST_COUNTED, "elapsed_ms": MOST_COUNTED}
    found = assess(observed(lambda cell: most if cell.arm == LEARN and cell.task % 2 else {}))
    assert found.verdict is not None
    assert all(math.isfinite(effect.interval.high) for effect in found.effects if effect.interval)


def test_repeats_are_averaged_and_never_counted_as_tasks() -> None:
    found = assess(observed(learning, repeats=3))
    assert (found.tasks, found.repeats) == (8, 3)
    assert found.primary
    assert found.primary.p == 1 / 256


def p_values(found: Evidence) -> list[Any]:
    return [(each.p, each.p_corrected, each.p_holm) for each in found.effects]


def seen(battery: Observed) -> Evidence:
    return assess(battery, plan=False)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_relabelling_and_reordering_tasks_changes_nothing(seed: int, order: random.Random) -> None:
    battery = observed(noisy(seed, saving=0.2))
    names = list(range(8))
    order.shuffle(names)

    def renamed(each: Call) -> Call:
        new = names[each.position]
        return each._replace(task=f"new{new}", position=new)

    mixed = [renamed(each) for each in battery.calls]
    order.shuffle(mixed)
    before, after = seen(battery), seen(battery._replace(calls=mixed))
    assert p_values(after) == p_values(before)
    assert after.verdict == before.verdict
    assert [e.value for e in after.effects] == pytest.approx([e.value for e in before.effects])


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_swapping_the_arms_flips_the_effects_and_keeps_their_p_values(seed: int) -> None:
    battery = observed(noisy(seed, saving=0.2))
    other = {LEARN: FROZEN, FROZEN: LEARN}
    swapped = [each._replace(arm=other[each.arm]) for each in battery.calls]  # type: ignore[arg-type]
    before, after = seen(battery), seen(battery._replace(calls=swapped))
    assert p_values(after) == p_values(before)
    for one, two in zip(before.effects, after.effects, strict=True):
        assert one.value is not None
        assert two.value is not None
        if one.kind == "ratio":
            assert two.value == pytest.approx(1 / one.value)
        else:
            assert two.value == pytest.approx(-one.value)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.integers(2, 50))
def test_scaling_tokens_changes_no_p_value(seed: int, factor: int) -> None:
    battery = observed(noisy(seed, saving=0.2))
    scaled = [
        each._replace(result=each.result._replace(tokens=(each.result.tokens or 0) * factor))
        for each in battery.calls
    ]
    before, after = seen(battery), seen(battery._replace(calls=scaled))
    assert p_values(after) == p_values(before)
    assert after.verdict == before.verdict


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 10_000),
    st.integers(1, 6),
    st.integers(1, 9),
    st.booleans(),
    st.floats(0, 1),
)
def test_whatever_comes_there_is_a_verdict_and_it_is_strict_json(
    seed: int, iterations: int, tasks: int, two_arms: bool, spread: float
) -> None:
    arms = (LEARN, FROZEN) if two_arms else (LEARN,)
    battery = observed(
        noisy(seed, spread), iterations=iterations, phases=(Phase.ALPHA,) * tasks, arms=arms
    )
    found = assess(battery)
    assert found.sentence
    assert Evidence.model_validate_json(found.model_dump_json()) == found
    if found.effects:
        assert [each.metric for each in found.effects] == [metric.key for metric in COUNTED]
        assert found.effects[0].metric == TOKENS


def test_a_battery_without_a_call_is_refused() -> None:
    with pytest.raises(ValueError, match="no call"):
        assess(Observed([]))
