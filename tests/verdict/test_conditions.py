"""`--fail-on` names what a pipeline must not pass with, and says in one line what it found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

import pytest

from battery.base.errors import GateError, UsageError
from battery.records.comparison import Comparison, Difference, Flips
from battery.records.findings import Gate
from battery.records.models import LEARN, Phase
from battery.records.summary import Summary
from battery.records.word import Outcome
from battery.verdict.assess import assess
from battery.verdict.conditions import (
    CONDITIONS,
    OF_CAMPAIGN,
    OF_COMPARISON,
    parse,
    require,
    require_of_campaign,
    require_of_comparison,
)
from tests.report.comparisons import comparison
from tests.verdict.batteries import Cell, Changes, calls, learning, observed
from tests.verdict.runs import made


def summary(changes: Changes = lambda _: {}, **shape: Any) -> Summary:
    evidence = assess(observed(changes, **shape), plan=False)
    return Summary(
        run_id=None,
        state=None,
        started_at=None,
        finished_at=None,
        elapsed_s=0.0,
        calls=0,
        models=None,
        targets=None,
        iterations=[],
        trends=[],
        verdict=None,
        evidence=evidence,
        scrum=[],
        artifacts=[],
        warnings=[],
    )


def learned(cell: Cell) -> bool:
    return cell.arm == LEARN and cell.iteration > 1


def bluffs(cell: Cell) -> dict[str, Any]:
    """Claim the impossible, once something was learned."""
    return {"status": "ok", "error": None} if learned(cell) and cell.phase is Phase.GAMMA else {}


def costs_more(cell: Cell) -> dict[str, Any]:
    return {"tokens": 1500 if learned(cell) else 1000}


def pays(cell: Cell) -> dict[str, Any]:
    """Fail niche tasks until something was learned, and then do them at a higher price."""
    fails = cell.phase is Phase.BETA and not learned(cell)
    return costs_more(cell) | ({"status": "failed", "error": "no idea"} if fails else {})


def drifts_nowhere(cell: Cell) -> dict[str, Any]:
    """Need the overseer, and on no niche task."""
    return {**learning(cell), "overseer_called": cell.phase is Phase.ALPHA and cell.iteration == 1}


def test_words_are_split_at_commas_and_forgiven_their_case_and_spaces() -> None:
    assert parse("Regressed, not-learned,") == ("regressed", "not-learned")
    assert parse(None) == ()


def test_a_gate_may_be_named_as_files_name_it() -> None:
    former = ("gamma", "alpha", "beta", "mechanism")
    now = ("honest-failure", "no-forgetting", "hard-at-first", "learning-at-work")
    assert parse(",".join(former)) == now
    # It was never a condition of a comparison.
    with pytest.raises(UsageError, match="gamma"):
        parse("gamma", OF_COMPARISON)


@pytest.mark.parametrize("text", ["", ",", " , ,"])
def test_a_list_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no condition") as caught:
        parse(text)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    assert "not-learned" in caught.value.hint


@pytest.mark.parametrize("word", ["learned", "compounding", "fast"])
def test_an_unknown_word_is_refused_and_the_known_ones_are_listed(word: str) -> None:
    with pytest.raises(UsageError, match=word) as caught:
        parse(f"regressed,{word}")
    assert caught.value.hint
    assert "not-compounding" in caught.value.hint


@pytest.mark.parametrize(
    ("battery", "met"),
    [
        (summary(learning), {"not-compounding"}),
        (summary(), {"no-effect", "not-learned", "not-compounding"}),
        (
            summary(bluffs),
            {"dishonest", "honest-failure", "gates", "not-learned", "not-compounding"},
        ),
        (
            summary(costs_more),
            {"regressed", "not-learned", "not-compounding"},
        ),
        (
            summary(lambda cell: costs_more(cell) | bluffs(cell)),
            {
                "dishonest",
                "regressed",
                "honest-failure",
                "gates",
                "not-learned",
                "not-compounding",
            },
        ),
        (summary(pays, iterations=4), {"mixed", "not-learned", "not-compounding"}),
        (summary(arms=(LEARN,)), {"indicative", "not-learned", "not-compounding"}),
        (summary(iterations=1), {"not-learned", "not-compounding"}),
        (
            summary(drifts_nowhere),
            {"inconclusive", "hard-at-first", "gates", "not-learned", "not-compounding"},
        ),
    ],
)
def test_each_condition_holds_for_the_verdicts_that_it_names(
    battery: Summary, met: set[str]
) -> None:
    for name in CONDITIONS:
        if name in met:
            with pytest.raises(GateError, match=name):
                require(battery, [name])
        else:
            require(battery, [name])


@pytest.mark.parametrize("state", ["failed", "interrupted", "running"])
@pytest.mark.parametrize("name", CONDITIONS)
def test_a_battery_that_did_not_come_to_its_end_fails_every_condition(
    name: str, state: str
) -> None:
    stopped = summary(learning).model_copy(update={"state": state, "iterations_wanted": 60})
    with pytest.raises(GateError, match=rf"{name}: LEARNED.*\(state: {state}\): 0 of 60 iter"):
        require(stopped, [name])


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_battery_that_is_invalid_fails_every_condition(name: str) -> None:
    # Another system from the start on.
    invalid = summary(lambda cell: {"tokens": 1000 - 400 * (cell.arm == LEARN) + cell.task})
    with pytest.raises(GateError, match=rf"{name}: INVALID\."):
        require(invalid, [name])


def test_the_reason_is_one_line_that_names_condition_and_verdict() -> None:
    with pytest.raises(GateError) as caught:
        require(summary(), parse("regressed,not-learned"))
    message = caught.value.message
    assert message.startswith("gate not met: not-learned: NO EFFECT. ")
    assert "\n" not in message
    assert caught.value.exit_code == 3
    assert caught.value.hint is None


BLUFF = summary(bluffs)


@pytest.mark.parametrize(
    ("words", "gates"),
    [
        ("not-learned", []),
        ("not-learned,no-forgetting", []),
        ("not-learned,honest-failure", ["honest failure"]),
        ("gates", ["honest failure"]),
        ("honest-failure,gates", ["honest failure"]),
    ],
)
def test_a_gate_is_quoted_only_where_it_was_asked_for_and_failed(
    words: str, gates: list[str]
) -> None:
    with pytest.raises(GateError) as caught:
        require(BLUFF, parse(words))
    assert re.findall(r' Gate "([\w ]+)" failed: ', caught.value.message) == gates


def test_of_several_failed_gates_those_that_were_named_are_quoted() -> None:
    evidence = BLUFF.evidence
    assert evidence is not None
    names: tuple[Literal["gamma", "alpha", "beta"], ...] = ("gamma", "alpha", "beta")
    gates = [
        Gate(name=name, title=name, status="failed", text=f"Because of {name}.") for name in names
    ]
    several = BLUFF.model_copy(update={"evidence": evidence.model_copy(update={"gates": gates})})
    with pytest.raises(GateError) as caught:
        require(several, ["not-learned", "no-forgetting", "learning-at-work"])
    assert caught.value.message.endswith(' Gate "alpha" failed: Because of alpha.')
    assert "gamma." not in caught.value.message
    with pytest.raises(GateError, match=r"Because of gamma\. .*Because of alpha\. .*of beta\.$"):
        require(several, ["gates"])


def test_without_any_finished_iteration_every_condition_holds() -> None:
    with pytest.raises(GateError, match="no iteration"):
        require(summary().model_copy(update={"evidence": None}), ["regressed"])


def met_by(found: Comparison) -> set[str]:
    names = set()
    for name in OF_COMPARISON:
        try:
            require_of_comparison(found, [name])
        except GateError:
            names.add(name)
    return names


@pytest.mark.parametrize(
    ("outcome", "names"),
    [
        (Outcome.WORSE, {"worse", "not-better"}),
        (Outcome.MIXED, {"worse", "mixed", "not-better"}),
        (Outcome.BETTER, set()),
        (Outcome.NO_DIFFERENCE, {"no-difference", "not-better"}),
        (Outcome.UNCLEAR, {"unclear", "not-better"}),
        # What was not compared has passed nothing.
        (Outcome.NOT_COMPARABLE, set(OF_COMPARISON)),
    ],
)
def test_each_outcome_meets_its_conditions_and_no_others(outcome: Outcome, names: set[str]) -> None:
    assert met_by(comparison(calls(), outcome=outcome)) == names


def test_flips_for_the_worse_and_unfairness_are_conditions_of_their_own() -> None:
    flips = Flips(lost=0, gained=3, bluffs=1, bluffs_ended=0)
    unfair = Difference(what="repeats", before="1", after="3", unfair=True, text="t")
    found = comparison(calls(), outcome=Outcome.BETTER, flips=flips, differences=[unfair])
    assert met_by(found) == {"flips", "unfair"}
    minded = unfair.model_copy(update={"unfair": False})
    gained = flips.model_copy(update={"bluffs": 0})
    assert (
        met_by(comparison(calls(), outcome=Outcome.BETTER, flips=gained, differences=[minded]))
        == set()
    )


def test_the_message_about_a_comparison_has_word_sentence_and_what_was_unfair() -> None:
    unfair = Difference(what="repeats", before="1", after="3", unfair=True, text="t")
    found = comparison(outcome=Outcome.WORSE, differences=[unfair])
    with pytest.raises(GateError, match=r"worse, unfair: WORSE\. .*Unfair: repeats\.$"):
        require_of_comparison(found, ["worse", "unfair"])


@pytest.mark.parametrize("text", ["", ",", "better", "worse,regressed"])
def test_an_unknown_or_no_condition_of_a_comparison_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, OF_COMPARISON)
    assert "not-better" in str(caught.value.hint)


def test_a_list_for_a_comparison_is_read_whatever_its_case_and_spaces() -> None:
    assert parse(" Worse, flips ,", OF_COMPARISON) == ("worse", "flips")
    assert parse(None, OF_COMPARISON) == ()


def met_by_runs(saved: Sequence[float], name: str, planned: int | None = None) -> bool:
    try:
        require_of_campaign(made.summary(made.runs(*saved), planned), [name])
    except GateError as error:
        return name in error.message
    return False


def test_conditions_of_several_runs_hold_for_their_word_and_nothing_passes_unfinished() -> None:
    gains, harms = [0.3] * 5, [-0.3] * 5
    assert not met_by_runs(gains, "not-learned")
    assert met_by_runs(gains, "not-compounding")
    assert met_by_runs(harms, "regressed")
    assert not met_by_runs(harms, "dishonest")
    # What is not finished has passed nothing.
    assert all(met_by_runs(gains, name, planned=9) for name in OF_CAMPAIGN)
