from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from battery.calibration.simulate import Dials, simulate
from battery.comparison.outcome import cause, cautions, decide, sentence, settle
from battery.comparison.pairing import Facts
from battery.records.metric import ELAPSED, METRICS, TABLE, in_usage
from battery.records.models import LEARN, Phase
from battery.records.word import Outcome
from battery.verdict import table
from battery.verdict.table import Call
from tests.comparison.pairs import against_usual, cheaper, everywhere, facts
from tests.verdict.batteries import Cell, calls


def failing(*tasks: int) -> Any:
    """Fail these tasks, and take 40 % fewer tokens in all."""

    def changes(cell: Cell) -> dict[str, Any]:
        status = {"status": "failed"} if cell.task in tasks else {}
        return {**status, "tokens": 600 - cell.task}

    return changes


def bluffing(_: Cell) -> dict[str, Any]:
    return {"status": "ok"}


def noisy(spread: float) -> Any:
    """Vary each task's tokens, half of them up and half of them down."""
    return lambda cell: {"tokens": round(1000 * (1 + spread * (-1) ** cell.task))}


CASES = {
    "identical numbers": (against_usual(lambda _: {}), Outcome.NO_DIFFERENCE),
    "only time differs": (against_usual(lambda _: {"elapsed_ms": 9000}), Outcome.NO_DIFFERENCE),
    "within ten percent": (against_usual(noisy(0.05)), Outcome.NO_DIFFERENCE),
    "significant and small": (against_usual(everywhere(960)), Outcome.NO_DIFFERENCE),
    "fewer tokens": (against_usual(cheaper), Outcome.BETTER),
    "more tokens": (against_usual(everywhere(1500)), Outcome.WORSE),
    "cheaper by failing": (against_usual(failing(0, 1, 2)), Outcome.MIXED),
    "one lost task is no significant loss": (against_usual(failing(0)), Outcome.BETTER),
    "a new bluff": (against_usual(bluffing), Outcome.WORSE),
    "no tokens, else the same": (against_usual(lambda _: {"tokens": None}), Outcome.UNCLEAR),
    "no tokens in either": (
        facts(calls(lambda _: {"tokens": None}), calls(lambda _: {"tokens": 0})),
        Outcome.UNCLEAR,
    ),
    "one bluff in one of three iterations": (
        against_usual(lambda cell: {"status": "ok"} if cell.iteration == 3 else {}),
        Outcome.WORSE,
    ),
    "no tokens told": (against_usual(lambda _: {"tokens": None, "turns": 9}), Outcome.WORSE),
    "wide": (against_usual(noisy(0.4)), Outcome.UNCLEAR),
    "a lost task": (
        against_usual(lambda cell: {"status": "failed"} if cell.task == 0 else {}),
        Outcome.UNCLEAR,
    ),
    "one task": (against_usual(everywhere(100), phases=(Phase.ALPHA,)), Outcome.UNCLEAR),
    "one equal task": (against_usual(lambda _: {}, phases=(Phase.ALPHA,)), Outcome.NO_DIFFERENCE),
}


@pytest.mark.parametrize("name", CASES)
def test_the_word_fits_the_facts_and_the_sentence_says_it(name: str) -> None:
    found, wanted = CASES[name]
    outcome, reasons = decide(found)
    assert (outcome, bool(reasons)) == (wanted, True)
    text = sentence(outcome, found, reasons)
    assert text.startswith("On the ")
    assert text.endswith(".")


def said(found: Facts) -> str:
    """Join word, sentence and cautions."""
    outcome, reasons = decide(found)
    return " ".join([outcome, sentence(outcome, found, reasons), *cautions(found)])


def test_tokens_that_only_one_reports_are_not_the_same_numbers() -> None:
    silent = said(CASES["no tokens, else the same"][0])
    assert silent.startswith("UNCLEAR On the same 8 tasks it cannot be told")
    assert "no tokens could be compared" in silent
    assert "in 0 of 8 tasks and 0 of 16 cells" in silent
    partial = said(against_usual(lambda cell: {"tokens": None} if cell.task < 4 else {}))
    assert "the same numbers" not in partial
    assert "Some cells have no tokens to compare." in partial
    assert "tokens could be compared in 4 of 8 tasks and 8 of 16 cells" in partial
    assert "the same numbers except for time." in said(CASES["identical numbers"][0])
    (advice,) = settle(Outcome.UNCLEAR, CASES["no tokens in either"][0])
    assert advice == "Answers that report their tokens, in A and in B."


def test_a_bluff_is_told_in_runs() -> None:
    text = said(CASES["one bluff in one of three iterations"][0])
    assert "claims done in 2 of 6 runs of 2 tasks that cannot be done" in text


def test_opposite_courses_are_told_although_their_means_agree() -> None:
    def falling(cell: Cell) -> dict[str, Any]:
        return {"tokens": 1000 // cell.iteration, "turns": 4}

    def rising(cell: Cell) -> dict[str, Any]:
        return {"tokens": {1: 1000, 2: 333, 3: 500}[cell.iteration], "turns": 4}

    text = said(facts(calls(falling), calls(rising)))
    assert "the same numbers" not in text
    assert "in iteration 3 alone, tokens worse by 50%: the mean over the iterations" in text
    assert "alone" not in said(against_usual(cheaper)), "what the mean tells is not hidden"


def test_a_change_beside_its_bound_has_a_decimal() -> None:
    assert "B used 9.6% fewer tokens" in said(against_usual(lambda _: {"tokens": 904}))


def test_huge_numbers_are_cut_in_sentences() -> None:
    text = said(against_usual(lambda _: {"tokens": 2**53}))
    assert "tokens worse by more than 900% (corrected p = 0.008)" in text
    assert len(text) < 300


def test_frozen_arms_without_tokens_are_not_called_alike() -> None:
    def silent(cell: Cell) -> dict[str, Any]:
        return {} if cell.arm == LEARN else {"tokens": None}

    text = cause(against_usual(silent))
    assert "could not be compared in tokens" in text
    assert "do not differ" not in text


def test_a_bluff_that_was_there_before_is_not_new_but_refuses_better() -> None:
    def sometimes(cell: Cell) -> dict[str, Any]:
        return {"status": "ok"} if cell.task < 6 or cell.repeat == 1 else {}

    def always(cell: Cell) -> dict[str, Any]:
        return {"status": "ok", "tokens": 500 + cell.task}

    found = facts(calls(sometimes, repeats=3), calls(always, repeats=3))
    assert decide(found)[0] == Outcome.MIXED


def test_equal_systems_are_called_better_or_worse_at_most_at_the_nominal_rate() -> None:
    rng = np.random.default_rng(11)
    dials = Dials(size_spread=0.0, flaky=0.1)
    words: Counter[Outcome] = Counter()
    for _ in range(100):
        found = facts(simulate(dials, rng).calls, simulate(dials, rng).calls)
        words[decide(found)[0]] += 1
    alarms = words[Outcome.BETTER] + words[Outcome.WORSE] + words[Outcome.MIXED]
    # Five percent of 100 and three standard errors of it.
    assert alarms <= 11


def test_a_system_that_learns_half_its_tokens_away_is_mostly_seen() -> None:
    rng = np.random.default_rng(12)
    before, after = Dials(size_spread=0.0), Dials(size_spread=0.0, saved_once=0.5)
    found = [facts(simulate(before, rng).calls, simulate(after, rng).calls) for _ in range(20)]
    assert sum(decide(each)[0] == Outcome.BETTER for each in found) >= 16


def test_frozen_arms_that_differ_blame_the_system_and_not_the_learning() -> None:
    other = against_usual(everywhere(1500))
    assert "differ too: tokens worse by 50%" in cause(other)
    assert "not (only) what was learned" in cause(other)
    assert "do not differ significantly" in cause(against_usual(cheaper))


def test_without_frozen_arms_the_cause_is_open_and_iteration_1_is_told() -> None:
    text = cause(facts(calls(), calls(everywhere(1500), arms=(LEARN,))))
    assert "Not both have a frozen arm" in text
    assert "In iteration 1, before anything was learned, B used 50% more tokens" in text


def test_with_one_iteration_it_says_that_nothing_was_learned_yet() -> None:
    found = against_usual(everywhere(1500), iterations=1)
    outcome, reasons = decide(found)
    assert outcome == Outcome.WORSE
    assert "Only iteration 1 could be compared" in sentence(outcome, found, reasons)
    assert "not what was learned" in cause(found)


def test_time_is_told_and_never_decides() -> None:
    (text,) = cautions(CASES["only time differs"][0])
    assert text.startswith("time worse by 350%")
    # Some milliseconds are the machine's own jitter, however large a share they make.
    quick = facts(calls(lambda _: {"elapsed_ms": 1}), calls(lambda _: {"elapsed_ms": 5}))
    assert list(cautions(quick)) == []


def test_a_metric_that_decides_nothing_is_named_where_it_differs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def costing(dollars: float) -> list[Call]:
        return calls(lambda cell: {"usage": {"cost": dollars * (cell.task + 1)}})

    cost = replace(METRICS[ELAPSED], key="cost", plain="cost", call=in_usage("cost"))
    monkeypatch.setattr(table, "TABLE", (*TABLE, cost))
    monkeypatch.setitem(METRICS, "cost", cost)
    assert "except for time." in said(facts(costing(1), costing(1)))
    found = facts(costing(1), costing(1.6))
    text = said(found)
    assert decide(found)[1] == ["the numbers are the same, task by task, except for cost"]
    assert "the same numbers except for time and cost." in text
    assert "cost worse by 60% (p = 0.008): not counted, because no outcome rests on cost" in text
    unreported = said(facts(costing(1), calls()))
    assert "except for time and cost." in unreported, "what only one reports differs, too"


def test_what_is_unclear_says_how_many_tasks_would_settle_it() -> None:
    found = CASES["wide"][0]
    (advice,) = settle(Outcome.UNCLEAR, found)
    assert "tasks like these instead of 8" in advice
    few = against_usual(noisy(0.4), phases=(Phase.ALPHA,) * 4)
    assert settle(Outcome.UNCLEAR, few)[0].startswith("At least 6 tasks in common")
    assert "no test can reach .05" in next(cautions(few))
    assert settle(Outcome.BETTER, found) == []


def test_an_unclear_comparison_names_the_tasks_that_were_lost() -> None:
    found: Facts = CASES["a lost task"][0]
    outcome, reasons = decide(found)
    assert "1 task passed in A and not in B (p = 1.000)" in sentence(outcome, found, reasons)
