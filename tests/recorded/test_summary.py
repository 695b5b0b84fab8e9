"""A summary says of a folder what is on disk, and null where nothing tells."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from battery.recorded import open_battery
from battery.recorded.summary import summary_of
from battery.records.manifest import Options
from battery.records.models import FROZEN, Proposal
from battery.records.summary import Summary
from battery.store.artifacts import PROPOSALS, VERDICTS
from battery.store.battery_dir import BatteryDir
from tests.recorded.test_open import TASKS
from tests.report.samples import MANIFEST, MODELS, verdict
from tests.support.runs import run


@pytest.fixture
def folder(tmp_path: Path) -> BatteryDir:
    """Return a folder of two iterations, as the original script would have left it."""
    folder = BatteryDir(tmp_path)
    for number in (1, 2):
        folder.iteration(number).root.mkdir()
        folder.iteration(number).write_runs([run(_elapsed_ms=500)])
    return folder


def summed(folder: BatteryDir) -> Summary:
    return summary_of(open_battery(folder), report=False)


def test_identity_and_times_come_from_the_manifest(folder: BatteryDir) -> None:
    options = Options(seed=7)
    folder.write_manifest(MANIFEST.model_copy(update={"options": options, "notes": ["it moved"]}))
    summary = summed(folder)
    assert (summary.run_id, summary.state, summary.seed) == (MANIFEST.run_id, "finished", 7)
    assert (summary.started_at, summary.finished_at) == (MANIFEST.started_at, MANIFEST.finished_at)
    assert (summary.targets, summary.models) == (MANIFEST.targets, MODELS)
    assert summary.warnings == ["it moved"]
    assert summary.unfinished is None


def test_a_battery_that_stopped_early_says_how_far_it_came(folder: BatteryDir) -> None:
    folder.write_manifest(MANIFEST.model_copy(update={"state": "failed"}))
    assert summed(folder).unfinished == (
        "The battery is not finished (state: failed): 2 of 3 iterations are complete."
    )


def test_what_counts_as_not_reported_is_named_by_file_and_place(folder: BatteryDir) -> None:
    folder.iteration(1).root.joinpath("control").mkdir()
    absurd: dict[str, Any] = {"artifact": {"usage": {"total_tokens": 2**60}}}
    folder.iteration(1).write_runs([run(), run(**absurd)], FROZEN)
    folder.iteration(2).write_runs([run(), run(**absurd), run(iterations=-1)])
    first, second = summed(folder).warnings
    assert first.startswith("iter_1/control/runs.json: [1].result.artifact.usage.total_tokens: ")
    assert first.endswith("; it counts as not reported")
    assert second.startswith("iter_2/runs.json: [1].result.artifact.usage.total_tokens: ")
    assert second.endswith("; it counts as not reported, as does 1 more")


def test_a_model_that_answers_new_tasks_alone_is_priced_like_the_others(folder: BatteryDir) -> None:
    tokens = {"prompt_tokens": 90, "completion_tokens": 10, "model": "house-model"}
    new = {**run(artifact={"usage": tokens}), "sibling_of": open_battery(folder).calls[0].task}
    folder.iteration(2).siblings.write_runs([new])
    (warning,) = summed(folder).warnings
    assert warning.startswith("no price is known for house-model, so cost_usd is not known")


@pytest.mark.parametrize(
    ("planned", "word", "exists", "foreseen"),
    [
        (1, "APPROVE", True, True),
        # The next iteration followed at once, and nobody could act in between.
        (2, "APPROVE", True, False),
        (1, "REVISE", True, False),
        (1, "APPROVE", None, False),
        (None, "APPROVE", True, False),
    ],
)
def test_only_what_may_have_been_put_into_practice_is_held_against_what_came(
    folder: BatteryDir, planned: int | None, word: str, exists: bool | None, foreseen: bool
) -> None:
    folder.write_manifest(MANIFEST.model_copy(update={"planned_iterations": planned}))
    proposal = Proposal(
        number=1,
        title="Keep plans",
        target_file="src/memory.py",
        rationale=None,
        expected_impact="total_tokens falls",
        metric="total_tokens",
        target_exists=exists,
    )
    PROPOSALS.write(folder.iteration(1).root, [proposal])
    VERDICTS.write(folder.iteration(1).root, [verdict(word)])
    assert bool(summed(folder).scorecard) == foreseen


def test_without_a_manifest_what_was_not_recorded_is_null(folder: BatteryDir) -> None:
    summary = summed(folder)
    assert (summary.run_id, summary.state, summary.started_at, summary.finished_at) == (None,) * 4
    assert (summary.targets, summary.models, summary.seed) == (None, None, None)
    assert (summary.iterations_wanted, summary.unfinished) == (None, None)
    # The original script kept no journal: its calls are the runs.
    assert (summary.calls, summary.elapsed_s) == (2, 1.0)
    folder.write_tasks(TASKS)
    assert summed(folder).models == MODELS


@pytest.mark.parametrize(
    ("numbers", "left_out"),
    [
        ((1, 3), ["iteration 2 is not complete and is left out"]),
        ((2, 3), ["iteration 1 is not complete and is left out"]),
        (
            (3, 4, 9000),
            [
                "iterations 1 to 2 are not complete and are left out",
                "iterations 5 to 8999 are not complete and are left out",
            ],
        ),
        ((1, 2, 3), []),
    ],
)
def test_an_iteration_whose_folder_is_gone_is_named(
    folder: BatteryDir, numbers: tuple[int, ...], left_out: list[str]
) -> None:
    for number in (1, 2):
        shutil.rmtree(folder.iteration(number).root)
    for number in numbers:
        folder.iteration(number).root.mkdir()
        folder.iteration(number).write_runs([run()])
    assert summed(folder).warnings == left_out


def test_what_is_wrong_with_several_reviews_is_said_once_with_their_iterations(
    folder: BatteryDir,
) -> None:
    for number in (1, 2):
        flagged = verdict("APPROVE").model_copy(update={"flags": ["odd", f"odd {number}"]})
        VERDICTS.write(folder.iteration(number).root, [flagged, flagged])
    summary = summed(folder)
    assert summary.review_warnings == [
        "iterations 1 and 2: odd",
        "iteration 1: odd 1",
        "iteration 2: odd 2",
    ]


def test_the_verdicts_are_of_the_last_iteration_and_a_torn_one_is_left_out(
    folder: BatteryDir,
) -> None:
    VERDICTS.write(folder.iteration(1).root, [verdict("REJECT")])
    VERDICTS.write(
        folder.iteration(2).root, [verdict("APPROVE").model_copy(update={"flags": ["odd"]})]
    )
    folder.iteration(3).root.mkdir()
    summary = summed(folder)
    assert [found.verdict for found in summary.scrum] == ["APPROVE"]
    assert summary.warnings == [
        "iteration 3 is not complete and is left out",
        "iteration 2: odd",
    ]
    assert summary.verdict is not None
    assert [row.values[0] for row in summary.trends if row.metric == "ok_tasks"] == [1]
