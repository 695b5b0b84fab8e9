"""The figures of a meter are those of the endpoint, whatever is asked and however."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from battery.base.errors import UnreachableError
from battery.inputs.settings import make_target
from battery.meter.calls import CALL_KIND, Metered
from battery.meter.meter import metering
from battery.protocol.usage import Tokens, usage_spent
from tests.meter.conftest import Bench
from tests.support.endpoint import chunk, event, streamed, usage_of
from tests.support.server import Exchange, Server, deserted_port, http


def assert_counted(metered: Metered, bench: Bench) -> None:
    """Hold the meter's figures to the endpoint's own."""
    count, spent = bench.endpoint.by_kind(), usage_spent({"usage": metered.usage})
    assert metered.usage["total_tokens"] == spent.tokens == bench.endpoint.total
    assert spent.kinds._asdict() == count
    together = Tokens()
    for _, tokens in spent.models:
        together = together.plus(tokens)
    assert together._asdict() == count
    assert metered.usage["calls"] == len(bench.endpoint.told)


def test_calls_of_all_kinds_are_counted_as_the_endpoint_counts_them(bench: Bench) -> None:
    bench.chat()
    bench.chat(stream=True)
    bench.chat(stream=True, stream_options={"include_usage": True})
    bench.chat("gzip")
    bench.agent.post("responses", json={"model": "m-1", "input": "Say hello."})
    bench.agent.post("completions", json={"model": "m-1", "prompt": "Say"})
    bench.agent.post("embeddings", json={"model": "m-1", "input": ["one", "two"]})
    metered = bench.taken()
    assert len(bench.endpoint.told) == 7
    assert_counted(metered, bench)
    assert metered.turns == 6, "what embeds says nothing"
    assert [entry["kind"] for entry in metered.log] == [CALL_KIND] * 7
    assert [call.text for call in metered.calls] == ["Hello."] * 6 + [""]


def test_parallel_calls_all_count(bench: Bench) -> None:
    with ThreadPoolExecutor(30) as agents:
        answers = list(agents.map(lambda n: bench.chat(text="x" * n, stream=n % 2 == 0), range(30)))
    assert {answer.status_code for answer in answers} == {200}
    metered = bench.taken()
    assert metered.turns == 30
    assert_counted(metered, bench)


def test_what_is_taken_is_taken_once(bench: Bench) -> None:
    before = bench.meter.seen
    bench.chat()
    assert (before, bench.meter.seen) == (False, True)
    assert bench.taken().turns == 1
    nothing = bench.taken()
    assert (nothing.calls, nothing.turns) == ([], 0)
    assert nothing.usage["total_tokens"] == 0


def test_a_call_is_in_the_books_before_the_agent_has_its_answer(bench: Bench) -> None:
    """An agent may be done with its task the moment it has the last byte."""
    for stream in (False, True) * 20:
        bench.chat(stream=stream)
        assert asyncio.run(bench.meter.taken(0)).turns == 1


def test_a_call_under_way_belongs_to_the_window_in_which_it_ends(bench: Bench) -> None:
    with ThreadPoolExecutor(1) as agent:
        answer = agent.submit(bench.chat, "slow")
        bench.endpoint.began.wait(30)
        assert bench.taken(0).calls == []
        bench.endpoint.go_on.set()
        assert answer.result().status_code == 200
    (call,) = bench.taken().calls
    assert call.late
    assert call.entry()["late"] is True


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
def test_a_refused_call_costs_nothing_and_is_no_turn(bench: Bench, status: int) -> None:
    answer = bench.chat(f"status-{status}")
    assert answer.status_code == status
    assert answer.json()["error"]["message"] == "the quota is used up"
    metered = bench.taken()
    (call,) = metered.calls
    assert (metered.turns, metered.usage["total_tokens"]) == (0, 0)
    assert "the quota is used up" in call.error
    assert len(bench.endpoint.bodies) == 1, "nothing is asked twice"


def test_an_answer_without_usage_leaves_the_sum_unknown(bench: Bench) -> None:
    bench.chat("strict", stream=True)
    bench.chat()
    metered = bench.taken()
    assert metered.turns == 2
    assert metered.usage["total_tokens"] is None
    assert (metered.usage["calls"], metered.usage["unknown"]) == (2, 1)
    spent = usage_spent({"usage": metered.usage})
    assert (spent.tokens, spent.models) == (None, ()), "a part must not pass for the whole"
    assert metered.usage["known"]["total_tokens"] == bench.endpoint.total


def test_an_agent_that_leaves_closes_the_call_and_its_usage_is_unknown(bench: Bench) -> None:
    body = {"model": "slow", "messages": [], "stream": True}
    with bench.agent.stream("POST", "chat/completions", json=body) as answer:
        next(answer.iter_raw())
    metered = bench.taken()
    (call,) = metered.calls
    assert call.aborted
    assert call.text == "Hel"
    assert metered.turns == 1
    assert metered.usage["total_tokens"] is None


def test_an_agent_that_gives_up_waiting_closes_the_call_to_the_endpoint() -> None:
    closed = threading.Event()

    def silent(exchange: Exchange) -> None:
        if exchange.client_leaves():
            closed.set()

    with Server(silent) as server, metering(make_target(f"{server.url}/v1", {})) as meter:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{meter.url}/chat/completions", json={"model": "m"}, timeout=0.5)
        assert closed.wait(10)
        (call,) = asyncio.run(meter.taken(5)).calls
    assert call.aborted
    assert call.is_unknown


def test_an_agent_that_leaves_with_the_last_word_is_counted_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many programs stop reading at `finish_reason`; the usage comes after it."""
    monkeypatch.setattr("battery.meter.proxy.SETTLE_S", 30)
    left = threading.Event()
    usage = event({"model": "m-1", "choices": [], "usage": usage_of(11, 5)})
    head, said, *rest = streamed([event(chunk("Hello.", "stop")), usage, event("[DONE]")])

    def script(exchange: Exchange) -> None:
        exchange.send(head, said)
        left.wait(30)
        # Long enough for the meter to notice that the agent has left.
        exchange.wait(0.3)
        exchange.send(*rest)

    with Server(script) as server, metering(make_target(f"{server.url}/v1", {})) as meter:
        body = {"model": "m-1", "messages": [], "stream": True}
        with httpx.stream("POST", f"{meter.url}/chat/completions", json=body) as answer:
            next(answer.iter_raw())
        left.set()
        metered = asyncio.run(meter.taken(30))
    assert metered.usage["total_tokens"] == 16
    assert not metered.calls[0].aborted


def test_an_endpoint_that_is_not_there_is_an_error_of_its_own_form() -> None:
    url = f"http://127.0.0.1:{deserted_port()}/v1"
    with metering(make_target(url, {})) as meter:
        answer = httpx.post(f"{meter.url}/chat/completions", json={"model": "m"})
        (call,) = asyncio.run(meter.taken()).calls
    assert answer.status_code == 502
    assert url in answer.json()["error"]["message"]
    assert "refused" in answer.json()["error"]["message"]
    assert call.status is None
    assert not call.is_unknown, "what never arrived costs nothing"
    assert url in call.error


def test_the_path_of_the_endpoint_is_that_of_the_meter() -> None:
    with metering(make_target("http://127.0.0.1:9/v1beta/openai/", {})) as meter:
        assert meter.url.endswith("/v1beta/openai")
    with metering(make_target("http://127.0.0.1:9", {})) as meter:
        assert meter.url.endswith("/v1")


def test_the_variables_for_the_agent_lead_past_proxies(bench: Bench) -> None:
    variables = bench.meter.environment({"NO_PROXY": "example.org"})
    assert variables["OPENAI_BASE_URL"] == variables["OPENAI_API_BASE"] == bench.meter.url
    assert variables["NO_PROXY"] == "example.org,127.0.0.1"
    assert variables["no_proxy"] == "127.0.0.1"


def test_a_proxy_of_the_environment_is_for_remote_endpoints(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = {"usage": {"total_tokens": 3}, "choices": []}
    with Server(lambda exchange: exchange.send(http(json.dumps(answer)))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with metering(make_target("http://models.example/v1", {})) as meter:
            monkeypatch.delenv("http_proxy")
            httpx.post(f"{meter.url}/chat/completions", json={"model": "m"})
    (request,) = proxy.requests
    assert request.target == "http://models.example/v1/chat/completions"


def test_an_unusable_proxy_is_told_before_anything_is_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("all_proxy", "gopher://me:hunter22@127.0.0.1:1")
    target = make_target("http://models.example/v1", {})
    with pytest.raises(UnreachableError, match="proxy") as caught, metering(target):
        pass
    assert "hunter22" not in str(caught.value)


def test_nothing_is_left_when_a_meter_ends() -> None:
    before = threading.enumerate()
    with metering(make_target("http://127.0.0.1:9/v1", {})) as meter:
        pass
    assert threading.enumerate() == before
    with pytest.raises(httpx.ConnectError):
        httpx.get(meter.url)
