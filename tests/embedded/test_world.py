from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.embedded.actions import Search
from battery.embedded.catalog import LADDERS, ROLE_NAMES
from battery.embedded.places import CITIES
from battery.embedded.world import FIRST_DAY, LAST_DAY, WORKERS, World
from tests.embedded.helpers import SEED, distance, people


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
@settings(deadline=None, max_examples=60)
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
