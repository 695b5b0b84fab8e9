"""What a span says of a call, a review and the whole battery."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from battery.records.checks import Checked, FailedCheck
from battery.records.events import TaskFinished
from battery.records.models import Phase
from battery.tracing import spans, traced
from tests.report.samples import metrics
from tests.support.calls import command_here
from tests.support.collector import Collector, Seen, collecting
from tests.support.commands import read_json
from tests.support.tracing import (
    CONTENT,
    ENDPOINT,
    RESULT,
    STAGE,
    STARTED,
    TOKEN,
    Traced,
    results,
)

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "telemetry.md").read_text("utf-8")


def of_tasks(calls: list[Seen]) -> list[Seen]:
    """Leave out the calls that ask siblings."""
    return [call for call in calls if "battery.sibling" not in call.attributes]


def test_every_attribute_of_the_battery_s_own_is_named_on_the_page(ran: Traced) -> None:
    seen = {name for span in ran.spans for name in span.attributes if name.startswith("battery.")}
    assert {"battery.tasks", "battery.task", "battery.stage"} <= seen
    assert {name for name in seen if f"`{name}`" not in PAGE} == set()


def test_a_finished_iteration_has_the_attributes_that_the_page_promises() -> None:
    promised = PAGE.partition("## On an iteration")[2].partition("## ")[0]
    names = set(re.findall(r"`(battery\.\w+)`", promised)) - {"battery.iteration"}
    assert set(spans.iteration(metrics(1))) == names


def test_a_call_has_the_tokens_the_status_and_the_time_of_the_runs_on_disk(ran: Traced) -> None:
    calls = of_tasks(ran.named("invoke_agent"))
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
    for name, arm in (("invoke_agent learner", "learn"), ("invoke_agent twin", "frozen")):
        calls = ran.named(name)
        assert len(of_tasks(calls)) == 8
        assert {call.attributes["battery.arm"] for call in calls} == {arm}
        assert {f"invoke_agent {call.attributes['gen_ai.agent.name']}" for call in calls} == {
            call.name for call in calls
        }


def test_a_task_that_fails_as_it_should_is_no_error(ran: Traced) -> None:
    ended = {span.attributes.get("battery.status") for span in ran.spans}
    assert ended == {None, "ok", "failed"}
    assert {span.status for span in ran.spans} == {0}


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


def test_what_the_gateway_did_not_report_has_no_attribute(collector: Collector) -> None:
    with traced("run", lambda _event: None) as trace:
        trace.tell(STAGE)
        trace.tell(STARTED)
        odd = {"artifact": {"usage": {"prompt_tokens": "many", "completion_tokens": True}}}
        silent = RESULT._replace(turns=None, tokens=None)
        trace.tell(TaskFinished(1, Phase.ALPHA, "fill", silent, replayed=False, answer=odd))
    (call,) = [span for span in collector.spans() if span.name.startswith("invoke_agent")]
    for name in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "battery.tokens"):
        assert name not in call.attributes
    assert "battery.turns" not in call.attributes


@pytest.mark.parametrize("content", [False, True])
def test_a_graded_answer_tells_its_claim_and_only_with_content_why_it_is_refuted(
    content: bool,
) -> None:
    failed = [FailedCheck(check="checks[0]", reason="0 items, 3 expected")]
    graded = RESULT._replace(status="ok").graded(Checked(ok=False, claimed=True, failed=failed))
    facts = spans.answered(
        TaskFinished(1, Phase.ALPHA, "fill", graded, replayed=False, answer={}), content=content
    )
    assert facts["battery.status"] == "failed"
    assert (facts["battery.checked"], facts["battery.claimed"]) == (True, True)
    assert facts["battery.failed_checks"] == 1
    assert facts.get("battery.refuted") == (graded.refuted if content else None)


def test_without_checks_nothing_is_said_of_any() -> None:
    finished = TaskFinished(1, Phase.ALPHA, "fill", RESULT, replayed=False, answer={})
    assert not {"battery.checked", "battery.claimed"} & set(spans.answered(finished, content=True))


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
