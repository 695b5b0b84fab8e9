"""Gateways that misbehave on purpose, over real HTTP."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import httpx
import pytest

from battery.embedded.dials import CROWDED_OUT, WARM_UP_S, Dials
from battery.embedded.loop import MAX_TURNS
from battery.protocol.wire import Json, read_respond
from tests.embedded.conftest import Serve
from tests.embedded.helpers import OTHER, SHIPPED, Asked, ask, ask_all, connect, distil
from tests.support.commands import start

EASY: Json = {"role": "Welder", "count": 2, "city": "Toledo, OH"}
HOPELESS: Json = {"role": "Astronaut", "count": 1, "city": "Toledo, OH"}
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
        assert distil(bluffer).text() == distil(honest).text()


def test_a_frozen_gateway_bluffs_too(serve: Serve) -> None:
    assert ask(serve(frozen=True, dials=Dials(bluff=True)), HOPELESS)["status"] == "ok"


def test_who_ran_out_of_turns_did_not_give_up_and_does_not_bluff(serve: Serve) -> None:
    client = serve(dials=Dials(bluff=True, forget_after=1))
    distil(client)
    assert ask(client, HOPELESS)["status"] == "failed"


def seconds(client: httpx.Client) -> float:
    begun = perf_counter()
    ask(client, EASY)
    return perf_counter() - begun


def test_a_gateway_warms_up_for_so_many_calls_and_answers_the_same(serve: Serve) -> None:
    """Only the least that a call can take is certain; that it is quick afterwards is not."""
    warming, warm = serve(dials=Dials(warm_up=3)), serve()
    assert min(seconds(warming) for _ in range(3)) >= WARM_UP_S
    assert ask(warming, EASY) == ask(warm, EASY)


def test_all_dials_are_off_unless_they_are_turned() -> None:
    assert Dials() == Dials(forget_after=None, bluff=False, warm_up=0)
    assert not Dials().forgets(1_000_000)


def test_the_command_turns_the_dials(tmp_path: Path) -> None:
    process = start(
        "gateway", "--port", 0, "--store", tmp_path, "--forget-after", 1, "--bluff", "--warm-up", 1
    )
    assert process.stdout
    try:
        with connect(process.stdout.readline().strip()) as client:
            assert seconds(client) >= WARM_UP_S
            assert ask(client, HOPELESS)["status"] == "ok"
            distil(client)
            assert CROWDED_OUT in ask(client, EASY)["error"]
    finally:
        process.terminate()
        process.communicate(timeout=30)
