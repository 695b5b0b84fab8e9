"""`battery iterate`: another iteration of the same battery, of the same systems."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.arms import Pair, ran, serving_pair
from tests.support.calls import command_here as battery
from tests.support.commands import read_json, write_tasks
from tests.support.gateway import Gateway, serving

pytestmark = pytest.mark.slow


def test_iterate_adds_a_column_and_uses_the_memory(folder: Path) -> None:
    done = battery("iterate", folder)
    assert done.returncode == 0, done.stderr
    summary = (folder / "summary.md").read_text()
    assert "| iter 4 |" in summary
    assert "Trend (1→4)" in summary
    manifest = read_json(folder / "battery.json")
    assert (manifest["iterations_wanted"], manifest["iterations_finished"]) == (4, 4)
    tokens = [read_json(folder / f"iter_{n}/metrics.json")["total_tokens"] for n in (1, 4)]
    assert tokens[1] < tokens[0]


def test_an_embedded_battery_is_not_resumed_on_a_live_gateway(
    gateway: Gateway, folder: Path
) -> None:
    done = battery("iterate", folder, "--gateway", gateway.url)
    assert done.returncode == 2
    assert f"the gateway of this battery is embedded, not {gateway.url}" in done.stderr
    assert not gateway.requests


def test_an_llm_team_of_ones_own_is_kept_when_the_battery_goes_on(
    gateway: Gateway, tmp_path: Path
) -> None:
    words = ["--dir", tmp_path / "b"]
    assert battery("run", "-n", 1, *words, "--llm-team", gateway.url).returncode == 0
    done = battery("iterate", *words)
    assert done.returncode == 0, done.stderr
    assert gateway.count() == {"distill": 2}
    assert read_json(tmp_path / "b" / "battery.json")["targets"]["llm_team"] == gateway.url


def test_a_live_gateway_that_moved_keeps_the_llm_team_of_the_manifest(
    gateway: Gateway, tmp_path: Path
) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    with serving() as other:
        targets = ["--gateway", other.url, "--llm-team", gateway.url]
        assert battery("run", "-n", 1, *targets, cwd=tmp_path).returncode == 0
    done = battery("iterate", "--gateway", gateway.url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "warning: the gateway was" in done.stderr
    assert gateway.count()["distill"] == 2


def test_iterate_asks_the_tasks_that_ran_whatever_became_of_the_users_file(
    gateway: Gateway, tmp_path: Path
) -> None:
    tasks = write_tasks(tmp_path / "tasks.json", 1)
    targets = ["--gateway", gateway.url, "--llm-team", gateway.url]
    assert battery("run", "-n", 1, *targets, cwd=tmp_path).returncode == 0
    tasks.write_text("{}")
    assert battery("iterate", cwd=tmp_path).returncode == 0
    assert gateway.count()["alpha_baseline 0"] == 2


def test_a_battery_goes_on_with_the_concurrency_it_had(gateway: Gateway, tmp_path: Path) -> None:
    write_tasks(tmp_path / "tasks.json", 3)
    targets = ["--gateway", gateway.url, "--llm-team", gateway.url]
    assert battery("run", "-n", 1, *targets, "--concurrency", 3, cwd=tmp_path).returncode == 0
    together = threading.Barrier(3, timeout=60)

    def meet(path: str, _body: dict[str, Any]) -> None:
        if path == "/v1/respond":
            together.wait()

    gateway.before = meet
    assert battery("iterate", cwd=tmp_path).returncode == 0
    assert not together.broken
    gateway.before = lambda _path, _body: None
    changed = battery("iterate", "--concurrency", 1, cwd=tmp_path)
    note = "the concurrency was 3 and is 1 from iteration 3 on: elapsed times cannot be compared"
    assert f"warning: {note}" in changed.stderr
    assert read_json(tmp_path / "data/battery/battery.json")["notes"] == [note]
    assert note in read_json(tmp_path / "data/battery/summary.json")["warnings"]


def test_a_live_battery_goes_on_with_the_gateway_of_its_manifest(
    gateway: Gateway, tmp_path: Path
) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    targets = ["--gateway", gateway.url, "--llm-team", gateway.url]
    assert battery("run", "-n", 1, *targets, cwd=tmp_path).returncode == 0
    done = battery("iterate", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"target:   {gateway.url}\n")
    assert len(gateway.requests) == 12


def test_a_battery_that_ran_with_rules_is_not_resumed_with_a_model(folder: Path) -> None:
    done = battery("iterate", folder, "--model-url", "http://127.0.0.1:9/v1")
    assert done.returncode == 2
    assert "ran with rules as its model" in done.stderr


def test_what_is_not_named_comes_from_the_manifest(pair: Pair, here: Path) -> None:
    words = ["--repeats", 2, "--seed", 11, "--limit", 1]
    folder = ran(here, *pair.options(), *words)
    before = read_json(folder / "battery.json")
    done = battery("iterate", cwd=here)
    assert done.returncode == 0, done.stderr
    after = read_json(folder / "battery.json")
    assert (after["options"], after["targets"]) == (before["options"], before["targets"])
    assert (folder / "iter_2/control/repeat_2/runs.json").exists()
    assert pair.frozen.count()["alpha_baseline 0"] == 4
    same = battery("run", "--resume", "-n", 3, *words, *pair.options(), cwd=here)
    assert same.returncode == 0, same.stderr


def test_a_target_that_moved_is_warned_of_and_stays_on_record(pair: Pair, here: Path) -> None:
    folder = ran(here, *pair.options())
    assert read_json(folder / "battery.json")["notes"] == []
    with serving_pair() as other:
        done = battery("iterate", "--control-gateway", other.frozen.url, cwd=here)
        assert done.returncode == 0, done.stderr
        assert len(other.frozen.requests) == 3
        first = f"the control was {pair.frozen.url} and is {other.frozen.url} from iteration 2 on"
        assert f"warning: {first}" in done.stderr
        resumed = battery("run", "--resume", "-n", 3, "--llm-team", other.learn.url, cwd=here)
        assert resumed.returncode == 0, resumed.stderr
    second = f"the llm_team was {pair.learn.url} and is {other.learn.url} from iteration 3 on"
    assert read_json(folder / "battery.json")["notes"] == [first, second]
    assert first in (folder / "summary.md").read_text("utf-8")
    (folder / "summary.json").unlink()
    assert battery("summarize", cwd=here).returncode == 0
    assert read_json(folder / "summary.json")["warnings"][:2] == [first, second]


def test_a_control_does_not_appear_on_the_way(pair: Pair, here: Path) -> None:
    ran(here, *pair.options()[:4])
    for words in (["iterate"], ["run", "--resume", "-n", 2]):
        done = battery(*words, "--control-gateway", pair.frozen.url, cwd=here)
        assert done.returncode == 2
        assert "this battery has no twin" in done.stderr
    assert not pair.frozen.requests


def test_a_battery_of_an_earlier_version_goes_on_with_one_arm(pair: Pair, here: Path) -> None:
    folder = ran(here, *pair.options()[:4])
    manifest = read_json(folder / "battery.json")
    for name in ("seed", "repeats", "limit"):
        del manifest["options"][name]
    (folder / "battery.json").write_text(json.dumps(manifest))
    for words in (["iterate"], ["run", "--resume", "-n", 3]):
        done = battery(*words, cwd=here)
        assert done.returncode == 0, done.stderr
    assert len(pair.learn.requests) == 18
    assert read_json(folder / "battery.json")["options"] == manifest["options"]
    refused = battery("run", "--resume", "-n", 4, "--seed", 5, cwd=here)
    assert "--seed of this battery is none, not 5" in refused.stderr
