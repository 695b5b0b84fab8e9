"""`battery review`: texts written again from what is on disk."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.calls import command_here as battery
from tests.support.commands import read_json, start, write_tasks
from tests.support.gateway import Gateway

pytestmark = pytest.mark.slow


def test_review_keeps_the_older_text_next_to_the_new_one(folder: Path) -> None:
    older = (folder / "iter_2" / "scrum_findings.md").read_text()
    review = (folder / "iter_2" / "overseer_review.md").read_bytes()
    done = battery("review", folder, "--iteration", 2, "--only", "scrum")
    assert done.returncode == 0, done.stderr
    assert (folder / "iter_2" / "scrum_findings.1.md").read_text() == older
    assert (folder / "iter_2" / "overseer_review.md").read_bytes() == review
    assert not (folder / "iter_2" / "overseer_review.1.md").exists()
    assert "APPROVE" in done.stdout
    assert done.stderr.startswith("note: asking the system itself: embedded gateway")
    assert "iter_2/scrum_findings.1.md" in (folder / "summary.md").read_text()


def test_redoing_only_the_review_warns_that_the_judgment_is_of_the_older_one(folder: Path) -> None:
    done = battery("review", folder, "--only", "overseer", "--json")
    assert done.returncode == 0
    outcome = json.loads(done.stdout)
    assert outcome["iteration"] == 3
    assert len(outcome["proposals"]) >= 3
    assert "warning: scrum_findings.md is still about the older review" in done.stderr


def test_review_checks_target_files_in_a_repository_and_flags_a_wrong_approval(
    gateway: Gateway, tmp_path: Path
) -> None:
    tasks = write_tasks(tmp_path / "mine.json", 1)
    targets = ["--gateway", gateway.url, "--llm-team", gateway.url]
    folder = tmp_path / "b"
    assert battery("run", "-n", 1, "-d", folder, "--tasks", tasks, *targets).returncode == 0
    repo = tmp_path / "repo"
    (repo / "src").mkdir(parents=True)
    (repo / "src" / "one.py").touch()
    done = battery("review", folder, "--only", "scrum", "--repo", repo)
    assert done.returncode == 0, done.stderr
    prompt = gateway.requests[-1][1]["messages"][0]["content"]
    assert "- `src/one.py`: exists" in prompt
    assert "- `src/two.py`: does not exist" in prompt
    proposals = read_json(folder / "iter_1" / "proposals.json")
    assert [each["target_exists"] for each in proposals] == [True, False, False]
    verdicts = read_json(folder / "iter_1" / "verdicts.json")
    assert [bool(each["flags"]) for each in verdicts] == [False, True, True]
    assert "warning" in done.stderr


def test_folders_of_the_original_battery_are_summarized_and_reviewed(
    finished: Path, original: Path, tmp_path: Path
) -> None:
    folder = original
    done = battery("summarize", folder, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    new, old = (read_json(each / "summary.json") for each in (finished, folder))
    assert old["trends"] == new["trends"]
    assert old["started_at"] is None
    assert "Run time: not recorded" in (folder / "summary.md").read_text()
    judged = battery("review", folder, "--only", "scrum", cwd=tmp_path)
    assert judged.returncode == 0, judged.stderr
    assert (folder / "iter_3" / "scrum_findings.1.md").exists()
    assert read_json(folder / "iter_3" / "verdicts.json")
    assert not (folder / "gateway").exists()
    refused = battery("iterate", folder, cwd=tmp_path)
    assert refused.returncode == 2
    assert "holds no battery.json" in refused.stderr


def test_a_review_of_an_original_folder_adds_its_call_to_the_total(
    original: Path, tmp_path: Path
) -> None:
    folder = original
    assert battery("summarize", folder, cwd=tmp_path).returncode == 0
    assert read_json(folder / "summary.json")["calls"] == 24
    assert battery("review", folder, "--only", "scrum", cwd=tmp_path).returncode == 0
    assert read_json(folder / "summary.json")["calls"] == 25


def test_an_answer_that_a_killed_review_had_paid_for_is_used(
    gateway: Gateway, tmp_path: Path
) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    targets = ["--gateway", gateway.url, "--llm-team", gateway.url]
    assert battery("run", "-n", 1, *targets, cwd=tmp_path).returncode == 0
    step = tmp_path / "data" / "battery" / "iter_1"
    # As after a kill between the journal and the file: the answer is on record only.
    (step / "scrum_findings.md").write_text("older")
    asked = len(gateway.requests)
    assert battery("review", "--only", "scrum", cwd=tmp_path).returncode == 0
    assert len(gateway.requests) == asked
    assert (step / "scrum_findings.1.md").read_text() == "older"
    assert battery("review", "--only", "scrum", cwd=tmp_path).returncode == 0
    assert len(gateway.requests) == asked + 1


def test_an_interrupted_review_says_so_and_is_one_json_document(
    gateway: Gateway, tmp_path: Path
) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    targets = ["--gateway", gateway.url, "--llm-team", gateway.url]
    assert battery("run", "-n", 1, *targets, cwd=tmp_path).returncode == 0
    asked, release = threading.Event(), threading.Event()

    def block(_path: str, _body: dict[str, Any]) -> None:
        asked.set()
        release.wait(60)

    gateway.before = block
    process = start("review", "--json", cwd=tmp_path)
    assert asked.wait(60)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    release.set()
    assert process.returncode == 130
    assert "error: interrupted" in errors
    assert json.loads(out)["exit_code"] == 130
