"""A target of any kind is run, resumed, iterated, reviewed and looked at alike."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from battery.records.models import FROZEN, LEARN
from battery.target import targets
from tests.support import notes
from tests.support.arms import order
from tests.support.calls import TASKS, command_here
from tests.support.gateway import serving
from tests.support.misbehaving import unused_port

OPERATIONS = ("alpha", "beta", "gamma")


@pytest.fixture(autouse=True)
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register the kind, as CONTRIBUTING says."""
    monkeypatch.setattr(targets, "KINDS", (notes.NOTES, *targets.KINDS))
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
    assert lines[2:] == [
        "ok    gateway: the agent is awake",
        "ok    LLM team: the agent is awake; --llm-team names a live one",
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
    assert "calling the gateway that the manifest names: notes:mine" in resumed.stderr
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
    control = f"http://127.0.0.1:{unused_port()}"
    done = battery(here, "run", "--gateway", gateway, "--control-gateway", control, code=2)
    assert "brings a control of its own" in done.stderr
    assert not (here / "data").exists()


def test_what_no_kind_recognizes_is_refused_as_a_url_that_it_is_not(here: Path) -> None:
    done = battery(here, "run", "--gateway", "note:mine", code=2)
    assert "'note:mine' is not a URL to call: it must start with http://" in done.stderr


def test_the_embedded_gateway_can_be_named(here: Path) -> None:
    done = battery(here, "doctor", "--gateway", "embedded")
    assert "ok    gateway: the embedded one starts and answers\n" in done.stdout
