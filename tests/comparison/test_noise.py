from __future__ import annotations

import math

import pytest

from battery.comparison.noise import noise
from battery.records.models import LEARN
from tests.comparison.pairs import facts
from tests.verdict.batteries import Cell, calls


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
    assert found.floor is not None
    assert 0 < found.floor < 0.1


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
