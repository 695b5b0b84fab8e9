"""A target of any kind is run, resumed, iterated, reviewed and looked at alike."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import UsageError
from battery.inputs.settings import Settings, Target
from battery.records.events import Notice
from battery.records.models import FROZEN, LEARN
from battery.store.battery_dir import BatteryDir
from battery.target import kinds, targets
from battery.target.system import Finding, Worker
from tests.support import notes
from tests.support.arms import order
from tests.support.calls import TASKS, ask, command_here
from tests.support.gateway import serving
from tests.support.misbehaving import Server, closing, deserted_port, http, sending, sse, sse_head

pytestmark = pytest.mark.slow

OPERATIONS = ("alpha", "beta", "gamma")


@pytest.fixture(autouse=True)
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register the kind, as CONTRIBUTING says."""
    monkeypatch.setattr(kinds, "KINDS", (notes.NOTES, *kinds.KINDS))
    notes.CALLS.clear()
    yield
    notes.BROKEN.clear()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a folder with a tasks file of one task per phase."""
    phases = zip(("alpha_baseline", "beta_drift", "gamma_impossible"), OPERATIONS, strict=True)
    tasks = {phase: [{"task_class": "c", "operation": name, "spec": {}}] for phase, name in phases}
    text = json.dumps({"phases": tasks, "models": TASKS["models"]})
    (tmp_path / "tasks.json").write_text(text, encoding="utf-8")
    return tmp_path


def battery(here: Path, *words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = command_here(*words, cwd=here)
    assert done.returncode == code, done.stderr
    return done


def manifest(here: Path) -> Any:
    return json.loads((here / "data/battery/battery.json").read_text())


def tokens(here: Path, number: int, arm: str = "") -> int:
    path = here / f"data/battery/iter_{number}" / arm / "metrics.json"
    total: int = json.loads(path.read_text())["total_tokens"]
    return total


def test_a_kind_that_answers_in_process_runs_with_both_arms_and_learns(here: Path) -> None:
    battery(here, "run", "-n", 2, "--gateway", "notes:mine")
    assert manifest(here)["targets"] == dict.fromkeys(
        ("gateway", "llm_team", "control"), "notes:mine"
    )
    assert Counter(notes.CALLS) == {
        **{(arm, name): 2 for arm in (LEARN, FROZEN) for name in OPERATIONS},
        **{(LEARN, name): 2 for name in ("distill", "overseer", "scrum")},
    }
    assert [tokens(here, number) for number in (1, 2)] == [300, 150]
    assert [tokens(here, number, "control") for number in (1, 2)] == [300, 300]
    assert "notes:mine" in (here / "data/battery/summary.md").read_text()


def test_several_workers_and_one_arm_will_do_for_it(here: Path) -> None:
    battery(here, "run", "-n", 1, "--gateway", "notes:mine", "--no-control", "--concurrency", 3)
    assert {arm for arm, _ in notes.CALLS} == {LEARN}
    assert "control" not in manifest(here)["targets"]


def test_doctor_says_what_its_probe_found_and_asks_nothing(here: Path) -> None:
    lines = battery(here, "doctor", "--gateway", "notes:mine").stdout.splitlines()
    assert lines[2:5] == [
        "ok    target: the agent is awake",
        "ok    learning side: the agent is awake; --llm-team names a live one",
        "settings:",
    ]
    assert notes.CALLS == []


def test_a_resume_finds_it_in_the_manifest_and_asks_nothing_twice(here: Path) -> None:
    notes.BROKEN.add("beta")
    broken = battery(here, "run", "-n", 2, "--gateway", "notes:mine", code=1)
    assert "error: respond for 'beta': the agent fell over" in broken.stderr
    finished = len(order(here / "data/battery"))
    assert len(notes.CALLS) == finished + 1
    notes.BROKEN.clear()
    resumed = battery(here, "run", "--resume")
    assert resumed.stderr.startswith("target:   notes:mine\n")
    assert len(notes.CALLS) == 2 * (2 * len(OPERATIONS) + 3) + 1


def test_iterate_and_review_find_it_in_the_manifest(here: Path) -> None:
    battery(here, "run", "-n", 1, "--gateway", "notes:mine")
    battery(here, "iterate")
    assert [tokens(here, number) for number in (1, 2)] == [300, 150]
    assert manifest(here)["iterations_finished"] == 2
    notes.CALLS.clear()
    battery(here, "review")
    assert notes.CALLS == [(LEARN, "overseer"), (LEARN, "scrum")]


def test_an_llm_team_that_is_named_distills_in_its_stead(here: Path) -> None:
    with serving() as team:
        battery(here, "run", "-n", 1, "--gateway", "notes:mine", "--llm-team", team.url)
        assert team.count() == {"distill": 1}
        assert manifest(here)["targets"]["llm_team"] == team.url
        battery(here, "iterate")
        assert team.count() == {"distill": 2}
    assert (LEARN, "distill") not in notes.CALLS


@pytest.mark.parametrize("other", ["notes:yours", "embedded", "http://127.0.0.1:9"])
def test_what_is_no_address_cannot_have_moved(here: Path, other: str) -> None:
    battery(here, "run", "-n", 1, "--gateway", "notes:mine")
    done = battery(here, "iterate", "--gateway", other, code=2)
    assert f"the gateway of this battery is notes:mine, not {other}" in done.stderr


@pytest.mark.parametrize("gateway", ["notes:mine", "embedded"])
def test_a_control_gateway_is_refused_where_the_target_brings_a_twin(
    here: Path, gateway: str
) -> None:
    control = f"http://127.0.0.1:{deserted_port()}"
    done = battery(here, "run", "--gateway", gateway, "--control-gateway", control, code=2)
    assert "brings a twin of its own" in done.stderr
    assert not (here / "data").exists()


def test_what_no_kind_recognizes_is_refused_as_a_url_that_it_is_not(here: Path) -> None:
    done = battery(here, "run", "--gateway", "note:mine", code=2)
    assert "'note:mine' is not a URL to call: it must start with http://" in done.stderr


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("agent.py", "python:agent.py:Agent"),
        ("lib/agent.py:Desk", "python:lib/agent.py:Desk"),
        ("embeded", "or 'exec:./agent {verb}'"),
        ("openai:localhost:8000", "openai:http://localhost:8000/v1"),
        ("http://", "http://localhost:3100"),
    ],
)
def test_a_target_that_names_no_kind_is_told_how_it_is_written(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        kinds.read(text, {})
    assert hint in str(caught.value.hint)


def test_the_embedded_gateway_can_be_named(here: Path) -> None:
    done = battery(here, "doctor", "--gateway", "embedded")
    assert "ok    target: the embedded one starts and answers\n" in done.stdout


def opened(settings: Settings, count: int, call: str) -> tuple[list[Any], list[str]]:
    """Make one call with each worker in each arm; return the replies and the notes."""
    events: list[Any] = []

    async def each(workers: Sequence[Worker]) -> list[Any]:
        systems = [system for worker in workers for system in worker.values()]
        if call == "probe":
            return [await system.probe(20) for system in systems]
        return [await ask(system, call) for system in systems]

    async def work() -> list[Any]:
        folder = BatteryDir(settings.folder)
        async with targets.opened(settings, folder, events.append, targets.Asked(count)) as all_:
            assert [list(worker) for worker in all_] == [[LEARN, FROZEN]] * count
            return await each(all_)

    replies = asyncio.run(work())
    return replies, [event.text for event in events if isinstance(event, Notice)]


def test_a_live_gateway_and_its_control_get_a_connection_per_worker(tmp_path: Path) -> None:
    with Server() as learn, Server() as frozen:
        settings = Settings(tmp_path, gateway=Target(learn.url), control_gateway=Target(frozen.url))
        assert len(opened(settings, 3, "respond")[0]) == 6
    assert (learn.connections, frozen.connections) == (3, 3)
    assert learn.calls == frozen.calls == ["respond"] * 3


def test_the_embedded_gateway_says_that_nobody_named_another(tmp_path: Path) -> None:
    found, notes_told = opened(Settings(tmp_path), 1, "probe")
    assert found == [Finding(True, "the embedded one starts and answers")] * 2
    assert notes_told == []
    unnamed, named = Settings(tmp_path), Settings(tmp_path, gateway=Target("embedded"))
    assert targets.described(unnamed)["target"] == "embedded gateway (no --target is given)"
    assert targets.described(named)["target"] == "embedded gateway"


def test_a_live_run_imports_no_server() -> None:
    code = "import sys, battery.cli.run; print('uvicorn' in sys.modules, 'httpx' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False True\n"


@pytest.mark.parametrize("variable", ["GATEWAY_TOKEN", "LLM_TEAM_TOKEN"])
def test_no_server_shows_the_secret_of_another(here: Path, variable: str) -> None:
    token = "tok-of-another-server"
    answer = {"status": "ok", "artifact": {"seen": token}, "log": [token]}
    respond = sending(http(json.dumps(answer)))
    distill = closing(sse_head(), sse({"role": "final", "text": f"learned {token}"}))
    with Server(respond=respond) as gateway, Server(distill=distill) as team:
        words = ["run", "-n", 1, "--gateway", gateway.url, "--llm-team", team.url]
        done = command_here(*words, cwd=here, env={variable: token})
    assert done.returncode == 0, done.stderr
    texts = [path.read_text("utf-8") for path in here.rglob("*") if path.is_file()]
    assert not any(token in text for text in [done.stdout, done.stderr, *texts])
    assert any("[redacted]" in text for text in texts)


def test_a_secret_in_parts_is_not_put_together(here: Path) -> None:
    token = "tok-that-comes-in-parts"
    parts = [{"type": "text", "text": text} for text in (f"seen: {token[:9]}", token[9:])]
    chat = sending(http(json.dumps({"choices": [{"message": {"content": parts}}]})))
    with Server(chat=chat) as server:
        words = ["run", "-n", 1, "--gateway", server.url, "--llm-team", server.url]
        done = command_here(*words, cwd=here, env={"GATEWAY_TOKEN": token})
    assert done.returncode == 0, done.stderr
    assert "[redacted]" in (here / "data/battery/iter_1/overseer_review.md").read_text()
    texts = [path.read_text("utf-8") for path in here.rglob("*") if path.is_file()]
    assert not any(token in text for text in texts)


def test_one_more_kind_is_known_ahead_of_the_others_for_as_long_as_it_is_needed() -> None:
    kind = replace(kinds.LIVE, name="mine", recognizes=lambda text: text.startswith("mine:"))
    with kinds.also(kind):
        assert kinds.kind_of("mine:one") is kind
        assert kinds.kind_of("embedded") is kinds.EMBEDDED_GATEWAY
    assert kinds.kind_of("mine:one") is kinds.LIVE
