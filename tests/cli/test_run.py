"""`battery run`: what it leaves behind, of whom it asks what, and how it is resumed."""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.arms import Pair, journal, order, ran
from tests.support.calls import command_here as battery
from tests.support.commands import read_json, write_tasks
from tests.support.gateway import Gateway

pytestmark = pytest.mark.slow

CONTRACT_FILES = {
    "battery.json",
    "tasks.json",
    "summary.md",
    "summary.json",
    *(
        f"iter_{n}/{name}"
        for n in (1, 2, 3)
        for name in (
            "journal.jsonl",
            "runs.json",
            "distill_output.txt",
            "distill_events.jsonl",
            "metrics.json",
            "overseer_review.md",
            "scrum_findings.md",
            "proposals.json",
            "verdicts.json",
            "control/runs.json",
            "control/metrics.json",
            "siblings/runs.json",
            "siblings/control/runs.json",
        )
    ),
}


def test_run_leaves_every_artifact_of_the_contract(finished: Path) -> None:
    there = {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()}
    assert there >= CONTRACT_FILES
    ours = {".lock", "report.html"}
    assert {name for name in there - CONTRACT_FILES if not name.startswith("gateway/")} == ours
    manifest = read_json(finished / "battery.json")
    assert (manifest["state"], manifest["iterations_finished"]) == ("finished", 3)
    targets = ("gateway", "llm_team", "control")
    assert manifest["targets"] == dict.fromkeys(targets, "embedded")


def test_run_says_that_it_uses_the_embedded_gateway_and_prints_the_result(tmp_path: Path) -> None:
    done = battery("run", "-n", 1, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.startswith("target:   embedded gateway (no --target is given)\n")
    assert done.stderr.count("embedded gateway") == 1
    assert "\nA single iteration shows nothing about learning" in done.stdout
    assert done.stdout.endswith("battery open data/battery  data/battery/report.html\n")
    assert (tmp_path / "data" / "battery" / "summary.md").exists()
    assert "\x1b" not in done.stdout + done.stderr


def test_a_finished_battery_is_archived_under_its_start(folder: Path) -> None:
    started = read_json(folder / "battery.json")["started_at"]
    done = battery("run", "-n", 1, "--dir", folder)
    assert done.returncode == 0
    archived = folder / "archive" / started.replace(":", "-")
    assert str(archived) in " ".join(done.stderr.split())
    assert (archived / "iter_3" / "runs.json").exists()
    assert not (folder / "iter_2").exists()
    again = battery("summarize", archived)
    assert again.returncode == 0


def test_tasks_json_here_comes_before_the_packaged_copy(gateway: Gateway, tmp_path: Path) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    words = ["run", "-n", 1, "--gateway", gateway.url, "--llm-team", gateway.url]
    assert battery(*words, cwd=tmp_path).returncode == 0
    assert "alpha_baseline 0" in gateway.count()


def test_the_folder_of_ones_own_tasks_is_not_overwritten(tmp_path: Path) -> None:
    tasks = write_tasks(tmp_path / "tasks.json", 1)
    before = tasks.read_bytes()
    done = battery("run", "--dir", tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    assert "no battery wrote" in done.stderr
    assert tasks.read_bytes() == before


def test_a_finished_battery_can_be_resumed_to_more_iterations(folder: Path) -> None:
    nothing = battery("run", "--resume", "--dir", folder)
    assert nothing.returncode == 0
    assert "nothing is left to do" in nothing.stderr
    more = battery("run", "--resume", "-n", 4, "--dir", folder)
    assert more.returncode == 0
    assert (folder / "iter_4" / "verdicts.json").exists()
    fewer = battery("run", "--resume", "-n", 2, "--dir", folder)
    assert fewer.returncode == 2
    assert "iteration 4 has begun, and 2 are wanted" in fewer.stderr


def test_an_original_folder_is_archived_before_a_new_run(original: Path, tmp_path: Path) -> None:
    done = battery("run", "-n", 1, "--dir", original, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (archived,) = (original / "archive").iterdir()
    assert (archived / "iter_3" / "runs.json").exists()


def test_resume_with_other_tasks_or_models_says_what_differs(
    gateway: Gateway, tmp_path: Path
) -> None:
    tasks = write_tasks(tmp_path / "tasks.json", 2)
    words = ["run", "--gateway", gateway.url, "--llm-team", gateway.url]
    assert battery(*words, "-n", 1, cwd=tmp_path).returncode == 0
    write_tasks(tasks, 1, models="other")
    done = battery(*words, "--resume", "-n", 2, cwd=tmp_path)
    assert done.returncode == 2
    assert "models.executor_cloud: 'm' became 'other'" in done.stderr
    assert "easy task 'alpha_baseline 1' is gone" in done.stderr
    tasks.unlink()
    assert battery(*words, "--resume", "-n", 2, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    "words", [["run", "--resume"], ["iterate"], ["summarize"]], ids=lambda words: words[0]
)
def test_a_folder_that_lost_an_iteration_is_refused_not_summed_up(
    words: list[str], folder: Path
) -> None:
    shutil.rmtree(folder / "iter_1")
    before = (folder / "summary.md").read_bytes()
    done = battery(*words, "--dir", folder)
    assert done.returncode == 2
    assert "lacks iter_1/runs.json" in done.stderr
    assert (folder / "summary.md").read_bytes() == before


def test_a_resume_cannot_leave_out_an_iteration_that_has_begun(
    gateway: Gateway, tmp_path: Path
) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    words = ["run", "--gateway", gateway.url, "--llm-team", gateway.url]

    def fail_late(_path: str, _body: dict[str, Any]) -> None:
        if len(gateway.requests) == 12:
            raise ConnectionError

    gateway.before = fail_late
    assert battery(*words, "-n", 2, cwd=tmp_path).returncode == 1
    done = battery(*words, "--resume", "-n", 1, cwd=tmp_path)
    assert done.returncode == 2
    assert "iteration 2 has begun" in done.stderr


def test_a_refused_tasks_file_leaves_no_folder_behind(tmp_path: Path) -> None:
    (tmp_path / "tasks.json").write_text("{}")
    assert battery("run", cwd=tmp_path).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.json"]


def test_the_command_to_go_on_can_be_pasted(tmp_path: Path) -> None:
    done = battery("run", "--dir", "my data", "--gateway", "http://127.0.0.1:9", cwd=tmp_path)
    assert done.returncode == 1
    assert "Connection refused" in done.stderr
    assert "battery run --resume --dir 'my data'" in done.stderr


def operations(path: Path) -> list[str]:
    return [run["task"]["operation"] for run in read_json(path)]


PHASES = ("alpha_baseline", "beta_drift", "gamma_impossible")


TASKS = [f"{phase} 0" for phase in PHASES]


def test_both_arms_are_asked_every_task_and_only_one_is_taught(pair: Pair, here: Path) -> None:
    folder = ran(here, *pair.options(), "-n", 2)
    assert pair.learn.count() == Counter(TASKS * 2 + ["distill", "overseer", "scrum"] * 2)
    assert pair.frozen.count() == Counter(TASKS * 2)
    manifest = read_json(folder / "battery.json")
    assert manifest["targets"]["control"] == pair.frozen.url
    for number in (1, 2):
        step = folder / f"iter_{number}"
        assert operations(step / "runs.json") == operations(step / "control/runs.json") == TASKS
        assert read_json(step / "control/metrics.json")["total_tasks"] == 3
        assert not (step / "confirmations.json").exists()


def test_arms_are_asked_in_turn_and_a_coin_says_which_first(pair: Pair, here: Path) -> None:
    folder = ran(here, *pair.options(), "--seed", 3, "-n", 2)
    calls = [(call[0], call[4], call[2]) for call in order(folder) if call[2]]
    pairs = [calls[start : start + 2] for start in range(0, len(calls), 2)]
    assert all(first[:2] == second[:2] for first, second in pairs)
    assert {first[2] for first, _ in pairs} == {"learn", "frozen"}


def test_the_answers_of_each_arm_are_its_own(pair: Pair, here: Path) -> None:
    pair.frozen.status = lambda _body: "failed"
    step = ran(here, *pair.options()) / "iter_1"
    assert {run["result"]["status"] for run in read_json(step / "runs.json")} == {"ok"}
    assert {run["result"]["status"] for run in read_json(step / "control/runs.json")} == {"failed"}
    assert read_json(step / "metrics.json")["ok_tasks"] == 3
    assert read_json(step / "control/metrics.json")["ok_tasks"] == 0


def test_repeats_are_kept_apart_and_spread_in_time(pair: Pair, larger: Path) -> None:
    folder = ran(larger, *pair.options(), "--repeats", 3)
    names = [f"{phase} {number}" for phase in PHASES for number in (0, 1)]
    step = folder / "iter_1"
    for place in ("", "control/"):
        for name in ("runs.json", "repeat_2/runs.json", "repeat_3/runs.json"):
            assert operations(step / f"{place}{name}") == names
    alpha = [call[3] for call in order(folder) if call[1] == "alpha"]
    assert alpha == [1] * 4 + [2] * 4 + [3] * 4
    assert read_json(step / "metrics.json")["total_tasks"] == 6
    assert set(pair.learn.count().values()) == {1, 3}
    assert read_json(folder / "battery.json")["options"]["repeats"] == 3


def test_with_several_workers_a_task_and_its_twin_stay_together(pair: Pair, larger: Path) -> None:
    """Each worker has one call under way; a second repeat waits for all of the first."""
    under_way: Counter[str] = Counter()
    most = 0
    lock = threading.Lock()

    def enter(path: str, body: dict[str, Any]) -> None:
        nonlocal most
        if path != "/v1/respond":
            return
        with lock:
            under_way[body["operation"]] += 1
            most = max(most, *under_way.values())
        threading.Event().wait(0.005)
        with lock:
            under_way[body["operation"]] -= 1

    pair.learn.before = pair.frozen.before = enter
    folder = ran(larger, *pair.options(), "--repeats", 2, "--concurrency", 4)
    assert most == 1
    repeats = [call[3] for call in order(folder) if call[1] == "alpha"]
    assert repeats == [1] * 4 + [2] * 4


def test_limit_takes_the_first_tasks_of_each_phase(pair: Pair, larger: Path) -> None:
    folder = ran(larger, *pair.options(), "--limit", 1)
    assert pair.frozen.count() == Counter(TASKS)
    phases = read_json(folder / "tasks.json")["phases"]
    assert [len(tasks) for tasks in phases.values()] == [1, 1, 1]
    more = battery("run", "--resume", "-n", 2, cwd=larger)
    assert more.returncode == 0, more.stderr
    assert pair.frozen.count() == Counter(TASKS * 2)
    refused = battery("run", "--resume", "-n", 3, "--limit", 2, cwd=larger)
    assert refused.returncode == 2
    assert "--limit of this battery is 1, not 2" in refused.stderr


def test_a_check_that_takes_its_time_keeps_no_other_worker_from_asking(
    here: Path, gateway: Gateway
) -> None:
    """The first task's check passes once the third task is asked, which only the other one can."""
    path = write_tasks(here / "tasks.json", 3)
    document = read_json(path)
    first, _, third = document["phases"]["alpha_baseline"]
    first["checks"] = [{"command": ["sh", "-c", "until [ -e go ]; do sleep 0.01; done"]}]
    path.write_text(json.dumps(document))

    def go(_path: str, body: dict[str, Any]) -> None:
        if body.get("operation") == third["operation"]:
            (here / "go").touch()

    gateway.before = go
    folder = ran(here, "--gateway", gateway.url, "--llm-team", gateway.url, "--concurrency", 2)
    assert read_json(folder / "iter_1" / "runs.json")[0]["checked"]["ok"]


def test_no_control_leaves_one_arm_of_the_embedded_gateway(here: Path) -> None:
    (here / "tasks.json").unlink()
    folder = ran(here, "--no-control", "--limit", 1)
    assert "control" not in read_json(folder / "battery.json")["targets"]
    assert not (folder / "iter_1" / "control").exists()
    assert not (folder / "gateway" / "frozen").exists()
    # A task and a sibling of each phase, then distill, review and judgment.
    assert len(order(folder)) == 9
    again = battery("iterate", cwd=here)
    assert again.returncode == 0, again.stderr
    assert not (folder / "iter_2" / "control").exists()


def test_the_embedded_control_never_learns(here: Path) -> None:
    (here / "tasks.json").unlink()
    folder = ran(here, "-n", 2, "--limit", 1)
    assert read_json(folder / "battery.json")["targets"]["control"] == "embedded"
    learn, frozen = (
        [read_json(folder / f"iter_{n}" / place / "metrics.json")["total_tokens"] for n in (1, 2)]
        for place in ("", "control")
    )
    assert frozen[0] == frozen[1] == learn[0] > learn[1]
    assert not list((folder / "gateway" / "frozen").glob("*.jsonl"))


def test_a_live_gateway_without_a_control_is_one_arm(pair: Pair, here: Path) -> None:
    folder = ran(here, *pair.options()[:4])
    assert not pair.frozen.requests
    assert len(pair.learn.requests) == 6
    assert "control" not in read_json(folder / "battery.json")["targets"]


def failing_from(iteration: int, *names: str) -> Any:
    """Answer `failed` for these tasks from an iteration on."""
    seen: Counter[str] = Counter()

    def status(body: dict[str, Any]) -> str:
        seen[body["operation"]] += 1
        return (
            "failed"
            if body["operation"] in names and seen[body["operation"]] >= iteration
            else "ok"
        )

    return status


def test_tasks_that_fail_later_are_asked_five_times_more(pair: Pair, larger: Path) -> None:
    pair.learn.status = failing_from(2, "alpha_baseline 1", "beta_drift 0", "gamma_impossible 0")
    folder = ran(larger, *pair.options(), "-n", 3)
    runs = read_json(folder / "iter_2" / "confirmations.json")
    asked = [(run["phase"], run["task"]["operation"]) for run in runs]
    assert asked == [("alpha", "alpha_baseline 1")] * 5 + [("beta", "beta_drift 0")] * 5
    assert {run["result"]["status"] for run in runs} == {"failed"}
    assert set(runs[0]) == {"task", "phase", "result"}
    lines = [line["call"] for line in journal(folder) if line["iteration"] == "iter_2"]
    assert lines == ["respond"] * 12 + ["confirm"] * 10 + ["distill", "chat", "chat"]
    reruns = [line for line in journal(folder) if line["call"] == "confirm"]
    assert [(line["arm"], line["repeat"]) for line in reruns] == 2 * [
        ("learn", n) for n in range(1, 6)
    ]
    # Confirmed once, they are not asked again in iteration 3.
    assert not (folder / "iter_3" / "confirmations.json").exists()
    assert pair.frozen.count()["alpha_baseline 1"] == 3
    assert read_json(folder / "summary.json")["calls"] == 3 * 15 + 10


def test_what_only_the_twin_does_is_asked_five_times_more_once(pair: Pair, here: Path) -> None:
    """The learner never did the niche task, so nobody pays for that in every iteration."""
    pair.learn.status = failing_from(1, "beta_drift 0")
    folder = ran(here, *pair.options(), "-n", 4)
    asked = [line["iteration"] for line in journal(folder) if line["call"] == "confirm"]
    assert asked == ["iter_2"] * 5


def test_a_failure_that_was_not_confirmed_is_looked_into_again(pair: Pair, here: Path) -> None:
    """Two of five reruns passed in iteration 2; what fails in iteration 3 is open again."""
    seen: Counter[str] = Counter()

    def flaky(body: dict[str, Any]) -> str:
        seen[body["operation"]] += 1
        failing = {2, 3, 4, 5, 8, *range(9, 14)}
        bad = body["operation"] == "alpha_baseline 0" and seen["alpha_baseline 0"] in failing
        return "blocked" if bad else "ok"

    pair.learn.status = flaky
    folder = ran(here, *pair.options()[:4], "-n", 3)
    outcomes = [
        [run["result"]["status"] for run in read_json(folder / f"iter_{n}/confirmations.json")]
        for n in (2, 3)
    ]
    assert outcomes == [["blocked"] * 3 + ["ok"] * 2, ["blocked"] * 5]


def test_a_resume_asks_only_the_confirmations_that_are_missing(pair: Pair, larger: Path) -> None:
    pair.learn.status = failing_from(2, "alpha_baseline 0", "alpha_baseline 1")

    def break_late(_path: str, _body: dict[str, Any]) -> None:
        if len(pair.learn.requests) == 9 + 6 + 3:
            raise ConnectionError

    pair.learn.before = break_late
    done = battery("run", "-n", 2, *pair.options()[:4], cwd=larger)
    assert done.returncode == 1
    resumed = battery("run", "--resume", cwd=larger)
    assert resumed.returncode == 0, resumed.stderr
    assert "alpha_baseline 0 (asked again)" in resumed.stderr
    # 9 calls an iteration, ten confirmations, and the one that broke.
    assert len(pair.learn.requests) == 9 + 9 + 10 + 1
    runs = operations(larger / "data" / "battery" / "iter_2" / "confirmations.json")
    assert runs == ["alpha_baseline 0"] * 5 + ["alpha_baseline 1"] * 5


def test_where_nothing_is_left_to_ask_nothing_has_moved(pair: Pair, here: Path) -> None:
    folder = ran(here, *pair.options())
    before = read_json(folder / "battery.json")
    moved = ["--control-gateway", "http://127.0.0.1:9"]
    done = battery("run", "--resume", *moved, "--concurrency", 2, cwd=here)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    assert read_json(folder / "battery.json") == before
    summary = read_json(folder / "summary.json")
    assert (summary["targets"], summary["warnings"]) == (before["targets"], [])


def test_another_seed_size_or_arm_is_another_battery(pair: Pair, here: Path) -> None:
    ran(here, *pair.options(), "--seed", 11)
    asked = pair.asked()
    refused: list[tuple[list[object], str]] = [
        (["--seed", 12], "--seed of this battery is 11, not 12"),
        (["--repeats", 2], "--repeats of this battery is 1, not 2"),
        (["--limit", 1], "--limit of this battery is none, not 1"),
        (["--no-control"], "cannot be left out later"),
    ]
    for words, says in refused:
        for more in ([], ["--dry-run"]):
            done = battery("run", "--resume", "-n", 2, *words, *more, cwd=here)
            assert done.returncode == 2
            assert says in done.stderr
    assert pair.asked() == asked


def labels(folder: Path) -> tuple[object, ...]:
    manifest, summary = (read_json(folder / name) for name in ("battery.json", "summary.json"))
    keys = ("name", "note", "tags")
    assert [manifest[key] for key in keys] == [summary[key] for key in keys]
    return tuple(manifest[key] for key in keys)


def test_what_a_battery_is_called_is_kept_until_a_command_says_otherwise(here: Path) -> None:
    (here / "battery.toml").write_text('[run]\nname = "of the file"\ntag = ["nightly", "b"]\n')
    folder = ran(here, "--note", "larger\n\x1b[31mmemory", "--tag", "c")
    assert labels(folder) == ("of the file", r"larger \x1b[31mmemory", ["c"])
    (here / "battery.toml").write_text('[run]\nname = "changed since"\n')
    assert battery("iterate", "--tag", "d", cwd=here).returncode == 0
    assert labels(folder) == ("of the file", r"larger \x1b[31mmemory", ["d"])
    # A finished one as well, and nothing is asked for it.
    done = battery("run", "--resume", "--name", "renamed", "--note", "", cwd=here)
    assert "nothing is left to do" in done.stderr
    assert labels(folder) == ("renamed", None, ["d"])


def test_what_is_wrong_with_reviews_is_said_once_at_the_end_and_not_when_quiet(
    gateway: Gateway, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.gateway.REVIEW", "nothing to propose")
    live = ("--gateway", gateway.url, "--llm-team", gateway.url)
    done = battery("run", "-n", 2, *live, "--full", cwd=here)
    assert "could be read" not in done.stderr
    assert " ".join(done.stdout.split()).count("no proposal could be read") == 1
    assert "warning: iterations 1 and 2: no proposal could be read" in done.stdout
    folder = here / "data" / "battery"
    assert (folder / "summary.md").read_text().count("no proposal could be read") == 1
    summary = read_json(folder / "summary.json")
    assert len(summary["review_warnings"]) == 1
    assert summary["warnings"][-1:] == summary["review_warnings"]
    done = battery("iterate", *live, "--full", "--quiet", cwd=here)
    assert "could be read" not in done.stdout + done.stderr
    done = battery("review", *live[:2], cwd=here)
    assert done.stderr.count("iteration 3: no proposal could be read") == 1
