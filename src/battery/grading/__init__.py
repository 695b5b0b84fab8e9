"""Grade answers by the checks of their tasks. Nothing here asks anybody, least of all a model."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

from battery.base import jsonio
from battery.base.errors import CheckError, TasksError
from battery.base.text import printable
from battery.grading import kinds, paths, words
from battery.grading.processes import BrokenCheckError, Commands, Member
from battery.protocol import Json
from battery.records.checks import Check, Checked, FailedCheck
from battery.records.models import ELAPSED_KEY, KINDS, Phase, Task, Tasks
from battery.records.stages import TASK_STAGES


class Grader:
    """Grades answers; owns the processes that checks run in, and ends them when it is closed.

    `folder` is where the files of checks are, the tasks file's; None where there is none.
    """

    def __init__(self, folder: Path | None) -> None:
        self._bench = kinds.Bench(Member(), Commands(), folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes; a check that runs in another thread breaks."""
        self._bench.worker.close()
        self._bench.commands.close()

    def grade(self, task: Task, phase: Phase, answer: Json) -> Checked | None:
        """Hold an answer to the checks of its task; None where the task has none.

        An impossible task without any is held to declining, if its answer is in words. May be
        called from several threads. Raises `CheckError` where a check breaks: that is no fail.
        """
        claimed = answer.get("status") == "ok"
        checks = task.held_to(phase)
        # What declining is can only be told of words.
        if not checks or not (task.checks or (claimed and words.answer_text(answer))):
            return None
        # What battery adds is not the gateway's, and differs from call to call.
        answer = {key: value for key, value in answer.items() if key != ELAPSED_KEY}
        failed = []
        for place, check in checks.items() if claimed else ():
            try:
                reason = self._reason(check, task, answer)
            except (BrokenCheckError, RecursionError, MemoryError) as error:
                raise _broken(place, check, task, phase, error) from error
            if reason is not None:
                failed.append(FailedCheck(check=place, reason=reason))
        done = claimed and not failed and phase is not Phase.GAMMA
        return Checked(ok=done, claimed=claimed, failed=failed)

    def require_usable(self, check: Check) -> None:
        """Try all of a check that needs no answer; raise `BrokenConditionError`."""
        if check.path is not None:
            with _naming("path"):
                paths.require_path(check.path)
        for kind in kinds.kinds_of(check):
            with _naming(kind.key):
                if check.path is None and not kind.in_words:
                    raise BrokenCheckError("the check needs a `path` that says where to look")
                kind.usable(getattr(check, kind.field), self._bench)

    def _reason(self, check: Check, task: Task, answer: Json) -> str | None:
        """Return why an answer does not pass a check; None where it does."""
        if check.path is None:
            value, where = words.answer_text(answer), ""
        else:
            where = f"{check.path}: "
            try:
                value = paths.look_up(check.path, answer)
            except LookupError as error:
                return f"{where}{printable(str(error))}"
        reason = kinds.judge(check, kinds.Case(check, value, task.asked, answer, self._bench))
        return None if reason is None else f"{where}{reason}"


class BrokenConditionError(Exception):
    """Name the key of a check that cannot be used, and say why."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key}: {why}")
        self.key = key
        self.why = why


@contextlib.contextmanager
def _naming(key: str) -> Iterator[None]:
    try:
        yield
    except BrokenCheckError as error:
        raise BrokenConditionError(key, str(error)) from error


class PlacedCheck(NamedTuple):
    """A check with its place in the tasks file."""

    place: str
    check: Check


def placed_checks(tasks: Tasks) -> Iterator[PlacedCheck]:
    """Yield every check, of tasks and siblings, in file order."""
    for phase, stage in TASK_STAGES.items():
        for index, task in enumerate(tasks.phases.of(phase)):
            place = f"phases.{stage.tasks_key}[{index}]"
            holders: list[tuple[str, list[Check]]] = [(place, task.checks)]
            holders += [
                (f"{place}.siblings[{number}]", sibling.checks)
                for number, sibling in enumerate(task.siblings)
            ]
            for holder, checks in holders:
                for number, check in enumerate(checks):
                    yield PlacedCheck(f"{holder}.checks[{number}]", check)


def require_usable(tasks: Tasks, folder: Path | None, name: str = "the tasks file") -> None:
    """Refuse checks that could judge no answer; raise `TasksError` with the place in the file.

    Imports the files of Python checks, in a process of its own.
    """
    with Grader(folder) as grader:
        for place, check in placed_checks(tasks):
            try:
                grader.require_usable(check)
            except BrokenConditionError as error:
                raise TasksError(
                    f"{name}: {place}.{error.key}: {printable(error.why)}",
                    hint="fix the check, or run `battery doctor` to look at it again",
                ) from error


def scoring_digest(tasks: Tasks, folder: Path | None) -> str | None:
    """Hash what scores the answers: checks, their files and prices; None without any."""
    placed = [(place, check.model_dump(by_alias=True)) for place, check in placed_checks(tasks)]
    prices = tasks.model_dump(mode="json", by_alias=True, include={"prices"})["prices"]
    if not placed and prices is None:
        return None
    files = {name: _digest(folder, name) for name in names_of_files(tasks)}
    return hashlib.sha256(jsonio.canonical([placed, prices, files])).hexdigest()


def names_of_files(tasks: Tasks) -> list[str]:
    """List what may be files that checks run, as the tasks file names them."""
    return sorted({name for _, check in placed_checks(tasks) for name in _files(check)})


def _files(check: Check) -> Iterator[str]:
    """Name the files that a check may run; of a command's words each may be one."""
    if check.negated is not None:
        yield from _files(check.negated)
    if check.python is not None:
        yield check.python.rpartition(":")[0]
    yield from check.command or ()


def _digest(folder: Path | None, name: str) -> str | None:
    """Hash a file of the tasks file's folder; None where there is none."""
    try:
        return hashlib.sha256(((folder or Path()) / name).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return None


def _broken(place: str, check: Check, task: Task, phase: Phase, error: BaseException) -> CheckError:
    stated = ", ".join(f"`{kind.key}`" for kind in kinds.kinds_of(check))
    why = str(error) if isinstance(error, BrokenCheckError) else "the answer is nested too deeply"
    return CheckError(
        f"{place} ({stated}) of {KINDS[phase]} task {task.operation!r} broke: {printable(why)}",
        hint="fix the check; the answer will be graded again",
    )
