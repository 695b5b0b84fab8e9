"""What the policies may say: the executor's actions, the reviewer's verdict, a correction.

These are also the JSON forms that a language model is asked to reply with.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from battery.embedded.spec import MAX_RADIUS_MILES, Name


class Said(BaseModel):
    """A frozen statement; keys a model adds of its own accord are dropped."""

    model_config = ConfigDict(frozen=True)


class Search(Said):
    """Look for people: one role, in any of the cities or around them, holding any certificate.

    No certificate means that none is asked for. `radius_miles` 0 means in the cities themselves.
    """

    action: Literal["search"] = "search"
    # Bounds keep a model that runs wild from asking for the whole world at once.
    role: Name
    cities: tuple[Name, ...] = Field(min_length=1, max_length=40)
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
