"""Chat stages are redone from what is on disk, and nobody is asked for a task."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace

import pytest

from battery.base.errors import ArtifactError, FolderError, UsageError
from battery.inputs.settings import Settings
from battery.records.events import Event, MetaFinished, Notice
from battery.records.models import LEARN
from battery.records.stages import OVERSEER, SCRUM
from battery.runner.review import review
from battery.runner.run import run
from battery.store.battery_dir import BatteryDir
from tests.support import notes
from tests.support.disks import small_disk


@pytest.fixture
def finished(settings: Settings) -> Settings:
    asyncio.run(run(settings, lambda _event: None))
    notes.CALLS.clear()
    return settings


def test_both_stages_are_asked_again_and_the_older_texts_are_kept(finished: Settings) -> None:
    outcome = asyncio.run(review(finished, None, None, lambda _event: None))
    assert notes.CALLS == [(LEARN, "overseer"), (LEARN, "scrum")]
    assert outcome.iteration == 1
    assert "iter_1/overseer_review.1.md" in outcome.artifacts
    assert len(outcome.verdicts) == len(outcome.proposals) > 0


def test_an_answer_that_is_still_about_the_older_text_is_named(finished: Settings) -> None:
    told: list[Event] = []
    asyncio.run(review(finished, 1, OVERSEER.role, told.append))
    assert notes.CALLS == [(LEARN, "overseer")]
    texts = [event.text for event in told if isinstance(event, Notice) and event.warning]
    assert any(f"{SCRUM.file} is still about the older review" in text for text in texts)


def test_a_judgment_without_a_review_or_of_a_missing_iteration_is_refused(
    finished: Settings,
) -> None:
    with pytest.raises(UsageError, match="no complete iteration 4"):
        asyncio.run(review(finished, 4, None, lambda _event: None))
    (BatteryDir(finished.folder).iteration(1).root / OVERSEER.file).unlink()
    with pytest.raises(FolderError, match=f"holds no {OVERSEER.file}"):
        asyncio.run(review(finished, None, SCRUM.role, lambda _event: None))
    assert notes.CALLS == []


@pytest.mark.parametrize("chosen", [True, False])
def test_a_folder_of_the_original_script_is_reviewed_by_the_model_that_it_names(
    finished: Settings, chosen: bool
) -> None:
    (finished.folder / "battery.json").unlink()
    theirs = "**Models:** executor=e, reviewer=r, overseer=theirs\n"
    (finished.folder / "summary.md").write_text(theirs, "utf-8")
    settings = finished if chosen else replace(finished, tasks_path=None)
    told: list[Event] = []
    asyncio.run(review(settings, 1, OVERSEER.role, told.append))
    asked = {event.model for event in told if isinstance(event, MetaFinished)}
    assert (asked == {"theirs"}) is not chosen


def test_a_model_that_nobody_recorded_or_named_is_said_to_be_the_one_of_the_tasks_file(
    finished: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (finished.folder / "battery.json").unlink()
    monkeypatch.chdir(finished.folder.parent)
    told: list[Event] = []
    asyncio.run(review(replace(finished, tasks_path=None), 1, OVERSEER.role, told.append))
    (asked,) = [event.model for event in told if isinstance(event, MetaFinished)]
    path = finished.folder.parent / "tasks.json"
    text = f"the battery's own model is not recorded: asking {asked}, that of {path}"
    assert Notice(text) in told


@pytest.mark.parametrize("name", ["summary.md", "report.html", "iter_1/verdicts.json"])
def test_what_could_not_be_written_later_is_said_before_anybody_is_asked(
    finished: Settings, name: str
) -> None:
    (finished.folder / name).unlink()
    (finished.folder / name).mkdir()
    with pytest.raises(ArtifactError, match=name):
        asyncio.run(review(finished, None, None, lambda _event: None))
    assert notes.CALLS == []


def test_a_disk_without_room_for_an_answer_is_named_before_anybody_is_asked(
    finished: Settings,
) -> None:
    with small_disk(12) as disk:
        shutil.copytree(finished.folder, disk / "b")
        left = shutil.disk_usage(disk).free - 2 * 1024 * 1024
        (disk / "full").write_bytes(bytes(left))
        with pytest.raises(ArtifactError, match="No space left"):
            asyncio.run(review(replace(finished, folder=disk / "b"), 1, None, lambda _event: None))
        assert notes.CALLS == []
        (disk / "full").unlink()
        asyncio.run(review(replace(finished, folder=disk / "b"), 1, None, lambda _event: None))
        assert not (disk / "b" / ".reserve").exists()
