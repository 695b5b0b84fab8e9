"""Runs at several deployments: one at a time at each, from a memory that was seen to be empty."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import BatteryError, EmptyingError
from battery.campaign import plan as planning
from battery.campaign.lease import DONE, Timing, state_of
from battery.campaign.plan import Campaign, Wanted, World
from battery.campaign.status import Observation
from battery.campaign.targets import began_at, state_of_target
from battery.campaign.verdict import judge
from battery.campaign.work import Worker
from battery.records.events import Event, Notice
from battery.target.kinds import read
from tests.campaign.hunt import Team
from tests.support.commands import start, write_tasks
from tests.support.pools import FORGOT, Pool, read_empty, serving_pool

pytestmark = pytest.mark.slow

WORLD = World({}, read)


def planned(
    root: Path, pool: Pool, *, runs: int = 6, lease_s: float = 60.0, **more: Any
) -> Campaign:
    write_tasks(root / "tasks.json", 1)
    reset = "prepare" not in more
    options = {"tasks": root / "tasks.json", "iterations": 1, **pool.options(), **more}
    wanted = Wanted(root / "c", runs, "cost", lease_s, options, reset=reset)
    return planning.make(wanted, WORLD, lambda _event: None)


def work(campaign: Campaign, slots: int = 2) -> list[str]:
    """Have a worker run what is left; return what it warned of. Raises `BatteryError`."""
    said: list[str] = []

    def tell(event: Event) -> None:
        if isinstance(event, Notice) and event.warning and "twin" not in event.text:
            said.append(event.text)

    worker = Worker(campaign, WORLD, lambda _cell: tell, Timing(5.0))
    try:
        asyncio.run(worker.work(slots, wait=True))
    except BatteryError as error:
        error.add_note("\n".join(said))
        raise
    return said


def states(campaign: Campaign) -> list[str | None]:
    return [state_of(campaign.cell(cell)) for cell in campaign.plan.cells]


def test_six_runs_of_two_workers_are_never_two_at_one_gateway_and_begin_after_a_reset(
    tmp_path: Path,
) -> None:
    with serving_pool() as pool:
        campaign = planned(tmp_path, pool)
        workers = [start("campaign", "worker", campaign.folder, "--wait") for _ in range(2)]
        for worker in workers:
            _, stderr = worker.communicate(timeout=100)
            assert worker.returncode == 0, stderr
        for gateway, twin in zip(pool.gateways, pool.twins, strict=True):
            stays = gateway.stays()
            # A reset before each run and nothing in between.
            assert stays[::2] == [FORGOT] * (len(stays) // 2)
            assert len(set(stays[1::2])) == len(stays) // 2 >= 2
            assert twin.stays() == stays
            # It was taught in each, so that the next would have known.
            assert gateway.lessons == 1
        assert Counter(pool.runs()) == Counter(map(campaign.run_id, campaign.plan.cells))
    assert states(campaign) == ["finished"] * 6
    assert read_empty(campaign.folder)["fingerprint"] == "lessons-0"
    assert {state_of_target(campaign, number).state for number in (1, 2)} == {"dirty"}
    # Where they were makes them no other system.
    assert not [text for text in judge(campaign).warnings if "differs from run" in text]


def test_whatever_happens_to_workers_no_run_is_emptied_or_shares_its_gateway(
    tmp_path: Path,
) -> None:
    counts: Counter[str] = Counter()
    with serving_pool() as pool:
        for gateway in (*pool.gateways, *pool.twins):
            gateway.delay = 0.08
        campaign = planned(tmp_path, pool, runs=3, iterations=2, lease_s=1.0)
        team = Team(campaign, random.Random(5), counts)
        try:
            team.run(faults=4)
        finally:
            team.end()
        for gateway in (*pool.gateways, *pool.twins):
            stays = gateway.stays()
            runs = [name for name in stays if name != FORGOT]
            assert len(runs) == len({*runs})
            assert all(before == FORGOT for before, name in pairwise(stays) if name != FORGOT)
            assert stays[:1] in ([], [FORGOT])
        assert Counter(pool.runs()) == Counter(map(campaign.run_id, campaign.plan.cells))
    assert states(campaign) == ["finished"] * 3
    assert counts["killed"] + counts["suspended"] > 0


def test_a_target_whose_reset_is_not_confirmed_is_not_used_again_and_the_others_go_on(
    tmp_path: Path,
) -> None:
    with serving_pool() as pool:
        campaign = planned(tmp_path, pool, runs=4)
        stubborn, other = pool.gateways
        stubborn.is_stubborn = True
        said = work(campaign)
        assert states(campaign) == ["finished"] * 4
        # It was empty before its first run, and never again.
        assert stubborn.stays() == [FORGOT, stubborn.log[1], FORGOT]
        assert len({*other.log} - {FORGOT}) == 3
        (warned,) = said
        assert f"target 1, {stubborn.url}, is not used again: the memory of the learner" in warned
        assert "shows the fingerprint lessons-1 after it was emptied" in warned
        lost, kept = Observation(campaign).look().targets
        assert (lost.state, lost.gateway, kept.state) == ("given_up", stubborn.url, "dirty")
        assert lost.why
        assert lost.why in warned


def test_when_no_target_is_left_the_campaign_stops_and_goes_on_once_one_is_cleared(
    tmp_path: Path,
) -> None:
    with serving_pool(1) as pool:
        campaign = planned(tmp_path, pool, runs=2)
        (gateway,) = pool.gateways
        gateway.is_stubborn = True
        for _ in range(2):
            with pytest.raises(EmptyingError) as caught:
                work(campaign)
            assert f"target 1, {gateway.url}: the memory of the learner" in caught.value.message
            assert f"remove {campaign.folder / 'targets' / '1'}" in (caught.value.hint or "")
        # The second time nobody was asked.
        assert gateway.log.count(FORGOT) == 2
        gateway.is_stubborn = False
        folder = campaign.folder / "targets" / "1"
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        assert work(campaign) == []
        assert states(campaign) == ["finished"] * 2


def test_where_nobody_answers_a_later_worker_tries_again(tmp_path: Path) -> None:
    with serving_pool(1) as pool:
        campaign = planned(tmp_path, pool, runs=2)
    with pytest.raises(EmptyingError, match="no target is left") as caught:
        work(campaign)
    assert "remove" not in (caught.value.hint or "")
    assert state_of_target(campaign, 1).state == "dirty"
    with pytest.raises(EmptyingError, match="cannot connect"):
        work(campaign)


def test_a_command_that_fails_is_no_reset(tmp_path: Path) -> None:
    with serving_pool() as pool:
        bad = pool.gateways[0].url
        command = f'case "$GATEWAY_URL" in {bad}) echo locked; exit 3;; esac'
        campaign = planned(tmp_path, pool, runs=1, prepare=command)
        (warned,) = work(campaign)
        assert "--prepare failed for the learner with exit code 3: locked" in warned
        assert (pool.gateways[0].log, states(campaign)) == ([], ["finished"])


def test_without_a_fingerprint_the_exit_code_counts_and_the_verdict_says_so(
    tmp_path: Path,
) -> None:
    with serving_pool(1) as pool:
        for gateway in (*pool.gateways, *pool.twins):
            gateway.has_fingerprint = False
        campaign = planned(tmp_path, pool, runs=2, prepare="true")
        (warned,) = work(campaign)
        assert f"{pool.gateways[0].url} offers no GET /v1/memory/fingerprint" in warned
        assert warned in judge(campaign).warnings
        (tmp_path / "reset").mkdir()
        other = planned(tmp_path / "reset", pool, runs=2)
        with pytest.raises(EmptyingError, match="so nothing confirms its reset"):
            work(other)


def test_a_killed_worker_s_run_goes_on_at_its_target_which_no_other_run_had_meanwhile(
    tmp_path: Path,
) -> None:
    with serving_pool() as pool:
        campaign = planned(tmp_path, pool, runs=4)
        held, reached, go_on = pool.gateways[0], threading.Event(), threading.Event()

        def stop(_path: str, _body: dict[str, Any]) -> None:
            if len(held.requests) == 3:
                reached.set()
                go_on.wait(60)

        held.before = stop
        process = start("campaign", "worker", campaign.folder)
        assert reached.wait(60)
        first = held.log[-1]
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        go_on.set()
        assert began_at(campaign, campaign.plan.cells[0]) == 1
        assert state_of_target(campaign, 1).run == 1
        work(campaign)
        assert set(states(campaign)) <= DONE
        assert held.stays()[:2] == [FORGOT, first]
        assert first not in pool.gateways[1].log
        assert len(pool.runs()) == 4


def test_a_run_that_stopped_keeps_its_target_from_all_others(tmp_path: Path) -> None:
    with serving_pool(1) as pool:
        campaign = planned(tmp_path, pool, runs=2)
        (gateway,) = pool.gateways
        asked: list[str] = []

        def fail(_path: str, _body: dict[str, Any]) -> None:
            asked.append(gateway.log[-1])
            if len(asked) == 3:
                raise OSError("hung up")

        gateway.before = fail
        with pytest.raises(BatteryError):
            work(campaign)
        assert states(campaign) == ["failed", None]
        assert state_of_target(campaign, 1).state == "reserved"
        assert work(campaign) == []
        assert gateway.stays() == [FORGOT, asked[0], FORGOT, gateway.log[-1]]
