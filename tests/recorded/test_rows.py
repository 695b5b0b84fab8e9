"""From a folder to tidy rows: every call once, and nothing that was not measured."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import ArtifactError
from battery.inputs.tasks import task_id
from battery.recorded import open_battery
from battery.recorded.rows import call_rows
from battery.records.models import FROZEN, LEARN, Phase, Task
from battery.store.battery_dir import BatteryDir
from tests.report.samples import MANIFEST
from tests.support.runs import TASK, run


@pytest.fixture
def folder(tmp_path: Path) -> BatteryDir:
    return BatteryDir(tmp_path)


def other(name: str, **answer: Any) -> dict[str, Any]:
    """Return a run of another task with the same operation."""
    return {**run(**answer), "task": {**TASK, "spec": {"name": name}}}


def test_every_arm_repeat_and_rerun_has_a_row_in_that_order(folder: BatteryDir) -> None:
    for number in (1, 2):
        step = folder.iteration(number)
        step.write_runs([run(), other("b")], "frozen")
        step.write_runs([run(), other("b")], repeat=2)
        step.write_runs([run(), other("b")])
    folder.iteration(2).write_confirmations([other("b")] * 2)
    found = [
        (row.iteration, row.arm, row.repeat, row.confirmation, row.position, row.label)
        for row in call_rows(open_battery(folder))
    ]
    ones = [
        (arm, repeat, False, position, f"o ({position})")
        for arm, repeat in (("learn", 1), ("learn", 2), ("frozen", 1))
        for position in (1, 2)
    ]
    again = [("learn", repeat, True, 2, "o (2)") for repeat in (1, 2)]
    assert found == [(1, *one) for one in ones] + [(2, *one) for one in [*ones, *again]]


def test_a_row_has_what_the_answer_and_the_manifest_say(folder: BatteryDir) -> None:
    usage = {"total_tokens": 9, "prompt_tokens": 7, "completion_tokens": 2}
    answer = {"artifact": {"usage": usage, "memory": ["x"]}, "cached": True, "error": "no one"}
    log = [{"kind": "overseer_correction"}]
    folder.iteration(1).write_runs([run("failed", **answer, log=log)])
    folder.write_manifest(MANIFEST)
    (row,) = call_rows(open_battery(folder))
    assert (row.run_id, row.started_at) == ("r-1", datetime(2026, 3, 1, 10, tzinfo=UTC))
    assert row.task_id == task_id(Phase.ALPHA, Task.model_validate(TASK))
    assert (row.task_class, row.operation, row.label, row.phase) == ("c", "o", "o", "alpha")
    assert (row.status, row.error) == ("failed", "no one")
    assert (row.turns, row.tokens, row.prompt_tokens, row.completion_tokens) == (2, 9, 7, 2)
    assert (row.elapsed_ms, row.cached, row.memory_used) == (40, True, True)
    assert row.overseer_called


@pytest.mark.parametrize(
    "artifact", [None, "text", [1], {}, {"usage": None}, {"usage": {"prompt_tokens": "7"}}]
)
def test_what_a_sparse_answer_does_not_tell_is_null_and_not_nought(
    folder: BatteryDir, artifact: object
) -> None:
    folder.iteration(1).write_runs([run(artifact=artifact, iterations=None, _elapsed_ms=None)])
    (row,) = call_rows(open_battery(folder))
    assert (row.run_id, row.started_at) == (None, None)
    assert (row.turns, row.tokens, row.elapsed_ms, row.memory_used) == (None,) * 4
    assert (row.prompt_tokens, row.completion_tokens) == (None, None)


def test_a_task_keeps_its_place_where_a_set_of_runs_lacks_another(folder: BatteryDir) -> None:
    step = folder.iteration(1)
    step.write_runs([run(), other("b")])
    step.write_runs([other("b")], "frozen")
    assert [(row.arm, row.position) for row in call_rows(open_battery(folder))] == [
        ("learn", 1),
        ("learn", 2),
        ("frozen", 2),
    ]


def test_a_sibling_has_a_row_next_to_its_task_in_place_and_after_the_tasks_in_order(
    folder: BatteryDir,
) -> None:
    step = folder.iteration(1)
    step.write_runs([run(), other("b")])
    of = task_id(Phase.ALPHA, Task.model_validate(other("b")["task"]))
    new = {**other("new"), "sibling_of": of}
    for arm in (LEARN, FROZEN):
        step.siblings.write_runs([new], arm)
    rows = list(call_rows(open_battery(folder)))[2:]
    assert [(row.arm, row.position, row.label, row.sibling_of) for row in rows] == [
        ("learn", 2, "o", of),
        ("frozen", 2, "o", of),
    ]
    assert {row.task_id for row in rows} == {
        task_id(Phase.ALPHA, Task.model_validate(new["task"])),
    }


def test_a_graded_row_tells_claim_checks_and_the_gateways_own_error_apart(
    folder: BatteryDir,
) -> None:
    refuted = [{"check": "checks[0]", "reason": "5 was expected"}]
    checked = [
        {"ok": True, "claimed": True, "failed": []},
        {"ok": False, "claimed": True, "failed": refuted},
        {"ok": False, "claimed": False, "failed": []},
    ]
    answers = [run(), other("b"), run("failed", error="no one")]
    answers[2]["task"] = {**TASK, "spec": {}}
    plain = {**other("c", status="failed"), "phase": "beta"}
    folder.iteration(1).write_runs(
        [*({**each, "checked": word} for each, word in zip(answers, checked, strict=True)), plain]
    )
    assert [
        (row.status, row.error, row.checked, row.claimed, row.failed_checks)
        for row in call_rows(open_battery(folder))
    ] == [
        ("ok", None, True, True, None),
        ("failed", None, True, True, "checks[0]: 5 was expected"),
        ("failed", "no one", True, False, None),
        ("failed", None, False, False, None),
    ]


def test_a_start_that_is_no_time_is_refused_with_file_and_place(folder: BatteryDir) -> None:
    folder.iteration(1).write_runs([run()])
    folder.write_manifest(MANIFEST.model_copy(update={"started_at": "yesterday"}))
    with pytest.raises(ArtifactError, match=r"battery\.json.*started_at"):
        next(call_rows(open_battery(folder)))
