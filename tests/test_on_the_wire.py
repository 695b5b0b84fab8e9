"""What scores the answers stays here: on the wire there is only what is asked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.arms import serving_pair
from tests.support.calls import command_here
from tests.support.commands import read_json, run_options, start, write_tasks
from tests.support.gateway import Blocking, Gateway
from tests.support.server import Exchange, Server

pytestmark = pytest.mark.slow

#: In every text that must not leave this machine.
SECRET = "quxzy"


@contextmanager
def recorded() -> Iterator[tuple[str, list[bytes]]]:
    """Serve a gateway; yield its address and the bytes that reach it."""
    gateway, heard = Gateway(), list[bytes]()

    def script(exchange: Exchange) -> None:
        request = exchange.request
        heard.append(repr((request.method, request.target, request.headers)).encode())
        heard.append(request.body)
        gateway.script(exchange)

    with Server(script) as server:
        yield server.url, heard


def task(operation: str, *siblings: dict[str, Any]) -> dict[str, Any]:
    """Make a task whose checks fail, each for a reason that must not be told to anyone."""
    return {
        "$comment": f"a {SECRET} comment",
        "task_class": "c",
        "operation": operation,
        "spec": {"of": operation},
        "checks": [
            {"path": "artifact.answer", "equals": f"{SECRET} value"},
            {"not_contains": f"{SECRET} word"},
            {"python": f"{SECRET}.py:look"},
            {"command": ["sh", "-c", f"echo {SECRET} reason >&2; exit 1"]},
        ],
        "siblings": list(siblings),
    }


def test_no_check_sibling_to_come_price_or_comment_is_ever_sent(tmp_path: Path) -> None:
    later = {"operation": f"{SECRET} sibling", "spec": {}, "checks": [{"contains": SECRET}]}
    new = {"operation": "new", "spec": {}, "checks": [{"contains": f"{SECRET} new"}]}
    phases = {
        # A cached answer, had it been asked once, would be no news: the third is never asked.
        "alpha_baseline": [task("easy", new, {**new, "operation": "newer"}, later)],
        "beta_drift": [task("niche")],
        "gamma_impossible": [task("impossible")],
    }
    models = dict.fromkeys(("executor_cloud", "reviewer_cloud", "overseer_cloud"), "m")
    prices = {f"{SECRET}-model": {"input": 1, "output": 2}}
    document = {"$comment": SECRET, "phases": phases, "models": models, "prices": prices}
    (tmp_path / "tasks.json").write_text(json.dumps(document))
    look = f"def look(task, answer):\n    return '{SECRET} reason of python'\n"
    (tmp_path / f"{SECRET}.py").write_text(look)
    with recorded() as (learn, heard), recorded() as (frozen, told):
        targets = ["--gateway", learn, "--llm-team", learn, "--control-gateway", frozen]
        done = command_here("run", "-n", 2, *targets, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        folder = tmp_path / "data" / "battery"
        again = command_here("review", folder, cwd=tmp_path)
        assert again.returncode == 0, again.stderr
    runs = read_json(folder / "iter_2" / "runs.json")
    # The reasons are on disk, so they could have been sent.
    assert all(SECRET in json.dumps(run["checked"]["failed"]) for run in runs)
    assert read_json(folder / "iter_2" / "siblings" / "runs.json")[0]["checked"]["failed"]
    sent = b"\n".join([*heard, *told])
    # What is asked, and what a review is made of, was sent.
    assert b"newer" in sent
    assert b"correction_effective" in sent
    assert SECRET.encode() not in sent
    asked = [json.loads(body) for body in heard if body.startswith(b'{"task_class"')]
    assert asked
    keys = {"task_class", "operation", "spec", "executor_model", "reviewer_model"}
    assert all(set(body) == keys for body in asked)


def keys(gateway: Gateway) -> list[str]:
    """List the names of the calls that reached a gateway, in order."""
    posts = [headers for headers in gateway.headers if "content-length" in headers]
    return [headers.get("idempotency-key", "") for headers in posts]


def test_every_request_has_a_name_of_its_own(tmp_path: Path) -> None:
    write_tasks(tmp_path / "tasks.json", 1, siblings=1)
    with serving_pair() as pair:
        words = ("run", "-n", 2, "--repeats", 2, *pair.options())
        assert command_here(*words, cwd=tmp_path).returncode == 0
        folder = tmp_path / "data" / "battery"
        assert command_here("review", folder, cwd=tmp_path).returncode == 0
        named = keys(pair.learn)
        assert len(set(named)) == len(named)
        # One gateway may be asked for both arms.
        assert not set(named) & set(keys(pair.frozen))
    run = read_json(folder / "battery.json")["run_id"]
    assert all(name.startswith((f"{run}/1/", f"{run}/2/")) for name in named)
    kinds = Counter(name.removeprefix(f"{run}/").split("/")[1] for name in named)
    # Three tasks, twice in each of two iterations; their siblings, of the first alone.
    assert kinds == {"learn": 12, "sibling": 3, "distill": 2, "chat": 6}
    assert f"{run}/2/chat/overseer" in named
    assert f"{run}/2/chat/overseer/2" in named


def test_a_call_that_is_asked_again_after_a_kill_has_the_name_it_had(
    tmp_path: Path, gateway: Gateway
) -> None:
    options = run_options(tmp_path, gateway.url, per_phase=2, iterations=1)
    blocking = Blocking(gateway, 4)
    process = start(*options)
    assert blocking.reached.wait(60)
    process.kill()
    process.communicate()
    blocking.release.set()
    assert command_here(*options, "--resume", cwd=tmp_path).returncode == 0
    counted = Counter(keys(gateway))
    assert sorted(counted.values()) == [1] * 8 + [2]
    assert counted[keys(gateway)[4]] == 2
