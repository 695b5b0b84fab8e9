"""`battery campaign`: plan several runs, and run them."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from battery.campaign.cell import battery_of
from battery.campaign.lease import state_of
from tests.support import campaigns
from tests.support.arms import serving_pair
from tests.support.calls import assert_one_message, command_here
from tests.support.commands import alive, battery, read_json, start, write_tasks
from tests.support.screens import on_terminal
from tests.support.server import Exchange, Server, http

pytestmark = pytest.mark.slow


def test_a_plan_says_how_large_it_is_its_registration_and_how_to_run_it(tmp_path: Path) -> None:
    done = command_here("campaign", "plan", "--seed", 1, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    registration = sha256((tmp_path / "campaign" / "campaign.json").read_bytes()).hexdigest()
    assert done.stdout.splitlines() == [
        "5 runs of 3 iterations planned in campaign",
        f"registration {registration}",
        "run it with: battery campaign run campaign",
    ]


def test_the_tasks_file_is_an_argument_and_json_is_the_plan(tmp_path: Path) -> None:
    write_tasks(tmp_path / "own.json", 1)
    done = command_here(
        *("campaign", "plan", "own.json", "--runs", 6, "-n", 2, "-o", "out", "--json"),
        *("--max-tokens", 1000, "--primary", "niche"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan == read_json(tmp_path / "out" / "campaign.json")
    assert (plan["runs"], plan["iterations"], plan["max_tokens"]) == (6, 2, 1000)
    assert plan["primary"] == "niche"


def test_a_settings_file_describes_the_target_of_a_plan_too(tmp_path: Path) -> None:
    (tmp_path / "battery.toml").write_text("[run]\nrepeats = 2\n")
    assert command_here("campaign", "plan", cwd=tmp_path).returncode == 0
    plan = read_json(tmp_path / "campaign" / "campaign.json")
    assert plan["options"]["repeats"] == 2


def test_a_target_may_be_repeated_and_comes_alone_from_a_variable_or_a_file(
    tmp_path: Path,
) -> None:
    urls = [f"openai:http://localhost:{port}/v1" for port in (1, 2)]
    words = [word for url in urls for word in ("--target", url)]
    done = command_here("campaign", "plan", *words, cwd=tmp_path)
    assert done.stdout.startswith("5 runs of 3 iterations planned in campaign, at 2 targets\n")
    assert targets_of(tmp_path / "campaign") == urls
    variable = {"GATEWAY_URL": "exec:cat -u {verb}"}
    done = command_here("campaign", "plan", "-o", "one", cwd=tmp_path, env=variable)
    assert done.returncode == 0, done.stderr
    assert targets_of(tmp_path / "one") == ["exec:cat -u {verb}"]
    (tmp_path / "battery.toml").write_text(f'[run]\ntarget = "{urls[1]}"\n')
    assert command_here("campaign", "plan", "-o", "two", cwd=tmp_path).returncode == 0
    assert targets_of(tmp_path / "two") == urls[1:]


def targets_of(campaign: Path) -> list[str]:
    plan = read_json(campaign / "campaign.json")
    return [target["targets"]["gateway"] for target in plan["targets"]]


def planned(folder: Path, *options: object, runs: int = 3) -> Path:
    """Plan a small campaign on the embedded gateway."""
    words = ("--runs", runs, "-n", 2, "--limit", 1, "--seed", 1, "-o", "c", *options)
    done = command_here("campaign", "plan", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "c"


def recorded(campaign: Path) -> dict[str, Any]:
    """Read what was answered in all runs, without times and without the names of epochs."""
    found = {}
    for cell in sorted((campaign / "cells").iterdir()):
        battery = battery_of(cell)
        assert battery is not None
        for path in sorted(battery.glob("iter_*/journal.jsonl")):
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            # Reviews speak of times.
            answers = [timeless(line) for line in lines if "result" in line]
            found[f"{cell.name}/{path.parent.name}"] = answers
    return found


def verdicts(campaign: Path) -> list[Any]:
    """Read what each run may claim, and from which numbers."""
    kept = ("verdict", "questions", "gates")
    summaries = [read_json(path) for path in sorted(campaign.glob("cells/*/*/summary.json"))]
    return [[summary["evidence"][key] for key in kept] for summary in summaries]


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: part for key, part in value.items() if key not in {"at", "_elapsed_ms"}}
        return {key: timeless(part) for key, part in kept.items()}
    return [timeless(part) for part in value] if isinstance(value, list) else value


def claims(campaign: Path) -> Any:
    """Read what is claimed of the system, without times and folders."""
    evidence = read_json(campaign / "summary.json")["evidence"]
    runs = [
        {key: value for key, value in run.items() if key not in {"folder", "started_at", "spent"}}
        for run in evidence.pop("runs")
    ]
    evidence.pop("settle")
    return evidence, runs


def test_processes_of_one_run_and_workers_of_their_own_make_the_same_runs(tmp_path: Path) -> None:
    one = planned(tmp_path)
    two = tmp_path / "two"
    shutil.copytree(one, two)
    done = battery("campaign", "run", one, "-j", 2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 runs of 3 tasks, 2 iterations")
    workers = [start("campaign", "worker", two, "--wait") for _ in range(2)]
    for worker in workers:
        _, stderr = worker.communicate(timeout=100)
        assert worker.returncode == 0, stderr
    assert recorded(one) == recorded(two)
    assert len(recorded(one)) == 6
    assert verdicts(one) == verdicts(two)
    assert battery("campaign", "verdict", two).returncode == 0
    assert claims(one) == claims(two)
    for number in (1, 2, 3):
        manifest = read_json(one / "cells" / f"00{number}" / "1" / "battery.json")
        assert manifest["state"] == "finished"
        assert manifest["options"]["shuffled"] is True
    # Nothing is left to do, and nothing is done.
    again = battery("campaign", "run", one)
    assert (again.returncode, again.stdout) == (0, done.stdout)


def test_the_runs_ask_the_same_tasks_in_orders_of_their_own(tmp_path: Path) -> None:
    words = ("--runs", 4, "-n", 1, "--seed", 1, "-o", "c")
    assert command_here("campaign", "plan", *words, cwd=tmp_path).returncode == 0
    assert battery("campaign", "run", tmp_path / "c", "-j", 4).returncode == 0
    orders = [
        [line["task_id"] for line in lines if line["call"] == "respond"]
        for lines in recorded(tmp_path / "c").values()
    ]
    assert len({tuple(order) for order in orders}) == 4
    assert len({frozenset(order) for order in orders}) == 1


class Counting:
    """A chat endpoint that counts its requests by the names of the calls."""

    def __init__(self, after: int = 0) -> None:
        #: The names of the calls, in the order in which they arrived.
        self.names: list[str] = []
        self.reached, self.go_on = threading.Event(), threading.Event()
        #: Called with the first request of each run, which waits until it returns.
        self.first_of_a_run: Callable[[], object] | None = None
        self._after = after
        self._lock = threading.Lock()

    def script(self, exchange: Exchange) -> None:
        """Answer one request; those after the first few wait until they may."""
        if exchange.request.method == "GET":
            exchange.send(http("{}"))
            return
        name = exchange.request.headers["idempotency-key"]
        with self._lock:
            self.names.append(name)
            last = len(self.names)
            begins = name.split("/")[0] not in {each.split("/")[0] for each in self.names[:-1]}
        if begins and self.first_of_a_run:
            self.first_of_a_run()
        if self._after and last > self._after:
            self.reached.set()
            self.go_on.wait(60)
        message = {"role": "assistant", "content": "x" * (last % 7)}
        answer = {"choices": [{"message": message}], "usage": {"total_tokens": 10}}
        exchange.send(http(json.dumps(answer)))

    def repeated(self) -> dict[str, int]:
        """Return what was asked more than once, and how often."""
        return {name: times for name, times in Counter(self.names).items() if times > 1}


@contextmanager
def counting(after: int = 0) -> Iterator[tuple[Counting, list[object]]]:
    endpoint = Counting(after)
    with Server(endpoint.script) as server:
        yield endpoint, ["--target", f"openai:{server.url}/v1", "--reviewer", "rules"]


#: Calls of a run of `planned`: one task per phase, its sibling, in both arms of two iterations.
CALLS = 2 * 2 * (3 + 3)


def test_a_killed_worker_is_noticed_and_its_run_goes_on_where_it_was(tmp_path: Path) -> None:
    with counting(after=5) as (endpoint, target):
        campaign = planned(tmp_path, *target, runs=2)
        first = start("campaign", "worker", campaign)
        assert endpoint.reached.wait(60)
        first.kill()
        first.communicate()
        endpoint.go_on.set()
        done = battery("campaign", "run", campaign, "-j", 2)
        assert done.returncode == 0, done.stderr
        # The one that was under way, and once.
        assert list(endpoint.repeated().values()) == [1 + 1]
        assert len(set(endpoint.names)) == 2 * CALLS
    # What the dead one had is moved, not copied.
    names = {path.name for path in (campaign / "cells" / "001").iterdir()}
    assert names == {"2", "lease.1", "lease.2", "spent.1", "spent.2"}
    assert len(recorded(campaign)) == 4


def test_a_run_replaces_a_worker_that_is_killed(tmp_path: Path) -> None:
    with counting(after=5) as (endpoint, target):
        campaign = planned(tmp_path, *target, runs=2)
        run = start("campaign", "run", campaign, "-j", 1)
        assert endpoint.reached.wait(60)
        (worker,) = children(run.pid)
        os.kill(worker, signal.SIGKILL)
        endpoint.go_on.set()
        stdout, stderr = run.communicate(timeout=100)
        assert run.returncode == 0, stderr
        assert f"worker {worker} was killed by SIGKILL; its runs are taken over" in stderr
        assert stdout.startswith("2 runs of 3 tasks, 2 iterations")
        assert list(endpoint.repeated().values()) == [2]


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in listed.split()]


def suspend(pid: int) -> None:
    """Have a process stand still, and wait until it does."""
    os.kill(pid, signal.SIGSTOP)
    tasks = Path(f"/proc/{pid}/task")
    while any(" T " not in (task / "stat").read_text() for task in tasks.iterdir()):
        pass


def test_a_suspended_worker_loses_its_run_and_makes_no_call_when_it_wakes(tmp_path: Path) -> None:
    with counting(after=5) as (endpoint, target):
        campaign = planned(tmp_path, *target, "--lease", 1, runs=2)
        first = start("campaign", "worker", campaign)
        assert endpoint.reached.wait(60)
        suspend(first.pid)
        endpoint.go_on.set()
        done = battery("campaign", "worker", campaign, "--wait")
        assert done.returncode == 0, done.stderr
        asked = list(endpoint.names)
        first.send_signal(signal.SIGCONT)
        _, stderr = first.communicate(timeout=60)
        assert first.returncode == 5, stderr
        assert "this worker stood still for longer than its lease of 1 s" in stderr
        assert endpoint.names == asked
        assert list(endpoint.repeated().values()) == [2]
        assert len(set(asked)) == 2 * CALLS
    # Its own folder stays as it was, and nobody reads it.
    assert battery_of(campaign / "cells" / "001") == campaign / "cells" / "001" / "2"


def test_ctrl_c_stops_all_and_the_same_command_goes_on(tmp_path: Path) -> None:
    with counting(after=8) as (endpoint, target):
        campaign = planned(tmp_path, *target, runs=3)
        run = start("campaign", "run", campaign, "-j", 2)
        assert endpoint.reached.wait(60)
        workers = children(run.pid)
        run.send_signal(signal.SIGINT)
        _, stderr = run.communicate(timeout=60)
        assert run.returncode == 130
        assert stderr.rstrip().endswith(
            "run the same command again; everything that finished is on disk"
        )
        assert not [pid for pid in workers if alive(str(pid))]
        endpoint.go_on.set()
        done = battery("campaign", "run", campaign, "-j", 2)
        assert done.returncode == 0, done.stderr
        assert len(set(endpoint.names)) == 3 * CALLS
        assert all(times == 2 for times in endpoint.repeated().values())
        # One call under way for each of the two.
        assert len(endpoint.repeated()) <= 2


def test_an_error_stops_all_and_a_later_command_tries_again(tmp_path: Path) -> None:
    with counting() as (endpoint, target):
        campaign = planned(tmp_path, *target, runs=3)
    done = battery("campaign", "run", campaign, "-j", 3)
    assert done.returncode == 1
    assert "cannot connect to" in done.stderr
    assert f"go on with: battery campaign run {campaign}" in done.stderr
    assert endpoint.names == []


def test_an_edited_plan_is_refused_once_a_run_has_begun(tmp_path: Path) -> None:
    campaign = planned(tmp_path, runs=2)
    done = battery("campaign", "worker", campaign)
    assert done.returncode == 0
    path = campaign / "campaign.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"primary": "cost"', '"primary": "niche"'))
    (campaign / "cells" / "001" / "lease.1").unlink()
    again = battery("campaign", "worker", campaign)
    assert again.returncode == 2
    assert "is not the plan that run 1 began with" in again.stderr


def test_a_cap_holds_for_the_runs_of_all_workers_and_a_higher_one_goes_on(tmp_path: Path) -> None:
    # Below what one run spends before its reviews, which report tokens as well.
    cap, per_call = 80, 10
    with counting() as (endpoint, target):
        both_ask = threading.Barrier(2, timeout=60)
        endpoint.first_of_a_run = both_ask.wait
        campaign = planned(tmp_path, *target, "--max-tokens", cap, runs=2)
        done = battery("campaign", "run", campaign, "-j", 2)
        assert (done.returncode, done.stdout) == (4, "")
        # Beyond the cap is what was under way: in each of the two runs a task in both arms.
        assert cap <= len(endpoint.names) * per_call < cap + 2 * 2 * per_call
        assert done.stderr.count("paused at --max-tokens 80: ") == 1
        assert f"go on with: battery campaign run {campaign} --max-tokens N" in done.stderr
        asked = len(endpoint.names)
        assert battery("campaign", "run", campaign).returncode == 4
        assert battery("campaign", "worker", campaign).returncode == 4
        assert len(endpoint.names) == asked
        more = battery("campaign", "run", campaign, "--max-tokens", 100_000)
        assert more.returncode == 0, more.stderr
        assert "--max-tokens 100,000 holds for all runs together" in more.stderr
        assert "instead of the planned 80" in more.stderr
        assert not endpoint.repeated()
        assert len(endpoint.names) == 2 * CALLS
    assert read_json(campaign / "campaign.json")["max_tokens"] == cap


def test_a_cap_on_costs_that_could_not_be_kept_is_refused_before_any_call(tmp_path: Path) -> None:
    with counting() as (endpoint, target):
        campaign = planned(tmp_path, *target)
        done = battery("campaign", "run", campaign, "--max-cost", 5)
        assert done.returncode == 2
        assert "--max-cost needs a price for" in done.stderr
        assert endpoint.names == []


SAVED = (0.3, 0.25, 0.35, 0.28, 0.32)


def test_the_verdict_is_last_and_fits_a_screen(tmp_path: Path) -> None:
    campaigns.campaign(tmp_path, SAVED)
    screen = on_terminal("campaign", "verdict", cwd=tmp_path)
    lines = [line for line in screen.everything if line]
    assert len(lines) <= 22
    assert any(line.startswith("LEARNED") for line in lines)
    assert "battery campaign verdict campaign --full" in lines
    assert lines[-1] == "battery open campaign  campaign/report.html"


def test_a_run_that_was_removed_and_run_again_shows_on_a_screen(tmp_path: Path) -> None:
    made = campaigns.campaign(tmp_path, SAVED)
    shutil.rmtree(made.cell(made.plan.cells[2]))
    campaigns.run(made, made.plan.cells[2], 0.5)
    screen = on_terminal("campaign", "verdict", cwd=tmp_path)
    shown = " ".join(" ".join(screen.everything).split())
    assert "Warning: run 3 was finished before, then removed and run again" in shown


def test_json_is_the_summary_that_is_in_the_folder(tmp_path: Path) -> None:
    campaigns.campaign(tmp_path, SAVED)
    done = command_here("campaign", "verdict", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == read_json(tmp_path / "campaign" / "summary.json")


def test_before_the_end_there_is_no_verdict_but_what_is_left_and_how_to_go_on(
    tmp_path: Path,
) -> None:
    campaigns.campaign(tmp_path, SAVED[:3])
    done = command_here("campaign", "verdict", cwd=tmp_path)
    assert done.returncode == 0
    assert "3 of 5 planned runs are finished. There is no verdict" in done.stdout
    assert "run 4 has not begun" in done.stdout
    assert "battery campaign run campaign" in done.stdout
    gated = command_here("campaign", "verdict", "--fail-on", "regressed", cwd=tmp_path)
    assert gated.returncode == 3
    assert "gate not met: regressed: no verdict." in gated.stderr


def test_without_a_finished_run_the_verdict_is_refused(tmp_path: Path) -> None:
    campaigns.campaign(tmp_path, ())
    done = command_here("campaign", "verdict", cwd=tmp_path)
    assert_one_message(done, 2, "no run of the campaign", "battery campaign run campaign")


@pytest.mark.parametrize("condition", ["unfinished", "not-learned", "dishonest"])
def test_without_a_finished_run_no_gate_is_met(tmp_path: Path, condition: str) -> None:
    campaigns.campaign(tmp_path, ())
    done = command_here("campaign", "verdict", "--fail-on", condition, cwd=tmp_path)
    unmet = f"gate not met: {condition}: no verdict: no run of the campaign in campaign is finished"
    assert_one_message(done, 3, unmet, "battery campaign run campaign")


def test_a_pipeline_gets_its_documents_in_files(tmp_path: Path) -> None:
    campaigns.campaign(tmp_path, SAVED)
    words = ("campaign", "verdict", "--format", "junit", "--output", "c.xml")
    assert command_here(*words, cwd=tmp_path).returncode == 0
    assert b'name="run 5"' in (tmp_path / "c.xml").read_bytes()
    done = command_here("campaign", "verdict", "--format", "md", cwd=tmp_path)
    assert done.stdout == (tmp_path / "campaign" / "summary.md").read_text()


def test_the_calls_of_all_runs_are_one_table(tmp_path: Path) -> None:
    made = campaigns.campaign(tmp_path, SAVED)
    done = command_here("campaign", "verdict", "--format", "csv", cwd=tmp_path)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    asked = Counter(row["run_id"] for row in rows)
    assert set(asked) == {made.run_id(cell) for cell in made.plan.cells}
    summary = read_json(tmp_path / "campaign" / "summary.json")
    assert len(rows) == summary["spent"]["calls"]
    words = ("campaign", "verdict", "--format", "parquet", "--output", "calls.parquet")
    assert command_here(*words, cwd=tmp_path).returncode == 0
    assert (tmp_path / "calls.parquet").read_bytes()[:4] == b"PAR1"


def test_a_github_run_gets_summary_annotations_and_outputs_of_a_campaign(tmp_path: Path) -> None:
    campaigns.campaign(tmp_path, SAVED)
    files = {name: str(tmp_path / name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    words = ("campaign", "verdict", "--format", "github", "--fail-on", "not-learned")
    done = battery(*words, cwd=tmp_path, env=files)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("::notice title=battery campaign%3A LEARNED::")
    summary = (tmp_path / "campaign" / "summary.md").read_text()
    assert Path(files["GITHUB_STEP_SUMMARY"]).read_text() == summary
    told = dict(line.split("=") for line in Path(files["GITHUB_OUTPUT"]).read_text().splitlines())
    assert told["verdict"] == "LEARNED"
    assert 0.6 < float(told["effect"]) < 0.8


def test_a_run_whose_arms_differ_at_the_start_is_invalid_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    write_tasks(tmp_path / "tasks.json", 6)
    with serving_pair() as pair:
        pair.learn.usage = {"total_tokens": 500}
        words = ("--runs", 2, "-n", 2, "-o", "c", "--prepare", "true", *pair.options())
        assert command_here("campaign", "plan", *words, cwd=tmp_path).returncode == 0
        done = battery("campaign", "worker", tmp_path / "c", "--wait")
        assert done.returncode == 0, done.stderr
        # Iteration 1 of each, once: nothing was distilled.
        assert len(pair.learn.requests) == 2 * 18
    cells = sorted((tmp_path / "c" / "cells").iterdir())
    assert [state_of(cell) for cell in cells] == ["invalid", "invalid"]


def test_one_live_gateway_has_one_run_at_a_time(tmp_path: Path) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    with serving_pair() as pair:
        pair.learn.delay = 0.02
        words = ("--runs", 2, "-n", 1, "-o", "c", "--prepare", "true", *pair.options())
        assert command_here("campaign", "plan", *words, cwd=tmp_path).returncode == 0
        workers = [start("campaign", "worker", tmp_path / "c", "--wait") for _ in range(2)]
        for worker in workers:
            _, stderr = worker.communicate(timeout=100)
            assert worker.returncode == 0, stderr
        names = [each.get("idempotency-key", "") for each in pair.learn.headers]
    runs = [name.partition("/")[0] for name in names if name]
    # One after the other: the ids change once.
    assert len(set(runs)) == 2
    assert sum(one != other for one, other in pairwise(runs)) == 1


def test_what_kills_one_worker_after_the_other_ends_the_run(tmp_path: Path) -> None:
    code = (
        "import os, signal\n"
        "class Agent:\n"
        "    def ask(self, ask):\n"
        "        os.kill(os.getppid(), signal.SIGKILL)\n"
    )
    (tmp_path / "agent.py").write_text(code)
    target = f"python:{tmp_path / 'agent.py'}:Agent"
    campaign = planned(tmp_path, "--target", target, "--reviewer", "rules", runs=2)
    done = battery("campaign", "run", campaign, "-j", 1)
    assert done.returncode == 1
    assert "as were those before it, and no run comes to its end" in done.stderr
    assert done.stderr.count("its runs are taken over") == 2
