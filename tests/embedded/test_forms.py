from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from pydantic import TypeAdapter

from battery.base.errors import ShapeError
from battery.embedded.forms import (
    CorrectionEntry,
    Entry,
    FillEntry,
    GiveUpEntry,
    OverruledEntry,
    ReviewEntry,
    Search,
    SearchEntry,
    Transcript,
    UnreadableEntry,
    read_spec,
)
from battery.protocol import Json
from tests.embedded.helpers import specs

GOOD: Json = {"role": "Welder", "count": 2, "city": "Toledo, OH"}


@given(spec=specs())
def test_every_spec_in_the_format_is_read(spec: Json) -> None:
    assert read_spec(spec).count == spec["count"]


@pytest.mark.parametrize(
    ("change", "place", "why"),
    [
        ({"role": None}, "spec.role", "string"),
        ({"role": "  "}, "spec.role", "at least 1"),
        ({"role": "x" * 101}, "spec.role", "at most 100"),
        ({"count": 0}, "spec.count", "greater than or equal to 1"),
        ({"count": 51}, "spec.count", "less than or equal to 50"),
        ({"count": "2"}, "spec.count", "integer"),
        ({"count": True}, "spec.count", "integer"),
        ({"count": 1.5}, "spec.count", "integer"),
        ({"city": "Atlantis, GR"}, "spec.city", "no city or town of this world"),
        ({"radius_miles": 0}, "spec.radius_miles", "greater than 0"),
        ({"radius_miles": 501}, "spec.radius_miles", "less than or equal to 500"),
        ({"radius_miles": "40"}, "spec.radius_miles", "number"),
        ({"certificate": ""}, "spec.certificate", "at least 1"),
        ({"by": "soon"}, "spec.by", "soon"),
        ({"by": 20260101}, "spec.by", "such as 2026-06-30"),
        ({"max_pay": -1}, "spec.max_pay", "greater than 0"),
        ({"max_pay": float("inf")}, "spec.max_pay", "finite"),
        ({"shift": "night"}, "spec.shift", "not a known key"),
    ],
)
def test_a_wrong_spec_is_refused_naming_the_field(
    change: dict[str, Any], place: str, why: str
) -> None:
    with pytest.raises(ShapeError, match=re.escape(why)) as caught:
        read_spec(GOOD | change)
    assert caught.value.place == place


@pytest.mark.parametrize("field", ["role", "count", "city"])
def test_a_missing_field_is_named(field: str) -> None:
    with pytest.raises(ShapeError) as caught:
        read_spec({key: value for key, value in GOOD.items() if key != field})
    assert (caught.value.place, caught.value.why) == (f"spec.{field}", "is missing")


def test_the_demand_is_said_in_words() -> None:
    full = GOOD | {
        "radius_miles": 30,
        "certificate": "OSHA 10",
        "by": "2026-06-30",
        "max_pay": 35.5,
    }
    assert read_spec(full).wanted() == (
        "2 x Welder with OSHA 10 in Toledo, OH or within 30 miles available by 2026-06-30 "
        "for at most 35.5 dollars an hour"
    )


SEARCH = Search(role="Welder", cities=("Toledo, OH",))
EMPTY = SearchEntry(turn=1, text="nobody", search=SEARCH, found=0, workers=())
FOUND = SearchEntry(turn=1, text="one", search=SEARCH, found=1, workers=("W0001",))
FILL = FillEntry(turn=2, text="send W0001", workers=("W0001",))
GIVE_UP = GiveUpEntry(turn=2, text="nobody there")
NO = ReviewEntry(turn=2, text="wrong", accepted=False)
YES = ReviewEntry(turn=2, text="right", accepted=True)
OVERRULED = OverruledEntry(turn=2, text="look again")
CORRECTION = CorrectionEntry(turn=2, text="look again", searches=(SEARCH,))
GARBLED = UnreadableEntry(turn=3, text="hm", role="executor")
MUTE_OVERSEER = UnreadableEntry(turn=3, text="hm", role="overseer")
MUTE_REVIEWER = UnreadableEntry(turn=3, text="hm", role="reviewer")


@pytest.mark.parametrize(
    ("entries", "strikes"),
    [
        ([], 0),
        ([FOUND, FILL, YES], 0),
        ([EMPTY, EMPTY], 2),
        ([EMPTY, FOUND, FILL, NO], 2),
        ([GARBLED, GIVE_UP, NO], 2),
        # One turn, though two entries tell of it.
        ([FILL, MUTE_REVIEWER, NO], 1),
        ([EMPTY, EMPTY, CORRECTION], 0),
        ([EMPTY, EMPTY, CORRECTION, EMPTY], 1),
        # An overseer nobody understood was asked all the same, and is not asked every turn.
        ([EMPTY, EMPTY, MUTE_OVERSEER], 0),
    ],
)
def test_strikes_are_the_empty_and_rejected_turns_since_the_overseer(
    entries: list[Entry], strikes: int
) -> None:
    assert Transcript(entries).strikes() == strikes


@pytest.mark.parametrize(
    ("entries", "proven"),
    [
        ([EMPTY, GIVE_UP, YES], True),
        ([EMPTY, GIVE_UP, OVERRULED, YES], True),
        ([EMPTY, GIVE_UP, NO], False),
        ([FOUND, FILL, YES], False),
        ([GIVE_UP], False),
        ([], False),
    ],
)
def test_only_an_accepted_give_up_ends_a_run_as_proven(entries: list[Entry], proven: bool) -> None:
    assert (Transcript(entries).accepted_give_up is not None) == proven


def test_a_transcript_reads_as_one_line_an_entry() -> None:
    assert Transcript([EMPTY, CORRECTION]).lines() == (
        "1. search: nobody\n2. overseer_correction: look again"
    )
    assert Transcript().lines() == "(nothing yet)"


def test_a_log_can_be_read_back() -> None:
    entries: list[Entry] = [FOUND, FILL, NO, GIVE_UP, OVERRULED, CORRECTION, GARBLED]
    form: TypeAdapter[list[Entry]] = TypeAdapter(list[Entry])
    assert form.validate_python(Transcript(entries).as_json()) == entries


def test_a_city_named_again_and_again_is_searched_once() -> None:
    search = Search(role="Welder", cities=("Toledo, OH", "Akron, OH", *["Toledo, OH"] * 30))
    assert search.cities == ("Toledo, OH", "Akron, OH")
