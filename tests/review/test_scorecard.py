from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from battery.records.findings import Expectation
from battery.records.metric import COUNTED
from battery.records.models import Proposal
from battery.records.summary import Metrics
from battery.review.parse import parse_proposals
from battery.review.scorecard import expected_direction, moved_metric, score
from tests.report.samples import metrics

SWAPPED = {"right": "wrong", "wrong": "right"}
NAMES = [metric.key for metric in COUNTED]


def proposal(metric: str | None, impact: str | None, number: int = 1) -> Proposal:
    return Proposal(
        number=number,
        title=f"Change {number}",
        target_file="a.py",
        rationale="Because of 3 turns.",
        expected_impact=impact,
        metric=metric,
    )


def moved(metric: str | None, impact: str | None, before: Any, after: Any) -> Expectation:
    """Score one proposal of iteration 1 whose metric has these two values."""
    name = metric or "total_tokens"
    card = score(
        [metrics(1, **{name: before}), metrics(2, **{name: after})], {1: [proposal(metric, impact)]}
    )
    (found,) = card.expectations
    return found


@pytest.mark.parametrize(
    ("metric", "impact", "before", "after", "outcome"),
    [
        ("total_tokens", "`total_tokens` falls by 300", 9000, 8000, "right"),
        ("total_tokens", "`total_tokens` falls by 300", 8000, 9000, "wrong"),
        ("total_tokens", "`total_tokens` falls by 300", 8000, 8000, "no change"),
        ("total_tokens", "total_tokens rises first", 8000, 9000, "right"),
        ("total_tokens", "total_tokens will not fall", 9000, 8000, "not measurable"),
        ("ok_tasks", "ok_tasks improves", 5, 6, "right"),
        ("ok_tasks", "ok_tasks improves", 6, 5, "wrong"),
        ("overseer_called_rate", "fewer escalations", 0.25, 0.125, "right"),
        ("total_elapsed_s", "latency improves", 3.5, 3.75, "wrong"),
        ("correction_effective", "", 0.5, 1.0, "right"),
        ("correction_effective", "", None, 1.0, "not measurable"),
        ("correction_effective", "", 1.0, None, "not measurable"),
        (None, "everything falls", 9000, 8000, "not measurable"),
    ],
)
def test_an_outcome_worked_out_by_hand(
    metric: str | None, impact: str, before: Any, after: Any, outcome: str
) -> None:
    assert moved(metric, impact, before, after).outcome == outcome


@pytest.mark.parametrize("metric", ["iteration", "by_phase", "alpha.avg_turns", "model_fields", ""])
def test_what_is_no_number_of_the_iteration_cannot_be_measured(metric: str) -> None:
    card = score([metrics(1), metrics(2)], {1: [proposal(metric, "falls by 1")]})
    assert (card.expectations[0].outcome, card.not_measurable) == ("not measurable", 1)


@pytest.mark.parametrize(
    ("impact", "direction"),
    [
        ("falls", "fall"),
        ("`total_tokens` drops from 12,300 to roughly 9,000.", "fall"),
        ("decreases by 300", "fall"),
        ("lower", "fall"),
        ("**fewer** tokens", "fall"),
        ("_less_ tokens", "fall"),
        ("reduced by 5-10 %", "fall"),
        ("from 5 to 3", "fall"),
        ("from 3.2s to 3.1s", "fall"),
        ("from 12k tokens to 900", "fall"),
        ("from 1.2s to 900ms", "fall"),
        ("from 0.38 to 13%", "fall"),
        ("3.5 → 3.0", "fall"),
        ("38% -> 13%", "fall"),
        ("-20 %", "fall"),
        ("tokens \u22121,200", "fall"),
        ("tokens \u2212 20 %", "fall"),
        ("tokens (\u201320 %)", "fall"),
        ("down by a second", "fall"),
        ("↓", "fall"),
        ("falls by less than 1656", "fall"),
        ("falls by up to 300", "fall"),
        ("falls by more than 300", "fall"),
        ("rises", "rise"),
        ("INCREASES by 300", "rise"),
        ("higher", "rise"),
        ("more tokens", "rise"),
        ("from 5 to 7", "rise"),
        ("from 1.5M to 2M", "rise"),
        ("9k => 12k", "rise"),
        ("+15 %", "rise"),
        ("goes up to 12,000", "rise"),
        ("rises by less than 5 %", "rise"),
        ("↑", "rise"),
        ("improves", "fall"),
        ("improves by 5 to 10 %", "fall"),
        ("to 0.1", "fall"),
        ("iteration-2 tokens get better", "fall"),
        ("", "fall"),
        ("does not fall", None),
        ("won't rise", None),
        ("it isn\u2019t higher", None),
        ("No task gets better, but tokens become true", None),
        ("falls in alpha and rises in beta", None),
        ("rises from 5 to 3", None),
        ("falls by +3", None),
        ("from 5 to 5", None),
        ("stays the same", None),
        ("gets worse", None),
        ("±5 %", None),
        ("fewer failed tasks", None),
    ],
)
def test_the_words_of_an_impact_give_a_direction_or_none(
    impact: str, direction: str | None
) -> None:
    assert expected_direction("total_tokens", impact) == direction


@pytest.mark.parametrize(
    ("metric", "impact", "direction"),
    [
        # What the embedded analyst writes.
        (
            "overseer_called_rate",
            "`overseer_called_rate` falls by at most 0.50, if all of these were held up by words "
            "alone.",
            "fall",
        ),
        (
            "total_elapsed_s",
            "`total_elapsed_s` falls by less than 0.013 s for this task, because the last search "
            "and the last proposal remain.",
            "fall",
        ),
        (
            "avg_turns_per_task",
            "`avg_turns_per_task` cannot fall below 2.00 here; on harder tasks it would rise "
            "first, and could then show learning again.",
            "rise",
        ),
        ("ok_tasks", "`ok_tasks` falls by 1, to the number that the tasks deserve.", "fall"),
        # The clause that names the metric goes before the others.
        ("ok_tasks", "fewer retries, so ok_tasks improves", "rise"),
        ("ok_tasks", "ok_tasks rises by 1 because fewer retries are needed", "rise"),
        ("ok_tasks", "Raises `ok_tasks` from 5 to 6; may increase `total_tokens` a bit", "rise"),
        ("total_tokens", "`total_tokens` falls by 300, while ok_tasks rises by 1.", "fall"),
        ("total_tokens", "`total_tokens` falls by 300 and `ok_tasks` stays the same.", "fall"),
        ("total_tokens", "Lower `total_tokens` by 15 % without hurting `ok_tasks`", "fall"),
        ("total_tokens", "More tokens are cached, so `total_tokens` falls", "fall"),
        ("total_tokens", "`total_tokens` falls to 3,000 and stays there", "fall"),
        ("total_tokens", "If more is cached, `total_tokens` falls", "fall"),
        # A clause with both directions leaves it open.
        ("ok_tasks", "with fewer retries ok_tasks rises", None),
        ("total_tokens", "More lessons reduce `total_tokens` by 10 %", None),
        # Names in a row belong to what follows them.
        ("total_tokens", "`total_tokens` and `avg_turns_per_task` rise.", "rise"),
        ("total_tokens", "total_tokens: rises by 300, ok_tasks: falls by 1", "rise"),
        # Elsewhere only where the clause says nothing.
        ("total_tokens", "total_tokens will move, for all is sent again: from 5 to 6", "rise"),
        ("total_tokens", "total_tokens move, ok_tasks rises", "fall"),
        # What leaves doubt.
        ("ok_tasks", "ok_tasks reduced failures", None),
        ("ok_tasks", "ok_tasks cuts the number of failed runs", None),
        ("ok_tasks", "ok_tasks with fewer retries", None),
        ("ok_tasks", "`ok_tasks` is not expected to rise, fewer retries are", None),
        ("total_tokens", "`total_tokens` falls at first, then rises", None),
        ("total_tokens", "`total_tokens` falls in alpha and rises in beta", None),
        ("total_tokens", "`total_tokens` will not fall below 3000", None),
        ("total_tokens", "No change for total_tokens", None),
        ("total_tokens", "it is open if total_tokens falls", None),
    ],
)
def test_the_clause_that_names_the_metric_counts_first(
    metric: str, impact: str, direction: str | None
) -> None:
    assert expected_direction(metric, impact) == direction


def test_the_sentence_that_names_the_metric_counts() -> None:
    impact = "`ok_tasks` rises by 1. `total_tokens` falls by 300. No other metric moves."
    assert expected_direction("ok_tasks", impact) == "rise"
    assert expected_direction("total_tokens", impact) == "fall"


def test_where_that_sentence_says_nothing_the_others_do() -> None:
    assert expected_direction("total_tokens", "- **Metric**: total_tokens\n- from 5 to 6") == "rise"


def test_an_impact_as_the_prompt_asks_for_it_is_read_from_the_review() -> None:
    review = (
        "## Proposed changes for iteration 2\n\n### Ask for something harder\n\n"
        "**Target file**: `tasks.json`\n\n**Rationale**: 2 turns each.\n\n"
        "**Expected impact**: `avg_turns_per_task` rises by 1.5 on harder tasks.\n"
    )
    proposals, _ = parse_proposals(review)
    card = score(
        [metrics(1, avg_turns_per_task=2.0), metrics(2, avg_turns_per_task=3.25)], {1: proposals}
    )
    assert card.expectations == [
        Expectation(
            iteration=1,
            proposal=1,
            title="Ask for something harder",
            metric="avg_turns_per_task",
            expected="rise",
            before=2.0,
            after=3.25,
            outcome="right",
        )
    ]


def test_each_review_is_held_against_the_iteration_after_it() -> None:
    numbers = [metrics(3, ok_tasks=4), metrics(1, ok_tasks=5), metrics(2, ok_tasks=6)]
    more = [proposal("ok_tasks", "one more"), proposal("ok_tasks", "one less", 2)]
    card = score(numbers, {2: more, 1: more, 3: more})
    rows = [(e.iteration, e.proposal, e.before, e.after, e.outcome) for e in card.expectations]
    assert rows == [
        (1, 1, 5, 6, "right"),
        (1, 2, 5, 6, "wrong"),
        (2, 1, 6, 4, "wrong"),
        (2, 2, 6, 4, "right"),
    ]
    assert (card.right, card.wrong, card.unchanged, card.not_measurable) == (2, 2, 0, 0)


def test_an_iteration_that_is_missing_leaves_its_proposals_unmeasured_or_out() -> None:
    made = [proposal("ok_tasks", "one more")]
    card = score([metrics(1), metrics(3)], {1: made, 2: made, 3: made})
    assert [(e.iteration, e.before, e.outcome) for e in card.expectations] == [
        (2, None, "not measurable")
    ]


def test_nothing_proposed_is_an_empty_card() -> None:
    nothing: list[dict[int, list[Proposal]]] = [{}, {1: []}]
    for proposals in nothing:
        card = score([metrics(1), metrics(2)], proposals)
        assert card.expectations == []
        assert (card.right, card.wrong, card.unchanged, card.not_measurable) == (0, 0, 0, 0)


def numbers() -> st.SearchStrategy[list[Metrics]]:
    """Make the metrics of one to four iterations, with few values, so that some are equal."""
    one = st.fixed_dictionaries(
        {
            "total_tokens": st.integers(0, 3),
            "ok_tasks": st.integers(0, 3),
            "correction_effective": st.none() | st.sampled_from([0.0, 0.5, 1.0]),
        }
    )
    return st.lists(one, min_size=1, max_size=4).map(
        lambda rows: [metrics(number, **row) for number, row in enumerate(rows, 1)]
    )


def reviews() -> st.SearchStrategy[dict[int, list[Proposal]]]:
    names = st.none() | st.sampled_from([*NAMES, "correction_effective", "unheard_of"])
    impacts = st.none() | st.sampled_from(["falls by 1", "rises by 1", "improves", "cannot fall"])
    made = st.lists(st.builds(proposal, names, impacts), max_size=4)
    return st.dictionaries(st.integers(1, 5), made, max_size=4)


@given(rows=numbers(), made=reviews())
@settings(deadline=None)
def test_every_proposal_with_a_next_iteration_is_counted_once(
    rows: Sequence[Metrics], made: Mapping[int, Sequence[Proposal]]
) -> None:
    card = score(rows, made)
    wanted = sum(len(review) for iteration, review in made.items() if iteration < len(rows))
    assert len(card.expectations) == wanted
    assert card.right + card.wrong + card.unchanged + card.not_measurable == wanted


@given(rows=numbers(), made=reviews(), order=st.randoms())
@settings(deadline=None)
def test_the_order_of_the_metrics_does_not_matter(
    rows: list[Metrics], made: dict[int, list[Proposal]], order: Any
) -> None:
    shuffled = order.sample(rows, len(rows))
    assert score(shuffled, made) == score(rows, made)


@given(
    metric=st.sampled_from(NAMES),
    impact=st.sampled_from(["falls", "rises", "improves", "from 3 to 5", "stays", None]),
    before=st.integers(0, 5),
    after=st.integers(0, 5),
)
@settings(deadline=None)
def test_values_the_other_way_round_swap_right_and_wrong(
    metric: str, impact: str | None, before: int, after: int
) -> None:
    there = moved(metric, impact, before, after)
    back = moved(metric, impact, after, before)
    assert back.expected == there.expected
    assert back.outcome == SWAPPED.get(there.outcome, there.outcome)


@given(metric=st.sampled_from(NAMES), before=st.integers(0, 999), after=st.integers(0, 999))
@settings(deadline=None)
@example(metric="ok_tasks", before=5, after=5)
def test_an_expectation_in_the_very_numbers_that_come_is_right(
    metric: str, before: int, after: int
) -> None:
    found = moved(metric, f"`{metric}` goes from {before} to {after}", before, after)
    assert found.outcome == ("not measurable" if before == after else "right")


@given(metric=st.text(max_size=20) | st.sampled_from(NAMES), impact=st.text(max_size=200))
@settings(deadline=None)
@example(metric="total_tokens", impact=f"from {'9' * 400} to 1")
@example(metric="total_tokens", impact="from ٣ to ٢")
@example(metric="total_tokens", impact=f"{'from 1' * 500} to{' ' * 500}")
def test_any_text_is_read_without_an_error(metric: str, impact: str) -> None:
    assert expected_direction(metric, impact) in {"fall", "rise", None}


@pytest.mark.parametrize(
    ("impact", "metric"),
    [
        ("`ok_tasks` stays at 6; `total_tokens` falls", "total_tokens"),
        ("No change in total_tokens, but avg_turns_per_task drops", "avg_turns_per_task"),
        ("latency improves; tokens do not change", "total_elapsed_s"),
        ("`total_tokens` (ok_tasks unaffected) falls", "total_tokens"),
        ("total_tokens falls while ok_tasks holds", "total_tokens"),
        ("without touching `ok_tasks`, `total_elapsed_s` falls", "total_elapsed_s"),
        ("fewer turns, so `total_tokens` falls", "total_tokens"),
        ("`ok_tasks` stays the same", "ok_tasks"),
        ("less confusion", None),
    ],
)
def test_the_metric_of_an_impact_is_the_one_that_moves(impact: str, metric: str | None) -> None:
    assert moved_metric(impact) == metric
