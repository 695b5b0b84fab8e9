"""The JSON forms: what a task may ask for, what the policies may say, and the entries of a log.

`docs/reference/world.md` explains a task's spec to authors. A language model is asked to reply
with the executor's actions, the reviewer's judgment and the overseer's correction. A run's log
tells turn by turn what was proposed, found, judged and corrected; its entries go into the answer's
`log` and into the memory's outcomes, and come back from there when it distils.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from battery.base.errors import ShapeError, dotted
from battery.embedded.catalog import place_name
from battery.protocol import OVERSEER_KIND, Json

MAX_COUNT: Final = 50
MAX_RADIUS_MILES: Final = 500

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


def _day(value: object) -> object:
    # Without this, a number would pass for the seconds since 1970.
    if isinstance(value, str):
        return date.fromisoformat(value)
    if value is None or isinstance(value, date):
        return value
    raise ValueError("a day is written as a text such as 2026-06-30")


def _known_place(text: str) -> str:
    # Refused rather than failed: without coordinates nobody can say who is in reach.
    name = place_name(text)
    if name is None:
        raise ValueError("no city or town of this world")
    return name


class Spec(BaseModel):
    """A demand for workers: how many, of which role, where, and under which conditions.

    Unknown keys are refused: a condition that nobody reads would be broken silently.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Any word: a role that nobody has is an honest demand that cannot be met.
    role: Name
    count: int = Field(ge=1, le=MAX_COUNT, strict=True)
    city: Annotated[Name, AfterValidator(_known_place)]
    radius_miles: float | None = Field(default=None, gt=0, le=MAX_RADIUS_MILES, strict=True)
    certificate: Name | None = None
    by: Annotated[date | None, BeforeValidator(_day)] = None
    max_pay: float | None = Field(default=None, gt=0, strict=True, allow_inf_nan=False)

    @property
    def reach(self) -> float:
        """How far from the city a worker may live, in miles; 0 means in the city itself."""
        return self.radius_miles or 0

    def wanted(self) -> str:
        """Say the demand in words, count first."""
        parts = [f"{self.count} x {self.role}"]
        if self.certificate:
            parts.append(f"with {self.certificate}")
        parts.append(f"in {self.city}")
        if self.radius_miles:
            parts.append(f"or within {self.radius_miles:g} miles")
        if self.by:
            parts.append(f"available by {self.by}")
        if self.max_pay:
            parts.append(f"for at most {self.max_pay:g} dollars an hour")
        return " ".join(parts)


def read_spec(spec: Json) -> Spec:
    """Check a task's spec; raise `ShapeError` that names the field as `spec.field`."""
    try:
        return Spec.model_validate(spec)
    except ValidationError as error:
        found = ShapeError.of(error)
        raise ShapeError(dotted(("spec", found.place)), found.why) from error


def _once(cities: tuple[str, ...]) -> tuple[str, ...]:
    # Small models repeat a name until the list is full, and every later prompt would carry it.
    return tuple(dict.fromkeys(cities))


class Said(BaseModel):
    """A frozen statement; keys a model adds of its own accord are dropped."""

    # Lenient where `Spec` is strict: an extra key of a model harms nobody, and to refuse it costs a
    # turn.
    model_config = ConfigDict(frozen=True)


class Search(Said):
    """Look for people: one role, in any of the cities or around them, holding any certificate.

    No certificate means that none is asked for. `radius_miles` 0 means in the cities themselves.
    """

    action: Literal["search"] = "search"
    # Bounds keep a model that runs wild from asking for the whole world at once.
    role: Name
    cities: Annotated[tuple[Name, ...], Field(min_length=1, max_length=40), AfterValidator(_once)]
    radius_miles: float = Field(default=0, ge=0, le=MAX_RADIUS_MILES)
    certificates: tuple[Name, ...] = Field(default=(), max_length=20)
    by: date | None = None
    max_pay: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    def described(self) -> str:
        """Say the search in words."""
        parts = [self.role]
        if self.certificates:
            parts.append("with " + " or ".join(self.certificates))
        if self.radius_miles:
            parts.append(f"within {self.radius_miles:g} miles of")
        else:
            parts.append("in")
        parts.append("; ".join(self.cities))
        if self.by:
            parts.append(f"by {self.by}")
        if self.max_pay:
            parts.append(f"up to {self.max_pay:g} dollars an hour")
        return " ".join(parts)


class Fill(Said):
    """Propose these workers, by id."""

    action: Literal["fill"] = "fill"
    workers: tuple[Name, ...] = Field(min_length=1, max_length=100)


class GiveUp(Said):
    """Propose to stop, because there are not enough people; the reason is the evidence."""

    action: Literal["give_up"] = "give_up"
    reason: str


Action = Annotated[Search | Fill | GiveUp, Field(discriminator="action")]
ACTION: TypeAdapter[Search | Fill | GiveUp] = TypeAdapter(Action)


class Judgment(Said):
    """Accept or reject a fill or a give-up, and say why."""

    verdict: Literal["accept", "reject"]
    reason: str


class Correction(Said):
    """Say what went wrong and which searches to make instead, best first."""

    diagnosis: str
    searches: tuple[Search, ...] = Field(default=(), max_length=5)


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


class OverruledEntry(_Entry):
    """A judgment that did not count, because the database finds nothing wrong; with its reason."""

    kind: Literal["reviewer_overruled"] = "reviewer_overruled"


class CorrectionEntry(_Entry):
    """The overseer's correction after this turn."""

    kind: Literal["overseer_correction"] = OVERSEER_KIND
    searches: tuple[Search, ...]


class UnreadableEntry(_Entry):
    """A model's reply that was not in the asked form; the text shows its beginning."""

    kind: Literal["unreadable"] = "unreadable"
    role: Literal["executor", "reviewer", "overseer"]


Entry = Annotated[
    SearchEntry
    | FillEntry
    | GiveUpEntry
    | ReviewEntry
    | OverruledEntry
    | CorrectionEntry
    | UnreadableEntry,
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
    def accepted_give_up(self) -> GiveUpEntry | None:
        """The give-up that ended the run; None where it ended otherwise."""
        if not self.entries:
            return None
        last = self.entries[-1]
        if not (isinstance(last, ReviewEntry) and last.accepted):
            return None
        # Of its own turn: what the reviewer said before the database spoke may be between the two.
        proposed = (entry for entry in self.entries if entry.turn == last.turn)
        return next((entry for entry in proposed if isinstance(entry, GiveUpEntry)), None)

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
