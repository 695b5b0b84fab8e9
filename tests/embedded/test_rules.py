"""The default executor and overseer, one decision at a time."""

from __future__ import annotations

import asyncio

import pytest

from battery.embedded.forms import (
    CorrectionEntry,
    Fill,
    GiveUp,
    GiveUpEntry,
    ReviewEntry,
    Search,
    SearchEntry,
)
from battery.embedded.lessons import Answer, DeadEnd, Plan, Reach, Substitution
from battery.embedded.policies import Case, Reply, executor_prompt
from battery.embedded.rules import RuleExecutor, RuleOverseer, RuleReviewer
from battery.embedded.tokens import estimate
from battery.protocol import Json
from tests.embedded.helpers import case


def propose(asked: Case) -> Search | Fill | GiveUp:
    reply: Reply[Search | Fill | GiveUp] = asyncio.run(RuleExecutor().propose(asked))
    assert reply.value is not None
    return reply.value


def search_next(asked: Case) -> Search:
    """Take the next action, which must be a search, and note that it found nobody."""
    search = propose(asked)
    assert isinstance(search, Search)
    found(asked, search, 0)
    return search


def found(asked: Case, search: Search, count: int, *workers: str) -> None:
    asked.transcript.entries.append(
        SearchEntry(turn=1, text="", search=search, found=count, workers=workers)
    )


def rejected(asked: Case) -> None:
    asked.transcript.entries.append(ReviewEntry(turn=1, text="", accepted=False))


def test_the_executor_widens_from_the_city_to_the_whole_radius_and_then_gives_up() -> None:
    asked = case(role="RN", count=1, city="Toledo, OH", radius_miles=40)
    searches = [search_next(asked) for _ in range(3)]
    assert [search.radius_miles for search in searches] == [0, 20, 40]
    # It takes the task at its word: the thesaurus is the overseer's.
    assert {search.role for search in searches} == {"RN"}
    assert isinstance(propose(asked), GiveUp)


def test_a_give_up_carries_every_search_with_its_count() -> None:
    asked = case(role="RN", count=4, city="Toledo, OH")
    search_next(asked)
    action = propose(asked)
    assert isinstance(action, GiveUp)
    assert action.reason == "4 asked for; RN in Toledo, OH: 0 found"


def test_the_executor_sends_those_whom_a_search_showed() -> None:
    asked = case(role="Welder", count=2, city="Toledo, OH")
    first = propose(asked)
    assert isinstance(first, Search)
    found(asked, first, 7, "W0001", "W0002")
    assert propose(asked) == Fill(workers=("W0001", "W0002"))


def test_after_a_rejected_give_up_it_offers_the_few_it_found() -> None:
    asked = case(role="Welder", count=3, city="Toledo, OH")
    first = propose(asked)
    assert isinstance(first, Search)
    found(asked, first, 1, "W0001")
    assert isinstance(propose(asked), GiveUp)
    asked.transcript.entries.append(GiveUpEntry(turn=2, text=""))
    rejected(asked)
    assert propose(asked) == Fill(workers=("W0001",))


def test_a_correction_replaces_the_executors_own_plan() -> None:
    asked = case(role="RN", count=1, city="Toledo, OH", radius_miles=40)
    better = Search(role="Registered Nurse", cities=("Toledo, OH",))
    asked.transcript.entries.append(CorrectionEntry(turn=1, text="", searches=(better,)))
    assert search_next(asked) == better
    assert isinstance(propose(asked), GiveUp)


def test_a_plan_of_the_playbook_is_tried_first_within_the_tasks_own_limits() -> None:
    asked = case(role="RN", count=1, city="Toledo, OH", radius_miles=30, max_pay=50)
    learned = Search(role="Registered Nurse", cities=("Toledo, OH",), radius_miles=80)
    plan = Plan(role="rn", city="Toledo, OH", certificate=None, search=learned)
    asked.lessons.append(plan)
    expected = learned.model_copy(update={"radius_miles": 30, "max_pay": 50})
    assert search_next(asked) == expected
    # It may be wrong, and then the executor goes its own way.
    assert search_next(asked).role == "RN"


def test_words_that_were_corrected_are_put_together_into_one_search() -> None:
    asked = case(role="RN", count=1, city="Maumee, OH", radius_miles=30, certificate="BLS")
    asked.lessons += [
        Substitution(field="role", term="RN", use=("Registered Nurse",)),
        Substitution(field="city", term="Maumee, OH", use=("Toledo, OH",)),
        Substitution(field="certificate", term="BLS", use=("BLS", "ACLS")),
        Substitution(field="role", term="CNA", use=("Nursing Assistant",)),
    ]
    expected = Search(role="Registered Nurse", cities=("Toledo, OH",), certificates=("BLS", "ACLS"))
    assert search_next(asked) == expected


def test_a_role_that_is_few_in_one_place_is_searched_in_the_whole_radius_at_once() -> None:
    asked = case(role="Roofer", count=5, city="Toledo, OH", radius_miles=40)
    asked.lessons.append(Reach(role="roofer"))
    search = search_next(asked)
    assert (search.role, search.radius_miles) == ("Roofer", 40)
    # The smaller circles are in it.
    assert isinstance(propose(asked), GiveUp)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"workers": ("W0001",)}, Fill(workers=("W0001",))),
        ({"reason": "0 found"}, GiveUp(reason="0 found")),
    ],
)
def test_the_remembered_answer_to_the_very_task_is_said_once(
    answer: Json, expected: Fill | GiveUp
) -> None:
    asked = case(role="Roofer", count=1, city="Toledo, OH")
    asked.lessons.append(Answer(spec=asked.spec, **answer))
    assert propose(asked) == expected
    rejected(asked)
    assert isinstance(propose(asked), Search)


def test_a_dead_end_is_looked_at_once_and_given_up() -> None:
    asked = case(role="RN", count=5, city="Toledo, OH", radius_miles=30)
    proof = Search(role="Registered Nurse", cities=("Toledo, OH",), radius_miles=30)
    small = case(role="RN", count=3, city="Toledo, OH", radius_miles=30).spec
    asked.lessons.append(DeadEnd(spec=small, search=proof, found=2))
    assert search_next(asked) == proof
    assert isinstance(propose(asked), GiveUp)
    # When the reviewer does not believe it, the whole plan is open again.
    asked.transcript.entries.append(GiveUpEntry(turn=2, text=""))
    rejected(asked)
    assert search_next(asked).role == "RN"


def test_a_dead_end_says_nothing_of_a_smaller_demand() -> None:
    asked = case(role="RN", count=1, city="Toledo, OH")
    large = case(role="RN", count=3, city="Toledo, OH").spec
    proof = Search(role="Registered Nurse", cities=("Toledo, OH",))
    asked.lessons.append(DeadEnd(spec=large, search=proof, found=2))
    assert search_next(asked).role == "RN"


def test_the_overseer_translates_the_task_into_the_words_of_the_database() -> None:
    asked = case(
        role="RN", count=1, city="Maumee, OH", radius_miles=30, certificate="BLS", by="2026-05-01"
    )
    correction = asyncio.run(RuleOverseer().correct(asked)).value
    assert correction
    (search,) = correction.searches
    assert search.described() == "Registered Nurse with BLS or ACLS in Toledo, OH by 2026-05-01"
    assert "RN" in correction.diagnosis


def test_the_overseer_has_no_search_to_offer_where_no_city_is_in_reach() -> None:
    asked = case(role="RN", count=1, city="Maumee, OH", radius_miles=2)
    correction = asyncio.run(RuleOverseer().correct(asked)).value
    assert correction
    assert correction.searches == ()


def test_the_reviewer_goes_by_the_findings() -> None:
    asked = case(role="RN", count=1, city="Toledo, OH")
    rulings = [
        asyncio.run(RuleReviewer().review(asked, GiveUp(reason=""), findings)).value
        for findings in ([], ["W0001 is a Painter."])
    ]
    assert [ruling.verdict for ruling in rulings if ruling] == ["accept", "reject"]
    assert "Painter" in (rulings[1].reason if rulings[1] else "")


def test_tokens_are_estimated_on_the_prompt_that_a_model_would_get() -> None:
    asked = case(role="RN", count=1, city="Toledo, OH")
    reply = asyncio.run(RuleExecutor().propose(asked))
    assert reply.usage == estimate(executor_prompt(asked), reply.text)
