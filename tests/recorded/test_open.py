"""An opened battery is what its folder held when it was opened, and says which iterations count."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import ArtifactError, FolderError
from battery.inputs.tasks import digest, frozen_first, plan, siblings
from battery.recorded import open_battery
from battery.recorded.summary import summary_of
from battery.records.expectations import Expectations
from battery.records.lines import ChatCall
from battery.records.manifest import UNSETTLED, Manifest, Options
from battery.records.models import FROZEN, LEARN, Phases, Sibling, Task, Tasks
from battery.records.stages import OVERSEER
from battery.store.battery_dir import BatteryDir
from battery.store.journal import Journal
from tests.report.samples import MANIFEST, MODELS
from tests.support.runs import TASK, run

TASKS = Tasks(
    phases=Phases(alpha_baseline=[Task.model_validate(TASK)], beta_drift=[], gamma_impossible=[]),
    models=MODELS,
    expectations=Expectations(gamma_token_factor=9.0),
)


@pytest.fixture
def folder(tmp_path: Path) -> BatteryDir:
    """Return a folder of two iterations, as the original script would have left it."""
    folder = BatteryDir(tmp_path)
    for number in (1, 2):
        folder.iteration(number).root.mkdir()
        folder.iteration(number).write_runs([run()])
    return folder


def recorded(folder: BatteryDir, **changes: object) -> Manifest:
    """Add the tasks and a manifest of two finished iterations."""
    folder.write_tasks(TASKS)
    usual = {"iterations_finished": 2, "planned_iterations": 2, "tasks_digest": digest(TASKS)}
    manifest = MANIFEST.model_copy(update={**usual, **changes})
    folder.write_manifest(manifest)
    return manifest


def test_a_folder_of_the_original_script_is_a_battery_of_which_little_is_known(
    folder: BatteryDir,
) -> None:
    # The user's own file, which may be another one by now.
    folder.write_tasks(TASKS)
    opened = open_battery(folder)
    assert not isinstance(opened.provenance, Manifest)
    assert (opened.provenance.run_id, opened.provenance.state, opened.tasks) == (None, None, None)
    assert opened.started_at == folder.started_at(opened.provenance)
    assert opened.observed.expectations == Expectations()
    assert opened.observed.planned is None
    assert opened.observed.changed == []
    assert [metrics.iteration for metrics in opened.metrics] == [1, 2]
    opened.require_complete()


@pytest.mark.parametrize("left", [b"", b"  \n", b'[\n  {\n    "task": {'])
def test_an_iteration_that_a_crash_of_the_original_script_left_torn_is_none(
    folder: BatteryDir, left: bytes
) -> None:
    (folder.iteration(2).root / "runs.json").write_bytes(left)
    opened = open_battery(folder)
    assert [step.number for step in opened.steps] == [1]
    warnings = summary_of(opened, report=False).warnings
    assert "iteration 2 is not complete and is left out" in warnings
    assert any(text.startswith("iter_2/runs.json is not JSON: ") for text in warnings)
    (folder.iteration(1).root / "runs.json").write_bytes(left)
    with pytest.raises(ArtifactError, match=r"iter_1/runs\.json"):
        assert open_battery(folder).metrics
    shutil.rmtree(folder.iteration(2).root)
    with pytest.raises(FolderError, match=r"no complete iteration: iter_1/runs\.json is not JSON"):
        open_battery(folder).require_complete()


def test_a_torn_iteration_is_damage_where_files_are_written_whole(folder: BatteryDir) -> None:
    recorded(folder)
    (folder.iteration(2).root / "runs.json").write_bytes(b"[")
    with pytest.raises(ArtifactError, match=r"iter_2/runs\.json"):
        assert open_battery(folder).metrics


def test_what_the_manifest_and_the_tasks_say_is_taken_from_them(folder: BatteryDir) -> None:
    manifest = recorded(folder)
    opened = open_battery(folder)
    assert (opened.provenance, opened.tasks) == (manifest, TASKS)
    assert opened.started_at == manifest.started_at
    assert opened.observed.expectations.gamma_token_factor == 9.0
    assert opened.observed.planned == manifest.planned_iterations == 2
    assert opened.observed.changed == []


CHECKS = [{"contains": "A1"}]
NEW = {"operation": "new", "spec": {}, "checks": CHECKS}


@pytest.mark.parametrize(
    ("more", "checked"), [({}, False), ({"checks": CHECKS}, True), ({"siblings": [NEW]}, False)]
)
def test_it_is_known_whether_any_task_has_a_check_of_its_own(
    folder: BatteryDir, more: dict[str, Any], checked: bool
) -> None:
    recorded(folder)
    document = TASKS.document()
    document["phases"]["alpha_baseline"][0] |= more
    folder.write_tasks(Tasks.model_validate(document))
    assert open_battery(folder).observed.checked is checked


def test_what_becomes_complete_later_is_no_part_of_it(folder: BatteryDir) -> None:
    opened = open_battery(folder)
    folder.iteration(3).root.mkdir()
    folder.iteration(3).write_runs([run()])
    assert {call.iteration for call in opened.calls} == {1, 2}
    assert len(opened.metrics) == 2
    assert len(open_battery(folder).metrics) == 3


def test_metrics_are_of_the_first_repeat_and_calls_of_all(folder: BatteryDir) -> None:
    folder.iteration(1).write_runs([run("failed")], repeat=2)
    folder.iteration(1).write_runs([run("failed")], "frozen")
    opened = open_battery(folder)
    assert [metrics.ok_tasks for metrics in opened.metrics] == [1, 1]
    assert [(metrics.iteration, metrics.failed_tasks) for metrics in opened.control] == [(1, 1)]
    assert [(call.iteration, call.arm, call.repeat) for call in opened.calls] == [
        (1, "learn", 1),
        (1, "learn", 2),
        (1, "frozen", 1),
        (2, "learn", 1),
    ]


def test_what_is_not_as_it_was_run_is_named(folder: BatteryDir) -> None:
    both = {**MANIFEST.targets, "control": "embedded"}
    recorded(folder, tasks_digest="0" * 64, targets=both, options=Options(repeats=2))
    changed = "\n".join(open_battery(folder).observed.changed)
    for words in (
        "tasks.json is not the one",
        "names a twin, but no run of it",
        "iteration 2, learner: only 1 of 2 repeats",
    ):
        assert words in changed
    folder.tasks_path.unlink()
    assert "tasks.json is gone" in open_battery(folder).observed.changed[0]


def test_siblings_are_laid_out_by_the_tasks_that_they_are_of(folder: BatteryDir) -> None:
    own = [Sibling(operation=f"new {number}", spec={}) for number in (1, 2)]
    task = TASKS.phases.alpha_baseline[0].model_copy(update={"siblings": own})
    phases = TASKS.phases.model_copy(update={"alpha_baseline": [task]})
    tasks = TASKS.model_copy(update={"phases": phases})
    recorded(folder, tasks_digest=digest(tasks))
    folder.write_tasks(tasks)
    lost = "iteration {}, learner: 1 sibling missing"
    assert open_battery(folder).observed.changed == [lost.format(1), lost.format(2)]
    planned = plan(tasks)
    for number in (1, 2):
        (new,) = siblings(planned, number)
        item = {**run("failed" if number == 2 else "ok"), "task": new.task.asked}
        step = folder.iteration(number)
        step.siblings.write_runs([{**item, "sibling_of": new.sibling_of}])
        assert "iter_1/siblings/runs.json" in folder.listing()
    opened = open_battery(folder)
    assert opened.observed.changed == []
    assert [(call.label, call.sibling_of) for call in opened.siblings] == [
        ("new 1", planned[0].task_id),
        ("new 2", planned[0].task_id),
    ]
    table = opened.observed.siblings
    assert table
    assert [(row.task, row.label) for row in table.tasks] == [(planned[0].task_id, "o")]
    assert table.of("learn", "ok_tasks").tolist() == [[1.0, 0.0]]
    # None of it is in the grid of the tasks or in the metrics.
    assert [metrics.total_tasks for metrics in opened.metrics] == [1, 1]
    assert opened.observed.grid.of("learn", "ok_tasks").tolist() == [[1.0, 1.0]]


def test_a_number_beyond_belief_in_a_siblings_answer_is_named(folder: BatteryDir) -> None:
    broken = {**run(iterations=10**30), "sibling_of": "0"}
    folder.iteration(2).siblings.write_runs([broken], "frozen")
    (fault,) = open_battery(folder).faults
    assert fault.startswith("iter_2/siblings/control/runs.json: [0].result.iterations: ")


def test_a_grading_that_broke_off_is_told_with_what_to_do(folder: BatteryDir) -> None:
    recorded(folder, scoring_digest=UNSETTLED)
    (warning,) = summary_of(open_battery(folder), report=False).warnings
    assert warning.endswith(f"grade again with: battery grade {folder.root}")


def test_a_lost_iteration_is_refused(folder: BatteryDir) -> None:
    recorded(folder)
    (folder.iteration(1).root / "runs.json").unlink()
    with pytest.raises(FolderError, match=r"lacks iter_1/runs\.json"):
        open_battery(folder).require_whole()


def test_an_iteration_without_a_run_is_refused_when_it_is_read(folder: BatteryDir) -> None:
    folder.iteration(2).write_runs([])
    opened = open_battery(folder)
    with pytest.raises(ArtifactError, match="iteration 2 has no run"):
        assert opened.calls


def test_a_folder_without_a_battery_is_refused(tmp_path: Path) -> None:
    opened = open_battery(BatteryDir(tmp_path / "nothing"))
    assert not opened.has_begun
    for require in (opened.require_begun, opened.require_complete):
        with pytest.raises(FolderError, match=r"no battery in .*: there is no such folder"):
            require()


def test_a_battery_that_has_only_begun_says_how_to_go_on(tmp_path: Path) -> None:
    folder = BatteryDir(tmp_path)
    folder.write_manifest(MANIFEST.model_copy(update={"iterations_finished": 0}))
    opened = open_battery(folder)
    opened.require_begun()
    with pytest.raises(FolderError, match="no complete iteration yet") as refused:
        opened.require_complete()
    assert refused.value.hint == folder.resume_hint


def test_the_seed_tells_which_arm_was_asked_first(folder: BatteryDir) -> None:
    for number in (1, 2):
        folder.iteration(number).write_runs([run()], FROZEN)
    assert {call.first for call in open_battery(folder).calls} == {None}
    recorded(folder, options=Options(seed=1))
    order = {(call.iteration, call.arm): call.first for call in open_battery(folder).calls}
    [entry] = plan(TASKS)
    for number in (1, 2):
        assert order[number, FROZEN] is frozen_first(1, number, entry.task_id, 1)
        assert order[number, LEARN] is not order[number, FROZEN]


def test_a_journal_that_was_just_written_is_not_read_again(folder: BatteryDir) -> None:
    journal = Journal(folder.iteration(1).journal)
    with journal:
        journal.append(
            OVERSEER.key, ChatCall(at="", model="m", _elapsed_ms=1, content="", answer={})
        )
    opened = replace(open_battery(folder), written={1: journal})
    first, second = opened.journals().values()
    assert first is journal
    assert second.calls == 0, "there is none on disk"
    # Whoever put it there: what is on disk counts.
    folder.iteration(1).journal.write_bytes(b"")
    assert opened.journals()[1].calls == 0
