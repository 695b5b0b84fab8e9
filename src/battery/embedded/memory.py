"""What a gateway remembers, in one folder: outcomes as they happen, lessons as they are distilled.

`outcomes.jsonl` grows by one line per run. Each distillation leaves a `distilled_<time>.jsonl`,
empty when it taught nothing. The playbook is made from those files at every start.
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import ValidationError

from battery.embedded.forms import Spec
from battery.embedded.lessons import LESSON, Lesson, Outcome

_DISTILLED: Final = "distilled_*.jsonl"
#: Lessons put before the executor: enough for the words of a task.
RECALLED: Final = 3
#: Kinds of lessons in the order in which they are recalled: who says most about a task comes first.
_FIRST: Final = ("answer", "dead_end", "plan", "correction", "reach")


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
        self._copies = folder / "snapshots"
        self._lessons: dict[str, Lesson]
        self._fingerprint: str | None
        #: How often this memory was distilled, in earlier lives too.
        self.distillations: int
        self._read()

    def _read(self) -> None:
        self._lessons, self._fingerprint, self.distillations = {}, None, 0
        for path in sorted(self.folder.glob(_DISTILLED)):
            self.distillations += 1
            self._take(lesson for line in _lines(path) if (lesson := _read_lesson(line)))
        # A frozen memory must leave its folder byte for byte as it is.
        if not self.frozen:
            _end_torn_line(self._outcomes)

    def __len__(self) -> int:
        """Count the playbook's entries."""
        return len(self._lessons)

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
        """End a distillation: write its lessons to a new file, take them in, return the path.

        Without a lesson the file is empty: it says that the distillation was made. A frozen
        memory writes nothing and returns None.
        """
        if self.frozen:
            return None
        # Disk first: what is recalled in this life must be there in the next.
        path = self._write(lessons)
        self._take(lessons)
        self.distillations += 1
        return path

    def everything(self) -> list[Lesson]:
        """Return the whole playbook, in the order in which its subjects were first learned."""
        return list(self._lessons.values())

    @property
    def fingerprint(self) -> str:
        """A short hash of all lessons, in whatever order they were learned.

        Outcomes are left out: until they are distilled, nothing that is answered rests on them.
        """
        if self._fingerprint is None:
            lines = sorted(f"{key} {one.model_dump_json()}\n" for key, one in self._lessons.items())
            self._fingerprint = sha256("".join(lines).encode()).hexdigest()[:16]
        return self._fingerprint

    def snapshot(self, name: str) -> None:
        """Keep a copy of everything under a name, in place of an older one."""
        shutil.rmtree(self._copies / name, ignore_errors=True)
        (self._copies / name).mkdir(parents=True)
        for path in self._files():
            shutil.copy2(path, self._copies / name)

    def restore(self, name: str) -> None:
        """Go on from a copy; raise `KeyError` where there is none of that name."""
        copy = self._copies / name
        if not copy.is_dir():
            raise KeyError(name)
        self.reset()
        for path in copy.iterdir():
            shutil.copy2(path, self.folder)
        self._read()

    def reset(self) -> None:
        """Forget everything but the copies."""
        for path in self._files():
            path.unlink()
        self._read()

    def _files(self) -> list[Path]:
        outcomes = [self._outcomes] if self._outcomes.exists() else []
        return [*outcomes, *self.folder.glob(_DISTILLED)]

    def recall(self, spec: Spec) -> list[Lesson]:
        """Return the lessons that apply to a task, at most `RECALLED`."""
        # Those about something alike are left out: each takes tokens in every turn, and there are
        # more of them with every distillation.
        applying = [lesson for lesson in self._lessons.values() if lesson.applies(spec)]
        # The id settles ties, or answers could differ between two equal runs.
        return sorted(applying, key=lambda one: (_FIRST.index(one.kind), one.id))[:RECALLED]

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
        self._lessons |= {lesson.id: lesson for lesson in lessons}
        self._fingerprint = None


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
