"""Two small batteries for the tests of comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from battery.comparison.naming import Names
from battery.comparison.pairing import Facts, shared, weigh
from battery.records.models import LEARN
from battery.verdict.table import Call
from tests.verdict.batteries import Cell, Changes, calls

#: What the two batteries are called.
NAMES = Names("main", "branch")


def facts(before: Sequence[Call], after: Sequence[Call]) -> Facts:
    """Compare two batteries that have something in common."""
    found = weigh(before, after, shared(before, after), NAMES)
    assert found is not None
    return found


def against_usual(changes: Changes, **shape: Any) -> Facts:
    """Compare a battery (B) with one (A) that learns nothing."""
    return facts(calls(**shape), calls(changes, **shape))


def cheaper(cell: Cell) -> dict[str, Any]:
    """Take 40 % fewer tokens and half the turns, in the learner once something was learned."""
    if cell.arm == "learn" and cell.iteration > 1:
        return {"tokens": 600 - cell.task, "turns": 2}
    return {}


def everywhere(tokens: int) -> Changes:
    """Take so many tokens in both arms and all iterations: another system."""
    return lambda cell: {"tokens": tokens + cell.task}


def drawn(rng: np.random.Generator, *, saved: float = 0.0, failing: float = 0.1) -> Changes:
    """Vary each call by a third, fail some, and save a share of the tokens once learned."""

    def changes(cell: Cell) -> dict[str, Any]:
        share = 1 - saved if cell.arm == LEARN and cell.iteration > 1 else 1.0
        failed = {"status": "failed"} if rng.random() < failing else {}
        return {**failed, "tokens": round(2000 * share * float(rng.lognormal(0, 0.3)))}

    return changes
