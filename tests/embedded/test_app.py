"""The gateway over its wire: what it refuses, what it answers, and that it learns."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from battery.embedded.forms import read_spec
from battery.embedded.lessons import Substitution
from battery.embedded.loop import MAX_TURNS
from battery.embedded.server import GatewayOptions, serving
from battery.protocol import (
    CHAT_PATH,
    DISTILL_PATH,
    RESPOND_PATH,
    Json,
    read_respond,
)
from battery.protocol.chat import chat_content
from tests.embedded.conftest import Serve
from tests.embedded.helpers import (
    MODELS,
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

pytestmark = pytest.mark.slow

TASK: Json = {
    "task_class": "staffing.fill",
    "operation": "fill: Welder x2 in Toledo, OH",
    "spec": {"role": "Welder", "count": 2, "city": "Toledo, OH"},
} | MODELS
CHAT: Json = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.1}
DISTILL = f"{DISTILL_PATH}?mode=distill"


def test_health_counts_what_the_gateway_holds(serve: Serve) -> None:
    client = serve()
    empty = {"status": "ok", "workers": 2000, "playbook_entries": 0, "frozen": False}
    assert client.get("/v1/health").json() == empty
    ask(client, TASK["spec"])
    distil(client)
    assert client.get("/v1/health").json() == empty | {"playbook_entries": 1}
    assert serve(frozen=True).get("/v1/health").json() == empty | {"frozen": True}


def test_an_answer_is_what_the_wire_promises(shared: httpx.Client) -> None:
    answer = shared.post(RESPOND_PATH, json=TASK).json()
    read = read_respond(answer)
    assert (read.status, read.iterations, read.error) == ("ok", 2, None)
    usage = answer["artifact"]["usage"]
    assert read.tokens == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["estimated"] is True
    assert all({"kind", "turn", "text"} <= entry.keys() for entry in answer["log"])


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (RESPOND_PATH, {key: TASK[key] for key in TASK if key != "operation"}, "operation"),
        (RESPOND_PATH, TASK | {"spec": "none"}, "spec"),
        (RESPOND_PATH, TASK | {"task_class": 1}, "task_class"),
        (RESPOND_PATH, TASK | {"phase": "alpha"}, "phase"),
        (RESPOND_PATH, [], ""),
        (CHAT_PATH, CHAT | {"messages": [{"role": "user"}]}, "messages[0].content"),
        (CHAT_PATH, CHAT | {"temperature": "warm"}, "temperature"),
        (DISTILL, {"source": "everything"}, "source"),
        (DISTILL, {"source": "outcomes_tail:0"}, "source"),
        (DISTILL, {"mode": "forget"}, "mode"),
        (DISTILL_PATH, {}, "mode"),
        (f"{DISTILL_PATH}?mode=forget", {}, "mode"),
    ],
)
def test_a_malformed_body_is_a_422_that_names_the_field(
    shared: httpx.Client, path: str, body: Any, field: str
) -> None:
    response = shared.post(path, json=body)
    assert response.status_code == 422
    assert response.json()["field"] == field
    assert response.json()["error"].startswith(field)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"spec": NaN}'])
def test_a_body_that_is_not_json_is_a_422(shared: httpx.Client, body: bytes) -> None:
    response = shared.post(RESPOND_PATH, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert "the body is not JSON" in response.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("POST", "/v1/completions", 404),
        ("GET", RESPOND_PATH, 405),
        ("DELETE", "/v1/health", 405),
    ],
)
def test_what_is_not_offered_is_said_in_json(
    shared: httpx.Client, method: str, path: str, status: int
) -> None:
    response = shared.request(method, path, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert response.json() == {"error": f"{method} {path} is not offered"}


def test_a_spec_that_does_not_parse_is_blocked_and_leaves_no_outcome(serve: Serve) -> None:
    client = serve()
    answer = ask(client, {"role": "Welder", "count": 0, "city": "Toledo, OH"})
    read = read_respond(answer)
    assert (read.status, read.iterations, read.tokens) == ("blocked", 0, 0)
    assert read.error
    assert read.error.startswith("spec.count: ")
    assert "Read 0 outcomes" in distil(client).result().text


def test_distilling_tells_of_its_work_and_ends_with_what_was_learned(serve: Serve) -> None:
    client = serve()
    ask(client, {"role": "Sparky", "count": 2, "city": "Memphis, TN"})
    events = distil(client).events
    roles = [event["role"] for event in events]
    assert roles == ["status", "status", "lesson", "lesson", "status", "final"]
    final = events[-1]["text"]
    assert "2 lessons learned" in final
    assert 'Where a task says role "Sparky", search for Electrician.' in final


def test_distilling_again_adds_nothing(serve: Serve) -> None:
    client = serve()
    ask(client, {"role": "Sparky", "count": 2, "city": "Memphis, TN"})
    distil(client)
    again = distil(client)
    assert again.events[-1]["learned"] == 0
    assert "Nothing new" in again.result().text
    assert client.get("/v1/health").json()["playbook_entries"] == 2


def test_only_the_tail_that_is_named_is_read(serve: Serve) -> None:
    client = serve()
    for city in ("Memphis, TN", "Omaha, NE", "Topeka, KS"):
        ask(client, {"role": "Plumber", "count": 1, "city": city})
    assert distil(client, "outcomes_tail:2").events[-1]["learned"] == 2
    assert distil(client, "outcomes_tail:3").events[-1]["learned"] == 1


def test_a_frozen_gateway_says_that_it_learns_nothing(serve: Serve) -> None:
    (event,) = distil(serve(frozen=True)).events
    assert event["role"] == "final"
    assert "never changes" in event["text"]


def test_a_chat_about_anything_else_is_answered_honestly_and_signed(shared: httpx.Client) -> None:
    answer = shared.post(CHAT_PATH, json=CHAT).json()
    text = chat_content(answer)
    assert "No language model is attached" in text
    assert text.rstrip().endswith("— rules (no language model)")
    assert answer["usage"]["estimated"] is True


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
    assert (read_respond(second).tokens or 0) > (read_respond(first).tokens or 0)


def test_an_answer_names_the_lessons_it_rests_on_by_their_fingerprint(serve: Serve) -> None:
    learner, frozen = serve(), serve(frozen=True)
    nonsense = TASK["spec"] | {"count": 0}
    marks: dict[str, list[str]] = {"learner": [], "frozen": []}
    for _ in range(2):
        for name, client in (("learner", learner), ("frozen", frozen)):
            for spec in (TASK["spec"], nonsense):
                marks[name].append(ask(client, spec)["artifact"]["memory_fingerprint"])
            distil(client)
    first, again, *later = marks["learner"]
    assert {first, again} == set(marks["frozen"])
    assert len(set(later)) == 1
    assert first not in later


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
    assert 1 <= (read.iterations or 0) <= MAX_TURNS
    assert read.tokens
    if read.status == "ok":
        assert len(chosen) == len(set(chosen)) == wanted.count
        assert set(chosen) <= able
        assert read.error is None
    else:
        assert read.status == "failed"
        assert len(able) < wanted.count
        assert read.error
        assert not chosen
