"""What must hold of the embedded gateway, over real HTTP, for the shipped tasks and for others."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from battery.embedded.lessons import Substitution
from battery.embedded.loop import MAX_TURNS
from battery.embedded.server import GatewayOptions, serving
from battery.embedded.spec import read_spec
from battery.protocol.wire import Json, read_respond
from tests.embedded.conftest import Serve
from tests.embedded.helpers import (
    OTHER,
    SHIPPED,
    Asked,
    ask,
    ask_all,
    connect,
    distil,
    fitting,
    specs,
)

BATTERIES = pytest.mark.parametrize("tasks", [SHIPPED, OTHER], ids=["shipped", "other"])


class Rounds(NamedTuple):
    """A battery asked on a fresh gateway, and again after one distillation."""

    before: list[Asked]
    after: list[Asked]


@pytest.fixture(scope="module", params=[SHIPPED, OTHER], ids=["shipped", "other"])
def rounds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rounds:
    options = GatewayOptions(store=tmp_path_factory.mktemp("memory"))
    with serving(options) as url, connect(url) as client:
        before = ask_all(client, request.param)
        distil(client)
        return Rounds(before, ask_all(client, request.param))


def of(asked: list[Asked], phase: str) -> list[Asked]:
    chosen = [one for one in asked if one.phase == phase]
    assert chosen
    return chosen


def test_alpha_ends_ok_without_the_overseer(rounds: Rounds) -> None:
    for one in of(rounds.before + rounds.after, "alpha"):
        assert (one.answer["status"], one.overseer_called) == ("ok", False), one.operation


def test_beta_needs_the_overseer_before_distillation_and_not_after(rounds: Rounds) -> None:
    before, after = (of(asked, "beta") for asked in rounds)
    assert {(one.answer["status"], one.overseer_called) for one in before} == {("ok", True)}
    assert {(one.answer["status"], one.overseer_called) for one in after} == {("ok", False)}


def test_gamma_fails_with_the_searches_as_evidence_before_and_after(rounds: Rounds) -> None:
    for one in of(rounds.before + rounds.after, "gamma"):
        assert one.answer["status"] == "failed"
        searches = one.answer["artifact"]["searches"]
        assert searches
        for made in searches:
            assert f"{made['search']}: {made['found']} found" in one.answer["error"]
        # The reviewer looked again in this very run; a remembered dead end is no proof.
        assert one.answer["log"][-1]["kind"] == "review"
        assert one.answer["log"][-1]["accepted"]


def test_gamma_costs_no_more_than_the_dearest_task_that_can_be_done(rounds: Rounds) -> None:
    dearest = max(one.tokens for one in of(rounds.before, "beta"))
    assert all(one.tokens <= dearest for one in of(rounds.before, "gamma"))


def test_learning_saves_tokens_and_turns_and_proven_dead_ends_save_turns_too(
    rounds: Rounds,
) -> None:
    assert sum(one.tokens for one in rounds.after) < sum(one.tokens for one in rounds.before)
    for phase in ("beta", "gamma"):
        before, after = (sum(o.answer["iterations"] for o in of(run, phase)) for run in rounds)
        assert after < before


@BATTERIES
def test_a_frozen_gateway_answers_the_same_byte_for_byte(serve: Serve, tasks: Path) -> None:
    client = serve(frozen=True)
    texts = []
    for _ in range(3):
        texts.append(json.dumps([one.answer for one in ask_all(client, tasks)]))
        assert distil(client).events[-1]["learned"] == 0
    assert texts[0] == texts[1] == texts[2]
    assert client.get("/v1/health").json()["playbook_entries"] == 0


def test_two_fresh_gateways_give_the_same_answers(serve: Serve) -> None:
    one, other = (ask_all(serve(), SHIPPED) for _ in range(2))
    assert [asked.answer for asked in one] == [asked.answer for asked in other]


def test_playbook_text_in_the_prompt_is_paid_for(serve: Serve) -> None:
    """A task that went straight before costs a little more with a memory, and that is counted."""
    client = serve()
    spec = {"role": "Welder", "count": 2, "city": "Toledo, OH"}
    first = ask(client, spec)
    distil(client)
    second = ask(client, spec)
    assert first["iterations"] == second["iterations"] == 2
    assert second["artifact"]["memory"] == ["plan/welder/toledo, oh/"]
    assert read_respond(second).tokens > read_respond(first).tokens


def test_what_was_learned_of_a_word_helps_in_another_city(serve: Serve) -> None:
    client = serve()
    ask(client, {"role": "Tin Knocker", "count": 2, "city": "Pittsburgh, PA"})
    distil(client)
    elsewhere = ask(client, {"role": "Tin Knocker", "count": 3, "city": "Memphis, TN"})
    assert elsewhere["status"] == "ok"
    assert elsewhere["iterations"] == 2


def test_a_wrong_lesson_is_tried_rejected_and_replaced_by_the_right_one(
    serve: Serve, tmp_path: Path
) -> None:
    wrong = Substitution(field="role", term="Sparky", use=("Plumber",))
    (tmp_path / "distilled_0.jsonl").write_text(wrong.model_dump_json() + "\n")
    client = serve(tmp_path)
    spec = {"role": "Sparky", "count": 2, "city": "Memphis, TN"}
    misled = ask(client, spec)
    assert misled["log"][0]["search"]["role"] == "Plumber"
    assert "is a Plumber, not a Sparky" in misled["log"][2]["text"]
    assert misled["status"] == "ok"
    distil(client)
    healed = ask(client, spec)
    assert (healed["status"], healed["iterations"]) == ("ok", 2)
    assert healed["log"][0]["search"]["role"] == "Electrician"


def test_a_playbook_of_another_world_cannot_make_a_wrong_result_pass(
    serve: Serve, tmp_path: Path
) -> None:
    """The store learned on one seed; on another the reviewer rejects what does not hold there."""
    store = tmp_path / "memory"
    teacher = serve(store)
    ask_all(teacher, SHIPPED)
    distil(teacher)
    answers = [one.answer for one in ask_all(serve(store, seed=8), SHIPPED)]
    assert all(answer["artifact"]["memory"] for answer in answers)
    assert all(answer["log"][-1]["accepted"] for answer in answers)


def test_a_gateway_asked_from_eight_threads_answers_as_one_after_the_other(
    serve: Serve,
) -> None:
    tasks = [task for phase in json.loads(SHIPPED.read_text())["phases"].values() for task in phase]
    frozen = serve(frozen=True)
    expected = [ask(frozen, task["spec"]) for task in tasks]
    client = serve()
    with ThreadPoolExecutor(8) as pool:
        many = list(pool.map(lambda task: ask(client, task["spec"]), tasks * 5))
        streams = list(pool.map(lambda _: distil(client, "outcomes_tail:100"), range(4)))
    assert many == expected * 5
    # Whoever came first learned everything; nobody learned anything twice.
    learned = sum(stream.events[-1]["learned"] for stream in streams)
    assert learned == client.get("/v1/health").json()["playbook_entries"] > 0


@given(spec=specs())
@example(spec={"role": "RN", "count": 1, "city": "Superior, WI", "radius_miles": 1})
@example(spec={"role": "\x00\"' OR *", "count": 1, "city": "Toledo, OH"})
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_any_spec_in_the_format_is_answered_truthfully(shared: httpx.Client, spec: Json) -> None:
    check_answer(spec, ask(shared, spec))


@given(batch=st.lists(specs(), min_size=2, max_size=6))
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_answers_stay_truthful_while_the_memory_fills(
    shared: httpx.Client, batch: list[Json]
) -> None:
    for spec in batch:
        ask(shared, spec)
    distil(shared)
    for spec in batch:
        check_answer(spec, ask(shared, spec))


def check_answer(spec: Json, answer: Json) -> None:
    """Hold an answer against everybody in the world, one by one."""
    read = read_respond(answer)
    wanted = read_spec(spec)
    able = fitting(wanted)
    chosen = [worker["id"] for worker in answer["artifact"]["workers"]]
    assert 1 <= read.iterations <= MAX_TURNS
    assert read.tokens > 0
    if read.status == "ok":
        assert len(chosen) == len(set(chosen)) == wanted.count
        assert set(chosen) <= able
        assert read.error is None
    else:
        assert read.status == "failed"
        assert len(able) < wanted.count
        assert read.error
        assert not chosen
