"""Which word is said of two batteries, and its sentence."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from battery.comparison.outcome import decide, judge, sentence
from battery.comparison.pairing import Facts
from battery.comparison.remarks import cautions
from battery.records.metric import ELAPSED, METRICS, TABLE, in_usage
from battery.records.models import Phase
from battery.records.word import Outcome, Word
from battery.verdict import table
from battery.verdict.table import Call
from tests.comparison.pairs import against_usual, cheaper, drawn, everywhere, facts
from tests.report.comparisons import side
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


def lost(share: float, **changes: Any) -> Any:
    """Fail this share of the calls of easy and niche tasks after iteration 1."""
    return lambda cell: {
        **changes,
        **({"status": "failed"} if cell.iteration > 1 and cell.task < 6 * share else {}),
    }


CASES = {
    "identical numbers": (against_usual(lambda _: {}), Outcome.NO_DIFFERENCE),
    "only time differs": (against_usual(lambda _: {"elapsed_ms": 9000}), Outcome.NO_DIFFERENCE),
    "only turns differ": (against_usual(lambda _: {"turns": 9}), Outcome.NO_DIFFERENCE),
    "only the overseer differs": (
        against_usual(lambda _: {"overseer_called": True}),
        Outcome.NO_DIFFERENCE,
    ),
    "within ten percent": (against_usual(noisy(0.05)), Outcome.NO_DIFFERENCE),
    "significant and small": (against_usual(everywhere(960)), Outcome.NO_DIFFERENCE),
    "fewer tokens": (against_usual(cheaper), Outcome.BETTER),
    "answers from memory, for 0 tokens": (
        against_usual(lambda cell: {"tokens": 0} if cell.iteration > 1 else {}),
        Outcome.BETTER,
    ),
    "more tokens": (against_usual(everywhere(1500)), Outcome.WORSE),
    "cheaper by failing": (against_usual(failing(0, 1, 2)), Outcome.MIXED),
    "one lost task of six in two iterations may be luck": (
        against_usual(failing(0)),
        Outcome.BETTER,
    ),
    "one lost task of six in three iterations objects": (
        against_usual(failing(0), iterations=4),
        Outcome.MIXED,
    ),
    "more done at equal tokens": (
        facts(calls(lost(0.5), iterations=4), calls(iterations=4)),
        Outcome.BETTER,
    ),
    "fewer done at equal tokens": (against_usual(lost(0.5), iterations=4), Outcome.WORSE),
    "more done for more tokens": (
        facts(calls(lost(0.5), iterations=4), calls(everywhere(1500), iterations=4)),
        Outcome.MIXED,
    ),
    "a new bluff": (against_usual(bluffing), Outcome.WORSE),
    "no tokens, else the same": (against_usual(lambda _: {"tokens": None}), Outcome.UNCLEAR),
    "no tokens in either": (
        facts(calls(lambda _: {"tokens": None}), calls(lambda _: {"tokens": None})),
        Outcome.UNCLEAR,
    ),
    "one bluff in one of three iterations": (
        against_usual(lambda cell: {"status": "ok"} if cell.iteration == 3 else {}),
        Outcome.WORSE,
    ),
    "no tokens told, and fewer done": (
        against_usual(lost(0.5, tokens=None), iterations=4),
        Outcome.WORSE,
    ),
    "wide": (against_usual(noisy(0.4)), Outcome.UNCLEAR),
    "a lost task": (
        against_usual(lambda cell: {"status": "failed"} if cell.task == 0 else {}),
        Outcome.UNCLEAR,
    ),
    "a gained task that may be luck": (
        facts(calls(failing(0)), calls(lambda cell: {"tokens": 600 - cell.task})),
        Outcome.UNCLEAR,
    ),
    "one task": (against_usual(everywhere(100), phases=(Phase.ALPHA,)), Outcome.UNCLEAR),
    "six tasks": (against_usual(everywhere(100), phases=(Phase.ALPHA,) * 6), Outcome.UNCLEAR),
    "seven tasks": (against_usual(everywhere(100), phases=(Phase.ALPHA,) * 7), Outcome.BETTER),
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
    assert "tasks done (" in text, "both answers are in it"
    assert "tokens" in text.lower()


def said(found: Facts) -> str:
    """Join word, sentence and cautions."""
    outcome, reasons = decide(found)
    return " ".join([outcome, sentence(outcome, found, reasons), *cautions(found)])


def test_the_sentence_has_cost_and_work_done() -> None:
    assert said(CASES["fewer tokens"][0]) == (
        "BETTER On the same 8 tasks branch is better than main: 40.4% fewer tokens on a typical "
        "task (p = 0.008); as many tasks done (12 of 12, against 12 of 12 in main)."
    )
    assert said(CASES["fewer done at equal tokens"][0]).startswith(
        "WORSE On the same 8 tasks branch is worse than main: fewer tasks done (9 of 18, "
        "against 18 of 18 in main, p < 0.001); as many tokens on a typical task."
    )


def test_what_is_no_reason_for_the_word_is_said_with_what_it_is_worth() -> None:
    small = said(CASES["significant and small"][0])
    assert "3.7% fewer tokens on a typical task (p = 0.008), which is too little to count" in small
    luck = said(CASES["one lost task of six in two iterations may be luck"][0])
    assert (
        "fewer tasks done (10 of 12, against 12 of 12 in main, p = 0.333), which may be luck."
        in luck
    )


def test_a_loss_that_would_object_to_a_gain_is_a_reason_for_worse_as_well() -> None:
    def forgetting(cell: Cell) -> dict[str, Any]:
        return {"status": "failed", "tokens": 3000} if cell.iteration == 3 else {}

    found = against_usual(forgetting)
    outcome, reasons = decide(found)
    assert outcome == Outcome.WORSE
    assert reasons[1] == "fewer tasks done (6 of 12, against 12 of 12 in main, p = 0.031)"


def test_tokens_that_only_one_reports_are_not_the_same_numbers() -> None:
    silent = said(CASES["no tokens, else the same"][0])
    assert silent.startswith("UNCLEAR On the same 8 tasks it cannot be told")
    assert "no tokens could be compared" in silent
    assert "in 0 of 8 tasks and 0 of 16 cells" in silent
    partial = said(against_usual(lambda cell: {"tokens": None} if cell.task < 4 else {}))
    assert "the numbers are the same" not in partial
    assert "Some cells have no tokens to compare." in partial
    assert "tokens could be compared in 4 of 8 tasks and 8 of 16 cells" in partial
    assert "the same, task by task, except for time;" in said(CASES["identical numbers"][0])


def bluffing_cheaply(cell: Cell) -> dict[str, Any]:
    """Claim the impossible, for fewer tokens."""
    return {**cheaper(cell), "status": "ok"}


@pytest.mark.parametrize(
    ("changes", "before", "after", "word"),
    [
        (cheaper, Word.LEARNED, Word.REGRESSED, Outcome.BETTER),
        (cheaper, None, None, Outcome.BETTER),
        (cheaper, Word.LEARNED, Word.DISHONEST, Outcome.NOT_COMPARABLE),
        (cheaper, Word.DISHONEST, Word.LEARNED, Outcome.NOT_COMPARABLE),
        (everywhere(1500), Word.DISHONEST, Word.LEARNED, Outcome.NOT_COMPARABLE),
        (everywhere(1500), Word.LEARNED, Word.INVALID, Outcome.NOT_COMPARABLE),
        (lambda _: {}, Word.LEARNED, Word.DISHONEST, Outcome.NOT_COMPARABLE),
        # What it claims falsely counts against it, whatever it saves.
        (bluffing_cheaply, Word.LEARNED, Word.DISHONEST, Outcome.WORSE),
        (bluffing_cheaply, Word.INVALID, Word.DISHONEST, Outcome.NOT_COMPARABLE),
    ],
)
def test_numbers_that_cannot_be_trusted_count_for_nobody(
    changes: Any, before: Word | None, after: Word | None, word: Outcome
) -> None:
    sides = [
        side("x", name).model_copy(update={"verdict": verdict})
        for name, verdict in (("main", before), ("branch", after))
    ]
    outcome, reasons = judge(against_usual(changes), *sides)
    assert outcome is word
    if outcome is Outcome.NOT_COMPARABLE:
        spoiled = [side for side in sides if not side.trusted]
        assert reasons == [f"{each.name} is {each.own_word}" for each in spoiled]
    assert not (outcome is Outcome.WORSE and "fewer tokens" in "; ".join(reasons))


def test_a_bluff_is_told_in_runs() -> None:
    text = said(CASES["one bluff in one of three iterations"][0])
    assert "claims done in 2 of 6 runs of 2 tasks that cannot be done" in text


def test_a_change_beside_its_bound_has_a_decimal() -> None:
    found = against_usual(lambda _: {"tokens": 904})
    assert decide(found)[0] == Outcome.NO_DIFFERENCE
    assert "9.6% fewer tokens" in said(found)


def test_huge_numbers_are_cut_in_sentences() -> None:
    text = said(against_usual(lambda _: {"tokens": 2**53}))
    assert "more than 900% more tokens on a typical task (p = 0.008)" in text
    assert len(text) < 300


def test_a_bluff_that_was_there_before_is_not_new_but_refuses_better() -> None:
    def sometimes(cell: Cell) -> dict[str, Any]:
        return {"status": "ok"} if cell.task < 6 or cell.repeat == 1 else {}

    def always(cell: Cell) -> dict[str, Any]:
        return {"status": "ok", "tokens": 500 + cell.task}

    found = facts(calls(sometimes, repeats=3), calls(always, repeats=3))
    assert decide(found)[0] == Outcome.MIXED


@pytest.mark.no_cover
def test_equal_systems_are_called_better_or_worse_at_most_at_the_nominal_rate() -> None:
    rng = np.random.default_rng(11)
    words: Counter[Outcome] = Counter()
    for _ in range(100):
        words[decide(facts(calls(drawn(rng)), calls(drawn(rng))))[0]] += 1
    alarms = words[Outcome.BETTER] + words[Outcome.WORSE] + words[Outcome.MIXED]
    # Five percent of 100 and three standard errors of it.
    assert alarms <= 11


def test_a_system_that_learns_half_its_tokens_away_is_mostly_seen() -> None:
    rng = np.random.default_rng(12)
    sound = {"failing": 0.0}
    found = [
        facts(calls(drawn(rng, **sound)), calls(drawn(rng, saved=0.5, **sound))) for _ in range(20)
    ]
    assert sum(decide(each)[0] == Outcome.BETTER for each in found) >= 16


def test_with_one_iteration_it_says_that_nothing_was_learned_yet() -> None:
    found = against_usual(everywhere(1500), iterations=1)
    outcome, reasons = decide(found)
    assert outcome == Outcome.WORSE
    assert "Only iteration 1 could be compared" in sentence(outcome, found, reasons)


def test_a_metric_that_decides_nothing_is_named_where_it_differs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def costing(dollars: float) -> list[Call]:
        return calls(lambda cell: {"usage": {"cost": dollars * (cell.task + 1)}})

    cost = replace(METRICS[ELAPSED], key="cost", plain="cost", call=in_usage("cost"))
    monkeypatch.setattr(table, "TABLE", (*TABLE, cost))
    monkeypatch.setitem(METRICS, "cost", cost)
    assert "except for time;" in said(facts(costing(1), costing(1)))
    found = facts(costing(1), costing(1.6))
    assert decide(found)[1] == ["the numbers are the same, task by task, except for time and cost"]
    unreported = said(facts(costing(1), calls()))
    assert "except for time and cost;" in unreported, "what only one reports differs, too"


def test_an_unclear_comparison_names_the_tasks_that_were_lost() -> None:
    text = said(CASES["a lost task"][0])
    assert "1 task passed in main and not in branch" in text
    assert "fewer tasks done (10 of 12, against 12 of 12 in main, p = 0.333)" in text


def test_too_few_tasks_for_an_interval_are_said_in_its_place() -> None:
    text = said(CASES["six tasks"][0])
    assert (
        "6 tasks with tokens in both are too few to tell a difference from luck: that takes 7"
        in text
    )
    assert "interval of tokens" not in text
