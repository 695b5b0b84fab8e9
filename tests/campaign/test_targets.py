"""Where runs take place: one at a time at a deployment, any number where none is shared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import EmptyingError, MismatchError
from battery.campaign import plan as planning
from battery.campaign.lease import Timing, Watch
from battery.campaign.plan import Campaign, Wanted, World
from battery.campaign.targets import (
    Seat,
    Seats,
    began_at,
    folder_of_target,
    occupied,
    state_of_target,
)
from battery.records.plan import Cell
from battery.store.battery_dir import BatteryDir
from battery.target.kinds import read
from tests.support import campaigns
from tests.support.commands import write_tasks
from tests.support.several import rewrite

WORLD = World({}, read)
URLS = ("http://localhost:1", "http://localhost:2")
PAIR = {"gateway": URLS, "llm_team": URLS, "prepare": "./reset"}


def planned(folder: Path, **options: Any) -> Campaign:
    tasks = write_tasks(folder / "tasks.json")
    wanted = Wanted(folder / "c", 5, "cost", 60.0, {"tasks": tasks, **options})
    return planning.make(wanted, WORLD, lambda _event: None)


def seats(campaign: Campaign) -> Seats:
    """Return the seats as a worker sees them that begins now."""
    return Seats(campaign, Watch(Timing(60.0)), WORLD)


def take(there: Seats, cell: Cell) -> Seat | None:
    return there.take(cell, there.rooms())


def is_now(campaign: Campaign) -> tuple[str, int | None, str | None]:
    """Return how the first target is: its state, its run, and why it is given up."""
    target = state_of_target(campaign, 1)
    return target.state, target.run, target.why


def begun(campaign: Campaign, cell: Cell, number: int) -> None:
    """Leave a run that stopped in the middle at a target."""
    root = campaigns.run(campaign, cell, 0.3)
    campaigns.leave(campaign, cell, "interrupted")
    rewrite(BatteryDir(root), targets=campaign.plan.targets[number - 1].targets)


def test_as_many_runs_take_place_at_a_time_as_there_are_targets_that_they_share(
    tmp_path: Path,
) -> None:
    for name in ("one", "two", "own"):
        (tmp_path / name).mkdir()
    assert seats(planned(tmp_path / "one", gateway=URLS[0], prepare="./reset")).most == 1
    assert seats(planned(tmp_path / "two", **PAIR)).most == 2
    assert seats(planned(tmp_path / "own")).most is None


def test_a_live_gateway_has_one_seat_which_is_free_again_once_it_is_released(
    tmp_path: Path,
) -> None:
    campaign = planned(tmp_path, gateway=URLS[0], prepare="./reset")
    there, (one, two, *_) = seats(campaign), campaign.plan.cells
    assert state_of_target(campaign, 1).state == "unused"
    first = take(there, one)
    assert first
    assert is_now(campaign) == ("held", 1, None)
    assert take(there, two) is None
    first.release()
    assert is_now(campaign) == ("dirty", 1, None)
    assert take(there, two)


@pytest.mark.parametrize("target", [None, "exec:cat {verb}", "openai:http://localhost:1/v1"])
def test_systems_that_begin_anew_have_room_for_all(tmp_path: Path, target: str | None) -> None:
    campaign = planned(tmp_path, gateway=target)
    there = seats(campaign)
    taken = [take(there, cell) for cell in campaign.plan.cells]
    assert [seat and (seat.number, seat.leases) for seat in taken] == [(1, ())] * 5


def test_several_deployments_have_a_seat_each(tmp_path: Path) -> None:
    campaign = planned(tmp_path, gateway=[f"openai:{url}/v1" for url in URLS])
    there = seats(campaign)
    taken = [take(there, cell) for cell in campaign.plan.cells[:3]]
    assert [seat and seat.target for seat in taken] == [*campaign.plan.targets, None]


def test_a_run_goes_on_where_it_began_and_no_other_run_takes_place_there(tmp_path: Path) -> None:
    campaign = planned(tmp_path, **PAIR)
    one, two, three, *_ = campaign.plan.cells
    begun(campaign, one, 2)
    assert (began_at(campaign, one), began_at(campaign, two)) == (2, None)
    assert occupied(campaign) == {2: 1}
    there = seats(campaign)
    other = take(there, two)
    assert other
    assert other.number == 1
    assert take(there, three) is None
    own = take(there, one)
    assert own
    assert own.number == 2
    assert there.is_right(own, one)
    assert not there.is_right(other, one)


def test_a_run_that_nobody_goes_on_with_is_not_waited_for(tmp_path: Path) -> None:
    campaign = planned(tmp_path, gateway=URLS[0], prepare="./reset")
    one, two, *_ = campaign.plan.cells
    begun(campaign, one, 1)
    there = seats(campaign)
    assert there.may_come(two, [])
    assert there.may_come(one, [])
    assert not there.may_come(two, [1])


def test_a_target_that_is_given_up_has_no_room_until_its_folder_is_removed(tmp_path: Path) -> None:
    campaign = planned(tmp_path, **PAIR)
    there, (one, two, *_) = seats(campaign), campaign.plan.cells
    first = take(there, one)
    assert first
    text = first.give_up(EmptyingError("it was not emptied"))
    assert text == f"target 1, {URLS[0]}, is not used again: it was not emptied"
    assert is_now(campaign) == ("given_up", 1, "it was not emptied")
    for later in (there, seats(campaign)):
        assert later.rooms() == [2]
        later.require_any()
        # Who looked a moment ago does not get it either, and leaves it as it was.
        assert later.take(two, [1]) is None
        assert state_of_target(campaign, 1).state == "given_up"
    second = take(there, two)
    assert second
    second.give_up(EmptyingError("nor was this one"))
    with pytest.raises(EmptyingError) as caught:
        there.require_any()
    assert "no target is left" in caught.value.message
    assert f"{URLS[1]}: nor was this one" in caught.value.message
    for path in folder_of_target(campaign, 1).iterdir():
        path.unlink()
    assert there.rooms() == [1]


def test_a_target_where_nobody_answered_is_for_later_workers(tmp_path: Path) -> None:
    campaign = planned(tmp_path, **PAIR)
    there = seats(campaign)
    seat = take(there, campaign.plan.cells[0])
    assert seat
    text = seat.give_up(EmptyingError("cannot connect", is_final=False))
    assert "is not used again by the workers that are running now" in text
    assert there.rooms() == [2]
    assert seats(campaign).rooms() == [1, 2]


def test_a_run_whose_target_is_given_up_is_not_begun_anew_without_a_word(tmp_path: Path) -> None:
    campaign = planned(tmp_path, **PAIR)
    there, (one, two, *_) = seats(campaign), campaign.plan.cells
    seat = take(there, one)
    assert seat
    seat.give_up(EmptyingError("it was not emptied"))
    begun(campaign, two, 1)
    with pytest.raises(EmptyingError) as caught:
        take(there, two)
    assert caught.value.message.startswith(
        f"run 2 began at target 1, {URLS[0]}, which was given up"
    )
    assert str(campaign.cell(two)) in (caught.value.hint or "")


def test_a_run_that_began_at_no_planned_target_is_refused(tmp_path: Path) -> None:
    campaign = planned(tmp_path, gateway=URLS[0], prepare="./reset")
    cell = campaign.plan.cells[0]
    begun(campaign, cell, 1)
    own = BatteryDir(campaign.cell(cell) / "1")
    rewrite(own, targets={"gateway": "http://localhost:9", "llm_team": "http://localhost:9"})
    with pytest.raises(MismatchError, match="http://localhost:9, which is no target of"):
        take(seats(campaign), cell)
