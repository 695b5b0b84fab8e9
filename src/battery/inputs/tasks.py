"""From a tasks file to `Tasks`, with errors that name file, place and cause."""

from __future__ import annotations

import codecs
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from battery.base import jsonio
from battery.base.errors import ShapeError, TasksError
from battery.base.text import listed
from battery.protocol import Json
from battery.records.checks import Check
from battery.records.expectations import COMMENT_KEY
from battery.records.manifest import Options, Provenance
from battery.records.models import KINDS, SCHEMA_KEY, Phase, Task, Tasks
from battery.records.stages import TASK_STAGES

DEFAULT_PATH: Final = Path("tasks.json")
#: A larger file is a mistake: 10,000 tasks with a page of spec each stay below it.
MAX_BYTES: Final = 64 * 1024 * 1024
#: How the manifest names the tasks that come with the program.
PACKAGED: Final = "packaged"

_HINT = "fix the file, or run `battery doctor` to check it again"


class PlannedTask(NamedTuple):
    """A task with its place in the battery and the name under which it is shown."""

    task_id: str
    phase: Phase
    task: Task
    #: The operation, numbered where tasks share one.
    label: str
    #: Id of the task whose sibling it is; None of a task of the battery.
    sibling_of: str | None = None


#: What a starter calls its models, until somebody replaces them.
PLACEHOLDERS: Final = ("your-executor-model", "your-reviewer-model", "your-overseer-model")


def refuse_placeholders(tasks: Tasks, name: str) -> None:
    """Refuse models that are those of a starter; raise `TasksError` with their places."""
    left = [f"models.{key}" for key, model in tasks.models if model in PLACEHOLDERS]
    if left:
        raise TasksError(
            f"{name}: {listed(left)} {'is' if len(left) == 1 else 'are'} still the placeholder of "
            "the starter",
            hint="write the names of models that your system knows",
        )


def find_tasks(path: Path | None) -> tuple[Tasks, str]:
    """Load the named file, else `tasks.json`, else the packaged copy; return which as well."""
    # The packaged tasks come last: they fit the embedded gateway only, and whoever wrote a file
    # wants it asked.
    if path is None and not DEFAULT_PATH.exists():
        data = resources.files("battery").joinpath("tasks.json").read_bytes()
        return parse_tasks(data, named(PACKAGED)), PACKAGED
    path = path or DEFAULT_PATH
    return load_tasks(path), str(path.absolute())


def named(source: str) -> str:
    """Name a tasks file that `find_tasks` found, in a message."""
    return "the packaged tasks.json" if source == PACKAGED else source


def folder_of(source: str) -> Path:
    """Return the folder of a tasks file that `find_tasks` names, where its checks' files are."""
    return Path(str(resources.files("battery"))) if source == PACKAGED else Path(source).parent


def recorded_folder(provenance: Provenance) -> Path:
    """Return where the files of a battery's checks are."""
    # That of the packaged tasks is looked up anew: it is another one on every machine.
    if provenance.tasks_folder:
        return Path(provenance.tasks_folder)
    return folder_of(provenance.options.tasks or PACKAGED)


def load_tasks(path: Path) -> Tasks:
    """Read and check a tasks file; raise `TasksError`."""
    try:
        with path.open("rb") as file:
            # Not its size on disk: a pipe or a device tells none and may have no end.
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise TasksError(
            f"cannot read the tasks file {path}: {error.strerror}",
            hint="name another with --tasks, or leave the option out for the packaged tasks",
        ) from error
    if len(data) > MAX_BYTES:
        raise TasksError(
            f"{path} is larger than the {MAX_BYTES // 2**20} MiB that a tasks file may have",
            hint="split it into several batteries",
        )
    return parse_tasks(data, str(path))


def parse_tasks(data: bytes, name: str) -> Tasks:
    """Check the bytes of a tasks file; `name` is what the messages call it."""
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise TasksError(f"{name} is not UTF-8: byte {error.start}", hint=_HINT) from error
    if not text.strip():
        raise TasksError(f"{name} is empty", hint=_HINT)
    try:
        document = jsonio.loads(text.encode(), jsonio.MAX_DEPTH)
    except ValueError as error:
        raise TasksError(f"{name} is not JSON: {error}", hint=_HINT) from error
    try:
        tasks = Tasks.model_validate(_uncommented(document))
    except ValidationError as error:
        raise TasksError(f"{name}: {ShapeError.of(error)}", hint=_HINT) from error
    except ShapeError as error:
        raise TasksError(f"{name}: {error}", hint=_HINT) from error
    _refuse_unusable(tasks, name)
    _refuse_unreached(tasks, name)
    return tasks


def limited(tasks: Tasks, limit: int | None) -> Tasks:
    """Keep the first tasks of each phase; None keeps all."""
    if limit is None:
        return tasks
    # Of each phase, or a small limit would leave the later ones out.
    kept = {stage.tasks_key: tasks.phases.of(phase)[:limit] for phase, stage in TASK_STAGES.items()}
    return tasks.model_copy(update={"phases": tasks.phases.model_copy(update=kept)})


def as_run(tasks: Tasks, options: Options) -> Tasks:
    """Return which tasks of a file a battery asks, in the order in which it asks them."""
    return shuffled(limited(tasks, options.limit), options.order)


def shuffled(tasks: Tasks, seed: int | None) -> Tasks:
    """Give the tasks of a phase, and the siblings of a task, the order of a seed; None keeps it."""
    if seed is None:
        return tasks

    def place(*asked: object) -> bytes:
        return hashlib.sha256(jsonio.canonical([seed, *asked])).digest()

    def of(phase: Phase) -> list[Task]:
        # By a hash of what is asked, like the coin below: the order of the file has no say.
        return [
            task.model_copy(
                update={
                    "siblings": sorted(
                        task.siblings, key=lambda sibling: place(sibling.operation, sibling.spec)
                    )
                }
            )
            for task in sorted(tasks.phases.of(phase), key=lambda task: place(task_id(phase, task)))
        ]

    order = {stage.tasks_key: of(phase) for phase, stage in TASK_STAGES.items()}
    return tasks.model_copy(update={"phases": tasks.phases.model_copy(update=order)})


def task_id(phase: Phase, task: Task) -> str:
    """Identify a task by what is asked: phase, class, operation and spec."""
    # Not by its place in the file: two batteries are compared on the tasks that both asked, and
    # their files need not list these alike.
    identity = jsonio.canonical([phase, task.task_class, task.operation, task.spec])
    return hashlib.sha256(identity).hexdigest()[:16]


def frozen_first(seed: int | None, iteration: int, task_id: str, repeat: int) -> bool:
    """Throw the coin that decides which arm is asked first, anew for each task and repeat."""
    # Whoever is always asked first would always meet the colder server. The coin is a hash of what
    # is asked, so it has no memory: after a resume, and with any number of workers, the same side
    # is up, and the order that a dry run lists is the one that happens. Not Python's own hash,
    # which differs from process to process.
    thrown = jsonio.canonical([seed, iteration, task_id, repeat])
    return hashlib.sha256(thrown).digest()[0] % 2 == 1


def digest(tasks: Tasks) -> str:
    """Hash what will be asked and of whom, whatever the file's formatting.

    What scores the answers, which are checks and prices, may change: they can be scored again.
    """
    # A reformatted file or a changed comment must not keep a battery from being resumed.
    document = tasks.document()
    document.pop("prices", None)
    for phase in document["phases"].values():
        for task in phase:
            for asked in (task, *task.get("siblings", ())):
                asked.pop("checks", None)
    return hashlib.sha256(jsonio.canonical(document)).hexdigest()


def digest_of_any_order(tasks: Tasks) -> str:
    """Hash the same whatever the order of tasks and of siblings."""
    return digest(shuffled(tasks, 0))


def plan(tasks: Tasks) -> list[PlannedTask]:
    """List all tasks in the order of one iteration."""
    entries = list(_in_order(tasks))
    names = labels([task for _, task in entries])
    return [
        PlannedTask(task_id(phase, task), phase, task, label)
        for (phase, task), label in zip(entries, names, strict=True)
    ]


def any_graded(planned: Iterable[PlannedTask]) -> bool:
    """Return whether any answer is held to a check, be it only that of a sibling."""
    return any(checks for entry in planned for checks in _checks(entry.task))


def siblings(planned: Iterable[PlannedTask], number: int) -> list[PlannedTask]:
    """List the sibling of that number, from 1, of each task that has so many, in task order."""
    entries = [
        (entry, sibling) for entry in planned if (sibling := entry.task.sibling(number)) is not None
    ]
    names = labels([sibling for _, sibling in entries])
    return [
        PlannedTask(task_id(entry.phase, sibling), entry.phase, sibling, label, entry.task_id)
        for (entry, sibling), label in zip(entries, names, strict=True)
    ]


def labels(tasks: Iterable[Task]) -> list[str]:
    """Name each task by its operation, numbered where several share one."""
    operations = [task.operation for task in tasks]
    shared = Counter(operations)
    seen: Counter[str] = Counter()
    names = []
    for operation in operations:
        seen[operation] += 1
        number = f" ({seen[operation]})" if shared[operation] > 1 else ""
        names.append(operation + number)
    return names


def differences(before: Tasks, now: Tasks) -> list[str]:
    """List what differs between two tasks files, one line each; empty when nothing does."""
    lines = [
        f"models.{name}: {was!r} became {value!r}"
        for (name, was), (_, value) in zip(before.models, now.models, strict=True)
        if was != value
    ]
    old, new = ({entry.task_id: entry for entry in plan(tasks)} for tasks in (before, now))
    gone = [entry for key, entry in old.items() if key not in new]
    added = [entry for key, entry in new.items() if key not in old]
    lines += [f"{KINDS[entry.phase]} task {entry.label!r} is gone" for entry in gone]
    lines += [f"{KINDS[entry.phase]} task {entry.label!r} is new" for entry in added]
    for key, entry in new.items():
        was = old.get(key, entry).task
        place = f"{KINDS[entry.phase]} task {entry.label!r}"
        if _siblings_asked(entry.task) != _siblings_asked(was):
            lines.append(f"{place} has other siblings")
        elif _taught(entry.task) != _taught(was):
            lines.append(f"{place} teaches something else")
    if before.expectations != now.expectations:
        lines.append("expectations")
    lines += [
        f"{key}: {getattr(before, key)} became {getattr(now, key)}"
        for key in ("attempts", "overseer_after")
        if getattr(before, key) != getattr(now, key)
    ]
    return lines or (["the order of the tasks"] if digest(before) != digest(now) else [])


def told_differences(recorded: Tasks | None, now: Tasks) -> str:
    """Say what differs from the tasks on record, of which a manifest has another digest."""
    differing = differences(recorded, now) if recorded else []
    return "; ".join(differing) or "its digest differs from the manifest's"


def scoring_differences(before: Tasks, now: Tasks) -> list[str]:
    """List what scores the answers otherwise, of two files that ask the same; never empty."""
    old = {entry.task_id: entry.task for entry in plan(before)}
    lines = [
        f"the checks of {KINDS[entry.phase]} task {entry.label!r}"
        for entry in plan(now)
        if _checks(entry.task) != _checks(old.get(entry.task_id, entry.task))
    ]
    lines += ["the prices"] * (before.prices != now.prices)
    # Where the tasks are the same: a file that a check runs, or the folder's own tasks.json, which
    # is compared with itself.
    return lines or ["the checks, their files or the prices"]


def _checks(task: Task) -> list[list[Check]]:
    return [task.checks, *(sibling.checks for sibling in task.siblings)]


def _siblings_asked(task: Task) -> list[Json]:
    return [{"operation": sibling.operation, "spec": sibling.spec} for sibling in task.siblings]


def _taught(task: Task) -> list[str | None]:
    return [task.teach, *(sibling.teach for sibling in task.siblings)]


def _uncommented(document: Any) -> Any:
    """Take out what is written for people and editors; raise `ShapeError` where it is not a string.

    What is of the wrong shape is left as it is, for the records to refuse. A spec may hold any
    key, so nothing is taken out of it.
    """
    if not isinstance(document, dict):
        return document
    if not isinstance(document.get(SCHEMA_KEY, ""), str):
        raise ShapeError(SCHEMA_KEY, "a string was expected")
    kept = _plain(document, "")
    kept.pop(SCHEMA_KEY, None)
    for key in {"phases", "models", "expectations"} & kept.keys():
        kept[key] = _plain(kept[key], key)
    phases = kept.get("phases")
    for stage in TASK_STAGES.values() if isinstance(phases, dict) else ():
        key = stage.tasks_key
        if isinstance(phases.get(key), list):
            phases[key] = _plain_list(phases[key], f"phases.{key}")
            for index, task in enumerate(phases[key]):
                if isinstance(task, dict) and isinstance(task.get("siblings"), list):
                    place = f"phases.{key}[{index}].siblings"
                    task["siblings"] = _plain_list(task["siblings"], place)
    return kept


def _plain_list(parts: list[Any], place: str) -> list[Any]:
    return [_plain(part, f"{place}[{index}]") for index, part in enumerate(parts)]


def _plain(part: Any, place: str) -> Any:
    """Copy an object without its comment; return anything else as it is."""
    if not isinstance(part, dict):
        return part
    comment = part.get(COMMENT_KEY, "")
    lines = comment if isinstance(comment, list) else [comment]
    if not all(isinstance(line, str) for line in lines):
        raise ShapeError(
            f"{place}.{COMMENT_KEY}".lstrip("."), "a string or a list of strings was expected"
        )
    return {key: value for key, value in part.items() if key != COMMENT_KEY}


def _in_order(tasks: Tasks) -> Iterator[tuple[Phase, Task]]:
    for phase in Phase:
        for task in tasks.phases.of(phase):
            yield phase, task


def _refuse_unusable(tasks: Tasks, name: str) -> None:
    places: dict[str, str] = {}
    # The tasks first, so that of a task and a sibling that are the same the sibling is refused.
    for phase, place, task in [*_placed(tasks), *_siblings_placed(tasks)]:
        first = places.setdefault(task_id(phase, task), place)
        if first != place:
            raise TasksError(
                f"{name}: {place} is the same task as {first} ({task.operation!r})",
                hint="results are matched by task: change the spec or remove one",
            )
    if not places:
        raise TasksError(f"{name}: the three phases hold no task", hint=_HINT)


def _refuse_unreached(tasks: Tasks, name: str) -> None:
    """Refuse an overseer that would never be asked: a correction after the last attempt is lost."""
    if tasks.overseer_after is not None and tasks.overseer_after >= tasks.attempts:
        raise TasksError(
            f"{name}: overseer_after is {tasks.overseer_after} and attempts is {tasks.attempts}: "
            "a correction after the last attempt is too late",
            hint=f"set attempts to {tasks.overseer_after + 1} or more, or remove overseer_after",
        )


def _placed(tasks: Tasks) -> Iterator[tuple[Phase, str, Task]]:
    for phase, stage in TASK_STAGES.items():
        for index, task in enumerate(tasks.phases.of(phase)):
            yield phase, f"phases.{stage.tasks_key}[{index}]", task


def _siblings_placed(tasks: Tasks) -> Iterator[tuple[Phase, str, Task]]:
    for phase, place, task in _placed(tasks):
        for number in range(1, len(task.siblings) + 1):
            sibling = task.sibling(number)
            if sibling is not None:
                yield phase, f"{place}.siblings[{number - 1}]", sibling
