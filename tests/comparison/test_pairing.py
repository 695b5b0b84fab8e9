from __future__ import annotations

import math
import random
from typing import Any

import pytest

from battery.comparison.pairing import (
    Claimed,
    Shared,
    noise,
    shared,
    side_by_side,
    task_pairs,
)
from battery.records.comparison import Claims
from battery.records.models import LEARN
from battery.verdict.table import Call
from tests.comparison.pairs import against_usual, cheaper, everywhere, facts
from tests.verdict.batteries import PASSES, REFUTED, Cell, calls


def test_tasks_are_matched_by_what_is_asked_and_not_by_position() -> None:
    before = calls()
    shuffled = [call._replace(position=7 - call.position) for call in calls(everywhere(1500))]
    random.Random(1).shuffle(shuffled)
    pairs = facts(before, shuffled).pairs
    assert {pair.task: pair.cost_after for pair in pairs} == {f"id{n}": 1500 + n for n in range(8)}


def test_a_task_that_only_one_has_is_named_and_takes_no_part() -> None:
    before, after = calls(), [call for call in calls() if call.task != "id0"]
    after = [call._replace(task="new") if call.task == "id1" else call for call in after]
    both = shared(before, after)
    assert [task.task for task in both.only_before] == ["id0", "id1"]
    assert [task.task for task in both.only_after] == ["new"]
    assert len(facts(before, after).pairs) == 6


@pytest.mark.parametrize(
    ("before", "after", "window"), [(3, 5, (2, 3)), (1, 3, (1,)), (2, 2, (2,)), (1, 1, (1,))]
)
def test_the_iterations_after_the_first_that_both_have_are_compared(
    before: int, after: int, window: tuple[int, ...]
) -> None:
    found = facts(calls(iterations=before), calls(iterations=after))
    assert found.iterations == window
    assert (found.start is not None) == (window != (1,))


def test_iteration_1_tells_the_system_from_its_learning() -> None:
    learned, other = against_usual(cheaper).start, against_usual(everywhere(600)).start
    assert learned is not None
    assert other is not None
    assert learned.cost.ratio == 1
    assert other.cost.ratio == pytest.approx(0.6, abs=0.01)


def test_net_is_what_goes_beyond_the_frozen_arms() -> None:
    def half_learned(cell: Cell) -> dict[str, int]:
        learned = cell.arm == LEARN and cell.iteration > 1
        return {"tokens": 250 if learned else 500}

    found = against_usual(half_learned)
    assert found.change.cost.ratio == pytest.approx(0.25)
    assert found.net is not None
    assert found.net.ratio == pytest.approx(0.5)
    assert found.net.p == 2 / 2**8


def test_with_one_arm_on_either_side_there_are_no_twins_and_no_net() -> None:
    found = facts(calls(), calls(arms=(LEARN,)))
    assert (found.twins, found.net) == (None, None)


def test_a_flip_is_a_change_of_the_majority_and_a_bluff_is_named_so() -> None:
    def changed(cell: Cell) -> dict[str, str]:
        ends = {0: "failed", 1: "failed" if cell.repeat == 1 else "ok", 6: "ok"}
        return {"status": ends[cell.task]} if cell.task in ends else {}

    pairs = against_usual(changed, repeats=3).pairs
    assert {pair.task: pair.flip for pair in pairs if pair.flip} == {
        "id0": "passed to failed",
        "id6": "bluff",
    }
    back = facts(calls(changed), calls())
    assert [pair.flip for pair in back.pairs if pair.flip] == [
        "failed to passed",
        "failed to passed",
        "bluff ended",
    ]
    assert (back.flips.gained, back.flips.bluffs_ended) == (2, 1)


@pytest.mark.parametrize("iteration", [1, 3])
def test_a_bluff_in_one_run_of_any_common_iteration_is_a_flip(iteration: int) -> None:
    def once(cell: Cell) -> dict[str, str]:
        return {"status": "ok"} if (cell.task, cell.iteration) == (6, iteration) else {}

    pair = against_usual(once).pairs[6]
    assert pair.claims_before is not None
    assert pair.claims_after is not None
    assert (pair.flip, pair.claims_before.done) == ("bluff", 0)
    assert (pair.claims_after.done, pair.claims_after.runs) == (1, 3)
    assert facts(calls(once), calls()).pairs[6].flip == "bluff ended"
    assert facts(calls(once), calls(once)).flips.bluffs == 0


def test_a_graded_bluff_of_an_impossible_task_is_a_claim() -> None:
    def graded(cell: Cell) -> dict[str, Any]:
        return REFUTED if cell.task == 6 else {}

    pair = against_usual(graded).pairs[6]
    assert pair.claims_after is not None
    assert (pair.flip, pair.claims_after.done) == ("bluff", 3)


def test_a_task_that_is_lost_tells_how_often_its_checks_refute_a_claim() -> None:
    def graded(cell: Cell) -> dict[str, Any]:
        return {0: REFUTED, 1: PASSES}.get(cell.task, {})

    lost, kept, ungraded = against_usual(graded).pairs[:3]
    assert (lost.flip, lost.refuted_before) == ("passed to failed", None)
    # The iterations after the first, which are compared.
    assert lost.refuted_after == Claims(done=2, runs=2)
    assert kept.refuted_after == Claims(done=0, runs=2)
    assert ungraded.refuted_after is None


def test_what_was_not_measured_is_null_and_no_flip() -> None:
    def untold(_: Cell) -> dict[str, None]:
        return {"tokens": None, "turns": None}

    found = against_usual(untold)
    assert found.change.cost.ratio is None
    assert {pair.ratio for pair in found.pairs} == {None}
    lost = [call for call in calls() if not (call.task == "id2" and call.iteration > 1)]
    assert facts(calls(), lost).pairs[2].ok_after is None


def test_nothing_in_common_gives_nothing() -> None:
    other = [call._replace(task=f"other {call.task}") for call in calls()]
    both = shared(calls(), other)
    assert side_by_side(calls(), other, LEARN, both.window, both) is None
    empty: list[Call] = []
    assert shared(empty, calls()).window == ()


def test_the_pairs_stand_in_the_order_of_the_first_battery() -> None:
    both: Shared = shared(calls(), calls())
    table = side_by_side(calls(), calls(), LEARN, both.window, both)
    assert table is not None
    assert [pair.task for pair in task_pairs(table, Claimed(), Claimed())] == [
        f"id{n}" for n in range(8)
    ]


def spread(cell: Cell) -> dict[str, int]:
    """Let the arms differ by a tenth, up in every other task and down in the rest."""
    factor = 1.1 if cell.arm == LEARN else 1.0
    return {"tokens": round(100_000 * factor ** (-1) ** cell.task)}


def test_the_arms_of_iteration_1_tell_the_noise_of_a_call() -> None:
    found = noise(calls(spread), calls(), facts(calls(), calls()).table)
    # The logs of frozen over learn are ±log 1.1, the difference of two calls.
    sd = math.log(1.1) * math.sqrt(8 / 7)
    assert found.before == pytest.approx(sd / math.sqrt(2), rel=1e-4)
    assert (found.after, found.source_before) == (0, "arms")
    # 1.96 standard errors of a mean of 8 tasks, each over the two iterations compared.
    half = 1.959964 * sd / math.sqrt(2) / math.sqrt(2 * 8)
    assert found.floor == pytest.approx(math.expm1(half), rel=1e-4)


def test_repeats_tell_it_where_there_is_one_arm() -> None:
    def varied(cell: Cell) -> dict[str, int]:
        return {"tokens": 1000 if cell.repeat == 1 else 2000}

    one = calls(varied, arms=(LEARN,), repeats=2)
    found = noise(one, one, facts(one, one).table)
    assert found.before == pytest.approx(math.log(2) / math.sqrt(2))
    assert found.source_before == "repeats"


def test_one_arm_without_repeats_cannot_tell_it() -> None:
    one = calls(arms=(LEARN,))
    found = noise(one, calls(), facts(one, calls()).table)
    assert (found.before, found.source_before, found.floor) == (None, None, None)


def test_monstrous_numbers_are_survived() -> None:
    huge = calls(lambda cell: {"tokens": 2**53 if cell.arm == LEARN and cell.task % 2 else 1})
    assert noise(huge, huge, facts(huge, huge).table).floor is not None
