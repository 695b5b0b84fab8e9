"""`battery power` as a user meets it."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.calls import assert_one_message, command_here
from tests.support.commands import read_json, write_tasks
from tests.support.samples import shipped

pytestmark = pytest.mark.slow


def power(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return command_here("power", *arguments, cwd=cwd)


def document(*arguments: object, cwd: Path) -> Any:
    done = power(*arguments, "--json", cwd=cwd)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one battery on the embedded gateway, which has no noise; tests take copies."""
    return shipped(tmp_path_factory, 2, "data")


def with_noise(folder: Path, factors: list[float]) -> None:
    """Multiply the twin's tokens of iteration 1, a factor a task."""
    path = folder / "iter_1" / "control" / "runs.json"
    runs = read_json(path)
    for run, factor in zip(runs, factors, strict=True):
        usage = run["result"]["artifact"]["usage"]
        usage["total_tokens"] = round(usage["total_tokens"] * 1000 * factor)
    path.write_text(json.dumps(runs))
    learn = folder / "iter_1" / "runs.json"
    runs = read_json(learn)
    for run in runs:
        run["result"]["artifact"]["usage"]["total_tokens"] *= 1000
    learn.write_text(json.dumps(runs))


def test_it_answers_for_the_packaged_tasks_without_any_option(tmp_path: Path) -> None:
    done = power(cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    head = "8 tasks (3 easy, 3 niche, 2 impossible), 3 iterations, 1 repeat\nnoise 0.30 (assumed)\n"
    assert done.stdout.startswith(head)
    assert "none: 5 or more iterations are needed" in done.stdout
    assert not list(tmp_path.iterdir())


def test_options_name_the_size(tmp_path: Path) -> None:
    found = document(
        "--task-count", 20, "--iterations", 6, "--repeats", 2, "--noise", 0.5, cwd=tmp_path
    )
    assert [found[key] for key in ("tasks", "iterations", "repeats", "noise")] == [20, 6, 2, 0.5]
    assert (found["noise_source"], found["drop"]) == ("given", None)
    assert all(question["smallest_drop"] for question in found["questions"])


def test_the_tasks_file_gives_the_count(tmp_path: Path) -> None:
    tasks = write_tasks(tmp_path / "mine.json", 2)
    assert document("--tasks", tasks, cwd=tmp_path)["tasks"] == 6


def test_a_drop_is_turned_into_a_chance_and_what_is_needed(tmp_path: Path) -> None:
    learned = document("--drop", 0.1, cwd=tmp_path)["questions"][0]
    assert learned["asked"]["power"] == pytest.approx(0.25, abs=0.03)
    assert learned["asked"]["needed"]["iterations"] == 5


def test_the_noise_is_taken_from_a_battery(embedded: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(embedded, tmp_path / "data"))
    with_noise(folder, [2.0, 0.5] * 4)
    found = document("--from", folder, cwd=tmp_path)
    assert [found[key] for key in ("tasks", "iterations", "repeats")] == [8, 2, 1]
    # Eight logs of ±log 2 deviate by log 2 * sqrt(8/7); a single call by a root of two less.
    assert found["noise"] == pytest.approx(math.log(2) * math.sqrt(8 / 7 / 2), rel=1e-3)
    assert found["noise_source"] == "measured"
    assert found["noise_planned"] == pytest.approx(1.354 * found["noise"], rel=0.01)


def test_a_battery_without_noise_is_called_deterministic(embedded: Path, tmp_path: Path) -> None:
    done = power("--from", embedded, cwd=tmp_path)
    assert "noise 0.00 (measured)\nWithout noise the calls are deterministic" in done.stdout
    assert "smallest drop seen:  10%" in done.stdout


def test_a_folder_without_a_battery_is_refused(tmp_path: Path) -> None:
    assert_one_message(power("--from", tmp_path, cwd=tmp_path), 2, "there is no battery in")
    missing = "there is no battery in nowhere: there is no such folder"
    assert_one_message(power("--from", "nowhere", cwd=tmp_path), 2, missing)


@pytest.mark.parametrize(
    "words",
    [
        ("--drop", "0"),
        ("--drop", "nan"),
        ("--drop", "1"),
        ("--noise", "nan"),
        ("--noise", "-1"),
        ("--noise", "inf"),
        ("--task-count", "0"),
        ("--repeats", "0"),
        ("--task-count", "20000"),
        ("--iterations", "10000"),
    ],
)
def test_numbers_out_of_range_are_refused(words: tuple[str, str], tmp_path: Path) -> None:
    assert_one_message(power(*words, cwd=tmp_path), 2)
