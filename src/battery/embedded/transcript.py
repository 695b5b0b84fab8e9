"""The entries of a run's log: what was proposed, found, judged and corrected, turn by turn.

Each has a `kind`, the `turn` it belongs to, a `text` to read, and its data. They go into the
answer's `log` and into the memory's outcomes, and come back from there when it distils.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from battery.embedded.forms import Search
from battery.protocol.wire import OVERSEER_KIND, Json


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True)

    turn: int
    text: str


class SearchEntry(_Entry):
    """A search of the database; `workers` are as many of those found as the task asks for."""

    kind: Literal["search"] = "search"
    search: Search
    found: int
    workers: tuple[str, ...]


class FillEntry(_Entry):
    """A proposal to send these workers."""

    kind: Literal["fill"] = "fill"
    workers: tuple[str, ...]


class GiveUpEntry(_Entry):
    """A proposal to stop; the text is the evidence."""

    kind: Literal["give_up"] = "give_up"


class ReviewEntry(_Entry):
    """The reviewer's judgment of the proposal of this turn."""

    kind: Literal["review"] = "review"
    accepted: bool


class CorrectionEntry(_Entry):
    """The overseer's correction after this turn."""

    kind: Literal["overseer_correction"] = OVERSEER_KIND
    searches: tuple[Search, ...]


class UnreadableEntry(_Entry):
    """A model's reply that was not in the asked form; the text shows its beginning."""

    kind: Literal["unreadable"] = "unreadable"
    role: Literal["executor", "reviewer", "overseer"]


Entry = Annotated[
    SearchEntry | FillEntry | GiveUpEntry | ReviewEntry | CorrectionEntry | UnreadableEntry,
    Field(discriminator="kind"),
]

#: What a rejected or empty turn comes to before the overseer is asked.
STRIKES: Final = 2


class Transcript:
    """The entries of one run so far, in order, with the questions that policies ask of them."""

    def __init__(self, entries: list[Entry] | None = None) -> None:
        self.entries: list[Entry] = entries if entries is not None else []

    @property
    def searches(self) -> list[SearchEntry]:
        """The searches made, in order."""
        return [entry for entry in self.entries if isinstance(entry, SearchEntry)]

    @property
    def fills(self) -> list[FillEntry]:
        """The fills proposed, in order."""
        return [entry for entry in self.entries if isinstance(entry, FillEntry)]

    @property
    def corrections(self) -> list[CorrectionEntry]:
        """The overseer's corrections, in order."""
        return [entry for entry in self.entries if isinstance(entry, CorrectionEntry)]

    @property
    def rejected(self) -> bool:
        """Whether the reviewer rejected anything yet."""
        return any(isinstance(entry, ReviewEntry) and not entry.accepted for entry in self.entries)

    @property
    def gave_up(self) -> bool:
        """Whether a give-up was proposed yet."""
        return any(isinstance(entry, GiveUpEntry) for entry in self.entries)

    @property
    def gave_up_accepted(self) -> bool:
        """Whether the run ended with a give-up that the reviewer accepted."""
        last = self.entries[-2:]
        return (
            len(last) == 2
            and isinstance(last[0], GiveUpEntry)
            and isinstance(last[1], ReviewEntry)
            and last[1].accepted
        )

    def strikes(self) -> int:
        """Count rejected, unreadable and empty turns since the overseer was last asked."""
        count = 0
        # Backwards to the last correction; what it was about is settled.
        for entry in reversed(self.entries):
            if isinstance(entry, CorrectionEntry) or _overseer_unread(entry):
                break
            count += _is_strike(entry)
        return count

    def lines(self) -> str:
        """Write the transcript the way a model reads it, one entry a line."""
        if not self.entries:
            return "(nothing yet)"
        return "\n".join(f"{entry.turn}. {entry.kind}: {entry.text}" for entry in self.entries)

    def as_json(self) -> list[Json]:
        """Return the entries as an answer's log."""
        return [entry.model_dump(mode="json") for entry in self.entries]


def _is_strike(entry: Entry) -> bool:
    match entry:
        case SearchEntry():
            return entry.found == 0
        case ReviewEntry():
            # The proposal that was judged is not counted again: one turn, one strike.
            return not entry.accepted
        case _:
            return isinstance(entry, UnreadableEntry) and entry.role == "executor"


def _overseer_unread(entry: Entry) -> bool:
    return isinstance(entry, UnreadableEntry) and entry.role == "overseer"
