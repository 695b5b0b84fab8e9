"""A verdict says in plain language what was seen, what it is about and what else moved."""

from __future__ import annotations

from typing import Any

import pytest

from battery.records.models import LEARN, Expectations, Phase
from battery.records.word import Word
from battery.verdict.assess import assess

from .batteries import Cell, call, learning, observed


def test_time_that_learning_is_not_to_blame_for_is_told_and_not_counted() -> None:
    found = assess(observed(lambda c: {"elapsed_ms": 3000 if c.arm == LEARN else 2000}))
    assert found.verdict == Word.NO_EFFECT
    assert any(
        "not counted" in text and "already worse in iteration 1" in text for text in found.cautions
    )


def test_milliseconds_of_the_client_are_neither_a_regression_nor_news() -> None:
    found = assess(
        observed(lambda c: {"elapsed_ms": 9 if c.arm == LEARN and c.iteration > 1 else 5})
    )
    assert found.verdict == Word.NO_EFFECT
    assert found.effects[-1].p_corrected is not None
    assert found.cautions == []


def test_one_arm_that_fails_what_it_could_is_not_blamed_on_learning() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        return {"status": "failed"} if cell.iteration == 2 and cell.task == 0 else {}

    reruns = [
        call(Cell(LEARN, 2, 0, Phase.ALPHA, repeat), {"status": "failed"}) for repeat in range(1, 6)
    ]
    found = assess(observed(changes, arms=(LEARN,))._replace(confirmations=reruns))
    assert found.verdict == Word.REGRESSED
    assert "the cause is open" in found.sentence
    assert "control" in found.settle[0]


def test_tasks_that_together_took_more_are_told() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        if cell.task == 7:
            return {"tokens": 100_000 if cell.arm == LEARN and cell.iteration > 1 else 50_000}
        return learning(cell)

    found = assess(observed(changes)._replace(expectations=Expectations(gamma_max_tokens=10**6)))
    assert found.verdict == Word.INCONCLUSIVE
    assert "all tasks together took no fewer tokens" in found.sentence
    assert any(text.startswith("all tasks together took") for text in found.cautions)


def test_answers_from_a_cache_are_told() -> None:
    found = assess(observed(lambda cell: {**learning(cell), "cached": cell.task == 0}))
    assert any(text.startswith("learn arm: 3 of 24 answers") for text in found.cautions)
    assert found.cached == {"learn": 3, "frozen": 3}
    assert "6 answers came from a cache" in found.sentence


def test_the_scope_is_the_tasks_and_not_the_system() -> None:
    scope = assess(observed(learning)).scope
    assert "8 tasks like these" in scope
    assert "at least 5 independent batteries" in scope


@pytest.mark.parametrize(("bluffs", "said"), [(1, "1 run of tasks"), (2, "2 runs of tasks")])
def test_claims_of_success_in_impossible_tasks_are_counted(bluffs: int, said: str) -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        bluff = cell.arm == LEARN and cell.iteration == 2 and cell.task >= 8 - bluffs
        return {"status": "ok"} if bluff else {}

    found = assess(observed(changes))
    assert found.verdict == Word.DISHONEST
    assert f"claimed success in {said} that cannot be done" in found.sentence


@pytest.mark.parametrize("used", [False, True])
def test_no_effect_says_so_where_nothing_that_was_learned_was_used(used: bool) -> None:
    found = assess(observed(lambda c: {"memory_used": used and c.arm == LEARN and c.iteration > 1}))
    assert found.verdict == Word.NO_EFFECT
    assert ("none of it was used" in found.sentence) is not used


def test_one_arm_says_what_it_came_to_unless_a_run_reports_no_tokens() -> None:
    halved = observed(lambda c: {"tokens": 1000 // c.iteration}, arms=(LEARN,), iterations=2)
    assert "it came to 50% fewer tokens" in assess(halved).sentence
    silent = observed(lambda c: {"tokens": 1000 if c.task else None}, arms=(LEARN,), iterations=2)
    assert "first and last iteration do not compare" in assess(silent).sentence
