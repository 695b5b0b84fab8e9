"""The loop driven by a language model: a real endpoint on loopback that thinks a little."""

from __future__ import annotations

import asyncio
import base64
import gzip
import html
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from battery.base import loop
from battery.base.errors import UsageError
from battery.embedded import language_model
from battery.embedded.language_model import LanguageModel
from battery.embedded.policies import PolicyError
from battery.embedded.server import GatewayOptions, serving
from battery.protocol import CHAT_PATH, RESPOND_PATH, ChatMessage, ChatRequest, Json
from battery.protocol.chat import chat_content
from battery.protocol.limits import MAX_ANSWER_BYTES
from tests.embedded.conftest import Serve
from tests.embedded.fake_model import FakeModel, fake_model
from tests.embedded.helpers import ask, connect, distil
from tests.support.commands import battery, write_tasks
from tests.support.impatience import impatient
from tests.support.misbehaving import Script, Server, closing, http, repeating, sending, stalling

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
    by_model = usage["by_model"]
    assert by_model.keys() == {"executor", "reviewer"}
    for name, spent in by_model.items():
        own = [body["messages"][0]["content"] for _, body in asked if body["model"] == name]
        assert spent["prompt_tokens"] == sum(map(len, own))


@pytest.mark.parametrize(
    ("name", "asked", "sent"),
    [
        ("executor", 1, ["max_tokens", "response_format"]),
        ("refuses response_format", 2, ["max_tokens"]),
        ("names response_format", 2, ["max_tokens"]),
        ("names max_tokens", 2, ["response_format"]),
        ("refuses max_tokens", 3, []),
    ],
)
def test_what_an_endpoint_refuses_is_left_out_from_then_on(
    model: FakeModel, tmp_path: Path, name: str, asked: int, sent: list[str]
) -> None:
    with serving(GatewayOptions(store=tmp_path, model_url=model.url)) as url, connect(url) as own:
        before = len(model.asked)
        assert respond(own, executor_model=name).json()["status"] == "ok"
        extras = [
            sorted(body.keys() - {"model", "messages", "temperature"})
            for _, body in model.asked[before:]
            if body["model"] == name
        ]
    # Four turns of the executor, and what was refused before the first of them.
    assert len(extras) == 4 + asked - 1
    assert extras[0] == ["max_tokens", "response_format"]
    assert extras[asked - 1 :] == [sent] * 4


def test_a_refusal_for_another_reason_is_told_as_it_is(
    client: httpx.Client, model: FakeModel
) -> None:
    before = len(model.asked)
    response = respond(client, executor_model="refuses messages")
    assert response.status_code == 502
    assert "status 422: cannot do that" in response.json()["error"]
    assert len(model.asked) - before == 3


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
        ("html", "its answer is not JSON"),
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
    assert "Read 0 outcomes" in distil(learning).result().text


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
    assert sorted(body) == ["max_tokens", "messages", "model", "temperature"]
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
        assert model.busy.wait(60)
    caller.join()
    assert len(failed) == 1
    assert capfd.readouterr() == ("", "")
    # The fake model's own thread still waits; the gateway's must be gone.
    after = [thread for thread in threading.enumerate() if thread not in before]
    assert "embedded gateway" not in {thread.name for thread in after}


@pytest.mark.parametrize(
    "wrong",
    [
        {"model_url": "not a url"},
        {"model_url": "ftp://host/v1"},
        {"model_url": "http:///v1"},
        {"model_url": f"http://user:{KEY}/v1"},
        {"model_url": f"http://user:{KEY}@host/v1"},
        {"model_url": f"http://{KEY}@host/v1"},
        {"model_url": f"http://host/v1?key={KEY}"},
        {"model_url": f"http://host/v1#{KEY}"},
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


#: With signs that every way of writing has its own spelling for.
SIGNS = "sk/very+Secret&<key>=="
BODY = b'{"choices": [{"message": {"content": "fine"}, "finish_reason": "length"}]}'


def endpoint(script: Script) -> Server:
    return Server(**{"/v1/chat/completions": script})


HI = ChatRequest(model="large", messages=[ChatMessage(role="user", content="hi")], temperature=0)


def say(server: Server, key: str = KEY) -> Json:
    """Pass one chat on to an endpoint, and close the connections to it."""

    async def once() -> Json:
        model = LanguageModel(f"{server.url}/v1/", key)
        try:
            return await model.answer(HI)
        finally:
            await model.close()

    return loop.run(once)


def failing(script: Script, key: str = KEY) -> str:
    """Return what is said of an endpoint that answers like this."""
    with endpoint(script) as server, pytest.raises(PolicyError) as caught:
        say(server, key)
    return str(caught.value)


@pytest.mark.parametrize("status", ["200 OK", "502 Bad Gateway"])
def test_a_compressed_answer_is_refused_and_never_unpacked(
    status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = gzip.compress(gzip.compress(b" " * 2**20))
    packed = http(bomb, status=status, headers=["content-encoding: gzip, gzip"])

    def unpack(*_: object) -> None:
        raise AssertionError("something was unpacked")

    monkeypatch.setattr("zlib.decompressobj", unpack)
    assert "gzip, gzip" in failing(sending(packed))


def test_a_plain_answer_is_asked_for() -> None:
    with endpoint(sending(http(BODY))) as server:
        say(server)
    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_an_answer_without_end_is_broken_off() -> None:
    head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"
    endless = repeating(head, b" " * 2**20, pause_s=0, times=MAX_ANSWER_BYTES // 2**19)
    assert "larger than 16 MiB" in failing(endless)


def test_an_answer_of_too_many_values_is_never_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("battery.protocol.limits.MAX_ANSWER_VALUES", 60)
    said = failing(sending(http(json.dumps({"choices": [{}] * 100}))))
    assert "its answer has more than 60 values" in said


def test_an_error_page_without_end_is_read_to_what_is_shown() -> None:
    head = b"HTTP/1.1 500 No\r\nconnection: close\r\n\r\n"
    said = failing(repeating(head, b"busy " * 1000, pause_s=0))
    assert "status 500: busy busy" in said
    assert len(said) < 2 * language_model.EXCERPT


@pytest.mark.parametrize(
    "script",
    [
        stalling(),
        repeating(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b" ", pause_s=0.01),
    ],
    ids=["silent", "trickling"],
)
def test_an_answer_that_is_not_there_in_time_is_given_up_as_a_whole(script: Script) -> None:
    late = pytest.raises(PolicyError, match="no whole answer within 600 s")
    with endpoint(script) as server, impatient(server), late:
        say(server)


def test_an_answer_too_many_is_not_taken_for_the_next_one() -> None:
    surplus = http(BODY.replace(b"fine", b"surplus"))

    async def twice(server: Server) -> list[str]:
        model = LanguageModel(f"{server.url}/v1")
        try:
            return [chat_content(await model.answer(HI)) for _ in range(2)]
        finally:
            await model.close()

    with endpoint(sending(http(BODY) + surplus)) as server:
        assert asyncio.run(twice(server)) == ["fine", "fine"]


def test_a_redirect_is_not_followed_and_names_where_it_leads() -> None:
    with endpoint(sending(http(BODY))) as other:
        moved = http(status="307 Moved", headers=[f"location: {other.url}/v1/chat/completions"])
        assert f"status 307 to {other.url}" in failing(sending(moved))
    assert other.requests == []


def test_a_byte_order_mark_and_half_a_pair_do_not_cost_the_answer() -> None:
    body = b"\xef\xbb\xbf" + BODY.replace(b"fine", b"so \\ud83d so")
    with endpoint(sending(http(body))) as server:
        assert chat_content(say(server)) == "so \ufffd so"


def test_why_a_model_stopped_is_passed_on() -> None:
    with endpoint(sending(http(BODY))) as server:
        assert say(server)["choices"][0]["finish_reason"] == "length"


def test_a_cut_reply_is_told_from_a_babbling_one(serve: Serve) -> None:
    cut = {"choices": [{"message": {"content": '{"action": "sea'}, "finish_reason": "length"}]}
    with endpoint(sending(http(json.dumps(cut)))) as server:
        answer = ask(serve(model_url=f"{server.url}/v1"), SPARKY)
    assert "(was cut: finish_reason is 'length')" in answer["log"][0]["text"]


def test_absurd_tokens_are_estimated_rather_than_passed_on() -> None:
    usage = {"prompt_tokens": 1e300, "completion_tokens": 1}
    body = json.dumps(json.loads(BODY) | {"usage": usage})
    with endpoint(sending(http(body))) as server:
        assert say(server)["usage"]["estimated"] is True


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 6}}, 6),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, 0),
        ({"prompt_tokens_details": {"cached_tokens": None}}, None),
        ({"prompt_tokens_details": None}, None),
        ({"prompt_cache_hit_tokens": 6}, 6),
        ({}, None),
    ],
)
def test_what_the_provider_had_cached_is_passed_on(usage: Json, cached: int | None) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 1, **usage}
    body = json.dumps(json.loads(BODY) | {"usage": usage})
    with endpoint(sending(http(body))) as server:
        told = say(server)["usage"]
    assert (told["total_tokens"], told["estimated"]) == (8, False)
    assert told.get("cached_tokens") == cached


def test_what_an_error_says_is_bounded_and_printable() -> None:
    said = failing(closing(http(b"\x1b[2J\xe2\x80\xae" + b"x\n" * 9999, status="500 No")))
    assert said.isprintable()
    assert len(said) < 2 * language_model.EXCERPT


@pytest.mark.parametrize(
    "spelling",
    [
        SIGNS,
        SIGNS.upper(),
        quote(SIGNS, safe=""),
        base64.b64encode(SIGNS.encode()).decode(),
        SIGNS.replace("/", "\\/"),
        html.escape(SIGNS),
    ],
)
def test_the_key_comes_back_from_no_endpoint_in_any_spelling(spelling: str) -> None:
    good = {"choices": [{"message": {"content": f"I was given {spelling}, thanks"}}]}
    with endpoint(sending(http(json.dumps(good)))) as server:
        content = chat_content(say(server, SIGNS))
    assert spelling not in content
    assert content.startswith("I was given")
    assert "[redacted]" in content
    said = failing(closing(http(f"who is {spelling}?", status="401 No")), key=SIGNS)
    assert spelling not in said
    assert "[redacted]" in said


def test_a_key_that_comes_in_parts_is_not_put_together() -> None:
    parts = [{"type": "text", "text": text} for text in (f"seen: {KEY[:5]}", KEY[5:])]
    body = json.dumps({"choices": [{"message": {"content": parts}}]})
    with endpoint(sending(http(body))) as server:
        said = json.dumps(say(server))
    assert KEY not in said
    assert "[redacted]" in said


@pytest.mark.parametrize("proxy", ["http://user:hunter22/", "ftp://user:hunter22@proxy"])
def test_a_proxy_that_cannot_be_used_is_refused_without_its_password(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(UsageError, match="the proxy that the environment names") as caught:
        LanguageModel("https://model.example/v1")
    assert "hunter22" not in str(caught.value)
    assert caught.value.hint


def test_a_reply_of_a_hundred_thousand_braces_costs_its_turn_and_no_more(serve: Serve) -> None:
    endless = {"choices": [{"message": {"content": '{"a":' * 100_000}}]}
    with endpoint(sending(http(json.dumps(endless)))) as server:
        answer = ask(serve(model_url=f"{server.url}/v1"), SPARKY)
    assert (answer["status"], answer["iterations"]) == ("failed", 8)


def test_a_model_that_takes_too_long_is_told_with_the_option_that_allows_more(
    model: FakeModel, tmp_path: Path
) -> None:
    path = tmp_path / "tasks.json"
    tasks = write_tasks(path, per_phase=1, models="hanging", spec=SPARKY)
    done = battery(
        *("run", "--tasks", tasks, "--dir", tmp_path / "data", "--model-url", model.url),
        *("--model-timeout", "0.1"),
    )
    assert done.returncode == 1
    assert "no whole answer within 0.1 s; --model-timeout allows more" in done.stderr
