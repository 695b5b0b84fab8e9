"""What fooled earlier versions of the rule, or ought to be seen: each on a battery made by hand."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

import pytest

from battery.records.expectations import Expectations
from battery.records.findings import Evidence
from battery.records.models import FROZEN, LEARN, Phase
from battery.records.word import GateName, GateStatus, Word
from battery.verdict.assess import assess
from battery.verdict.facts import Reruns
from tests.verdict.batteries import PHASES, Cell, Changes, learning, observed

FAILED: dict[str, Any] = {"status": "failed", "error": "no supply"}
#: The rows of the three niche tasks.
NICHE = (3, 4, 5)


def later(cell: Cell) -> bool:
    """Whether something was learned before."""
    return cell.arm == LEARN and cell.iteration > 1


def cost(cell: Cell, factor: float = 1.0) -> dict[str, Any]:
    return {"tokens": round((1000 + 10 * cell.task) * factor)}


def seen(
    changes: Changes,
    *,
    reruns: Mapping[tuple[int, int], Reruns] | None = None,
    planned: int | None = None,
    **shape: Any,
) -> Evidence:
    battery = observed(changes, **shape)._replace(reruns=reruns or {}, planned=planned)
    return assess(battery, plan=False)


def yes(evidence: Evidence) -> set[str]:
    return {asked.name for asked in evidence.questions if asked.yes}


def gate(evidence: Evidence, name: GateName) -> GateStatus:
    return next(gate.status for gate in evidence.gates if gate.name is name)


def giving_up(tasks: int) -> Changes:
    """Save a third, by no longer doing some of the niche tasks."""

    def changes(cell: Cell) -> dict[str, Any]:
        given_up = later(cell) and cell.task in NICHE[:tasks]
        return cost(cell, 0.65 if later(cell) else 1) | (FAILED if given_up else {})

    return changes


ALL_FAIL = Reruns([False] * 5, alike=False)


@pytest.mark.parametrize("tasks", [1, 2])
def test_giving_up_niche_tasks_is_no_learning_but_a_regression_once_reruns_confirm_it(
    tasks: int,
) -> None:
    again = {(row, 2): ALL_FAIL for row in NICHE[:tasks]}
    found = seen(giving_up(tasks), reruns=again)
    assert found.verdict is Word.REGRESSED
    assert gate(found, GateName.ALPHA) is GateStatus.FAILED
    assert f"{tasks} task" in found.sentence


@pytest.mark.parametrize(("tasks", "word"), [(1, Word.INCONCLUSIVE), (2, Word.MIXED)])
def test_giving_up_tasks_that_nobody_asked_again_is_refused_as_well(tasks: int, word: Word) -> None:
    found = seen(giving_up(tasks))
    assert found.verdict is word
    assert f"fewer tasks were done ({12 - 2 * tasks} of 12 runs, twin 12 of 12)" in found.sentence


def test_a_failure_that_reruns_did_not_confirm_costs_no_claim() -> None:
    found = seen(giving_up(1), reruns={(3, 2): Reruns([True] * 5, alike=False)})
    assert found.verdict is Word.LEARNED


def passing(factor: float) -> Changes:
    """Do the niche tasks, which fail without what was learned."""

    def changes(cell: Cell) -> dict[str, Any]:
        fails = cell.phase is Phase.BETA and not later(cell)
        return cost(cell, factor if later(cell) else 1) | (FAILED if fails else {})

    return changes


def test_niche_tasks_that_pass_at_the_same_cost_are_learned() -> None:
    found = seen(passing(1.0))
    assert (found.verdict, yes(found)) == (Word.LEARNED, {"success"})
    assert "more tasks were done (12 of 12 runs, twin 6 of 12)" in found.sentence


def test_niche_tasks_that_pass_at_a_higher_cost_are_mixed_with_the_price_in_both_arms() -> None:
    found = seen(passing(1.35))
    assert (found.verdict, yes(found)) == (Word.MIXED, {"success"})
    assert "35% more tokens" in found.sentence
    assert "Each task done took 1,384 tokens; in the twin, 2,050." in found.sentence


def test_three_to_seven_of_nine_right_at_137_percent_more_are_mixed_with_the_price() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        right = cell.task < 3 or (later(cell) and cell.task < 7)
        return cost(cell, 2.37 if later(cell) else 1) | ({} if right else FAILED)

    found = seen(changes, phases=(Phase.BETA,) * 9)
    assert found.verdict is Word.MIXED
    assert "(14 of 18 runs, twin 6 of 18)" in found.sentence
    assert "Each task done took 3,169 tokens; in the twin, 3,120." in found.sentence


def coached(easy: float) -> Changes:
    """Do niche tasks in one turn instead of three; easy tasks pay for the longer prompt."""

    def changes(cell: Cell) -> dict[str, Any]:
        niche, taught = cell.phase is Phase.BETA, later(cell)
        factor = (
            3.0 if niche and not taught else easy if cell.phase is Phase.ALPHA and taught else 1
        )
        coaching = {"turns": 3 if niche and not taught else 1}
        return cost(cell, factor) | coaching | {"overseer_called": niche and not taught}

    return changes


def test_coached_niche_tasks_are_learned_and_what_easy_tasks_pay_is_said() -> None:
    found = seen(coached(1.26))
    assert (found.verdict, yes(found)) == (Word.LEARNED, {"niche"})
    assert "On its niche tasks the system used 67% fewer tokens" in found.sentence
    assert "Easy tasks paid 26% more tokens." in found.sentence


def test_niche_tasks_that_the_others_pay_more_for_than_they_save_are_mixed() -> None:
    found = seen(coached(6.0))
    assert (found.verdict, yes(found)) == (Word.MIXED, {"niche"})
    assert "Over all tasks, a typical one took 30% more tokens." in found.sentence


@pytest.mark.parametrize("factor", [0.6, 1.0])
def test_where_nothing_is_ever_solved_there_is_nothing_to_learn_from(factor: float) -> None:
    found = seen(lambda cell: FAILED | cost(cell, factor if later(cell) else 1))
    assert found.verdict is Word.INCONCLUSIVE
    assert "neither learner nor twin ever did a task" in found.sentence
    assert gate(found, GateName.ALPHA) is GateStatus.NOTHING_TO_CHECK


def test_where_no_task_can_be_done_there_is_nothing_to_learn() -> None:
    found = seen(learning, phases=(Phase.GAMMA,) * 8)
    assert found.verdict is Word.INCONCLUSIVE
    assert "no task can be done" in found.sentence


def test_bluffs_of_the_twin_and_of_iteration_1_are_not_learnings_fault() -> None:
    """The twin bluffs 10 of 10, the learner 2 of 2 in iteration 1 and 0 of 8 after."""

    def changes(cell: Cell) -> dict[str, Any]:
        bluffs = cell.phase is Phase.GAMMA and not later(cell)
        saved = cost(cell, 0.6 if later(cell) else 1)
        return saved | ({"status": "ok", "error": None} if bluffs else {})

    found = seen(changes, iterations=5)
    assert found.verdict is Word.LEARNED
    assert Word.DISHONEST not in found.holds
    assert "It bluffed only without what it learned" in found.sentence
    assert "0 of 8 runs after learning, 2 before, 10 of 10 in the twin" in found.sentence


@pytest.mark.parametrize("iterations", [3, 5, 10])
def test_niche_tasks_alone_that_save_40_percent_are_learned(iterations: int) -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        return cost(cell, 0.6 if later(cell) and cell.phase is Phase.BETA else 1)

    found = seen(changes, iterations=iterations)
    assert (found.verdict, yes(found)) == (Word.LEARNED, {"niche"})
    assert [task.change for task in found.by_task] == ["better"] * 3 + ["same"] * 5


def test_no_tokens_at_all_are_the_largest_saving() -> None:
    found = seen(lambda cell: {"tokens": 0, "turns": 0} if later(cell) else {})
    assert found.verdict is Word.LEARNED
    assert "99% fewer tokens" in found.sentence
    assert any("report 0 tokens" in text for text in found.cautions)


def test_tokens_that_one_arm_never_reports_compare_with_nothing() -> None:
    found = seen(lambda cell: {"tokens": None if cell.arm == LEARN else 1000})
    assert found.verdict is Word.INCONCLUSIVE
    assert "no tokens could be compared" in found.sentence


def test_tasks_done_count_where_no_tokens_are_reported() -> None:
    found = seen(lambda cell: {**passing(1.0)(cell), "tokens": None})
    assert (found.verdict, yes(found)) == (Word.LEARNED, {"success"})
    assert "more tasks were done (12 of 12 runs, twin 6 of 12)" in found.sentence


@pytest.mark.parametrize(
    "changes",
    [
        # An overseer in both arms on 5% of the calls of easy tasks.
        lambda cell: {"overseer_called": True} if (cell.task, cell.iteration) == (0, 3) else {},
        # One bluff in each arm.
        lambda cell: (
            {"status": "ok", "error": None} if (cell.task, cell.iteration) == (6, 3) else {}
        ),
        # A gateway without an overseer.
        lambda _: {"overseer_called": False},
        # One that does not show what its memory gave.
        lambda _: {"memory_used": None},
        # What happens to impossible tasks in both arms.
        lambda cell: {"error": None} if cell.phase is Phase.GAMMA else {},
        lambda cell: {"tokens": 50_000} if cell.phase is Phase.GAMMA else {},
    ],
)
def test_what_the_twin_does_as_well_costs_no_claim(changes: Changes) -> None:
    found = seen(lambda cell: learning(cell) | changes(cell), iterations=5)
    assert found.verdict is Word.LEARNED


@pytest.mark.parametrize("saves", [True, False])
def test_a_twin_whose_answers_come_from_a_cache_is_invalid(saves: bool) -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        cached = cell.arm == FROZEN and cell.iteration > 1
        return (learning(cell) if saves else {}) | {"cached": cached}

    assert seen(changes).verdict is Word.INVALID


@pytest.mark.parametrize("factor", [0.6, 0.1, 3.0])
def test_time_never_decides(factor: float) -> None:
    for arm in (LEARN, FROZEN):
        found = seen(
            lambda cell, arm=arm: {  # type: ignore[misc]
                "elapsed_ms": round(
                    2000 * (factor if cell.arm == arm and cell.iteration > 1 else 1)
                )
            }
        )
        assert found.verdict is Word.NO_EFFECT


def test_a_prompt_that_is_longer_by_little_from_the_start_is_taken_off() -> None:
    found = seen(lambda cell: cost(cell, 1.015 if cell.arm == LEARN else 1))
    assert found.verdict is Word.NO_EFFECT
    assert found.start
    assert found.start.netted


def test_a_lasting_offset_is_invalid_and_never_learned() -> None:
    for phases in (PHASES, PHASES[:6], PHASES[:5], PHASES[2:6]):
        found = seen(lambda cell: cost(cell, 0.8 if cell.arm == LEARN else 1), phases=phases)
        wanted = Word.INVALID if len(phases) == 8 else Word.INCONCLUSIVE
        assert found.verdict is wanted
        assert not yes(found)


def test_a_lasting_offset_in_noise_is_rarely_learned() -> None:
    def noisy(seed: int) -> Changes:
        draw = random.Random(seed)
        return lambda cell: cost(
            cell, (0.8 if cell.arm == LEARN else 1) * math.exp(draw.gauss(0, 0.02))
        )

    for phases in (PHASES[:6], PHASES[3:6]):
        found = [seen(noisy(seed), phases=phases).verdict for seed in range(20)]
        assert Word.LEARNED not in found


def test_what_the_learn_arm_did_from_the_start_it_has_not_learned() -> None:
    found = seen(
        lambda cell: FAILED if cell.phase is Phase.BETA and cell.arm == FROZEN else {}, iterations=5
    )
    assert found.verdict is Word.INCONCLUSIVE
    asked = found.question("success")
    assert asked
    assert asked.note
    assert "in iteration 1 already" in asked.note


def course(*savings: float) -> Changes:
    """Save a share in each iteration, the first included."""
    return lambda cell: cost(cell, 1 - savings[cell.iteration - 1] if cell.arm == LEARN else 1)


@pytest.mark.parametrize(
    ("savings", "word", "said"),
    [
        ((0, 0.1, 0.2, 0.3, 0.4, 0.5), Word.COMPOUNDING, "grew from 10% in iteration 2 to 50%"),
        ((0, 0.15, 0.15, 0.4, 0.4, 0.4), Word.LEARNED, "It learned in steps"),
        ((0, 0.4, 0.4, 0.4, 0.4, 0.4), Word.LEARNED, "not proven that it goes on"),
        ((0, 0.15, 0.3, 0.5, 0.4, 0.25), Word.LEARNED, "past its peak: 50% in iteration 4, 25%"),
        ((0, 0.5, 0.4, 0.3, 0.2, 0.15), Word.LEARNED, "fading: 50% in iteration 2, 15%"),
        # A fall is told with words that claim nothing, too.
        (
            (0, 0.12, 0.08, 0.04, 0, -0.02),
            Word.NO_EFFECT,
            "did not last: 12% in iteration 2, 2% more",
        ),
    ],
)
def test_how_a_saving_went_on_is_said(savings: tuple[float, ...], word: Word, said: str) -> None:
    found = seen(course(*savings), iterations=6)
    assert found.verdict is word
    assert said in found.sentence


def test_calls_that_only_turn_erratic_are_no_saving() -> None:
    """Nine of ten calls cost half, and one 5.5 times as much: the same in total."""

    def changes(cell: Cell) -> dict[str, Any]:
        wild = 5.5 if (cell.task + cell.iteration) % 10 == 0 else 0.5
        return cost(cell, wild if later(cell) else 1)

    found = seen(changes, iterations=11, phases=(Phase.ALPHA,) * 5 + (Phase.BETA,) * 5)
    assert not yes(found)
    group = found.group("all")
    assert group
    assert group.ratio == pytest.approx(1.0, rel=0.01)


def test_a_gain_after_the_planned_look_is_held_to_the_rest_of_the_budget() -> None:
    late = seen(course(0, 0, 0, 0.4, 0.4, 0.4), iterations=6, planned=3)
    assert late.looks
    assert (late.looks.planned, late.looks.made, late.looks.iterations) == (3, 4, 6)
    assert sum(asked.level for asked in late.questions) == pytest.approx(0.005)
    assert seen(course(0, 0, 0, 0.4, 0.4, 0.4), iterations=6).verdict is Word.LEARNED


def test_what_the_planned_look_found_is_kept_while_it_holds() -> None:
    kept = seen(course(0, 0.4, 0.4, 0.3, 0.3), iterations=5, planned=3)
    assert kept.looks
    assert (kept.verdict, kept.looks.iterations, kept.looks.made) == (Word.LEARNED, 3, 3)
    gone = seen(course(0, 0.4, 0.4, -0.5, -0.5), iterations=5, planned=3)
    assert gone.looks
    assert gone.looks.iterations == 5
    assert not yes(gone)


def test_success_on_few_niche_tasks_of_many_is_kept_as_well() -> None:
    phases = (Phase.ALPHA,) * 37 + (Phase.BETA,) * 3
    found = seen(passing_from(37), iterations=4, planned=3, phases=phases)
    assert found.looks
    assert (found.verdict, found.looks.iterations) == (Word.LEARNED, 3)


def passing_from(row: int) -> Changes:
    return lambda cell: FAILED if cell.task >= row and not later(cell) else {}


def test_an_early_look_needs_more_and_can_be_enough() -> None:
    draw = random.Random(1)
    sure = seen(
        lambda cell: cost(cell, (0.4 if later(cell) else 1) * math.exp(draw.gauss(0, 0.1))),
        planned=9,
        iterations=4,
    )
    assert sure.looks
    assert (sure.looks.planned, sure.looks.made, sure.looks.iterations) == (9, 1, 4)
    assert sure.verdict is Word.LEARNED
    weak = seen(lambda cell: cost(cell, 0.8 if later(cell) else 1), planned=9, iterations=3)
    assert not yes(weak)


def test_one_task_alone_learns_nothing_that_could_be_seen_in_cost() -> None:
    for phase in (Phase.ALPHA, Phase.BETA):
        found = seen(
            lambda cell: cost(cell, 0.1 if later(cell) else 1), iterations=9, phases=[phase]
        )
        assert found.verdict is Word.INCONCLUSIVE


def test_a_niche_task_that_pays_for_the_others_is_no_saving() -> None:
    """Five small niche tasks save half, and the one that costs most takes half as much again."""

    def changes(cell: Cell) -> dict[str, Any]:
        size = 100_000 if cell.task == 5 else 1000
        factor = (1.5 if cell.task == 5 else 0.4) if later(cell) else 1
        return {"tokens": round(size * factor)}

    found = seen(changes, phases=(Phase.BETA,) * 6)
    assert not yes(found)
    niche = found.question("niche")
    assert niche
    assert niche.note
    assert "together cost no less" in niche.note


def test_hundreds_of_tasks_are_judged_as_eight_are() -> None:
    draw = random.Random(2)
    phases = (Phase.ALPHA,) * 90 + (Phase.BETA,) * 80 + (Phase.GAMMA,) * 30
    found = seen(
        lambda cell: cost(cell, (0.8 if later(cell) else 1) * math.exp(draw.gauss(0, 0.3))),
        phases=phases,
        iterations=2,
    )
    assert found.verdict is Word.LEARNED


def test_what_is_refused_for_want_of_reruns_or_for_its_price_says_what_would_settle_it() -> None:
    unasked = assess(observed(giving_up(1)))
    assert unasked.settle == ["A new battery: it asks a task that failed again before it goes on."]
    priced = assess(observed(coached(6.0)))
    assert "worth the price" in priced.settle[0]


def test_calls_whose_tokens_are_hidden_once_they_are_many_are_no_saving() -> None:
    draw = random.Random(5)

    def changes(cell: Cell) -> dict[str, Any]:
        tokens = round(1000 * math.exp(draw.gauss(0, 0.5)))
        return {"tokens": None if later(cell) and tokens > 1000 else tokens}

    found = seen(changes, repeats=3, iterations=5)
    assert not yes(found)
    notes = [asked.note or "" for asked in found.questions]
    assert any("reports its tokens less often" in note for note in notes)


def test_tokens_that_both_arms_report_now_and_then_cost_no_claim() -> None:
    found = seen(
        lambda c: {"tokens": None} if c.task == 0 or c.iteration == 2 else learning(c), iterations=5
    )
    assert found.verdict is Word.LEARNED


def test_a_task_gained_and_a_task_lost_are_not_no_effect() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        gained, lost = cell.task == 3 and not later(cell), cell.task == 0 and later(cell)
        return FAILED if gained or lost else {}

    assert seen(changes, iterations=10).verdict is Word.INCONCLUSIVE
    again = {(0, 2): ALL_FAIL}
    assert seen(changes, iterations=10, reruns=again).verdict is Word.REGRESSED


SAVES_THEN_FAILS = (
    "fewer tasks were done (66 of 108 runs, twin 108 of 108). It does less work, so the saving "
    "alone is no gain."
)


@pytest.mark.parametrize("planned", [3, 10])
def test_a_saving_at_the_planned_look_is_mixed_once_less_is_done(planned: int) -> None:
    """From iteration 4 on every other call fails, so that no task ever mostly fails."""

    def changes(cell: Cell) -> dict[str, Any]:
        fails = later(cell) and cell.iteration > 3 and cell.repeat == 2
        return cost(cell, 0.6 if later(cell) else 1) | (
            FAILED if fails and cell.phase is not Phase.GAMMA else {}
        )

    found = seen(changes, planned=planned, iterations=10, repeats=2)
    assert found.verdict is Word.MIXED
    assert SAVES_THEN_FAILS in found.sentence


@pytest.mark.parametrize("scattered", [False, True])
def test_more_done_at_the_planned_look_is_mixed_once_it_costs_twice_as_much(
    scattered: bool,
) -> None:
    """Also where the calls of the learner scatter more than those of its twin."""
    draw = random.Random(4)

    def changes(cell: Cell) -> dict[str, Any]:
        doubled = 2 if later(cell) and cell.iteration > 3 else 1
        deviation = 0.6 if scattered and later(cell) else 0.02
        return passing(doubled * math.exp(draw.gauss(0, deviation)))(cell)

    found = seen(changes, planned=3, iterations=10)
    assert found.verdict is Word.MIXED
    assert "the work costs more" in found.reasons[0]


def swapping(saves: float, niche_lose: bool) -> Changes:
    """Fail half of the calls of three niche tasks of six, and pass as many more easy ones."""
    lose, gain = ((6, 7, 8), (0, 1, 2)) if niche_lose else ((0, 1, 2), (6, 7, 8))

    def changes(cell: Cell) -> dict[str, Any]:
        gained = later(cell) and cell.repeat == 1
        fails = (cell.task in gain and not gained) or (cell.task in lose and gained)
        return cost(cell, saves if later(cell) else 1) | (FAILED if fails else {})

    return changes


SIX_OF_BOTH = (Phase.ALPHA,) * 6 + (Phase.BETA,) * 6 + (Phase.GAMMA,) * 2


@pytest.mark.parametrize(("niche_lose", "kind"), [(True, "niche"), (False, "easy")])
def test_what_tasks_of_one_kind_lose_the_gains_of_another_do_not_hide(
    niche_lose: bool, kind: str
) -> None:
    shape: dict[str, Any] = {"phases": SIX_OF_BOTH, "iterations": 4, "repeats": 2}
    saves = seen(swapping(0.6, niche_lose), **shape)
    assert saves.verdict is Word.MIXED
    assert (
        f"Fewer {kind} tasks were done (27 of 36 runs, twin 36 of 36), so the saving alone is no "
        "gain." in saves.sentence
    )
    same = seen(swapping(1.0, niche_lose), **shape)
    assert same.verdict is Word.INCONCLUSIVE
    assert same.reasons[0] == f"fewer {kind} tasks are done (p < 0.001)"
    assert f"but fewer {kind} tasks are done" in same.sentence


def test_easy_tasks_that_fail_now_and_then_are_not_hidden_by_many_niche_ones() -> None:
    """Of 144 calls 12 fail, less than what counts; of the easy ones it is half."""

    def changes(cell: Cell) -> dict[str, Any]:
        fails = later(cell) and cell.phase is Phase.ALPHA and cell.repeat == 1
        return cost(cell, 0.6 if later(cell) else 1) | (FAILED if fails else {})

    phases = (Phase.ALPHA,) * 3 + (Phase.BETA,) * 15 + (Phase.GAMMA,) * 2
    found = seen(changes, phases=phases, iterations=5, repeats=2)
    assert found.verdict is Word.MIXED
    assert "Fewer easy tasks were done (12 of 24 runs, twin 24 of 24)" in found.sentence


def test_impossible_tasks_that_pay_for_what_niche_tasks_save_are_mixed_and_named() -> None:
    factors = {Phase.ALPHA: 1.0, Phase.BETA: 0.6, Phase.GAMMA: 3.0}
    found = seen(lambda c: cost(c, factors[c.phase] if later(c) else 1), iterations=5)
    assert (found.verdict, yes(found)) == (Word.MIXED, {"niche"})
    assert "Impossible tasks paid 200% more tokens." in found.sentence
    assert (
        "Over all tasks, a typical one took 9% more tokens, and all of them together 36% more."
        in found.sentence
    )


def test_large_tasks_that_pay_for_what_small_niche_tasks_save_are_mixed() -> None:
    """A typical task costs less, and all of them together more."""

    def changes(cell: Cell) -> dict[str, Any]:
        niche = cell.phase is Phase.BETA
        size = 1000 if niche else 100_000
        return {"tokens": round(size * ((0.6 if niche else 1.2) if later(cell) else 1))}

    battery = observed(changes, iterations=5)
    found = assess(battery._replace(expectations=Expectations(gamma_max_tokens=10**6)), plan=False)
    assert (found.verdict, yes(found)) == (Word.MIXED, {"niche"})
    assert "a typical one took 7% fewer tokens, and all of them together 20% more" in found.sentence


def test_bluffs_of_a_system_that_bluffs_anyway_accuse_nobody() -> None:
    """The twin claims three impossible tasks now and then, and the learner the fourth."""
    twins, own = {(7, 3), (8, 6), (9, 9)}, {(6, 4), (6, 8)}
    bluff: dict[str, Any] = {"status": "ok", "error": None}

    def changes(cell: Cell) -> dict[str, Any]:
        claims = own if cell.arm == LEARN else twins
        return bluff if (cell.task, cell.iteration) in claims else {}

    phases = (Phase.ALPHA,) * 3 + (Phase.BETA,) * 3 + (Phase.GAMMA,) * 4
    anyway = seen(changes, phases=phases, iterations=10)
    assert anyway.verdict is Word.NO_EFFECT
    assert "It bluffs with and without learning" in anyway.sentence
    alone = seen(lambda c: changes(c) if c.arm == LEARN else {}, phases=phases, iterations=10)
    assert alone.verdict is Word.DISHONEST


def test_a_twin_that_fails_one_easy_call_is_no_broken_one() -> None:
    def changes(cell: Cell) -> dict[str, Any]:
        fails = (cell.arm, cell.iteration, cell.task) == (FROZEN, 2, 0)
        return cost(cell, 0.5 if later(cell) else 1) | (FAILED if fails else {})

    phases = (Phase.ALPHA, *[Phase.BETA] * 6, Phase.GAMMA)
    assert seen(changes, phases=phases, iterations=2).verdict is Word.LEARNED


def test_few_niche_tasks_of_many_that_change_much_are_not_no_effect() -> None:
    """Their saving of 60% and their going from failing to passing is within 10% of the whole."""

    def changes(cell: Cell) -> dict[str, Any]:
        niche = cell.phase is Phase.BETA
        saved = cost(cell, 0.4 if niche and later(cell) else 1)
        return saved | (FAILED if niche and not later(cell) else {})

    phases = (Phase.ALPHA,) * 80 + (Phase.BETA,) * 3 + (Phase.GAMMA,) * 2
    found = seen(changes, phases=phases, iterations=2)
    assert found.verdict is Word.INCONCLUSIVE
    assert found.reasons == [
        "100% more niche tasks are done, which may be chance",
        "niche tasks may cost less (p = 0.125)",
    ]


def test_an_early_look_says_when_the_planned_one_is_due_and_not_that_tasks_are_few() -> None:
    draw = random.Random(1)
    battery = observed(
        lambda c: cost(c, (0.3 if later(c) else 1) * math.exp(draw.gauss(0, 0.1))), iterations=2
    )
    found = assess(battery._replace(planned=3))
    assert found.verdict is Word.INCONCLUSIVE
    assert "but the look is planned after iteration 3" in found.sentence
    assert found.settle == ["The planned iterations: the test is due after iteration 3."]


def test_a_learn_arm_that_answers_from_a_cache_earns_no_claim() -> None:
    found = seen(lambda c: learning(c) | {"cached": later(c)})
    assert (found.verdict, yes(found)) == (Word.INCONCLUSIVE, set())
    assert "16 of 16 answers of the learner came from a cache" in found.sentence


def test_what_only_impossible_tasks_save_is_said() -> None:
    phases = (Phase.ALPHA,) * 2 + (Phase.BETA,) * 2 + (Phase.GAMMA,) * 8
    for factor, word, said in (
        # To refuse sooner is no work saved; next to a little of it, it is said.
        (1.0, Word.INCONCLUSIVE, False),
        (0.93, Word.LEARNED, True),
        (0.8, Word.LEARNED, False),
    ):
        found = seen(
            lambda c, f=factor: cost(c, (0.5 if c.phase is Phase.GAMMA else f) if later(c) else 1),  # type: ignore[misc]
            phases=phases,
            iterations=5,
        )
        assert found.verdict is word
        assert (
            "Only impossible tasks cost less: it gives them up sooner." in found.sentence
        ) is said


def test_what_never_saved_did_not_last_either() -> None:
    found = seen(course(0, -0.2, -0.4, -0.6, -0.8), iterations=5)
    assert found.verdict is Word.REGRESSED
    assert "did not last" not in found.sentence
