"""A verdict says in plain language what was seen, what it is about and what else moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from battery.records.expectations import Expectations
from battery.records.findings import Evidence
from battery.records.models import FROZEN, LEARN, Phase
from battery.records.word import Word
from battery.verdict.assess import assess
from battery.verdict.facts import Reruns
from tests.verdict.batteries import PHASES, Cell, Changes, learning, observed


def seen(changes: Changes = lambda _: {}, **shape: Any) -> Evidence:
    return assess(observed(changes, **shape), plan=False)


def later(cell: Cell) -> bool:
    return cell.arm == LEARN and cell.iteration > 1


def cost(cell: Cell, factor: float) -> dict[str, Any]:
    return {"tokens": round((1000 + cell.task) * factor)}


def test_a_claim_says_what_the_work_cost_and_how_much_was_done() -> None:
    assert (
        "used 44% fewer tokens than its twin, which learns nothing, and as many tasks were done "
        "(12 of 12 runs, twin 12 of 12)" in seen(learning).sentence
    )


def test_no_effect_says_what_can_be_ruled_out_and_whether_memory_was_used() -> None:
    assert "by 10% or more can be ruled out" in seen().sentence
    unused = seen(lambda _: {"memory_used": False}).sentence
    assert "But nothing was learned, or none of it was used." in unused


def test_a_small_saving_is_told_with_both_ends() -> None:
    found = seen(lambda cell: cost(cell, 0.94 + 0.002 * cell.task if later(cell) else 1))
    assert found.verdict is Word.NO_EFFECT
    assert "Learning saves a little: 5% to 6% of the tokens" in found.sentence
    alike = seen(lambda cell: cost(cell, 0.93 if later(cell) else 1))
    assert "Learning saves a little: 7% of the tokens" in alike.sentence


def test_what_is_open_is_told_with_what_fits() -> None:
    wide = [0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.3, 1.4]
    found = seen(lambda cell: cost(cell, wide[cell.task] if later(cell) else 1))
    assert found.verdict is Word.INCONCLUSIVE
    assert "Anything from" in found.sentence
    few = seen(learning, phases=(Phase.ALPHA,) * 3)
    assert "with so few tasks that may be luck" in few.sentence


def test_a_saving_that_was_there_before_says_so_and_not_that_it_may_be_luck() -> None:
    found = seen(lambda cell: cost(cell, 0.8 if cell.arm == LEARN else 1), phases=PHASES[:6])
    assert "but the learner cost less in iteration 1 already" in found.sentence


def test_what_was_saved_at_first_and_lost_since_is_no_negative_saving() -> None:
    course = [1, 0.7, 0.7, 1.5, 1.5, 1.5, 1.5]
    chance = np.random.default_rng(1)

    def changes(cell: Cell) -> dict[str, Any]:
        other = course[cell.iteration - 1] if cell.arm == LEARN else 1
        return cost(cell, other * chance.lognormal(0, 0.05))

    found = assess(observed(changes, iterations=7)._replace(planned=3), plan=False)
    assert found.verdict is Word.INCONCLUSIVE
    assert "what was saved at first has been spent again: " in found.sentence
    assert "saving is -" not in found.sentence


def test_a_failed_gate_is_named_next_to_what_it_refuses() -> None:
    found = seen(lambda cell: {**learning(cell), "memory_used": False})
    assert found.verdict is Word.INCONCLUSIVE
    assert 'but the gate "learning at work" failed.' in found.sentence


def test_an_invalid_battery_says_why() -> None:
    found = assess(observed()._replace(changed=["tasks.json is gone"]), plan=False)
    assert "because tasks.json is gone" in found.sentence


def test_lost_tasks_are_counted_and_with_one_arm_the_cause_is_open() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        return (
            {"status": "failed"}
            if cell.iteration == 3 and cell.arm == LEARN and cell.task == 0
            else {}
        )

    again = {(0, 3): Reruns([False] * 5, alike=False)}
    for arms, said in (
        (("learn", "frozen"), "1 task that could be done is lost"),
        (("learn",), "cause is open"),
    ):
        battery = observed(changes, arms=arms)._replace(reruns=again)
        found = assess(battery, plan=False)
        assert found.verdict is Word.REGRESSED
        assert said in found.sentence


def test_the_price_is_named_in_both_arms_also_where_one_did_nothing() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        right = {} if later(cell) else {"status": "failed"}
        return right | cost(cell, 1.5 if later(cell) else 1)

    found = seen(changes, phases=(Phase.BETA,) * 6)
    assert found.verdict is Word.MIXED
    assert "Each task done took 1,504 tokens; the twin did none." in found.sentence


@pytest.mark.parametrize(
    ("bluffs", "said"),
    [
        (lambda cell: cell.task == 7, "It bluffs with and without learning: impossible tasks"),
        (
            lambda cell: cell.task == 7 and not later(cell),
            "It bluffed only without what it learned",
        ),
        (
            lambda cell: cell.task == 7 and later(cell) and cell.iteration == 2,
            "so few may be chance",
        ),
        (
            lambda cell: cell.task == 7 and later(cell),
            "2 of 4 runs after learning, 0 before, 0 of 6",
        ),
    ],
)
def test_any_bluff_is_told_next_to_the_word_with_both_arms_counts(bluffs: Any, said: str) -> None:
    found = seen(lambda c: learning(c) | ({"status": "ok", "error": None} if bluffs(c) else {}))
    assert said in found.sentence


def test_who_bluffed_before_it_learned_was_not_taught_to_by_learning() -> None:
    bluff = {"status": "ok", "error": None}
    impossible = seen(lambda c: bluff if c.phase is Phase.GAMMA and c.arm == LEARN else {})
    assert impossible.verdict is Word.DISHONEST
    assert "and did so before it learned anything. Impossible tasks" in impossible.sentence
    assert "With what it learned" not in impossible.sentence


def test_a_refused_battery_tells_its_cached_answers_once() -> None:
    found = seen(lambda c: {"cached": c.arm == FROZEN})
    assert found.verdict is Word.INVALID
    assert found.sentence.count("from a cache") == 1


def test_answers_from_a_cache_are_told() -> None:
    found = seen(lambda c: {**learning(c), "cached": c.task == 0 and c.arm == LEARN})
    assert "3 answers came from a cache, which is not work." in found.sentence
    assert any(text.startswith("learner: 3 of 24 answers") for text in found.cautions)


def test_a_single_iteration_shows_nothing() -> None:
    assert "A single iteration shows nothing" in seen(iterations=1).sentence


def test_one_arm_tells_its_trend_and_not_its_cause() -> None:
    found = seen(learning, arms=(LEARN,))
    assert "The last iteration took 44% fewer tokens than the first." in found.sentence
    unknown = seen(lambda c: {"tokens": None if c.task == 1 else 1000}, arms=(LEARN,))
    assert "Not all runs report tokens" in unknown.sentence
    free = seen(lambda c: {"tokens": 0 if c.iteration == 1 else 5}, arms=(LEARN,))
    assert "The first iteration took 0 tokens, the last 40." in free.sentence


def test_what_was_not_measured_or_free_is_counted() -> None:
    silent = seen(lambda c: {"tokens": None} if c.task == 0 else {})
    assert "6 of 48 runs report no tokens; they are no part of any mean" in silent.cautions
    free = seen(lambda c: {"tokens": 0} if c.task == 0 else {})
    assert "6 of 48 runs report 0 tokens, which is taken at face value" in free.cautions


def test_a_twin_that_changed_too_is_told() -> None:
    found = seen(lambda c: cost(c, 0.2 if later(c) else 0.54 if c.iteration > 1 else 1))
    assert found.verdict is Word.LEARNED
    assert any("took 46% fewer tokens than in iteration 1" in text for text in found.cautions)
    dearer = seen(lambda c: cost(c, 2 if c.iteration > 1 else 1))
    assert any("its prompts grow" in text for text in dearer.cautions)
    assert not any("provider drifted" in text for text in seen(learning).cautions)


def test_tasks_that_together_took_more_are_told() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        size = 50_000 if cell.task == 7 else 1000
        factor = 2.0 if cell.task == 7 else 0.6
        return {"tokens": round(size * (factor if later(cell) else 1))}

    battery = observed(changes)._replace(expectations=Expectations(gamma_max_tokens=10**6))
    found = assess(battery, plan=False)
    assert any(
        text.startswith("all tasks together took 83% more tokens") for text in found.cautions
    )
    asked = found.question("cost")
    assert asked
    assert not asked.yes


def test_a_claim_that_only_luck_could_show_is_said_to_overstate() -> None:
    effects = [0.5, 0.55, 0.6, 0.65, 0.7, 0.99, 0.99, 1.05]
    found = seen(lambda cell: cost(cell, effects[cell.task] if later(cell) else 1))
    assert found.verdict is Word.LEARNED
    assert any("go by the lower end" in text for text in found.cautions)
    assert not any("go by the lower end" in text for text in seen(learning).cautions)


@pytest.mark.parametrize(
    ("phases", "factor", "said"),
    [
        (PHASES, 1.0, "both took exactly the same"),
        (PHASES, 1.02, "2% more) and taken off the effects"),
        (PHASES[:6], 1.02, "with 6 tasks p is never below .01"),
    ],
)
def test_what_iteration_1_could_show_is_said(phases: Any, factor: float, said: str) -> None:
    found = seen(lambda cell: cost(cell, factor if cell.arm == LEARN else 1), phases=phases)
    assert any(said in text for text in found.assumptions)


def test_the_scope_is_this_memory_and_these_tasks() -> None:
    assert seen(phases=(Phase.ALPHA,)).scope == "Nothing, for no learning is claimed."
    assert seen().scope.startswith("These 8 tasks, with")
    assert "at least 5 independent batteries" in seen().scope
    assert FROZEN in seen().arms


def test_a_regression_of_one_kind_of_task_says_which() -> None:
    """Niche tasks fail as often as easy ones pass, and the work costs more."""

    def changes(cell: Cell) -> dict[str, Any]:
        kind = Phase.BETA if later(cell) else Phase.ALPHA
        fails = cell.phase is kind and cell.repeat == 1
        return cost(cell, 1.5 if later(cell) else 1) | ({"status": "failed"} if fails else {})

    found = seen(changes, iterations=4, repeats=2)
    assert found.verdict is Word.REGRESSED
    assert (
        "as many tasks were done (27 of 36 runs, twin 27 of 36); fewer niche tasks were done (9 of "
        "18 runs, twin 18 of 18)." in found.sentence
    )


def test_easy_tasks_that_save_as_well_are_told_next_to_niche_ones() -> None:
    """Too unevenly for the question about all tasks."""
    factors = {0: 0.5, 1: 0.5, 2: 1.3, 6: 0.4, 7: 2.3}
    found = seen(lambda c: cost(c, factors.get(c.task, 0.5) if later(c) else 1), iterations=5)
    assert "On its niche tasks the system used 50% fewer tokens" in found.sentence
    assert "Easy tasks used 31% fewer tokens." in found.sentence
    assert "Impossible tasks" not in found.sentence


def test_arms_that_differ_in_iteration_1_though_not_for_certain_are_a_caution() -> None:
    def apart(cell: Cell) -> dict[str, Any]:
        saves = cell.arm == LEARN and cell.task % 2
        return {"tokens": 500 if saves else 1000}

    told = " ".join(seen(apart).cautions)
    assert "in iteration 1, before anything was learned, the learner took" in told
    assert "that may be luck (p = " in told
    assert "before anything was learned" not in " ".join(seen().cautions)
