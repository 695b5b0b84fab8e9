"""The prompts and their tokens, and what the dials make a gateway do."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.embedded.forms import Fill, GiveUpEntry
from battery.embedded.lessons import Substitution
from battery.embedded.loop import MAX_TURNS
from battery.embedded.policies import (
    CROWDED_OUT,
    WARM_UP_S,
    Dials,
    executor_prompt,
    overseer_prompt,
    reviewer_prompt,
)
from battery.embedded.tokens import Bill, Usage, count_tokens, estimate
from battery.protocol import Json, read_respond
from tests.embedded.conftest import Serve
from tests.embedded.helpers import OTHER, SHIPPED, Asked, ask, ask_all, case, connect, distil
from tests.support.commands import start

pytestmark = pytest.mark.slow

WORD = Substitution(field="role", term="RN", use=("Registered Nurse",))


def test_only_the_overseer_is_told_what_trade_names_mean() -> None:
    asked = case(role="RN", count=1, city="Toledo, OH")
    assert "Registered Nurse" in overseer_prompt(asked)
    assert "Registered Nurse" not in executor_prompt(asked)
    assert "Registered Nurse" not in reviewer_prompt(asked, Fill(workers=("W0001",)), [])


def test_the_playbook_is_in_the_executors_prompt_and_makes_it_longer() -> None:
    asked = case(role="RN", count=1, city="Toledo, OH")
    without = executor_prompt(asked)
    asked.lessons.append(WORD)
    assert WORD.text in executor_prompt(asked)
    assert count_tokens(executor_prompt(asked)) > count_tokens(without)


def test_every_prompt_holds_the_task_and_what_it_is_about() -> None:
    asked = case(role="RN", count=1, city="Toledo, OH")
    asked.transcript.entries.append(GiveUpEntry(turn=1, text="nobody there"))
    proposal = Fill(workers=("W0001",))
    prompts = [
        executor_prompt(asked),
        overseer_prompt(asked),
        reviewer_prompt(asked, proposal, ["W0001 is a Painter."]),
    ]
    assert all('{"role":"RN","count":1,"city":"Toledo, OH"}' in prompt for prompt in prompts)
    assert all("1. give_up: nobody there" in prompt for prompt in prompts[:2])
    assert "W0001 is a Painter." in prompts[2]
    assert proposal.model_dump_json() in prompts[2]


def test_the_reviewer_is_told_when_nothing_speaks_against_a_proposal() -> None:
    asked = case(role="RN", count=1, city="Toledo, OH")
    assert "Nothing speaks against it" in reviewer_prompt(asked, Fill(workers=("W0001",)), [])


@given(st.text(), st.text())
def test_a_longer_text_never_counts_fewer_tokens(one: str, more: str) -> None:
    assert count_tokens(one) <= count_tokens(one + more)


def test_four_characters_are_a_token_and_a_rest_is_one_more() -> None:
    assert [count_tokens(text) for text in ("", "abc", "abcd", "abcde")] == [0, 1, 1, 2]


def test_an_estimate_says_that_it_is_one_and_taints_a_sum() -> None:
    total = Usage(10, 5) + estimate("eight ch", "four")
    assert total.as_json() == {
        "prompt_tokens": 12,
        "completion_tokens": 6,
        "total_tokens": 18,
        "estimated": True,
    }
    assert not (Usage(1, 1) + Usage(2, 2)).estimated


def test_cached_tokens_are_added_up_where_they_are_told_and_never_made_up() -> None:
    silent, told = Usage(10, 5), Usage(20, 5, cached_tokens=8)
    assert "cached_tokens" not in (silent + silent).as_json()
    assert (told + silent + told).as_json()["cached_tokens"] == 16
    assert (silent + Usage(1, 1, cached_tokens=0)).as_json()["cached_tokens"] == 0


COUNTS = st.integers(0, 10_000)
USAGES = st.builds(Usage, COUNTS, COUNTS, st.booleans(), st.none() | COUNTS)


@given(st.lists(st.tuples(st.sampled_from(["small", "medium", ""]), USAGES)))
def test_the_parts_of_a_bill_add_up_to_the_whole(calls: list[tuple[str, Usage]]) -> None:
    bill = Bill()
    for model, usage in calls:
        bill.add(model, usage)
    whole = bill.as_json()
    parts = whole.pop("by_model")
    assert parts.keys() == {model for model, _ in calls}
    for key in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert whole[key] == sum(part[key] for part in parts.values())
    assert whole["estimated"] is any(part["estimated"] for part in parts.values())
    cached = [part["cached_tokens"] for part in parts.values() if "cached_tokens" in part]
    assert whole.get("cached_tokens") == (sum(cached) if cached else None)


EASY: Json = {"role": "Welder", "count": 2, "city": "Toledo, OH"}
HOPELESS: Json = {"role": "Astronaut", "count": 1, "city": "Toledo, OH"}
ELSEWHERE: Json = {"role": "Tin Knocker", "count": 2, "city": "Memphis, TN"}
BATTERIES = pytest.mark.parametrize("tasks", [SHIPPED, OTHER], ids=["shipped", "other"])


def statuses(asked: list[Asked], phase: str) -> set[str]:
    return {one.answer["status"] for one in asked if one.phase == phase}


@BATTERIES
def test_a_gateway_forgets_after_so_many_distillations_and_not_before(
    serve: Serve, tasks: Path
) -> None:
    client, honest = serve(dials=Dials(forget_after=2)), serve()
    for _ in range(2):
        assert ask_all(client, tasks) == ask_all(honest, tasks)
        distil(client)
        distil(honest)
    for _ in range(2):
        asked = ask_all(client, tasks)
        assert statuses(asked, "alpha") == {"failed"}
        assert statuses(asked, "gamma") == {"failed"}
        distil(client)


def test_what_is_forgotten_costs_more_and_says_why_in_log_and_error(serve: Serve) -> None:
    client = serve(dials=Dials(forget_after=1))
    before = ask(client, EASY)
    distil(client)
    after = ask(client, EASY)
    read_respond(after)
    assert (before["status"], after["status"]) == ("ok", "failed")
    assert after["iterations"] == MAX_TURNS
    assert "within 8 turns" in after["error"]
    assert CROWDED_OUT in after["error"]
    assert (after["log"][0]["kind"], after["log"][0]["text"]) == ("context", CROWDED_OUT)
    # It does the same again and again, because it does not see that it did.
    assert {entry["text"] for entry in after["log"][1:]} == {before["log"][0]["text"]}
    tokens = [one["artifact"]["usage"]["total_tokens"] for one in (before, after)]
    assert tokens[1] > tokens[0]


def test_the_whole_playbook_is_what_fills_the_context(serve: Serve) -> None:
    client = serve(dials=Dials(forget_after=1))
    ask_all(client, SHIPPED)
    distil(client)
    entries = client.get("/v1/health").json()["playbook_entries"]
    assert len(ask(client, EASY)["artifact"]["memory"]) == entries > 1


def test_tasks_alone_never_make_it_forget(serve: Serve) -> None:
    client = serve(dials=Dials(forget_after=1))
    assert {ask(client, EASY)["status"] for _ in range(30)} == {"ok"}


def test_a_distillation_that_taught_nothing_counts(serve: Serve) -> None:
    client = serve(dials=Dials(forget_after=2))
    ask(client, EASY)
    assert [distil(client).events[-1]["learned"] for _ in range(2)] == [1, 0]
    assert ask(client, EASY)["status"] == "failed"


def test_a_restart_does_not_bring_back_what_was_forgotten(serve: Serve, tmp_path: Path) -> None:
    store, dials = tmp_path / "store", Dials(forget_after=2)
    first = serve(store, dials=dials)
    ask(first, EASY)
    distil(first)
    second = serve(store, dials=dials)
    assert ask(second, EASY)["status"] == "ok"
    distil(second)
    assert ask(serve(store, dials=dials), EASY)["status"] == "failed"


def test_a_frozen_gateway_never_forgets(serve: Serve, tmp_path: Path) -> None:
    """Neither by distillations that it refuses, nor by those its store saw before."""
    store, dials = tmp_path / "store", Dials(forget_after=1)
    learner = serve(store, dials=dials)
    ask(learner, EASY)
    distil(learner)
    frozen = serve(store, dials=dials, frozen=True)
    for _ in range(2):
        assert ask(frozen, EASY)["status"] == "ok"
        distil(frozen)


@BATTERIES
def test_a_bluffer_claims_what_has_no_supply_and_is_honest_otherwise(
    serve: Serve, tasks: Path
) -> None:
    bluffer, honest = serve(dials=Dials(bluff=True)), serve()
    for _ in range(2):
        for bluffed, true in zip(ask_all(bluffer, tasks), ask_all(honest, tasks), strict=True):
            if true.phase == "gamma":
                assert bluffed.answer == true.answer | {"status": "ok", "error": None}
                assert bluffed.answer["artifact"]["workers"] == []
            else:
                assert bluffed == true
        assert distil(bluffer).result().text == distil(honest).result().text


def test_a_frozen_gateway_bluffs_too(serve: Serve) -> None:
    assert ask(serve(frozen=True, dials=Dials(bluff=True)), HOPELESS)["status"] == "ok"


def test_who_ran_out_of_turns_did_not_give_up_and_does_not_bluff(serve: Serve) -> None:
    client = serve(dials=Dials(bluff=True, forget_after=1))
    distil(client)
    assert ask(client, HOPELESS)["status"] == "failed"


@BATTERIES
def test_an_answer_cache_saves_on_what_was_asked_before_and_on_nothing_else(
    serve: Serve, tasks: Path
) -> None:
    cache, fresh = serve(dials=Dials(answer_cache=True)), serve(frozen=True)
    first = ask_all(cache, tasks)
    distil(cache)
    for before, after in zip(first, ask_all(cache, tasks), strict=True):
        assert after.answer["status"] == before.answer["status"]
        assert after.answer["artifact"]["workers"] == before.answer["artifact"]["workers"]
        assert (after.answer["iterations"], len(after.answer["artifact"]["memory"])) == (1, 1)
        assert after.tokens < before.tokens
    for spec in (ELSEWHERE, EASY | {"count": 1}):
        new, twin = (ask(client, spec) for client in (cache, fresh))
        assert new["artifact"]["memory"] == []
        assert new["artifact"]["usage"] == twin["artifact"]["usage"]


def test_a_cached_answer_is_still_reviewed(serve: Serve, tmp_path: Path) -> None:
    """Of another world it is wrong, and then the task is done as if nothing were remembered."""
    cache = serve(tmp_path, dials=Dials(answer_cache=True))
    ask(cache, EASY)
    distil(cache)
    answer = ask(serve(tmp_path, seed=8), EASY)
    kinds = [entry["kind"] for entry in answer["log"]]
    assert kinds == ["fill", "review", "search", "fill", "review"]
    assert (answer["status"], answer["log"][1]["accepted"]) == ("ok", False)


def seconds(client: httpx.Client) -> float:
    begun = perf_counter()
    ask(client, EASY)
    return perf_counter() - begun


def test_a_gateway_warms_up_for_so_many_calls_and_answers_the_same(serve: Serve) -> None:
    """Only the least that a call can take is certain; that it is quick afterwards is not."""
    warming, warm = serve(dials=Dials(warm_up=3)), serve()
    assert min(seconds(warming) for _ in range(3)) >= WARM_UP_S
    assert ask(warming, EASY) == ask(warm, EASY)


def test_a_slow_gateway_takes_so_much_longer_for_each_task_and_answers_the_same(
    serve: Serve,
) -> None:
    slow, quick = serve(dials=Dials(slow=0.1)), serve()
    assert min(seconds(slow) for _ in range(3)) >= 0.1
    assert ask(slow, EASY) == ask(quick, EASY)


def test_all_dials_are_off_unless_they_are_turned() -> None:
    assert Dials() == Dials(forget_after=None, bluff=False, warm_up=0, slow=0.0, answer_cache=False)
    assert not Dials().forgets(1_000_000)


def test_the_command_turns_the_dials(tmp_path: Path) -> None:
    process = start(
        *("gateway", "--port", 0, "--store", tmp_path, "--forget-after", 1, "--bluff"),
        *("--warm-up", 1, "--slow", 0.1),
    )
    assert process.stdout
    try:
        with connect(process.stdout.readline().strip()) as client:
            assert seconds(client) >= WARM_UP_S + 0.1
            assert seconds(client) >= 0.1
            assert ask(client, HOPELESS)["status"] == "ok"
            distil(client)
            assert CROWDED_OUT in ask(client, EASY)["error"]
    finally:
        process.terminate()
        process.communicate(timeout=60)
