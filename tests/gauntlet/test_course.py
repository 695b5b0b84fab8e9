"""Whole batteries of a handful of systems, by the code that runs real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from battery.gauntlet.course import play, play_in
from battery.gauntlet.registry import REGISTERED
from battery.gauntlet.systems import SYSTEMS
from battery.recorded import open_battery
from battery.records.word import POSITIVE
from battery.store.battery_dir import BatteryDir
from battery.target import kinds

pytestmark = pytest.mark.slow

assert SYSTEMS, "the modules that register systems are imported"


SEED = 3
#: A false learner, and part of a reason for the word it got. Others meet a whole battery over
#: HTTP in tests/test_false_learners.py, and `make gauntlet` has all of them.
CAUGHT = [
    ("hollow, in shape", "failed their checks"),
    ("gives up the largest", "lost"),
    ("gives up what is new", "new tasks"),
    ("copies its twin", "where its twin was asked first"),
    ("bluffs in shape", "impossible tasks ended ok"),
    ("throttled twin", "the twin took"),
    ("a head start", "differ already in iteration 1"),
    ("fingerprints never change", "nothing was learned"),
    ("broken prompt cache, no prices", "give prices"),
    ("cheaper model, told", "by its prices"),
    ("zeros throughout", "0 for calls that took turns"),
    ("distillation fails, as told", "learning at work"),
]


@pytest.mark.parametrize(("name", "reason"), CAUGHT)
def test_a_false_learner_is_seen_through(name: str, reason: str) -> None:
    evidence = play(REGISTERED[name], SEED)
    assert evidence.verdict not in POSITIVE
    assert reason in "; ".join(evidence.reasons)


@pytest.mark.parametrize("name", ["once, three iterations", "niche tasks only", "steadily"])
def test_an_honest_learner_is_found(name: str) -> None:
    assert play(REGISTERED[name], SEED).verdict in POSITIVE


def test_system_and_seed_decide_everything(tmp_path: Path) -> None:
    system = REGISTERED["once, three iterations"]
    results = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        play_in(tmp_path / name, system, 3)
        opened = open_battery(BatteryDir(tmp_path / name / "battery"))
        results.append([(call.arm, call.result) for call in opened.calls])
    assert results[0] == results[1]


def test_its_battery_is_a_real_one_on_disk(tmp_path: Path) -> None:
    play_in(tmp_path, REGISTERED["once, three iterations"], 1)
    opened = open_battery(BatteryDir(tmp_path / "battery"))
    assert [step.number for step in opened.steps] == [1, 2, 3]
    assert len(opened.observed.grid.tasks) == 8
    # Only the evidence is wanted of it.
    assert not (tmp_path / "battery" / "summary.md").exists()
    # What was known for the battery's time is known no more.
    assert kinds.kind_of("gauntlet:once") is kinds.LIVE
