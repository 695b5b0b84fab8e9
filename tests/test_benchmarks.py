"""The benchmarks run, in a small size; how fast anything is, is not tested."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks import __main__ as program
from benchmarks import workload
from benchmarks.table import Row, added_row, difference_row, ratio_row, table
from benchmarks.typer_programs import COMMANDS

from tests.support.calls import command_here
from tests.support.commands import environment
from tests.support.model import Json, says
from tests.support.server import Server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
HEAD = ["figure", "compared", "bound", "pass", "ours", "baseline"]


def run_benchmarks(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the script from another folder, as anybody might."""
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "run.py"), *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_figures_are_printed_as_one_table_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a made-up one; CI runs a quick round of all that there are."""

    def made_up(folder: Path, _quick: object) -> list[Row]:
        (folder / "left").touch()
        return [ratio_row("start", 0.2, 0.1, 1.3), difference_row("peak", 200, 50, 150)]

    monkeypatch.setattr(program, "BENCHMARKS", {"made up": made_up})
    words = ["benchmarks/run.py", "--folder", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    assert program.main() == 1
    head, rule, *rows = map(cells, capsys.readouterr().out.splitlines())
    assert head == HEAD
    assert set("".join(rule)) == {"-", ":"}
    assert [row[3] for row in rows] == ["**no**", "yes"]
    monkeypatch.setattr(sys, "argv", [*words, "--quick", "made up"])
    assert program.main() == 0
    quick = list(map(cells, capsys.readouterr().out.splitlines()))[2:]
    assert [row[3] for row in quick] == ["", ""], "a quick run is too small to be judged"
    assert not list(tmp_path.iterdir())


def test_an_unknown_benchmark_is_refused_with_its_name(tmp_path: Path) -> None:
    done = run_benchmarks("everything", folder=tmp_path)
    assert done.returncode == 2
    assert "everything" in done.stderr
    assert not done.stdout


def test_the_typer_programs_have_the_commands_of_the_battery() -> None:
    help_page = command_here("--help").stdout
    # In groups, each with a heading.
    listed = re.findall(r"^  ([a-z]+)  ", help_page.partition("\nRun:")[2], re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize(("ours_s", "words"), [(0.13, "yes"), (0.131, "**no**")])
def test_a_ratio_passes_up_to_its_bound(ours_s: float, words: str) -> None:
    line = table([ratio_row("start", ours_s, 0.1, 1.3)]).splitlines()[-1]
    assert cells(line)[2:4] == ["1.3 x", words]


@pytest.mark.parametrize(("ours_mb", "words"), [(200, "yes"), (200.1, "**no**")])
def test_a_difference_passes_up_to_its_bound(ours_mb: float, words: str) -> None:
    line = table([difference_row("peak", ours_mb, 50, 150)]).splitlines()[-1]
    assert cells(line)[2:4] == ["+150 MB", words]


@pytest.mark.parametrize(("ours_s", "words"), [(0.015, "yes"), (0.0151, "**no**")])
def test_an_added_time_passes_up_to_its_bound(ours_s: float, words: str) -> None:
    line = table([added_row("call", ours_s, 0.01, 5)]).splitlines()[-1]
    assert cells(line)[2:4] == ["+5 ms", words]


def test_a_figure_without_a_bound_is_not_judged() -> None:
    assert cells(table([ratio_row("start", 0.2, 0.1)]).splitlines()[-1])[1:4] == ["2.00 x", "", ""]


def test_the_workload_never_asks_the_same_task_twice(tmp_path: Path) -> None:
    phases = json.loads(workload.tasks_file(tmp_path, 50).read_text())["phases"]
    assert len({json.dumps(task) for task in phases["alpha_baseline"]}) == 50


def knows_what_it_is_told(body: Json) -> str:
    """Answer with the last word of the note that shares most words with the question."""
    told, question = (message["content"] for message in body["messages"][:2])
    asked = set(re.findall(r"[a-z]{4,}", question.lower()))
    notes = re.findall(r"^- (.*)\.$", told, re.MULTILINE)
    shared = {note: len(asked & set(re.findall(r"[a-z]{4,}", note.lower()))) for note in notes}
    best = max(shared, key=shared.__getitem__, default="")
    return best.split()[-1] if shared.get(best) else "UNKNOWN"


def test_real_systems_are_measured_one_by_one_into_one_table(tmp_path: Path) -> None:
    with Server(says(knows_what_it_is_told)) as model:
        script, url = ROOT / "benchmarks" / "real.py", f"{model.url}/v1"
        words = ["--model-url", url, "--model", "m", "--iterations", "2", "--dir", str(tmp_path)]
        done = subprocess.run(
            [sys.executable, str(script), *words, "--systems", "notes", "mem0"],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    # A system that was left out is no table of all.
    assert done.returncode == 1, done.stderr
    about, _, head, _, notes, left_out = done.stdout.splitlines()
    assert "model m" in about
    row = dict(zip(cells(head), cells(notes), strict=True))
    assert row["system"] == "a notes file"
    assert row["tasks done"].endswith("of 14, twin 0")
    assert not row["tasks done"].startswith("0 ")
    assert "left out: mem0ai is not installed" in left_out
