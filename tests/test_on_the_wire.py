"""What scores the answers stays here: on the wire there is only what is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.calls import command_here
from tests.support.commands import read_json
from tests.support.gateway import Gateway
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
