"""Tokens that fall while the bill does not: told with prices, and suspected without."""

from __future__ import annotations

from typing import Any

import pytest

from battery.protocol.usage import Spent, Tokens
from battery.records.findings import Evidence
from battery.records.models import LEARN
from battery.records.word import Word
from battery.verdict.assess import assess
from tests.verdict.batteries import Cell, observed

#: By how much tasks differ.
SIZES = [1.0, 1.1, 0.9, 1.05, 0.95, 1.2, 0.5, 0.6]


def usage(
    cell: Cell, prompt: float, cached: float | None, output: float, *, priced: bool
) -> dict[str, Any]:
    """Report tokens by kind: 1 dollar per million of prompt, 0.10 cached, 4 of output."""
    size = SIZES[cell.task] * (1 + 0.001 * cell.iteration)
    kinds = [None if each is None else round(each * size) for each in (prompt, cached, output)]
    own, kept, written = (each or 0 for each in kinds)
    return {
        "tokens": own + written,
        "spent": Spent(own + written, Tokens(kinds[0], kinds[1], kinds[2])),
        "cost_usd": (own - kept + 0.1 * kept + 4 * written) / 1e6 if priced else None,
    }


def judged(
    before: tuple[float, float | None, float],
    after: tuple[float, float | None, float],
    *,
    priced: bool = False,
) -> Evidence:
    """Judge a battery in which learning changes the tokens by kind."""
    return assess(
        observed(
            lambda cell: usage(
                cell,
                *(after if cell.arm == LEARN and cell.iteration > 1 else before),
                priced=priced,
            ),
            iterations=4,
        ),
        plan=False,
    )


#: 45 % fewer tokens, and at those prices 2.1 times the bill.
CACHED = (9900.0, 8400.0, 100.0)
BROKEN = (5400.0, 0.0, 100.0)


def test_with_prices_a_broken_prompt_cache_is_a_regression_that_names_the_bill() -> None:
    evidence = judged(CACHED, BROKEN, priced=True)
    assert (evidence.verdict, evidence.cost) == (Word.REGRESSED, "cost_usd")
    assert "112% more dollars than its twin" in evidence.sentence
    assert "The bill rose, with 45% fewer tokens." in evidence.sentence


def test_without_prices_a_broken_prompt_cache_earns_no_positive_word() -> None:
    evidence = judged(CACHED, BROKEN)
    assert (evidence.verdict, evidence.cost) == (Word.INCONCLUSIVE, "total_tokens")
    why = (
        "tokens fell, but the bill may not have: cached prompt tokens fell from 85% to 0%; give "
        "prices in the tasks file"
    )
    assert why in evidence.sentence


def test_without_prices_longer_answers_may_cost_what_shorter_prompts_save() -> None:
    evidence = judged((5000.0, None, 500.0), (2000.0, None, 1500.0))
    assert evidence.verdict is Word.INCONCLUSIVE
    assert "output went from 9% of the tokens to 43%" in evidence.sentence


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CACHED, (5400.0, 4600.0, 60.0)),
        # No provider bills so that all of that saving is gone.
        ((9000.0, 4000.0, 1000.0), (5000.0, 1500.0, 600.0)),
        ((3000.0, None, 500.0), (1800.0, None, 400.0)),
        ((3000.0, 0.0, 500.0), (1800.0, 900.0, 400.0)),
    ],
)
def test_a_learner_whose_bill_falls_at_any_usual_price_keeps_its_word(
    before: tuple[float, float | None, float], after: tuple[float, float | None, float]
) -> None:
    for priced in (False, True):
        assert judged(before, after, priced=priced).verdict is Word.LEARNED


def test_where_one_arm_tells_no_kinds_there_is_nothing_to_suspect() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        later = cell.arm == LEARN and cell.iteration > 1
        told = usage(cell, *(BROKEN if later else CACHED), priced=False)
        return told if cell.arm == LEARN else {"tokens": told["tokens"]}

    assert assess(observed(changes), plan=False).verdict is Word.LEARNED


def test_one_call_without_a_price_leaves_the_question_to_tokens() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        told = usage(cell, *CACHED, priced=True)
        gone = cell == (LEARN, 2, 0, cell.phase, 1)
        return told | ({"cost_usd": None} if gone else {})

    evidence = assess(observed(changes), plan=False)
    assert evidence.cost == "total_tokens"


def test_a_bill_of_nothing_leaves_the_question_to_tokens() -> None:
    evidence = assess(observed(lambda _: {"cost_usd": 0.0}), plan=False)
    assert evidence.cost == "total_tokens"


def test_a_bill_that_falls_although_tokens_rise_is_learning() -> None:
    evidence = judged(BROKEN, CACHED, priced=True)
    assert evidence.verdict is Word.LEARNED
    assert "53% fewer dollars" in evidence.sentence
    assert "The bill fell, with 82% more tokens." in evidence.sentence


def discounted(tokens: float) -> Evidence:
    """Judge a battery in which the bill is halved, and tokens change by a factor."""

    def changes(cell: Cell) -> dict[str, Any]:
        later = cell.arm == LEARN and cell.iteration > 1
        told = usage(cell, 900.0 * (tokens if later else 1.0), 0.0, 100.0, priced=True)
        return told | ({"cost_usd": told["cost_usd"] / 2} if later else {})

    return assess(observed(changes, iterations=4), plan=False)


def test_a_bill_that_fell_by_its_prices_earns_no_positive_word() -> None:
    evidence = discounted(1.0)
    assert (evidence.verdict, evidence.cost) == (Word.INCONCLUSIVE, "cost_usd")
    assert "the bill fell by its prices: as many tokens were used" in evidence.sentence
    # A little work saved does not make up for that.
    assert discounted(0.85).verdict is Word.INCONCLUSIVE
    assert discounted(0.3).verdict is Word.LEARNED


def test_a_discount_that_the_gateway_tells_in_dollars_is_no_work_saved() -> None:
    def halved(cell: Cell) -> dict[str, Any]:
        cost = SIZES[cell.task] * (0.5 if cell.arm == LEARN and cell.iteration > 1 else 1.0)
        return {"tokens": round(1000 * SIZES[cell.task]), "cost_usd": cost}

    evidence = assess(observed(halved, iterations=4), plan=False)
    assert (evidence.verdict, evidence.cost) == (Word.INCONCLUSIVE, "cost_usd")
    assert "the bill fell by its prices" in evidence.sentence
