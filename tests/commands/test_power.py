"""Power takes what it is given first, then what a battery measured, then what is usual."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import FolderError, UsageError
from battery.commands.power import MOST_CELLS, Wanted, power
from battery.records.models import Phase
from battery.store.battery_dir import BatteryDir
from battery.verdict.runs.power import SPREAD
from tests.report.samples import MANIFEST
from tests.support.commands import write_tasks
from tests.support.runs import TASK, run
from tests.support.several import batteries


def runs(*tokens: int | None) -> list[dict[str, Any]]:
    """Return runs of as many tasks, with these tokens; None is not reported."""
    return [
        {
            **run(artifact={} if count is None else {"usage": {"total_tokens": count}}),
            "task": {**TASK, "spec": {"number": number}},
        }
        for number, count in enumerate(tokens)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> BatteryDir:
    """Return a battery of four tasks and one iteration, whose arms differ by a factor of two."""
    folder = BatteryDir(tmp_path / "battery")
    folder.iteration(1).root.mkdir(parents=True)
    folder.iteration(1).write_runs(runs(1000, 1000, 1000, 1000))
    folder.iteration(1).write_runs(runs(500, 2000, 500, 2000), "frozen")
    return folder


def test_the_size_and_the_noise_of_a_battery_are_taken(folder: BatteryDir) -> None:
    prospects = power(Wanted(folders=[folder.root]))
    assert (prospects.tasks, prospects.iterations, prospects.repeats) == (4, 1, 1)
    assert (prospects.noise_source, prospects.noise > 0.3) == ("measured", True)
    assert prospects.noise_planned > prospects.noise
    assert prospects.phases == {Phase.ALPHA: 4, Phase.BETA: 0, Phase.GAMMA: 0}


def test_what_is_given_wins(folder: BatteryDir) -> None:
    prospects = power(Wanted(folders=[folder.root], tasks=6, iterations=5, repeats=2, noise=0.1))
    assert (prospects.tasks, prospects.iterations, prospects.repeats) == (6, 5, 2)
    assert (prospects.noise_source, prospects.noise) == ("given", 0.1)
    assert prospects.noise_planned == 0.1
    assert prospects.phases[Phase.ALPHA] == 6


def test_the_tasks_file_gives_the_phases_and_what_counts(tmp_path: Path) -> None:
    path = write_tasks(tmp_path / "tasks.json", 2)
    of_file = power(Wanted(tasks_path=path))
    assert list(of_file.phases.values()) == [2, 2, 2]
    packaged = power(Wanted(tasks=16, tasks_path=path))
    assert sum(packaged.phases.values()) == 16
    document = json.loads(path.read_text())
    document["expectations"] = {"relevant": {"cost": 0.4}}
    path.write_text(json.dumps(document))
    strict = power(Wanted(tasks_path=path, noise=0.01)).questions[0].smallest_reduction
    assert strict == pytest.approx(0.4, abs=0.02)


def test_a_battery_that_lost_an_iteration_still_tells_its_noise(folder: BatteryDir) -> None:
    folder.write_manifest(MANIFEST.model_copy(update={"iterations_finished": 2}))
    assert power(Wanted(folders=[folder.root])).noise_source == "measured"


def test_what_tells_no_noise_is_refused_and_says_what_to_give(
    folder: BatteryDir, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FolderError, match="no battery in"):
        power(Wanted(folders=[tmp_path / "empty"]))
    folder.iteration(1).write_runs(runs(1000, None, None, None), "frozen")
    with pytest.raises(UsageError, match="fewer than two tasks with tokens"):
        power(Wanted(folders=[folder.root]))
    (folder.iteration(1).root / "control" / "runs.json").unlink()
    with pytest.raises(UsageError, match="has no twin"):
        power(Wanted(folders=[folder.root]))


def test_more_than_can_be_simulated_is_refused_before_any_work() -> None:
    with pytest.raises(UsageError, match="cells that power simulates"):
        power(Wanted(tasks=MOST_CELLS, iterations=2))


def test_a_campaign_is_asked_about_where_runs_are_named() -> None:
    alone = power(Wanted(noise=0.3, tasks=8))
    assert alone.over_runs is None
    assumed = power(Wanted(noise=0.3, tasks=8, runs=5, drop=0.2)).over_runs
    assert assumed
    assert (assumed.spread, assumed.spread_source) == (SPREAD, "assumed")
    given = power(Wanted(noise=0.3, tasks=8, runs=5, drop=0.2, spread=0.0)).over_runs
    assert given
    assert given.spread_source == "given"
    seen = [each.questions[0].power for each in (assumed, given)]
    assert None not in seen
    assert seen == sorted(seen, key=lambda chance: chance or 0.0)


def test_how_memories_differ_is_measured_on_several_batteries(tmp_path: Path) -> None:
    alike = power(Wanted(folders=batteries(tmp_path / "a", (0.3, 0.3, 0.3)), runs=5)).over_runs
    unlike = power(Wanted(folders=batteries(tmp_path / "b", (0.5, 0.0, 0.3)), runs=5)).over_runs
    assert alike
    assert unlike
    assert (alike.spread_source, unlike.spread_source) == ("measured", "measured")
    assert alike.spread < 0.1 < unlike.spread


def test_a_spread_without_runs_is_refused(tmp_path: Path) -> None:
    for wanted in (Wanted(spread=0.2), Wanted(folders=batteries(tmp_path, (0.3, 0.3)))):
        with pytest.raises(UsageError, match="several runs only"):
            power(wanted)
