"""`battery calibrate`: prints and saves its table, fails for a broken verdict, stops when told.

Most run a scenario or two, in this process; the verdict is the real one unless a test breaks it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from battery.calibration import Calibration, Judged
from battery.calibration.nulls import NULLS
from battery.calibration.scenario import SIMULATIONS
from battery.calibration.scenarios import HARM
from battery.commands import calibrate as stage
from battery.records.word import Word
from battery.verdict.facts import Observed
from tests.support.calls import command_here
from tests.support.commands import environment

pytestmark = pytest.mark.slow

FEW = (NULLS[0], HARM[0])
#: In place of the preset's number, and no multiple of a piece of work, which is smaller too.
BATTERIES, CHUNK = 35, 25


def sees_learning_everywhere(_observed: Observed) -> Judged:
    return Judged(Word.LEARNED)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIMULATIONS, "fast", BATTERIES)
    monkeypatch.setattr(stage, "CHUNK", CHUNK)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Have the command simulate two scenarios instead of all; return what undoes it."""
    monkeypatch.setattr(stage, "Experiment", partial(stage.Experiment, scenarios=FEW))
    return monkeypatch


@pytest.fixture
def broken(few: pytest.MonkeyPatch) -> None:
    """Break the verdict on top of that."""
    few.setattr(stage, "Experiment", partial(stage.Experiment, judge=sees_learning_everywhere))


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return command_here("calibrate", "--jobs", 1, *arguments, cwd=cwd)


@pytest.mark.usefixtures("few")
def test_the_table_goes_to_standard_output_and_progress_to_standard_error(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line.split("  ")[0] for line in done.stdout.splitlines()[1:3]] == [s.name for s in FEW]
    assert "bounds hold (preset fast, seed 1, 70 batteries)." in done.stdout
    assert done.stderr.splitlines() == [
        "note: 70 batteries of 2 scenarios, processes: 1",
        "note: 1 of 2 scenarios: nothing learned",
        "note: 2 of 2 scenarios: forgets from iteration 2",
    ]


@pytest.mark.usefixtures("few")
def test_the_table_is_saved_where_out_says_or_in_data(tmp_path: Path) -> None:
    assert run(cwd=tmp_path).returncode == 0
    assert run("--out", "there/it/is", cwd=tmp_path).returncode == 0
    for folder in (tmp_path / "data/calibration", tmp_path / "there/it/is"):
        assert {path.name for path in folder.iterdir()} == {"calibration.md", "calibration.json"}
        saved = Calibration.model_validate_json((folder / "calibration.json").read_bytes())
        assert [tally.simulations for tally in saved.tallies] == [BATTERIES, BATTERIES]
        assert "| nothing learned | 35 |" in (folder / "calibration.md").read_text("utf-8")


@pytest.mark.usefixtures("few")
def test_json_is_what_is_saved_and_nothing_else_is_printed(tmp_path: Path) -> None:
    done = run("--json", "--seed", 5, cwd=tmp_path)
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document == json.loads((tmp_path / "data/calibration/calibration.json").read_text())
    assert document["seed"] == 5


@pytest.mark.usefixtures("broken")
def test_a_broken_verdict_fails_after_the_table_was_printed_and_saved(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)
    assert done.returncode == 1
    assert "broken: nothing learned, positive verdicts: 100.0%, allowed is at most" in done.stdout
    message, hint = done.stderr.splitlines()[-2:]
    assert message.startswith("error: the verdict breaks 2 of ")
    assert "nothing learned, positive verdicts" in message
    assert "forgets from iteration 2, caught: REGRESSED: 0%, allowed is at least" in message
    assert hint.startswith(" next: ")
    assert "**no**" in (tmp_path / "data/calibration/calibration.md").read_text("utf-8")


@pytest.mark.usefixtures("broken")
def test_a_broken_verdict_leaves_one_json_document(tmp_path: Path) -> None:
    done = run("--json", cwd=tmp_path)
    assert done.returncode == 1
    bounds = json.loads(done.stdout)["bounds"]
    assert [bound["what"] for bound in bounds if not bound["passed"]] == [
        "positive verdicts",
        "caught: REGRESSED",
    ]
    assert "error: the verdict breaks 2 of " in done.stderr


def test_a_folder_that_cannot_be_written_is_told_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = command_here("calibrate", "--out", tmp_path / "file", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.endswith("or name a folder that you may write to: --output PATH\n")
    assert "batteries of" not in done.stderr


#: The command with fewer batteries a scenario, so that the first one is soon done.
QUICK = """
import sys
from battery.__main__ import start
from battery.calibration.scenario import SIMULATIONS
SIMULATIONS["fast"] = 10
sys.argv = ["battery", "calibrate", "--jobs", "2"]
start()
"""


@pytest.mark.parametrize(
    ("number", "lines"),
    [(signal.SIGINT, 1), (signal.SIGQUIT, 2)],
)
def test_what_a_terminal_sends_stops_all_processes_quietly(
    number: signal.Signals, lines: int, tmp_path: Path
) -> None:
    """While they start, after the first line, and while they work, after the second."""
    process = subprocess.Popen(
        [sys.executable, "-c", QUICK],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for _ in range(lines):
        assert process.stderr.readline().startswith("note: ")
    # A terminal sends it to every process of the group.
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-2:] == ["error: interrupted", " next: run it again; nothing was saved"]
    assert "Traceback" not in err


def test_the_gauntlet_puts_chosen_systems_through_whole_batteries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("battery.cli.calibrate.SEEDS", 1)
    words = ("--preset", "gauntlet", "--only", "a head start", "--seed", 3)
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    row = "a head start false 1 0 INVAL 1"
    assert done.stdout.splitlines()[1].split() == row.split()
    document = json.loads(run(*words, "--json", cwd=tmp_path).stdout)
    assert document == json.loads((tmp_path / "data/calibration/gauntlet.json").read_text())
    assert document["seed"] == 3


def test_a_system_is_no_scenario_and_the_message_says_where_it_is(tmp_path: Path) -> None:
    done = run("--only", "hollow", cwd=tmp_path)
    assert done.returncode == 2
    assert "systems are those of --preset gauntlet" in done.stderr
