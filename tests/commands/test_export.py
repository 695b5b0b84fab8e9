"""Exports: what Inspect AI's own package and its viewer make of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.parse import quote

import pytest

from battery.base.errors import BatteryError
from battery.commands import export
from battery.store.battery_dir import BatteryDir
from tests.support.calls import command_here
from tests.support.commands import environment, read_json
from tests.support.runs import run as answered
from tests.support.samples import shipped
from tests.support.server import unused_port

pytestmark = pytest.mark.slow

#: Reads the logs, and serves them then: one process for both, as the package takes seconds to load.
READER = """
import json, os, sys
from click.testing import CliRunner
from inspect_ai._cli.main import inspect
from inspect_ai.analysis import samples_df
from inspect_ai.log import list_eval_logs, read_eval_log

folder, odd_folder, port, answer = sys.argv[1:]
listed = CliRunner().invoke(inspect, ["log", "list", "--json", "--log-dir", folder])
assert listed.exit_code == 0, listed.output
found = {"listed": json.loads(listed.output), "logs": {}}
for info in list_eval_logs(folder):
    head = read_eval_log(info, header_only=True)
    whole = read_eval_log(info)
    dumped = CliRunner().invoke(inspect, ["log", "dump", info.name])
    assert dumped.exit_code == 0, dumped.output
    found["logs"][head.eval.task] = {
        "status": head.status,
        "model": head.eval.model,
        "epochs": head.eval.config.epochs,
        "roles": {role: config.model for role, config in head.eval.model_roles.items()},
        "verdict": head.eval.metadata["verdict"],
        "means": {s.name: {m: v.value for m, v in s.metrics.items()} for s in head.results.scores},
        "usage": {m: u.total_tokens for m, u in head.stats.model_usage.items()},
        "dumped": len(json.loads(dumped.output)["samples"]),
        "samples": [
            {
                "id": s.id,
                "epoch": s.epoch,
                "target": s.target,
                "outcome": s.scores["outcome"].value,
                "tokens": s.scores["total_tokens"].value,
                "usage": sum(u.total_tokens for u in s.model_usage.values()),
                "total_time": s.total_time,
                "started": s.started_at,
                "error": s.error,
                "messages": [[m.role, m.text] for m in s.messages],
                "events": [e.event for e in s.events],
            }
            for s in whole.samples
        ],
    }
odd = samples_df(odd_folder, quiet=True)
columns = ["score_turns", "score_total_tokens", "score_elapsed_s", "total_tokens"]
# Through JSON, where a missing value is null.
found["odd"] = json.loads(odd[columns].to_json(orient="values"))
with open(f"{answer}.tmp", "w") as file:
    json.dump(found, file)
os.replace(f"{answer}.tmp", answer)
inspect(["view", "start", "--log-dir", folder, "--host", "127.0.0.1", "--port", port])
"""

#: What a gateway may answer, or a folder claim.
ODD = [
    answered(iterations=0, artifact={"usage": {"total_tokens": 0}}),
    answered(iterations=None, _elapsed_ms=None),
    answered(iterations=2**53, artifact={"usage": {"total_tokens": 2**53}}, _elapsed_ms=2**53),
    answered(artifact={"usage": {"total_tokens": 7, "prompt_tokens": 10**30}}),
]


class Read(NamedTuple):
    """A battery, its logs, and what Inspect read in them."""

    battery: Path
    logs: Path
    found: dict[str, Any]
    #: The logs as the viewer gets them.
    views: list[dict[str, Any]]


@contextmanager
def viewing(logs: Path, odd: Path, home: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Have Inspect read these logs and view them; yield the viewer's address and what it read."""
    port = unused_port()
    answer, said = home / "read.json", home / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", READER, str(logs), str(odd), str(port), str(answer)],
            stdout=output,
            stderr=subprocess.STDOUT,
            # It notes there which ports its viewers have.
            env={**environment(), "HOME": str(home), "XDG_DATA_HOME": str(home)},
        )
        try:
            while not answer.exists():
                assert process.poll() is None, said.read_text()
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}", read_json(answer)
        finally:
            process.terminate()
            process.wait(timeout=300)


def get(url: str) -> Any:
    """Ask for a JSON document until somebody answers, for half a minute at most."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)
        except URLError:
            time.sleep(0.1)
    pytest.fail(f"nobody answers at {url}")


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Export a battery of two iterations, and let Inspect read and serve the logs."""
    folder = tmp_path_factory.mktemp("export")
    battery = shipped(tmp_path_factory, 2)
    done = command_here("export", "inspect", battery, "--output", "logs", cwd=folder)
    assert done.returncode == 0, done.stderr
    logs = folder / "logs"
    odd = BatteryDir(folder / "odd")
    odd.iteration(1).write_runs(ODD)
    export.inspect(odd, folder / "odd-logs")
    with viewing(logs, folder / "odd-logs", folder) as (viewer, found):
        files = [file["name"] for file in get(f"{viewer}/api/logs")["files"]]
        views = [get(f"{viewer}/api/logs/{quote(name, safe='')}") for name in files]
    return Read(battery, logs, found, views)


def runs(battery: Path, arm: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield iteration and run of everything that an arm was asked."""
    for number in (1, 2):
        inside = "runs.json" if arm == "learn" else "control/runs.json"
        yield from ((number, run) for run in read_json(battery / f"iter_{number}" / inside))


def test_inspect_lists_one_log_for_each_arm(read: Read) -> None:
    listed = {log["task"]: log["task_id"] for log in read.found["listed"]}
    assert set(listed) == {"battery-learn", "battery-frozen"}
    assert len(set(listed.values())) == 2
    assert all(path.name.endswith(f"{listed[task]}.json") for task, path in files(read).items())


def files(read: Read) -> dict[str, Path]:
    return {path.name.split("_")[1]: path for path in read.logs.iterdir()}


@pytest.mark.parametrize("arm", ["learn", "frozen"])
def test_the_head_says_what_was_tested_and_what_came_of_it(read: Read, arm: str) -> None:
    log = read.found["logs"][f"battery-{arm}"]
    summary = read_json(read.battery / "summary.json")
    assert log["status"] == "success"
    assert log["model"] == "gateway/executor-small"
    assert log["epochs"] == 2
    assert set(log["roles"]) == {"executor", "reviewer", "overseer"}
    assert log["verdict"] == summary["evidence"]["verdict"]
    numbers = summary["iterations" if arm == "learn" else "control"]
    spent = log["means"]["total_tokens"]
    assert [spent["iter 1"] * 8, spent["iter 2"] * 8] == [n["total_tokens"] for n in numbers]
    assert sum(log["usage"].values()) == sum(n["total_tokens"] for n in numbers)


@pytest.mark.parametrize("arm", ["learn", "frozen"])
def test_each_run_is_a_sample_with_its_numbers(read: Read, arm: str) -> None:
    log = read.found["logs"][f"battery-{arm}"]
    expected = list(runs(read.battery, arm))
    assert log["dumped"] == len(log["samples"]) == len(expected) == 16
    assert len({(s["id"], s["epoch"]) for s in log["samples"]}) == 16
    for sample, (number, run) in zip(log["samples"], expected, strict=True):
        result = run["result"]
        assert sample["id"].startswith(run["phase"])
        assert sample["id"].endswith(run["task"]["operation"])
        assert sample["epoch"] == number
        assert sample["target"] == ("failed" if run["phase"] == "gamma" else "ok")
        assert sample["outcome"] == ("C" if result["status"] == sample["target"] else "I")
        assert sample["tokens"] == sample["usage"] == result["artifact"]["usage"]["total_tokens"]
        assert sample["total_time"] == result["_elapsed_ms"] / 1000
        assert sample["started"]
        assert sample["error"] is None


def test_a_sample_holds_the_conversation_and_the_transcript(read: Read) -> None:
    samples = read.found["logs"]["battery-learn"]["samples"]
    (drifted,) = [s for s in samples if s["id"].startswith("beta 1") and s["epoch"] == 1]
    roles, texts = zip(*drifted["messages"], strict=True)
    assert roles[0] == "user"
    (correction,) = [n for n, text in enumerate(texts) if text.startswith("**overseer correction")]
    assert roles[correction] == "user"
    assert drifted["events"][0] == "sample_init"
    assert drifted["events"].count("info") == len(texts) - 1
    assert drifted["events"].count("score") == 6


def test_a_table_has_reported_noughts_nulls_for_the_rest_and_the_largest_counts(
    read: Read,
) -> None:
    most = pytest.approx(2**53)
    assert read.found["odd"] == [
        [0, 0, 0.04, 0],
        [None, None, None, 0],
        [most, most, pytest.approx(2**53 / 1000), most],
        [2, 7, 0.04, 7],
    ]


def test_the_viewer_serves_the_logs_with_their_samples(read: Read) -> None:
    assert {view["eval"]["task"] for view in read.views} == {"battery-learn", "battery-frozen"}
    assert all(len(view["samples"]) == 16 for view in read.views)


def test_the_same_folder_gives_the_same_bytes_and_is_not_changed(
    read: Read, tmp_path: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in read.battery.rglob("*")}
    export.inspect(BatteryDir(read.battery), tmp_path)
    for path in read.logs.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
    assert {path: path.stat().st_mtime_ns for path in read.battery.rglob("*")} == before


def test_a_folder_of_the_original_battery_is_exported_as_one_arm(
    read: Read, tmp_path: Path
) -> None:
    kept = {"runs.json", "metrics.json", "overseer_review.md", "scrum_findings.md"}
    for number in (1, 2):
        for path in (read.battery / f"iter_{number}").iterdir():
            if path.name in kept:
                target = tmp_path / "old" / path.parent.name / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)
    (written,) = export.inspect(BatteryDir(tmp_path / "old"), tmp_path / "logs")
    assert (written.arm, written.samples) == ("learn", 16)
    log = read_json(written.path)
    assert log["eval"]["model"] == "gateway/unknown"
    # Nobody wrote down when a call was made.
    assert not any("started_at" in sample for sample in log["samples"])
    # Inspect wants a time for each of these; it gets the battery's own.
    assert {event["timestamp"] for event in log["samples"][0]["events"][1:]} == {
        log["eval"]["created"]
    }


@pytest.mark.parametrize(
    ("state", "status"),
    [("failed", "error"), ("interrupted", "cancelled"), ("running", "started")],
)
def test_an_unfinished_battery_is_exported_as_far_as_it_came(
    read: Read, tmp_path: Path, state: str, status: str
) -> None:
    battery = BatteryDir(shutil.copytree(read.battery, tmp_path / "battery"))
    manifest = battery.read_manifest()
    assert manifest
    shutil.rmtree(battery.iteration(2).root)
    changed = {"state": state, "iterations_finished": 1, "finished_at": None}
    battery.write_manifest(manifest.model_copy(update=changed))
    learn, _ = export.inspect(battery, tmp_path / "logs")
    log = read_json(learn.path)
    assert (log["status"], learn.samples) == (status, 8)
    assert ("error" in log) == (status == "error")


@pytest.mark.parametrize(
    ("lost", "told"), [("iter_1/runs.json", "lacks iter_1"), ("", "iteration 2 has no run")]
)
def test_what_a_summary_refuses_is_not_exported(
    read: Read, tmp_path: Path, lost: str, told: str
) -> None:
    battery = BatteryDir(shutil.copytree(read.battery, tmp_path / "battery"))
    if lost:
        (battery.root / lost).unlink()
    else:
        battery.iteration(2).write_runs([])
    with pytest.raises(BatteryError, match=told):
        export.inspect(battery, tmp_path / "logs")
    assert not (tmp_path / "logs").exists()
