"""What learning cost is set against what it saved, and null where either is not known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from battery.pricing import Pricing
from battery.protocol import Json
from battery.recorded.learning import learning
from battery.records.learning import Amount, Learning
from battery.records.lines import ChatCall, DistillCall
from battery.records.metric import MONEY, TOKENS
from battery.records.models import FROZEN, LEARN, Phase, Price
from battery.records.stages import DISTILL, OVERSEER
from battery.store.journal import Journal
from battery.verdict.table import Call
from tests.verdict import batteries
from tests.verdict.batteries import Cell


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def distilled(*events: Json) -> DistillCall:
    return DistillCall(at="t", _elapsed_ms=1, text="t", broken=0, events=list(events))


def journals(folder: Path, costs: Sequence[int | None]) -> dict[int, Journal]:
    """Write a journal for each iteration, whose distillation took so many tokens."""
    for number, tokens in enumerate(costs, start=1):
        with Journal(folder / f"{number}.jsonl") as journal:
            usage = {} if tokens is None else {"usage": {"total_tokens": tokens}}
            journal.append(DISTILL.key, distilled({"role": "status"}, {"role": "final", **usage}))
    return {n: Journal(folder / f"{n}.jsonl") for n, _ in enumerate(costs, start=1)}


def found(folder: Path, costs: Sequence[int | None], calls: Sequence[Call]) -> Learning:
    result = learning(journals(folder, costs), calls, TOKENS, Pricing())
    assert result is not None
    return result


def saving(tokens: int, **more: Any) -> Any:
    """Let the learner take so much less per call once something was learned."""

    def changes(cell: Cell) -> dict[str, Any]:
        learned = cell.arm == LEARN and cell.iteration > 1
        return {"tokens": 1000 - tokens, **more} if learned else {}

    return changes


def calls(changes: Any, iterations: int, **shape: Any) -> list[Call]:
    shape = {"phases": [Phase.ALPHA, Phase.BETA], **shape}
    return batteries.calls(changes, iterations=iterations, **shape)


def test_it_is_paid_back_in_the_iteration_whose_saving_covers_all_so_far(folder: Path) -> None:
    result = found(folder, [500, 100, 100, 100], calls(saving(150), 4))
    # Two tasks save 150 each: 300 of 600 spent, 600 of 700, 900 of 800.
    assert [each.saved for each in result.iterations] == [None, 300, 300, 300]
    assert (result.cost, result.saved, result.paid_back) == (800, 900, 4)


def test_what_falls_behind_again_is_not_paid_back(folder: Path) -> None:
    result = found(folder, [100, 100, 5000], calls(saving(200), 3))
    assert (result.saved, result.paid_back) == (800, None)


def test_repeats_save_as_often_as_they_are_asked(folder: Path) -> None:
    assert found(folder, [1, 1], calls(saving(10), 2, repeats=3)).saved == 2 * 3 * 10


def test_a_worse_learner_owes_more_than_it_cost(folder: Path) -> None:
    result = found(folder, [1, 1], calls(saving(-100), 2))
    assert (result.saved, result.paid_back) == (-200, None)


def test_nothing_is_saved_by_a_call_that_fails_where_the_twins_does_not(folder: Path) -> None:
    assert found(folder, [1, 1], calls(saving(900, status="failed"), 2)).saved == 0
    assert found(folder, [1, 1], calls(saving(-900, status="failed"), 2)).saved == -1800


def test_nothing_is_saved_by_a_bluff_where_the_twin_is_honest(folder: Path) -> None:
    bluffs = calls(saving(900, status="ok"), 2, phases=[Phase.GAMMA])
    assert found(folder, [1, 1], bluffs).saved == 0
    honest = calls(saving(900), 2, phases=[Phase.GAMMA])
    assert found(folder, [1, 1], honest).saved == 900


def test_pairs_that_one_arm_did_not_measure_are_left_out(folder: Path) -> None:
    def silent(cell: Cell) -> dict[str, Any]:
        changes: dict[str, Any] = saving(100)(cell)
        unknown = cell.arm == FROZEN and cell.phase is Phase.BETA
        return {**changes, "tokens": None} if unknown else changes

    assert found(folder, [1, 1], calls(silent, 2)).saved == 100


def test_with_one_arm_nobody_knows_what_was_saved(folder: Path) -> None:
    result = found(folder, [7, 8], calls(saving(100), 2, arms=[LEARN]))
    assert (result.cost, result.saved, result.paid_back) == (15, None, None)


def test_a_distillation_that_does_not_report_it_makes_the_cost_unknown(folder: Path) -> None:
    result = found(folder, [7, None], calls(saving(100), 2))
    assert (result.cost, result.saved, result.paid_back) == (None, 200, None)
    assert result.iterations[1].calls["distill"] == Amount(tokens=None, cost_usd=None)
    assert result.total.tokens == 7


def test_reviews_are_told_and_are_no_cost_of_learning(folder: Path) -> None:
    made = journals(folder, [10])
    answer: JsonValue = {"usage": {"total_tokens": 500}}
    with Journal(folder / "1.jsonl") as journal:
        call = ChatCall(at="t", model="m", _elapsed_ms=1, content="c", answer=answer)
        journal.append(OVERSEER.key, call)
    made[1] = Journal(folder / "1.jsonl")
    result = learning(made, calls(saving(0), 1), TOKENS, Pricing())
    assert result
    assert (result.cost, result.total.tokens) == (10, 510)
    assert set(result.iterations[0].calls) == {"distill", "review"}


def test_it_is_reckoned_in_dollars_where_those_are_the_cost(folder: Path) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 1, "model": "m"}
    with Journal(folder / "1.jsonl") as journal:
        journal.append(DISTILL.key, distilled({"role": "final", "text": "t", "usage": usage}))
    made = {1: Journal(folder / "1.jsonl")}
    priced = Pricing.of({"m": Price(input=1e6, output=2e6)}, None)
    dollars = [
        each._replace(result=each.result._replace(cost_usd=9.0)) for each in calls(saving(0), 2)
    ]
    result = learning(made, dollars, MONEY, priced)
    assert result
    assert (result.unit, result.cost, result.saved) == ("cost_usd", 5, None)
    unpriced = learning(made, dollars, MONEY, Pricing())
    assert unpriced
    assert (unpriced.cost, unpriced.total.cost_usd) == (None, None)


def test_without_a_recorded_distillation_there_is_nothing_to_tell(folder: Path) -> None:
    assert learning({1: Journal(folder / "none")}, calls(saving(0), 1), TOKENS, Pricing()) is None
