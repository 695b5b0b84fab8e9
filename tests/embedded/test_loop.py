"""The turn loop with policies that misbehave on purpose; the database is the real one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from battery.embedded.analyst import RuleAnalyst
from battery.embedded.forms import Correction, Fill, GiveUp, Judgment, Search
from battery.embedded.loop import MAX_TURNS, Run
from battery.embedded.policies import Case, Executor, Overseer, Policies, Reply, Reviewer
from battery.embedded.rules import RuleExecutor, RuleOverseer, RuleReviewer
from battery.embedded.tokens import Usage
from battery.embedded.world import World
from battery.protocol import Json
from tests.embedded.helpers import MODELS, SEED, case

WORLD = World(SEED)
COST = Usage(10, 1)


@dataclass
class Stubborn:
    """An executor that always says the same."""

    action: Search | Fill | GiveUp | None

    async def propose(self, _: Case) -> Reply[Search | Fill | GiveUp]:
        return Reply(self.action, COST, "I would rather talk about the weather")


@dataclass
class Partial:
    """A reviewer that does not look."""

    verdict: Judgment | None

    async def review(self, _: Case, __: Fill | GiveUp, ___: list[str]) -> Reply[Judgment]:
        return Reply(self.verdict, COST, "hm")


class Mute:
    """An overseer that cannot be understood."""

    async def correct(self, _: Case) -> Reply[Correction]:
        return Reply(None, COST, "mumble")


def run(
    asked: Case,
    executor: Executor | None = None,
    reviewer: Reviewer | None = None,
    overseer: Overseer | None = None,
) -> Json:
    policies = Policies(
        executor or RuleExecutor(),
        reviewer or RuleReviewer(),
        overseer or RuleOverseer(),
        RuleAnalyst(),
    )
    return asyncio.run(Run(WORLD, policies, asked).finish())


def kinds(answer: Json) -> list[str]:
    return [entry["kind"] for entry in answer["log"]]


WELDER = {"role": "Welder", "count": 1, "city": "Toledo, OH"}


def test_every_turn_is_in_the_log_with_something_to_read() -> None:
    answer = run(case(**WELDER))
    assert kinds(answer) == ["search", "fill", "review"]
    assert [entry["turn"] for entry in answer["log"]] == [1, 2, 2]
    assert all(entry["text"] for entry in answer["log"])


def test_a_run_ends_after_eight_turns_and_says_what_came_last() -> None:
    nonsense = Fill(workers=("W0001", "W0002"))
    answer = run(case(**WELDER), executor=Stubborn(nonsense))
    assert answer["status"] == "failed"
    assert answer["iterations"] == MAX_TURNS
    assert "within 8 turns" in answer["error"]
    assert "2 proposed, 1 asked for" in answer["error"]


def test_the_overseer_comes_after_two_rejected_turns_and_not_after_the_last() -> None:
    answer = run(case(**WELDER), executor=Stubborn(Fill(workers=("W0001", "W0002"))))
    corrected = [e["turn"] for e in answer["log"] if e["kind"] == "overseer_correction"]
    assert corrected == [2, 4, 6]


def test_replies_that_cannot_be_read_are_empty_turns_and_not_a_crash() -> None:
    answer = run(case(**WELDER), executor=Stubborn(None), overseer=Mute())
    assert answer["status"] == "failed"
    assert kinds(answer).count("unreadable") == MAX_TURNS + 3
    assert "the weather" in answer["log"][0]["text"]
    assert "overseer_correction" not in kinds(answer)


def test_a_reviewer_cannot_accept_against_the_database() -> None:
    yes = Partial(Judgment(verdict="accept", reason="looks fine"))
    answer = run(case(**WELDER), executor=Stubborn(GiveUp(reason="tired")), reviewer=yes)
    assert answer["status"] == "failed"
    assert answer["iterations"] == MAX_TURNS
    assert "against the database" in answer["error"]


@pytest.mark.parametrize("judgment", [Judgment(verdict="reject", reason="I dislike it"), None])
def test_a_result_that_the_database_confirms_is_accepted_whatever_the_reviewer_says(
    judgment: Judgment | None,
) -> None:
    answer = run(case(**WELDER), reviewer=Partial(judgment))
    assert (answer["status"], answer["iterations"]) == ("ok", 2)
    *_, overruled, review = answer["log"]
    assert (overruled["kind"], review["kind"]) == ("reviewer_overruled", "review")
    assert review["accepted"] is True
    assert overruled["text"] == (judgment.reason if judgment else "The judgment could not be read.")


def test_a_give_up_that_the_database_confirms_is_one_to_learn_from() -> None:
    no = Partial(Judgment(verdict="reject", reason="look again"))
    asked = case(role="Astronaut", count=1, city="Toledo, OH")
    answer = run(asked, executor=Stubborn(GiveUp(reason="none there")), reviewer=no)
    assert answer["error"].endswith("none there; checked by the reviewer")
    given_up = asked.transcript.accepted_give_up
    assert given_up
    assert given_up.text == "none there"


def test_a_judgment_that_cannot_be_read_accepts_nothing_that_is_wrong() -> None:
    wrong = Stubborn(Fill(workers=("W0001", "W0002")))
    answer = run(case(**WELDER), executor=wrong, reviewer=Partial(None))
    assert answer["status"] == "failed"
    assert {"unreadable", "review"} <= set(kinds(answer))
    assert "2 proposed, 1 asked for" in answer["error"]


def test_usage_is_the_sum_over_every_call_the_overseer_included() -> None:
    answer = run(case(**WELDER), executor=Stubborn(None), overseer=Mute())
    # Eight executor turns and three overseer calls, for which the reviewer's model is asked.
    assert answer["artifact"]["usage"] == _usage(110, 11) | {
        "by_model": {
            MODELS["executor_model"]: _usage(80, 8),
            MODELS["reviewer_model"]: _usage(30, 3),
        }
    }


def _usage(prompt: int, completion: int) -> Json:
    total = prompt + completion
    tokens = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
    return tokens | {"estimated": False}


def test_people_are_shown_as_evidence_of_a_fill() -> None:
    (worker,) = run(case(**WELDER))["artifact"]["workers"]
    assert worker["role"] == "Welder"
    assert worker["city"] == "Toledo, OH"
    assert worker["miles"] == 0
