"""A metered system: its tokens are those of its endpoint, whatever it says of itself."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from battery.base.errors import MismatchError, PausedError, UnreachableError, UsageError
from battery.commands.doctor import Check, doctor
from battery.inputs.settings import Settings, Target, make_target
from battery.meter.calls import CALL_KIND
from battery.records.events import Event, Notice
from battery.records.models import FROZEN, LEARN
from battery.records.summary import Summary
from battery.runner.run import run
from battery.target import kinds
from battery.target.driver import Seat
from battery.target.kinds import read
from battery.target.local import open_local
from battery.target.system import Kind, Opening, Worker
from tests.support.diary import Diary, Script
from tests.support.endpoint import Endpoint
from tests.support.server import Server, deserted_port

TASKS = 2
#: It asks a model about everything, and says nothing of what that took.
AGENT = """
import json, os, sys, urllib.request

def chat(text, **more):
    body = {"model": "m-1", "messages": [{"role": "user", "content": text}], **more}
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    request = urllib.request.Request(url, json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()

class Agent:
    def __init__(self, memory, model):
        self.notes = memory / "notes.txt"

    def ask(self, ask):
        known = self.notes.read_text() if self.notes.exists() else ""
        chat(f"{known} {ask.operation}", stream=True)
        return chat(ask.operation)

    def tell(self, outcome):
        self.notes.open("a").write(chat(f"note {outcome.ask.operation}")[:9])

    def learn(self, outcomes):
        chat(f"learn from {len(outcomes)}")

if __name__ == "__main__":
    chat(sys.argv[1], stream=True)
    print(chat(sys.argv[1]))
"""


class Agent(Diary):
    """A diary that asks a model whatever it does, and says of itself what it likes."""

    #: How often it calls a model, by verb.
    calls: dict[str, int]

    def __init__(self, seat: Seat, script: Script, calls: dict[str, int]) -> None:
        super().__init__(seat, script)
        self.calls = calls

    def _note(self, verb: str, of: str) -> None:
        super()._note(verb, of)
        for _ in range(self.calls.get(verb, 0)):
            url = f"{self.seat.environment['OPENAI_BASE_URL']}/chat/completions"
            messages = [{"role": "user", "content": f"{self.seat.arm} {verb} {of}"}]
            headers = {"authorization": "Bearer sk-agent-1"}
            body = {"model": "m-1", "messages": messages}
            httpx.post(url, json=body, headers=headers).raise_for_status()


class Bench:
    """A folder with tasks, an endpoint, and an agent."""

    def __init__(self, folder: Path, url: str, endpoint: Endpoint) -> None:
        self.folder = folder
        self.url = url
        self.endpoint = endpoint
        self.calls = {"ask": 2, "tell": 1, "learn": 3}
        self.notices: list[str] = []

    def settings(self, **more: Any) -> Settings:
        base: dict[str, Any] = {
            "folder": self.folder / "data",
            "tasks_path": self.folder / "tasks.json",
            "gateway": Target("agent:mine"),
            "iterations": 1,
            "seed": 1,
            "meter": make_target(f"{self.url}/v1", {}),
        }
        return Settings(**(base | more))

    def run(self, **more: Any) -> Summary:
        def tell(event: Event) -> None:
            if isinstance(event, Notice) and event.warning:
                self.notices.append(event.text)

        return asyncio.run(run(self.settings(**more), tell))

    def lines(self) -> list[dict[str, Any]]:
        text = (self.folder / "data/iter_1/journal.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def answers(self) -> list[dict[str, Any]]:
        return [line["result"] for line in self.lines() if "result" in line]

    def doctor(self, **more: Any) -> Check:
        checks = asyncio.run(doctor(self.settings(**more)))
        return next(check for check in checks if check.name == "target")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    tasks = {
        "alpha_baseline": [
            {"task_class": "c", "operation": f"task {n}", "spec": {}} for n in range(TASKS)
        ],
        "beta_drift": [],
        "gamma_impossible": [],
    }
    models = dict.fromkeys(("executor_cloud", "reviewer_cloud", "overseer_cloud"), "m")
    (tmp_path / "tasks.json").write_text(json.dumps({"phases": tasks, "models": models}))
    endpoint = Endpoint()
    with Server(endpoint.script) as server:
        made = Bench(tmp_path, server.url, endpoint)

        @asynccontextmanager
        async def opened(opening: Opening) -> AsyncIterator[Sequence[Worker]]:
            async with open_local(
                opening, lambda seat: Agent(seat, Script(), made.calls)
            ) as workers:
                yield workers

        kind = Kind("agent", lambda text: text.startswith("agent:"), opened, is_local=True)
        with kinds.also(kind):
            yield made


def total(usage: dict[str, Any]) -> int:
    return int(usage["total_tokens"])


def test_every_token_of_the_endpoint_is_on_record_once(bench: Bench) -> None:
    bench.run()
    lines = bench.lines()
    asked = [total(answer["artifact"]["usage"]) for answer in bench.answers()]
    told = [total(line["usage"]) for line in lines if line["call"] == "tell"]
    (learned,) = [total(line["usage"]) for line in lines if line["call"] == "distill"]
    assert (len(asked), len(told)) == (2 * TASKS, TASKS)
    assert sum(asked) + sum(told) + learned == bench.endpoint.total
    assert not bench.notices


def test_an_answer_has_the_meters_figures_and_what_was_said(bench: Bench) -> None:
    bench.run()
    answer = bench.answers()[0]
    assert answer["iterations"] == 2
    assert answer["artifact"]["reported_usage"] == {"total_tokens": 100}
    assert answer["artifact"]["usage"]["by_model"].keys() == {"m-1"}
    entries = [entry for entry in answer["log"] if entry["kind"] == CALL_KIND]
    assert [entry["turn"] for entry in entries] == [1, 2]
    assert "ask task" in entries[0]["messages"][0]["content"]
    assert "sk-agent-1" not in json.dumps(bench.lines())


def test_the_calls_of_an_arm_count_in_that_arm_alone(bench: Bench) -> None:
    bench.run()
    said = [
        (line["arm"], message["content"].split()[0])
        for line in bench.lines()
        if "result" in line
        for entry in line["result"]["log"]
        for message in entry["messages"]
    ]
    assert set(said) == {(LEARN, LEARN), (FROZEN, FROZEN)}


def test_learning_costs_what_telling_and_the_learning_step_took(bench: Bench) -> None:
    learning = bench.run().learning
    spent = sum(total(line["usage"]) for line in bench.lines() if "usage" in line)
    assert learning is not None
    assert learning.cost == learning.iterations[0].calls["distill"].tokens == spent > 0


def test_a_cap_counts_what_telling_takes(bench: Bench) -> None:
    bench.calls = {"tell": 1, "ask": 0}
    with pytest.raises(PausedError, match="tokens are spent"):
        bench.run(max_tokens=1)
    assert bench.lines()[-1]["call"] == "tell"


def test_an_agent_that_calls_no_model_is_warned_of_once_and_believed(bench: Bench) -> None:
    bench.calls = {}
    bench.run()
    (warning,) = [text for text in bench.notices if "--meter" in text]
    assert "OPENAI_BASE_URL" in warning
    assert [answer["artifact"]["usage"]["total_tokens"] for answer in bench.answers()] == [100] * 4
    assert not [line for line in bench.lines() if "usage" in line]


def test_an_answer_without_a_call_took_nothing_once_the_agent_was_seen_to_call(
    bench: Bench,
) -> None:
    bench.calls = {"tell": 1}
    bench.run()
    usages = [answer["artifact"]["usage"]["total_tokens"] for answer in bench.answers()]
    # Before the first telling nobody can know.
    assert usages[-1] == 0
    assert bench.answers()[-1]["iterations"] == 0


def test_a_resume_meters_the_endpoint_of_the_manifest(bench: Bench) -> None:
    with pytest.raises(PausedError):
        bench.run(max_tokens=1)
    manifest = json.loads((bench.folder / "data/battery.json").read_text())
    assert manifest["options"]["meter"] == f"{bench.url}/v1"
    bench.run(resume=True, iterations=None, seed=None, meter=None)
    usages = [answer["artifact"]["usage"] for answer in bench.answers()]
    assert len(usages) == 2 * TASKS
    assert all("by_model" in usage for usage in usages)


def test_the_manifest_has_no_password_of_the_endpoint(bench: Bench) -> None:
    url = bench.url.replace("://", "://me:sesame-1@")
    bench.run(meter=make_target(f"{url}/v1", {}))
    assert all("sesame" not in path.read_text() for path in bench.folder.rglob("*.json*"))


def test_a_battery_without_a_meter_cannot_get_one_on_the_way(bench: Bench) -> None:
    bench.calls = {}
    with pytest.raises(PausedError):
        bench.run(max_tokens=1, meter=None)
    with pytest.raises(MismatchError, match="ran without a meter"):
        bench.run(resume=True, iterations=None, seed=None)


def test_a_gateway_cannot_be_metered(bench: Bench) -> None:
    with pytest.raises(UsageError, match="--meter"):
        bench.run(gateway=Target("http://127.0.0.1:1"))
    assert not (bench.folder / "data").exists()


def test_the_endpoint_is_looked_at_before_anything_is_asked(bench: Bench) -> None:
    gone = make_target(f"http://127.0.0.1:{deserted_port()}/v1", {})
    with pytest.raises(UnreachableError, match="the endpoint to meter is not there") as caught:
        bench.run(meter=gone)
    assert gone.url in caught.value.message
    assert "--meter" in str(caught.value.hint)
    assert not bench.endpoint.bodies


def test_doctor_looks_at_the_endpoint(bench: Bench) -> None:
    check = bench.doctor()
    assert check.ok
    assert f"metered at {bench.url}/v1" in check.finding
    assert not bench.doctor(meter=make_target(f"http://127.0.0.1:{deserted_port()}/v1", {})).ok


@pytest.mark.parametrize("kind", ["python", "exec"])
def test_an_agent_of_its_own_process_is_metered_as_it_is(bench: Bench, kind: str) -> None:
    """With nothing but the variable, in both arms, while it learns, and in streams."""
    path = bench.folder / "agent.py"
    path.write_text(AGENT)
    command = f"exec:{sys.executable} {path} {{verb,tell}}"
    agent = f"python:{path}:Agent" if kind == "python" else command
    learning = bench.run(gateway=read(agent, {}), iterations=2).learning
    spent = []
    for number in (1, 2):
        path = bench.folder / f"data/iter_{number}/journal.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        spent += [total(line["result"]["artifact"]["usage"]) for line in lines if "result" in line]
        spent += [total(line["usage"]) for line in lines if "usage" in line]
    assert sum(spent) == bench.endpoint.total > 0
    assert learning is not None
    assert learning.cost
    assert not bench.notices
