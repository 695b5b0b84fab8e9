"""A dry run says what the calls ahead may take, and by what it says so."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from battery.inputs.settings import Settings
from battery.records.events import Estimate
from battery.runner.run import dry_run, run
from battery.store.battery_dir import BatteryDir
from battery.store.journal import Journal

pytestmark = pytest.mark.slow


def estimate(settings: Settings) -> Estimate:
    return dry_run(settings, lambda _event: None).estimate


def add(settings: Settings, **more: object) -> None:
    """Add keys to the tasks file."""
    path = settings.tasks_path
    assert path
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))


def expect(settings: Settings, tokens: int) -> None:
    """Add what a call is expected to take to the tasks file."""
    add(settings, expectations={"tokens_per_call": tokens})


def test_without_anything_to_go_by_it_says_what_would_give_an_estimate(settings: Settings) -> None:
    tokens, basis, _ = estimate(settings)
    assert tokens is None
    assert "finished battery in the folder" in basis
    assert "`expectations.tokens_per_call`" in basis


def test_expected_tokens_count_for_each_task_and_not_for_the_calls_about_them(
    settings: Settings,
) -> None:
    expect(settings, 1000)
    tokens, basis, _ = estimate(replace(settings, iterations=2, repeats=3))
    assert tokens == 2 * 3 * (2 * 3) * 1000
    assert "without distill, review and judgment" in basis


def test_a_finished_battery_tells_by_stage_and_arm_and_wins_over_what_is_expected(
    settings: Settings,
) -> None:
    expect(settings, 1000)
    asyncio.run(run(replace(settings, iterations=2), lambda _event: None))
    # The learner took 100 tokens for each task and then 50, its twin always 100.
    tokens, basis, _ = estimate(replace(settings, iterations=4))
    assert tokens == 4 * (3 * 75 + 3 * 100)
    assert basis.startswith(f"as the 12 calls in {settings.folder} took")
    assert "without distill, review and judgment (none reported)" in basis


def test_a_resume_goes_by_what_is_on_disk(settings: Settings) -> None:
    asyncio.run(run(settings, lambda _event: None))
    more = replace(settings, resume=True, iterations=2)
    assert estimate(more).tokens == 3 * 100 + 3 * 100
    # As if the run had been killed after two calls of the next iteration.
    first = BatteryDir(settings.folder).iteration(1)
    lines = first.journal.read_text().splitlines(keepends=True)
    second = BatteryDir(settings.folder).iteration(2)
    second.root.mkdir()
    second.journal.write_text("".join(lines[:2]))
    assert Journal(second.journal).calls == 2
    assert estimate(more).tokens == 6 * 100 - 2 * 100


def test_a_stage_that_nobody_has_asked_yet_takes_what_any_task_takes(settings: Settings) -> None:
    asyncio.run(run(settings, lambda _event: None))
    folder = BatteryDir(settings.folder)
    journal = folder.iteration(1).journal
    kept = [line for line in journal.read_text().splitlines() if '"gamma"' not in line]
    journal.write_text("\n".join(kept) + "\n")
    assert estimate(settings).tokens == 6 * 100


def test_nothing_left_takes_nothing(settings: Settings) -> None:
    asyncio.run(run(settings, lambda _event: None))
    assert estimate(replace(settings, resume=True)).tokens == 0


def test_a_folder_with_a_blank_in_its_name_is_quoted(settings: Settings, tmp_path: Path) -> None:
    named = replace(settings, folder=tmp_path / "a b")
    asyncio.run(run(named, lambda _event: None))
    assert f"'{named.folder}'" in estimate(named).basis


def test_expected_tokens_cost_between_what_prompts_and_what_outputs_cost(
    settings: Settings,
) -> None:
    expect(settings, 1000)
    assert estimate(settings).cost_usd is None, "nobody knows a price"
    add(settings, prices={"m": {"input": 100, "output": 500}})
    assert estimate(settings).cost_usd == (0.6, 3)


def test_a_battery_tells_the_cost_too_where_its_calls_can_be_priced(settings: Settings) -> None:
    asyncio.run(run(settings, lambda _event: None))
    journal = BatteryDir(settings.folder).iteration(1).journal
    spent = '"total_tokens":100,"prompt_tokens":90,"completion_tokens":10'
    journal.write_text(journal.read_text().replace('"total_tokens":100', spent))
    assert estimate(settings).cost_usd is None
    add(settings, prices={"m": {"input": 0, "output": 1_000_000}})
    assert estimate(settings).cost_usd == (60, 60)
