"""`battery summarize --format`: documents for machines, on standard output or in a file."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from junitparser import Failure, JUnitXml

from battery.embedded.policies import Dials
from battery.embedded.server import GatewayOptions, serving
from tests.support.calls import command_here
from tests.support.commands import environment, read_json, words

# They have no types; a module imported by name is checked as one without.
pandas: Any = import_module("pandas")
#: No Actions run around the tests steers them.
NO_ACTIONS = {"GITHUB_STEP_SUMMARY": "", "GITHUB_OUTPUT": ""}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a battery with two arms and two repeats whose gateway forgets and bluffs."""
    here = tmp_path_factory.mktemp("formats")
    options = GatewayOptions(here / "g", frozen=False, dials=Dials(forget_after=1, bluff=True))
    with serving(options) as url, serving(GatewayOptions(here / "c", frozen=True)) as control:
        urls = ("--gateway", url, "--llm-team", url, "--control-gateway", control)
        asked = ("run", "-n", 2, "--repeats", 2, "--quiet", "--dir", here / "battery")
        done = command_here(*asked, *urls, cwd=here)
    assert done.returncode == 0, done.stderr
    return here / "battery"


def summarize(
    folder: Path, *more: object, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    all_of_it = {**NO_ACTIONS, **(env or {})}
    return command_here("summarize", folder, *more, cwd=folder.parent, env=all_of_it)


def calls(folder: Path) -> int:
    """Count the task calls in the journals."""
    lines = [
        json.loads(line)
        for path in folder.glob("iter_*/journal.jsonl")
        for line in path.read_bytes().splitlines()
    ]
    return sum("task" in line for line in lines)


def test_csv_has_a_row_a_call_with_the_tokens_of_the_summary(folder: Path) -> None:
    done = summarize(folder, "--format", "csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
    assert len(rows) == calls(folder)
    assert {row["confirmation"] for row in rows} == {"true", "false"}
    first = [
        int(row["tokens"])
        for row in rows
        if (row["iteration"], row["arm"], row["repeat"], row["confirmation"])
        == ("2", "learn", "1", "false")
    ]
    assert sum(first) == read_json(folder / "iter_2/metrics.json")["total_tokens"]


def test_parquet_holds_what_csv_holds(folder: Path, tmp_path: Path) -> None:
    for name in ("csv", "parquet"):
        done = summarize(folder, "--format", name, "--output", tmp_path / f"new/calls.{name}")
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert f"calls.{name}" in done.stderr
    one = pandas.read_parquet(tmp_path / "new/calls.parquet")
    other = pandas.read_csv(tmp_path / "new/calls.csv", parse_dates=["started_at"])
    assert list(one.columns) == list(other.columns)
    for column in ("tokens", "confirmation", "status", "label", "started_at"):
        assert one[column].tolist() == other[column].tolist()
    assert one["error"].isna().tolist() == other["error"].isna().tolist()


def test_junit_is_red_where_the_gateway_forgot_and_at_the_gate_where_it_had_bluffed(
    folder: Path,
) -> None:
    done = summarize(folder, "--format", "junit")
    red: dict[str, list[str]] = {}
    for suite in JUnitXml.fromstring(done.stdout.encode()):
        failed = [case for case in suite if any(isinstance(r, Failure) for r in case.result)]
        red[str(suite.name)] = [str(case.name) for case in failed]
    assert red["alpha"]
    assert red["gamma"] == [], "in the last iteration it claims nothing any more"
    assert "gamma: honest failure" in red["gates"]
    assert red["gates"][-1] == "verdict: DISHONEST"


def test_md_and_json_are_the_files_of_the_folder(folder: Path) -> None:
    for asked in (["--format", "json"], ["--json"], ["--json", "--format", "json"]):
        assert summarize(folder, *asked).stdout.encode() == (folder / "summary.json").read_bytes()
    done = summarize(folder, "--format", "md")
    assert done.stdout.encode() == (folder / "summary.md").read_bytes()


@pytest.mark.parametrize("name", ["battery.json", "iter_1/journal.jsonl"])
def test_no_file_of_the_battery_is_overwritten(folder: Path, name: str) -> None:
    was = (folder / name).read_bytes()
    for asked in (["summarize", "--format", "csv"], ["report"], ["compare", folder]):
        done = command_here(*asked, folder, "--output", folder / name, cwd=folder.parent)
        assert done.returncode == 2
        assert f"{name} is a file of the battery in {folder}" in done.stderr
    assert (folder / name).read_bytes() == was


@pytest.mark.parametrize("name", ["md", "json", "csv", "junit", "github"])
def test_a_gate_that_is_not_met_comes_after_the_document(folder: Path, name: str) -> None:
    asked = summarize(folder, "--format", name, "--fail-on", "dishonest")
    assert asked.returncode == 3
    assert "gate not met" in asked.stderr
    assert len(asked.stdout) > 1000


def test_in_actions_the_summary_goes_to_the_step_and_annotations_are_printed(
    folder: Path, tmp_path: Path
) -> None:
    step, outputs = tmp_path / "step.md", tmp_path / "outputs"
    step.write_text("# Before")
    env = {"GITHUB_STEP_SUMMARY": str(step), "GITHUB_OUTPUT": str(outputs)}
    done = summarize(folder, "--format", "github", env=env)
    assert done.returncode == 0, done.stderr
    assert step.read_text("utf-8") == "# Before\n\n" + (folder / "summary.md").read_text("utf-8")
    assert done.stdout.startswith("::error title=battery%3A DISHONEST::")
    assert all(line.startswith("::") for line in done.stdout.splitlines())
    assert outputs.read_text().startswith("verdict=DISHONEST\neffect=")


def test_outside_of_actions_it_is_printed_with_commands_off_and_says_so(folder: Path) -> None:
    done = summarize(folder, "--format", "github")
    first, *lines = done.stdout.splitlines()
    token = first.removeprefix("::stop-commands::")
    end = lines.index(f"::{token}::")
    assert "\n".join(lines[:end]) + "\n" == (folder / "summary.md").read_text("utf-8")
    assert lines[end + 1].startswith("::error ")
    assert "GITHUB_STEP_SUMMARY is not set" in done.stderr


def test_a_file_for_github_gets_the_markdown_in_place_of_the_step(
    folder: Path, tmp_path: Path
) -> None:
    step = tmp_path / "step.md"
    asked = ("--format", "github", "--output", tmp_path / "page.md")
    done = summarize(folder, *asked, env={"GITHUB_STEP_SUMMARY": str(step)})
    assert (tmp_path / "page.md").read_bytes() == (folder / "summary.md").read_bytes()
    assert done.stdout.startswith("::error ")
    assert not step.exists()


def test_a_step_summary_that_cannot_be_written_is_an_error(folder: Path, tmp_path: Path) -> None:
    env = {"GITHUB_STEP_SUMMARY": str(tmp_path / "none/step.md")}
    done = summarize(folder, "--format", "github", env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot write" in done.stderr


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["--json", "--format", "csv"], "contradict"),
        (["--output", "x"], "needs a format"),
        (["--format", "xml"], "'junit'"),
        (["--format", "md", "--output", "."], "is a directory"),
    ],
)
def test_wrong_use_is_refused(folder: Path, asked: list[str], says: str) -> None:
    done = summarize(folder, *asked)
    assert done.returncode == 2
    assert says in done.stderr + done.stdout


def test_an_older_file_stays_where_the_rows_cannot_be_read(folder: Path, tmp_path: Path) -> None:
    spoilt = shutil.copytree(folder, tmp_path / "spoilt")
    manifest = read_json(spoilt / "battery.json")
    (spoilt / "battery.json").write_text(json.dumps({**manifest, "started_at": "soon"}))
    target = tmp_path / "calls.csv"
    target.write_text("older")
    done = summarize(spoilt, "--format", "csv", "--output", target)
    assert done.returncode == 1
    assert "started_at" in done.stderr
    assert target.read_text() == "older"


def test_what_is_no_file_is_written_to_and_not_replaced(folder: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        done = summarize(folder, "--format", "md", "--output", pipe)
        assert done.returncode == 0, done.stderr
        assert os.read(reader, 65536).startswith(b"# Compounding battery summary")
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_parquet_is_not_printed_on_a_terminal(folder: Path) -> None:
    leader, follower = os.openpty()
    try:
        done = subprocess.run(
            words("summarize", folder, "--format", "parquet"),
            stdout=follower,
            stderr=subprocess.PIPE,
            env=environment(),
            text=True,
            check=False,
        )
    finally:
        os.close(follower)
        os.close(leader)
    assert done.returncode == 2
    assert "--output" in done.stderr
