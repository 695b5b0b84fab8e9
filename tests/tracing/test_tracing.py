"""Traces: what a collector gets of a run, and that nothing about it can harm the run."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from battery import tracing
from battery.base.errors import InterruptedRunError, StatusError
from battery.records.events import (
    Event,
    MetaFinished,
    Notice,
    StageStarted,
    TaskFinished,
    TaskStarted,
)
from battery.records.models import FROZEN, Phase, RunResult, Task
from battery.tracing import traced
from tests.support.calls import command_here
from tests.support.collector import Collector, Seen, collecting
from tests.support.commands import battery, environment, read_json

pytestmark = pytest.mark.slow

TOKEN = "a-token-that-nobody-may-see"
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
RESULT = RunResult("ok", 2, 300, False, None, 40)
STAGE = StageStarted(1, "alpha", "baseline")
STARTED = TaskStarted(
    1,
    Phase.ALPHA,
    "fill",
    model="small",
    task=Task(task_class="c", operation="fill", spec={"n": 1}),
)


class Traced(NamedTuple):
    """A battery that ran with a collector at hand."""

    folder: Path
    collector: Collector
    spans: list[Seen]
    stderr: str

    def named(self, start: str) -> list[Seen]:
        return [span for span in self.spans if span.name.startswith(start)]

    def children(self, parent: Seen) -> list[Seen]:
        return [span for span in self.spans if span.parent == parent.id]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    """Run one iteration as a process of its own."""
    folder = tmp_path_factory.mktemp("traced") / "battery"
    with collecting() as collector:
        env = {ENDPOINT: collector.url, "GATEWAY_TOKEN": TOKEN}
        words = ("run", "--iterations", 1, "--seed", 7, "--quiet", "--dir", folder)
        done = battery(*words, cwd=folder.parent, env=env)
        assert done.returncode == 0, done.stderr
        yield Traced(folder, collector, collector.spans(), done.stderr)


def results(folder: Path) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for arm, path in (("learn", "iter_1/runs.json"), ("frozen", "iter_1/control/runs.json")):
        for run in read_json(folder / path):
            yield (arm, run["task"]["operation"]), run["result"]


def test_the_spans_are_a_tree_of_battery_iteration_stage_and_call(ran: Traced) -> None:
    (root,) = [span for span in ran.spans if not span.parent]
    assert root.name == "battery run"
    (iteration,) = ran.children(root)
    assert iteration.name == "iteration 1"
    stages = ran.children(iteration)
    assert [stage.name for stage in stages] == [
        "alpha, baseline",
        "beta, drift",
        "gamma, impossible",
        "distill",
        "chat overseer-large",
        "chat overseer-large",
    ]
    calls = [len(ran.children(stage)) for stage in stages]
    assert calls == [6, 6, 4, 0, 0, 0]
    assert len(ran.spans) == 2 + 6 + 16
    assert ran.stderr == ""


def test_a_call_has_the_tokens_the_status_and_the_time_of_the_runs_on_disk(ran: Traced) -> None:
    calls = ran.named("invoke_agent")
    by_task = {(c.attributes["battery.arm"], c.attributes["battery.task"]): c for c in calls}
    on_disk = dict(results(ran.folder))
    assert set(by_task) == set(on_disk)
    for key, result in on_disk.items():
        call, usage = by_task[key], result["artifact"]["usage"]
        assert call.attributes["gen_ai.operation.name"] == "invoke_agent"
        assert call.attributes["gen_ai.request.model"] == "executor-small"
        assert call.attributes["gen_ai.usage.input_tokens"] == usage["prompt_tokens"]
        assert call.attributes["gen_ai.usage.output_tokens"] == usage["completion_tokens"]
        assert call.attributes["battery.tokens"] == usage["total_tokens"]
        assert call.attributes["battery.turns"] == result["iterations"]
        assert call.attributes["battery.status"] == result["status"]
        assert call.end - call.start == result["_elapsed_ms"] * 1_000_000


def test_the_arms_are_two_agents(ran: Traced) -> None:
    for name, arm in (("invoke_agent gateway", "learn"), ("invoke_agent control", "frozen")):
        calls = ran.named(name)
        assert len(calls) == 8
        assert {call.attributes["battery.arm"] for call in calls} == {arm}
        assert {f"invoke_agent {call.attributes['gen_ai.agent.name']}" for call in calls} == {
            call.name for call in calls
        }


def test_a_task_that_fails_as_it_should_is_no_error(ran: Traced) -> None:
    ended = {span.attributes.get("battery.status") for span in ran.spans}
    assert ended == {None, "ok", "failed"}
    assert {span.status for span in ran.spans} == {0}


def test_a_span_lies_within_its_parent(ran: Traced) -> None:
    by_id = {span.id: span for span in ran.spans}
    for span in ran.spans:
        assert span.start <= span.end
        if span.parent:
            assert by_id[span.parent].start <= span.start
            assert span.end <= by_id[span.parent].end


def test_the_verdict_and_the_gates_are_evaluation_results_of_the_battery(ran: Traced) -> None:
    summary = read_json(ran.folder / "summary.json")
    (root,) = ran.named("battery run")
    assert root.attributes["battery.run_id"] == summary["run_id"]
    assert root.attributes["battery.seed"] == 7
    assert {name for name, _ in root.events} == {"gen_ai.evaluation.result"}
    found = {facts["gen_ai.evaluation.name"]: facts for _, facts in root.events}
    verdict = found.pop("battery.verdict")
    assert verdict["gen_ai.evaluation.explanation"] == summary["evidence"]["sentence"]
    labels = {name: facts["gen_ai.evaluation.score.label"] for name, facts in found.items()}
    gates = summary["evidence"]["gates"]
    assert labels == {f"battery.gate.{gate['name']}": gate["status"] for gate in gates}


def test_the_sender_names_itself(ran: Traced) -> None:
    assert ran.collector.resource()["service.name"] == "battery"


def test_no_prompt_no_answer_and_no_secret_leaves_without_being_asked_for(ran: Traced) -> None:
    sent = b"".join(ran.collector.bodies)
    for key in {key for span in ran.spans for key in span.attributes}:
        assert not key.endswith("messages")
    worker = next(result for _, result in results(ran.folder))["artifact"]["workers"][0]["id"]
    for text in (worker, "no supply", "What worked", TOKEN):
        assert text.encode() not in sent


def test_a_review_has_two_chats_with_their_content_where_that_is_asked_for(ran: Traced) -> None:
    with collecting() as collector:
        env = {ENDPOINT: collector.url, CONTENT: "true", "OTEL_SERVICE_NAME": "mine"}
        done = command_here("review", ran.folder, "--quiet", cwd=ran.folder, env=env)
        assert done.returncode == 0, done.stderr
        spans = collector.spans()
        assert collector.resource()["service.name"] == "mine"
    assert [span.name for span in spans] == [
        "battery review",
        "iteration 1",
        "chat overseer-large",
        "chat overseer-large",
    ]
    answers = (ran.folder / "iter_1" / name for name in ("overseer_review.md", "scrum_findings.md"))
    for span, answer in zip(spans[2:], answers, strict=True):
        assert span.attributes["gen_ai.operation.name"] == "chat"
        assert span.attributes["gen_ai.usage.output_tokens"] > 0
        (asked,) = json.loads(span.attributes["gen_ai.input.messages"])
        assert asked["role"] == "user"
        assert asked["parts"][0]["content"]
        (said,) = json.loads(span.attributes["gen_ai.output.messages"])
        assert said["parts"][0]["content"] == answer.read_text("utf-8")


def test_a_collector_that_is_not_there_costs_one_warning(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    env = {ENDPOINT: f"http://127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.1"}
    words = ("run", "--iterations", 1, "--limit", 1, "--quiet", "--json")
    done = command_here(*words, cwd=tmp_path, env=env)
    assert done.returncode == 0
    assert json.loads(done.stdout)["state"] == "finished"
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: 14 of 14 spans could not be delivered to the collector;")
    assert "look at OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TIMEOUT;" in line


def test_without_the_variables_nothing_of_opentelemetry_is_loaded() -> None:
    code = f"""
import os, sys
import battery.cli.run, battery.cli.iterate, battery.cli.review
from battery.tracing import traced
def enter():
    with traced("run", print):
        pass
enter()
os.environ["{ENDPOINT}"] = "http://127.0.0.1:9"
os.environ["OTEL_SDK_DISABLED"] = "true"
enter()
del os.environ["OTEL_SDK_DISABLED"]
os.environ["OTEL_TRACES_EXPORTER"] = "none"
enter()
print(*sorted(name for name in sys.modules if name.startswith("opentelemetry")))
"""
    env = {name: value for name, value in environment().items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_a_missing_extra_is_named_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "battery.tracing.recorder", None)
    told: list[Event] = []
    with traced("run", told.append) as trace:
        trace.tell(STAGE)
    warning, event = told
    assert isinstance(warning, Notice)
    assert warning.warning
    assert "pip install 'compounding-battery[otel]'" in warning.text
    assert event == STAGE


def test_a_variable_that_cannot_be_used_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    told: list[Event] = []
    with traced("run", told.append):
        pass
    (warning,) = told
    assert isinstance(warning, Notice)
    assert warning.warning
    assert warning.text.startswith("no traces are sent")
    assert "OTEL_BSP_MAX_QUEUE_SIZE, OTEL_EXPORTER_OTLP_ENDPOINT (" in warning.text
    assert "-1" not in warning.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ("OTEL_TRACES_EXPORTER", "console"),
        (ENDPOINT, "localhost:4317"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://[half"),
    ],
)
def test_what_is_not_spoken_is_a_warning_that_names_the_variable(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    told: list[Event] = []
    with traced("run", told.append):
        pass
    (warning,) = told
    assert isinstance(warning, Notice)
    assert warning.warning
    assert f"and {name} asks for something else" in warning.text
    assert not collector.bodies


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Serve a collector that this process sends to."""
    with collecting() as found:
        monkeypatch.setenv(ENDPOINT, found.url)
        yield found


def test_replayed_calls_make_no_span(collector: Collector) -> None:
    with traced("run", lambda _event: None) as trace:
        trace.tell(STAGE)
        trace.tell(TaskFinished(1, Phase.ALPHA, "fill", RESULT, replayed=True))
        trace.tell(StageStarted(1, "epsilon", "overseer review"))
        trace.tell(MetaFinished(1, "epsilon", 9000, "3 proposals", True, "large"))
    assert [span.name for span in collector.spans()] == ["battery run"]


def test_a_call_that_did_not_finish_carries_the_error(collector: Collector) -> None:
    def fail() -> None:
        with traced("run", lambda _event: None) as trace:
            trace.tell(STAGE)
            trace.tell(STARTED)
            answer = {"artifact": {"usage": {"total_tokens": 300}}}
            trace.tell(TaskFinished(1, Phase.ALPHA, "fill", RESULT, False, answer=answer))
            trace.tell(STARTED._replace(arm=FROZEN))
            raise StatusError("respond for 'fill' was answered with 500")

    with pytest.raises(StatusError):
        fail()
    root, iteration, stage, done, failed = collector.spans()
    assert (done.status, done.attributes["battery.tokens"]) == (0, 300)
    for span in (root, iteration, stage, failed):
        assert span.status == 2
        assert span.attributes["error.type"] == "StatusError"
        assert span.message == "respond for 'fill' was answered with 500"
    assert failed.attributes["battery.arm"] == FROZEN


def test_a_review_that_did_not_finish_is_a_span_too(collector: Collector) -> None:
    def fail() -> None:
        with traced("run", lambda _event: None) as trace:
            trace.tell(StageStarted(1, "zeta", "scrum judgment"))
            raise StatusError("chat for the scrum was answered with 500")

    with pytest.raises(StatusError):
        fail()
    assert [(span.name, span.status) for span in collector.spans()] == [
        ("battery run", 2),
        ("iteration 1", 2),
        ("judgment", 2),
    ]


def test_what_the_gateway_did_not_report_has_no_attribute(collector: Collector) -> None:
    with traced("run", lambda _event: None) as trace:
        trace.tell(STAGE)
        trace.tell(STARTED)
        odd = {"artifact": {"usage": {"prompt_tokens": "many", "completion_tokens": True}}}
        silent = RESULT._replace(turns=0, tokens=0)
        trace.tell(TaskFinished(1, Phase.ALPHA, "fill", silent, replayed=False, answer=odd))
    (call,) = [span for span in collector.spans() if span.name.startswith("invoke_agent")]
    for name in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "battery.tokens"):
        assert name not in call.attributes
    assert "battery.turns" not in call.attributes


def test_a_reported_nought_is_told_and_a_count_beyond_belief_is_not(
    collector: Collector,
) -> None:
    with traced("run", lambda _event: None) as trace:
        trace.tell(STAGE)
        trace.tell(STARTED)
        usage = {"total_tokens": 0, "prompt_tokens": 10**30}
        answer = {"iterations": 0, "artifact": {"usage": usage}}
        free = RESULT._replace(turns=0, tokens=0)
        trace.tell(TaskFinished(1, Phase.ALPHA, "fill", free, replayed=False, answer=answer))
    (call,) = [span for span in collector.spans() if span.name.startswith("invoke_agent")]
    assert (call.attributes["battery.turns"], call.attributes["battery.tokens"]) == (0, 0)
    assert "gen_ai.usage.input_tokens" not in call.attributes


def test_no_proxy_stands_before_a_collector_on_this_machine(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_dead_proxy(monkeypatch)
    with traced("run", lambda _event: None):
        pass
    assert [span.name for span in collector.spans()] == ["battery run"]


def test_a_proxy_before_a_collector_elsewhere_is_named_when_spans_are_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_dead_proxy(monkeypatch)
    monkeypatch.setenv(ENDPOINT, "http://collector.invalid:4318")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")
    told: list[Event] = []
    with traced("run", told.append):
        pass
    (warning,) = told
    assert isinstance(warning, Notice)
    assert "through the proxy that http_proxy names" in warning.text


def use_dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.getsockname()[1]}")


def test_spans_that_the_collector_refuses_with_a_200_count_as_lost(collector: Collector) -> None:
    collector.refused = 1
    told: list[Event] = []
    with traced("run", told.append) as trace:
        trace.tell(StageStarted(1, "zeta", "scrum judgment"))
        trace.tell(MetaFinished(1, "zeta", 9, "1 verdict", replayed=False, model="large"))
    warning = told[-1]
    assert isinstance(warning, Notice)
    assert warning.text.startswith("1 of 3 spans could not be delivered")


def test_a_collector_that_does_not_answer_is_not_waited_for(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "CLOSE_S", 0.05)
    collector.may_answer.clear()
    told: list[Event] = []
    with traced("run", told.append) as trace:
        trace.tell(STAGE)
    warning = told[-1]
    assert isinstance(warning, Notice)
    assert warning.text.startswith("1 of 1 spans could not be delivered")


def test_a_second_ctrl_c_gives_up_the_spans_and_not_the_advice(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than any test may last: only the signal ends the wait.
    monkeypatch.setattr(tracing, "INTERRUPTED_CLOSE_S", 600.0)
    collector.may_answer.clear()

    def press_again() -> None:
        collector.asked.wait()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def interrupt() -> None:
        with traced("run", told.append):
            raise InterruptedRunError("interrupted", hint="go on with: battery run --resume")

    told: list[Event] = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    again = threading.Thread(target=press_again, daemon=True)
    again.start()
    try:
        # The other one, let through, would end the whole test run.
        with pytest.raises((InterruptedRunError, KeyboardInterrupt)) as ended:
            interrupt()
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.type is InterruptedRunError
    (warning,) = told
    assert isinstance(warning, Notice)
    assert warning.text.startswith("1 of 1 spans could not be delivered")


def test_the_view_does_not_keep_answers() -> None:
    told: list[Event] = []
    with traced("run", told.append) as trace:
        trace.tell(TaskFinished(1, Phase.ALPHA, "fill", RESULT, False, answer={"big": "x"}))
    assert told == [TaskFinished(1, Phase.ALPHA, "fill", RESULT, replayed=False)]
