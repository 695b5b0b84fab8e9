"""A run goes on from what is on disk, and its manifest says how far it came."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import (
    ArtifactError,
    BrokenAnswerError,
    CallError,
    CheckError,
    FolderError,
    TasksError,
)
from battery.inputs.settings import Settings
from battery.records.events import Event, IterationFinished, Notice, TaskFinished
from battery.records.manifest import Manifest
from battery.records.models import LEARN
from battery.runner.run import dry_run, iterate, run
from battery.store.artifacts import SUMMARY
from battery.store.battery_dir import BatteryDir
from battery.store.journal import Journal
from battery.target.kinds import read
from tests.support import notes
from tests.support.commands import write_tasks

pytestmark = pytest.mark.slow

AGENT = "def respond(task): return 'no'"


def manifest(settings: Settings) -> Manifest:
    read = BatteryDir(settings.folder).read_manifest()
    assert read
    return read


def test_a_finished_run_returns_its_summary_and_says_so_in_the_manifest(settings: Settings) -> None:
    summary = asyncio.run(run(settings, lambda _event: None))
    assert [metrics.total_tasks for metrics in summary.iterations] == [3]
    assert (manifest(settings).state, summary.state) == ("finished", "finished")
    assert (settings.folder / "report.html").exists()


def test_a_dry_run_lists_the_calls_that_the_run_then_makes_and_makes_none(
    settings: Settings,
) -> None:
    seeded = replace(settings, seed=7)
    outlook = dry_run(seeded, lambda _event: None)
    assert notes.CALLS == []
    assert not settings.folder.exists()
    asyncio.run(run(seeded, lambda _event: None))
    assert len(outlook.calls) == outlook.plan.calls == len(notes.CALLS)
    asked = [(call.arm, call.label) for call in outlook.calls if call.arm]
    assert asked == notes.CALLS[: len(asked)]


def test_a_run_that_breaks_off_is_marked_and_a_resume_asks_only_what_is_missing(
    settings: Settings,
) -> None:
    notes.BROKEN.add("beta_drift 0")
    with pytest.raises(BrokenAnswerError) as caught:
        asyncio.run(run(settings, lambda _event: None))
    assert "--resume" in (caught.value.hint or "")
    assert manifest(settings).state == "failed"
    notes.BROKEN.clear()
    before = len(notes.CALLS)
    asyncio.run(run(replace(settings, resume=True), lambda _event: None))
    assert manifest(settings).state == "finished"
    # The call that broke off is asked again, the finished ones are not.
    assert len(notes.CALLS) - 1 == 2 * 3 + 3
    assert len(notes.CALLS) > before


def test_iterate_adds_one_iteration_and_a_new_run_moves_the_finished_battery_away(
    settings: Settings,
) -> None:
    asyncio.run(run(settings, lambda _event: None))
    assert len(asyncio.run(iterate(settings, lambda _event: None)).iterations) == 2
    told: list[Event] = []
    assert len(asyncio.run(run(settings, told.append)).iterations) == 1
    moved = [event.text for event in told if isinstance(event, Notice) and event.warning]
    assert any("was moved to" in text for text in moved)


def local(settings: Settings, tmp_path: Path, name: str = "respond") -> Settings:
    target = read(f"python:{tmp_path / 'agent.py'}:{name}", {})
    return replace(settings, gateway=target, no_control=True)


def warnings(told: list[Event]) -> list[str]:
    return [event.text for event in told if isinstance(event, Notice) and event.warning]


def test_a_target_that_cannot_begin_leaves_the_finished_battery_where_it_is(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "agent.py").write_text(AGENT)
    asyncio.run(run(local(settings, tmp_path), lambda _event: None))
    told: list[Event] = []
    with pytest.raises(CallError, match="has no respnod; it has respond"):
        asyncio.run(run(local(settings, tmp_path, "respnod"), told.append))
    assert manifest(settings).state == "finished"
    assert not (settings.folder / "archive").exists()
    assert not warnings(told)


def test_a_target_is_looked_at_once_also_before_a_finished_battery_makes_room(
    settings: Settings, tmp_path: Path
) -> None:
    """A system that battery starts may take a minute to come up."""
    made = tmp_path / "made"
    (tmp_path / "agent.py").write_text(f"open({str(made)!r}, 'a').write('.')\n{AGENT}")
    for looks_and_uses in (2, 4):
        asyncio.run(run(local(settings, tmp_path), lambda _event: None))
        assert len(made.read_text()) == looks_and_uses


def test_an_agent_that_was_edited_is_told_and_stays_on_record(
    settings: Settings, tmp_path: Path
) -> None:
    agent = tmp_path / "agent.py"
    agent.write_text(AGENT)
    mine = local(settings, tmp_path)
    asyncio.run(run(mine, lambda _event: None))
    told: list[Event] = []
    asyncio.run(iterate(mine, told.append))
    assert not [text for text in warnings(told) if "edited" in text]
    agent.write_text(AGENT.replace("no", "yes"))
    asyncio.run(iterate(mine, told.append))
    (edited,) = (text for text in warnings(told) if "edited" in text)
    assert edited.startswith(f"{agent} was edited, so it is another system from iteration 3 on")
    assert edited in manifest(settings).notes
    told.clear()
    asyncio.run(iterate(mine, told.append))
    assert not [text for text in warnings(told) if "edited" in text]


def test_iterate_needs_a_manifest(settings: Settings) -> None:
    with pytest.raises(FolderError, match="there is no battery in"):
        asyncio.run(iterate(settings, lambda _event: None))
    (settings.folder / "iter_1").mkdir(parents=True)
    with pytest.raises(FolderError, match=r"no battery\.json") as refused:
        asyncio.run(iterate(settings, lambda _event: None))
    assert refused.value.hint is not None
    assert "`battery iterate` cannot" in refused.value.hint


@pytest.mark.parametrize("resume", [True, False])
def test_a_file_that_could_not_be_written_later_is_named_before_the_first_call(
    settings: Settings, resume: bool
) -> None:
    if resume:
        notes.BROKEN.add("beta_drift 0")
        with pytest.raises(BrokenAnswerError):
            asyncio.run(run(settings, lambda _event: None))
        notes.BROKEN.clear()
        notes.CALLS.clear()
    blocked = settings.folder / ("iter_1/overseer_review.md" if resume else "report.html")
    blocked.mkdir(parents=True)
    with pytest.raises(ArtifactError, match=blocked.name):
        asyncio.run(run(replace(settings, resume=resume), lambda _event: None))
    assert notes.CALLS == []
    blocked.rmdir()
    asyncio.run(run(replace(settings, resume=resume), lambda _event: None))
    assert manifest(settings).state == "finished"


def test_an_iteration_that_cannot_be_read_any_more_is_named_before_one_is_added(
    settings: Settings,
) -> None:
    asyncio.run(run(settings, lambda _event: None))
    notes.CALLS.clear()
    (settings.folder / "iter_1" / "control" / "runs.json").write_text("[", "utf-8")
    with pytest.raises(ArtifactError, match=r"iter_1/control/runs\.json"):
        asyncio.run(iterate(settings, lambda _event: None))
    assert notes.CALLS == []
    assert manifest(settings).state == "finished"


def test_a_page_that_cannot_be_written_any_more_leaves_a_finished_battery(
    settings: Settings,
) -> None:
    def block(event: Event) -> None:
        if isinstance(event, IterationFinished):
            (settings.folder / "report.html").mkdir()

    with pytest.raises(ArtifactError, match=r"report\.html"):
        asyncio.run(run(settings, block))
    assert manifest(settings).state == "finished"
    assert SUMMARY.read(settings.folder).state == "finished"


# Checks


def checked(settings: Settings, code: str, **more: Any) -> None:
    """Hold the tasks to a function of a Python file next to the tasks file."""
    assert settings.tasks_path
    (settings.tasks_path.parent / "look.py").write_text(f"def look(task, answer):\n    {code}\n")
    checks = [{"python": "look.py:look"}]
    write_tasks(settings.tasks_path, 1, **{"checks": checks, **more})


def statuses(settings: Settings) -> list[str]:
    runs = BatteryDir(settings.folder).iteration(1).read_runs()
    return [run.result.status for run in runs]


def test_a_check_that_breaks_stops_the_run_before_the_next_call_and_a_resume_asks_nothing_twice(
    settings: Settings,
) -> None:
    checked(settings, "raise RuntimeError('no database')")
    with pytest.raises(CheckError, match="no database") as caught:
        asyncio.run(run(settings, lambda _event: None))
    assert "--resume" in (caught.value.hint or "")
    assert len(notes.CALLS) == 1, "the twin would be asked next"
    # The answer is kept, and not held against anyone.
    assert manifest(settings).state == "failed"
    with Journal(BatteryDir(settings.folder).iteration(1).journal) as journal:
        assert journal.calls == 1
    checked(settings, "return task['operation'] == 'alpha_baseline 0'")
    told: list[Event] = []
    asyncio.run(run(replace(settings, resume=True), told.append))
    assert Counter(notes.CALLS).most_common(1)[0][1] == 1
    assert statuses(settings) == ["ok", "failed", "failed"]
    results = [event.result for event in told if isinstance(event, TaskFinished)]
    assert [result.refuted is None for result in results] == [True] * 2 + [False] * 4
    # The one answer is in the journal, where answers have no grade that could have changed.
    assert not any("answers again" in event.text for event in told if isinstance(event, Notice))


@pytest.mark.parametrize("finished", [True, False])
def test_a_resume_with_other_checks_says_so_and_grades_again_what_is_on_disk(
    settings: Settings, finished: bool
) -> None:
    checked(settings, "return True")
    asyncio.run(run(settings, lambda _event: None))
    before = manifest(settings)
    assert statuses(settings) == ["ok", "ok", "failed"]
    checked(settings, "return 'no such worker'")
    calls, told = len(notes.CALLS), list[Event]()
    more = replace(settings, resume=True, iterations=1 if finished else 2)
    asyncio.run(run(more, told.append))
    assert (len(notes.CALLS) == calls) == finished
    assert statuses(settings) == ["failed", "failed", "failed"]
    step = BatteryDir(settings.folder).iteration(1)
    assert step.read_metrics().ok_tasks == 0
    texts = [event.text for event in told if isinstance(event, Notice)]
    assert (
        "the checks, their files or the prices changed; the answers on disk are graded again"
        in texts
    )
    assert any(
        text.startswith(
            "graded 6 answers again; 6 have another grade now: alpha_baseline 0 was ok and is bluff"
        )
        for text in texts
    )
    after = manifest(settings)
    assert (after.tasks_digest, after.state) == (before.tasks_digest, "finished")
    assert after.scoring_digest not in {None, before.scoring_digest}
    told.clear()
    asyncio.run(run(replace(more, iterations=None), told.append))
    assert not any("again" in event.text for event in told if isinstance(event, Notice))


def test_checks_that_cannot_be_used_are_refused_before_the_first_call(settings: Settings) -> None:
    checked(settings, "return True", checks=[{"path": "a", "matches": "("}])
    with pytest.raises(TasksError, match="unterminated subpattern"):
        asyncio.run(run(settings, lambda _event: None))
    with pytest.raises(TasksError, match=r"alpha_baseline\[0\]\.checks\[0\]\.matches"):
        dry_run(settings, lambda _event: None)
    assert notes.CALLS == []
    assert not settings.folder.exists()


def test_iterate_asks_the_next_sibling_and_says_where_there_is_none(settings: Settings) -> None:
    assert settings.tasks_path
    write_tasks(settings.tasks_path, 1, siblings=2)
    told: list[Event] = []
    asyncio.run(run(settings, told.append))
    assert not [event for event in told if isinstance(event, Notice) and "siblings" in event.text]
    asyncio.run(iterate(settings, told.append))
    assert (LEARN, "alpha_baseline 0 new 2") in notes.CALLS
    asyncio.run(iterate(settings, told.append))
    short = [event.text for event in told if isinstance(event, Notice) and "siblings" in event.text]
    assert short == [
        "3 of the 3 tasks with siblings have fewer of them than there are iterations (3): "
        "from iteration 3 on, there are fewer new tasks"
    ]
    assert Counter(notes.CALLS)[LEARN, "alpha_baseline 0 new 1"] == 1
