"""Two folders in, one comparison out, whoever wrote the folders and however far they came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import ArtifactError, FolderError
from battery.commands.compare import compare, last_before
from battery.store.artifacts import ARCHIVE
from battery.store.battery_dir import BatteryDir
from tests.report.samples import MANIFEST
from tests.support.runs import TASK, run


def runs(count: int, **task: Any) -> list[dict[str, Any]]:
    """Return runs of so many tasks, with unlike tokens."""
    return [
        {
            **run(artifact={"usage": {"total_tokens": 1000 + 10 * number}}),
            "task": {**TASK, "spec": {"number": number}, **task},
        }
        for number in range(count)
    ]


def battery(root: Path, *iterations: int, count: int = 8, **task: Any) -> BatteryDir:
    """Write a battery of these iterations as the original script did, without a manifest."""
    folder = BatteryDir(root)
    for number in iterations:
        folder.iteration(number).root.mkdir(parents=True)
        folder.iteration(number).write_runs(runs(count, **task))
    return folder


def test_without_manifests_nothing_of_the_settings_is_known(tmp_path: Path) -> None:
    a, b = battery(tmp_path / "a", 1, 2), battery(tmp_path / "b", 1, 2)
    comparison = compare(a.root, b.root)
    assert (comparison.outcome, comparison.cautions) == ("NO DIFFERENCE", [])
    assert (comparison.before.run_id, comparison.before.state) == (None, None)
    (difference,) = comparison.differences
    assert (difference.what, difference.before, difference.unfair) == ("manifest", "none", False)
    assert comparison.twins is None


def test_what_counts_as_not_reported_is_named_with_its_side(tmp_path: Path) -> None:
    a, b = battery(tmp_path / "a", 1, 2), battery(tmp_path / "b", 1, 2)
    b.iteration(2).write_runs(
        [{**each, "result": {**each["result"], "iterations": -1}} for each in runs(8)]
    )
    (caution,) = (text for text in compare(a.root, b.root).cautions if "not reported" in text)
    assert caution.startswith("b: iter_2/runs.json: [0].result.iterations: ")


def test_a_copy_is_the_same_battery_by_its_run_id(tmp_path: Path) -> None:
    a, b = battery(tmp_path / "a", 1, 2), battery(tmp_path / "b", 1, 2)
    for folder in (a, b):
        folder.write_manifest(MANIFEST)
    assert "both are the same battery" in compare(a.root, b.root).cautions
    b.write_manifest(MANIFEST.model_copy(update={"run_id": "another"}))
    assert "both are the same battery" not in compare(a.root, b.root).cautions


def test_iterations_that_only_one_has_are_left_out_and_named(tmp_path: Path) -> None:
    a, b = battery(tmp_path / "a", 1), battery(tmp_path / "b", 1, 2)
    a.write_manifest(MANIFEST.model_copy(update={"iterations_finished": 2}))
    comparison = compare(a.root, b.root)
    assert comparison.iterations == [1]
    differences = {difference.what: difference.before for difference in comparison.differences}
    assert (differences["iterations"], differences["unfinished battery"]) == (
        "1",
        "iteration 2 lost",
    )


def test_a_battery_that_is_invalid_gets_no_word_and_names_what_says_why(tmp_path: Path) -> None:
    a, b = battery(tmp_path / "a", 1), battery(tmp_path / "b", 1, 2)
    # An iteration that was finished and is lost makes a battery INVALID.
    a.write_manifest(MANIFEST.model_copy(update={"iterations_finished": 2}))
    comparison = compare(a.root, b.root)
    assert comparison.outcome == "NOT COMPARABLE"
    invalid = "a is INVALID (its numbers cannot be trusted)"
    assert comparison.sentence == f"a and b cannot be compared: {invalid}."
    assert comparison.change is not None, "the numbers are there, for whoever looks into why"
    assert comparison.cause is None
    (advice,) = comparison.settle
    assert f"battery summarize --full {a.root}" in advice


def test_what_a_user_says_of_a_battery_is_in_the_comparison(tmp_path: Path) -> None:
    a, b = battery(tmp_path / "a", 1, 2), battery(tmp_path / "b", 1, 2)
    labels = {"name": "v2", "note": "a shorter prompt", "tags": ["nightly"]}
    for folder in (a, b):
        folder.write_manifest(MANIFEST.model_copy(update={"iterations_finished": 2, **labels}))
    after = compare(a.root, b.root).after
    assert (after.name, after.called) == ("b", "v2")
    assert (after.note, after.tags) == ("a shorter prompt", ["nightly"])


@pytest.mark.parametrize(
    ("iterations", "task", "reason", "advice"),
    [
        ((), {}, "b has no complete iteration", "Finish b: battery run --resume --dir "),
        ((1,), {"operation": "another"}, "they have no task in common", "Two batteries of the"),
        ((3,), {}, "they have no iteration with a task in common", "Two batteries of the same"),
    ],
)
def test_what_cannot_be_compared_says_why_and_has_no_numbers(
    tmp_path: Path, iterations: tuple[int, ...], task: dict[str, Any], reason: str, advice: str
) -> None:
    a, b = battery(tmp_path / "a", 1), battery(tmp_path / "b", *iterations, **task)
    b.iteration(9).root.mkdir(parents=True)
    comparison = compare(a.root, b.root)
    assert (comparison.outcome, comparison.reasons) == ("NOT COMPARABLE", [reason])
    assert (comparison.iterations, comparison.change, comparison.tasks) == ([], None, [])
    assert (comparison.cause, comparison.start, comparison.twins) == (None, None, None)
    assert comparison.cautions == []
    (needed,) = comparison.settle
    assert needed.startswith(advice)


def test_nothing_is_written(tmp_path: Path) -> None:
    a, b = battery(tmp_path / "a", 1), battery(tmp_path / "b", 1)
    before = sorted(tmp_path.rglob("*"))
    compare(a.root, b.root)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_without_a_battery_is_refused(tmp_path: Path) -> None:
    a = battery(tmp_path / "a", 1)
    with pytest.raises(FolderError, match=f"no battery in {tmp_path / 'b'}"):
        compare(a.root, tmp_path / "b")


def test_an_iteration_without_a_run_is_refused(tmp_path: Path) -> None:
    a, b = battery(tmp_path / "a", 1, 2), battery(tmp_path / "b", 1, 2)
    b.iteration(2).write_runs([])
    with pytest.raises(ArtifactError, match="iteration 2 has no run"):
        compare(a.root, b.root)


def moved(folder: BatteryDir, name: str) -> BatteryDir:
    """Move a battery into the archive of `current`, next to its folder."""
    target = folder.root.parent / "current" / ARCHIVE / name
    target.parent.mkdir(parents=True, exist_ok=True)
    return BatteryDir(folder.root.rename(target))


def dated(folder: BatteryDir, started_at: str) -> BatteryDir:
    folder.write_manifest(MANIFEST.model_copy(update={"started_at": started_at}))
    return folder


def test_the_last_battery_before_is_the_newest_archived_one_of_the_same_tasks(
    tmp_path: Path,
) -> None:
    moved(dated(battery(tmp_path / "a", 1), "2026-01-01T00:00:00Z"), "a name of its own")
    newest = moved(dated(battery(tmp_path / "b", 1), "2026-01-03T00:00:00Z"), "2026-01-03")
    moved(dated(battery(tmp_path / "c", 1, count=7), "2026-01-04T00:00:00Z"), "2026-01-04")
    (tmp_path / "current" / ARCHIVE / "empty").mkdir()
    current = battery(tmp_path / "current", 1)
    assert last_before(current.root) == newest.root


def test_without_a_battery_to_compare_with_the_refusal_says_why_and_what_to_do(
    tmp_path: Path,
) -> None:
    current = battery(tmp_path / "current", 1)
    with pytest.raises(FolderError, match=r"no finished battery is in .*archive") as refused:
        last_before(current.root)
    assert "battery run" in str(refused.value.hint)
    moved(battery(tmp_path / "a", 1, operation="another"), "2026")
    with pytest.raises(FolderError, match=r"no battery in .*archive asked the same tasks as"):
        last_before(current.root)
    with pytest.raises(FolderError, match="no battery in"):
        last_before(tmp_path / "nowhere")
