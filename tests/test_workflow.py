"""The workflow of the documents runs: its steps that call battery are executed as written."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml

from tests.support.commands import environment

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "github-actions.md"
# It has no types; a module imported by name is checked as one without.
yaml: Any = import_module("yaml")


def steps() -> list[dict[str, Any]]:
    """Return the steps of the page's first workflow."""
    block = re.search(r"```yaml\n(name: .+?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert block
    found: list[dict[str, Any]] = yaml.safe_load(block[1])["jobs"]["battery"]["steps"]
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the steps on main, then the comparison; return the folder that they ran in."""
    folder = tmp_path_factory.mktemp("workflow")
    own = {"GITHUB_STEP_SUMMARY": f"{folder}/step.md", "GITHUB_OUTPUT": f"{folder}/output"}
    programs = f"{Path(sys.executable).parent}:{environment()['PATH']}"
    scripts = [step["run"] for step in steps() if "run" in step and step["name"] != "Install"]
    # The battery to compare with is there once the last of them has set it aside.
    for script in sorted(scripts, key=lambda script: "battery compare" in script):
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-c", script],
            cwd=folder,
            env=environment({**own, "PATH": programs}),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        with (folder / "log").open("a") as log:
            log.write(done.stdout + done.stderr)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return folder


def test_the_steps_leave_the_summary_the_outputs_and_the_test_results(run: Path) -> None:
    summary = (run / "step.md").read_text("utf-8")
    assert summary.startswith("# Compounding battery summary")
    assert (run / "output").read_text().startswith("verdict=LEARNED\neffect=0.")
    assert "::notice title=battery%3A LEARNED::" in (run / "log").read_text()
    assert JUnitXml.fromfile(str(run / "battery.xml")).failures == 0


def test_what_is_kept_is_what_the_steps_have_written(run: Path) -> None:
    (paths,) = (s["with"]["path"] for s in steps() if "upload-artifact" in s.get("uses", ""))
    assert [path for path in paths.split() if not (run / path).exists()] == []
    assert (run / "data/battery/report.html").is_file()


def test_the_comparison_with_itself_is_added_to_the_page(run: Path) -> None:
    assert "NO DIFFERENCE" in (run / "step.md").read_text("utf-8")


def test_actions_are_pinned_by_major_version_and_nothing_foreign_reaches_a_shell() -> None:
    for step in steps():
        assert re.fullmatch(r"actions/[\w/-]+@v\d+", step.get("uses", "actions/x@v1"))
        assert "${{" not in step.get("run", ""), "an expression in a script can be code"


def test_every_step_that_shows_a_result_runs_after_a_failure_too() -> None:
    named = {step["name"]: step.get("if", "") for step in steps() if "name" in step}
    late = list(named)[list(named).index("Measure") + 1 :]
    # Only a battery that passed is set aside.
    assert [n for n in late if "!cancelled()" not in named[n] and "main" not in named[n]] == []


def test_the_page_shows_where_an_own_gateway_is_named() -> None:
    other = re.findall(r"```yaml\n(.+?)```", PAGE.read_text("utf-8"), re.DOTALL)[1]
    (step,) = yaml.safe_load(other)
    assert {"GATEWAY_URL", "GATEWAY_TOKEN"} <= set(step["env"])
