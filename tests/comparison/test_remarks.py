"""What is said next to the word of a comparison."""

from __future__ import annotations

from typing import Any

import pytest

from battery.comparison.remarks import cause, cautions, caveat, settle, trustworthy
from battery.records.comparison import Side
from battery.records.models import LEARN, Phase
from battery.records.word import Outcome, Word
from tests.comparison.pairs import against_usual, cheaper, everywhere, facts
from tests.report.comparisons import side
from tests.verdict.batteries import Cell, calls


def noisy(cell: Cell) -> dict[str, int]:
    """Take 40 % more tokens for half of the tasks, and as many fewer for the rest."""
    return {"tokens": 1400 if cell.task % 2 else 600}


def silent(_: Cell) -> dict[str, None]:
    return {"tokens": None}


def test_frozen_arms_that_differ_blame_the_system_and_not_the_learning() -> None:
    other = cause(against_usual(everywhere(1500)))
    assert "differ too: 50.3% more tokens on a typical task (p = 0.008). So the system" in other
    assert "not (only) what was learned. Beyond what they differ by, branch used as many" in other
    assert "do not differ significantly" in cause(against_usual(cheaper))


def test_frozen_arms_that_differ_by_much_and_not_surely_are_not_called_alike() -> None:
    few = against_usual(everywhere(1500), phases=(Phase.ALPHA,) * 3)
    assert "That may be chance." in cause(few)


def test_frozen_arms_that_fail_more_blame_the_system() -> None:
    text = cause(against_usual(lambda _: {"status": "failed"}, iterations=4))
    assert "differ too: fewer tasks done (0 of 18, against 18 of 18 in main, p < 0.001)." in text


def test_what_goes_beyond_the_frozen_arms_is_one_sentence() -> None:
    def half_learned(cell: Cell) -> dict[str, int]:
        return {"tokens": 250 if cell.arm == LEARN and cell.iteration > 1 else 500}

    text = cause(against_usual(half_learned))
    assert text.endswith("Beyond what they differ by, branch used 50% fewer tokens (p = 0.008).")


def test_frozen_arms_without_tokens_are_not_called_alike() -> None:
    text = cause(against_usual(lambda cell: {} if cell.arm == LEARN else {"tokens": None}))
    assert "could not be compared in tokens" in text
    assert "do not differ" not in text


def test_without_frozen_arms_the_cause_is_open_and_iteration_1_is_told() -> None:
    text = cause(facts(calls(), calls(everywhere(1500), arms=(LEARN,))))
    assert "Not both have a twin" in text
    assert "In iteration 1, before anything was learned, branch used 50.3% more tokens" in text


def test_in_iteration_1_nothing_had_been_learned() -> None:
    assert "not what was learned" in cause(against_usual(everywhere(1500), iterations=1))


def test_opposite_courses_are_told_although_their_means_agree() -> None:
    falling = calls(lambda cell: {"tokens": {1: 1000, 2: 500, 3: 400}[cell.iteration]})
    rising = calls(lambda cell: {"tokens": {1: 1000, 2: 400, 3: 500}[cell.iteration]})
    found = facts(falling, rising)
    assert found.change.cost.ratio == 1
    (text,) = cautions(found)
    assert text.startswith("in iteration 3 alone, 25.0% more tokens on a typical task (p = 0.008):")
    assert list(cautions(against_usual(cheaper))) == [], "what the mean tells is not hidden"


def test_a_task_that_outweighs_the_others_is_told() -> None:
    def huge(cell: Cell) -> dict[str, Any]:
        return {"tokens": 10**6 if cell.task == 0 else 1000}

    def lean(cell: Cell) -> dict[str, Any]:
        return {"tokens": 10**6 if cell.task == 0 else 500}

    (text,) = cautions(facts(calls(huge), calls(lean)))
    assert text.startswith("all tasks together took 0.3% fewer tokens")


def test_erratic_calls_that_look_cheaper_are_told() -> None:
    def steady(cell: Cell) -> dict[str, int]:
        return {"tokens": 1000 + (37 * cell.task + 11 * cell.iteration) % 7}

    def erratic(cell: Cell) -> dict[str, int]:
        return {"tokens": 300 if (cell.task + cell.iteration) % 2 else 1500}

    there = list(cautions(facts(calls(steady, iterations=5), calls(erratic, iterations=5))))
    assert "the tokens of branch scatter more, which makes it look cheaper" in there
    back = list(cautions(facts(calls(erratic, iterations=5), calls(steady, iterations=5))))
    assert "the tokens of main scatter more, which makes it look cheaper" in back


def test_time_turns_and_the_overseer_are_no_caution() -> None:
    slow = {"elapsed_ms": 9000, "turns": 9, "overseer_called": True}
    assert list(cautions(against_usual(lambda _: slow))) == []


def test_what_is_unclear_says_how_many_tasks_would_settle_it() -> None:
    found = against_usual(noisy)
    (advice,) = settle(Outcome.UNCLEAR, found)
    assert "tasks like these instead of 8 would narrow the 97.5% interval" in advice
    assert settle(Outcome.BETTER, found) == []


def test_with_too_few_tasks_their_number_comes_first() -> None:
    few = against_usual(noisy, phases=(Phase.ALPHA,) * 6)
    reach = "fewer cannot tell a difference in tokens from luck"
    assert settle(Outcome.UNCLEAR, few) == [
        f"At least 7 tasks in common (battery run --tasks FILE): {reach}."
    ]
    (text,) = cautions(few)
    assert text.endswith("tell a difference from luck: that takes 7, so no interval is shown")
    some = against_usual(lambda cell: {"tokens": None if cell.task else 9})
    (first,) = settle(Outcome.UNCLEAR, some)
    assert first.startswith("At least 7 tasks with tokens in both (")


def test_without_tokens_answers_that_report_them_would_settle_it() -> None:
    (advice,) = settle(Outcome.UNCLEAR, facts(calls(silent), calls(silent)))
    reported = "Answers that report their tokens, in main and in branch: "
    assert advice == f"{reported}battery doctor --try shows what an answer reports."


def test_a_side_that_cannot_be_trusted_names_the_command_that_says_why() -> None:
    sound = side("a", "main")
    spoiled = side("b c", "branch").model_copy(update={"verdict": Word.INVALID})
    (advice,) = trustworthy(sound, spoiled)
    assert advice.startswith("Another battery in place of branch, without what spoiled it: ")
    assert "battery summarize --full 'b c' says" in advice


def test_what_a_sides_own_verdict_takes_from_the_word_is_said() -> None:
    def judged(name: str, word: Word | None) -> Side:
        return side("folder", name).model_copy(update={"verdict": word})

    sound, spoiled = judged("main", Word.LEARNED), judged("branch", Word.INVALID)
    text = "Mind that branch is INVALID (its numbers cannot be trusted). "
    assert caveat(sound, spoiled) == text
    kept = "main is MEMORISED (it kept answers and no lessons)"
    both = f"Mind that {kept} and branch is INVALID (its numbers cannot be trusted). "
    assert caveat(judged("main", Word.MEMORISED), spoiled) == both


@pytest.mark.parametrize("word", Word)
def test_every_word_that_is_bad_has_its_caveat(word: Word) -> None:
    judged = side("folder", "main").model_copy(update={"verdict": word})
    assert bool(caveat(judged)) == (word.about.tone == "bad")
