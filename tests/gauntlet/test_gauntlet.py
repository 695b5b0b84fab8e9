"""What came of a system's batteries is counted, and held to what is promised of its role."""

from __future__ import annotations

import pytest

from battery.gauntlet import Gauntlet, Judged, count, least_found
from battery.gauntlet.agent import Agent
from battery.gauntlet.registry import Contestant, Role
from battery.records.word import Word

LEARNED, OPEN = Judged(1, Word.LEARNED, ["it is flat"]), Judged(2, Word.INCONCLUSIVE, ["p = 0.3"])


def contestant(role: Role) -> Contestant:
    return Contestant("name", role, Agent, unmasked_by="a meter" if role == "unseen" else "")


@pytest.mark.parametrize(
    ("role", "judged", "passed"),
    [
        ("false", [OPEN] * 25, True),
        ("false", [OPEN] * 24 + [LEARNED], False),
        ("honest", [LEARNED] * 21 + [OPEN] * 4, True),
        ("honest", [LEARNED] * 20 + [OPEN] * 5, False),
        ("unseen", [LEARNED] * 25, None),
    ],
)
def test_bounds_follow_from_the_role(role: Role, judged: list[Judged], passed: bool | None) -> None:
    assert count(contestant(role), judged).passed is passed


def test_compounding_counts_as_positive() -> None:
    ran = count(contestant("false"), [Judged(9, Word.COMPOUNDING, [])])
    assert (ran.positive, ran.seeds, ran.passed) == (1, [9], False)


def test_seeds_and_reasons_are_of_the_batteries_that_came_out_amiss() -> None:
    assert count(contestant("false"), [LEARNED, OPEN]).seeds == [1]
    honest = count(contestant("honest"), [LEARNED, OPEN])
    assert honest.seeds == [2]
    assert [reason.text for reason in honest.reasons] == ["p = 0.3"]


def test_reasons_that_differ_in_numbers_alone_are_one_reason() -> None:
    texts = ["took 3% more (p = 0.04)", "took 12% more (p < 0.001)", "no memory"]
    ran = count(contestant("false"), [Judged(1, Word.MIXED, [text]) for text in texts])
    assert [(reason.text, reason.batteries) for reason in ran.reasons] == [
        ("took 3% more (p = 0.04)", 2),
        ("no memory", 1),
    ]


def test_words_are_those_that_were_given() -> None:
    assert count(contestant("honest"), [LEARNED, OPEN, OPEN]).words == {
        Word.LEARNED: 1,
        Word.INCONCLUSIVE: 2,
    }


def test_broken_are_the_systems_whose_bound_does_not_hold() -> None:
    ran = [count(contestant(role), [LEARNED]) for role in ("false", "honest", "unseen")]
    assert Gauntlet(seed=1, systems=ran).broken == ran[:1]


def test_an_honest_learner_may_miss_by_luck_and_all_of_them_together_may_not() -> None:
    assert (least_found(25), least_found(1000)) == (21, 930)
    ran = [count(contestant("honest"), [LEARNED] * n + [OPEN] * (25 - n)) for n in (22, 25)]
    assert all(each.passed for each in ran)
    assert not Gauntlet(seed=1, systems=ran).finds
    assert Gauntlet(seed=1, systems=[*ran, ran[1]]).finds
    assert Gauntlet(seed=1, systems=[]).finds
