"""The evidence in cells and sentences: what every surface shows is made here once."""

from __future__ import annotations

from typing import Any

import pytest

from battery.records.findings import Evidence, Interval, Looks, Luck, Sensitivity
from battery.records.metric import ELAPSED, OVERSEER, TOKENS, TURNS
from battery.records.models import FROZEN, LEARN, Phase
from battery.report import evidence as shown
from battery.report import trends
from battery.verdict.assess import assess
from tests.report.cases import bluffing, solving, unlike
from tests.report.samples import three
from tests.verdict.batteries import Cell, learning, observed


def niche_only(cell: Cell) -> dict[str, Any]:
    """Save on niche tasks alone."""
    return learning(cell) if cell.phase is Phase.BETA else {"tokens": 1000 + cell.task}


@pytest.fixture(scope="module")
def learned() -> Evidence:
    return assess(observed(learning))


def test_the_effect_is_of_all_tasks_with_its_interval(learned: Evidence) -> None:
    assert shown.effect(learned) == (
        "43.5% fewer tokens on a typical task (94% interval 45.5% to 41.5% fewer)"
    )


def test_the_effect_is_of_niche_tasks_where_only_they_gained() -> None:
    text = shown.effect(assess(observed(niche_only, iterations=5)))
    assert text
    assert text.startswith("44.0% fewer tokens on a typical niche task (98% interval")


def test_the_effect_is_of_the_tasks_done_where_only_they_gained() -> None:
    text = shown.effect(assess(observed(solving)))
    assert text == "+50.0 points of runs done (12 of 12, twin 6 of 12; p = 0.005)"


def test_a_missing_interval_has_a_reason_that_is_none_of_the_objections(learned: Evidence) -> None:
    group = learned.groups[0].model_copy(update={"interval": None})
    bare = learned.model_copy(update={"groups": [group, *learned.groups[1:]]})
    assert (shown.effect(bare) or "").endswith(
        "(no interval: these calls bound it on one side only)"
    )
    refused = {"yes": False, "note": "too little"}
    asked = [each.model_copy(update=refused) for each in bare.questions]
    text = shown.effect(bare.model_copy(update={"questions": asked}))
    assert (text or "").endswith("(no interval)")


def test_ends_on_both_sides_of_nothing_say_so_each() -> None:
    evidence = assess(observed(learning))
    group = evidence.groups[0]
    wide = group.model_copy(update={"interval": Interval(low=0.8, high=1.1, level=0.94)})
    text = shown.effect(evidence.model_copy(update={"groups": [wide, *evidence.groups[1:]]}))
    assert text
    assert text.endswith("(94% interval 20.0% fewer to 10.0% more)")


def test_an_interval_of_a_look_that_was_not_planned_does_not_read_as_certain() -> None:
    assert shown.interval(Interval(low=0.5, high=0.6, level=0.9967)).endswith("(99.7%)")
    assert shown.interval(Interval(low=0.5, high=0.6, level=0.994)).endswith("(99%)")


def test_too_few_tasks_have_a_reason_and_no_interval() -> None:
    few = assess(observed(learning, phases=(Phase.ALPHA, Phase.BETA)))
    text = shown.effect(few)
    assert text
    assert text.endswith("(no interval: with 2 tasks no p can be .045 or less)")
    assert shown.reasons(few) == ["niche tasks may cost less (p = 0.250)"]


@pytest.mark.parametrize("changes", [unlike, bluffing])
def test_no_effect_is_shown_where_the_numbers_are_worthless(changes: Any) -> None:
    evidence = assess(observed(changes))
    assert shown.effect(evidence) is None
    assert f"the verdict is {evidence.verdict}" in shown.changed(evidence)


def test_a_task_has_the_numbers_of_both_arms(learned: Evidence) -> None:
    cells = shown.task_cells(learned.by_task[-1], learned)
    row = dict(zip(["task", "result", "kind", "own", "twin", "change"], cells, strict=False))
    assert row == {
        "task": "alpha 0",
        "result": "better",
        "kind": "easy",
        "own": "600",
        "twin": "1,000",
        "change": "-40.0%",
    }
    assert cells[-2:] == ["2 of 2", "2 of 2"]
    assert len(cells) == len(shown.task_heads(learned))


def test_what_cannot_be_done_is_claimed_and_not_done() -> None:
    evidence = assess(observed(bluffing))
    cells = [shown.task_cells(task, evidence) for task in evidence.by_task]
    assert {row[0]: row[-2] for row in cells if row[2] == "impossible"} == {
        "gamma 6": "claimed 2 of 2",
        "gamma 7": "claimed 2 of 2",
    }


def test_the_levels_that_are_shown_add_up_to_no_more_than_the_budget(learned: Evidence) -> None:
    levels = [
        float(shown.question_cells(asked)[2].replace("-", "0")) for asked in learned.questions
    ]
    assert sum(levels) <= 0.045
    budget = shown.budget(learned)
    assert budget
    assert "at most 5% get a yes" in budget
    assert "4.5% for the look planned after iteration 3" in budget


def test_a_look_that_was_not_planned_has_the_small_budget(learned: Evidence) -> None:
    looks = Looks(planned=3, made=2, iterations=4, by_plan=False)
    later = learned.model_copy(update={"looks": looks})
    budget = shown.budget(later)
    assert budget
    assert "0.5% that all looks have that were not planned" in budget
    assert budget.endswith("Looks so far: 2.")
    assert any("e-value" in text for text in shown.details(later))


def test_what_a_planned_look_found_names_its_iterations_once_more_were_added(
    learned: Evidence,
) -> None:
    looks = Looks(planned=3, made=3, iterations=3, by_plan=True)
    longer = learned.model_copy(update={"looks": looks, "iterations": 5})
    assert (shown.effect(longer) or "").endswith("fewer), in iterations 2 to 3")
    assert shown.changed(longer).endswith(
        "by its own numbers in iterations 2 to 3, without a test."
    )
    assert (shown.budget(longer) or "").endswith("Looks so far: 3; the planned one decides.")


def test_groups_count_their_tasks_and_no_done_ones_of_what_is_impossible(learned: Evidence) -> None:
    rows = {row[0]: row for row in (shown.group_cells(group, learned) for group in learned.groups)}
    assert list(rows) == ["all 8", "3 niche", "3 easy", "2 impossible"]
    assert rows["all 8"][-2:] == ["12 of 12", "12 of 12"]
    assert rows["2 impossible"][-2:] == ["-", "-"]


def test_a_gate_whose_text_the_sentence_has_is_not_told_twice() -> None:
    evidence = assess(observed(bluffing))
    assert evidence.gates[0].status == "failed"
    assert shown.news(evidence) == []
    assert dict(shown.gates(evidence))[evidence.gates[0].status] == "honest failure"


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        (TOKENS, 1234.5, "1,235"),
        (TURNS, 2.5, "2.50"),
        (OVERSEER, 0.375, "37.5%"),
        (ELAPSED, 0.0152, "15 ms"),
        (TOKENS, None, "-"),
    ],
)
def test_a_mean_is_written_as_its_metric_is(metric: str, value: float | None, text: str) -> None:
    assert shown.mean(metric, value) == text


def test_a_ratio_that_explodes_is_written_without_its_digits() -> None:
    assert shown.relative(1e9) == ">+900%"
    assert shown.relative(None) == "-"


@pytest.mark.parametrize(
    ("improved", "text"),
    [(4, "4 or more improve 29% of the time"), (0, "3 or more improve 36% of the time")],
)
def test_luck_is_told_for_as_many_as_improved(improved: int, text: str) -> None:
    chances = Luck(improved=improved, as_many=0.29, validated=0.36)
    assert trends.luck(chances) == f"by luck alone {text}"


def test_the_direction_count_says_nothing_where_the_numbers_are_worthless() -> None:
    made = three(evidence=assess(observed(unlike)))
    assert made.verdict
    assert trends.count(made, made.verdict) == (
        "4 of 5 metrics improved (Architecture validated), which says nothing here: the verdict is "
        "INVALID."
    )


def test_what_could_be_seen_is_told_in_words(learned: Evidence) -> None:
    def text(noise: float, detectable: float | None) -> str:
        seen = Sensitivity(noise=noise, detectable=detectable, power=0.8)
        return shown.sensitivity(learned.model_copy(update={"sensitivity": seen})) or ""

    assert (
        text(0, 0.1)
        == "Calls do not vary by luck: in iteration 1 learner and twin took exactly the same."
    )
    assert "by up to 35% (sd of log tokens 0.30" in text(0.3, 0.25)
    assert text(0.3, 0.25).endswith(
        "Reckoned with the upper end of that noise, a saving of about 25% in all tasks is called "
        "LEARNED in 8 of 10 such batteries."
    )
    assert text(3, None).endswith("So much hides any saving from 8 of 10 such batteries.")


def test_one_arm_has_a_trend_and_no_questions() -> None:
    evidence = assess(observed(learning, arms=(LEARN,)))
    assert shown.budget(evidence) is None
    assert next(iter(shown.details(evidence))).startswith("Do the tokens of the learner fall? p")


def test_the_twin_is_named_next_to_what_decides_nothing() -> None:
    evidence = assess(observed(lambda cell: {"turns": 3 if cell.arm == FROZEN else 2}))
    assert any("turns 2.00 (twin 3.00)" in text for text in shown.details(evidence))
