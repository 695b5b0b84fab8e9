from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from battery.embedded.actions import Fill, GiveUp
from battery.embedded.spec import read_spec
from battery.embedded.tools import audit, roster, supply
from battery.embedded.world import Worker, World
from battery.protocol.wire import Json
from tests.embedded.helpers import SEED, fitting, people, specs

WORLD = World(SEED)
SPEC: Json = {"role": "Welder", "count": 1, "city": "Toledo, OH"}


def somebody(**asked: Any) -> Worker:
    """Pick the first worker who has these attributes."""
    return next(
        worker
        for worker in people()
        if all(getattr(worker, name) == value for name, value in asked.items())
    )


WELDER = somebody(role="Welder", city="Toledo, OH")


@pytest.mark.parametrize(
    ("change", "worker", "finding"),
    [
        ({}, somebody(role="Painter", city="Toledo, OH"), "is a Painter, not a Welder"),
        ({}, somebody(role="Welder", city="Davenport, IA"), "miles away, 0 are allowed"),
        ({"certificate": "Pilot"}, WELDER, "does not hold Pilot"),
        ({"by": "2025-12-31"}, WELDER, "is available from"),
        ({"max_pay": 1}, WELDER, "dollars an hour"),
        ({"count": 2}, WELDER, "1 proposed, 2 asked for"),
    ],
)
def test_a_fill_that_breaks_a_condition_is_found_out(
    change: Json, worker: Worker, finding: str
) -> None:
    findings = audit(WORLD, read_spec(SPEC | change), Fill(workers=(worker.id,)))
    assert len(findings) == 1
    assert finding in findings[0]


def test_an_invented_worker_and_one_sent_twice_are_found_out() -> None:
    spec = read_spec(SPEC | {"count": 2})
    assert audit(WORLD, spec, Fill(workers=("Bob", WELDER.id))) == ["Bob is not in the database."]
    twice = audit(WORLD, spec, Fill(workers=(WELDER.id, WELDER.id)))
    assert twice == ["Somebody is proposed twice."]


def test_a_give_up_is_found_out_when_there_is_supply_under_other_words() -> None:
    spec = read_spec({"role": "Tin Knocker", "count": 2, "city": "Pittsburgh, PA"})
    (finding,) = audit(WORLD, spec, GiveUp(reason="none"))
    assert "5 people" in finding
    # The finding must not do the overseer's work.
    assert "Sheet Metal" not in finding


@given(spec=specs())
@settings(deadline=None, max_examples=40)
def test_supply_and_audit_agree_with_a_look_at_everybody(spec: Json) -> None:
    wanted = read_spec(spec)
    able = sorted(fitting(wanted))
    assert supply(WORLD, wanted) == len(able)
    assert (not audit(WORLD, wanted, GiveUp(reason=""))) == (len(able) < wanted.count)
    if len(able) >= wanted.count:
        assert audit(WORLD, wanted, Fill(workers=tuple(able[: wanted.count]))) == []


def test_the_roster_shows_each_person_with_their_distance() -> None:
    spec = read_spec(SPEC | {"city": "Maumee, OH", "radius_miles": 20})
    (shown,) = roster(WORLD, spec, (WELDER.id,))
    assert shown["id"] == WELDER.id
    assert shown["miles"] == pytest.approx(8.4, abs=0.2)
