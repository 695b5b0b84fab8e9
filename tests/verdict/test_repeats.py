"""Answers that equal an earlier one are counted, and told where the learner has more of them."""

from __future__ import annotations

from functools import partial
from typing import Any

from battery.records.models import FROZEN, LEARN, Phase, RunResult
from battery.records.word import Word
from battery.verdict import repeats
from battery.verdict.assess import assess
from tests.verdict.batteries import Cell, observed


def cache(cell: Cell) -> dict[str, Any]:
    """Hand in the answers of iteration 2 from then on; the twin's differ."""
    kept = min(cell.iteration, 2) if cell.arm == LEARN else cell.iteration
    return {"digest": f"{cell.arm} {cell.task} {kept}".encode()}


def test_answers_that_came_before_are_counted_by_arm_and_told() -> None:
    found = observed(cache, iterations=4).grid
    assert repeats.repeated(found) == {"learn": 16, "frozen": 0}
    (text,) = repeats.more_often(found)
    assert text.startswith("16 of 32 answers of the learner equal an earlier one to the same task")


def test_answers_to_other_tasks_and_of_the_other_arm_are_no_repeats() -> None:
    same = observed(lambda c: {"digest": f"{c.iteration}".encode()}, iterations=4).grid
    assert repeats.repeated(same) == {"learn": 0, "frozen": 0}


def test_a_system_that_always_answers_alike_in_both_arms_is_no_cache() -> None:
    found = observed(lambda c: {"digest": f"{c.task}".encode()}).grid
    assert repeats.repeated(found) == {"learn": 16, "frozen": 16}
    assert list(repeats.more_often(found)) == []


def test_without_answers_nothing_is_counted_and_with_one_arm_nothing_told() -> None:
    assert repeats.repeated(observed().grid) == {"learn": 0, "frozen": 0}
    alone = observed(cache, arms=(LEARN,)).grid
    assert repeats.repeated(alone) == {"learn": 8}
    assert list(repeats.more_often(alone)) == []


def test_answers_that_differ_in_times_and_names_of_the_call_alone_are_equal() -> None:
    def answer(moment: int, place: str = "K7") -> dict[str, Any]:
        log = [{"kind": "executor", "ts": moment, "text": "found"}, "a line"]
        artifact = {"answer": place, "created_at": moment}
        return {"status": "ok", "id": moment, "artifact": artifact, "log": log}

    first, again, other = (
        RunResult.of(each | {"_elapsed_ms": at}).digest
        for at, each in enumerate((answer(1), answer(2), answer(2, "K8")))
    )
    assert first == again != other


def cheap(cell: Cell) -> dict[str, Any]:
    """Save 40% from iteration 2 on."""
    saves = cell.arm == LEARN and cell.iteration > 1
    return {"tokens": (600 if saves else 1000) + cell.task}


def words(kept: bool, cell: Cell) -> dict[str, Any]:
    """Hand in other words each time; the learner its first ones, where it keeps them."""
    again = kept and cell.arm == LEARN
    text = f"{cell.arm} {cell.task} {1 if again else cell.iteration}"
    return cheap(cell) | {"handed_in": text.encode(), "digest": f"{cell}".encode()}


def test_what_the_learn_arm_handed_in_before_earns_no_claim_where_nothing_new_was_asked() -> None:
    found = assess(observed(partial(words, True), iterations=4))
    assert found.verdict is Word.INCONCLUSIVE
    assert "18 of 24 answers of the learner repeat what it handed in" in found.sentence
    assert "(twin 0 of 24), as a cache of answers does" in found.sentence
    assert "Siblings for the tasks" in found.settle[0]
    assert assess(observed(partial(words, False), iterations=4)).verdict is Word.LEARNED


def test_the_one_right_answer_is_no_cache() -> None:
    def right(cell: Cell) -> dict[str, Any]:
        """Hand in what is right; the twin misses it every third time."""
        missed = cell.arm == FROZEN and (cell.iteration + cell.task) % 3 == 0
        return cheap(cell) | {
            "handed_in": f"{cell.task} {cell.iteration if missed else ''}".encode(),
            "status": "failed" if missed or cell.phase is Phase.GAMMA else "ok",
        }

    assert list(repeats.kept(observed(right, iterations=5).grid)) == []
