from __future__ import annotations

import pytest

from battery.base.errors import GateError, UsageError
from battery.comparison.conditions import CONDITIONS, require
from battery.records.comparison import Comparison, Difference, Flips, Outcome
from battery.verdict.conditions import parse
from tests.report.comparisons import comparison
from tests.verdict.batteries import calls


def met(found: Comparison) -> set[str]:
    names = set()
    for name in CONDITIONS:
        try:
            require(found, [name])
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
        (Outcome.NOT_COMPARABLE, set(CONDITIONS)),
    ],
)
def test_each_outcome_meets_its_conditions_and_no_others(outcome: Outcome, names: set[str]) -> None:
    assert met(comparison(calls(), outcome=outcome)) == names


def test_flips_for_the_worse_and_unfairness_are_conditions_of_their_own() -> None:
    flips = Flips(lost=0, gained=3, bluffs=1, bluffs_ended=0, p=0.25)
    unfair = Difference(what="repeats", before="1", after="3", unfair=True, text="t")
    found = comparison(calls(), outcome=Outcome.BETTER, flips=flips, differences=[unfair])
    assert met(found) == {"flips", "unfair"}
    minded = unfair.model_copy(update={"unfair": False})
    gained = flips.model_copy(update={"bluffs": 0})
    assert (
        met(comparison(calls(), outcome=Outcome.BETTER, flips=gained, differences=[minded]))
        == set()
    )


def test_the_message_has_word_sentence_and_what_was_unfair() -> None:
    unfair = Difference(what="repeats", before="1", after="3", unfair=True, text="t")
    found = comparison(outcome=Outcome.WORSE, differences=[unfair])
    with pytest.raises(GateError, match=r"worse, unfair: WORSE\. .*Unfair: repeats\.$"):
        require(found, ["worse", "unfair"])


@pytest.mark.parametrize("text", ["", ",", "better", "worse,regressed"])
def test_an_unknown_or_no_condition_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, CONDITIONS)
    assert "not-better" in str(caught.value.hint)


def test_a_list_is_read_whatever_its_case_and_spaces() -> None:
    assert parse(" Worse, flips ,", CONDITIONS) == ("worse", "flips")
    assert parse(None, CONDITIONS) == ()
