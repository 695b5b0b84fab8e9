"""A run goes on from what is on disk, and its manifest says how far it came."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from battery.base.errors import ArtifactError, BrokenAnswerError, FolderError
from battery.inputs.settings import Settings
from battery.records.events import Event, IterationFinished, Notice
from battery.records.manifest import Manifest
from battery.run.run import dry_run, iterate, run
from battery.store.artifacts import SUMMARY
from battery.store.battery_dir import BatteryDir
from tests.support import notes

pytestmark = pytest.mark.slow


def manifest(settings: Settings) -> Manifest:
    read = BatteryDir(settings.folder).read_manifest()
    assert read
    return read


def test_a_finished_run_returns_its_summary_and_says_so_in_the_manifest(settings: Settings) -> None:
    summary = asyncio.run(run(settings, lambda _event: None))
    assert [metrics.total_tasks for metrics in summary.iterations] == [3]
    assert (manifest(settings).state, summary.state) == ("finished", "finished")
    assert (settings.folder / "report.html").exists()


def test_a_dry_run_lists_the_calls_that_the_run_then_makes_and_makes_none(
    settings: Settings,
) -> None:
    seeded = replace(settings, seed=7)
    outlook = dry_run(seeded, lambda _event: None)
    assert notes.CALLS == []
    assert not settings.folder.exists()
    asyncio.run(run(seeded, lambda _event: None))
    assert len(outlook.calls) == outlook.plan.calls == len(notes.CALLS)
    asked = [(call.arm, call.label) for call in outlook.calls if call.arm]
    assert asked == notes.CALLS[: len(asked)]


def test_a_run_that_breaks_off_is_marked_and_a_resume_asks_only_what_is_missing(
    settings: Settings,
) -> None:
    notes.BROKEN.add("beta_drift 0")
    with pytest.raises(BrokenAnswerError) as caught:
        asyncio.run(run(settings, lambda _event: None))
    assert "--resume" in (caught.value.hint or "")
    assert manifest(settings).state == "failed"
    notes.BROKEN.clear()
    before = len(notes.CALLS)
    asyncio.run(run(replace(settings, resume=True), lambda _event: None))
    assert manifest(settings).state == "finished"
    # The call that broke off is asked again, the finished ones are not.
    assert len(notes.CALLS) - 1 == 2 * 3 + 3
    assert len(notes.CALLS) > before


def test_iterate_adds_one_iteration_and_a_new_run_moves_the_finished_battery_away(
    settings: Settings,
) -> None:
    asyncio.run(run(settings, lambda _event: None))
    assert len(asyncio.run(iterate(settings, lambda _event: None)).iterations) == 2
    told: list[Event] = []
    assert len(asyncio.run(run(settings, told.append)).iterations) == 1
    moved = [event.text for event in told if isinstance(event, Notice) and event.warning]
    assert any("was moved to" in text for text in moved)


def test_iterate_needs_a_manifest(settings: Settings) -> None:
    with pytest.raises(FolderError, match=r"no battery\.json"):
        asyncio.run(iterate(settings, lambda _event: None))


@pytest.mark.parametrize("resume", [True, False])
def test_a_file_that_could_not_be_written_later_is_named_before_the_first_call(
    settings: Settings, resume: bool
) -> None:
    if resume:
        notes.BROKEN.add("beta_drift 0")
        with pytest.raises(BrokenAnswerError):
            asyncio.run(run(settings, lambda _event: None))
        notes.BROKEN.clear()
        notes.CALLS.clear()
    blocked = settings.folder / ("iter_1/overseer_review.md" if resume else "report.html")
    blocked.mkdir(parents=True)
    with pytest.raises(ArtifactError, match=blocked.name):
        asyncio.run(run(replace(settings, resume=resume), lambda _event: None))
    assert notes.CALLS == []
    blocked.rmdir()
    asyncio.run(run(replace(settings, resume=resume), lambda _event: None))
    assert manifest(settings).state == "finished"


def test_an_iteration_that_cannot_be_read_any_more_is_named_before_one_is_added(
    settings: Settings,
) -> None:
    asyncio.run(run(settings, lambda _event: None))
    notes.CALLS.clear()
    (settings.folder / "iter_1" / "control" / "runs.json").write_text("[", "utf-8")
    with pytest.raises(ArtifactError, match=r"iter_1/control/runs\.json"):
        asyncio.run(iterate(settings, lambda _event: None))
    assert notes.CALLS == []
    assert manifest(settings).state == "finished"


def test_a_page_that_cannot_be_written_any_more_leaves_a_finished_battery(
    settings: Settings,
) -> None:
    def block(event: Event) -> None:
        if isinstance(event, IterationFinished):
            (settings.folder / "report.html").mkdir()

    with pytest.raises(ArtifactError, match=r"report\.html"):
        asyncio.run(run(settings, block))
    assert manifest(settings).state == "finished"
    assert SUMMARY.read(settings.folder).state == "finished"
