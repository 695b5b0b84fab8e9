"""The two sides of a table are compared by one function, whatever they are."""

from __future__ import annotations

from typing import Any

import pytest

from battery.records.comparison import Change
from battery.records.findings import Effect
from battery.records.metric import ELAPSED, TOKENS
from battery.records.models import FROZEN, LEARN
from battery.verdict.effects import contrasts, effects, later
from battery.verdict.table import grid, table_of
from tests.verdict.batteries import Cell, calls, learning


def test_an_effect_and_a_change_of_the_same_cells_have_the_same_numbers() -> None:
    both = calls(learning)
    sides = [[call for call in both if call.arm == arm] for arm in (LEARN, FROZEN)]
    table = table_of(*sides)
    joint = [metric.key for metric in table.metrics]
    unlearned = table.over(slice(1))
    changes = contrasts(Change, table.over(slice(1, None)), joint, unlearned)
    for effect, change in zip(effects(grid(both)), changes, strict=True):
        shared = set(Effect.model_fields) - set(Effect.sides)
        assert effect.model_dump(include=shared) == change.model_dump(include=shared)
        assert (effect.learn, effect.frozen) == (change.after, change.before)


def test_means_are_taken_only_where_both_sides_measured() -> None:
    def silent(cell: Cell) -> dict[str, Any]:
        """Report no tokens in one cell of the learn arm, and very many in the frozen one."""
        if (cell.task, cell.iteration) != (0, 2):
            return {"tokens": 1000}
        return {"tokens": None if cell.arm == LEARN else 10**6}

    tokens = effects(grid(calls(silent)))[0]
    assert (tokens.metric, tokens.learn, tokens.frozen) == (TOKENS, 1000, 1000)


def test_net_is_none_without_a_table_in_which_nothing_was_learned() -> None:
    table = later(grid(calls(learning)))
    tokens = contrasts(Change, table, [TOKENS])[0]
    assert tokens.value == pytest.approx(0.56, abs=0.02)
    assert (tokens.net, tokens.net_interval, tokens.p_net) == (None, None, None)


def test_a_metric_that_is_not_among_those_that_decide_is_not_corrected_and_says_so() -> None:
    def slower(cell: Cell) -> dict[str, Any]:
        return {"elapsed_ms": 2000 if cell.arm == LEARN else 1000}

    rows = contrasts(Change, later(grid(calls(slower))), [TOKENS])
    time = next(row for row in rows if row.metric == ELAPSED)
    assert time.p is not None
    assert time.p_corrected is None
    assert time.note == "not corrected, because it decides nothing"


def test_tokens_that_nobody_reported_are_not_called_equal() -> None:
    tokens = effects(grid(calls(lambda _: {"tokens": None})))[0]
    assert (tokens.value, tokens.note) == (None, "nothing could be compared")
