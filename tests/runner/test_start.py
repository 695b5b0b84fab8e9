"""A battery whose arms do not start alike stops before what comes next is paid for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from battery.base.errors import StartError
from battery.inputs.settings import Settings
from battery.records.events import Event, Notice
from battery.records.models import LEARN
from battery.runner.run import dry_run, iterate, run
from battery.runner.start import is_unlike
from battery.store.battery_dir import BatteryDir
from tests.support import notes
from tests.support.commands import write_tasks

pytestmark = pytest.mark.slow


@pytest.fixture
def experienced(settings: Settings, tmp_path: Path) -> Settings:
    """Give the learner the notes of an earlier battery on the same nine tasks."""
    tasks = write_tasks(tmp_path / "tasks.json", 3)
    memory = BatteryDir(settings.folder).memory(LEARN)
    memory.mkdir(parents=True)
    phases = ("alpha_baseline", "beta_drift", "gamma_impossible")
    known = [f"{phase} {number}" for phase in phases for number in range(3)]
    (memory / "notes.txt").write_text("\n".join(known))
    return replace(settings, tasks_path=tasks, iterations=2)


def stopped(settings: Settings) -> StartError:
    with pytest.raises(StartError) as caught:
        asyncio.run(run(settings, lambda _event: None))
    return caught.value


def test_it_stops_after_the_tasks_of_iteration_1_and_says_what_to_do(experienced: Settings) -> None:
    error = stopped(experienced)
    assert "50% fewer tokens" in error.message
    assert "earlier battery" in error.message
    folder = BatteryDir(experienced.folder)
    assert (error.hint or "").endswith(folder.hint_to_keep_going)
    # Neither the distillation nor the review nor the judgment has been paid for.
    assert len(notes.CALLS) == 18
    manifest = folder.read_manifest()
    assert manifest
    assert (manifest.state, manifest.iterations_finished) == ("failed", 0)
    # For whoever comes later and has no terminal to look at.
    assert manifest.stopped_by == error.message
    assert folder.resume_hint == folder.hint_to_keep_going


def test_a_resume_says_so_again_before_its_first_call_and_goes_on_when_told(
    experienced: Settings,
) -> None:
    stopped(experienced)
    before = len(notes.CALLS)
    resumed = replace(experienced, resume=True, iterations=None)
    assert "--keep-going" in (stopped(resumed).hint or "")
    with pytest.raises(StartError):
        dry_run(resumed, lambda _event: None)
    assert len(notes.CALLS) == before
    told: list[Event] = []
    summary = asyncio.run(run(replace(resumed, keep_going=True), told.append))
    assert len(summary.iterations) == 2
    assert summary.evidence
    assert summary.evidence.verdict == "INVALID"
    warnings = [event.text for event in told if isinstance(event, Notice) and event.warning]
    assert sum("learner and twin differ already" in text for text in warnings) == 1


def test_nothing_differs_where_the_runs_of_one_arm_are_not_written_yet(
    experienced: Settings,
) -> None:
    """As where the disk is full between the two files."""
    stopped(experienced)
    first = BatteryDir(experienced.folder).iteration(1)
    assert is_unlike(first)
    (first.root / "runs.json").unlink()
    assert not is_unlike(first)


def test_iterate_does_not_add_to_it_unless_told(experienced: Settings) -> None:
    asyncio.run(run(replace(experienced, keep_going=True), lambda _event: None))
    before = len(notes.CALLS)
    with pytest.raises(StartError):
        asyncio.run(iterate(experienced, lambda _event: None))
    assert len(notes.CALLS) == before
    manifest = BatteryDir(experienced.folder).read_manifest()
    assert manifest
    assert manifest.state == "finished"
    going = replace(experienced, keep_going=True)
    assert len(asyncio.run(iterate(going, lambda _event: None)).iterations) == 3


def test_nothing_is_left_to_ask_and_nothing_is_said(experienced: Settings) -> None:
    asyncio.run(run(replace(experienced, keep_going=True), lambda _event: None))
    summary = asyncio.run(run(replace(experienced, resume=True), lambda _event: None))
    assert len(summary.iterations) == 2


def test_arms_that_start_alike_go_on(settings: Settings, tmp_path: Path) -> None:
    tasks = write_tasks(tmp_path / "tasks.json", 3)
    summary = asyncio.run(run(replace(settings, tasks_path=tasks), lambda _event: None))
    assert len(summary.iterations) == 1
