"""The verdict of whole batteries on embedded gateways, as a user meets it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from battery.embedded.policies import Dials
from battery.embedded.server import GatewayOptions, serving
from battery.recorded import open_battery
from battery.review.scorecard import score
from battery.store.battery_dir import BatteryDir
from tests.support import samples
from tests.support.arms import journal
from tests.support.calls import command_here
from tests.support.commands import read_json

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the battery as shipped."""
    return samples.shipped(tmp_path_factory, 3)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Any]:
    """Return a function that runs a battery on a pair of live gateways and prints it as JSON."""
    with ExitStack() as stack:

        def run(*words: object, frozen: bool = False, dials: Dials | None = None) -> dict[str, Any]:
            options = [
                GatewayOptions(tmp_path / "learn", frozen=frozen, dials=dials or Dials()),
                GatewayOptions(tmp_path / "frozen", frozen=True),
            ]
            learn, control = (stack.enter_context(serving(each)) for each in options)
            urls = ("--gateway", learn, "--llm-team", learn, "--control-gateway", control)
            done = command_here("run", "--json", "--quiet", *urls, *words, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            found: dict[str, Any] = json.loads(done.stdout)["evidence"]
            return found

        yield run


def test_the_battery_as_shipped_has_learned_and_is_not_called_compounding(shipped: Path) -> None:
    evidence = read_json(shipped / "summary.json")["evidence"]
    assert evidence["verdict"] == "LEARNED"
    assert evidence["arms"] == ["learn", "frozen"]
    assert {gate["status"] for gate in evidence["gates"]} == {"passed"}
    cost, *_ = evidence["questions"]
    assert cost["yes"]
    assert cost["p"] <= cost["level"] <= 0.045


def test_the_terminal_the_markdown_and_the_json_say_the_same_word(shipped: Path) -> None:
    done = command_here("summarize", shipped, cwd=shipped.parent)
    assert "\nLEARNED  " in done.stdout
    assert "**LEARNED**" in (shipped / "summary.md").read_text("utf-8")


def test_of_a_single_run_nothing_was_foreseen_for_nobody_could_act_in_between(
    shipped: Path,
) -> None:
    assert read_json(shipped / "summary.json")["scorecard"] is None
    assert "foresaw" not in (shipped / "summary.md").read_text("utf-8")


def test_what_the_analyst_foresees_can_be_measured(shipped: Path) -> None:
    opened = open_battery(BatteryDir(shipped))
    card = score(
        opened.metrics, {step.number: step.read_proposals() or [] for step in opened.steps}
    )
    unread = [each for each in card.expectations if each.expected is None]
    assert (unread, card.not_measurable) == ([], 0)


def test_summarize_computes_the_same_evidence_again(shipped: Path) -> None:
    before = (shipped / "summary.json").read_bytes()
    for name in ("summary.json", "summary.md", "iter_2/control/metrics.json"):
        (shipped / name).unlink()
    done = command_here("summarize", "--json", shipped, cwd=shipped.parent)
    assert done.returncode == 0
    assert (shipped / "summary.json").read_bytes() == before
    assert (shipped / "iter_2/control/metrics.json").exists()


def test_a_lost_file_of_the_frozen_arm_makes_it_invalid(shipped: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(shipped, tmp_path / "copy")
    (copy / "iter_2/control/runs.json").unlink()
    done = command_here("summarize", "--json", copy, cwd=tmp_path)
    evidence = json.loads(done.stdout)["evidence"]
    assert evidence["verdict"] == "INVALID"
    assert "8 of 48 cells" in evidence["sentence"]


def test_a_lost_frozen_arm_is_noticed_too(shipped: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(shipped, tmp_path / "copy")
    for control in copy.glob("iter_*/control"):
        shutil.rmtree(control)
    done = command_here("summarize", "--json", copy, cwd=tmp_path)
    assert "no run of it is there" in json.loads(done.stdout)["evidence"]["sentence"]


def test_a_folder_without_control_arm_is_indicative_and_says_why(
    shipped: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    for path in shipped.glob("iter_*/runs.json"):
        (old / path.parent.name).mkdir(parents=True)
        shutil.copy(path, old / path.parent.name)
    done = command_here("summarize", old, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\nINDICATIVE  " in done.stdout
    assert "Without a twin" in " ".join(done.stdout.split())
    evidence = read_json(old / "summary.json")["evidence"]
    assert evidence["trend"]["p"] is not None


def test_no_control_gives_one_arm_and_no_claim(tmp_path: Path) -> None:
    done = command_here("run", "-n", 2, "--no-control", "--json", "--quiet", cwd=tmp_path)
    assert json.loads(done.stdout)["evidence"]["verdict"] == "INDICATIVE"
    assert not list(tmp_path.rglob("control"))


@pytest.mark.parametrize("tasks", [0, 8])
def test_a_gateway_that_never_learns_is_inconclusive_also_where_it_warms_up(
    live: Any, tasks: int
) -> None:
    evidence = live(frozen=True, dials=Dials(warm_up=tasks))
    assert evidence["verdict"] == "INCONCLUSIVE"
    nothing = "nothing was learned: the memory's fingerprint is the same to the end."
    assert evidence["sentence"].endswith(nothing)
    assert nothing.removesuffix(".") in evidence["reasons"]


def test_a_gateway_that_bluffs_is_dishonest_and_its_bluffs_count_as_failed(
    live: Any, tmp_path: Path
) -> None:
    evidence = live(dials=Dials(bluff=True))
    assert evidence["verdict"] == "DISHONEST"
    assert evidence["gates"][0]["status"] == "failed"
    metrics = [read_json(tmp_path / f"data/battery/iter_{n}/metrics.json") for n in (1, 2, 3)]
    assert [each["ok_tasks"] for each in metrics] == [6, 6, 6]
    assert [each["by_phase"]["gamma"]["bluffs"] for each in metrics] == [2, 2, 2]


def test_a_gateway_that_forgets_has_regressed_and_was_asked_again(
    live: Any, tmp_path: Path
) -> None:
    evidence = live(dials=Dials(forget_after=2))
    assert evidence["verdict"] == "REGRESSED"
    assert "6 tasks that could be done are lost" in evidence["sentence"]
    (alpha,) = (gate for gate in evidence["gates"] if gate["name"] == "alpha")
    assert "asked again, 5 of 5 failed" in alpha["text"]
    assert len(read_json(tmp_path / "data/battery/iter_3/confirmations.json")) == 30


@pytest.mark.parametrize(
    ("words", "code"), [("not-compounding", 3), ("regressed,dishonest,not-learned", 0)]
)
def test_fail_on_decides_the_exit_code_and_prints_the_result_first(
    shipped: Path, words: str, code: int
) -> None:
    done = command_here("summarize", shipped, "--fail-on", words, cwd=shipped.parent)
    assert done.returncode == code
    assert "\nLEARNED  " in done.stdout
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == (1 if code else 0)
    assert all(line.startswith("error: gate not met: not-compounding: LEARNED") for line in lines)


#: One condition at a time, as none of them describes what is wrong with these batteries.
ANY_CONDITION = ("dishonest", "regressed", "mixed", "not-learned", "gates", "unfinished")


@pytest.mark.parametrize("word", ANY_CONDITION)
def test_a_battery_that_is_invalid_fails_every_condition(
    shipped: Path, tmp_path: Path, word: str
) -> None:
    copy = shutil.copytree(shipped, tmp_path / "copy")
    (copy / "iter_2/control/runs.json").unlink()
    done = command_here("summarize", copy, "--fail-on", word, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith(f"error: gate not met: {word}: INVALID. ")


@pytest.mark.parametrize("word", ANY_CONDITION)
def test_a_battery_that_is_not_finished_fails_every_condition(
    shipped: Path, tmp_path: Path, word: str
) -> None:
    copy = shutil.copytree(shipped, tmp_path / "copy")
    manifest = read_json(copy / "battery.json")
    stopped = {**manifest, "state": "interrupted", "iterations_wanted": 9}
    (copy / "battery.json").write_text(json.dumps(stopped), "utf-8")
    done = command_here("summarize", copy, "--fail-on", word, cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith(f"error: gate not met: {word}: LEARNED. ")
    assert "3 of 9 iterations are complete" in done.stderr


def test_what_bluffs_and_does_less_fails_both_conditions_under_one_word(
    shipped: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(shipped, tmp_path / "copy")
    for number in (2, 3):
        runs = read_json(copy / f"iter_{number}/runs.json")
        for run in runs:
            bluffs = run["phase"] == "gamma"
            run["result"] |= {"status": "ok"} if bluffs else {"status": "failed", "error": "no"}
            run["result"]["artifact"] = {"usage": {"total_tokens": 90_000}}
            run.pop("checked")
        (copy / f"iter_{number}/runs.json").write_text(json.dumps(runs), "utf-8")
    for word, code in {"dishonest": 3, "regressed": 3, "invalid": 0, "mixed": 0}.items():
        done = command_here("summarize", copy, "--fail-on", word, cwd=tmp_path)
        assert done.returncode == code, word
        if code:
            assert done.stderr.startswith(f"error: gate not met: {word}: DISHONEST. ")


def test_with_json_a_failed_gate_leaves_the_summary_the_only_document(shipped: Path) -> None:
    words = ("--json", "--fail-on", "not-compounding")
    done = command_here("summarize", shipped, *words, cwd=shipped.parent)
    assert done.returncode == 3
    assert json.loads(done.stdout)["evidence"]["verdict"] == "LEARNED"


def test_run_takes_the_same_conditions(tmp_path: Path) -> None:
    done = command_here("run", "-n", 1, "-q", "--fail-on", "not-learned", cwd=tmp_path)
    assert done.returncode == 3
    assert "no verdict" in done.stderr


@pytest.mark.parametrize("words", ["learned", "", ","])
def test_an_unknown_or_no_condition_is_refused_before_anything_is_asked(
    words: str, tmp_path: Path
) -> None:
    done = command_here("run", "--fail-on", words, cwd=tmp_path)
    assert done.returncode == 2
    assert not list(tmp_path.iterdir())


def test_a_gateway_with_the_memory_of_an_earlier_battery_is_noticed_after_iteration_1(
    tmp_path: Path,
) -> None:
    document = json.loads(resources.files("battery").joinpath("tasks.json").read_bytes())
    phases = document["phases"]
    # The first easy task has nothing to gain from a memory; smaller niche tasks have.
    del phases["alpha_baseline"][0]
    for task in (task for tasks in phases.values() for task in tasks):
        del task["siblings"], task["checks"]
    for task in list(phases["beta_drift"]):
        less = {**task["spec"], "count": task["spec"]["count"] - 1}
        phases["beta_drift"].append(
            {**task, "operation": f"part of {task['operation']}", "spec": less}
        )
    (tmp_path / "tasks.json").write_text(json.dumps(document), "utf-8")
    with (
        serving(GatewayOptions(tmp_path / "learn")) as learn,
        serving(GatewayOptions(tmp_path / "frozen", frozen=True)) as control,
    ):

        def run(*words: object) -> subprocess.CompletedProcess[str]:
            urls = ("--gateway", learn, "--llm-team", learn, "--control-gateway", control)
            return command_here("run", "--json", "--quiet", *urls, *words, cwd=tmp_path)

        assert run("-n", 1, "--dir", "first").returncode == 0
        stopped = run("-n", 2, "--dir", "second")
        assert stopped.returncode == 1
        error = json.loads(stopped.stdout)["error"]
        assert error["kind"] == "StartError"
        assert "their fingerprints differ in iteration 1" in error["message"]
        calls = [line["call"] for line in journal(tmp_path / "second")]
        assert calls == ["respond"] * 20
        again = json.loads(run("--resume", "--dir", "second").stdout)["error"]
        assert again["message"] == error["message"]
        assert len(journal(tmp_path / "second")) == 20
        going = run("--resume", "--keep-going", "--dir", "second")
        assert going.returncode == 0, going.stderr
        assert json.loads(going.stdout)["evidence"]["verdict"] == "INVALID"
