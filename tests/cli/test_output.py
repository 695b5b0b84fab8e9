"""What goes to standard output and what to standard error, also where nobody reads them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.calls import command_here as battery
from tests.support.commands import environment, read_json
from tests.support.gateway import Gateway

pytestmark = pytest.mark.slow


def test_json_puts_one_document_on_standard_output_and_quiet_silences_the_rest(
    tmp_path: Path,
) -> None:
    done = battery("run", "-n", 2, "--json", "--quiet", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert document == read_json(tmp_path / "data" / "battery" / "summary.json")
    assert [each["iteration"] for each in document["iterations"]] == [1, 2]
    assert done.stderr == ""


def shell(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, env=environment()
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "2>/dev/full"])
def test_a_run_whose_output_goes_nowhere_is_a_run_all_the_same(
    closed: str, script: str, tmp_path: Path
) -> None:
    done = shell(f"{script} {closed}")
    assert done.returncode == 0, done.stderr
    assert read_json(tmp_path / "b" / "battery.json")["state"] == "finished"


@pytest.mark.parametrize("output", [" | true", " >/dev/full"])
def test_a_gate_is_not_met_whoever_reads_the_output(folder: Path, output: str) -> None:
    words = f"{sys.executable} -m battery summarize {folder} --fail-on not-compounding"
    done = shell(f"{words}{output}; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 3
    assert "gate not met: not-compounding" in done.stderr


def test_a_run_goes_on_when_whoever_read_its_progress_has_left(
    gateway: Gateway, script: str, tmp_path: Path
) -> None:
    gateway.delay = 0.02
    done = shell(f"{script} 2>&1 | head -2; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (0, "")
    assert read_json(tmp_path / "b" / "battery.json")["state"] == "finished"
