"""The check of the packaged tasks, on answers made up of people who really are in the database."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from datetime import date
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.desk_checks import filled
from battery.embedded.forms import Fill, read_spec
from battery.embedded.people import Worker
from battery.embedded.world import World, audit
from battery.grading import Grader, require_usable
from battery.inputs.tasks import load_tasks, plan
from battery.protocol import Json
from battery.records.checks import Checked, FailedCheck
from battery.records.models import SOLVABLE, Phase, Task
from tests.embedded.helpers import SEED, SHIPPED, fitting, people, specs

PLANNED = plan(load_tasks(SHIPPED))
ASKED = [
    (planned.phase, task)
    for planned in PLANNED
    for number in range(len(planned.task.siblings) + 1)
    if (task := planned.task.sibling(number) if number else planned.task)
]
ROOT = SHIPPED.parents[2]
SPEC: Json = {
    "role": "RN",
    "count": 3,
    "city": "Bloomington, MN",
    "radius_miles": 15,
    "by": "2026-10-31",
}


@cache
def everybody() -> dict[str, Worker]:
    return {worker.id: worker for worker in people()}


def shown(worker: Worker) -> Json:
    """Show somebody as an answer of the gateway does."""
    return worker.as_json() | {"miles": 1.5}


def able(spec: Json = SPEC) -> list[Json]:
    chosen = islice(sorted(fitting(read_spec(spec))), spec["count"])
    return [shown(everybody()[worker_id]) for worker_id in chosen]


def check(workers: object, spec: Json = SPEC) -> bool | str:
    return filled({"task_class": "t", "operation": "o", "spec": spec}, hand_in(workers))


def hand_in(workers: object) -> Json:
    return {"status": "ok", "iterations": 2, "artifact": {"workers": workers}, "log": []}


def somebody(**wanted: object) -> Json:
    """Show the first person of the database with these properties."""
    return next(
        shown(worker)
        for worker in people()
        if all(getattr(worker, key) == value for key, value in wanted.items())
    )


def test_all_packaged_tasks_and_siblings_are_held_to_it() -> None:
    assert len(ASKED) >= 8 * 6
    for _, task in ASKED:
        assert [one.python for one in task.checks] == ["desk_checks.py:filled"]


@pytest.mark.parametrize(("phase", "task"), ASKED, ids=[task.operation for _, task in ASKED])
def test_who_meets_a_task_passes_and_nobody_does_not(phase: str, task: Task) -> None:
    workers = able(task.spec)
    assert (check(workers, task.spec) is True) is (phase in SOLVABLE)
    assert check([one["id"] for one in workers], task.spec) == check(workers, task.spec)
    hollow = check([], task.spec)
    assert hollow == f"0 workers handed in, {task.spec['count']} asked for"


@pytest.mark.parametrize("artifact", [None, "W0001", [], {}, {"workers": "W0001"}])
def test_an_answer_without_workers_says_where_they_are_looked_for(artifact: object) -> None:
    answer = {"status": "ok", "artifact": artifact}
    assert filled({"spec": SPEC}, answer) == "there is no list at artifact.workers"
    assert filled({"spec": SPEC}, {"status": "ok"}) == "there is no list at artifact.workers"


WRONG = [
    (lambda: able()[:2], "2 workers handed in, 3 asked for"),
    (lambda: [*able()[:2], able()[0]], " is handed in 2 times"),
    (lambda: [*able()[:2], {"id": "W9999"}], "'W9999' is nobody in the database"),
    (lambda: [*able()[:2], {"name": "Ann"}], "'None' is nobody in the database"),
    (lambda: [*able()[:2], 7], "'7' is nobody in the database"),
    (lambda: [*able()[:2], somebody(role="Welder")], "is a Welder, not a Registered Nurse"),
    (
        lambda: [*able()[:2], somebody(role="Registered Nurse", city="Duluth, MN")],
        "lives in Duluth, MN, 146.6 miles away; at most 15 are allowed",
    ),
    (
        lambda: [*able()[:2], able()[2] | {"role": "RN"}],
        "has the role 'Registered Nurse', the answer says 'RN'",
    ),
    (lambda: [*able()[:2], able()[2] | {"pay": 1}], ", the answer says 1"),
]


@pytest.mark.parametrize(("workers", "reason"), WRONG, ids=[reason for _, reason in WRONG])
def test_what_is_wrong_with_an_answer_is_said(workers: Any, reason: str) -> None:
    found = check(workers())
    assert isinstance(found, str)
    assert reason in found


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"by": "2025-12-31"}, "is not available before 2026-"),
        ({"max_pay": 1}, "dollars an hour"),
        ({"certificate": "CDL B"}, "does not hold CDL B, nor one that implies it"),
        ({"radius_miles": None}, "at most 0 are allowed"),
    ],
)
def test_each_condition_of_a_demand_is_looked_up(change: Json, reason: str) -> None:
    found = check(able(), {key: value for key, value in (SPEC | change).items() if value})
    assert isinstance(found, str)
    assert reason in found


def test_a_reason_stays_short_however_much_is_wrong() -> None:
    found = check([f"W9{number:03}" for number in range(500)])
    assert isinstance(found, str)
    assert found.endswith("; and 498 more")
    assert len(found) < 300


@given(spec=specs(), data=st.data())
@settings(deadline=None)
def test_it_agrees_with_the_tests_own_reading_and_with_the_gateways_reviewer(
    spec: Json, data: st.DataObject
) -> None:
    """Three pieces of code that share nothing but the words and the people."""
    fit = sorted(fitting(read_spec(spec)))
    pool = st.sampled_from(fit) if fit else st.nothing()
    one = pool | st.sampled_from(sorted(everybody()))
    ids = data.draw(st.lists(one, min_size=1, max_size=6))
    good = len(ids) == len(set(ids)) == spec["count"] and set(ids) <= set(fit)
    assert (check(ids, spec) is True) is good
    with closing(World(SEED)) as world:
        assert (audit(world, read_spec(spec), Fill(workers=tuple(ids))) == []) is good


@pytest.mark.parametrize("folder", [SHIPPED.parent, ROOT], ids=["packaged", "repository"])
def test_it_is_usable_where_the_tasks_file_is(folder: Path) -> None:
    tasks = load_tasks(folder / "tasks.json")
    require_usable(tasks, folder)
    task = tasks.phases.beta_drift[2]
    with Grader(folder) as grader:
        good, hollow = (
            grader.grade(task, Phase.BETA, hand_in(workers)) for workers in (able(task.spec), [])
        )
    assert good == Checked(ok=True, claimed=True, failed=[])
    reason = "0 workers handed in, 3 asked for"
    refuted = [FailedCheck(check="checks[0]", reason=reason)]
    assert hollow == Checked(ok=False, claimed=True, failed=refuted)


def test_it_loads_nothing_slow() -> None:
    """It is waited for once per battery, before the first call."""
    code = "import sys, battery.desk_checks; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic", "sqlite3", "orjson", "httpx"} & set(done.stdout.split())


def test_days_are_compared_as_days() -> None:
    (worker,) = able(SPEC | {"count": 1})
    on_time = SPEC | {"count": 1, "by": worker["available_from"]}
    assert check([worker], on_time) is True
    early = date.fromisoformat(worker["available_from"]).toordinal() - 1
    assert check([worker], on_time | {"by": date.fromordinal(early).isoformat()}) is not True
