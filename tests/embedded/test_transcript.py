from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from battery.embedded.forms import Search
from battery.embedded.transcript import (
    CorrectionEntry,
    Entry,
    FillEntry,
    GiveUpEntry,
    ReviewEntry,
    SearchEntry,
    Transcript,
    UnreadableEntry,
)

SEARCH = Search(role="Welder", cities=("Toledo, OH",))
EMPTY = SearchEntry(turn=1, text="nobody", search=SEARCH, found=0, workers=())
FOUND = SearchEntry(turn=1, text="one", search=SEARCH, found=1, workers=("W0001",))
FILL = FillEntry(turn=2, text="send W0001", workers=("W0001",))
GIVE_UP = GiveUpEntry(turn=2, text="nobody there")
NO = ReviewEntry(turn=2, text="wrong", accepted=False)
YES = ReviewEntry(turn=2, text="right", accepted=True)
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
        ([EMPTY, GIVE_UP, NO], False),
        ([FOUND, FILL, YES], False),
        ([GIVE_UP], False),
        ([], False),
    ],
)
def test_only_an_accepted_give_up_ends_a_run_as_proven(entries: list[Entry], proven: bool) -> None:
    assert Transcript(entries).gave_up_accepted == proven


def test_a_transcript_reads_as_one_line_an_entry() -> None:
    assert Transcript([EMPTY, CORRECTION]).lines() == (
        "1. search: nobody\n2. overseer_correction: look again"
    )
    assert Transcript().lines() == "(nothing yet)"


def test_a_log_can_be_read_back() -> None:
    entries: list[Entry] = [FOUND, FILL, NO, GIVE_UP, CORRECTION, GARBLED]
    form: TypeAdapter[list[Entry]] = TypeAdapter(list[Entry])
    assert form.validate_python(Transcript(entries).as_json()) == entries
