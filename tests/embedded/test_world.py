"""The database, what words of a trade mean in it, and the audit that has the last word."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.embedded.catalog import (
    CITIES,
    LADDERS,
    ROLE_NAMES,
    TRADE_NAMES,
    accepted_certificates,
    canonical_role,
)
from battery.embedded.forms import Fill, GiveUp, Search, read_spec
from battery.embedded.people import FIRST_DAY, LAST_DAY, WORKERS, Worker
from battery.embedded.world import (
    World,
    audit,
    facts,
    roster,
    settling_search,
    supply,
)
from battery.protocol import Json
from tests.embedded.helpers import SEED, distance, fitting, people, specs


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with closing(World(SEED)) as world:
        yield world


def test_a_world_has_two_thousand_people_of_thirty_roles_in_forty_cities() -> None:
    assert WORKERS == len(people()) == 2000
    assert {worker.role for worker in people()} == set(ROLE_NAMES)
    assert {worker.city for worker in people()} == set(CITIES)
    assert (len(ROLE_NAMES), len(CITIES)) == (30, 40)


def test_the_default_world_is_the_same_on_every_machine() -> None:
    """The shipped tasks are written for these very people."""
    digest = hashlib.sha256(repr(people()).encode()).hexdigest()
    assert digest.startswith("9639d549f9069374")


def test_another_seed_makes_other_people(world: World) -> None:
    ids = ("W0001", "W0002", "W0003")
    with closing(World(SEED + 1)) as other:
        assert [world.worker(id_) for id_ in ids] != [other.worker(id_) for id_ in ids]


def test_people_are_available_from_a_day_of_the_worlds_one_year() -> None:
    assert all(FIRST_DAY <= worker.available_from <= LAST_DAY for worker in people())


def test_nobody_lists_two_certificates_of_one_ladder() -> None:
    for worker in people():
        ladders = Counter(
            name
            for name, ladder in LADDERS.items()
            for certificate in worker.certificates
            if certificate in ladder
        )
        assert all(count == 1 for count in ladders.values())


def test_nobody_is_found_by_a_trade_name_or_in_a_town(world: World) -> None:
    assert world.search(Search(role="Sparky", cities=("Chicago, IL",)), 5).total == 0
    around_town = Search(role="Welder", cities=("Maumee, OH",), radius_miles=50)
    assert world.search(around_town, 5).total == 0


def test_an_unknown_id_is_nobody(world: World) -> None:
    assert world.worker("W9999") is None


def test_the_cheapest_come_first_and_no_more_than_asked_for(world: World) -> None:
    search = Search(role="Painter", cities=("Toledo, OH",), radius_miles=80)
    found = world.search(search, limit=5)
    pay = [worker.pay for id_ in found.workers if (worker := world.worker(id_))]
    assert (found.total, len(found.workers)) == (19, 5)
    assert pay == sorted(pay)


@given(
    search=st.builds(
        Search,
        role=st.sampled_from(ROLE_NAMES).map(str.lower),
        cities=st.lists(st.sampled_from(list(CITIES)), min_size=1, max_size=3).map(tuple),
        radius_miles=st.integers(0, 300),
        certificates=st.lists(
            st.sampled_from(["OSHA 10", "osha 30", "BLS", "nothing"]), max_size=3
        ).map(tuple),
        by=st.none() | st.dates(FIRST_DAY, LAST_DAY),
        max_pay=st.none() | st.integers(15, 50),
    )
)
@settings(deadline=None)
def test_a_search_finds_exactly_those_who_match(world: World, search: Search) -> None:
    lowered = {certificate.lower() for certificate in search.certificates}
    expected = {
        worker.id
        for worker in people()
        if worker.role.lower() == search.role
        and any(distance(worker.city, city) <= search.radius_miles for city in search.cities)
        and (not lowered or lowered & {name.lower() for name in worker.certificates})
        and (search.by is None or worker.available_from <= search.by)
        and (search.max_pay is None or worker.pay <= search.max_pay)
    }
    found = world.search(search, limit=WORKERS)
    assert set(found.workers) == expected
    assert found.total == len(expected)


WORLD = World(SEED)


def test_every_trade_name_stands_for_a_role_of_the_catalog_and_is_none_itself() -> None:
    assert set(TRADE_NAMES.values()) <= set(ROLE_NAMES)
    assert not {name.casefold() for name in TRADE_NAMES} & {r.casefold() for r in ROLE_NAMES}


def test_every_role_has_a_trade_name() -> None:
    assert set(TRADE_NAMES.values()) == set(ROLE_NAMES)


def test_a_term_that_nobody_knows_stands_for_itself() -> None:
    assert canonical_role("Astronaut") == "Astronaut"
    assert accepted_certificates("Pilot") == ("Pilot",)


def test_a_demand_is_met_by_its_own_rung_and_those_above() -> None:
    assert accepted_certificates("asnt level ii") == ("ASNT Level II", "ASNT Level III")
    for ladder in LADDERS.values():
        assert accepted_certificates(ladder[-1]) == ladder[-1:]


@given(spec=specs())
@settings(deadline=None)
def test_the_settling_search_finds_everybody_who_meets_the_spec_and_nobody_else(
    spec: Json,
) -> None:
    wanted = read_spec(spec)
    search = settling_search(wanted)
    found = set(WORLD.search(search, WORKERS).workers) if search else set()
    assert found == fitting(wanted)


def test_facts_name_what_the_database_writes_otherwise_and_nothing_more() -> None:
    odd = {
        "role": "Wireman",
        "count": 1,
        "city": "Maumee, OH",
        "radius_miles": 20,
        "certificate": "OSHA 10",
    }
    assert facts(read_spec(odd)) == [
        '"Wireman" is a trade name; the database says Electrician.',
        "OSHA 10 is implied by OSHA 30.",
        "Maumee, OH is not in the database; cities in reach: Toledo, OH.",
    ]
    assert facts(read_spec({"role": "welder", "count": 1, "city": "toledo, oh"})) == []


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
