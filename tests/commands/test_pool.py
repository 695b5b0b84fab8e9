"""Pooled batteries are one system that asked the same tasks, each run once, all that were run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import BatteryError, FolderError, UsageError
from battery.commands.pool import call, pool
from battery.inputs.tasks import digest, limited, shuffled
from battery.records.word import Word
from battery.store.battery_dir import BatteryDir
from tests.support.several import batteries, battery, rewrite

SAVED = (0.3, 0.25, 0.35, 0.28, 0.32)


def test_five_batteries_that_learned_are_a_claim_about_the_system(tmp_path: Path) -> None:
    summary = pool(batteries(tmp_path, SAVED))
    evidence = summary.evidence
    assert evidence.verdict is Word.LEARNED
    assert evidence.question("cost").p == 1 / 32
    assert [run.name for run in evidence.runs] == [f"run{number}" for number in range(1, 6)]
    assert all(run.claim and run.word for run in evidence.runs)
    assert (summary.kind, summary.digest, summary.folder) == ("pool", None, None)
    # 8 tasks, 3 iterations, 2 arms, 5 batteries.
    assert summary.spent.calls == 240
    assert summary.spent.tokens == sum(run.spent.tokens or 0 for run in evidence.runs if run.spent)


def test_a_pool_says_that_it_was_chosen_after_the_runs(tmp_path: Path) -> None:
    whole = batteries(tmp_path, SAVED)
    assert "chosen after they were run" in pool(whole).evidence.cautions[0]
    left = pool(whole[:4]).evidence.cautions[0]
    assert "1 battery of the same tasks and system is left out" in left
    assert str(whole[4]) in left


def test_an_archived_battery_that_is_left_out_is_named_and_another_system_is_not(
    tmp_path: Path,
) -> None:
    whole = batteries(tmp_path, SAVED)
    battery(whole[0] / "archive" / "older", 7, -0.5)
    other = battery(tmp_path / "other", 8, 0.0)
    rewrite(BatteryDir(other), targets={"gateway": "http://elsewhere.example"})
    caution = pool(whole).evidence.cautions[0]
    assert "1 battery of the same tasks" in caution
    assert "older" in caution


def reorder(root: Path, seed: int) -> None:
    """Write the tasks in the order of a seed, as the runs of a campaign have them."""
    folder = BatteryDir(root)
    tasks = folder.read_tasks()
    assert tasks
    turned = shuffled(tasks, seed)
    folder.write_tasks(turned)
    assert digest(turned) != digest(tasks)
    rewrite(folder, tasks_digest=digest(turned))


def test_runs_that_asked_the_same_tasks_in_another_order_are_pooled(tmp_path: Path) -> None:
    whole = batteries(tmp_path, SAVED)
    given = pool(whole)
    for seed, root in enumerate(whole, start=1):
        reorder(root, seed)
    summary = pool(whole)
    assert summary.evidence.questions == given.evidence.questions
    assert summary.tasks_digest == pool(whole[::-1]).tasks_digest
    assert str(whole[4]) in pool(whole[:4]).evidence.cautions[0], "left out"


def test_other_tasks_are_refused_in_another_order_too(tmp_path: Path) -> None:
    one, two = batteries(tmp_path, SAVED[:2])
    tasks = BatteryDir(two).read_tasks()
    assert tasks
    fewer = limited(tasks, 2)
    BatteryDir(two).write_tasks(fewer)
    rewrite(BatteryDir(two), tasks_digest=digest(fewer))
    reorder(two, 3)
    with pytest.raises(UsageError, match="tasks differs"):
        pool([one, two])


def test_the_same_run_twice_is_refused_wherever_it_is(tmp_path: Path) -> None:
    one, two = batteries(tmp_path, SAVED[:2])
    copy = shutil.copytree(one, tmp_path / "copy")
    for folders in ([one, two, one], [one, two, Path(copy)]):
        with pytest.raises(UsageError, match="hold the same run"):
            pool(folders)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"tasks_digest": "f" * 64}, "tasks"),
        ({"scoring_digest": "f" * 64}, "checks and prices"),
        ({"targets": {"gateway": "http://other.example"}}, "targets.control"),
        ({"target_digest": "f" * 64}, "target_digest"),
        ({"target_files": {"agent.py": "f" * 64}}, "target_files"),
        ({"repeats": 2}, "repeats"),
        ({"limit": 2}, "limit"),
    ],
)
def test_other_tasks_or_another_system_are_refused(
    tmp_path: Path, changes: dict[str, Any], what: str
) -> None:
    whole = batteries(tmp_path, SAVED[:3])
    rewrite(BatteryDir(whole[2]), **changes)
    with pytest.raises(UsageError, match=f"cannot be pooled with .*: {what} differs") as caught:
        pool(whole)
    assert "battery compare" in (caught.value.hint or "")


def test_what_is_unfinished_is_refused_and_named(tmp_path: Path) -> None:
    whole = batteries(tmp_path, SAVED[:2])
    open_one = battery(tmp_path / "open", 9, 0.3, state="interrupted")
    with pytest.raises(UsageError, match="is not finished") as caught:
        pool([*whole, open_one])
    assert "--resume" in (caught.value.hint or "")


def test_what_is_no_battery_is_an_error(tmp_path: Path) -> None:
    (one,) = batteries(tmp_path, SAVED[:1])
    (tmp_path / "empty").mkdir()
    with pytest.raises(FolderError):
        pool([one, tmp_path / "empty"])
    with pytest.raises(UsageError, match="several batteries"):
        pool([one])
    shutil.rmtree(one / "iter_2")
    with pytest.raises(BatteryError):
        pool([one, one])


def test_other_versions_and_equal_seeds_are_warned_of(tmp_path: Path) -> None:
    whole = batteries(tmp_path, SAVED)
    for folder in whole[:2]:
        rewrite(BatteryDir(folder), seed=3)
    rewrite(BatteryDir(whole[4]), battery_version="0.0.1", concurrency=4)
    text = "\n".join(pool(whole).warnings)
    assert "different versions" in text
    assert "the same seed, 3" in text
    assert "at the same time" in text


def test_folders_are_called_by_the_shortest_end_that_tells_them_apart() -> None:
    assert call([Path("a/one"), Path("a/two")]) == ["one", "two"]
    assert call([Path("a/x"), Path("b/x"), Path("b/y")]) == ["a/x", "b/x", "b/y"]
