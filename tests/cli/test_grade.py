"""`battery grade` from the shell: after a run, with other checks, with nobody to ask."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

import battery as battery_package
from tests.support.calls import command_here as battery
from tests.support.commands import alive, read_json, start

pytestmark = pytest.mark.slow


def test_other_checks_flip_what_was_answered_and_the_summary_follows(folder: Path) -> None:
    document = read_json(folder / "tasks.json")
    for phase, listed in document["phases"].items():
        for task in listed:
            for asked in (task, *task["siblings"]):
                asked.pop("checks", None)
            if phase == "beta_drift":
                task["checks"] = [{"path": "artifact.workers", "length": 0}]
    path = folder.parent / "strict.json"
    path.write_text(json.dumps(document))
    before = read_json(folder / "iter_1/metrics.json")
    journals = {path: path.read_bytes() for path in folder.glob("iter_*/journal.jsonl")}
    done = battery("grade", folder, "--tasks", path)
    assert done.returncode == 0, done.stderr
    assert "iteration 1, learner, niche " in done.stdout
    assert ": ok -> bluff" in done.stdout
    assert "    checks[0]: artifact.workers: 0 items expected, got " in done.stdout
    assert read_json(folder / "iter_1/metrics.json")["ok_tasks"] < before["ok_tasks"]
    assert all(path.read_bytes() == lines for path, lines in journals.items())


def test_json_lists_what_flipped(folder: Path) -> None:
    done = battery("grade", folder, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["flipped"] == []
    assert document["runs"] >= document["graded"] > 0


def test_a_signal_ends_a_check_that_hangs_and_nothing_was_written(folder: Path) -> None:
    document = read_json(folder / "tasks.json")
    document["phases"]["alpha_baseline"][0]["checks"] = [
        {"command": ["./hang.sh"], "timeout_s": 3600}
    ]
    own = folder.parent / "own"
    own.mkdir()
    (own / "tasks.json").write_text(json.dumps(document))
    shutil.copy(Path(battery_package.__file__).with_name("desk_checks.py"), own)
    (own / "hang.sh").write_text("#!/bin/sh\necho $$ > pid\nexec sleep 3600\n")
    (own / "hang.sh").chmod(0o755)
    before = (folder / "battery.json").read_bytes()
    process = start("grade", folder, "--tasks", own / "tasks.json")
    while not (own / "pid").exists() or not (own / "pid").read_text():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130, said
    assert not alive((own / "pid").read_text().strip())
    assert (folder / "battery.json").read_bytes() == before


def test_a_folder_without_a_battery_is_refused(folder: Path) -> None:
    done = battery("grade", folder / "nowhere")
    assert done.returncode == 2
    assert "error: " in done.stderr
