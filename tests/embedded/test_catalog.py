"""Places: every city and town has its spelling, its coordinates and what is in reach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.embedded.catalog import CITIES, TOWNS, cities_within, locate, miles, place_name
from tests.embedded.helpers import distance

PLACES = st.sampled_from([*CITIES, *TOWNS])


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("Chicago, IL", "Milwaukee, WI", 81),
        ("Minneapolis, MN", "Saint Paul, MN", 9),
        ("Kansas City, MO", "Saint Louis, MO", 238),
        ("Memphis, TN", "Buffalo, NY", 801),
    ],
)
def test_distances_are_those_of_an_atlas(start: str, end: str, expected: int) -> None:
    assert miles(locate(start), locate(end)) == pytest.approx(expected, abs=2)


@given(start=PLACES, end=PLACES)
def test_distances_agree_with_another_formula_both_ways(start: str, end: str) -> None:
    there = miles(locate(start), locate(end))
    assert there == pytest.approx(distance(start, end), abs=1e-3)
    assert there == pytest.approx(miles(locate(end), locate(start)))


@given(name=PLACES, radius=st.integers(0, 300))
def test_cities_within_a_radius_are_all_of_them_nearest_first(name: str, radius: int) -> None:
    found = cities_within(name, radius)
    away = [distance(name, city) for city in found]
    assert away == sorted(away)
    assert set(found) == {city for city in CITIES if distance(name, city) <= radius}


def test_a_city_is_within_no_distance_of_itself() -> None:
    assert cities_within("Toledo, OH", 0) == ["Toledo, OH"]


@given(name=PLACES)
def test_a_place_is_known_whatever_its_case_and_spacing(name: str) -> None:
    assert place_name(f"  {name.upper().replace(' ', '   ')} ") == name


def test_an_unlisted_place_is_not_known() -> None:
    assert place_name("Atlantis, GR") is None


def test_no_town_is_a_city() -> None:
    assert not set(TOWNS) & set(CITIES)
