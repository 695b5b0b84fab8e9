"""What makes the numbers of a battery worthless, or says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from battery.records.expectations import Expectations
from battery.records.metric import TOKENS
from battery.records.models import FROZEN, LEARN, Phase
from battery.records.word import GateStatus, Word
from battery.verdict import twin
from battery.verdict.assess import assess
from battery.verdict.facts import Observed
from battery.verdict.start import alike
from battery.verdict.table import grid
from tests.verdict.batteries import Cell, Changes, calls, learning, observed


def spoiled(battery: Observed) -> list[str]:
    start = alike(battery.grid, TOKENS) if FROZEN in battery.grid.arms else None
    return list(twin.spoiled(battery, start))


def test_a_sound_battery_is_not_spoiled() -> None:
    assert spoiled(observed(learning)) == []
    assert spoiled(observed(learning, arms=(LEARN,))) == []


def broken(cell: Cell) -> dict[str, Any]:
    down = cell.arm == FROZEN and cell.iteration > 1
    return {"status": "failed", "error": "down"} if down else {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (broken, "fails most of the easy tasks"),
        (
            lambda c: {"cached": c.arm == FROZEN and c.iteration == 2},
            "8 answers of the twin came from",
        ),
        (lambda c: {"memory_used": c.iteration > 1}, "learned"),
        (
            lambda c: {"tokens": 600 if c.arm == LEARN else 1000 + c.task},
            "differ already in iteration 1",
        ),
    ],
)
def test_a_twin_that_is_none_is_refused(changes: Changes, said: str) -> None:
    (reason,) = spoiled(observed(changes))
    assert said in reason


@pytest.mark.parametrize(
    "changes",
    [
        # Both arms broke: that says nothing about the twin.
        lambda c: {"status": "failed"} if c.iteration > 1 else {},
        # The learner's cache is told, and refuses nothing.
        lambda c: {"cached": c.arm == LEARN},
        # A gateway that fills the field from the start does not mean learning by it.
        lambda _: {"memory_used": True},
        lambda _: {"memory_used": None},
    ],
)
def test_what_says_nothing_about_the_twin_refuses_nothing(changes: Changes) -> None:
    assert spoiled(observed(changes)) == []


def test_missing_cells_and_changed_files_are_counted_and_named() -> None:
    found = observed()._replace(grid=grid(calls()[:-3]), changed=["tasks.json changed"])
    assert spoiled(found)[0] == "tasks.json changed"
    assert spoiled(found)[1].startswith("3 of 48")


def test_a_missing_repeat_is_no_missing_cell() -> None:
    found = observed()._replace(grid=grid(calls(repeats=2)[:-1]))
    assert spoiled(found) == []


FAILED: dict[str, Any] = {"status": "failed", "error": "?"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (lambda _: FAILED, "neither learner nor twin ever did a task"),
        # An impossible task that ends ok is not done.
        (
            lambda c: {"status": "ok"} if c.phase is Phase.GAMMA else FAILED,
            "neither learner nor twin ever did a task",
        ),
        (lambda _: {"turns": 8}, "every call hit the limit of 8 turns"),
        (lambda c: {"turns": 8 if c.task else 7}, None),
        (lambda c: FAILED if c.task else {}, None),
        (lambda c: FAILED if c.arm == FROZEN else {}, None),
    ],
)
def test_floor_and_ceiling(changes: Changes, said: str | None) -> None:
    battery = observed(changes)._replace(expectations=Expectations(max_turns=8))
    reason = twin.nothing_to_learn(battery)
    assert reason is None if said is None else said in str(reason)


def test_without_a_limit_no_turns_are_too_many() -> None:
    assert twin.nothing_to_learn(observed(lambda _: {"turns": 99})) is None


def test_a_battery_without_a_task_that_can_be_done_teaches_nothing() -> None:
    assert twin.nothing_to_learn(observed(phases=(Phase.GAMMA,) * 3))


@pytest.mark.parametrize(
    ("factor", "said"), [(0.5, "50% fewer"), (2.0, "100% more"), (0.95, None), (1.0, None)]
)
def test_the_twins_own_trend_is_told_where_it_counts(factor: float, said: str | None) -> None:
    found = observed(
        lambda c: {"tokens": round((1000 + c.task) * (factor if c.iteration > 1 else 1))}
    )
    text = twin.trend(found.grid, TOKENS)
    assert text is None if said is None else said in str(text)


@pytest.mark.parametrize(
    ("easy", "repeats", "refused"),
    [
        # One call that fails may be luck: of six calls, it is the twin's last with 1 in 4.
        (1, 1, False),
        (1, 3, True),
        (3, 1, True),
    ],
)
def test_a_twin_broke_where_that_is_no_luck(easy: int, repeats: int, refused: bool) -> None:
    phases = (Phase.ALPHA,) * easy + (Phase.BETA,) * 6
    down = lambda c: broken(c) if c.phase is Phase.ALPHA else {}  # noqa: E731
    found = spoiled(observed(down, iterations=2, phases=phases, repeats=repeats))
    assert bool(found) is refused


def remembering(cell: Cell) -> dict[str, Any]:
    """Show a memory that each distillation changes, and that the twin lacks."""
    known = cell.iteration - 1 if cell.arm == LEARN else 0
    return learning(cell) | {"fingerprint": f"memory {known}"}


def test_a_twin_whose_fingerprint_never_changes_is_one() -> None:
    found = assess(observed(remembering), plan=False)
    assert found.verdict is Word.LEARNED


def test_a_twin_whose_fingerprint_changes_is_none() -> None:
    changes: Changes = lambda c: remembering(c) | {"fingerprint": f"memory {c.iteration}"}  # noqa: E731
    found = assess(observed(changes), plan=False)
    assert found.verdict is Word.INVALID
    assert "the memory of the twin changed: its answers carry 3 fingerprints" in found.sentence


def test_arms_that_start_with_different_memories_are_refused() -> None:
    changes: Changes = lambda c: remembering(c) | {"fingerprint": c.arm}  # noqa: E731
    found = assess(observed(changes), plan=False)
    assert found.verdict is Word.INVALID
    assert "learner and twin start with different memories" in found.sentence


def test_a_gateway_that_learns_from_each_task_at_once_may_start_alike() -> None:
    changes: Changes = lambda c: (  # noqa: E731
        remembering(c) | {"fingerprint": f"memory {c.iteration * c.task if c.arm == LEARN else 0}"}
    )
    assert assess(observed(changes), plan=False).verdict is Word.LEARNED


def test_a_memory_that_never_changes_has_learned_nothing_whatever_is_saved() -> None:
    found = assess(observed(lambda c: remembering(c) | {"fingerprint": "empty"}), plan=False)
    assert found.verdict is Word.INCONCLUSIVE
    assert "nothing was learned: the memory's fingerprint is the same to the end" in found.sentence
    assert found.gates[-1].status is GateStatus.FAILED


def together(cell: Cell) -> dict[str, Any]:
    """Learn in both arms, the twin a little less: two front ends over one memory."""
    factor = 1 if cell.iteration == 1 else 0.5 if cell.arm == LEARN else 0.58
    return {"tokens": round((1000 + 10 * cell.task) * factor)}


@pytest.mark.parametrize("twins", [0.5, 0.58, 0.66])
def test_a_twin_that_gains_as_the_learn_arm_does_is_no_measure(twins: float) -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        factor = 1 if cell.iteration == 1 else 0.5 if cell.arm == LEARN else twins
        return {"tokens": round((1000 + 10 * cell.task) * factor)}

    found = assess(observed(changes), plan=False)
    assert found.verdict is Word.INCONCLUSIVE
    assert "the twin, which never learns, has come to take" in found.sentence
    assert "both share a memory, or the provider got cheaper" in found.sentence
    # It is said once.
    assert not any("share a memory" in text for text in found.cautions)


def test_a_learner_that_saves_twice_what_its_twin_came_to_save_has_learned() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        factor = 1 if cell.iteration == 1 else 0.4 if cell.arm == LEARN else 0.85
        return {"tokens": round((1000 + 10 * cell.task) * factor)}

    found = assess(observed(changes), plan=False)
    assert found.verdict is Word.LEARNED
    assert any("share a memory" in text for text in found.cautions)


def test_a_provider_that_gets_cheaper_spoils_nothing_where_the_twins_memory_is_shown() -> None:
    changes: Changes = lambda c: remembering(c) | together(c)  # noqa: E731
    assert assess(observed(changes), plan=False).verdict is Word.LEARNED


def test_a_twin_that_comes_to_do_more_tasks_as_the_learn_arm_does_is_no_measure() -> None:
    failed = {"status": "failed", "error": "?"}
    changes: Changes = lambda c: failed if c.phase is Phase.BETA and c.iteration == 1 else {}  # noqa: E731
    found = assess(observed(changes, iterations=4, repeats=2), plan=False)
    assert found.verdict is Word.INCONCLUSIVE
    assert "the provider got better" in found.sentence


def test_a_memory_that_leaks_to_the_twin_late_is_seen_where_it_was_filled_before() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        filled = cell.task == 0 or cell.iteration > 2
        return learning(cell) | {"memory_used": later(cell) or filled}

    (text,) = spoiled(observed(changes, iterations=4))
    assert "the twin got more from memory than in iteration 1" in text


def later(cell: Cell) -> bool:
    return cell.arm == LEARN and cell.iteration > 1
