"""What objects to a gain that is none: costs that are not reported, a twin that only got worse."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from battery.protocol.usage import Spent, Tokens
from battery.records.metric import TOKENS
from battery.records.models import FROZEN, LEARN, Phase
from battery.records.word import POSITIVE, Word
from battery.verdict.assess import assess
from battery.verdict.sham import hidden, one_for_all, second_only, twin_alone, twin_does_less
from battery.verdict.table import grid
from tests.verdict.batteries import PHASES, Cell, Changes, calls, observed

ROWS = range(len(PHASES))


def taught(cell: Cell) -> bool:
    return cell.arm == LEARN and cell.iteration > 1


def late_twin(cell: Cell) -> bool:
    return cell.arm == FROZEN and cell.iteration > 1


def tokens(count: Callable[[Cell], float | None]) -> Changes:
    """Make a battery of tasks that take 1,000, 1,100, 1,200 … tokens, changed by a factor."""

    def changes(cell: Cell) -> dict[str, Any]:
        factor = count(cell)
        return {"tokens": None if factor is None else round(factor * (1000 + 100 * cell.task))}

    return changes


def objected(changes: Changes) -> str | None:
    return next(hidden(grid(calls(changes)), TOKENS), None)


def test_zeros_for_work_that_took_turns_are_no_report() -> None:
    zeros = objected(tokens(lambda cell: 0 if taught(cell) and cell.task < 4 else 1))
    assert zeros is not None
    assert "reports no tokens, or 0 for calls that took turns, more often than the twin" in zeros
    silent = objected(tokens(lambda cell: None if taught(cell) and cell.task < 4 else 1))
    assert silent is not None
    assert "reports its tokens less often than the twin" in silent
    assert objected(tokens(lambda _: 1)) is None
    assert objected(tokens(lambda cell: 0 if cell.iteration > 1 else 1)) is None


def test_an_answer_without_a_turn_may_take_no_tokens() -> None:
    def recalled(cell: Cell) -> dict[str, Any]:
        free = taught(cell) and cell.task < 4
        return {"tokens": 0, "turns": 0} if free else {"tokens": 1000 + 100 * cell.task}

    assert objected(recalled) is None


def test_one_number_for_every_task_is_no_measurement() -> None:
    def alike(cell: Cell) -> dict[str, Any]:
        return {"tokens": 500 if cell.arm == LEARN else 1000 + 100 * cell.task}

    assert objected(alike) == "the learner reports 500 tokens for every task, whatever it took"
    # Where the twin's are alike too, tasks may well take the same.
    assert objected(lambda cell: {"tokens": 500 if cell.arm == LEARN else 1000}) is None


@pytest.mark.parametrize("shrunk", [0.6, 1.0])
def test_a_total_below_its_parts_is_no_report(shrunk: float) -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        prompt, output = 800 + 100 * cell.task, 200
        total = round((prompt + output) * (shrunk if taught(cell) else 1))
        return {"tokens": total, "spent": Spent(total, Tokens(prompt, None, output))}

    found = objected(changes)
    assert (found is not None) is (shrunk < 1)
    assert found is None or "fewer tokens in total than prompt and output together" in found


@pytest.mark.parametrize(
    ("own", "twin", "objects"),
    [
        (1.0, 1.6, True),  # the twin got worse, and nothing else happened
        (0.95, 1.6, True),
        (0.8, 1.6, False),  # the provider got costlier, and what was learned shows all the same
        (0.6, 1.0, False),
        (1.0, 1.05, False),
    ],
)
def test_a_saving_that_only_the_twin_makes_is_none(own: float, twin: float, objects: bool) -> None:
    changes = tokens(lambda cell: own if taught(cell) else twin if late_twin(cell) else 1)
    found = next(twin_alone(grid(calls(changes)), ROWS, TOKENS, 0.1), None)
    assert (found is not None) is objects
    word = assess(observed(changes), plan=False).verdict
    assert (word is Word.INCONCLUSIVE) is objects


@pytest.mark.parametrize(("own", "objects"), [(1.0, True), (0.5, False)])
def test_a_twin_that_takes_more_on_niche_tasks_alone_is_no_gain_on_them(
    own: float, objects: bool
) -> None:
    def factor(cell: Cell) -> float:
        if cell.phase is not Phase.BETA:
            return 1
        return own if taught(cell) else 1.7 if late_twin(cell) else 1

    rows = [row for row, phase in enumerate(PHASES) if phase is Phase.BETA]
    table = grid(calls(tokens(factor), iterations=5))
    assert bool(list(twin_alone(table, rows, TOKENS, 0.1))) is objects


def test_ok_with_an_error_is_no_answer_unless_the_twin_does_so_too() -> None:
    def troubled(cell: Cell) -> dict[str, Any]:
        cheap = tokens(lambda cell: 0.4 if taught(cell) else 1)(cell)
        return cheap | ({"error": "timeout"} if taught(cell) else {})

    found = assess(observed(troubled), plan=False)
    assert found.verdict is Word.INCONCLUSIVE
    assert "12 of 16 answers of the learner say ok and report an error" in found.sentence
    both = lambda cell: troubled(cell) | {"error": "a warning"}  # noqa: E731
    assert assess(observed(both), plan=False).verdict in POSITIVE


def in_turns(cell: Cell) -> bool:
    """Toss the coin so that each arm is first in two of four iterations."""
    return (cell.arm == LEARN) == (cell.iteration % 2 == 0)


@pytest.mark.parametrize(
    ("first", "second", "objects"), [(1.0, 0.2, True), (0.6, 0.6, False), (0.7, 0.5, False)]
)
def test_what_is_saved_only_where_the_twin_came_first_is_not_learned(
    first: float, second: float, objects: bool
) -> None:
    changes = tokens(lambda cell: (first if in_turns(cell) else second) if taught(cell) else 1)
    made = [
        call._replace(first=in_turns(Cell(call.arm, call.iteration, 0, call.phase, 1)))
        for call in calls(changes, iterations=5)
    ]
    later = grid(made).over(slice(1, None))
    assert bool(list(second_only(later, ROWS, TOKENS, 0.1))) is objects
    unknown = grid(calls(changes, iterations=5)).over(slice(1, None))
    assert list(second_only(unknown, ROWS, TOKENS, 0.1)) == []


def test_luck_with_niche_tasks_at_first_is_no_saving_of_the_learn_arm() -> None:
    """The twin is throttled, and the learner's niche tasks took a fifth more in iteration 1."""

    def count(cell: Cell) -> float:
        unlucky = cell.arm == LEARN and cell.iteration == 1 and cell.phase is Phase.BETA
        return 1.2 if unlucky else 1.6 if late_twin(cell) else 1

    table = grid(calls(tokens(count), iterations=5))
    assert list(twin_alone(table, table.rows(Phase.BETA), TOKENS, 0.1)) != []


def test_more_done_only_because_the_twin_fails_is_no_gain() -> None:
    def fails(cell: Cell) -> dict[str, Any]:
        failed = late_twin(cell) and cell.phase is Phase.BETA
        return {"status": "failed", "error": "no database"} if failed else {}

    found = next(twin_does_less(grid(calls(fails, iterations=5))), "")
    assert re.match(
        r"the twin does fewer tasks than in iteration 1 \(p .*not shown to do more", found
    )
    assert assess(observed(fails, iterations=5), plan=False).verdict not in POSITIVE


def test_more_done_than_at_first_is_a_gain_whatever_the_twin_does() -> None:
    def learns(cell: Cell) -> dict[str, Any]:
        failed = cell.phase is Phase.BETA and not taught(cell)
        return {"status": "failed", "error": "not found"} if failed else {}

    assert next(twin_does_less(grid(calls(learns, iterations=5))), None) is None
    assert assess(observed(learns, iterations=5), plan=False).verdict in POSITIVE


def own_words(cell: Cell) -> str:
    """No two answers of a model are alike."""
    return f"{cell}"


def handing_in(words: Callable[[Cell], str]) -> Changes:
    """Make a battery whose learner saves, and hands in so."""
    return lambda cell: {
        "tokens": round((1000 + 50 * cell.task) * (0.4 if taught(cell) else 1)),
        "handed_in": words(cell).encode(),
    }


def alike(words: Callable[[Cell], str]) -> list[str]:
    return list(one_for_all(grid(calls(handing_in(words))).over(slice(1, None))))


def test_one_answer_for_all_tasks_is_no_saving_and_the_sentence_says_why() -> None:
    hollow = handing_in(lambda cell: "[]" if taught(cell) else own_words(cell))
    evidence = assess(observed(hollow), plan=False)
    assert evidence.verdict is Word.INCONCLUSIVE
    assert (
        "12 of 12 answers of the learner that end ok repeat what it handed in for another task "
        "(twin 0 of 12), so they are not answers" in evidence.sentence
    )


def test_one_answer_for_a_few_tasks_is_seen_and_that_of_both_arms_is_the_systems_own() -> None:
    assert alike(
        lambda cell: "[]" if taught(cell) and cell.phase is Phase.BETA else own_words(cell)
    )
    assert not alike(lambda _: "done")
    assert not alike(own_words)
    assert not alike(lambda cell: f"{cell.task}")
    assert not list(one_for_all(grid(calls())))


def test_a_task_that_failed_has_nothing_handed_in() -> None:
    failing = grid(
        calls(
            lambda cell: {
                "status": "failed" if taught(cell) else "ok",
                "handed_in": (b"-" if taught(cell) else own_words(cell).encode()),
            }
        )
    )
    assert not list(one_for_all(failing.over(slice(1, None))))
