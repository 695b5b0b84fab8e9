"""`battery compare` on folders, as a user meets it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from battery.records.comparison import Comparison
from tests.support.calls import assert_one_message, command_here
from tests.support.commands import read_json
from tests.support.samples import shipped
from tests.support.screens import on_terminal

pytestmark = pytest.mark.slow

Run = dict[str, Any]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the battery as shipped, two iterations."""
    return shipped(tmp_path_factory, 2, "before")


@pytest.fixture
def changed(before: Path, tmp_path: Path) -> Callable[[Callable[[Run], None]], Path]:
    """Return a function that copies the battery and changes every run of it."""

    def make(change: Callable[[Run], None]) -> Path:
        copy = shutil.copytree(before, tmp_path / "after")
        for path in copy.glob("iter_*/**/runs.json"):
            runs = read_json(path)
            for run in runs:
                change(run)
            path.write_text(json.dumps(runs), "utf-8")
        return copy

    return make


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def more_expensive(run: Run) -> None:
    run["result"]["artifact"]["usage"]["total_tokens"] *= 2


def test_a_battery_compared_with_itself_does_not_differ_and_is_left_alone(before: Path) -> None:
    was = contents(before)
    done = command_here("compare", before, before, "--json", cwd=before.parent)
    assert (done.returncode, done.stderr) == (0, "")
    found = Comparison.model_validate_json(done.stdout)
    assert found.outcome == "NO DIFFERENCE"
    assert found.cautions == ["both are the same battery"]
    assert contents(before) == was


def test_a_more_expensive_system_is_worse_and_fails_the_pipeline_that_asks(
    before: Path, changed: Callable[[Callable[[Run], None]], Path]
) -> None:
    after = changed(more_expensive)
    done = command_here("compare", before, after, "--fail-on", "worse", cwd=before.parent)
    assert done.returncode == 3
    text = " ".join(done.stdout.split())
    assert "WORSE On the same 8 tasks after is worse than before" in text
    assert done.stderr.startswith("error: gate not met: worse: WORSE. On the same 8 tasks")
    back = command_here("compare", after, before, "--fail-on", "worse", cwd=before.parent)
    assert (back.returncode, "\nBETTER  " in back.stdout) == (0, True)


def test_a_gain_next_to_an_invalid_battery_is_no_better_in_any_format(
    before: Path, changed: Callable[[Callable[[Run], None]], Path], tmp_path: Path
) -> None:
    after = changed(more_expensive)
    for path in after.glob("iter_*/control/runs.json"):
        # Arms that differ in iteration 1 already.
        shutil.copy(before / path.relative_to(after), path)
    done = command_here("compare", after.name, before, "--fail-on", "not-better", cwd=tmp_path)
    assert done.returncode == 3
    text = " ".join(done.stdout.split())
    assert "Not to be used: after is INVALID." in text
    invalid = (
        "after and before cannot be compared: after is INVALID (its numbers cannot be trusted)."
    )
    assert f"NOT COMPARABLE {invalid} To settle it: another battery in place of after" in text
    assert "Holds for" not in text
    words = ("compare", after, before, "--format")
    made = command_here(*words, "md", "--output", tmp_path / "page.html", cwd=tmp_path).stdout
    page = (tmp_path / "page.html").read_text("utf-8")
    printed = json.loads(command_here(*words, "json", cwd=tmp_path).stdout)
    assert (printed["outcome"], printed["sentence"]) == ("NOT COMPARABLE", invalid)
    for shown in (done.stdout, made, page.split("<script")[0]):
        assert "NOT COMPARABLE" in shown
        assert "BETTER" not in shown


def test_the_formats_say_the_same_word_and_the_page_is_written_as_well(
    before: Path, changed: Callable[[Callable[[Run], None]], Path], tmp_path: Path
) -> None:
    after = changed(more_expensive)
    words = ("compare", before, after, "--format")
    made = command_here(*words, "md", "--output", tmp_path / "page.html", cwd=tmp_path)
    assert made.stdout.startswith("## Batteries compared: WORSE\n")
    assert '<h1 id="word">WORSE</h1>' in (tmp_path / "page.html").read_text("utf-8")
    printed = json.loads(command_here(*words, "json", cwd=tmp_path).stdout)
    assert printed["outcome"] == "WORSE"
    nowhere = command_here(*words, "md", "-o", tmp_path / "page.html/x.html", cwd=tmp_path)
    assert_one_message(nowhere, 2, "page.html")


def test_other_tasks_and_unfinished_batteries_are_not_comparable_and_say_why(
    before: Path, changed: Callable[[Callable[[Run], None]], Path], tmp_path: Path
) -> None:
    def other(run: Run) -> None:
        run["task"]["spec"] = {"other": True}

    after = changed(other)
    done = command_here("compare", before, after, "--fail-on", "flips", cwd=tmp_path)
    assert done.returncode == 3
    assert "they have no task in common" in " ".join(done.stdout.split())
    begun = shutil.copytree(before, tmp_path / "begun")
    for path in begun.glob("iter_*/runs.json"):
        path.unlink()
    done = command_here("compare", begun, before, cwd=tmp_path)
    assert done.returncode == 0
    assert "begun has no complete iteration" in " ".join(done.stdout.split())


def test_a_folder_without_a_battery_is_refused(before: Path, tmp_path: Path) -> None:
    done = command_here("compare", before, tmp_path, cwd=tmp_path)
    assert_one_message(done, 2, "there is no battery in", "battery run")


def test_the_last_two_of_a_folder_are_compared_in_their_order(
    before: Path, changed: Callable[[Callable[[Run], None]], Path]
) -> None:
    current = changed(more_expensive)
    done = command_here("compare", "--last", current, cwd=current.parent)
    assert_one_message(done, 2, "there is nothing to compare", "battery run")
    shutil.copytree(before, current / "archive/2020-01-01T00-00-00Z")
    done = command_here("compare", "--last", current, "--json", cwd=current.parent)
    found = Comparison.model_validate_json(done.stdout)
    assert (found.outcome, found.before.name) == ("WORSE", "2020-01-01 00:00:00")
    assert found.after.folder == str(current)
    (current / "report.html").write_text("a report", "utf-8")
    screen = on_terminal("compare", "--last", current.name, cwd=current.parent)
    assert screen.scrolled == []
    text = " ".join(" ".join(screen.lines).split())
    assert "On the same 8 tasks after is worse than 2020-01-01 00:00:00: 100.0% more" in text
    *_, command, page, report = screen.lines
    assert command.split("  ")[0] == "battery compare --last after --full"
    assert page.split("  ")[0] == "battery compare --last after -o page.html"
    assert report.split("  ")[0] == "battery open after"


def test_folders_that_are_missing_or_too_many_are_told_with_the_command(tmp_path: Path) -> None:
    done = command_here("compare", "one", cwd=tmp_path)
    assert_one_message(done, 2, "takes two folders", "battery compare --last")
    done = command_here("compare", "one", "two", "--last", cwd=tmp_path)
    assert_one_message(done, 2, "--last takes one folder")
