"""In a folder that may only be read, what reads works, and what has to write says so at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from battery.report.machine import FORMATS
from tests.support.calls import assert_one_message, command_here
from tests.support.disks import read_only
from tests.support.samples import shipped

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with read_only(shipped(tmp_path_factory, 2, "data")) as folder:
        yield folder


@pytest.fixture
def github(tmp_path: Path) -> dict[str, str]:
    return {"GITHUB_STEP_SUMMARY": str(tmp_path / "step"), "GITHUB_OUTPUT": ""}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_delivered_with_a_warning_that_the_folder_stays_as_it_is(
    name: str, folder: Path, tmp_path: Path, github: dict[str, str]
) -> None:
    output = [] if FORMATS[name].actions else ["--output", tmp_path / "out"]
    words = ["summarize", folder, "--format", name, *output]
    done = command_here(*words, cwd=tmp_path, env=github)
    assert done.returncode == 0, done.stderr
    assert "the files of the battery stay as they are: cannot write" in done.stderr
    assert "Read-only file system" in done.stderr
    assert (tmp_path / ("step" if FORMATS[name].actions else "out")).stat().st_size


def test_the_document_is_the_one_of_a_folder_that_can_be_written(
    folder: Path, tmp_path: Path
) -> None:
    done = command_here("summarize", folder, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((folder / "summary.json").read_text())


@pytest.mark.parametrize(
    "words",
    [
        ["report", "FOLDER", "--output", "page.html"],
        ["compare", "FOLDER", "FOLDER"],
        ["history", "FOLDER"],
        ["watch", "FOLDER"],
        ["export", "inspect", "FOLDER", "--output", "logs"],
        ["run", "--dir", "FOLDER", "--dry-run"],
    ],
    ids=lambda words: words[0],
)
def test_what_only_reads_works(words: list[str], folder: Path, tmp_path: Path) -> None:
    done = command_here(*(folder if w == "FOLDER" else w for w in words), cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["summarize", "FOLDER"],
        ["report", "FOLDER"],
        ["run", "--dir", "FOLDER"],
        ["run", "--dir", "FOLDER", "--resume", "-n", "3"],
        ["iterate", "FOLDER"],
        ["review", "FOLDER"],
    ],
    ids=" ".join,
)
def test_what_has_to_write_says_so(words: list[str], folder: Path, tmp_path: Path) -> None:
    done = command_here(*(folder if w == "FOLDER" else w for w in words), cwd=tmp_path)
    code = 1 if words[0] == "report" else 2
    assert_one_message(done, code, f"{folder}: Read-only file system", "make the file system")
