"""Batteries with a frozen arm, repeats, a limit and confirmations, over real HTTP."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.support.arms import Pair, journal, order, serving_pair
from tests.support.calls import command_here
from tests.support.commands import read_json, write_tasks


@pytest.fixture
def pair() -> Iterator[Pair]:
    with serving_pair() as served:
        yield served


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a folder with a tasks file of one task a phase."""
    write_tasks(tmp_path / "tasks.json", 1)
    return tmp_path


@pytest.fixture
def larger(here: Path) -> Path:
    """Return the same folder with two tasks a phase."""
    write_tasks(here / "tasks.json", 2)
    return here


def battery(
    here: Path, *words: object, env: Mapping[str, str] | None = None
) -> CompletedProcess[str]:
    return command_here(*words, cwd=here, env=env)


def data(here: Path) -> Path:
    return here / "data" / "battery"


def finished(here: Path, *words: object, env: Mapping[str, str] | None = None) -> Path:
    """Run a battery of one iteration, unless told otherwise, and return its folder."""
    done = battery(here, "run", "-n", 1, *words, env=env)
    assert done.returncode == 0, done.stderr
    return data(here)


def operations(path: Path) -> list[str]:
    return [run["task"]["operation"] for run in read_json(path)]


PHASES = ("alpha_baseline", "beta_drift", "gamma_impossible")
TASKS = [f"{phase} 0" for phase in PHASES]


def test_both_arms_are_asked_every_task_and_only_one_is_taught(pair: Pair, here: Path) -> None:
    folder = finished(here, *pair.options(), "-n", 2)
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
    folder = finished(here, *pair.options(), "--seed", 3, "-n", 2)
    calls = [(call[0], call[4], call[2]) for call in order(folder) if call[2]]
    pairs = [calls[start : start + 2] for start in range(0, len(calls), 2)]
    assert all(first[:2] == second[:2] for first, second in pairs)
    assert {first[2] for first, _ in pairs} == {"learn", "frozen"}


def test_the_answers_of_each_arm_are_its_own(pair: Pair, here: Path) -> None:
    pair.frozen.status = lambda _body: "failed"
    step = finished(here, *pair.options()) / "iter_1"
    assert {run["result"]["status"] for run in read_json(step / "runs.json")} == {"ok"}
    assert {run["result"]["status"] for run in read_json(step / "control/runs.json")} == {"failed"}
    assert read_json(step / "metrics.json")["ok_tasks"] == 3
    assert read_json(step / "control/metrics.json")["ok_tasks"] == 0


def test_repeats_are_kept_apart_and_spread_in_time(pair: Pair, larger: Path) -> None:
    folder = finished(larger, *pair.options(), "--repeats", 3)
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
    folder = finished(larger, *pair.options(), "--repeats", 2, "--concurrency", 4)
    assert most == 1
    repeats = [call[3] for call in order(folder) if call[1] == "alpha"]
    assert repeats == [1] * 4 + [2] * 4


def test_limit_takes_the_first_tasks_of_each_phase(pair: Pair, larger: Path) -> None:
    folder = finished(larger, *pair.options(), "--limit", 1)
    assert pair.frozen.count() == Counter(TASKS)
    phases = read_json(folder / "tasks.json")["phases"]
    assert [len(tasks) for tasks in phases.values()] == [1, 1, 1]
    more = battery(larger, "run", "--resume", "-n", 2)
    assert more.returncode == 0, more.stderr
    assert pair.frozen.count() == Counter(TASKS * 2)
    refused = battery(larger, "run", "--resume", "-n", 3, "--limit", 2)
    assert refused.returncode == 2
    assert "--limit of this battery is 1, not 2" in refused.stderr


def test_no_control_leaves_one_arm_of_the_embedded_gateway(here: Path) -> None:
    (here / "tasks.json").unlink()
    folder = finished(here, "--no-control", "--limit", 1)
    assert "control" not in read_json(folder / "battery.json")["targets"]
    assert not (folder / "iter_1" / "control").exists()
    assert not (folder / "gateway" / "frozen").exists()
    assert len(order(folder)) == 6
    again = battery(here, "iterate")
    assert again.returncode == 0, again.stderr
    assert not (folder / "iter_2" / "control").exists()


def test_the_embedded_control_never_learns(here: Path) -> None:
    (here / "tasks.json").unlink()
    folder = finished(here, "-n", 2, "--limit", 1)
    assert read_json(folder / "battery.json")["targets"]["control"] == "embedded"
    learn, frozen = (
        [read_json(folder / f"iter_{n}" / place / "metrics.json")["total_tokens"] for n in (1, 2)]
        for place in ("", "control")
    )
    assert frozen[0] == frozen[1] == learn[0] > learn[1]
    assert not list((folder / "gateway" / "frozen").glob("*.jsonl"))


def test_a_live_gateway_without_a_control_is_one_arm(pair: Pair, here: Path) -> None:
    folder = finished(here, *pair.options()[:4])
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


def test_alpha_tasks_that_fail_later_are_asked_five_times_more(pair: Pair, larger: Path) -> None:
    pair.learn.status = failing_from(2, "alpha_baseline 1", "beta_drift 0")
    folder = finished(larger, *pair.options(), "-n", 3)
    runs = read_json(folder / "iter_2" / "confirmations.json")
    assert [run["task"]["operation"] for run in runs] == ["alpha_baseline 1"] * 5
    assert {(run["phase"], run["result"]["status"]) for run in runs} == {("alpha", "failed")}
    assert set(runs[0]) == {"task", "phase", "result"}
    lines = [line["call"] for line in journal(folder) if line["iteration"] == "iter_2"]
    assert lines == ["respond"] * 12 + ["confirm"] * 5 + ["distill", "chat", "chat"]
    reruns = [line for line in journal(folder) if line["call"] == "confirm"]
    assert [(line["arm"], line["repeat"]) for line in reruns] == [("learn", n) for n in range(1, 6)]
    # Confirmed once, it is not asked again in iteration 3.
    assert not (folder / "iter_3" / "confirmations.json").exists()
    assert pair.frozen.count()["alpha_baseline 1"] == 3
    assert read_json(folder / "summary.json")["calls"] == 3 * 15 + 5


def test_a_failure_that_was_not_confirmed_is_looked_into_again(pair: Pair, here: Path) -> None:
    """Two of five reruns passed in iteration 2; what fails in iteration 3 is open again."""
    seen: Counter[str] = Counter()

    def flaky(body: dict[str, Any]) -> str:
        seen[body["operation"]] += 1
        failing = {2, 3, 4, 5, 8, *range(9, 14)}
        bad = body["operation"] == "alpha_baseline 0" and seen["alpha_baseline 0"] in failing
        return "blocked" if bad else "ok"

    pair.learn.status = flaky
    folder = finished(here, *pair.options()[:4], "-n", 3)
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
    done = battery(larger, "run", "-n", 2, *pair.options()[:4])
    assert done.returncode == 1
    resumed = battery(larger, "run", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert "again: alpha_baseline 0" in resumed.stderr
    # 9 calls an iteration, ten confirmations, and the one that broke.
    assert len(pair.learn.requests) == 9 + 9 + 10 + 1
    runs = operations(data(larger) / "iter_2" / "confirmations.json")
    assert runs == ["alpha_baseline 0"] * 5 + ["alpha_baseline 1"] * 5


def test_headers_stay_with_their_own_host(pair: Pair, here: Path) -> None:
    env = {"CONTROL_GATEWAY_HEADERS": "X-Control: env", "GATEWAY_TOKEN": "learn-secret"}
    words = ["--header", "X-Learn: 1", "--control-header", "X-Arm: frozen"]
    folder = finished(here, *pair.options(), *words, env=env)
    for headers in pair.learn.headers:
        assert headers["x-learn"] == "1"
        assert headers["authorization"] == "Bearer learn-secret"
        assert not {"x-control", "x-arm"} & set(headers)
    for headers in pair.frozen.headers:
        assert (headers["x-control"], headers["x-arm"]) == ("env", "frozen")
        assert not {"x-learn", "authorization"} & set(headers)
    written = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert "learn-secret" not in written


def test_a_control_on_the_gateways_own_host_and_port_gets_its_headers(
    pair: Pair, here: Path
) -> None:
    words = ["--gateway", f"{pair.learn.url}/a", "--llm-team", pair.frozen.url]
    control = ["--control-gateway", f"{pair.learn.url}/b", "--header", "X-Learn: 1"]
    finished(here, *words, *control, env={"CONTROL_GATEWAY_TOKEN": "own"})
    got = {
        (path[:2], headers["x-learn"], headers.get("authorization"))
        for (path, _), headers in zip(pair.learn.requests, pair.learn.headers, strict=True)
    }
    assert got == {("/a", "1", None), ("/b", "1", "Bearer own")}
    assert not any("x-learn" in headers for headers in pair.frozen.headers)


@pytest.mark.parametrize(
    ("words", "env", "says"),
    [
        (["--control-gateway", "http://127.0.0.1:9"], {}, "a control gateway is named and no"),
        (
            ["--gateway", "http://127.0.0.1:9", "--control-gateway", "http://localhost:9/"],
            {},
            "taught by the other arm",
        ),
        (
            ["--gateway", "http://127.0.0.1:9", "--control-gateway", "http://127.1:9"],
            {},
            "taught by the other arm",
        ),
        (
            ["--gateway", "https://a.example", "--control-gateway", "https://A.example:443"],
            {},
            "taught by the other arm",
        ),
        (
            ["--gateway", "http://a.example", "--control-gateway", "http://localhost:5000"],
            {},
            "it would be distilled",
        ),
        (["--no-control", "--control-gateway", "http://b.example"], {}, "contradict"),
        (["--control-gateway", "b.example", "--gateway", "http://a.example"], {}, "must start"),
        (["--control-header", "x"], {}, "not of the form"),
        (["--repeats", "0"], {}, "greater than or equal to 1"),
        (["--limit", "0"], {}, "greater than or equal to 1"),
        (["--seed", "-1"], {}, "--seed"),
        ([], {"CONTROL_GATEWAY_URL": "http://b.example"}, "a control gateway is named and no"),
    ],
)
def test_a_control_that_is_none_is_refused_before_anything_is_written(
    words: list[str], env: dict[str, str], says: str, here: Path
) -> None:
    for more in ([], ["--dry-run"]):
        done = battery(here, "run", *words, *more, env=env)
        assert done.returncode == 2, done.stderr
        assert says in done.stderr
        assert done.stdout == ""
    assert [path.name for path in here.iterdir()] == ["tasks.json"]


def test_no_control_on_the_command_line_wins_over_the_environment(pair: Pair, here: Path) -> None:
    env = {"CONTROL_GATEWAY_URL": pair.frozen.url}
    folder = finished(here, *pair.options()[:4], "--no-control", env=env)
    assert "control" not in read_json(folder / "battery.json")["targets"]


def test_what_is_not_named_comes_from_the_manifest(pair: Pair, here: Path) -> None:
    words = ["--repeats", 2, "--seed", 11, "--limit", 1]
    folder = finished(here, *pair.options(), *words)
    before = read_json(folder / "battery.json")
    done = battery(here, "iterate")
    assert done.returncode == 0, done.stderr
    after = read_json(folder / "battery.json")
    assert (after["options"], after["targets"]) == (before["options"], before["targets"])
    assert (folder / "iter_2/control/repeat_2/runs.json").exists()
    assert pair.frozen.count()["alpha_baseline 0"] == 4
    same = battery(here, "run", "--resume", "-n", 3, *words, *pair.options())
    assert same.returncode == 0, same.stderr


def test_a_target_that_moved_is_warned_of_and_stays_on_record(pair: Pair, here: Path) -> None:
    folder = finished(here, *pair.options())
    assert read_json(folder / "battery.json")["notes"] == []
    with serving_pair() as other:
        done = battery(here, "iterate", "--control-gateway", other.frozen.url)
        assert done.returncode == 0, done.stderr
        assert len(other.frozen.requests) == 3
        first = f"the control was {pair.frozen.url} and is {other.frozen.url} from iteration 2 on"
        assert f"warning: {first}" in done.stderr
        resumed = battery(here, "run", "--resume", "-n", 3, "--llm-team", other.learn.url)
        assert resumed.returncode == 0, resumed.stderr
    second = f"the llm_team was {pair.learn.url} and is {other.learn.url} from iteration 3 on"
    assert read_json(folder / "battery.json")["notes"] == [first, second]
    assert first in (folder / "summary.md").read_text("utf-8")
    (folder / "summary.json").unlink()
    assert battery(here, "summarize").returncode == 0
    assert read_json(folder / "summary.json")["warnings"][:2] == [first, second]


def test_where_nothing_is_left_to_ask_nothing_has_moved(pair: Pair, here: Path) -> None:
    folder = finished(here, *pair.options())
    before = read_json(folder / "battery.json")
    moved = ["--control-gateway", "http://127.0.0.1:9"]
    done = battery(here, "run", "--resume", *moved, "--concurrency", 2)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    assert read_json(folder / "battery.json") == before
    summary = read_json(folder / "summary.json")
    assert (summary["targets"], summary["warnings"]) == (before["targets"], [])


@pytest.mark.parametrize("command", [["iterate"], ["run", "--resume", "-n", 2]])
def test_companions_on_the_host_of_the_manifests_gateway_get_its_headers(
    pair: Pair, here: Path, command: list[object]
) -> None:
    gateway = ["--gateway", f"{pair.learn.url}/a"]
    named = ["--llm-team", f"{pair.learn.url}/t", "--control-gateway", f"{pair.learn.url}/b"]
    headers = ["--header", "X-Learn: 1", "--control-header", "X-Arm: frozen"]
    finished(here, *gateway, *named, *headers)
    before = len(pair.learn.headers)
    done = battery(here, *command, *named, *headers)
    assert done.returncode == 0, done.stderr
    asked = zip(pair.learn.requests[before:], pair.learn.headers[before:], strict=True)
    got = {(path[:2], sent.get("x-learn"), sent.get("x-arm")) for (path, _), sent in asked}
    assert got == {("/a", "1", None), ("/t", "1", None), ("/b", "1", "frozen")}
    # To another host they do not go.
    moved = battery(here, "iterate", "--control-gateway", pair.frozen.url, *headers)
    assert moved.returncode == 0, moved.stderr
    assert {(sent.get("x-learn"), sent["x-arm"]) for sent in pair.frozen.headers} == {
        (None, "frozen")
    }


def test_another_seed_size_or_arm_is_another_battery(pair: Pair, here: Path) -> None:
    finished(here, *pair.options(), "--seed", 11)
    asked = pair.asked()
    refused: list[tuple[list[object], str]] = [
        (["--seed", 12], "--seed of this battery is 11, not 12"),
        (["--repeats", 2], "--repeats of this battery is 1, not 2"),
        (["--limit", 1], "--limit of this battery is none, not 1"),
        (["--no-control"], "cannot be dropped on the way"),
    ]
    for words, says in refused:
        for more in ([], ["--dry-run"]):
            done = battery(here, "run", "--resume", "-n", 2, *words, *more)
            assert done.returncode == 2
            assert says in done.stderr
    assert pair.asked() == asked


def test_a_control_does_not_appear_on_the_way(pair: Pair, here: Path) -> None:
    finished(here, *pair.options()[:4])
    for words in (["iterate"], ["run", "--resume", "-n", 2]):
        done = battery(here, *words, "--control-gateway", pair.frozen.url)
        assert done.returncode == 2
        assert "this battery has one arm" in done.stderr
    assert not pair.frozen.requests


def test_a_battery_of_an_earlier_version_goes_on_with_one_arm(pair: Pair, here: Path) -> None:
    folder = finished(here, *pair.options()[:4])
    manifest = read_json(folder / "battery.json")
    for name in ("seed", "repeats", "limit"):
        del manifest["options"][name]
    (folder / "battery.json").write_text(json.dumps(manifest))
    for words in (["iterate"], ["run", "--resume", "-n", 3]):
        done = battery(here, *words)
        assert done.returncode == 0, done.stderr
    assert len(pair.learn.requests) == 18
    assert read_json(folder / "battery.json")["options"] == manifest["options"]
    refused = battery(here, "run", "--resume", "-n", 4, "--seed", 5)
    assert "--seed of this battery is none, not 5" in refused.stderr


def test_doctor_looks_at_the_control_gateway_and_teaches_nothing(pair: Pair, here: Path) -> None:
    done = battery(here, "doctor", *pair.options())
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith(f"ok    control gateway: {pair.frozen.url}")
    assert pair.asked() == 0
    gone = battery(here, "doctor", *pair.options()[:4], "--control-gateway", "http://127.0.0.1:9")
    assert gone.returncode == 1
    assert "FAIL  control gateway" in gone.stdout
    assert "--control-gateway" in gone.stdout
    alone = battery(here, "doctor", "--control-gateway", pair.frozen.url)
    assert alone.returncode == 2


def test_a_summary_rebuilt_from_disk_rewrites_the_controls_metrics(pair: Pair, here: Path) -> None:
    folder = finished(here, *pair.options())
    path = folder / "iter_1" / "control" / "metrics.json"
    before = path.read_bytes()
    path.unlink()
    assert battery(here, "summarize").returncode == 0
    assert path.read_bytes() == before
