"""`battery pool` on folders, as a user meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from battery.records.campaign import CampaignSummary
from battery.store.battery_dir import BatteryDir
from tests.support import campaigns
from tests.support.calls import assert_one_message, command_here
from tests.support.screens import on_terminal
from tests.support.several import batteries, battery, rewrite

SAVED = (0.3, 0.25, 0.35, 0.28, 0.32)


def test_the_answer_is_last_and_fits_a_screen(tmp_path: Path) -> None:
    batteries(tmp_path, SAVED)
    names = [f"run{number}" for number in range(1, 6)]
    lines = [line for line in on_terminal("pool", *names, cwd=tmp_path).everything if line]
    assert len(lines) <= 22
    assert any(line.startswith("LEARNED") for line in lines)
    assert lines[-1].endswith("--full")


def test_json_is_the_whole_summary_and_nothing_else(tmp_path: Path) -> None:
    batteries(tmp_path, SAVED)
    done = command_here("pool", *(f"run{n}" for n in range(1, 6)), "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    summary = CampaignSummary.model_validate_json(done.stdout)
    assert summary.evidence.verdict == "LEARNED"
    assert summary.evidence.subject == "the system"


@pytest.mark.parametrize(
    ("condition", "code"),
    [("not-learned", 0), ("not-compounding", 3), ("regressed,invalid", 0), ("unfinished", 0)],
)
def test_a_pipeline_may_ask_for_a_word(tmp_path: Path, condition: str, code: int) -> None:
    batteries(tmp_path, SAVED)
    names = [f"run{n}" for n in range(1, 6)]
    done = command_here("pool", *names, "--fail-on", condition, cwd=tmp_path)
    assert done.returncode == code
    assert ("gate not met" in done.stderr) == (code == 3)
    assert "LEARNED" in done.stdout


def test_the_primary_question_may_be_another_one(tmp_path: Path) -> None:
    batteries(tmp_path, SAVED)
    names = [f"run{n}" for n in range(1, 6)]
    done = command_here("pool", *names, "--primary", "niche", "--full", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.index("Do the niche tasks cost less?") < done.stdout.index(
        "Does the work cost less?"
    )


def test_another_system_is_refused_with_one_message(tmp_path: Path) -> None:
    batteries(tmp_path, SAVED[:2])
    other = battery(tmp_path / "other", 9, 0.3)
    rewrite(BatteryDir(other), repeats=3)
    done = command_here("pool", "run1", "run2", "other", cwd=tmp_path)
    assert_one_message(done, 2, "other cannot be pooled with run1", "battery compare")


def test_a_condition_nobody_knows_is_refused_before_the_work(tmp_path: Path) -> None:
    done = command_here("pool", "nowhere", "--fail-on", "learned", cwd=tmp_path)
    assert_one_message(done, 2, "--fail-on does not know 'learned'")


def test_a_campaign_is_no_battery_and_has_a_verdict_of_its_own(tmp_path: Path) -> None:
    campaigns.campaign(tmp_path, SAVED)
    for names in (["campaign"], ["campaign", "campaign"]):
        done = command_here("pool", *names, cwd=tmp_path)
        assert_one_message(
            *(done, 2, "campaign is the folder of a campaign, not of a battery"),
            "battery campaign verdict campaign; or name each of them, such as campaign/cells/001/1",
        )
