"""Whole batteries of a handful of systems, by the code that runs real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from battery.gauntlet.course import play, play_in
from battery.gauntlet.registry import REGISTERED
from battery.gauntlet.systems import SYSTEMS
from battery.recorded import open_battery
from battery.records.word import POSITIVE, Word
from battery.store.battery_dir import BatteryDir
from battery.target import targets

pytestmark = pytest.mark.slow

assert SYSTEMS, "the modules that register systems are imported"


def word(name: str, seed: int = 1) -> Word | None:
    return play(REGISTERED[name], seed).verdict


#: A false learner, and the only words it may get in this battery.
CAUGHT = [
    ("cache marked as one", {Word.INCONCLUSIVE}),
    ("gives up some", {Word.REGRESSED, Word.MIXED}),
    ("bluffs in shape", {Word.DISHONEST}),
    ("one memory behind both", {Word.NO_EFFECT, Word.INCONCLUSIVE, Word.INVALID}),
    ("a head start", {Word.INVALID}),
    ("distillation fails, as told", {Word.INCONCLUSIVE}),
]


@pytest.mark.parametrize(("name", "words"), CAUGHT)
def test_a_false_learner_is_seen_through(name: str, words: set[Word]) -> None:
    assert word(name) in words


@pytest.mark.parametrize("name", ["once, three iterations", "niche tasks only", "steadily"])
def test_an_honest_learner_is_found(name: str) -> None:
    assert word(name) in POSITIVE


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
    assert targets.kind_of("gauntlet:once") is targets.LIVE
