"""Make a tasks file from a data set: each row a task, held to the row's answer."""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from battery.base import jsonio
from battery.base.errors import FolderError, UsageError
from battery.base.numbers import counted
from battery.base.text import brief, listed
from battery.commands.init import Names, write_new
from battery.grading import require_usable
from battery.inputs.tasks import MAX_BYTES, parse_tasks
from battery.protocol import Json
from battery.records.models import KINDS, Phase, Sibling, Task, Tasks
from battery.records.stages import TASK_STAGES

#: How an answer becomes a check.
Method = Literal["auto", "contains", "number", "equals", "matches"]
#: The phases by what their tasks are, as the options name them.
PHASES: Final[Mapping[str, Phase]] = {str(kind): phase for phase, kind in KINDS.items()}

#: Columns of an operation, which is what progress and reviews show of a task.
_OPERATION: Final = 72
#: Nobody says an answer of more words than this word for word.
_WORDS: Final = 12
#: Where an answer is looked for that has to be equal, if no path is given.
_TEXT: Final = "artifact.text"
_NUMBER: Final = re.compile(r"[-+]?(\d{1,3}(,\d{3})+|0|[1-9]\d*)(\.\d+)?")
#: What the comparison of words passes over, and these answers need.
_SIGNS: Final = re.compile(r"[^\w\s.,;:!?'\"()\[\]/\u2013-]")


class Row(NamedTuple):
    """One row of a data set, and what messages call it."""

    place: str
    values: Mapping[str, Any]


class Wanted(NamedTuple):
    """Which columns of a data set are what, and what its tasks are to be."""

    prompt: str = "question"
    answer: str = "answer"
    #: Columns that go into the spec as well.
    spec: Sequence[str] = ()
    method: Method = "auto"
    #: Where in the answer of a system to look; None is in its words.
    path: str | None = None
    phase: Phase = Phase.BETA
    #: The column that says `easy`, `niche` or `impossible`; None where all are of one kind.
    phase_by: str | None = None
    #: The column whose equal values make rows siblings of the first of them.
    siblings_by: str | None = None
    #: The most tasks; None is all.
    limit: int | None = None
    names: Names = Names(task_class="question.answer")


class Imported(NamedTuple):
    """A tasks file that was written, and what its author should know of it."""

    tasks: Tasks
    notes: list[str]


def import_tasks(data: Path, wanted: Wanted, output: Path) -> Imported:
    """Write a tasks file from a data set: JSON Lines, a JSON list, CSV or TSV.

    Never over another file. Raises `UsageError`, with the line of the data that it is about, and
    `FolderError`.
    """
    if os.path.lexists(output):
        raise FolderError(
            f"{output} would be overwritten; nothing was written",
            hint="name another file: --output PATH",
        )
    rows = read_rows(data)
    document = jsonio.dumps_indented(_document(rows, wanted, data))
    tasks = parse_tasks(document, str(output))
    require_usable(tasks, output.parent, str(output))
    try:
        write_new({output: document})
    except OSError as error:
        raise FolderError(
            f"cannot write {output}: {error.strerror}; nothing was written",
            hint="name another file: --output PATH",
        ) from error
    return Imported(tasks, list(_notes(tasks)))


def read_rows(path: Path) -> list[Row]:
    """Read a data set by the ending of its name; raise `UsageError`."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(
            f"{path} is not a kind of file that can be imported",
            hint=f"its name has to end in {', '.join(_READERS)}",
        )
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}", hint="name the file of a data set"
        ) from error
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"{path} is larger than {MAX_BYTES // 2**20} MiB", hint="take a part of it"
        )
    try:
        rows = list(reader(data.removeprefix(codecs.BOM_UTF8).decode()))
    except (ValueError, csv.Error) as error:
        raise UsageError(
            f"{path} cannot be read: {error}", hint="correct it, or save it again as UTF-8"
        ) from error
    if not rows:
        raise UsageError(f"{path} has no rows", hint="name the file of a data set")
    return rows


def _lines(text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _object(f"line {number}", _parsed(f"line {number}: ", line))


def _list(text: str) -> Iterator[Row]:
    document = _parsed("", text)
    if not isinstance(document, list):
        raise ValueError("a list of objects was expected")  # noqa: TRY004 - of the data
    for number, item in enumerate(document):
        yield _object(f"[{number}]", item)


def _parsed(place: str, text: str) -> Any:
    try:
        return jsonio.loads(text.encode(), jsonio.MAX_DEPTH)
    except ValueError as error:
        raise ValueError(f"{place}not JSON: {error}") from error


def _object(place: str, item: object) -> Row:
    if not isinstance(item, dict):
        raise ValueError(f"{place}: an object was expected")  # noqa: TRY004 - of the data
    return Row(place, item)


def _table(text: str, delimiter: str = ",") -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    for row in reader:
        place = f"line {reader.line_num}"
        if None in row or None in row.values():
            raise ValueError(
                f"{place}: it has {'more' if None in row else 'fewer'} cells than columns"
            )
        yield Row(place, row)


_READERS: Final[Mapping[str, Callable[[str], Iterable[Row]]]] = {
    ".jsonl": _lines,
    ".ndjson": _lines,
    ".json": _list,
    ".csv": _table,
    ".tsv": lambda text: _table(text, "\t"),
}


def _document(rows: Sequence[Row], wanted: Wanted, data: Path) -> Json:
    """Return the tasks file; raise `UsageError` naming the row that is at fault."""
    seen: dict[bytes, str] = {}
    leaders: dict[tuple[Phase, str], Json] = {}
    phases: dict[Phase, list[Json]] = {phase: [] for phase in Phase}
    for row in rows:
        with _blaming(row, data):
            phase, group = _phase(row, wanted), _group(row, wanted)
            leader = leaders.get((phase, group))
            # What is not taken is not looked at either.
            if leader is None and sum(map(len, phases.values())) == wanted.limit:
                continue
            task = _task(row, wanted, phase)
            first = seen.setdefault(jsonio.canonical(task["spec"]), row.place)
            if first != row.place:
                raise ValueError(f"it asks the same as {first}")
        if leader is not None:
            leader.setdefault("siblings", []).append(task)
            continue
        task = {"task_class": wanted.names.task_class, **task}
        phases[phase].append(task)
        if group:
            leaders[phase, group] = task
    names = wanted.names
    return {
        "$comment": f"Imported from {data.name}.",
        "phases": {TASK_STAGES[phase].tasks_key: tasks for phase, tasks in phases.items()},
        "models": {
            "executor_cloud": names.executor,
            "reviewer_cloud": names.reviewer,
            "overseer_cloud": names.overseer,
        },
    }


@contextmanager
def _blaming(row: Row, data: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise UsageError(
            f"{data}, {row.place}: {error}", hint="correct the row, or take it out"
        ) from error


def _task(row: Row, wanted: Wanted, phase: Phase) -> Json:
    prompt = _cell(row, wanted.prompt)
    if not isinstance(prompt, str) or not prompt.strip():
        raise ValueError(f"the prompt in {wanted.prompt!r} is not a text, or is empty")
    spec = {"prompt": prompt} | {name: _cell(row, name) for name in wanted.spec}
    task = {"operation": brief(f"answer: {prompt}", _OPERATION), "spec": spec}
    # What cannot be done has no right answer, and is held to declining without any check.
    if phase is Phase.GAMMA:
        return task
    return task | {"checks": [check_of(_cell(row, wanted.answer), wanted.method, wanted.path)]}


def _cell(row: Row, column: str) -> Any:
    try:
        return row.values[column]
    except KeyError:
        columns = listed([repr(name) for name in row.values]) or "none"
        raise ValueError(f"there is no column {column!r}; its columns are {columns}") from None


def _phase(row: Row, wanted: Wanted) -> Phase:
    if wanted.phase_by is None:
        return wanted.phase
    named = str(_cell(row, wanted.phase_by)).strip().lower()
    if named not in PHASES:
        kinds = listed(list(PHASES))
        raise ValueError(f"{wanted.phase_by!r} is {named!r:.60}, and the phases are {kinds}")
    return PHASES[named]


def _group(row: Row, wanted: Wanted) -> str:
    value = None if wanted.siblings_by is None else _cell(row, wanted.siblings_by)
    return "" if value is None else str(value).strip()


def check_of(answer: Any, method: Method, path: str | None) -> Json:
    """Make a check of a right answer, or of a list of answers each of which is right.

    Raises `ValueError` for an answer that the method cannot look for.
    """
    answers = answer if isinstance(answer, list) else [answer]
    if not answers or any(one is None or not str(one).strip() for one in answers):
        raise ValueError("the answer is empty")
    numbers = all(map(_is_number, answers))
    if method == "auto" and path is not None:
        method = "number" if numbers else "equals"
    if method == "number" and not numbers:
        raise ValueError(f"the answer is not a number: {answers[0]!r:.60}")
    if method == "equals":
        return {"path": path or _TEXT} | _value(answers)
    if method == "number" and path is not None:
        return {"path": path} | _value([float(_decimal(one)) for one in answers])
    if any(isinstance(one, dict | list | bool) for one in answers):
        raise ValueError(
            "the answer is neither a text nor a number: take --check equals and --path"
        )
    return ({} if path is None else {"path": path}) | _words(list(map(_text, answers)), method)


def _value(answers: Sequence[Any]) -> Json:
    if len(answers) > 1:
        return {"one_of": answers}
    [answer] = answers
    return {"number": answer} if isinstance(answer, float) else {"equals": answer}


def _words(answers: Sequence[str], method: Method) -> Json:
    if method == "matches":
        return {"matches": _either(answers)}
    plain = len(answers) == 1 and not _is_number(answers[0]) and not _SIGNS.search(answers[0])
    if method == "contains" or (method == "auto" and plain):
        if len(answers) > 1:
            raise ValueError("it has several answers, and `contains` would ask for all of them")
        return {"contains": answers[0].strip()}
    return {"matches": f"(?i){_either(map(_pattern, answers))}"}


def _is_number(answer: Any) -> bool:
    if isinstance(answer, str):
        return _NUMBER.fullmatch(answer.strip()) is not None
    return isinstance(answer, int | float) and not isinstance(answer, bool)


def _text(answer: str | float) -> str:
    # Never in the way of scientists, which is nobody's in a text.
    return answer if isinstance(answer, str) else f"{Decimal(str(answer)):f}"


def _decimal(answer: Any) -> Decimal:
    return Decimal(str(answer).replace(",", "").strip())


def _either(patterns: Iterable[str]) -> str:
    alternatives = list(patterns)
    return alternatives[0] if len(alternatives) == 1 else f"(?:{'|'.join(alternatives)})"


def _pattern(answer: Any) -> str:
    """Return what finds an answer in a text: as a number of its own, or as words of their own."""
    if _is_number(answer):
        return _pattern_of_number(_decimal(answer))
    words = r"\s+".join(map(re.escape, str(answer).split()))
    return rf"(?<!\w){words}(?!\w)"


def _pattern_of_number(number: Decimal) -> str:
    # As people write it: with or without commas, and with zeros after the point.
    whole, _, rest = f"{number.copy_abs():,f}".partition(".")
    digits, rest = whole.replace(",", ",?"), rest.rstrip("0")
    fraction = rf"\.{rest}0*" if rest else r"(?:\.0+)?"
    # Some programs write a negative zero.
    sign = r"[-\u2212]" if number < 0 else "" if number else r"[-\u2212]?"
    return rf"(?<![\w\u2212-])(?<!\d[.,]){sign}{digits}{fraction}(?!\d|[.,]\d)"


def _notes(tasks: Tasks) -> Iterator[str]:
    """Yield what the author of a tasks file should look at."""
    asked = [
        (each.spec["prompt"], check.contains)
        for each in _all(tasks)
        for check in each.checks
        if isinstance(check.contains, str)
    ]
    given = sum(answer.casefold() in prompt.casefold() for prompt, answer in asked)
    if given:
        yield (
            f"{counted(given, 'answer')} can be found in the prompt: repeating it passes; "
            "take --check equals with a --path"
        )
    long = sum(len(answer.split()) > _WORDS for _, answer in asked)
    if long:
        yield (
            f"{counted(long, 'answer')} of more than {_WORDS} words: hardly any answer has these "
            "word for word; name a column with what an answer must have"
        )
    if not tasks.phases.alpha_baseline:
        yield "there is no easy task, so nothing tells whether learning breaks what worked"


def _all(tasks: Tasks) -> Iterator[Task | Sibling]:
    for phase in Phase:
        for task in tasks.phases.of(phase):
            yield task
            yield from task.siblings
