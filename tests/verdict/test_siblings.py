"""A gain is held against new tasks of the same kind: what is shown, memorised, open or given up."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from battery.records.findings import Evidence, Siblings
from battery.records.models import LEARN, Phase
from battery.records.word import POSITIVE, Word
from battery.verdict.assess import assess
from tests.verdict.batteries import (
    REFUTED,
    Cell,
    Changes,
    compounding,
    learning,
    observed,
    with_siblings,
)

FAILED: dict[str, Any] = {"status": "failed", "error": "gave up"}
NICHE = [3, 4, 5]


def later(cell: Cell) -> bool:
    return cell.arm == LEARN and cell.iteration > 1


def sibling(cell: Cell) -> dict[str, Any]:
    """Cost what no task of the battery costs, and no learning changes it."""
    return {"tokens": 1500 + 100 * cell.iteration + 10 * cell.task}


def taught(cell: Cell) -> dict[str, Any]:
    tokens = sibling(cell)["tokens"]
    return {"tokens": round(0.6 * tokens)} if later(cell) else {"tokens": tokens}


def seen(
    siblings: Changes,
    changes: Changes = learning,
    shape: dict[str, Any] | None = None,
    **asked: Any,
) -> Evidence:
    return assess(with_siblings(observed(changes, **shape or {}), siblings, **asked), plan=False)


def of(evidence: Evidence) -> Siblings:
    assert evidence.siblings
    return evidence.siblings


def test_what_new_tasks_save_too_is_learned_and_said() -> None:
    found = seen(taught)
    assert found.verdict is Word.LEARNED
    said = (
        "It holds for 16 new tasks of the same kind as well (p = 0.004): 40% fewer tokens, 12 of 12"
    )
    assert said in found.sentence
    assert "nothing new was asked" not in found.sentence + found.scope
    asked = of(found)
    assert (asked.outcome, asked.kind, asked.tasks, asked.asked) == ("shown", "all", 8, 16)
    assert asked.interval
    assert asked.interval.high < 1
    assert len(asked.by_task) == 8


def test_without_siblings_the_sentence_says_that_nothing_new_was_asked() -> None:
    for word, changes in ((Word.LEARNED, learning), (Word.COMPOUNDING, compounding)):
        found = assess(observed(changes, iterations=6), plan=False)
        assert (found.verdict, found.siblings) == (word, None)
        assert "This is about the same tasks asked again; nothing new was asked." in found.sentence


@pytest.mark.parametrize("share", [0.05, 0.6, 0.85])
def test_what_only_tasks_asked_again_save_is_memorised(share: float) -> None:
    cache: Changes = lambda c: {"tokens": round(1000 * share + c.task)} if later(c) else {}  # noqa: E731
    found = seen(sibling, cache)
    assert found.verdict is Word.MEMORISED
    assert "new tasks of the same kind took as many tokens" in found.sentence
    assert of(found).outcome == "memorised"
    assert Word.MEMORISED not in POSITIVE


def test_a_small_saving_on_new_tasks_is_still_memorised() -> None:
    def little(cell: Cell) -> dict[str, Any]:
        return {"tokens": round(sibling(cell)["tokens"] * (0.9 if later(cell) else 1))}

    assert seen(little).verdict is Word.MEMORISED


def test_siblings_of_some_tasks_in_some_iterations_are_held_against_those_only() -> None:
    found = seen(taught, iterations=[2], tasks=[0, 1, 3, 4, 5, 6])
    assert found.verdict is Word.LEARNED
    assert (of(found).tasks, of(found).asked) == (6, 6)
    growing = seen(taught, compounding, {"iterations": 6}, iterations=[2, 3])
    # The tasks saved 20 and 36 % in these iterations, and 67 % at last.
    assert of(growing).repeated == pytest.approx(1.035 * (0.8 + 0.64) / 2, abs=0.001)
    assert growing.verdict is Word.COMPOUNDING


def test_siblings_of_iteration_1_alone_say_nothing() -> None:
    found = seen(sibling, iterations=[1])
    assert (found.verdict, found.siblings) == (Word.LEARNED, None)


def test_too_few_siblings_are_said_to_be_too_few() -> None:
    found = seen(taught, iterations=[2], tasks=[0, 3, 4])
    assert found.verdict is Word.INCONCLUSIVE
    assert "with so few new tasks no p can be .05 or less" in found.sentence
    assert of(found).level == 0


def test_a_saving_on_new_tasks_that_may_be_luck_is_open() -> None:
    draw = random.Random(3)
    loud: Changes = lambda c: {"tokens": round(taught(c)["tokens"] * draw.uniform(0.05, 4))}  # noqa: E731
    found = seen(loud)
    assert found.verdict is Word.INCONCLUSIVE
    assert "new tasks of the same kind took" in found.reasons[0]


def test_new_tasks_that_are_given_up_save_nothing() -> None:
    def gives_up(cell: Cell) -> dict[str, Any]:
        return taught(cell) | (FAILED if later(cell) else {})

    found = seen(gives_up)
    assert found.verdict is Word.INCONCLUSIVE
    assert "fewer new tasks are done (0 of 12, twin 12 of 12" in found.sentence


def test_few_new_tasks_done_wrong_are_held_against_all_that_is_done_right() -> None:
    """A store of answers that takes a new task for a known one is cheap, and wrong now and then."""

    def alike(cell: Cell) -> dict[str, Any]:
        wrong = later(cell) and (cell.task == 3 or (cell.task, cell.iteration) == (4, 2))
        return taught(cell) | (REFUTED if wrong else {})

    found = seen(alike, tasks=NICHE)
    assert found.verdict is Word.INCONCLUSIVE
    assert "fewer new tasks are done (3 of 6, twin 6 of 6; p = " in found.sentence


def test_new_tasks_that_are_harder_for_the_twin_too_are_no_loss() -> None:
    def hard(cell: Cell) -> dict[str, Any]:
        fails = cell.iteration == 2 and (cell.arm == LEARN or cell.task > 3)
        return taught(cell) | (FAILED if fails else {})

    assert "fewer new tasks are done" not in seen(hard, tasks=NICHE).sentence


def test_a_saving_that_is_of_lost_new_tasks_only_is_none() -> None:
    def some(cell: Cell) -> dict[str, Any]:
        lost = later(cell) and cell.task in {0, 3, 4} and cell.iteration == 2
        return {**sibling(cell), **({"tokens": 1} | FAILED if lost else {})}

    changes: Changes = lambda c: {"tokens": 800 + c.task} if later(c) else {}  # noqa: E731
    found = seen(some, changes)
    assert found.verdict not in POSITIVE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tokens": 0}, "or 0 for calls that took turns"),
        ({"cached": True}, "came from a cache"),
        ({"error": "timeout"}, "say ok and report an error"),
    ],
)
def test_what_is_no_work_saved_on_repeated_tasks_is_none_on_new_ones(
    changes: dict[str, Any], reason: str
) -> None:
    found = seen(lambda cell: taught(cell) | (changes if later(cell) else {}))
    assert found.verdict is Word.INCONCLUSIVE
    assert reason in found.sentence


def test_new_tasks_that_are_refused_sooner_save_nothing_on_those_that_can_be_done() -> None:
    def refuses(cell: Cell) -> dict[str, Any]:
        share = 0.05 if cell.phase is Phase.GAMMA else 0.9
        tokens = sibling(cell)["tokens"]
        return {"tokens": round(share * tokens) if later(cell) else tokens}

    found = seen(refuses)
    assert found.verdict is Word.INCONCLUSIVE
    assert "new tasks that can be done took 10% fewer tokens" in found.sentence


def niche_only(cell: Cell) -> dict[str, Any]:
    return learning(cell) if cell.phase is Phase.BETA else {}


def test_a_gain_on_niche_tasks_is_held_against_siblings_of_niche_tasks() -> None:
    lessons: Changes = lambda c: taught(c) if c.phase is Phase.BETA else sibling(c)  # noqa: E731
    shape = {"iterations": 5}
    held = seen(lessons, niche_only, shape, iterations=range(1, 6), tasks=NICHE)
    assert held.verdict is Word.LEARNED
    assert "It holds for 12 new niche tasks" in held.sentence
    kept = seen(sibling, niche_only, shape, iterations=range(1, 6), tasks=NICHE)
    assert kept.verdict is Word.MEMORISED
    assert of(kept).kind == "niche"


def test_where_no_task_of_a_kind_that_gained_has_siblings_nothing_new_was_asked() -> None:
    found = seen(sibling, niche_only, {"iterations": 5}, iterations=range(1, 6), tasks=[0, 1, 2])
    assert found.verdict is Word.LEARNED
    assert "nothing new was asked" in found.sentence


def more_done(cell: Cell) -> dict[str, Any]:
    fails = cell.phase is Phase.BETA and not later(cell)
    return {"tokens": 1000 + 10 * cell.task, **(FAILED if fails else {})}


def test_more_tasks_done_are_held_against_siblings_done() -> None:
    shape = {"iterations": 4}
    asked: dict[str, Any] = {"iterations": range(1, 5)}
    held = seen(more_done, more_done, shape, **asked)
    assert held.verdict is Word.LEARNED
    assert "It holds for" in held.sentence
    fails: Changes = lambda c: FAILED if c.phase is Phase.BETA else {}  # noqa: E731
    kept = seen(fails, more_done, shape, **asked)
    assert kept.verdict is Word.MEMORISED
    assert "of new tasks 0% more are done" in kept.sentence


def test_a_price_comes_before_what_was_memorised() -> None:
    lossy: Changes = lambda c: learning(c) | (FAILED if later(c) and c.task in {3, 4} else {})  # noqa: E731
    assert seen(sibling, lossy).verdict is Word.MIXED


def test_siblings_of_a_battery_that_gains_nothing_change_no_word() -> None:
    plain = assess(observed(), plan=False)
    found = seen(taught, lambda _: {})
    assert found.verdict is plain.verdict
    assert of(found).outcome == "nothing to show"


def test_siblings_whose_answers_fail_their_checks_are_not_done() -> None:
    def hollow(cell: Cell) -> dict[str, Any]:
        return taught(cell) | (REFUTED if later(cell) else {})

    assert seen(hollow).verdict not in POSITIVE


def drawn(draw: random.Random, saving: float, rows: Sequence[int]) -> Changes:
    """Draw costs of noise .3 around sizes of their own; some tasks save."""

    def changes(cell: Cell) -> dict[str, Any]:
        left = 1 - saving if later(cell) and cell.task in rows else 1
        return {"tokens": round(3000 * draw.lognormvariate(0, 0.3) * left)}

    return changes


def words(kept: bool, saving: float, rows: Sequence[int], batteries: int) -> tuple[int, int]:
    """Count positive words without siblings and with them; whoever keeps answers saves on none."""
    draw = random.Random(round(100 * saving) + kept)
    alone = together = 0
    for _ in range(batteries):
        plain = observed(drawn(draw, saving, rows), iterations=5)
        new = drawn(draw, 0 if kept else saving, rows)
        alone += assess(plain, plan=False).verdict in POSITIVE
        both = with_siblings(plain, new, iterations=range(1, 6))
        together += assess(both, plan=False).verdict in POSITIVE
    return alone, together


@pytest.mark.no_cover
@pytest.mark.parametrize(("saving", "rows"), [(0.3, range(8)), (0.4, range(8))])
def test_honest_learners_keep_their_word(saving: float, rows: Sequence[int]) -> None:
    alone, together = words(kept=False, saving=saving, rows=rows, batteries=30)
    assert together >= 0.95 * alone - 1
    assert together > 20


@pytest.mark.no_cover
@pytest.mark.parametrize("saving", [0.4, 0.95])
def test_an_answer_cache_hardly_ever_gets_a_positive_word(saving: float) -> None:
    alone, together = words(kept=True, saving=saving, rows=range(8), batteries=30)
    assert alone > 20
    assert together <= 1
