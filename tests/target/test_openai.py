"""An OpenAI-compatible endpoint as the system under test: what it is sent, and what is read."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import AnswerError, CallError, StatusError, UnreachableError, UsageError
from battery.inputs.settings import Settings
from battery.records.events import Event, Notice
from battery.runner.run import run
from battery.target import kinds
from battery.target.openai import Way
from tests.support.model import USAGE, bodies, completion, says
from tests.support.server import Server, deserted_port, http

KEY = "sk-not-for-the-artifacts"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    write_tasks(tmp_path)
    return tmp_path


def write_tasks(folder: Path, **more: Any) -> None:
    phases = ("alpha_baseline", "beta_drift", "gamma_impossible")
    messages = [{"role": "system", "content": "x"}]
    specs: tuple[dict[str, Any], ...] = ({"prompt": "What is red?"}, {"messages": messages}, {})
    tasks = {
        phase: [{"task_class": "c", "operation": f"do {phase}", "spec": spec}]
        for phase, spec in zip(phases, specs, strict=True)
    }
    models = dict.fromkeys(("executor_cloud", "reviewer_cloud", "overseer_cloud"), "m-1")
    document = {"phases": tasks, "models": models} | more
    (folder / "tasks.json").write_text(json.dumps(document))


def settings(here: Path, url: str, **more: Any) -> Settings:
    base: dict[str, Any] = {"iterations": 2, "gateway": kinds.read(f"openai:{url}", {})}
    base |= {"seed": 1, "summaries": False}
    return Settings(folder=here / "data", tasks_path=here / "tasks.json", **(base | more))


def go(here: Path, url: str, **more: Any) -> list[Event]:
    told: list[Event] = []
    asyncio.run(run(settings(here, url, **more), told.append))
    return told


def runs(here: Path, number: int = 1) -> list[dict[str, Any]]:
    entries = json.loads((here / f"data/iter_{number}/runs.json").read_text())
    return [entry["result"] for entry in entries]


def test_a_task_is_a_chat_with_the_executor_model(here: Path) -> None:
    with Server(says(lambda _body: "Roses.")) as server:
        go(here, f"{server.url}/v1", iterations=1, no_control=True)
    first, second, third = bodies(server)
    assert {r.target for r in server.requests if r.body} == {"/v1/chat/completions"}
    assert (first["model"], first["messages"]) == (
        "m-1",
        [{"role": "user", "content": "What is red?"}],
    )
    assert second["messages"] == [{"role": "system", "content": "x"}]
    assert third["messages"] == [{"role": "user", "content": "do gamma_impossible"}]
    assert first.keys() == {"model", "messages", "user", "metadata"}
    answer = runs(here)[0]
    assert answer["artifact"] == {"text": "Roses.", "usage": USAGE | {"total_tokens": 40}}
    assert (answer["status"], answer["iterations"]) == ("ok", 1)
    assert answer["session"] == first["metadata"]["session_id"]


def test_the_learn_arm_is_one_user_and_the_frozen_arm_a_new_one_in_each_call(here: Path) -> None:
    with Server(says(lambda _body: "Roses.")) as server:
        told = go(here, f"{server.url}/v1")
    users = [body["user"] for body in bodies(server)]
    counts = sorted(users.count(user) for user in set(users))
    # Three tasks in two iterations and two arms.
    assert counts == [1] * 6 + [6]
    sessions = [body["metadata"]["session_id"] for body in bodies(server)]
    assert len(set(sessions)) == 12
    assert not any("learn" in str(body) or "frozen" in str(body) for body in bodies(server))
    warned = [event.text for event in told if isinstance(event, Notice) and event.warning]
    assert [text for text in warned if "another user in each call" in text]


def test_a_resume_is_the_same_user_and_asks_nothing_twice(here: Path) -> None:
    calls = 0

    def script(_body: dict[str, Any]) -> dict[str, Any] | str:
        nonlocal calls
        calls += 1
        return {"error": {"message": "overloaded"}} if calls == 3 else "Roses."

    with Server(says(script)) as server:
        with pytest.raises(AnswerError, match="it reports an error: overloaded"):
            go(here, f"{server.url}/v1", iterations=1, no_control=True)
        go(here, f"{server.url}/v1", iterations=None, resume=True, seed=None)
    assert len({body["user"] for body in bodies(server)}) == 1
    assert len(bodies(server)) == 4


@pytest.mark.parametrize(
    ("answer", "text", "note"),
    [
        (completion("", "length"), "", "a text was expected, got an empty string; finish_reason"),
        (completion("half a thou", "length"), "half a thou", "was cut: finish_reason is 'length'"),
        (completion(None, "tool_calls", tool_calls=[{}]), "", "no text came, only calls of tools"),
        (completion(None, refusal="I will not."), "I will not.", "the model refused"),
    ],
)
def test_a_model_that_says_nothing_has_answered(
    here: Path, answer: dict[str, Any], text: str, note: str
) -> None:
    with Server(says(lambda _body: answer)) as server:
        go(here, server.url, iterations=1, no_control=True)
    first = runs(here)[0]
    assert first["artifact"]["text"] == text
    assert first["log"][0]["kind"] == "answer_note"
    assert note in first["log"][0]["text"]


@pytest.mark.parametrize(
    "answer",
    [
        {"error": {"message": "no such model"}},
        completion("half") | {"error": {"message": "the provider broke off"}},
        {"choices": []},
        {"answer": 42},
        completion("x") | {"choices": [{"message": {"content": 5}}]},
    ],
)
def test_an_error_is_no_answer_though_the_status_is_200(here: Path, answer: Any) -> None:
    with Server(says(lambda _body: answer)) as server, pytest.raises(AnswerError) as caught:
        go(here, f"{server.url}/v1", no_control=True)
    assert f"chat for 'do alpha_baseline' with model 'm-1': the answer of {server.url}/v1" in str(
        caught.value
    )
    assert len(bodies(server)) == 1


def test_what_a_refusal_of_unknown_keys_comes_from_is_said(here: Path) -> None:
    refusing = Server(lambda exchange: exchange.send(http("metadata?", status="422 No")))
    with refusing as server, pytest.raises(StatusError) as caught:
        go(here, server.url)
    assert "does it refuse `user` or `metadata`" in str(caught.value.hint)


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "BATTERY_TARGET_KEY"])
def test_the_key_is_sent_and_kept_nowhere(
    here: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, KEY)
    with Server(says(lambda _body: f"You said {KEY}.")) as server:
        go(here, server.url, iterations=1)
    assert {r.headers["authorization"] for r in server.requests if r.body} == {f"Bearer {KEY}"}
    files = [path for path in (here / "data").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_several_tasks_are_asked_at_the_same_time(here: Path) -> None:
    with Server(says(lambda _body: "Roses.")) as server:
        go(here, server.url, iterations=1, concurrency=3, no_control=True)
    assert len(bodies(server)) == 3


def test_nothing_is_claimed_of_a_memory_that_battery_does_not_see(here: Path) -> None:
    with Server(says(lambda _body: "Roses.")) as server:
        go(here, server.url, iterations=1)
    assert not (here / "data/memory").exists()
    assert "memory_fingerprint" not in (here / "data/iter_1/journal.jsonl").read_text()


def test_a_key_that_is_missing_is_said_before_anything_is_asked(here: Path) -> None:
    refusing = Server(lambda exchange: exchange.send(http(status="401 No")))
    with refusing as server, pytest.raises(UnreachableError) as caught:
        go(here, server.url)
    assert "set OPENAI_API_KEY" in str(caught.value.hint)
    assert [request.method for request in server.requests] == ["GET"]


def test_nobody_there_is_said_with_what_to_do(here: Path) -> None:
    with pytest.raises(UnreachableError, match="cannot connect"):
        go(here, f"http://127.0.0.1:{deserted_port()}/v1")


def test_a_model_that_the_endpoint_does_not_know_is_said_with_where_it_is_named(
    here: Path,
) -> None:
    refusing = Server(lambda exchange: exchange.send(http("no such model", status="404 No")))
    with refusing as server, pytest.raises(CallError) as caught:
        go(here, server.url)
    assert "models.executor_cloud" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["openai:", "openai:localhost:80", "openai:http://h/v1?key=1"])
def test_a_text_that_names_no_url_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        kinds.read(text, {})


@pytest.mark.parametrize(
    ("way", "body", "headers"),
    [
        ("user", {"user": "7"}, {}),
        ("metadata.a.b", {"metadata": {"a": {"b": "7"}}}, {}),
        ("header:X-Session", {}, {"X-Session": "7"}),
        ("", {}, {}),
    ],
)
def test_an_id_goes_where_it_is_to_go(way: str, body: Any, headers: Any) -> None:
    put: tuple[dict[str, Any], dict[str, str]] = {}, {}
    Way(way).put("7", *put)
    assert put == (body, headers)
