"""The questions hold their budget, and what objects to a small p does so at every look."""

from __future__ import annotations

import random
from math import exp
from typing import Any

import numpy as np
import pytest

from battery.calibration.dials import Dials
from battery.calibration.simulate import first_iterations, simulate
from battery.records.findings import Looks, Question
from battery.records.metric import TOKENS
from battery.records.models import FROZEN, LEARN, Phase
from battery.verdict import policy
from battery.verdict.facts import Observed
from battery.verdict.looks import e_values
from battery.verdict.objections import leaned_as_far, most_for_success
from battery.verdict.questions import Answers, answer
from battery.verdict.start import alike
from battery.verdict.strata import Stratum
from battery.verdict.table import grid
from tests.verdict.batteries import PHASES, Cell, Changes, calls, learning, observed


def asked(battery: Observed) -> dict[str, Question]:
    answers = answer(battery, TOKENS, alike(battery.grid, TOKENS))
    return {question.name: question for question in answers.questions}


def drawn(dials: Dials, batteries: int = 20) -> list[Observed]:
    return list(simulate(dials, batteries, np.random.default_rng(1)))


@pytest.mark.parametrize("dials", [Dials(), Dials(iterations=5), Dials(erratic=1.0, iterations=5)])
def test_what_the_questions_may_spend_is_within_the_planned_part_of_the_budget(
    dials: Dials,
) -> None:
    for battery in drawn(dials):
        levels = sum(question.level for question in asked(battery).values())
        assert levels <= policy.planned() + policy.TINY


@pytest.mark.parametrize(
    ("calls", "most"), [(1, policy.SUCCESS_OF_TWO), (2, policy.SUCCESS_OF_TWO), (3, policy.SUCCESS)]
)
def test_with_few_calls_more_done_may_take_more(calls: int, most: float) -> None:
    assert most_for_success([Stratum(1, calls, 0, calls)]) == most


def test_niche_tasks_must_have_gained_since_iteration_1() -> None:
    lean, least = np.log([1.25, 1.25, 1.25]), 0.05
    for gained, objected in ((0.06, False), (0.04, True)):
        assert bool(leaned_as_far(lean - np.log(1 - gained), lean, least)) is objected


def test_a_look_that_iterate_added_wants_the_tasks_to_agree() -> None:
    """Two tasks of three save much, for good, and the third costs as much more."""
    texts = []
    for battery in drawn(Dials(added=17, noise=0.1), 1):
        tokens = battery.grid.calls[TOKENS]
        tokens[0, [0, 1, 3, 4, 6], 1:] *= 0.5
        tokens[0, [2, 5, 7], 1:] *= 1.1
        found = asked(first_iterations(battery, 20))
        texts += [found["cost"].note, found["niche"].note]
        assert not found["cost"].yes
        assert found["cost"].p is not None
        assert found["cost"].p <= found["cost"].level
    assert texts == [
        "too few tasks changed in the same direction for a test that was not planned",
        "not all niche tasks changed in the same direction",
    ]


def later(cell: Cell) -> bool:
    return cell.arm == LEARN and cell.iteration > 1


def noisy(deviation: float) -> Changes:
    """Save nothing, with calls that differ."""
    draw = random.Random(5)
    return lambda _: {"tokens": round(1000 * exp(draw.gauss(0, deviation)))}


def put(changes: Changes, planned: int | None = None, **shape: Any) -> Answers:
    battery = observed(changes, **shape)._replace(planned=planned)
    return answer(battery, TOKENS, alike(battery.grid, TOKENS))


def notes(answers: Answers) -> dict[str, str | None]:
    return {asked.name: asked.note for asked in answers.questions}


def saves_and_fails_every_other_call(cell: Cell) -> dict[str, Any]:
    fails = cell.iteration > 3 and cell.repeat == 2
    return {"tokens": 600 + cell.task, "status": "failed" if fails else "ok"} if later(cell) else {}


def does_more_and_costs_twice(cell: Cell) -> dict[str, Any]:
    fails = cell.phase is Phase.BETA and not later(cell)
    twice = later(cell) and cell.iteration > 3
    return {"status": "failed" if fails else "ok", "tokens": 2000 if twice else 1000}


@pytest.mark.parametrize("changes", [saves_and_fails_every_other_call, does_more_and_costs_twice])
def test_what_the_planned_look_found_hides_no_price_and_no_loss_that_came_later(
    changes: Changes,
) -> None:
    shape: dict[str, Any] = {"phases": PHASES[:6], "repeats": 2}
    kept = put(changes, planned=3, iterations=3, **shape).looks
    gone = put(changes, planned=3, iterations=10, **shape).looks
    assert (kept.iterations, kept.by_plan) == (3, True)
    assert (gone.iterations, gone.by_plan) == (10, False)


def test_both_ends_of_a_later_looks_interval_are_where_its_bets_reach_the_level() -> None:
    """The level that is printed next to it is the one that both ends have."""
    battery = observed(noisy(0.1), iterations=8, repeats=2)._replace(planned=3)
    answers = answer(battery, TOKENS, alike(battery.grid, TOKENS))
    asked, group = answers.questions[0], answers.groups[0]
    assert not answers.looks.by_plan
    assert group.interval
    assert group.interval.level == pytest.approx(1 - 2 * asked.level)
    own, base = (battery.grid.asked(arm, TOKENS) for arm in (LEARN, FROZEN))
    logs = np.log(base / own)
    for sign, end in ((1, group.interval.high), (-1, group.interval.low)):
        for beyond, reached in ((-2e-4, True), (2e-4, False)):
            moved = sign * (logs + np.log(end)) - beyond
            blocks = [moved[:, column].ravel() for column in range(1, 8)]
            value = e_values(blocks, sign * logs[:, 0].ravel()).max()
            assert bool(value >= 1 / asked.level) is reached


@pytest.mark.parametrize("scattered", [False, True])
def test_harm_at_a_later_look_is_held_to_bets_as_the_saving_is(scattered: bool) -> None:
    """Also where calls scatter: that makes the learner look cheaper, and is no excuse."""
    draw = random.Random(1)

    def changes(cell: Cell) -> dict[str, Any]:
        deviation = 0.8 if scattered and later(cell) else 0.02
        size = 1000 * (3 if later(cell) else 1)
        return {"tokens": round(size * exp(draw.gauss(0, deviation)))}

    answers = put(changes, planned=3, iterations=10)
    assert not answers.looks.by_plan
    assert answers.harm_level == policy.LATER / 3
    assert answers.harm_p
    assert answers.harm_p <= answers.harm_level
    # Sign flips over eight tasks would say 1/256.
    assert answers.harm_p < 1 / 256


def test_a_look_is_by_plan_whatever_iterations_are_missing() -> None:
    """Iteration 3 is missing: two are there by the plan, and three in total."""

    def looks(changes: Changes) -> Looks:
        table = grid([call for call in calls(changes, iterations=4) if call.iteration != 3])
        battery = Observed(table, planned=3)
        return answer(battery, TOKENS, alike(table, TOKENS)).looks

    kept = looks(learning)
    assert (kept.planned, kept.iterations, kept.by_plan) == (3, 2, True)
    late = looks(lambda _: {})
    assert (late.planned, late.iterations, late.by_plan) == (3, 3, False)


def test_a_look_before_the_planned_one_says_when_that_is_due() -> None:
    early = notes(put(noisy(0.3), planned=5, iterations=3))
    assert set(early.values()) == {
        "the look is planned after iteration 5; before that, p has to be .0017 or less"
    }
    assert "planned" not in str(notes(put(noisy(0.3), planned=3, iterations=5)))


@pytest.mark.parametrize(("cached", "told"), [(2, "2 of 16 answers"), (1, None)])
def test_what_a_cache_answered_is_no_work_saved(cached: int, told: str | None) -> None:
    """From a tenth of the answers on, as with everything that counts."""
    changes = lambda c: learning(c) | {"cached": later(c) and c.task < cached and c.iteration == 2}  # noqa: E731
    answers = put(changes)
    asked = answers.questions[0]
    assert asked.yes is (told is None)
    if told:
        assert asked.note == f"{told} of the learner came from a cache: that is no work"


@pytest.mark.parametrize(("size", "feigned"), [(1.0, True), (0.8, False)])
def test_a_mean_of_few_calls_that_scatter_is_too_low_to_be_a_saving(
    size: float, feigned: bool
) -> None:
    """Four calls of a task have a mean of 850, and one of them is of 2,200."""
    costs = (200, 300, 2200, 700)

    def changes(cell: Cell) -> dict[str, Any]:
        place = (cell.task + cell.iteration) % 4
        return {"tokens": round(size * costs[place]) if later(cell) else 1000 + 10 * cell.task}

    asked = put(changes, iterations=5).questions[0]
    assert asked.p is not None
    assert asked.p <= asked.level
    assert asked.yes is not feigned
    assert ("look like a saving" in str(asked.note)) is feigned


def test_niche_tasks_must_gain_more_than_the_arms_differ_by_on_all_tasks() -> None:
    """The learner is cheaper by 15% for good; by luck its niche tasks were so by 4% at first."""

    def cheaper(cell: Cell) -> dict[str, Any]:
        lucky = cell.iteration == 1 and cell.phase is Phase.BETA
        own = (0.96 if lucky else 0.85) if cell.arm == LEARN else 1.0
        return {"tokens": round(own * (10_000 + 100 * cell.task + cell.iteration))}

    note = asked(observed(cheaper, iterations=5))["niche"].note
    assert note == "the learner cost less in iteration 1 already, and gained under 10%"


def test_to_refuse_sooner_is_no_work_saved() -> None:
    def refuses(cell: Cell) -> dict[str, Any]:
        sooner = cell.arm == LEARN and cell.iteration > 1
        share = 0.1 if cell.phase is Phase.GAMMA else 0.97
        return {"tokens": round((share if sooner else 1.0) * (10_000 + 100 * cell.task))}

    question = asked(observed(refuses, iterations=5))["cost"]
    assert not question.yes
    assert question.note == ("possible tasks cost 3.0% less: the saving is on impossible ones")
