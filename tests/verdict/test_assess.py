"""The whole verdict of batteries made by hand: a word, its record, and what leaves it as it is."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.protocol import MOST_COUNTED
from battery.records.checks import UNCHECKED
from battery.records.findings import Evidence
from battery.records.metric import OK, TOKENS
from battery.records.models import FROZEN, LEARN, Phase
from battery.records.word import Word
from battery.verdict.assess import assess
from battery.verdict.facts import Observed
from battery.verdict.table import Call, grid
from tests.verdict.batteries import (
    BOTH,
    Cell,
    Changes,
    calls,
    compounding,
    learning,
    observed,
)


def seen(battery: Observed) -> Evidence:
    return assess(battery, plan=False)


def noisy(seed: int, spread: float = 0.3, saving: float = 0.0) -> Changes:
    """Scatter tokens log-normally; the learner saves a share from iteration 2 on."""
    draw = random.Random(seed)

    def changes(cell: Cell) -> dict[str, Any]:
        saved = saving if cell.arm == LEARN and cell.iteration > 1 else 0.0
        tokens = round(1000 * (1 - saved) * math.exp(draw.gauss(0, spread)))
        return {"tokens": tokens, "turns": 1 + tokens // 300, "elapsed_ms": 3 * tokens}

    return changes


@pytest.mark.parametrize(
    ("changes", "shape", "word"),
    [
        (learning, {}, Word.LEARNED),
        (learning, {"iterations": 6}, Word.LEARNED),
        (learning, {"iterations": 2}, Word.LEARNED),
        (learning, {"repeats": 10}, Word.LEARNED),
        (compounding, {"iterations": 5}, Word.COMPOUNDING),
        (compounding, {"iterations": 4}, Word.LEARNED),
        (lambda _: {}, {}, Word.NO_EFFECT),
        (noisy(3), {}, Word.INCONCLUSIVE),
        (noisy(1, spread=0.01, saving=0.04), {}, Word.NO_EFFECT),
        (
            lambda c: {"tokens": 1000 + 500 * (c.arm == LEARN and c.iteration > 1)},
            {},
            Word.REGRESSED,
        ),
        # More turns are no cost: tokens are.
        (lambda c: {"turns": 4 + 4 * (c.arm == LEARN and c.iteration > 1)}, {}, Word.NO_EFFECT),
        (learning, {"iterations": 1}, None),
        (learning, {"arms": (LEARN,)}, Word.INDICATIVE),
        (learning, {"phases": (Phase.ALPHA,) * 4}, Word.INCONCLUSIVE),
        (learning, {"phases": (Phase.ALPHA,) * 5}, Word.LEARNED),
        (learning, {"phases": (Phase.BETA,) * 2}, Word.INCONCLUSIVE),
        (learning, {"phases": (Phase.BETA,) * 2, "iterations": 5}, Word.LEARNED),
        (lambda _: {"tokens": None}, {}, Word.INCONCLUSIVE),
    ],
)
def test_a_battery_gets_its_word(changes: Changes, shape: Any, word: Word | None) -> None:
    assert seen(observed(changes, **shape)).verdict is word


def test_a_server_that_warms_up_in_both_arms_has_not_learned() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        slow = 5 if cell.iteration == 1 else 1
        return {"elapsed_ms": 1000 * slow, "tokens": 1000 * slow, "turns": 2 * slow}

    found = seen(observed(changes))
    # Two arms over one memory would look the same.
    assert found.verdict is Word.INCONCLUSIVE
    assert found.luck
    assert found.luck.improved >= 3, "the direction count is taken in, the verdict is not"


def test_a_repeat_that_reports_no_tokens_halves_nothing() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        silent = cell.arm == LEARN and cell.iteration > 1 and cell.repeat == 2
        return {"tokens": None} if silent else {}

    found = seen(observed(changes, repeats=2))
    assert found.verdict is Word.NO_EFFECT
    group = found.group("all")
    assert group
    assert group.ratio == 1.0


def test_means_next_to_each_other_rest_on_the_same_cells() -> None:
    """The learner does not report what its dear calls took."""

    def changes(cell: Cell) -> dict[str, Any]:
        dear = cell.iteration == 3
        hidden = dear and cell.arm == LEARN
        return {"tokens": None if hidden else 9000 if dear else 1000}

    group = seen(observed(changes)).group("all")
    assert group
    assert (group.learn, group.frozen, group.ratio) == (1000, 1000, 1.0)


def test_all_metrics_that_decide_nothing_are_shown() -> None:
    found = seen(observed(learning))
    others = {other.metric: other for other in found.others}
    assert not {TOKENS, OK} & set(others)
    assert (others["avg_turns_per_task"].learn, others["avg_turns_per_task"].frozen) == (2, 4)
    assert seen(observed(arms=(LEARN,))).others == []


def test_the_p_of_a_higher_cost_is_told_with_two_arms() -> None:
    def dear(cell: Cell) -> dict[str, Any]:
        return {"tokens": 1500} if cell.arm == LEARN and cell.iteration > 1 else {"tokens": 1000}

    harmed, saved = assess(observed(dear)), assess(observed(learning))
    assert harmed.harm_p is not None
    assert saved.harm_p is not None
    assert harmed.harm_p < 0.01
    assert saved.harm_p > 0.99
    assert assess(observed(arms=(LEARN,))).harm_p is None


def test_a_trend_is_told_with_one_arm_only() -> None:
    one = seen(observed(compounding, arms=(LEARN,), iterations=6))
    assert one.trend
    assert one.trend.p
    assert one.trend.p < 0.001
    assert (one.questions, one.groups, one.by_task, one.looks) == ([], [], [], None)
    assert seen(observed(compounding, iterations=6)).trend is None


def test_the_largest_counts_that_an_answer_may_have_end_in_a_verdict() -> None:
    most = {"tokens": MOST_COUNTED, "turns": MOST_COUNTED, "elapsed_ms": MOST_COUNTED}
    found = seen(observed(lambda cell: most if cell.arm == LEARN and cell.task % 2 else {}))
    assert found.verdict is not None
    assert Evidence.model_validate_json(found.model_dump_json()) == found


def every_number(found: Evidence) -> list[Any]:
    """List what may not depend on order, names or units, tasks sorted by what they have."""
    costs = [(group.ratio, group.learn_done, group.frozen_done) for group in found.groups]
    tasks = sorted(repr(rounded((task.ratio, task.change))) for task in found.by_task)
    asked = [(asked.p, asked.level, asked.yes) for asked in found.questions]
    grown = found.growth and (found.growth.p, found.growth.p_fall, found.growth.shape)
    start = found.start and (found.start.p, found.start.ratio)
    return [found.verdict, costs, tasks, asked, grown, found.success_p, start]


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_order_and_the_names_of_tasks_change_nothing(seed: int, order: random.Random) -> None:
    before = calls(noisy(seed, saving=0.2))
    # Within its phase, for the order of the phases is part of the tasks file.
    names = [*order.sample(range(3), 3), *order.sample(range(3, 6), 3), 7, 6]
    mixed = [
        each._replace(task=f"n{names[each.position]}", position=names[each.position])
        for each in before
    ]
    order.shuffle(mixed)
    found = every_number(seen(Observed(grid(before))))
    again = every_number(seen(Observed(grid(mixed))))
    assert repr(rounded(again)) == repr(rounded(found))


def rounded(value: Any) -> Any:
    """Round what a different order of adding may change."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, (list, tuple)):
        return [rounded(each) for each in value]
    return value


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.integers(2, 50))
def test_the_unit_of_tokens_changes_no_p_value(seed: int, factor: int) -> None:
    def scaled(each: Call) -> Call:
        return each._replace(result=each.result._replace(tokens=(each.result.tokens or 0) * factor))

    before = calls(noisy(seed, saving=0.2))
    found, again = (seen(Observed(grid(each))) for each in (before, list(map(scaled, before))))
    assert again.verdict is found.verdict
    assert [each.p for each in again.questions] == [each.p for each in found.questions]


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_exchanging_the_arms_turns_every_ratio_around(seed: int) -> None:
    other = {LEARN: FROZEN, FROZEN: LEARN}
    before = calls(noisy(seed, saving=0.2))
    swapped = [each._replace(arm=other[each.arm]) for each in before]  # type: ignore[arg-type]
    found, again = (seen(Observed(grid(each))) for each in (before, swapped))
    for one, two in zip(found.groups, again.groups, strict=True):
        assert one.ratio
        assert two.ratio
        assert one.ratio * two.ratio == pytest.approx(1)
        assert (one.learn, one.frozen) == (two.frozen, two.learn)


def test_a_battery_without_a_call_is_refused() -> None:
    with pytest.raises(ValueError, match="no call"):
        grid([])
    assert BOTH == (LEARN, FROZEN)


@pytest.mark.parametrize("checked", [True, False])
def test_that_no_task_has_a_check_is_told(*, checked: bool) -> None:
    found = seen(observed(learning)._replace(checked=checked))
    assert found.checked == checked
    assert (UNCHECKED in found.cautions) != checked


def test_a_system_that_bluffs_with_and_without_learning_keeps_its_word_with_a_caution() -> None:
    def bluffing(cell: Cell) -> dict[str, Any]:
        bluff = {"status": "ok", "error": None} if cell.phase is Phase.GAMMA else {}
        return {**learning(cell), **bluff}

    found = assess(observed(bluffing))
    assert found.verdict is Word.LEARNED
    assert found.cautions[0].startswith("it bluffs, though learning did not bring that")
    assert not any("bluffs" in text for text in assess(observed(learning)).cautions)
