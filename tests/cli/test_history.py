"""`battery history` on folders, as a user meets it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from battery.comparison.timeline import History
from tests.support.calls import assert_one_message, command_here
from tests.support.commands import read_json
from tests.support.runs import original
from tests.support.samples import shipped
from tests.support.screens import on_terminal

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one iteration of the battery as shipped."""
    return shipped(tmp_path_factory, 1)


def started(folder: Path, moment: str) -> None:
    manifest = read_json(folder / "battery.json")
    (folder / "battery.json").write_text(json.dumps({**manifest, "started_at": moment}), "utf-8")


def test_all_batteries_are_found_oldest_first_archives_included(
    finished: Path, tmp_path: Path
) -> None:
    current = shutil.copytree(finished, tmp_path / "a")
    archived = shutil.copytree(finished, current / "archive" / "earlier")
    started(archived, "2020-01-01T00:00:00Z")
    original(tmp_path / "old", 200, start=1_000_000_000)
    (tmp_path / "link").symlink_to(current)
    done = command_here("history", tmp_path, "--json", cwd=tmp_path)
    found = History.model_validate_json(done.stdout)
    assert [each.folder for each in found.batteries] == ["old", "a/archive/earlier", "a"]
    assert [each.group for each in found.batteries] == [1, 2, 2]
    assert found.warnings == []
    oldest = found.batteries[0]
    assert (oldest.tokens, oldest.verdict, oldest.dated_by) == (100, "INDICATIVE", "files")


def test_what_cannot_be_read_is_skipped_with_a_warning(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "sound")
    broken = shutil.copytree(finished, tmp_path / "broken")
    (broken / "battery.json").write_text("{", "utf-8")
    done = command_here("history", tmp_path, cwd=tmp_path)
    assert done.returncode == 0
    assert "warning: broken is skipped: " in done.stdout
    assert "sound" in done.stdout


def test_five_like_batteries_have_a_trend(tmp_path: Path) -> None:
    for number in range(5):
        original(tmp_path / f"run{number}", 1000 - 100 * number, start=10**9 + 60 * number)
    done = command_here("history", tmp_path, cwd=tmp_path)
    said = " ".join(done.stdout.split())
    assert "█▆▅▃▁ tokens -40.0%" in said
    assert "5 batteries; a trend" in said


@pytest.mark.parametrize("count", [1, 3, 40])
def test_the_list_fits_a_terminal(tmp_path: Path, count: int) -> None:
    for number in range(count):
        folder = tmp_path / f"data/battery/archive/2026-01-{number:02}T12-00-00Z"
        original(folder, 1000 + number, start=10**9 + 60 * number)
    screen = on_terminal("history", cwd=tmp_path)
    heads, *rows = screen.everything
    # A line of the screen is one of the list: none was too long and went on in the next.
    assert heads.split() == ["start", "it.", "verdict", "tokens", "ok"]
    assert all(row.startswith("2001-09-09 ") for row in rows[0 : 2 * count : 2])
    assert all(row.startswith("  battery/archive/2026-") for row in rows[1 : 2 * count : 2])
    end = " ".join("".join(screen.lines[-2:]).split())
    trend = "a trend (rank correlation" if count == 40 else "too few for a trend"
    assert trend in end


def test_only_batteries_with_all_of_the_tags_are_listed(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "other")
    tagged = shutil.copytree(finished, tmp_path / "tagged")
    manifest = read_json(tagged / "battery.json") | {"name": "Atlas", "tags": ["main", "gpt"]}
    (tagged / "battery.json").write_text(json.dumps(manifest), "utf-8")
    done = command_here("history", ".", "--tag", "gpt", "--tag", "main", "--json", cwd=tmp_path)
    (only,) = History.model_validate_json(done.stdout).batteries
    assert (only.folder, only.name, only.tags) == ("tagged", "Atlas", ["main", "gpt"])
    done = command_here("history", ".", "--tag", "new", "--tag", "main", cwd=tmp_path)
    assert_one_message(done, 2, "no battery under . has the tags new and main", "battery history .")


def test_a_folder_that_is_none_or_holds_none_is_refused(tmp_path: Path) -> None:
    done = command_here("history", tmp_path / "none", cwd=tmp_path)
    assert_one_message(done, 2, "there is no such folder")
    (tmp_path / "file").touch()
    done = command_here("history", tmp_path / "file", cwd=tmp_path)
    assert_one_message(done, 2, "it is a file")
    done = command_here("history", tmp_path, cwd=tmp_path)
    assert_one_message(done, 2, "there is no battery in")
    # The default is data.
    assert_one_message(
        command_here("history", cwd=tmp_path), 2, "there is no battery in data or below it"
    )
