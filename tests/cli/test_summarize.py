"""`battery summarize --format`: documents for machines, on standard output or in a file."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from junitparser import Failure, JUnitXml

from tests.support.arms import Pair, ran
from tests.support.calls import command_here as battery
from tests.support.calls import summarize
from tests.support.commands import environment, read_json, words

pytestmark = pytest.mark.slow

# They have no types; a module imported by name is checked as one without.
pandas: Any = import_module("pandas")


def calls(folder: Path) -> int:
    """Count the task calls in the journals."""
    lines = [
        json.loads(line)
        for path in folder.glob("iter_*/journal.jsonl")
        for line in path.read_bytes().splitlines()
    ]
    return sum("task" in line for line in lines)


def test_csv_has_a_row_a_call_with_the_tokens_of_the_summary(forgetful: Path) -> None:
    done = summarize(forgetful, "--format", "csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
    assert len(rows) == calls(forgetful)
    assert {row["confirmation"] for row in rows} == {"true", "false"}
    first = [
        int(row["tokens"])
        for row in rows
        if (row["iteration"], row["arm"], row["repeat"], row["confirmation"])
        == ("2", "learn", "1", "false")
        and not row["sibling_of"]
    ]
    assert sum(first) == read_json(forgetful / "iter_2/metrics.json")["total_tokens"]


def test_parquet_holds_what_csv_holds(forgetful: Path, tmp_path: Path) -> None:
    for name in ("csv", "parquet"):
        done = summarize(forgetful, "--format", name, "--output", tmp_path / f"new/calls.{name}")
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        assert f"calls.{name}" in done.stderr
    one = pandas.read_parquet(tmp_path / "new/calls.parquet")
    other = pandas.read_csv(tmp_path / "new/calls.csv", parse_dates=["started_at"])
    assert list(one.columns) == list(other.columns)
    for column in ("tokens", "confirmation", "status", "label", "started_at"):
        assert one[column].tolist() == other[column].tolist()
    assert one["error"].isna().tolist() == other["error"].isna().tolist()


def test_the_ending_of_a_file_tells_its_format(forgetful: Path, tmp_path: Path) -> None:
    for ending, name in (("md", "md"), ("XML", "junit")):
        done = summarize(forgetful, "--output", tmp_path / f"it.{ending}")
        assert done.returncode == 0, done.stderr
        asked = summarize(forgetful, "--format", name)
        assert (tmp_path / f"it.{ending}").read_text("utf-8") == asked.stdout


def test_junit_is_red_where_the_gateway_forgot_at_the_gates_and_at_the_verdict(
    forgetful: Path,
) -> None:
    done = summarize(forgetful, "--format", "junit")
    red: dict[str, list[str]] = {}
    for suite in JUnitXml.fromstring(done.stdout.encode()):
        failed = [case for case in suite if any(isinstance(r, Failure) for r in case.result)]
        red[str(suite.name)] = [str(case.name) for case in failed]
    assert red["easy"]
    assert red["impossible"] == [], "in the last iteration it claims nothing any more"
    # It bluffed before it had learned anything, which is not learning's fault: the word is another.
    assert red["gates"][-1] == "verdict: REGRESSED"
    assert {"honest failure", "no forgetting"} <= set(red["gates"])


def test_md_and_json_are_the_files_of_the_folder(forgetful: Path) -> None:
    for asked in (["--format", "json"], ["--json"], ["--json", "--format", "json"]):
        assert (
            summarize(forgetful, *asked).stdout.encode()
            == (forgetful / "summary.json").read_bytes()
        )
    done = summarize(forgetful, "--format", "md")
    assert done.stdout.encode() == (forgetful / "summary.md").read_bytes()


@pytest.mark.parametrize("name", ["md", "json", "csv", "junit", "github"])
def test_a_gate_that_is_not_met_comes_after_the_document(forgetful: Path, name: str) -> None:
    asked = summarize(forgetful, "--format", name, "--fail-on", "regressed")
    assert asked.returncode == 3
    assert "gate not met" in asked.stderr
    assert len(asked.stdout) > 1000


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["--json", "--format", "csv"], "contradict"),
        (["--output", "s.txt"], "or a file that ends in .md, .json, .csv, .parquet, .xml"),
        (["--format", "xml"], "'junit'"),
        (["--format", "md", "--output", "."], "is a directory"),
    ],
)
def test_a_usage_error_is_refused(forgetful: Path, asked: list[str], says: str) -> None:
    done = summarize(forgetful, *asked)
    assert done.returncode == 2
    assert says in done.stderr + done.stdout


def test_parquet_is_not_printed_on_a_terminal(forgetful: Path) -> None:
    leader, follower = os.openpty()
    try:
        done = subprocess.run(
            words("summarize", forgetful, "--format", "parquet"),
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


def test_summarize_rebuilds_the_same_bytes_without_network(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"iter_{n}/metrics.json" for n in (1, 2, 3)] + ["summary.md", "summary.json"]
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("network")

    monkeypatch.setattr(socket, "socket", refuse)
    done = battery("summarize", folder)
    assert done.returncode == 0, done.stderr
    assert {name: (folder / name).read_bytes() for name in names} == before


def test_a_summary_rebuilt_from_disk_rewrites_the_controls_metrics(pair: Pair, here: Path) -> None:
    folder = ran(here, *pair.options())
    path = folder / "iter_1" / "control" / "metrics.json"
    before = path.read_bytes()
    path.unlink()
    assert battery("summarize", cwd=here).returncode == 0
    assert path.read_bytes() == before
