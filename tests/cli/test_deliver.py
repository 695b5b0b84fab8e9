"""Documents for machines: into files, pipes and GitHub Actions."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from tests.support.calls import command_here, summarize
from tests.support.commands import read_json

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["battery.json", "iter_1/journal.jsonl"])
def test_no_file_of_the_battery_is_overwritten(forgetful: Path, name: str) -> None:
    was = (forgetful / name).read_bytes()
    for asked in (["summarize", "--format", "csv"], ["report"], ["compare", forgetful]):
        done = command_here(*asked, forgetful, "--output", forgetful / name, cwd=forgetful.parent)
        assert done.returncode == 2
        assert f"{name} is a file of the battery in {forgetful}" in done.stderr
    assert (forgetful / name).read_bytes() == was


def test_in_actions_the_summary_goes_to_the_step_and_annotations_are_printed(
    forgetful: Path, tmp_path: Path
) -> None:
    step, outputs = tmp_path / "step.md", tmp_path / "outputs"
    step.write_text("# Before")
    env = {"GITHUB_STEP_SUMMARY": str(step), "GITHUB_OUTPUT": str(outputs)}
    done = summarize(forgetful, "--format", "github", env=env)
    assert done.returncode == 0, done.stderr
    assert step.read_text("utf-8") == "# Before\n\n" + (forgetful / "summary.md").read_text("utf-8")
    assert done.stdout.startswith("::error title=battery%3A REGRESSED::")
    assert all(line.startswith("::") for line in done.stdout.splitlines())
    assert outputs.read_text().startswith("verdict=REGRESSED\neffect=5.")


def test_outside_of_actions_it_is_printed_with_commands_off_and_says_so(forgetful: Path) -> None:
    done = summarize(forgetful, "--format", "github")
    first, *lines = done.stdout.splitlines()
    token = first.removeprefix("::stop-commands::")
    end = lines.index(f"::{token}::")
    assert "\n".join(lines[:end]) + "\n" == (forgetful / "summary.md").read_text("utf-8")
    assert lines[end + 1].startswith("::error ")
    assert "GITHUB_STEP_SUMMARY is not set" in done.stderr


def test_a_file_for_github_gets_the_markdown_in_place_of_the_step(
    forgetful: Path, tmp_path: Path
) -> None:
    step = tmp_path / "step.md"
    asked = ("--format", "github", "--output", tmp_path / "page.md")
    done = summarize(forgetful, *asked, env={"GITHUB_STEP_SUMMARY": str(step)})
    assert (tmp_path / "page.md").read_bytes() == (forgetful / "summary.md").read_bytes()
    assert done.stdout.startswith("::error ")
    assert not step.exists()


def test_a_step_summary_that_cannot_be_written_is_an_error(forgetful: Path, tmp_path: Path) -> None:
    env = {"GITHUB_STEP_SUMMARY": str(tmp_path / "none/step.md")}
    done = summarize(forgetful, "--format", "github", env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot write" in done.stderr


def test_an_older_file_stays_where_the_rows_cannot_be_read(forgetful: Path, tmp_path: Path) -> None:
    spoilt = shutil.copytree(forgetful, tmp_path / "spoilt")
    manifest = read_json(spoilt / "battery.json")
    (spoilt / "battery.json").write_text(json.dumps({**manifest, "started_at": "soon"}))
    target = tmp_path / "calls.csv"
    target.write_text("older")
    done = summarize(spoilt, "--format", "csv", "--output", target)
    assert done.returncode == 1
    assert "started_at" in done.stderr
    assert target.read_text() == "older"


def test_what_is_no_file_is_written_to_and_not_replaced(forgetful: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        done = summarize(forgetful, "--format", "md", "--output", pipe)
        assert done.returncode == 0, done.stderr
        assert os.read(reader, 65536).startswith(b"# Compounding battery summary")
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
