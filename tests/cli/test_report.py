"""`battery report`, and the report that other commands leave."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.browser.folders import write_battery
from tests.support import samples
from tests.support.calls import assert_one_message, command_here
from tests.support.commands import read_json

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the battery as shipped."""
    return samples.shipped(tmp_path_factory, 2, "data")


@pytest.fixture
def folder(shipped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped, tmp_path / "data"))


def battery(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = command_here(*words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done


def times(folder: Path) -> dict[str, int]:
    return {
        str(path): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and path.name != "report.html"
    }


def test_a_run_leaves_a_report_below_two_megabytes_and_lists_it(shipped: Path) -> None:
    assert (shipped / "report.html").stat().st_size < 2_000_000
    assert "report.html" in read_json(shipped / "summary.json")["artifacts"]
    assert "`report.html`: " in (shipped / "summary.md").read_text("utf-8")


def test_it_prints_the_path_and_touches_nothing_else(folder: Path, tmp_path: Path) -> None:
    before, page = times(folder), (folder / "report.html").read_bytes()
    (folder / "report.html").unlink()
    done = battery("report", folder, cwd=tmp_path)
    assert done.stdout == f"{folder / 'report.html'}\n"
    assert done.stderr == ""
    assert (folder / "report.html").read_bytes() == page, "the same battery, the same page"
    assert times(folder) == before


def test_it_goes_where_it_is_told_and_json_says_how_large_it_is(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "report.html").unlink()
    done = battery("report", folder, "--output", tmp_path / "page.html", "--json", cwd=tmp_path)
    assert json.loads(done.stdout) == {
        "path": str(tmp_path / "page.html"),
        "bytes": (tmp_path / "page.html").stat().st_size,
        "verdict": read_json(folder / "summary.json")["evidence"]["verdict"],
        "unfinished": None,
    }
    assert not (folder / "report.html").exists()


def test_output_goes_through_a_link_and_into_a_pipe_and_replaces_neither(
    folder: Path, tmp_path: Path
) -> None:
    link, target = tmp_path / "link.html", tmp_path / "deep" / "target.html"
    link.symlink_to(target)
    done = battery("report", folder, "--output", link, cwd=tmp_path)
    assert done.stderr == f"note: wrote {link}\n"
    assert link.is_symlink()
    os.mkfifo(pipe := tmp_path / "pipe")
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_bytes)
        done = battery("report", folder, "--output", pipe, cwd=tmp_path)
        assert read.result(timeout=60) == target.read_bytes()
    assert done.stdout == ""
    assert pipe.is_fifo()


def test_a_report_that_cannot_be_written_says_what_else_to_do(folder: Path, tmp_path: Path) -> None:
    (folder / "report.html").unlink()
    (folder / "report.html").mkdir()
    done = command_here("report", folder, cwd=tmp_path)
    assert_one_message(done, 1, "cannot write", "move it away", "battery report --output PATH")
    assert "--resume" not in done.stderr


def test_summarize_renews_a_report_that_is_there_and_makes_none(
    folder: Path, tmp_path: Path
) -> None:
    page = (folder / "report.html").read_bytes()
    (folder / "report.html").write_text("stale")
    battery("summarize", folder, cwd=tmp_path)
    assert (folder / "report.html").read_bytes() == page
    (folder / "report.html").unlink()
    battery("summarize", folder, cwd=tmp_path)
    assert not (folder / "report.html").exists()
    assert "report.html" not in read_json(folder / "summary.json")["artifacts"]


def test_iterate_and_review_renew_it(folder: Path, tmp_path: Path) -> None:
    battery("iterate", folder, cwd=tmp_path)
    page = (folder / "report.html").read_text("utf-8")
    assert 'href="#call-3-learn-0-1"' in page
    battery("review", folder, "--only", "scrum", cwd=tmp_path)
    assert "scrum_findings.1.md" in (folder / "report.html").read_text("utf-8")


def test_a_running_battery_is_shown_as_far_as_its_tasks_are_complete(
    folder: Path, tmp_path: Path
) -> None:
    manifest = read_json(folder / "battery.json")
    manifest |= {"state": "running", "iterations_finished": 1, "finished_at": None}
    (folder / "battery.json").write_text(json.dumps(manifest))
    for name in ("metrics.json", "distill_output.txt", "overseer_review.md"):
        (folder / "iter_2" / name).unlink()
    (folder / "iter_3").mkdir()
    done = battery("report", folder, cwd=tmp_path)
    assert "note: This battery is not finished" in done.stderr
    assert "The page covers the 2 of 2 iterations" in done.stderr
    told = battery("report", folder, "--json", cwd=tmp_path)
    assert json.loads(told.stdout)["unfinished"] in done.stderr
    page = (folder / "report.html").read_text("utf-8")
    assert "not finished (state: running)" in page
    assert "iteration 3 is not complete" in page


def test_a_folder_of_the_original_battery_will_do(tmp_path: Path) -> None:
    write_battery(tmp_path, arms=("learn",))
    done = battery("report", tmp_path, "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["verdict"] == "INDICATIVE"


def test_a_folder_without_a_battery_is_refused(tmp_path: Path) -> None:
    done = command_here("report", tmp_path, cwd=tmp_path)
    assert_one_message(done, 2, "there is no battery in")


def test_a_folder_is_no_place_for_the_page(folder: Path, tmp_path: Path) -> None:
    done = command_here("report", folder, "--output", tmp_path, cwd=tmp_path)
    assert_one_message(done, 2, f"cannot write {tmp_path}: it is a folder", "--output")
