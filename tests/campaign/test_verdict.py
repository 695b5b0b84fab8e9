"""The verdict of a campaign: over its own runs, all of them, and none before they are finished."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import FolderError, MismatchError
from battery.campaign import verdict
from battery.records.campaign import CampaignSummary
from battery.records.events import Notice
from battery.records.word import Word
from battery.report.html.runs import page
from battery.report.markdown.runs import markdown
from battery.report.terminal.look import Look
from battery.report.terminal.runs import run_lines
from battery.store.battery_dir import BatteryDir
from battery.store.files import cannot_write
from tests.support.campaigns import campaign, leave, run
from tests.support.several import rewrite

SAVED = (0.3, 0.25, 0.35, 0.28, 0.32)


def test_all_planned_runs_together_say_what_the_system_does(tmp_path: Path) -> None:
    made = campaign(tmp_path, SAVED)
    found = verdict.judge(made)
    assert found.evidence.verdict is Word.LEARNED
    assert (found.kind, found.digest) == ("campaign", made.registration)
    assert [one.name for one in found.evidence.runs] == ["1", "2", "3", "4", "5"]
    assert [one.seed for one in found.evidence.runs] == [cell.seed for cell in made.plan.cells]
    assert found.warnings == []


def test_what_its_user_says_of_it_is_with_the_verdict_and_in_all_reports(tmp_path: Path) -> None:
    said: dict[str, Any] = {
        "name": "the shorter prompt",
        "note": "since the 3rd",
        "tag": ["p2", "nightly"],
    }
    made = campaign(tmp_path, SAVED[:2], **said)
    found = verdict.judge(made)
    assert (found.name, found.note, found.tags) == tuple(said.values())
    full = list(run_lines(found, ["campaign", "verdict"], Look.of(io.StringIO()), full=True))
    assert full[2:4] == ["note: since the 3rd", "tags: p2, nightly"]
    html = b"".join(page(found, tmp_path / "report.html")).decode()
    for text in (markdown(found), html):
        assert "since the 3rd" in text
        assert "p2, nightly" in text


def test_before_all_are_finished_there_is_no_word_and_what_is_left_is_named(tmp_path: Path) -> None:
    made = campaign(tmp_path, SAVED[:2], runs=6)
    third, fourth, fifth, _ = made.plan.cells[2:]
    leave(made, third, "failed", "the gateway is gone")
    leave(made, fourth, "interrupted", "interrupted; everything that finished is on disk")
    leave(made, fifth, None)
    found = verdict.judge(made)
    assert (found.evidence.verdict, found.evidence.finished) == (None, 2)
    assert found.evidence.settle[0].command == f"battery campaign run {made.folder}"
    failed, interrupted, held, new = found.warnings
    assert failed == "run 3 is failed: the gateway is gone"
    assert interrupted == "run 4 is interrupted: everything that finished is on disk"
    assert held.startswith("run 5 is under way")
    assert new == "run 6 has not begun"


def test_without_a_finished_run_the_error_says_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="is finished yet") as caught:
        verdict.judge(campaign(tmp_path, ()))
    assert "battery campaign run" in (caught.value.hint or "")


def test_a_run_that_was_taken_over_is_read_from_its_last_holder(tmp_path: Path) -> None:
    made = campaign(tmp_path, SAVED)
    first = made.plan.cells[0]
    leave(made, first, "finished")
    shutil.copytree(made.cell(first) / "1", made.cell(first) / "2")
    # Who lost the lease may write as late as it likes.
    (made.cell(first) / "1" / "battery.json").write_text("torn")
    assert verdict.judge(made).evidence.runs[0].folder.endswith("cells/001/2")


def test_a_run_of_another_plan_is_refused(tmp_path: Path) -> None:
    made = campaign(tmp_path, SAVED)
    rewrite(BatteryDir(made.cell(made.plan.cells[1]) / "1"), run_id="f" * 32)
    with pytest.raises(MismatchError, match="is not run 2 of"):
        verdict.judge(made)


def test_a_battery_that_is_gone_is_an_error_and_not_a_run_less(tmp_path: Path) -> None:
    made = campaign(tmp_path, SAVED)
    shutil.rmtree(made.cell(made.plan.cells[3]) / "1")
    with pytest.raises(FolderError, match="run 4 is finished, and its battery is gone"):
        verdict.judge(made)


def test_a_run_of_an_edited_system_is_warned_of(tmp_path: Path) -> None:
    made = campaign(tmp_path, SAVED)
    last = BatteryDir(made.cell(made.plan.cells[4]) / "1")
    rewrite(last, target_files={"agent.py": "f" * 64})
    assert verdict.judge(made).warnings == [
        "run 5 differs from run 1 in target_files: the runs are not of one system"
    ]


def test_the_files_hold_the_same_as_what_is_returned(tmp_path: Path) -> None:
    made = campaign(tmp_path, SAVED[:4])
    run(made, made.plan.cells[4], SAVED[4])
    found = verdict.judge(made)
    verdict.write(made, found, lambda _event: None)
    text = (made.folder / "summary.json").read_text()
    assert CampaignSummary.model_validate(json.loads(text)) == found
    assert (made.folder / "summary.md").read_text().startswith("# Campaign summary\n")


def test_a_folder_that_may_only_be_read_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = campaign(tmp_path, SAVED)
    told: list[object] = []

    def refuse(path: Path, _chunks: object) -> None:
        error = PermissionError(13, "Permission denied")
        raise cannot_write(path, error) from error

    monkeypatch.setattr(verdict, "write_atomic", refuse)
    verdict.write(made, verdict.judge(made), told.append)
    (notice,) = told
    assert isinstance(notice, Notice)
    assert "nothing is written" in notice.text
