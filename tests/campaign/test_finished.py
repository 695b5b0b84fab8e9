"""A run that was finished, removed and run again shows, and so does a record that was removed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from battery.base.errors import ArtifactError
from battery.campaign import finished, verdict
from battery.campaign.plan import Campaign
from battery.records.plan import Cell
from tests.support.campaigns import campaign, leave, run

SAVED = (0.3, 0.25, 0.35, 0.28, 0.32)


@pytest.fixture
def made(tmp_path: Path) -> Campaign:
    """Make a campaign whose runs are all finished."""
    return campaign(tmp_path, SAVED)


def third(made: Campaign) -> Cell:
    return made.plan.cells[2]


def removed(made: Campaign) -> Cell:
    """Remove run 3, which somebody did not like."""
    shutil.rmtree(made.cell(third(made)))
    return third(made)


def test_finished_once_each_there_is_nothing_to_say(made: Campaign) -> None:
    assert verdict.judge(made).warnings == []
    assert sorted(path.name for path in (made.folder / "finished").iterdir()) == [
        *("001.1", "002.1", "003.1", "004.1", "005.1")
    ]


def test_a_run_that_was_removed_and_run_again_is_warned_of_for_good(made: Campaign) -> None:
    run(made, removed(made), 0.5)
    (warning,) = verdict.judge(made).warnings
    assert warning.startswith("run 3 was finished before, then removed and run again, so that")


def test_a_run_that_is_gone_is_no_run_that_has_not_begun(made: Campaign) -> None:
    assert finished.before(made, removed(made))
    warning, left = verdict.judge(made).warnings
    assert warning.endswith("and then removed")
    assert left == "run 3 has not begun"


def test_a_record_that_is_removed_with_its_run_is_missed_by_those_after_it(
    made: Campaign,
) -> None:
    cell = removed(made)
    (made.folder / "finished" / "003.1").unlink()
    assert finished.before(made, cell) is None
    run(made, cell, 0.5)
    (warning,) = verdict.judge(made).warnings
    assert warning.startswith("the record finished/003.1 was removed or changed after")


def test_without_any_record_nobody_can_tell_and_that_is_said(made: Campaign) -> None:
    shutil.rmtree(made.folder / "finished")
    (warning,) = verdict.judge(made).warnings
    assert warning.startswith("no record in finished/ says when runs 1, 2, 3, 4 and 5 finished")


def test_answers_that_were_changed_afterwards_are_warned_of(made: Campaign) -> None:
    path = made.cell(third(made)) / "1" / "iter_2" / "runs.json"
    runs = json.loads(path.read_text())
    path.write_text(json.dumps(runs))
    (warning,) = verdict.judge(made).warnings
    assert warning.startswith("the answers of run 3 are not those with which it finished on")


def test_who_takes_over_between_the_record_and_the_lease_finishes_the_same_run(
    made: Campaign,
) -> None:
    cell = third(made)
    leave(made, cell, "finished")
    shutil.copytree(made.cell(cell) / "1", made.cell(cell) / "2")
    finished.record(made, cell, 2, "finished")
    assert verdict.judge(made).warnings == []


def test_a_record_that_nobody_can_read_is_no_missing_one(made: Campaign) -> None:
    (made.folder / "finished" / "002.1").write_text("{")
    with pytest.raises(ArtifactError, match="does not say how a run finished"):
        verdict.judge(made)
