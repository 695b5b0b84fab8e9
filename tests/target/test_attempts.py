"""The loop of attempts: what goes back after an answer that misses, and what is on record."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from battery.base.errors import CallTimeoutError, CheckError, UsageError
from battery.inputs.settings import FeedbackLevel
from battery.inputs.tasks import load_tasks
from battery.recorded import open_battery
from battery.records.checks import Checked, FailedCheck
from battery.records.models import Task
from battery.store.battery_dir import BatteryDir
from battery.system import Ask
from battery.target.attempts import Attempts, Talk, talk_of
from battery.target.driver import Driver
from battery.target.system import ChatReply
from battery.verdict.assess import assess
from tests.support.model import Json, bodies, says
from tests.support.server import Exchange, Server
from tests.target.test_openai import go, runs, write_tasks

TEACH = "It is W0007."
CHECKS: Json = {"checks": [{"contains": "W0007"}], "teach": TEACH}
SIBLING: Json = {"siblings": [{"operation": "another", "spec": {}, **CHECKS}]}


def prepare(folder: Path, **more: Any) -> None:
    """Write one task that takes several attempts, and its sibling."""
    write_tasks(folder)
    path = folder / "tasks.json"
    document = json.loads(path.read_text())
    phases = document["phases"]
    phases["alpha_baseline"][0] |= CHECKS | SIBLING
    phases["beta_drift"] = phases["gamma_impossible"] = []
    path.write_text(json.dumps(document | {"attempts": 3} | more))


def right_after(turns: int) -> Any:
    """Answer rightly once so many messages are in the talk."""
    return says(lambda body: "W0007" if len(body["messages"]) >= turns else "No idea.")


def ask(folder: Path, script: Any, **more: Any) -> list[Json]:
    """Run one iteration with one arm; return the bodies of its requests."""
    with Server(script) as server:
        go(folder, server.url, iterations=1, no_control=True, **more)
    return bodies(server)


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("grade", "Your answer was refused. Give a corrected answer."),
        (
            "answer",
            'Your answer was refused: ["W0007"] not in "No idea.". Give a corrected answer.',
        ),
    ],
)
def test_what_was_refused_goes_back_as_far_as_the_feedback_allows(
    tmp_path: Path, level: FeedbackLevel, said: str
) -> None:
    prepare(tmp_path)
    asked = ask(tmp_path, right_after(3), feedback=level)
    first, second = (body["messages"] for body in asked[:2])
    assert second[: len(first)] == first
    assert second[len(first)] == {"role": "assistant", "content": "No idea."}
    assert second[-1]["role"] == "user"
    assert second[-1]["content"].startswith(said)
    assert TEACH not in str(asked)
    # Of a sibling nothing more than the grade is told, whatever the level.
    sibling = asked[3]["messages"]
    assert sibling[-1]["content"] == "Your answer was refused. Give a corrected answer."


def test_turns_tokens_and_talk_are_on_record(tmp_path: Path) -> None:
    prepare(tmp_path)
    asked = ask(tmp_path, right_after(5))
    answer = runs(tmp_path)[0]
    assert answer["iterations"] == 3
    assert answer["artifact"]["text"] == "W0007"
    usage = answer["artifact"]["usage"]
    assert (usage["total_tokens"], usage["prompt_tokens_details"]) == (120, {"cached_tokens": 60})
    assert [entry["kind"] for entry in answer["log"]] == [
        *("answer", "refused", "answer", "refused", "answer")
    ]
    task = load_tasks(tmp_path / "tasks.json").phases.alpha_baseline[0]
    first, talk = talk_of(task, answer)
    assert [*talk[:-1]] == asked[2]["messages"]
    assert first.session == asked[0]["metadata"]["session_id"]


def test_all_turns_of_a_task_are_one_session(tmp_path: Path) -> None:
    prepare(tmp_path)
    asked = ask(tmp_path, right_after(5))
    assert len({body["metadata"]["session_id"] for body in asked[:3]}) == 1
    assert len({body["metadata"]["session_id"] for body in asked}) == 2


def test_the_attempts_end(tmp_path: Path) -> None:
    prepare(tmp_path)
    asked = ask(tmp_path, right_after(99))
    # Of the task and of its sibling.
    assert len(asked) == 3 + 3
    metrics = json.loads((tmp_path / "data/iter_1/metrics.json").read_text())
    assert (metrics["failed_tasks"], metrics["avg_turns_per_task"]) == (1, 3)


def test_what_passes_is_not_asked_again(tmp_path: Path) -> None:
    prepare(tmp_path)
    assert len(ask(tmp_path, right_after(1))) == 2
    assert runs(tmp_path)[0]["log"] == []


@pytest.mark.parametrize(("level", "is_told"), [("grade", False), ("answer", True)])
def test_teach_is_told_after_so_many_misses(
    tmp_path: Path, level: FeedbackLevel, is_told: bool
) -> None:
    prepare(tmp_path, overseer_after=2)
    ask(tmp_path, right_after(5), feedback=level)
    log = runs(tmp_path)[0]["log"]
    corrections = [entry for entry in log if entry["kind"] == "overseer_correction"]
    wanted = {"role": "user", "turn": 2, "text": TEACH, "from": "teach"}
    told = [{key: entry[key] for key in wanted} for entry in corrections]
    assert told == ([wanted] if is_told else [])
    metrics = json.loads((tmp_path / "data/iter_1/metrics.json").read_text())
    assert metrics["overseer_called_rate"] == is_told


@pytest.mark.parametrize(("level", "told"), [("grade", 0), ("answer", 1)])
def test_that_an_answer_was_told_is_said_with_the_verdict(
    tmp_path: Path, level: FeedbackLevel, told: int
) -> None:
    prepare(tmp_path, overseer_after=1)
    ask(tmp_path, right_after(3), feedback=level)
    observed = open_battery(BatteryDir(tmp_path / "data")).observed
    assert observed.told == told
    cautions = assess(observed).cautions
    assert any("getting these right is then recall" in text for text in cautions) == bool(told)


def test_attempts_without_feedback_are_refused(tmp_path: Path) -> None:
    prepare(tmp_path)
    with pytest.raises(UsageError, match="allows 3 attempts"):
        ask(tmp_path, right_after(1), feedback="none")
    assert not (tmp_path / "data").exists()


def test_a_check_that_breaks_leaves_the_answer_on_disk(tmp_path: Path) -> None:
    prepare(tmp_path)
    path = tmp_path / "tasks.json"
    (tmp_path / "check.py").write_text("def judge(*_): raise ValueError('oh')\n")
    document = json.loads(path.read_text())
    document["phases"]["alpha_baseline"][0]["checks"] = [{"python": "check.py:judge"}]
    path.write_text(json.dumps(document))
    with pytest.raises(CheckError, match="broke"):
        ask(tmp_path, right_after(1))
    journal = (tmp_path / "data/iter_1/journal.jsonl").read_text()
    assert json.loads(journal)["result"]["artifact"]["text"] == "W0007"


def test_the_timeout_is_for_all_turns_together(tmp_path: Path) -> None:
    prepare(tmp_path)

    def script(exchange: Exchange) -> None:
        exchange.wait(0.4)
        right_after(99)(exchange)

    with pytest.raises(CallTimeoutError):
        ask(tmp_path, script, respond_timeout=0.7)


class Pupil:
    """Knows the answer once somebody has told it where to look."""

    async def ask(self, ask: Ask, timeout_s: float) -> Json:
        assert timeout_s > 0
        told = "Look under W." in ask.messages[-1]["content"]
        usage = {"total_tokens": 40}
        return {"text": "W0007" if told else "No idea.", "usage": usage, "turns": 1}


def test_the_overseer_model_is_asked_where_there_is_one(tmp_path: Path) -> None:
    """Its words, its tokens and its name are on record, next to those of the executor."""
    models = {"executor_cloud": "small", "reviewer_cloud": "small", "overseer_cloud": "large"}
    prepare(tmp_path, overseer_after=1, models=models)
    tasks = load_tasks(tmp_path / "tasks.json")
    prompts: list[str] = []

    class Overseer:
        async def chat(
            self, role: str, prompt: str, model: str, temperature: float, timeout_s: float
        ) -> ChatReply:
            assert (role, model) == ("overseer", "large")
            assert 0 < temperature < timeout_s
            prompts.append(prompt)
            return ChatReply("Look under W.", {"usage": {"total_tokens": 500}}, 3)

    async def judge(_task: Task, answer: Json) -> Checked:
        ok = answer["artifact"]["text"] == "W0007"
        failed = [] if ok else [FailedCheck(check="checks[0]", reason="no")]
        return Checked(ok=ok, claimed=True, failed=failed)

    attempts = Attempts.of(tasks, "grade", judge)
    talk = Talk(
        tasks.phases.alpha_baseline[0], replace(attempts, overseer=Overseer()), tasks.models
    )
    said: Any = asyncio.run(talk.held(cast("Driver", Pupil()), 9))
    assert "user: What is red?" in prompts[0]
    corrections = [entry for entry in said["log"] if entry["kind"] == "overseer_correction"]
    assert [(entry["text"], entry["from"]) for entry in corrections] == [("Look under W.", "large")]
    assert said["usage"] == {
        "total_tokens": 580,
        "models": {"small": {"total_tokens": 80}, "large": {"total_tokens": 500}},
    }
