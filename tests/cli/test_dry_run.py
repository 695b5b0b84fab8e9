"""`battery run --dry-run`: what would be asked, in the very order, and nothing else happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.support.arms import Pair, order, serving_pair
from tests.support.calls import command_here
from tests.support.commands import read_json, write_tasks

pytestmark = pytest.mark.slow


@pytest.fixture
def pair() -> Iterator[Pair]:
    with serving_pair() as served:
        yield served


@pytest.fixture
def here(tmp_path: Path) -> Path:
    write_tasks(tmp_path / "tasks.json", 2)
    return tmp_path


def run(here: Path, *words: object) -> CompletedProcess[str]:
    return command_here("run", *words, cwd=here)


def files(here: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in here.rglob("*")}


def listed(done: CompletedProcess[str]) -> list[tuple[object, ...]]:
    """Return the calls of a dry run's document."""
    assert done.returncode == 0, done.stderr
    return [tuple(call.values()) for call in json.loads(done.stdout)["calls"]]


@pytest.mark.parametrize("words", [[], ["--repeats", 2, "--limit", 1]], ids=["plain", "repeats"])
def test_a_run_asks_in_the_order_that_its_dry_run_shows(
    words: list[object], pair: Pair, here: Path
) -> None:
    same = ["-n", 2, "--seed", 4, "--concurrency", 1, *pair.options(), *words]
    shown = listed(run(here, *same, "--dry-run", "--json"))
    assert pair.asked() == 0
    assert run(here, *same).returncode == 0
    assert order(here / "data" / "battery") == shown
    assert len(shown) == pair.asked()


def test_a_resume_asks_what_its_dry_run_says_is_left(pair: Pair, here: Path) -> None:
    def break_one(_path: str, _body: dict[str, Any]) -> None:
        if pair.asked() == 20:
            raise ConnectionError

    pair.learn.before = pair.frozen.before = break_one
    same = ["-n", 3, "--seed", 4]
    assert run(here, *same, *pair.options()).returncode == 1
    before, folder = files(here), here / "data" / "battery"
    done = order(folder)
    shown = run(here, "--resume", "--dry-run", "--json")
    left = listed(shown)
    cost = json.loads(shown.stdout)["cost"]
    assert (cost["calls"], cost["on_disk"]) == (45, 19)
    assert len(left) == 45 - 19
    assert files(here) == before
    assert done + left == listed(
        command_here("run", *same, *pair.options(), "--dry-run", "--json", "--dir", "x", cwd=here)
    )
    resumed = run(here, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert "19 of them are already on disk" in " ".join(resumed.stderr.split())
    assert order(folder) == done + left
    nothing = run(here, "--resume", "--dry-run")
    assert nothing.stdout.splitlines()[1:] == []
    assert "45 of them are already on disk" in nothing.stdout


def test_it_prints_the_cost_and_a_line_a_call_and_leaves_nothing_behind(here: Path) -> None:
    before = files(here)
    done = run(here, "--dry-run", "--seed", 1)
    assert done.returncode == 0
    assert done.stderr == ""
    first, second, *calls = done.stdout.splitlines()
    assert second.startswith("no estimate of the tokens: ")
    assert first == (
        "45 calls: 36 tasks (3 iterations x 6 tasks x learner and twin), 3 distillations, "
        "3 reviews, 3 judgments; up to 40 more to ask again what failed"
    )
    assert len(calls) == 45
    assert sorted(calls[:2]) == ["1 easy       learner 1 alpha_baseline 0",
                                 "1 easy       twin    1 alpha_baseline 0"]  # fmt: skip
    assert calls[-1] == "3 judgment   -       - judgment"
    assert files(here) == before


def test_without_a_seed_it_says_which_one_it_drew(here: Path) -> None:
    done = run(here, "--dry-run", "--json")
    seed = json.loads(done.stdout)["seed"]
    assert f"--seed {seed} uses the order shown" in done.stderr
    assert listed(run(here, "--dry-run", "--json", "--seed", seed)) == listed(done)


def test_it_refuses_what_a_run_would_refuse(pair: Pair, here: Path) -> None:
    folder = here / "data" / "battery"
    nothing = run(here, "--dry-run", "--resume")
    assert "there is no battery in" in nothing.stderr
    assert not folder.exists()
    assert run(here, "-n", 1, *pair.options()).returncode == 0
    (here / "tasks.json").write_text("{}")
    assert "phases: is missing" in run(here, "--dry-run").stderr
    write_tasks(here / "tasks.json", 1)
    manifest = read_json(folder / "battery.json")
    (folder / "battery.json").write_text(json.dumps({**manifest, "state": "failed"}))
    before = files(here)
    refused: list[tuple[list[object], str]] = [
        (["--dry-run"], "is not finished"),
        (["--dry-run", "--resume"], "is not what this battery ran"),
        (["--dry-run", "--dir", here], "no battery wrote"),
    ]
    for words, says in refused:
        done = run(here, *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert says in done.stderr
    assert files(here) == before


def test_a_finished_battery_stays_where_it_is(pair: Pair, here: Path) -> None:
    assert run(here, "-n", 1, *pair.options()).returncode == 0
    before = files(here)
    done = run(here, "-n", 1, *pair.options(), "--dry-run")
    assert done.stdout.startswith("15 calls: ")
    assert "on disk" not in done.stdout
    assert files(here) == before
