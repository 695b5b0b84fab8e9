"""What all runs have spent is known to each worker, and the caps hold for all of them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path

import pytest

from battery.base.errors import BatteryError, PausedError
from battery.campaign.plan import Campaign
from battery.campaign.spent import Caps, Ledger, caps_of, read, tell_of_change
from battery.records.events import Event, Notice
from battery.runner.hold import Spent
from tests.support import campaigns


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """Plan a campaign in which the holders of two runs have begun."""
    made = campaigns.campaign(tmp_path, [], max_tokens=100)
    for cell in made.plan.cells[:2]:
        campaigns.leave(made, cell, None)
    return made


def standing() -> float:
    """Be a clock by which reading takes no time, so that all is always read again."""
    return 0.0


def test_two_workers_know_what_the_other_has_spent(campaign: Campaign) -> None:
    first, second = (Ledger(campaign, Caps(100), standing) for _ in range(2))
    one, two, *_ = campaign.plan.cells
    with first.account(one, 1) as others_of_one, second.account(two, 1) as others_of_two:
        assert others_of_one(Spent(3, 30, 0.5)) == Spent()
        assert others_of_two(Spent(2, 60)) == Spent(3, 30, 0.5)
        first.require()
        assert others_of_one(Spent(4, 40, 0.5)) == Spent(2, 60)
        for ledger in (first, second):
            with pytest.raises(PausedError, match="100 tokens are spent; 0 of 5 runs are"):
                ledger.require()
    assert Ledger(campaign, Caps(), standing).total() == Spent(6, 100, 0.5)


def test_what_others_spend_is_read_again_after_a_second_at_the_latest(campaign: Campaign) -> None:
    now = [0.0]

    def slow() -> float:
        now[0] += 0.2
        return now[0]

    reading, writing = Ledger(campaign, Caps(), slow), Ledger(campaign, Caps(), standing)
    assert reading.total() == Spent()
    with writing.account(campaign.plan.cells[0], 1) as others:
        others(Spent(1, 10))
        assert reading.total() == Spent()
        now[0] += 1.0
        assert reading.total() == Spent(1, 10)


def still() -> Callable[[], float]:
    """Make a clock by which reading takes long, and nothing else takes any time."""
    ticks = chain([0.0, 1.0], repeat(1.0))
    return lambda: next(ticks)


def test_near_a_cap_what_others_have_spent_is_read_each_time(campaign: Campaign) -> None:
    one, two, *_ = campaign.plan.cells
    reading, writing = Ledger(campaign, Caps(1000), still()), Ledger(campaign, Caps(), standing)
    with reading.account(one, 1) as others_of_one, writing.account(two, 1) as others_of_two:
        others_of_one(Spent(1, 10))
        others_of_two(Spent(1, 10))
        # Five runs that spent twice as much as this one are far from the cap.
        assert others_of_one(Spent(2, 20)) == Spent()
        others_of_two(Spent(80, 800))
        # As far as is known here, 190 of 1000 are spent, and the other 4 runs may have got there.
        assert others_of_one(Spent(19, 190)) == Spent(80, 800)
        others_of_two(Spent(81, 810))
        with pytest.raises(PausedError, match="1,000 tokens are spent"):
            reading.require()


def test_who_takes_over_has_spent_what_the_last_holder_wrote_until_it_has_counted(
    campaign: Campaign,
) -> None:
    ledger, (cell, *_) = Ledger(campaign, Caps(50), standing), campaign.plan.cells
    with ledger.account(cell, 1) as others:
        others(Spent(5, 50))
    with Ledger(campaign, Caps(50), standing).account(cell, 2) as others:
        # While it reads what is on record.
        others(Spent(1, 10))
        with pytest.raises(PausedError):
            ledger.require()
        others(Spent(6, 60))
    assert read(campaign.cell(cell)) == Spent(6, 60)


def test_what_nobody_can_read_is_no_zero(campaign: Campaign) -> None:
    (campaign.cell(campaign.plan.cells[0]) / "spent.1").write_text("{")
    with pytest.raises(BatteryError, match="does not say what the run has spent"):
        Ledger(campaign, Caps(100)).require()


def test_a_cap_of_the_command_goes_before_that_of_the_plan_and_is_said(campaign: Campaign) -> None:
    told: list[Event] = []
    assert caps_of(campaign, Caps()) == Caps(100)
    tell_of_change(campaign, caps_of(campaign, Caps()), told.append)
    assert told == []
    caps = caps_of(campaign, Caps(2000))
    assert caps == Caps(2000)
    tell_of_change(campaign, caps, told.append)
    (notice,) = told
    assert isinstance(notice, Notice)
    assert "--max-tokens 2,000" in notice.text
    assert "instead of the planned 100" in notice.text
