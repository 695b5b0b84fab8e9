"""A follower tells of a battery's files what the battery told of itself."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base.errors import ArtifactError
from battery.inputs.settings import Settings, make_target
from battery.records.events import (
    Event,
    IterationFinished,
    MetaFinished,
    Notice,
    Plan,
    StageStarted,
    TaskFinished,
)
from battery.records.manifest import Manifest
from battery.records.models import Phase
from battery.runner import run as running
from battery.store.battery_dir import BatteryDir
from battery.watch.follow import Follower
from tests.support.arms import serving_pair
from tests.support.commands import write_tasks

ITERATIONS = 2
#: What is only known while a call is under way, and what only the run has to say.
TOLD = (Plan, StageStarted, TaskFinished, MetaFinished, IterationFinished)


class Ran(NamedTuple):
    """A finished battery: its folder, what it told on the way, and the bytes of its journals."""

    folder: BatteryDir
    told: list[Event]
    journals: list[bytes]
    manifest: Manifest


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run a battery with two arms, repeats, an overseer's review and confirmations."""
    root = tmp_path_factory.mktemp("follow")
    told: list[Event] = []
    with serving_pair() as pair:
        targets = [make_target(each.url, {}) for each in (pair.learn, pair.frozen)]
        asked_before: set[str] = set()

        def status(body: dict[str, Any]) -> str:
            """Let the easy and the niche task fail once they have passed."""
            seen = body["operation"] in asked_before
            if pair.learn.count()["distill"]:
                asked_before.add(body["operation"])
            return "failed" if seen and "gamma" not in body["operation"] else "ok"

        pair.learn.status = status
        asked = Settings(
            folder=root / "b",
            tasks_path=write_tasks(root / "tasks.json", 1, siblings=1),
            iterations=ITERATIONS,
            repeats=3,
            seed=7,
            gateway=targets[0],
            llm_team=targets[0],
            control_gateway=targets[1],
        )
        asyncio.run(running.run(asked, told.append))
    folder = BatteryDir(root / "b")
    numbers = range(1, ITERATIONS + 1)
    journals = [folder.iteration(number).journal.read_bytes() for number in numbers]
    manifest = folder.read_manifest()
    assert manifest
    kept = [as_shown(event) for event in told if isinstance(event, TOLD)]
    return Ran(folder, kept, journals, manifest)


def as_shown(event: Event) -> Event:
    """Leave out what an event has for those who record more than they show."""
    if isinstance(event, TaskFinished):
        return event._replace(answer=None)
    if isinstance(event, MetaFinished):
        return event._replace(model=None, prompt=None, answer=None)
    return event


def test_the_battery_of_these_tests_has_what_is_hard_to_follow(ran: Ran) -> None:
    tasks = [event for event in ran.told if isinstance(event, TaskFinished)]
    assert {event.arm for event in tasks} == {"learn", "frozen"}
    assert {event.repeat for event in tasks if not event.confirm} == {1, 2, 3}
    # Iteration 2 has no sibling left.
    assert [event.iteration for event in tasks if event.sibling] == [1] * 6
    assert [event.phase for event in tasks if event.confirm] == ["alpha"] * 5 + ["beta"] * 5


def begun(ran: Ran, root: Path) -> tuple[BatteryDir, Follower, Manifest]:
    """Make the folder as it was before the first call, and start to follow it."""
    folder = BatteryDir(root)
    manifest = ran.manifest.model_copy(update={"state": "running", "iterations_finished": 0})
    shutil.copy(ran.folder.tasks_path, folder.tasks_path)
    tasks = folder.read_tasks()
    assert tasks
    return folder, Follower(folder, tasks, manifest), manifest


def written(
    ran: Ran, folder: BatteryDir, manifest: Manifest, cuts: list[list[int]]
) -> Iterator[Manifest]:
    """Write the battery again, its journals cut into these pieces; yield after each write."""
    yield manifest
    for number, (journal, places) in enumerate(zip(ran.journals, cuts, strict=True), start=1):
        there, here = ran.folder.iteration(number), folder.iteration(number)
        here.root.mkdir()
        distill = journal.index(b'{"call":"distill"')
        ends = sorted({*places, distill, len(journal)})
        for start, end in zip([0, *ends], ends, strict=False):
            if start == distill:
                shutil.copy(there.root / "runs.json", here.root)
                yield manifest
            with here.journal.open("ab") as file:
                file.write(journal[start:end])
            yield manifest
        for name in ("metrics.json", "control/metrics.json"):
            (here.root / name).parent.mkdir(exist_ok=True)
            shutil.copy(there.root / name, here.root / name)
        manifest = manifest.model_copy(update={"iterations_finished": number})
        yield manifest


# Of a journal's length, which is another each time it is recorded: what is drawn must not depend on
# that, or an example that was kept means something else the next time.
SHARES = st.lists(st.floats(0, 1, exclude_min=True, exclude_max=True), max_size=12)


@settings(deadline=None, max_examples=25)
@given(shares=st.tuples(*[SHARES] * ITERATIONS))
def test_however_the_journal_grows_the_run_s_own_events_come_in_its_own_order(
    shares: tuple[list[float], ...], ran: Ran, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cuts = [
        [max(int(share * len(journal)), 1) for share in of_journal]
        for of_journal, journal in zip(shares, ran.journals, strict=True)
    ]
    folder, follower, manifest = begun(ran, tmp_path_factory.mktemp("b"))
    looks = written(ran, folder, manifest, cuts)
    told = [event for look in looks for event in follower.news(look)]
    assert told == ran.told


def test_a_stage_is_told_before_its_first_call_is_back(ran: Ran, tmp_path: Path) -> None:
    """A review takes minutes, and nobody should think that nothing happens."""
    folder, follower, manifest = begun(ran, tmp_path)
    stages: list[str] = []
    journal = ran.journals[0]
    ends = [place for place, byte in enumerate(journal, start=1) if byte == ord("\n")]
    for look in written(ran, folder, manifest, [ends, []]):
        list(follower.news(look))
        stage = follower.current.stage
        stages += [stage.name] if stage and [stage.name] != stages[-1:] else []
    assert stages[:6] == ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]


def test_the_first_look_sums_up_what_is_finished_and_marks_what_was_there(
    ran: Ran, tmp_path: Path
) -> None:
    folder, _, manifest = begun(ran, tmp_path)
    shutil.copytree(ran.folder.iteration(1).root, folder.iteration(1).root)
    half = ran.journals[1].splitlines(keepends=True)[:4]
    folder.iteration(2).root.mkdir()
    folder.iteration(2).journal.write_bytes(b"".join(half) + b'{"call":"resp')
    manifest = manifest.model_copy(update={"iterations_finished": 1})
    tasks = folder.read_tasks()
    assert tasks
    plan, first, *rest = Follower(folder, tasks, manifest).news(manifest)
    assert isinstance(plan, Plan)
    assert plan.on_disk == plan.calls_of(1) + 4
    assert isinstance(first, IterationFinished)
    calls = [event for event in rest if isinstance(event, TaskFinished)]
    assert [event.replayed for event in calls] == [True] * 4
    assert {event.iteration for event in calls} == {2}


def test_a_line_that_was_taken_back_and_came_again_is_told_once(ran: Ran, tmp_path: Path) -> None:
    folder, follower, manifest = begun(ran, tmp_path)
    lines = ran.journals[0].splitlines(keepends=True)
    folder.iteration(1).root.mkdir()
    journal = folder.iteration(1).journal
    list(follower.news(manifest))
    told: list[Event] = []
    again = lines[1].replace(b'"at":"', b'"at":"a little later, ')
    for content in (lines[:2], lines[:1], [lines[0], again], [lines[0], again, lines[2]]):
        journal.write_bytes(b"".join(content))
        told += [each for each in follower.news(manifest) if isinstance(each, TaskFinished)]
    assert [event for event in ran.told if isinstance(event, TaskFinished)][:3] == told


def test_of_a_folder_where_nothing_was_asked_yet_there_is_only_the_plan(
    ran: Ran, tmp_path: Path
) -> None:
    _, follower, manifest = begun(ran, tmp_path)
    assert list(follower.news(manifest)) == [ran.told[0]]
    assert list(follower.news(manifest)) == []


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe\n",
        b"[]\n",
        b"{}\n",
        b'{"call": []}\n',
        b'{"call": "respond", "task_id": "x", "repeat": 1, "phase": "delta"}\n',
        b'{"call": "respond", "task_id": "x", "repeat": 1, "phase": "beta", "task": 5}\n',
        b'{"call": "distill"}\n',
        json.dumps(
            {
                "call": "respond",
                "phase": Phase.BETA,
                "task": {"operation": "o"},
                "result": {"status": "great"},
            }
        ).encode()
        + b"\n",
    ],
)
def test_a_line_that_is_no_finished_call_is_an_error_that_names_the_file(
    line: bytes, ran: Ran, tmp_path: Path
) -> None:
    folder, follower, manifest = begun(ran, tmp_path)
    folder.iteration(1).root.mkdir()
    folder.iteration(1).journal.write_bytes(line)
    with pytest.raises(ArtifactError, match=r"iter_1/journal\.jsonl is not what a battery writes"):
        list(follower.news(manifest))


def test_a_journal_that_cannot_be_read_is_an_error_that_names_it(ran: Ran, tmp_path: Path) -> None:
    folder, follower, manifest = begun(ran, tmp_path)
    folder.iteration(1).journal.mkdir(parents=True)
    with pytest.raises(ArtifactError, match=r"cannot read .*journal\.jsonl: Is a directory"):
        list(follower.news(manifest))


def test_of_tasks_with_checks_a_watch_says_once_that_it_shows_claims(
    ran: Ran, tmp_path: Path
) -> None:
    folder, _, manifest = begun(ran, tmp_path)
    write_tasks(folder.tasks_path, 1, siblings=1, checks=[{"path": "status", "equals": "no"}])
    tasks = folder.read_tasks()
    assert tasks
    follower = Follower(folder, tasks, manifest)
    ends = [len(journal) for journal in ran.journals]
    told = [
        event
        for look in written(ran, folder, manifest, [[end // 2] for end in ends])
        for event in follower.news(look)
    ]
    notices = [event for event in told if isinstance(event, Notice)]
    assert len(notices) == 1
    assert "calls are shown as the system reports them" in notices[0].text
    # Nothing but the run grades.
    assert {event.result.checked for event in told if isinstance(event, TaskFinished)} == {None}
