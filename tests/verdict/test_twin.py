"""What makes the numbers of a battery worthless, or says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from battery.records.expectations import Expectations
from battery.records.metric import TOKENS
from battery.records.models import FROZEN, LEARN, Phase
from battery.verdict import twin
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
        # The learn arm's cache is told, and refuses nothing.
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
        (lambda _: FAILED, "no task was ever done"),
        # An impossible task that ends ok is not done.
        (lambda c: {"status": "ok"} if c.phase is Phase.GAMMA else FAILED, "no task was ever done"),
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
