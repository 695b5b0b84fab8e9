from __future__ import annotations

from hypothesis import given, settings

from battery.embedded.catalog import LADDERS, ROLE_NAMES
from battery.embedded.spec import read_spec
from battery.embedded.thesaurus import (
    TRADE_NAMES,
    accepted_certificates,
    canonical_role,
    facts,
    settling_search,
)
from battery.embedded.world import WORKERS, World
from battery.protocol.wire import Json
from tests.embedded.helpers import SEED, fitting, specs

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
@settings(deadline=None, max_examples=60)
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
