"""How far the runs of a campaign are, from its folder alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from battery.base import jsonio
from battery.base.errors import BatteryError
from battery.campaign import lease as leases
from battery.campaign.lease import Ended, Timing
from battery.campaign.plan import Campaign
from battery.campaign.status import Observation, follow
from battery.recorded import open_battery
from battery.recorded.summary import summary_of
from battery.records.status import CampaignStatus, RunStatus
from battery.records.word import Word
from battery.runner.hold import Spent
from battery.runner.reviewer import write_metrics
from battery.store.artifacts import SUMMARY
from battery.store.battery_dir import BatteryDir
from tests.campaign.test_targets import PAIR, begun, planned
from tests.support.campaigns import campaign, leave, run
from tests.support.several import rewrite

#: Calls of a run of these campaigns: three tasks and as many siblings of each kind in both arms,
#: and three stages of review, in three iterations.
CALLS = 3 * (2 * 2 * 9 + 3)


def look(made: Campaign) -> CampaignStatus:
    return Observation(made).look()


def only(made: Campaign) -> RunStatus:
    """Look at a campaign, and return its first run."""
    return look(made).runs[0]


def spend(made: Campaign, epoch: int, spent: Spent, run: int = 1) -> None:
    """Write down what a run has spent, as its worker does."""
    cell = made.plan.cells[run - 1]
    (made.cell(cell) / f"spent.{epoch}").write_bytes(jsonio.dumps(spent._asdict()))


def test_a_campaign_that_has_not_begun_waits_and_the_next_command_runs_it(tmp_path: Path) -> None:
    made = campaign(tmp_path, (), runs=2)
    seen = look(made)
    assert [found.state for found in seen.runs] == ["waiting", "waiting"]
    assert (seen.done, seen.calls, seen.calls_planned) == (0, 0, 2 * CALLS)
    assert seen.next == f"battery campaign run {made.folder}"
    first = seen.runs[0]
    assert (first.epoch, first.worker, first.folder, first.iteration) == (0, None, None, None)


def test_how_a_worker_left_is_the_state_of_its_run_with_the_reason(tmp_path: Path) -> None:
    made = campaign(tmp_path, (), runs=5)
    ends: tuple[Ended, ...] = ("failed", "interrupted", "paused", "invalid")
    for cell, ended in zip(made.plan.cells, ends, strict=False):
        leave(made, cell, ended, f"why {ended}")
    leave(made, made.plan.cells[4], None)
    seen = look(made)
    assert [found.state for found in seen.runs] == [*ends, "running"]
    assert [found.why for found in seen.runs] == [*(f"why {ended}" for ended in ends), None]
    assert seen.runs[3].word is Word.INVALID
    holder = seen.runs[4].worker
    assert holder
    assert (holder.pid, holder.alive) == (os.getpid(), True)
    assert seen.next == f"battery campaign status {made.folder} --follow"


def test_a_run_under_way_tells_its_iteration_what_it_spent_and_its_effect(tmp_path: Path) -> None:
    made = campaign(tmp_path, (), runs=1)
    (cell,) = made.plan.cells
    root = run(made, cell, 0.25)
    (made.cell(cell) / "lease.1").unlink()
    leave(made, cell, None)
    rewrite(BatteryDir(root), state="running", iterations_finished=2)
    write_metrics(BatteryDir(root).iteration(2))
    spend(made, 1, Spent(80, 1234, 0.5))
    found = only(made)
    assert (found.state, found.iterations_finished, found.iteration) == ("running", 2, 3)
    assert (found.calls, found.calls_planned) == (80, CALLS)
    assert (found.tokens, found.cost_usd, found.word) == (1234, 0.5, None)
    assert found.effect == pytest.approx(0.75, abs=0.02)


def test_the_account_of_an_earlier_worker_counts_until_the_next_has_counted(tmp_path: Path) -> None:
    made = campaign(tmp_path, (), runs=1)
    (cell,) = made.plan.cells
    leave(made, cell, "interrupted")
    leave(made, cell, None)
    spend(made, 1, Spent(80, 1000))
    spend(made, 2, Spent(3, 30))
    found = only(made)
    assert (found.epoch, found.calls, found.tokens, found.cost_usd) == (2, 80, 1000, None)


def test_a_finished_run_has_its_own_word_and_effect(tmp_path: Path) -> None:
    made = campaign(tmp_path, (0.3,), runs=1)
    root = made.cell(made.plan.cells[0]) / "1"
    before = only(made)
    assert (before.state, before.word, before.effect) == ("finished", None, None)
    summary = summary_of(open_battery(BatteryDir(root)), report=False)
    SUMMARY.write(root, summary)
    found = only(made)
    assert summary.evidence
    assert found.word == summary.evidence.verdict
    assert found.effect == pytest.approx(0.7, abs=0.02)
    # Its folder holds no account: it has made all of its calls.
    assert found.calls == found.calls_planned == CALLS
    assert look(made).next == f"battery campaign verdict {made.folder}"


def test_a_run_that_was_asked_more_than_planned_has_as_many_planned(tmp_path: Path) -> None:
    made = campaign(tmp_path, (0.3,), runs=1)
    spend(made, 1, Spent(CALLS + 5, 1))
    assert only(made).calls_planned == CALLS + 5


def test_a_worker_whose_process_is_gone_is_silent_at_once(tmp_path: Path) -> None:
    made = campaign(tmp_path, (), runs=1)
    code = (
        "import sys; from pathlib import Path\n"
        "from battery.campaign.lease import Timing, Watch\n"
        "assert Watch(Timing(60.0)).take(Path(sys.argv[1]))"
    )
    folder = made.cell(made.plan.cells[0])
    subprocess.run([sys.executable, "-c", code, folder], check=True, timeout=60)
    found = only(made)
    assert found.worker
    assert (found.state, found.worker.alive) == ("silent", False)
    # A run takes it over.
    assert look(made).next == f"battery campaign run {made.folder}"


def test_a_worker_of_another_host_is_silent_once_its_lease_has_not_changed_for_its_length(
    tmp_path: Path,
) -> None:
    made = campaign(tmp_path, (), runs=1)
    path = leave(made, made.plan.cells[0], None) / "lease.1"
    note = json.loads(path.read_bytes())
    path.write_text(json.dumps(note | {"host": "elsewhere", "space": "another"}))
    now = 1000.0
    observation = Observation(made, Timing(60.0, lambda: now))
    found = observation.look().runs[0]
    assert found.worker
    assert (found.state, found.worker.alive) == ("running", None)
    now += 59
    assert observation.look().runs[0].state == "running"
    os.utime(path, (5, 5))
    now += 59
    assert observation.look().runs[0].state == "running"
    now += 60
    assert observation.look().runs[0].state == "silent"


def test_a_lease_of_which_nothing_can_be_read_is_somebodys(tmp_path: Path) -> None:
    made = campaign(tmp_path, (), runs=1)
    (leave(made, made.plan.cells[0], None) / "lease.1").write_bytes(b"")
    found = only(made)
    assert (found.state, found.worker) == ("running", None)


def test_a_run_that_came_to_its_end_is_read_once(tmp_path: Path) -> None:
    made = campaign(tmp_path, (0.3,), runs=2)
    observation = Observation(made)
    first = observation.look().runs[0]
    shutil.rmtree(made.cell(made.plan.cells[0]))
    assert observation.look().runs[0] is first


def test_a_battery_that_is_being_taken_over_is_no_error(tmp_path: Path) -> None:
    made = campaign(tmp_path, (), runs=1)
    folder = leave(made, made.plan.cells[0], None)
    (folder / "1").mkdir()
    assert only(made).state == "running"


def test_spent_and_caps_are_added_up_over_runs(tmp_path: Path) -> None:
    made = campaign(tmp_path, (), runs=3, max_tokens=100)
    for cell in made.plan.cells[:2]:
        leave(made, cell, "paused", "paused at --max-tokens 100")
        spend(made, 1, Spent(7, 60, 0.25), cell.number)
    seen = look(made)
    assert (seen.calls, seen.tokens, seen.cost_usd, seen.max_tokens) == (14, 120, 0.5, 100)
    assert leases.state_of(made.cell(made.plan.cells[0])) == "paused"
    assert seen.next == f"battery campaign run {made.folder} --max-tokens N"


def test_a_run_says_at_which_deployment_it_began(tmp_path: Path) -> None:
    made = planned(tmp_path, **PAIR)
    begun(made, made.plan.cells[0], 2)
    assert [found.target for found in look(made).runs] == [2, None, None, None, None]


def test_following_ends_with_the_last_run(tmp_path: Path) -> None:
    made = campaign(tmp_path, (0.3,), runs=2)
    shown: list[CampaignStatus] = []
    timing = Timing(60.0, lambda: 0.0)
    last = follow(
        Observation(made, timing),
        shown.append,
        wait=False,
        pause=lambda: finish(made, 2),
        timing=timing,
    )
    assert [seen.done for seen in shown] == [1, 2]
    assert last is shown[-1]


def finish(made: Campaign, number: int) -> None:
    run(made, made.plan.cells[number - 1], 0.25)


@pytest.mark.parametrize(("ended", "code"), [("interrupted", 1), ("paused", 4)])
def test_following_ends_with_an_error_where_nobody_works_for_the_length_of_a_lease(
    tmp_path: Path, ended: Ended, code: int
) -> None:
    made = campaign(tmp_path, (0.3,), runs=2)
    leave(made, made.plan.cells[1], ended)
    now = 0.0

    def pause() -> None:
        nonlocal now
        now += 20

    timing = Timing(60.0, lambda: now)
    observation = Observation(made, timing)
    with pytest.raises(BatteryError, match="1 of 2 runs are finished") as caught:
        follow(observation, lambda _status: None, wait=False, pause=pause, timing=timing)
    assert (now, caught.value.exit_code) == (60, code)
    assert caught.value.hint == f"go on with: battery campaign run {made.folder}"
