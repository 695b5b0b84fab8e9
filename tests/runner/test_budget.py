"""A battery pauses at the cap of its command, with as many calls in one arm as in the other."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import PausedError
from battery.pricing import Pricing
from battery.records.events import Event
from battery.records.models import Price
from battery.runner.budget import Budget
from tests.support.arms import Pair, journal, serving_pair
from tests.support.calls import command_here
from tests.support.commands import read_json, start, write_tasks

pytestmark = pytest.mark.slow

#: Tasks of a phase, and calls of an iteration in both arms and about it.
PER_PHASE = 3
CALLS = 2 * 3 * PER_PHASE + 3


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Serve two gateways whose tasks take 100 tokens and the letters of their name."""
    write_tasks(tmp_path / "tasks.json", PER_PHASE)
    with serving_pair() as served:
        yield served


def run(here: Path, pair: Pair, *more: object) -> subprocess.CompletedProcess[str]:
    """Run two iterations, or resume them."""
    return command_here("run", "-n", 2, "-q", *pair.options(), *more, cwd=here)


def tasks_by_arm(folder: Path) -> Counter[str]:
    return Counter(call["arm"] for call in journal(folder) if "task" in call)


def spent(folder: Path) -> int:
    calls = [call for call in journal(folder) if "task" in call]
    return sum(call["result"]["artifact"]["usage"]["total_tokens"] for call in calls)


def state(folder: Path) -> str:
    return str(read_json(folder / "battery.json")["state"])


@pytest.mark.parametrize("workers", [1, 2])
def test_a_pause_leaves_whole_pairs_and_a_higher_cap_goes_on_from_there(
    workers: int, pair: Pair, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "battery"
    paused = run(tmp_path, pair, "--concurrency", workers, "--max-tokens", 700)
    assert paused.returncode == 4
    assert state(folder) == "paused"
    arms, there = tasks_by_arm(folder), len(journal(folder))
    assert arms["learn"] == arms["frozen"] > 0
    # What was under way when the cap was reached is all that goes beyond it.
    assert 700 <= spent(folder) < 700 + 2 * workers * 120
    assert f"paused at --max-tokens 700: {spent(folder):,} tokens are spent" in paused.stderr
    assert f"0 of 2 iterations and {there} of {2 * CALLS} calls are done" in paused.stderr
    assert f"--resume --dir data/battery --max-tokens N, with N above {spent(folder)}" in (
        paused.stderr
    )

    again = run(tmp_path, pair, "--resume", "--max-tokens", 700)
    assert again.returncode == 4
    assert pair.asked() == there, "not one call more with the same cap"

    assert run(tmp_path, pair, "--resume", "--max-tokens", 10_000).returncode == 0
    assert state(folder) == "finished"
    assert pair.asked() == len(journal(folder)) == 2 * CALLS
    assert set(tasks_by_arm(folder).values()) == {2 * 3 * PER_PHASE}


def test_a_resume_without_a_cap_goes_on_to_the_end(pair: Pair, tmp_path: Path) -> None:
    assert run(tmp_path, pair, "--max-tokens", 1).returncode == 4
    assert pair.asked() == 2
    assert run(tmp_path, pair, "--resume").returncode == 0
    assert pair.asked() == 2 * CALLS


def test_a_pair_that_a_kill_tore_is_finished_before_the_pause(pair: Pair, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "battery"
    reached, release = threading.Event(), threading.Event()

    def block(_path: str, _body: dict[str, Any]) -> None:
        # Where the learner came first, its answer is on disk by now.
        if len(pair.learn.requests) == len(pair.frozen.requests):
            reached.set()
            release.wait(60)

    pair.frozen.before = block
    options = ["run", "-n", 2, "-q", "--seed", 7, *pair.options()]
    process = start(*options, "--max-tokens", 100_000, cwd=tmp_path)
    assert reached.wait(30)
    process.kill()
    process.communicate()
    release.set()
    torn = tasks_by_arm(folder)
    assert torn["learn"] == torn["frozen"] + 1

    pair.frozen.before = lambda _path, _body: None
    assert run(tmp_path, pair, "--resume", "--max-tokens", 1).returncode == 4
    arms = tasks_by_arm(folder)
    assert arms["learn"] == arms["frozen"] == torn["learn"]


def test_a_pause_among_siblings_leaves_whole_pairs_of_them(pair: Pair, tmp_path: Path) -> None:
    write_tasks(tmp_path / "tasks.json", PER_PHASE, siblings=1)
    folder = tmp_path / "data" / "battery"
    # The first of both siblings of the first phase is what goes beyond the cap.
    assert run(tmp_path, pair, "--max-tokens", 2 * PER_PHASE * 130).returncode == 4
    kinds = Counter((call["call"], call["arm"]) for call in journal(folder))
    assert kinds["sibling", "learn"] == kinds["sibling", "frozen"] == 1
    assert kinds["respond", "learn"] == kinds["respond", "frozen"] == PER_PHASE
    assert run(tmp_path, pair, "--resume").returncode == 0
    asked = pair.learn.count()
    assert asked["alpha_baseline 0"] == 2, "once per iteration"
    assert asked["alpha_baseline 0 new 1"] == 1


def test_no_distillation_and_no_chat_begins_beyond_the_cap(pair: Pair, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "battery"
    assert run(tmp_path, pair, "-n", 1).returncode == 0
    whole = spent(folder)
    assert run(tmp_path, pair, "-n", 1, "--max-tokens", whole).returncode == 4
    assert "distill" not in {call["call"] for call in journal(folder)}
    assert tasks_by_arm(folder)["frozen"] == 3 * PER_PHASE


def test_an_iteration_that_may_not_begin_leaves_no_trace(pair: Pair, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "battery"
    assert run(tmp_path, pair, "-n", 1).returncode == 0
    paused = command_here("iterate", "-q", "--max-tokens", spent(folder), cwd=tmp_path)
    assert paused.returncode == 4
    assert not (folder / "iter_2").exists()
    assert run(tmp_path, pair, "-n", 1, "--resume").returncode == 0


def test_a_program_gets_the_pause_as_a_document(pair: Pair, tmp_path: Path) -> None:
    paused = run(tmp_path, pair, "--max-tokens", 1, "--json")
    document = json.loads(paused.stdout)
    assert (document["error"]["kind"], document["exit_code"]) == ("PausedError", 4)


@pytest.mark.parametrize("option", ["--max-tokens", "--max-cost"])
@pytest.mark.parametrize("cap", [0, -5, "many", "nan", "inf"])
def test_a_cap_that_caps_nothing_is_refused(
    option: str, cap: object, pair: Pair, tmp_path: Path
) -> None:
    assert run(tmp_path, pair, option, cap).returncode == 2
    assert pair.asked() == 0


def test_a_paused_battery_is_shown_as_such_wherever_one_looks(pair: Pair, tmp_path: Path) -> None:
    assert run(tmp_path, pair, "-n", 1).returncode == 0
    assert command_here("iterate", "-q", "--max-tokens", 1, cwd=tmp_path).returncode == 4
    shown = {
        "watch": "is paused",
        "watch --once": "is paused",
        "watch --once --json": '"state": "paused"',
        "summarize --format md": "not finished (paused;",
        "summarize --format junit": "state: paused",
        "summarize --format github": "battery%3A paused",
        "report": "state: paused",
        "history data": "(paused)",
        "export inspect --output logs": "inspect view",
        "doctor": "a paused battery",
    }
    for command, words in shown.items():
        done = command_here(*command.split(), cwd=tmp_path, mixed=True)
        assert words in " ".join(done.stdout.split()), command
    assert command_here("watch", cwd=tmp_path).returncode == 4
    logs = list((tmp_path / "logs").glob("*.json"))
    assert {read_json(log)["status"] for log in logs} == {"cancelled"}


def test_reviews_and_distillations_count_as_far_as_they_report_tokens() -> None:
    budget = Budget(100)
    budget.add({"call": "chat", "answer": {"usage": {"total_tokens": 60}}})
    budget.add({"call": "chat", "answer": None})
    budget.add({"call": "distill", "events": [{"usage": {"total_tokens": 30}}, {"role": "final"}]})
    assert (budget.spent.tokens, budget.is_reached) == (90, False)
    budget.require()
    budget.add({"call": "chat", "answer": {"usage": {"total_tokens": 10}}})
    with pytest.raises(PausedError):
        budget.require()


def price(here: Path, pair: Pair, output: float = 1_000_000) -> None:
    """Let a task cost a dollar in each arm: one token is written, for nothing but its price."""
    document = read_json(here / "tasks.json")
    prices = {"m": {"input": 0, "output": output}}
    (here / "tasks.json").write_text(json.dumps({**document, "prices": prices}))
    for gateway in pair:
        gateway.usage = {"total_tokens": 100, "prompt_tokens": 99, "completion_tokens": 1}


def test_a_cap_on_the_cost_pauses_like_one_on_the_tokens(pair: Pair, tmp_path: Path) -> None:
    price(tmp_path, pair)
    folder = tmp_path / "data" / "battery"
    paused = run(tmp_path, pair, "--max-cost", 4.5)
    assert paused.returncode == 4
    assert "paused at --max-cost $4.50: $6.00 is spent" in paused.stderr
    assert "--max-cost N, with N above 6;" in paused.stderr
    assert tasks_by_arm(folder) == {"learn": 3, "frozen": 3}
    assert run(tmp_path, pair, "--resume", "--max-cost", 6).returncode == 4
    assert pair.asked() == 6
    assert run(tmp_path, pair, "--resume", "--max-cost", 1000).returncode == 0


def test_what_a_review_is_known_to_cost_counts_as_well() -> None:
    budget = Budget(max_cost=10, pricing=Pricing.of({"m": Price(input=0, output=1e6)}, None))
    usage = {"prompt_tokens": 5, "completion_tokens": 3}
    budget.add({"call": "chat", "model": "m", "answer": {"usage": usage}})
    budget.add({"call": "chat", "model": "m", "answer": {"usage": {"cost_usd": 2}}})
    budget.add({"call": "distill", "events": [{"usage": {**usage, "model": "m"}}, {}]})
    assert (budget.spent.cost, budget.is_reached) == (8, False)


def test_a_review_that_cannot_be_priced_is_told_of_once_and_does_not_count() -> None:
    told: list[Event] = []
    budget = Budget(max_cost=1, tell=told.append)
    for _ in range(2):
        budget.add({"call": "chat", "answer": {"usage": {"total_tokens": 5}}})
    budget.require()
    assert len(told) == 1


def test_a_model_without_a_price_is_refused_before_any_call(pair: Pair, tmp_path: Path) -> None:
    refused = run(tmp_path, pair, "--max-cost", 5)
    assert refused.returncode == 2
    assert "--max-cost needs a price for m, and none is known" in refused.stderr
    assert "add `prices` to the tasks file" in refused.stderr
    assert pair.asked() == 0
    assert not (tmp_path / "data").exists()
    assert run(tmp_path, pair, "--max-cost", 5, "--dry-run").returncode == 2

    assert run(tmp_path, pair, "--max-tokens", 1).returncode == 4
    assert run(tmp_path, pair, "--resume", "--max-cost", 5).returncode == 2
    assert pair.asked() == 2


def test_an_answer_that_cannot_be_priced_stops_the_battery_with_whole_pairs(
    pair: Pair, tmp_path: Path
) -> None:
    price(tmp_path, pair)
    folder = tmp_path / "data" / "battery"
    pair.learn.usage = pair.frozen.usage = {"total_tokens": 100}
    stopped = run(tmp_path, pair, "--max-cost", 1000)
    assert stopped.returncode == 1
    assert "--max-cost: what 'alpha_baseline 0' cost is not known" in stopped.stderr
    assert "go on without --max-cost" in stopped.stderr
    assert state(folder) == "failed"
    assert tasks_by_arm(folder) == {"learn": 1, "frozen": 1}
    assert run(tmp_path, pair, "--resume", "--max-cost", 1000).returncode == 1
    assert pair.asked() == 2
    assert run(tmp_path, pair, "--resume").returncode == 0


def test_a_gateway_that_reports_no_tokens_is_told_of_once(pair: Pair, tmp_path: Path) -> None:
    pair.frozen.usage = {"total_tokens": None}  # type: ignore[dict-item]
    done = run(tmp_path, pair, "-n", 1, "--max-tokens", 100_000)
    assert done.returncode == 0
    assert done.stderr.count("so it counts as 0") == 1
