"""A local system: what its arms remember, what they are told, and where a resume goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import ArtifactError, BatteryError, CallError, FolderError, UsageError
from battery.inputs.settings import FeedbackLevel, Settings, Target
from battery.recorded import open_battery
from battery.records.models import FROZEN, LEARN, Arm
from battery.runner.run import iterate, run
from battery.store.battery_dir import BatteryDir
from battery.system import Verbs
from battery.target import kinds
from battery.target.memory import FolderMemory, RestlessError
from tests.support.diary import Script, kind, lines_of

OPERATIONS = ("alpha", "beta", "gamma")


@pytest.fixture
def script() -> Iterator[Script]:
    made = Script()
    with kinds.also(kind(made)):
        yield made


@pytest.fixture
def here(tmp_path: Path) -> Path:
    phases = zip(("alpha_baseline", "beta_drift", "gamma_impossible"), OPERATIONS, strict=True)
    tasks = {
        phase: [
            {
                "task_class": "c",
                "operation": name,
                "spec": {},
                "checks": [{"contains": "done"}],
                "siblings": [{"operation": f"new {name}", "spec": {}} for _ in range(1)],
            }
        ]
        for phase, name in phases
    }
    models = dict.fromkeys(("executor_cloud", "reviewer_cloud", "overseer_cloud"), "m")
    (tmp_path / "tasks.json").write_text(json.dumps({"phases": tasks, "models": models}))
    return tmp_path


def settings(here: Path, **more: Any) -> Settings:
    base: dict[str, Any] = {"iterations": 2, "gateway": Target("diary:mine"), "seed": 1}
    base["summaries"] = False
    return Settings(folder=here / "data", tasks_path=here / "tasks.json", **(base | more))


def go(here: Path, **more: Any) -> None:
    asyncio.run(run(settings(here, **more), lambda _event: None))


def lines(here: Path, number: int) -> list[dict[str, Any]]:
    text = (here / f"data/iter_{number}/journal.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def fingerprints(here: Path, number: int, arm: Arm) -> list[str]:
    asked = [line for line in lines(here, number) if line.get("arm") == arm and "result" in line]
    return [line["result"]["artifact"]["memory_fingerprint"] for line in asked]


def test_only_the_learn_arm_is_told_and_taught(here: Path, script: Script) -> None:
    go(here)
    assert {arm for arm, verb, _ in script.calls if verb in {"tell", "learn"}} == {LEARN}
    assert {arm for arm, verb, _ in script.calls if verb == "ask"} == {LEARN, FROZEN}
    assert lines_of(here / "data", FROZEN) == []


def test_the_twin_begins_each_call_with_the_memory_of_the_start(here: Path, script: Script) -> None:
    """Also where the system writes while it is asked, and keeps things in its process."""
    script.eager = True
    go(here, repeats=2)
    assert len({*fingerprints(here, 1, FROZEN), *fingerprints(here, 2, FROZEN)}) == 1
    asked = [line for number in (1, 2) for line in lines(here, number) if "result" in line]
    tokens = {
        line["result"]["artifact"]["usage"]["total_tokens"]
        for line in asked
        if line["arm"] == FROZEN
    }
    assert tokens == {100}


@pytest.mark.usefixtures("script")
def test_each_line_of_the_learn_arm_names_a_memory_and_the_last_one_is_kept(here: Path) -> None:
    go(here)
    recorded = [line for number in (1, 2) for line in lines(here, number)]
    named = [line["memory"] for line in recorded if "memory" in line]
    # Asked and told: three tasks twice, their siblings once; and two lessons.
    assert len(named) == 2 * (3 + 3 + 3) + 2
    assert (here / "data/memory/kept" / named[-1] / "diary.txt").exists()


@pytest.mark.parametrize(
    ("level", "passed", "why"),
    [("none", None, False), ("grade", False, False), ("answer", False, True)],
)
def test_a_system_is_told_as_much_as_the_feedback_allows(
    here: Path, script: Script, level: FeedbackLevel, passed: bool | None, why: bool
) -> None:
    tasks = json.loads((here / "tasks.json").read_text())
    wrong = {"checks": [{"contains": "never said"}], "teach": "Say it."}
    alpha = tasks["phases"]["alpha_baseline"][0]
    alpha |= wrong
    alpha["siblings"][0] |= wrong
    (here / "tasks.json").write_text(json.dumps(tasks))
    go(here, iterations=1, feedback=level)
    told = next(outcome for outcome in script.told if outcome.ask.operation == "alpha")
    assert (told.passed, bool(told.why), bool(told.correction)) == (passed, why, why)
    sibling = next(outcome for outcome in script.told if outcome.ask.operation == "new alpha")
    assert (sibling.passed, sibling.why, sibling.correction) == (passed, None, None)


@pytest.mark.parametrize("verb", ["tell", "ask", "learn"])
def test_what_fails_on_the_way_is_in_the_memory_once_after_a_resume(
    here: Path, script: Script, verb: str
) -> None:
    """Whichever call breaks off, the diary is at the end what it is without the fault."""
    go(here)
    whole, asked = lines_of(here / "data"), [call for call in script.calls if call[1] == "ask"]
    script.calls.clear()
    seen = 0

    def fail(arm: Arm, called: str) -> None:
        nonlocal seen
        seen += arm == LEARN and called == verb
        if seen == (1 if verb == "learn" else 3):
            seen = 99
            # What the call has written by then must not stay.
            with (here / "data/memory/learn/diary.txt").open("a") as file:
                file.write("half a thought\n")
            raise CallError("it fell over")

    script.before = fail
    with pytest.raises(BatteryError, match="fell over"):
        go(here)
    go(here, resume=True, iterations=None, seed=None)
    assert lines_of(here / "data") == whole
    assert sorted(call for call in script.calls if call[1] == "ask") == sorted(asked)


@pytest.mark.usefixtures("script")
def test_an_iteration_that_is_added_goes_on_from_the_memory_of_the_last(here: Path) -> None:
    go(here)
    before = lines_of(here / "data")
    (here / "data/memory/learn/diary.txt").write_text("edited meanwhile\n")
    added = Settings(folder=here / "data")
    asyncio.run(iterate(added, lambda _event: None))
    assert lines_of(here / "data")[: len(before)] == before


@pytest.mark.usefixtures("script")
def test_what_was_learned_is_never_taken_for_the_start(here: Path) -> None:
    """As where somebody has cleared away what the memories began with."""
    go(here)
    (here / "data/memory/start").unlink()
    added = Settings(folder=here / "data")
    with pytest.raises(BatteryError, match="began with is missing"):
        asyncio.run(iterate(added, lambda _event: None))


def test_a_system_without_a_learning_step_is_only_told(here: Path, script: Script) -> None:
    script.verbs = Verbs(tell=True)
    go(here)
    assert {verb for _, verb, _ in script.calls} == {"start", "ask", "tell"}
    text = (here / "data/iter_1/distill_output.txt").read_text()
    assert text == "The system has no learning step of its own."


@pytest.mark.usefixtures("script")
def test_tasks_are_asked_one_at_a_time(here: Path) -> None:
    with pytest.raises(UsageError, match="one task at a time"):
        go(here, concurrency=2)
    assert not (here / "data").exists()


@pytest.mark.usefixtures("script")
def test_copies_are_kept_of_the_start_and_of_the_end_of_each_iteration(here: Path) -> None:
    go(here, iterations=3)
    distilled = [
        line["memory"]
        for number in (1, 2, 3)
        for line in lines(here, number)
        if line["call"] == "distill"
    ]
    start = fingerprints(here, 1, FROZEN)[0]
    kept = {path.name for path in (here / "data/memory/kept").iterdir()}
    # The one before the last is only dropped by the call after it.
    assert {start, *distilled} <= kept
    assert len(kept) <= len({start, *distilled}) + 1


def test_a_system_may_copy_its_memory_by_itself(here: Path, script: Script) -> None:
    """Its memory may be anywhere; here it is in no folder that battery knows."""
    script.verbs = Verbs(tell=True, learn=True, memory=True)
    script.eager = True
    go(here)
    # What the last call of the twin wrote; the next one would not have found it.
    assert len(script.drawer[FROZEN]) == 1
    assert len({*fingerprints(here, 1, FROZEN), *fingerprints(here, 2, FROZEN)}) == 1
    whole = list(script.drawer[LEARN])
    script.drawer[LEARN].append("what came after the last record")
    asyncio.run(iterate(Settings(folder=here / "data"), lambda _event: None))
    assert script.drawer[LEARN][: len(whole)] == whole
    assert "what came after the last record" not in script.drawer[LEARN]


def test_an_answer_is_on_record_even_where_the_memory_cannot_be_kept(
    here: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, kept = FolderMemory.keep, 0

    def full(memory: FolderMemory) -> str:
        nonlocal kept
        kept += 1
        if kept == 4:
            raise ArtifactError("no room")
        return keep(memory)

    monkeypatch.setattr(FolderMemory, "keep", full)
    with pytest.raises(ArtifactError, match="no room"):
        go(here)
    asked = [call for call in script.calls if call[1] == "ask"]
    assert len([line for line in lines(here, 1) if "result" in line]) == len(asked)
    go(here, resume=True, iterations=None, seed=None)
    again = [call for call in script.calls if call[1] == "ask"]
    assert len(again) == 2 * (3 + 3 + 3)


def test_what_does_not_stand_still_is_ended_before_it_is_copied(
    here: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And started again for the next call, not before: the answer goes to disk first."""
    kept = FolderMemory.keep
    running = False

    def keep(memory: FolderMemory) -> str:
        nonlocal running
        if running:
            running = False
            raise RestlessError("it writes")
        return kept(memory)

    def note(_arm: Arm, verb: str) -> None:
        nonlocal running
        running = verb != "start"

    script.before = note
    monkeypatch.setattr(FolderMemory, "keep", keep)
    go(here, iterations=1, no_control=True)
    verbs = [verb for _, verb, _ in script.calls]
    assert verbs == ["start", *("ask", "start", "tell", "start") * 6, "learn"]
    assert len(lines_of(here / "data")) == 6 + 6


def test_a_system_that_learns_within_iteration_1_is_not_taken_for_an_old_hand(
    here: Path, script: Script
) -> None:
    script.quick = True
    tasks = json.loads((here / "tasks.json").read_text())
    (task,) = tasks["phases"]["alpha_baseline"]
    many = [{**task, "operation": f"alpha {number}", "siblings": []} for number in range(10)]
    tasks["phases"]["alpha_baseline"] = many
    (here / "tasks.json").write_text(json.dumps(tasks))
    go(here)
    assert open_battery(BatteryDir(here / "data")).observed.kept


def test_a_system_that_could_not_be_asked_is_not_in_the_way_of_the_next_run(
    here: Path, script: Script
) -> None:
    def fail(_arm: Arm, verb: str) -> None:
        raise CallError(f"no {verb}")

    script.before = fail
    with pytest.raises(CallError):
        go(here)
    script.before = lambda _arm, _verb: None
    go(here)
    assert lines_of(here / "data")


def test_a_system_that_was_asked_is(here: Path, script: Script) -> None:
    def fail(_arm: Arm, verb: str) -> None:
        if verb == "learn":
            raise CallError("no lesson")

    script.before = fail
    with pytest.raises(CallError):
        go(here)
    with pytest.raises(FolderError, match="is not finished"):
        go(here)
