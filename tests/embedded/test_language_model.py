"""The loop driven by a language model: a real endpoint on loopback that thinks a little."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from battery.base.errors import UsageError
from battery.embedded.server import GatewayOptions, serving
from battery.protocol import CHAT_PATH, RESPOND_PATH, Json
from battery.protocol.chat import chat_content
from tests.embedded.conftest import Serve
from tests.embedded.fake_model import FakeModel, fake_model
from tests.embedded.helpers import ask, connect, distil

pytestmark = pytest.mark.slow

KEY = "sk-very-secret"
SPARKY = {"role": "Sparky", "count": 2, "city": "Memphis, TN"}


@pytest.fixture(scope="module")
def model() -> Iterator[FakeModel]:
    with fake_model() as server:
        yield server


@pytest.fixture(scope="module")
def client(model: FakeModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Connect to a gateway that no test lets distil, so that it stays as it was."""
    options = GatewayOptions(
        store=tmp_path_factory.mktemp("memory"), model_url=model.url, model_key=KEY
    )
    with serving(options) as url, connect(url) as connected:
        yield connected


@pytest.fixture
def learning(model: FakeModel, serve: Serve) -> httpx.Client:
    """Connect to a gateway with a memory of its own."""
    return serve(model_url=model.url, model_key=KEY)


def respond(client: httpx.Client, **models: str) -> httpx.Response:
    task = {"task_class": "t", "operation": "o", "spec": SPARKY}
    named = {"executor_model": "executor", "reviewer_model": "reviewer"} | models
    return client.post(RESPOND_PATH, json=task | named)


def chat(client: httpx.Client, model: str) -> httpx.Response:
    messages = [{"role": "user", "content": "You check the work. Say something."}]
    return client.post(
        CHAT_PATH,
        json={"model": model, "messages": messages, "temperature": 0.2, "think": True},
    )


def test_the_same_loop_runs_with_a_model_in_every_part(client: httpx.Client) -> None:
    answer = ask(client, SPARKY)
    assert [entry["kind"] for entry in answer["log"]] == [
        *("search", "give_up", "review", "overseer_correction"),
        *("search", "fill", "review"),
    ]
    assert answer["status"] == "ok"
    assert {worker["role"] for worker in answer["artifact"]["workers"]} == {"Electrician"}


def test_what_a_model_learned_comes_back_in_its_prompt(learning: httpx.Client) -> None:
    before = ask(learning, SPARKY)
    distil(learning)
    after = ask(learning, SPARKY)
    assert (before["iterations"], after["iterations"]) == (4, 2)


def test_an_impossible_task_fails_with_the_models_own_evidence(client: httpx.Client) -> None:
    answer = ask(client, {"role": "Astronaut", "count": 1, "city": "Memphis, TN"})
    assert answer["status"] == "failed"
    assert "nobody found for Astronaut" in answer["error"]


def test_each_part_asks_for_its_model_and_tokens_are_those_the_endpoint_reports(
    client: httpx.Client, model: FakeModel
) -> None:
    asked_before = len(model.asked)
    answer = respond(client).json()
    asked = model.asked[asked_before:]
    # The overseer has no name of its own in a respond call.
    assert [body["model"] for _, body in asked] == [
        *("executor", "executor", "reviewer", "reviewer", "executor", "executor", "reviewer"),
    ]
    usage = answer["artifact"]["usage"]
    prompts = [body["messages"][0]["content"] for _, body in asked]
    assert usage["prompt_tokens"] == sum(len(prompt) for prompt in prompts)
    assert usage["estimated"] is False


def test_an_endpoint_that_reports_no_usage_is_estimated_and_marked(client: httpx.Client) -> None:
    answer = respond(client, reviewer_model="uncounted").json()
    assert answer["status"] == "ok"
    assert answer["artifact"]["usage"]["estimated"] is True


@pytest.mark.parametrize("part", ["executor_model", "reviewer_model"])
def test_a_model_that_babbles_fails_the_task_and_not_the_gateway(
    client: httpx.Client, part: str
) -> None:
    response = respond(client, **{part: "babbling"})
    assert response.status_code == 200
    answer = response.json()
    assert (answer["status"], answer["iterations"]) == ("failed", 8)
    assert any(entry["kind"] == "unreadable" for entry in answer["log"])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("broken", "status 500: no: Bearer [redacted]"),
        ("html", "unexpected character"),
        ("silent", "choices[0].message.content: a text was expected, got an empty string"),
    ],
)
def test_an_endpoint_that_fails_is_a_502_with_the_reason_and_never_the_key(
    client: httpx.Client, name: str, reason: str
) -> None:
    for response in (respond(client, executor_model=name), chat(client, name)):
        assert response.status_code == 502
        assert f"the model endpoint failed for {name}" in response.json()["error"]
        assert reason in response.json()["error"]
        assert KEY not in response.text


def test_a_good_answer_never_has_the_key(client: httpx.Client) -> None:
    assert chat_content(chat(client, "echoing").json()) == "## What worked: BEARER [redacted]"


def test_a_task_whose_model_failed_leaves_no_outcome_to_learn_from(learning: httpx.Client) -> None:
    respond(learning, executor_model="broken")
    assert "Read 0 outcomes" in distil(learning).text()


def test_an_endpoint_that_is_not_there_is_a_502(serve: Serve) -> None:
    with fake_model() as gone:
        url = gone.url
    response = respond(serve(model_url=url, model_key=KEY))
    assert response.status_code == 502
    assert "connection" in response.json()["error"].lower()


def test_a_chat_is_passed_on_with_the_key_and_without_the_batterys_own_words(
    client: httpx.Client, model: FakeModel
) -> None:
    answer: Json = chat(client, "large").json()
    headers, body = model.asked[-1]
    assert "accept" in chat_content(answer) or "reject" in chat_content(answer)
    assert headers["authorization"] == f"Bearer {KEY}"
    assert sorted(body) == ["messages", "model", "temperature"]
    assert answer["usage"]["estimated"] is False


def test_the_key_is_written_nowhere(model: FakeModel, serve: Serve, tmp_path: Path) -> None:
    store = tmp_path / "store"
    client = serve(store, model_url=model.url, model_key=KEY)
    texts = [json.dumps(ask(client, SPARKY)), client.get("/v1/health").text]
    distil(client)
    texts += [path.read_text() for path in store.iterdir()]
    texts.append(repr(GatewayOptions(store=store, model_key=KEY)))
    assert len(texts) == 5
    assert all(KEY not in text for text in texts)


def test_a_call_that_hangs_in_the_model_does_not_keep_the_gateway_from_stopping(
    model: FakeModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = threading.enumerate()
    failed: list[Exception] = []

    def call(url: str) -> None:
        try:
            with connect(url) as client:
                respond(client, executor_model="hanging").raise_for_status()
        except httpx.HTTPError as error:
            failed.append(error)

    options = GatewayOptions(store=tmp_path, model_url=model.url)
    with serving(options) as url:
        caller = threading.Thread(target=call, args=(url,))
        caller.start()
        assert model.busy.wait(20)
    caller.join()
    assert len(failed) == 1
    assert capfd.readouterr() == ("", "")
    # The fake model's own thread still waits; the gateway's must be gone.
    after = [thread for thread in threading.enumerate() if thread not in before]
    assert "gateway" not in {thread.name for thread in after}


@pytest.mark.parametrize(
    "wrong",
    [
        {"model_url": "not a url"},
        {"model_url": "ftp://host/v1"},
        {"model_url": "http:///v1"},
        {"model_url": f"http://user:{KEY}/v1"},
        {"model_url": "http://host/v1", "model_key": f"{KEY}\nx"},
    ],
)
def test_a_url_or_key_that_cannot_be_used_is_refused_without_showing_it(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    with pytest.raises(UsageError) as caught, serving(GatewayOptions(store=tmp_path, **wrong)):
        pass
    assert caught.value.hint
    assert KEY not in str(caught.value)
