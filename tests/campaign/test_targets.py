"""Where runs take place: one at a time at a deployment, any number where none is shared."""

from __future__ import annotations

from pathlib import Path

import pytest

from battery.campaign import plan as planning
from battery.campaign.lease import Timing, Watch
from battery.campaign.plan import Wanted, World
from battery.campaign.targets import Seats
from battery.target.kinds import read
from tests.support.commands import write_tasks

WORLD = World({}, read)


def seats(folder: Path, **options: object) -> Seats:
    tasks = write_tasks(folder / "tasks.json")
    wanted = Wanted(folder / "c", 5, "cost", 60.0, {"tasks": tasks, **options})
    campaign = planning.make(wanted, WORLD, lambda _event: None)
    settings = campaign.settings(campaign.plan.cells[0], WORLD)
    return Seats(campaign, Watch(Timing(60.0)), settings)


def test_a_live_gateway_has_one_seat_which_is_free_again_once_it_is_released(
    tmp_path: Path,
) -> None:
    live = seats(tmp_path, gateway="http://localhost:1", prepare="./reset")
    (first,) = live.take() or ()
    assert live.take() is None
    first.release("finished")
    assert live.take()


@pytest.mark.parametrize("target", [None, "exec:cat {verb}", "openai:http://localhost:1/v1"])
def test_systems_that_begin_anew_have_room_for_all(tmp_path: Path, target: str | None) -> None:
    fresh = seats(tmp_path, gateway=target)
    assert [fresh.take() for _ in range(3)] == [(), (), ()]
