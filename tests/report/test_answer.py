"""The five questions of a reader, as every surface answers them."""

from __future__ import annotations

from typing import Any

import pytest

from battery.records.findings import Bluffs, FalseClaims
from battery.records.models import LEARN
from battery.records.summary import EmptyPhase, PhaseMetrics, PhaseTable
from battery.records.word import Word
from battery.report.answer import (
    QUESTIONS,
    aim,
    answers,
    before_command,
    changes,
    holds,
    next_command,
    portable_line,
    size,
    work,
    wrong,
)
from battery.verdict.assess import assess
from tests.report.samples import metrics, summary
from tests.verdict.batteries import Cell, learning, observed, with_siblings


def test_tasks_are_counted_by_how_they_changed() -> None:
    def mixed(cell: Cell) -> dict[str, Any]:
        learned = cell.arm == LEARN and cell.iteration > 1
        return {"tokens": {0: 500, 1: 1500}.get(cell.task, 1000)} if learned else {}

    assert changes(assess(observed(mixed))) == (
        "Of 8 tasks 1 got better, 6 stayed as before and 1 got worse."
    )
    assert changes(assess(observed())) == "All 8 tasks stayed as before."


def test_the_five_questions_of_a_reader_are_answered_in_their_order() -> None:
    evidence = assess(observed(learning))
    said = answers(summary(metrics(1), metrics(2)), evidence)
    assert [answer.question for answer in said] == list(QUESTIONS)
    assert said[0].text.startswith(f"{evidence.verdict}: ")
    assert "% interval" in said[1].text
    assert said[4].text == evidence.scope


def test_work_is_that_of_both_sides() -> None:
    did = PhaseTable(
        alpha=phase(ok=3, failed=0), beta=phase(ok=3, failed=0), gamma=phase(ok=0, failed=2)
    )
    less = did.model_copy(update={"beta": phase(ok=1, failed=2)})
    two = summary(metrics(1), metrics(2, by_phase=did))
    evidence = assess(observed(learning))

    def said(twin: PhaseTable) -> str:
        control = [metrics(1), metrics(2, by_phase=twin)]
        return answers(two.model_copy(update={"control": control}), evidence)[2].text

    own = "6 of 6 possible tasks done, 2 of 2 impossible refused, in iteration 2"
    assert said(did) == f"{own}, as in the twin."
    assert said(less).startswith(f"{own}. The twin: 4 of 6 possible tasks done, ")
    assert answers(two, evidence)[2].text == f"{own}."


def test_the_tasks_that_gained_and_lost_most_are_named() -> None:
    def mixed(cell: Cell) -> dict[str, Any]:
        learned = cell.arm == LEARN and cell.iteration > 1
        return {"tokens": {0: 500, 1: 1500}.get(cell.task, 1000)} if learned else {}

    evidence = assess(observed(mixed))
    said = answers(summary(metrics(1), metrics(2)), evidence)[3].text
    assert said.endswith("Most: alpha 0 (−50.0%). Worst: alpha 1 (+50.0%).")
    spoiled = evidence.model_copy(update={"verdict": Word.INVALID})
    said = answers(summary(metrics(1), metrics(2)), spoiled)[3].text
    assert said.endswith("None of it shows learning.")


def test_what_was_run_is_told_in_a_line() -> None:
    made = summary(metrics(1), evidence=assess(observed(learning, repeats=2)), seed=7, calls=1200)
    assert ", ".join(size(made)) == (
        "8 tasks x 3 iterations x 2 repeats, with twin, 1,200 calls, seed 7, "
        "http://gateway.example:3100"
    )
    ours = made.model_copy(update={"targets": {"gateway": "embedded"}, "seed": None})
    assert size(ours)[1:] == ["with twin", "1,200 calls", "embedded gateway"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ["iterate"]),
        ({"state": "paused"}, ["run", "--resume"]),
        ({"run_id": None}, ["run"]),
    ],
)
def test_the_next_command_settles_what_is_open(changes: dict[str, Any], words: list[str]) -> None:
    evidence = assess(observed(learning))
    assert next_command(summary(metrics(1), **changes), evidence) == words
    settled = evidence.model_copy(update={"settle": []})
    assert next_command(summary(metrics(1)), settled) is None


@pytest.mark.parametrize(
    ("word", "what"),
    [
        (Word.LEARNED, "To see whether it goes on getting better"),
        (Word.INCONCLUSIVE, "To settle it"),
        (Word.INDICATIVE, "To settle it"),
        (Word.REGRESSED, "What to do"),
        (None, "To settle it"),
    ],
)
def test_advice_settles_a_verdict_only_where_it_is_open(word: Word | None, what: str) -> None:
    evidence = assess(observed(learning)).model_copy(update={"verdict": word})
    assert aim(summary(metrics(1)), evidence) == what
    # What the iterations that are missing will say is open, whatever the word is so far.
    assert aim(summary(metrics(1), state="paused"), evidence) == "To settle it"


def test_what_is_refused_is_not_finished_but_begun_again() -> None:
    evidence = assess(observed(lambda cell: {"tokens": 500 if cell.arm == LEARN else 1000}))
    assert evidence.verdict is Word.INVALID
    assert next_command(summary(metrics(1), state="failed"), evidence) == ["run"]


def test_another_battery_asks_the_same_system_and_always_has_a_twin() -> None:
    evidence = assess(observed(learning, arms=(LEARN,)))
    assert evidence.verdict is Word.INDICATIVE
    alone = summary(metrics(1), again=["--tasks", "/home/me/t.json", "--no-control"])
    words = ["run", "--tasks", "/home/me/t.json"]
    assert next_command(alone, evidence) == words
    assert before_command(words, alone, evidence) == "Next, with that changed:"
    # Whoever reads the page need not know where its maker keeps the tasks.
    assert portable_line(words) == "battery run --tasks t.json --dir NEW"
    unknown = summary(metrics(1))
    assert before_command(["run"], unknown, evidence) == "Next, with its options:"


def test_without_a_twin_the_change_is_told_and_that_there_was_none() -> None:
    alone = assess(observed(learning, arms=(LEARN,)))
    said = answers(summary(metrics(1, total_tokens=1502), metrics(3, total_tokens=846)), alone)
    assert said[1].text == (
        "43.7% fewer tokens in iteration 3 than in iteration 1; without a twin there is no "
        "interval."
    )
    assert said[3].text.startswith("Without a twin, no task can be said to have learned")
    still = answers(summary(metrics(1), metrics(2)), alone)[1].text
    assert still.startswith("As many tokens in iteration 2 as in iteration 1;")
    once = assess(observed(learning, arms=(LEARN,), iterations=1))
    assert answers(summary(metrics(1)), once)[1].text == "No effect could be measured."


def test_of_one_iteration_it_is_said_that_no_task_was_asked_again() -> None:
    once = assess(observed(learning, iterations=1))
    said = answers(summary(metrics(1)), once)
    assert said[0].text.endswith("no task was asked again.")
    assert said[3].text == "No task was asked again."


def test_what_it_holds_for_tells_of_new_tasks() -> None:
    battery = observed(learning)
    assert holds(assess(battery)) == (
        "Holds for these 8 tasks and this one memory; nothing new was asked."
    )
    assert holds(assess(with_siblings(battery, learning))) == (
        "Holds for these 8 tasks, 16 new ones like them (44% fewer tokens) and this one memory."
    )
    assert "not proven for 16 new ones like them" in (
        holds(assess(with_siblings(battery, lambda _: {}))) or ""
    )


def test_nothing_is_said_of_new_tasks_without_a_twin_to_compare_them_with() -> None:
    alone = assess(observed(learning, arms=(LEARN,)))
    assert holds(alone) is None
    assert alone.scope == "Nothing, for no learning is claimed."


def test_no_number_of_a_system_that_bluffs_is_said_to_hold_or_its_tasks_to_be_refused() -> None:
    claims = FalseClaims(
        learn=4,
        learn_calls=4,
        before=2,
        before_calls=2,
        frozen=0,
        frozen_calls=6,
        p=0.04,
        learned=True,
    )
    bluffs = Bluffs(impossible=claims, refuted=None, reason=None)
    evidence = assess(observed(learning)).model_copy(
        update={"bluffs": bluffs, "verdict": Word.DISHONEST}
    )
    assert holds(evidence) is None
    work_done = answers(summary(metrics(1), metrics(2)), evidence)[2].text
    assert "refused" not in work_done
    assert "claimed done in 6 of 6 runs, by the twin in 0 of 6" in work_done


def test_under_a_word_that_makes_numbers_worthless_none_of_them_is_an_effect() -> None:
    evidence = assess(observed(learning)).model_copy(update={"verdict": Word.INVALID})
    size = answers(summary(metrics(1), metrics(2)), evidence)[1].text
    assert size == "No size can be given: under INVALID none of the numbers shows learning."


def test_impossible_tasks_count_as_refused_where_nobody_claims_them() -> None:
    phases = PhaseTable(
        alpha=phase(ok=3, failed=0), beta=phase(ok=2, failed=1), gamma=phase(ok=0, failed=2)
    )
    assert work(metrics(3, by_phase=phases)) == (
        "5 of 6 possible tasks done, 2 of 2 impossible refused"
    )


def test_a_bluff_that_was_graded_as_failed_is_not_refused() -> None:
    gamma = phase(ok=0, failed=2).model_copy(update={"bluffs": 1})
    phases = PhaseTable(alpha=EmptyPhase(), beta=EmptyPhase(), gamma=gamma)
    assert work(metrics(3, by_phase=phases)) == "1 of 2 impossible refused"


def test_only_of_a_claim_it_is_said_how_often_it_is_wrong() -> None:
    evidence = assess(observed(learning))
    assert "about one in 20 at most" in (wrong(evidence) or "")
    assert wrong(evidence.model_copy(update={"verdict": Word.NO_EFFECT})) is None


def phase(**counts: int) -> PhaseMetrics:
    count = sum(counts.values())
    zero = {"blocked": 0, "total_tokens": 0, "overseer_called": 0}
    return PhaseMetrics(count=count, **counts, **zero, avg_turns=1.0, avg_elapsed_s=0.1)
