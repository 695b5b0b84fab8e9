"""Whatever stops a battery, nothing that finished is lost or asked again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import CallError
from battery.target.http import Client
from battery.target.system import RespondReply
from tests.support.arms import journal, order, serving_pair
from tests.support.calls import command_here
from tests.support.commands import environment, read_json, run_options, start, words, write_tasks
from tests.support.disks import small_disk
from tests.support.gateway import Gateway, serving

pytestmark = pytest.mark.slow

ITERATIONS = 2
PER_PHASE = 3
#: Calls of a whole run: the tasks, then distill, review and judgment.
CALLS = ITERATIONS * (3 * PER_PHASE + 3)


@pytest.fixture
def options(gateway: Gateway, tmp_path: Path) -> list[object]:
    return run_options(tmp_path, gateway.url, per_phase=PER_PHASE, iterations=ITERATIONS)


def here(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a command that is not killed in this process, which is faster."""
    return command_here(*words, cwd=Path.cwd())


def artifacts(folder: Path) -> dict[str, str]:
    """Read everything that does not depend on time."""
    timeless = ("runs.json", "distill_output.txt", "overseer_review.md", "verdicts.json")
    found = {}
    for path in sorted(folder.glob("iter_*/**/*")):
        if path.name in timeless:
            text = path.read_text()
            if path.name == "runs.json":
                runs = json.loads(text)
                for run in runs:
                    del run["result"]["_elapsed_ms"]
                text = json.dumps(runs)
            found[str(path.relative_to(folder))] = text
    return found


def everything_parses(folder: Path) -> None:
    """Check that no artifact is half written."""
    for path in folder.rglob("*.json"):
        if not path.name.startswith("."):
            json.loads(path.read_text())
    for path in folder.rglob("*.md"):
        assert path.read_text()


def test_killed_at_random_moments_a_battery_loses_and_repeats_nothing(tmp_path: Path) -> None:
    """With two arms and repeats: each in its place, and the order that was drawn is kept."""
    random_moment = random.Random(1)
    folder = tmp_path / "b"
    tasks = write_tasks(tmp_path / "my-tasks.json", 1, siblings=ITERATIONS)
    with serving_pair() as pair:
        options = ["run", "--dir", folder, "--tasks", tasks, "-n", ITERATIONS, *pair.options()]
        options += ["--repeats", 2, "--seed", 1]
        calls = ITERATIONS * (3 * (2 + 1) * 2 + 3)
        pair.learn.delay = pair.frozen.delay = 0.012
        kills = 0
        finished: list[dict[str, Any]] = []
        while kills < 4:
            resume = ["--resume"] if (folder / "battery.json").exists() else []
            process = start(*options, *resume)
            # Kill at a moment counted in calls, so that every machine gets some work done.
            wanted = pair.asked() + random_moment.randint(0, 6)
            while pair.asked() < wanted and process.poll() is None:
                time.sleep(0.002)
            time.sleep(random_moment.random() * 0.03)
            process.kill()
            _, errors = process.communicate()
            if process.returncode == 0:
                break
            assert process.returncode == -signal.SIGKILL, errors
            kills += 1
            everything_parses(folder)
            before, finished = finished, journal(folder)
            assert finished[: len(before)] == before, "a finished call was lost or moved"
        resume = ["--resume"] if (folder / "battery.json").exists() else []
        done = here(*options, *resume)
        assert done.returncode == 0, done.stderr
        assert journal(folder)[: len(finished)] == finished
        # Only what was under way at a kill may have been asked twice.
        assert calls <= pair.asked() <= calls + kills
        assert read_json(folder / "summary.json")["calls"] == calls
        everything_parses(folder)
        assert not list(folder.rglob("*.tmp"))

        whole = here(*[tmp_path / "c" if word == folder else word for word in options])
        assert whole.returncode == 0
    assert len(set(order(folder))) == len(order(folder)) == calls
    assert order(folder) == order(tmp_path / "c")
    assert artifacts(folder) == artifacts(tmp_path / "c")


def test_ctrl_c_stops_at_once_says_how_to_resume_and_keeps_what_finished(
    gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    blocked, release = threading.Event(), threading.Event()

    def block_on_third(_path: str, _body: dict[str, Any]) -> None:
        if len(gateway.requests) == 3:
            blocked.set()
            release.wait(60)

    gateway.before = block_on_third
    process = start(*options)
    assert blocked.wait(60)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    release.set()
    assert process.returncode == 130
    assert out == ""
    assert "interrupted" in errors
    assert f"battery run --resume --dir {tmp_path / 'b'}" in errors
    assert "Traceback" not in errors
    manifest = read_json(tmp_path / "b" / "battery.json")
    assert manifest["state"] == "interrupted"
    assert len(journal(tmp_path / "b")) == 2

    refused = here(*options)
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    assert len(gateway.requests) == 3

    done = here(*options, "--resume")
    assert done.returncode == 0, done.stderr
    assert len(gateway.requests) == CALLS + 1
    after = read_json(tmp_path / "b" / "battery.json")
    assert after["started_at"] == manifest["started_at"]
    assert (after["state"], after["run_id"]) == ("finished", manifest["run_id"])


def test_a_gateway_that_dies_fails_the_run_and_the_next_one_goes_on(
    options: list[object], gateway: Gateway, tmp_path: Path
) -> None:
    with serving() as mortal:
        moved = [mortal.url if word == gateway.url else word for word in options]
        reached = threading.Event()

        def never_answer_the_fourth(_path: str, _body: dict[str, Any]) -> None:
            if len(mortal.requests) == 4:
                mortal.delay = 60
                reached.set()

        mortal.before = never_answer_the_fourth
        process = start(*moved)
        assert reached.wait(60)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "respond for" in errors
    assert "--resume" in errors
    assert read_json(tmp_path / "b" / "battery.json")["state"] == "failed"
    kept = journal(tmp_path / "b")

    done = here(*options, "--resume")
    assert done.returncode == 0, done.stderr
    assert "warning: the gateway was" in done.stderr
    assert len(gateway.requests) == CALLS - len(kept)


def test_two_runs_into_one_folder_the_second_is_refused(
    gateway: Gateway, options: list[object]
) -> None:
    asked, release = threading.Event(), threading.Event()

    def block(_path: str, _body: dict[str, Any]) -> None:
        asked.set()
        release.wait(60)

    gateway.before = block
    first = start(*options)
    assert asked.wait(60)
    for more in ([], ["--resume"]):
        second = here(*options, *more)
        assert second.returncode == 2
        assert "another battery process is working in" in second.stderr
    first.kill()
    first.communicate()
    release.set()
    assert len(gateway.requests) == 1


def test_results_are_matched_by_task_not_by_position(
    gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    """Lines of a journal may stand in any order, as several workers write them."""
    assert here(*options, "--concurrency", 3).returncode == 0
    folder = tmp_path / "b"
    whole = (folder / "iter_2" / "runs.json").read_text()
    path = folder / "iter_2" / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(reversed(lines)))
    manifest = read_json(folder / "battery.json")
    manifest.update(state="failed", iterations_finished=1)
    (folder / "battery.json").write_text(json.dumps(manifest))
    (folder / "iter_2" / "runs.json").unlink()
    before = len(gateway.requests)
    assert here(*options, "--resume").returncode == 0
    assert (folder / "iter_2" / "runs.json").read_text() == whole
    assert len(gateway.requests) == before


def test_a_recorded_answer_with_a_number_beyond_belief_stops_no_resume_and_is_named(
    gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    def break_second(_path: str, body: dict[str, Any]) -> None:
        if body.get("operation") == "alpha_baseline 1":
            raise ConnectionError

    gateway.before = break_second
    assert here(*options).returncode == 1
    path = tmp_path / "b" / "iter_1" / "journal.jsonl"
    line = json.loads(path.read_text().splitlines()[0])
    line["result"]["iterations"] = 10**30
    path.write_text(json.dumps(line) + "\n")
    gateway.before = lambda _path, _body: None
    assert here(*options, "--resume").returncode == 0
    (warning,) = json.loads((tmp_path / "b" / "summary.json").read_text())["warnings"]
    assert warning.startswith("iter_1/runs.json: [0].result.iterations: ")


def test_with_several_workers_an_error_still_records_what_the_others_paid_for(
    gateway: Gateway, options: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, noticed = threading.Barrier(3, timeout=60), threading.Event()
    respond = Client.respond

    async def note_failure(*words: Any) -> RespondReply:
        try:
            return await respond(*words)
        except CallError:
            noticed.set()
            raise

    def break_one(_path: str, body: dict[str, Any]) -> None:
        together.wait()
        if body.get("operation") == "alpha_baseline 0":
            raise ConnectionError
        assert noticed.wait(60)

    monkeypatch.setattr(Client, "respond", note_failure)
    gateway.before = break_one
    failed = here(*options, "--concurrency", 3)
    assert failed.returncode == 1
    assert "alpha_baseline 0" in failed.stderr
    assert {line["task"]["operation"] for line in journal(tmp_path / "b")} == {
        "alpha_baseline 1",
        "alpha_baseline 2",
    }


def test_on_a_full_disk_the_finished_call_is_kept_and_nothing_more_is_asked(
    gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    with small_disk(7) as disk:
        moved = [disk / "b" if word == tmp_path / "b" else word for word in options]
        filler = disk / "filler"

        def fill(_path: str, _body: dict[str, Any]) -> None:
            if len(gateway.requests) == 3:
                with filler.open("wb", buffering=0) as file:
                    _write_all(file.fileno())

        gateway.before = fill
        failed = here(*moved)
        assert failed.returncode == 1, failed.stderr
        assert "No space left" in failed.stderr
        assert "free some space" in failed.stderr
        # What still fits into a block that the journal has is saved without the reserve.
        assert 3 <= len(journal(disk / "b")) == len(gateway.requests) < CALLS
        everything_parses(disk / "b")
        filler.unlink()
        done = here(*moved, "--resume")
        assert done.returncode == 0, done.stderr
        assert len(gateway.requests) == CALLS


def _write_all(handle: int) -> None:
    for size in (65536, 256, 1):
        try:
            while True:
                os.write(handle, b"x" * size)
        except OSError:
            continue


def test_a_full_disk_in_the_middle_of_an_artifact_leaves_no_half_of_it(
    gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    """The kernel refuses files beyond a limit: a disk that is full for one file only."""
    script = f"ulimit -f 8; exec {' '.join(words(*options))}"
    failed = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, env=environment()
    )
    assert failed.returncode == 1
    assert "cannot write" in failed.stderr
    assert "Traceback" not in failed.stderr
    everything_parses(tmp_path / "b")
    assert not gateway.requests


#: Kills the command when so many calls are in the journals, before anything else happens.
KILLED_AFTER = """
import os, signal, sys
from battery.cli.main import main
from battery.store.journal import Journal
append, appended = Journal.append, []
def last(*words):
    appended.append(append(*words))
    if len(appended) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    return appended[-1]
Journal.append = last
main(sys.argv[2:])
"""


def killed_after(calls: int, *words: object, cwd: Path) -> None:
    """Run a command that is killed right after that call was recorded."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AFTER, str(calls), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment(),
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr


def test_a_battery_on_the_embedded_gateway_resumes_with_its_memory(tmp_path: Path) -> None:
    """Killed in iteration 2, it still knows what iteration 1 taught."""
    folder = tmp_path / "b"
    # Each iteration has 16 tasks, 16 siblings, distill, review and judgment.
    killed_after(43, "run", "--dir", folder, cwd=tmp_path)
    assert len(journal(folder)) == 43
    done = here("run", "--resume", "--dir", folder)
    assert done.returncode == 0, done.stderr
    tokens = [read_json(folder / f"iter_{n}" / "metrics.json")["total_tokens"] for n in (1, 2, 3)]
    assert tokens[1] < tokens[0]
    frozen = [
        read_json(folder / f"iter_{n}/control/metrics.json")["total_tokens"] for n in (1, 2, 3)
    ]
    assert frozen == [tokens[0]] * 3
    kinds = Counter((line["call"], line.get("arm")) for line in journal(folder))
    assert kinds == {
        ("respond", "learn"): 24,
        ("respond", "frozen"): 24,
        ("sibling", "learn"): 24,
        ("sibling", "frozen"): 24,
        ("distill", None): 3,
        ("chat", None): 6,
    }


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_killed_between_answer_and_grade_or_task_and_sibling_nothing_is_lost_or_asked_again(
    calls: int, gateway: Gateway, tmp_path: Path
) -> None:
    """The first two calls are a task in both arms, the next two its sibling."""
    # The second holds for the first task alone.
    tokens = {"path": "artifact.usage.total_tokens", "number": 100 + len("alpha_baseline 0")}
    checks = [{"path": "iterations", "equals": 2}, tokens]
    tasks = write_tasks(tmp_path / "my-tasks.json", 1, siblings=1, checks=checks)
    with serving() as frozen:
        options = ["--tasks", tasks, "--gateway", gateway.url, "--llm-team", gateway.url]
        options += ["--control-gateway", frozen.url, "-n", 1, "--seed", 1]
        folder = tmp_path / "b"
        killed_after(calls, "run", "--dir", folder, *options, cwd=tmp_path)
        assert len(journal(folder)) == calls
        assert not list(folder.rglob("runs.json"))
        done = here("run", "--resume", "--dir", folder, *options)
        assert done.returncode == 0, done.stderr
        asked = gateway.count() + frozen.count()
        assert {name: number for name, number in asked.items() if number != 2} == {
            "distill": 1,
            "overseer": 1,
            "scrum": 1,
        }
        assert len(asked) == 6 + 3
    runs = read_json(folder / "iter_1" / "runs.json")
    assert [run["checked"]["ok"] for run in runs] == [True, False, False]
    assert runs[1]["checked"]["failed"][0]["check"] == "checks[1]"
    siblings = read_json(folder / "iter_1" / "siblings" / "control" / "runs.json")
    assert [run["task"]["operation"] for run in siblings] == [
        "alpha_baseline 0 new 1",
        "beta_drift 0 new 1",
        "gamma_impossible 0 new 1",
    ]
    # Siblings have checks of their own, and these have none.
    assert not any("checked" in run for run in siblings)
