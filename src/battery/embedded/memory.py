"""What a gateway remembers, in one folder: outcomes as they happen, lessons as they are distilled.

The playbook has three kinds of entries, each about one subject. The `id` names kind and subject,
so a lesson learned twice is one entry, and a newer lesson on the same subject takes the older
one's place. `words` are what an entry is found by. Distillation is pure and believes only what
the reviewer accepted.

`outcomes.jsonl` grows by one line per run. Each distillation leaves a `distilled_<time>.jsonl`,
empty when it taught nothing. The full-text index is made from those files at every start, so it
can neither be lost nor disagree with them.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

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
    # A dictionary keeps the first position and the last value of an id.
    lessons = (lesson for outcome in outcomes for lesson in _lessons(outcome))
    return list({lesson.id: lesson for lesson in lessons}.values())


def _lessons(outcome: Outcome) -> list[Lesson]:
    transcript = Transcript(outcome.log)
    if outcome.status == "ok":
        worked = _search_that_worked(transcript)
        return _successes(outcome.spec, worked, transcript) if worked else []
    if outcome.status == "failed" and transcript.gave_up_accepted:
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
    return [plan, *(_substitutions(spec, worked) if transcript.corrections else [])]


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
    last = transcript.searches[-1:]
    return [
        DeadEnd(spec=spec, search=entry.search, found=entry.found)
        for entry in last
        if entry.found < spec.count
    ]


#: Lessons put before the executor: enough for a plan and the words it rests on.
RECALLED: Final = 3


class Memory:
    """The memory in a folder, which is created when missing and continued when not.

    A frozen one recalls what it has but takes in nothing. Raises `OSError` for a folder that
    cannot be used.
    """

    def __init__(self, folder: Path, *, frozen: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.frozen = frozen
        self._outcomes = folder / "outcomes.jsonl"
        self._lessons: dict[str, Lesson] = {}
        self._index = sqlite3.connect(":memory:", check_same_thread=False)
        self._index.execute("CREATE VIRTUAL TABLE lesson USING fts5(id UNINDEXED, words)")
        #: How often this memory was distilled, in earlier lives too.
        self.distillations = 0
        for path in sorted(folder.glob("distilled_*.jsonl")):
            self.distillations += 1
            self._take(lesson for line in _lines(path) if (lesson := _read_lesson(line)))
        # A frozen memory must leave its folder byte for byte as it is.
        if not frozen:
            _end_torn_line(self._outcomes)

    def __len__(self) -> int:
        """Count the playbook's entries."""
        return len(self._lessons)

    def close(self) -> None:
        """Free the index."""
        self._index.close()

    def record(self, outcome: Outcome) -> None:
        """Append an outcome, which outlives the process; a frozen memory passes it over.

        Not synced to disk: that would take longer than the answer itself, and make a gateway that
        learns slower than its frozen twin. Only a power cut can lose the last outcomes.
        """
        if self.frozen:
            return
        # Opened for each line: a write in append mode lands whole, after whatever is there.
        with _open_own(self._outcomes, os.O_APPEND | os.O_CREAT) as file:
            file.write(outcome.model_dump_json().encode() + b"\n")

    def tail(self, count: int) -> list[Outcome]:
        """Read the last outcomes, oldest first; lines that are not outcomes are passed over."""
        # The file is read from the start, but only the tail is ever held or parsed.
        last = deque(_lines(self._outcomes), maxlen=count)
        return [outcome for line in last if (outcome := _read_outcome(line))]

    def news(self, lessons: Iterable[Lesson]) -> list[Lesson]:
        """Keep those lessons that are new or say something else than the one they replace."""
        return [lesson for lesson in lessons if self._lessons.get(lesson.id) != lesson]

    def learn(self, lessons: list[Lesson]) -> Path | None:
        """End a distillation: write its lessons to a new file, index them, return the path.

        Without a lesson the file is empty: it says that the distillation was made. A frozen
        memory writes nothing and returns None.
        """
        if self.frozen:
            return None
        # Disk before index: what is recalled in this life must be there in the next.
        path = self._write(lessons)
        self._take(lessons)
        self.distillations += 1
        return path

    def everything(self) -> list[Lesson]:
        """Return the whole playbook, in the order in which its subjects were first learned."""
        return list(self._lessons.values())

    def recall(self, spec: Spec) -> list[Lesson]:
        """Find the lessons most like a task, best first, at most `RECALLED`."""
        # Quoted words joined by OR: nothing in a task can be read as query syntax.
        asked = f"{spec.role} {spec.city} {spec.certificate or ''}".casefold()
        words = dict.fromkeys(re.findall(r"\w+", asked))
        if not words:
            return []
        query = " OR ".join(f'"{word}"' for word in words)
        # The id settles ties, or answers could differ between two equal runs.
        rows = self._index.execute(
            "SELECT id FROM lesson WHERE words MATCH ? ORDER BY bm25(lesson), id LIMIT ?",
            (query, RECALLED),
        )
        return [self._lessons[lesson_id] for (lesson_id,) in rows]

    def _write(self, lessons: list[Lesson]) -> Path:
        """Write the file whole or not at all: temporary file, sync, rename."""
        # Microseconds keep names apart and in order; recall never looks at the time.
        time = datetime.now(UTC).strftime("%Y%m%dT%H%M%S_%fZ")
        path = self.folder / f"distilled_{time}.jsonl"
        temporary = path.with_suffix(".tmp")
        with _open_own(temporary, os.O_CREAT | os.O_EXCL) as file:
            file.writelines(lesson.model_dump_json().encode() + b"\n" for lesson in lessons)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        return path

    def _take(self, lessons: Iterable[Lesson]) -> None:
        for lesson in lessons:
            # Full-text tables have no unique keys, so an entry is replaced by hand.
            self._index.execute("DELETE FROM lesson WHERE id = ?", (lesson.id,))
            self._index.execute("INSERT INTO lesson VALUES (?, ?)", (lesson.id, lesson.words))
            self._lessons[lesson.id] = lesson


def _open_own(path: Path, flags: int) -> BinaryIO:
    """Open a file for writing, never through a link, which could lead to any file of the user."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | flags, 0o666), "wb")


def _lines(path: Path) -> Iterator[bytes]:
    if not path.exists():
        return
    with path.open("rb") as file:
        yield from file


def _read_lesson(line: bytes) -> Lesson | None:
    try:
        return LESSON.validate_json(line)
    except ValidationError:
        return None


def _read_outcome(line: bytes) -> Outcome | None:
    try:
        return Outcome.model_validate_json(line)
    except ValidationError:
        return None


def _end_torn_line(path: Path) -> None:
    """End a line that a killed process left half written, so that the next one stands alone."""
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        torn = file.read(1) != b"\n"
    if torn:
        with _open_own(path, os.O_APPEND) as file:
            file.write(b"\n")
