"""What memory holds: three kinds of playbook entries, each about one subject.

The `id` names kind and subject, so a lesson learned twice is one entry, and a newer lesson on
the same subject takes the older one's place. `words` are what an entry is found by.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from battery.embedded.actions import Search
from battery.embedded.spec import Spec


class _Lesson(BaseModel):
    model_config = ConfigDict(frozen=True)


class Substitution(_Lesson):
    """A word of a task that the database writes otherwise, as a correction showed."""

    kind: Literal["correction"] = "correction"
    field: Literal["role", "city", "certificate"]
    term: str
    use: tuple[str, ...]

    @property
    def id(self) -> str:
        """Kind and subject."""
        return f"correction/{self.field}/{_plain(self.term)}"

    @property
    def words(self) -> str:
        """What the lesson is found by."""
        return self.term

    @property
    def text(self) -> str:
        """The lesson in one sentence."""
        return f'Where a task says {self.field} "{self.term}", search for {" or ".join(self.use)}.'

    def applies(self, spec: Spec) -> bool:
        """Whether the task uses the word."""
        return _plain(getattr(spec, self.field) or "") == _plain(self.term)


class Plan(_Lesson):
    """The search that brought an accepted fill for a role, city and certificate."""

    kind: Literal["plan"] = "plan"
    role: str
    city: str
    certificate: str | None
    search: Search

    @property
    def id(self) -> str:
        """Kind and subject."""
        return "plan/" + "/".join(_plain(part) for part in self._subject())

    @property
    def words(self) -> str:
        """What the lesson is found by."""
        return " ".join(self._subject())

    @property
    def text(self) -> str:
        """The lesson in one sentence."""
        demand = f"{self.role}{f' with {self.certificate}' if self.certificate else ''}"
        return f"{demand} in {self.city}: it worked to search for {self.search.described()}."

    def applies(self, spec: Spec) -> bool:
        """Whether the task asks for the same role, city and certificate."""
        asked = (spec.role, spec.city, spec.certificate or "")
        return [_plain(part) for part in asked] == [_plain(part) for part in self._subject()]

    def _subject(self) -> tuple[str, str, str]:
        return self.role, self.city, self.certificate or ""


class DeadEnd(_Lesson):
    """A demand that the reviewer confirmed cannot be met, with the search that showed it."""

    kind: Literal["dead_end"] = "dead_end"
    spec: Spec
    search: Search
    found: int

    @property
    def id(self) -> str:
        """Kind and subject."""
        return f"dead_end/{_plain(self.spec.wanted())}"

    @property
    def words(self) -> str:
        """What the lesson is found by."""
        return f"{self.spec.role} {self.spec.city} {self.spec.certificate or ''}"

    @property
    def text(self) -> str:
        """The lesson in one sentence."""
        return (
            f"{self.spec.wanted()}: proven dead end, {self.found} found with "
            f"{self.search.described()}; check that once, then give up."
        )

    def applies(self, spec: Spec) -> bool:
        """Whether the task asks for the same, or for more of the same."""
        # A wider radius or a later day may change the answer; a greater count cannot.
        alike = spec.model_copy(update={"count": self.spec.count}) == self.spec
        return alike and spec.count >= self.spec.count


Lesson = Annotated[Substitution | Plan | DeadEnd, Field(discriminator="kind")]
LESSON: TypeAdapter[Substitution | Plan | DeadEnd] = TypeAdapter(Lesson)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
