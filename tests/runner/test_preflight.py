"""What a run finds out for nothing, before its first call, and what it says at the first answer."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from battery.records.events import Event, Notice
from battery.records.models import FROZEN, LEARN, Arm, RunResult
from battery.runner.preflight import FirstAnswer
from tests.support.arms import serving_pair
from tests.support.calls import assert_one_message, command_here
from tests.support.commands import read_json, write_tasks
from tests.support.gateway import serving
from tests.support.misbehaving import Server, deserted_port, http, sending

pytestmark = pytest.mark.slow


@pytest.fixture
def here(tmp_path: Path) -> Path:
    write_tasks(tmp_path / "tasks.json", 1)
    return tmp_path


def run(here: Path, *words: object) -> CompletedProcess[str]:
    return command_here("run", "-n", 1, *words, cwd=here)


@pytest.mark.parametrize(
    ("side", "option"), [("learning side", "--llm-team"), ("twin", "--control-gateway")]
)
def test_a_side_that_is_down_is_found_before_the_first_task_is_paid_for(
    here: Path, side: str, option: str
) -> None:
    down = f"http://127.0.0.1:{deserted_port()}"
    with serving() as gateway:
        team = down if side == "learning side" else gateway.url
        words = ["--gateway", gateway.url, "--llm-team", team]
        if side == "twin":
            words += ["--control-gateway", down]
        done = run(here, *words)
        assert_one_message(done, 1, f"the {side} is not there: cannot connect to {down}/")
        assert f"{option}; no task was sent yet" in done.stderr
        assert "go on with: battery run --resume" in done.stderr
        assert gateway.requests == []
        # A resume looks again, and goes on once it is there.
        again = command_here("run", "--resume", *words, cwd=here)
        assert again.returncode == 1
        assert gateway.requests == []
        if side == "learning side":
            up = ["--gateway", gateway.url, "--llm-team", gateway.url]
            assert command_here("run", "--resume", *up, cwd=here).returncode == 0


def test_a_front_page_with_an_error_is_warned_of_and_does_not_stop_a_run(here: Path) -> None:
    with serving() as gateway, Server(**{"/": sending(http(status="503 Busy"))}) as team:
        done = run(here, "--gateway", gateway.url, "--llm-team", team.url, "--quiet")
    assert done.returncode == 0, done.stderr
    assert f"warning: {team.url} answers (HTTP 503 at /); look at its log" in done.stderr


def test_the_first_lines_say_whom_it_asks_what_and_where_it_is_kept(here: Path) -> None:
    with serving_pair() as pair:
        first = run(here, *pair.options()).stderr.splitlines()[:6]
        assert first[:5] == [
            f"target:   {pair.learn.url}",
            f"twin:     {pair.frozen.url}",
            f"learning: {pair.learn.url}",
            f"tasks:    {here / 'tasks.json'}",
            "folder:   data/battery",
        ]
        assert "calls: " in first[5]
        dry = command_here("run", "--dry-run", *pair.options(), "--dir", "d", cwd=here)
        assert "target:" not in dry.stderr


def test_one_arm_is_told_before_the_first_call_with_the_way_to_a_twin(here: Path) -> None:
    with serving() as gateway:
        words = ["--gateway", gateway.url, "--llm-team", gateway.url]
        told = run(here, *words).stderr.partition("1/1 easy")[0]
        assert "note: no twin: " in told
        assert "INDICATIVE at best; for a twin, name a second deployment with --control" in told
    embedded = run(here, "--no-control", "--dir", "e").stderr.partition("1/1 easy")[0]
    assert "note: no twin: " in embedded
    assert "leave out --no-control" in embedded
    quiet = run(here, "--no-control", "--dir", "q", "--quiet")
    assert not quiet.stderr
    assert "one arm" not in run(here, "--dir", "two").stderr


def test_a_target_that_was_asked_the_same_tasks_before_is_warned_of(here: Path) -> None:
    with serving_pair() as pair:
        words = [*pair.options(), "--quiet"]
        assert "before" not in run(here, *words).stderr
        again = run(here, *words).stderr
        assert f"{pair.learn.url} has already run these tasks, in the battery in data/" in again
        assert "unless its memory was emptied since" in again
        write_tasks(here / "tasks.json", 2)
        assert "was asked these tasks" not in run(here, *words).stderr
    # The embedded one begins with an empty memory each time.
    for _ in range(2):
        last = run(here, "--quiet", "--dir", "e")
    assert "was asked these tasks" not in last.stderr


@pytest.mark.parametrize("key", ["executor_cloud", "overseer_cloud"])
def test_placeholders_of_the_starter_are_refused_where_somebody_would_be_sent_them(
    here: Path, key: str
) -> None:
    assert command_here("init", "own", cwd=here).returncode == 0
    tasks = read_json(here / "own" / "tasks.json")
    kept = tasks["models"][key]
    tasks["models"] = {"executor_cloud": "a", "reviewer_cloud": "b", "overseer_cloud": "c"}
    tasks["models"][key] = kept
    (here / "own" / "tasks.json").write_text(json.dumps(tasks))
    with serving() as gateway:
        words = ["--gateway", gateway.url, "--llm-team", gateway.url, "--tasks", "own/tasks.json"]
        for more in ([], ["--dry-run"]):
            done = run(here, *words, *more)
            assert_one_message(done, 2, f"models.{key} is still the placeholder", "names of models")
        looked = command_here("doctor", *words, cwd=here)
        assert f"FAIL  tasks: {here / 'own/tasks.json'}: models.{key} is still" in looked.stdout
        assert gateway.requests == []
    # The embedded gateway asks no model.
    assert run(here, "--tasks", "own/tasks.json", "--dry-run").returncode == 0


def without(*missing: str) -> RunResult:
    numbers = {"turns": 2, "tokens": 100} | dict.fromkeys(missing)
    return RunResult("ok", numbers["turns"], numbers["tokens"], False, None, 5)


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        (("tokens",), "no tokens; what is not counted"),
        (("turns",), "have the system report `iterations`"),
        (("turns", "tokens"), "no turns and no tokens; what"),
    ],
)
def test_an_answer_without_turns_or_tokens_is_told_once(
    missing: tuple[str, ...], says: str
) -> None:
    events: list[Event] = []
    first = FirstAnswer(events.append)
    first.look(without("turns", "tokens")._replace(status="failed"))
    assert events == []
    first.look(without(*missing))
    first.look(without(*missing))
    (event,) = events
    assert isinstance(event, Notice)
    assert event.warning
    assert says in event.text


def test_one_that_reports_both_is_told_nothing_now_or_later() -> None:
    events: list[Event] = []
    first = FirstAnswer(events.append)
    first.look(without())
    first.look(without("turns"))
    assert events == []


def test_an_arm_that_was_taught_before_is_told_at_the_first_answers(here: Path) -> None:
    def resting_on(memory: str) -> Server:
        usage = {"total_tokens": 100}
        artifact = {"usage": usage, "memory_fingerprint": memory}
        answer = {"status": "ok", "iterations": 1, "artifact": artifact}
        return Server(respond=sending(http(json.dumps(answer))))

    with resting_on("lessons") as learn, resting_on("empty") as frozen:
        words = ["--gateway", learn.url, "--llm-team", learn.url, "--control-gateway", frozen.url]
        lines = run(here, *words).stderr.splitlines()
    warned = [n for n, line in enumerate(lines) if "come from different memories" in line]
    tasks = [n for n, line in enumerate(lines) if " tokens" in line and "warning" not in line]
    assert len(warned) == 1
    assert warned[0] < tasks[1]


def test_memories_are_compared_only_where_both_arms_told_one_and_nothing_was_asked() -> None:
    def told(*prints: str | None, compares: bool = True) -> list[Event]:
        events: list[Event] = []
        first = FirstAnswer(events.append, compares=compares)
        arms: list[Arm] = [LEARN, FROZEN, LEARN]
        for arm, fingerprint in zip(arms, prints, strict=False):
            first.look(without()._replace(fingerprint=fingerprint), arm)
        return events

    assert len(told("a", "b", "c")) == 1
    assert told("a", "a", "b") == []
    assert told("a", None, "b") == []
    assert told("a", "b", compares=False) == []


def test_the_first_answer_is_looked_at_when_it_comes(here: Path) -> None:
    bare = sending(http('{"status": "ok"}'))
    with Server(respond=bare) as server:
        words = ["--gateway", server.url, "--llm-team", server.url]
        lines = run(here, *words).stderr.splitlines()
    warned = [n for n, line in enumerate(lines) if "the first answer reports no turns" in line]
    tasks = [n for n, line in enumerate(lines) if " tokens" in line and "warning" not in line]
    assert len(warned) == 1
    assert warned[0] < tasks[0]
