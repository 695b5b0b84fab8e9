"""What a run can teach: the entries of a playbook, and how they are read off outcomes.

Each entry is about one subject. The `id` names kind and subject, so a lesson learned twice is one
entry, and a newer lesson on the same subject takes the older one's place. A lesson says as little
of its task as it can: what was learned of a word or of a role holds wherever that is asked for.
Distillation is pure and believes only what was accepted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from battery.embedded.forms import Entry, Search, SearchEntry, Spec, Transcript
from battery.protocol import Status


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


class Reach(_Lesson):
    """A role of which there are too few in one place, as narrower searches showed."""

    kind: Literal["reach"] = "reach"
    role: str

    @property
    def id(self) -> str:
        """Kind and subject."""
        return f"reach/{_plain(self.role)}"

    @property
    def text(self) -> str:
        """The lesson in one sentence."""
        return f"{self.role}: too few in one place; search the whole radius at once."

    def applies(self, spec: Spec) -> bool:
        """Whether the task asks for the role and allows a radius."""
        return spec.reach > 0 and _plain(spec.role) == _plain(self.role)


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


class Answer(_Lesson):
    """What was accepted for one task, to be said again: an answer, and no lesson.

    Only a gateway whose dial makes it a mere answer cache learns such entries.
    """

    kind: Literal["answer"] = "answer"
    spec: Spec
    #: Empty where it was to give up, for this reason.
    workers: tuple[str, ...] = ()
    reason: str = ""

    @property
    def id(self) -> str:
        """Kind and subject."""
        return f"answer/{_plain(self.spec.wanted())}"

    @property
    def text(self) -> str:
        """The answer in one sentence."""
        what = f"send {', '.join(self.workers)}" if self.workers else f"give up; {self.reason}"
        return f"{self.spec.wanted()}: the answer was to {what}."

    def applies(self, spec: Spec) -> bool:
        """Whether it is the very same task."""
        return spec == self.spec


Lesson = Annotated[Substitution | Plan | Reach | DeadEnd | Answer, Field(discriminator="kind")]
LESSON: TypeAdapter[Substitution | Plan | Reach | DeadEnd | Answer] = TypeAdapter(Lesson)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


class Outcome(BaseModel):
    """One finished run, as `outcomes.jsonl` keeps it."""

    model_config = ConfigDict(frozen=True)

    task_class: str
    operation: str
    spec: Spec
    status: Status
    turns: int
    error: str | None
    log: list[Entry]


def distil(outcomes: Iterable[Outcome]) -> list[Lesson]:
    """Return the lessons of some outcomes, oldest first; the newest on a subject wins."""
    return _newest(lesson for outcome in outcomes for lesson in _lessons(outcome))


def answers(outcomes: Iterable[Outcome]) -> list[Lesson]:
    """Return the accepted answers of some outcomes, as a mere answer cache keeps them."""
    return _newest(answer for outcome in outcomes for answer in _answers(outcome))


def _newest(lessons: Iterable[Lesson]) -> list[Lesson]:
    # A dictionary keeps the first position and the last value of an id.
    return list({lesson.id: lesson for lesson in lessons}.values())


def _answers(outcome: Outcome) -> list[Lesson]:
    transcript = Transcript(outcome.log)
    if outcome.status == "ok" and transcript.fills:
        return [Answer(spec=outcome.spec, workers=transcript.fills[-1].workers)]
    if outcome.status == "failed" and (give_up := transcript.accepted_give_up):
        return [Answer(spec=outcome.spec, reason=give_up.text)]
    return []


def _lessons(outcome: Outcome) -> list[Lesson]:
    transcript = Transcript(outcome.log)
    if outcome.status == "ok":
        worked = _search_that_worked(transcript)
        return _successes(outcome.spec, worked, transcript) if worked else []
    if outcome.status == "failed" and transcript.accepted_give_up:
        return _dead_ends(outcome.spec, transcript)
    # Turns that ran out prove nothing.
    return []


def _search_that_worked(transcript: Transcript) -> SearchEntry | None:
    # Several searches may have been made since; the one that showed all of them is the plan.
    sent = set(transcript.fills[-1].workers) if transcript.fills else set()
    return next((e for e in reversed(transcript.searches) if sent and sent <= set(e.workers)), None)


def _successes(spec: Spec, worked: SearchEntry, transcript: Transcript) -> list[Lesson]:
    # The words of the task are the subject, those of the search the lesson: next time the task
    # will come in the same words.
    plan = Plan(role=spec.role, city=spec.city, certificate=spec.certificate, search=worked.search)
    words = _substitutions(spec, worked) if transcript.corrections else []
    return [plan, *words, *_reach(spec, worked, transcript)]


def _reach(spec: Spec, last: SearchEntry, transcript: Transcript) -> list[Lesson]:
    """Learn to look farther at once, where the same search in a smaller circle found too few."""
    widest = last.search
    in_vain = any(
        entry.found < spec.count
        and entry.search.radius_miles < widest.radius_miles
        and entry.search.model_copy(update={"radius_miles": widest.radius_miles}) == widest
        for entry in transcript.searches
    )
    return [Reach(role=widest.role)] if in_vain else []


def _substitutions(spec: Spec, worked: SearchEntry) -> list[Lesson]:
    """Read off what the search that worked says otherwise than the task did."""
    # Compared with the search and not with the overseer's advice: advice that did not work, or
    # was not followed, is no lesson.
    search = worked.search
    certificates = (spec.certificate,) if spec.certificate else ()
    found: list[Lesson] = []
    if search.role.casefold() != spec.role.casefold():
        found.append(Substitution(field="role", term=spec.role, use=(search.role,)))
    if search.cities != (spec.city,):
        found.append(Substitution(field="city", term=spec.city, use=search.cities))
    if spec.certificate and search.certificates not in {certificates, ()}:
        found.append(
            Substitution(field="certificate", term=spec.certificate, use=search.certificates)
        )
    return found


def _dead_ends(spec: Spec, transcript: Transcript) -> list[Lesson]:
    # The last search before giving up is the one that convinced; one that found enough people
    # cannot have shown that there are none.
    if not transcript.searches or transcript.searches[-1].found >= spec.count:
        return []
    last = transcript.searches[-1]
    dead_end = DeadEnd(spec=spec, search=last.search, found=last.found)
    return [dead_end, *_reach(spec, last, transcript)]
