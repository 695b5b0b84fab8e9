"""The table of files: what a battery leaves on disk, one record a file.

Whoever reads, writes, lists, describes or checks a file goes by its record here, so its name is
typed once. The schemas, the listing in the summary and the tables of the documents are functions
of it. The memory of the embedded gateway alone is named twice: the gateway stands apart and knows
nothing of a battery's folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Generic, NamedTuple, TypeVar, get_args, get_origin

from battery.base import jsonio
from battery.base.errors import ArtifactError
from battery.inputs.tasks import DEFAULT_PATH, load_tasks
from battery.records.findings import Record
from battery.records.lines import JournalLine
from battery.records.manifest import Manifest
from battery.records.models import CONFIRMATIONS as RERUNS
from battery.records.models import SCHEMA_VERSION, KnownPrice, Proposal, Tasks, Verdict
from battery.records.stages import CHAT_STAGES, DISTILL, OVERSEER, SCRUM
from battery.records.summary import SUMMARY_VERSION, Metrics, Summary
from battery.store.documents import EVENTS, PAGE, RUNS, TEXT, Format, document, read_json, validated
from battery.store.files import holds, write_atomic

W = TypeVar("W")
R = TypeVar("R")


class Numbered(NamedTuple):
    """Folders that are counted from 1, such as `iter_2`."""

    stem: str
    #: What stands for the number in documents.
    letter: str

    def name(self, number: int | str) -> str:
        """Name the folder of that number."""
        return f"{self.stem}_{number}"

    def number(self, name: str) -> int | None:
        """Read the number back; None for any other name."""
        # No leading zero: `iter_02` would be a second name for the same iteration. As `run` allows
        # 1,000 iterations, a longer number is a date, or so large that it fits nowhere.
        match = re.fullmatch(rf"{self.stem}_([1-9][0-9]{{0,3}})", name)
        return int(match[1]) if match else None


ITERATION: Final = Numbered("iter", "N")
REPEAT: Final = Numbered("repeat", "R")
#: Below an iteration: the runs and metrics of the twin.
CONTROL: Final = "control"
#: Below an iteration: the runs of siblings, with a folder of their own for the twin.
SIBLINGS: Final = "siblings"
#: What the embedded gateways remember, a folder for each arm.
MEMORY: Final = "gateway"
#: The memories of a system whose folder battery copies and puts back, and the copies.
MEMORIES: Final = "memory"
#: Finished batteries that a new run moved out of the way, each in a folder named after its start.
ARCHIVE: Final = "archive"

_N: Final = ITERATION.name(ITERATION.letter)
_R: Final = REPEAT.name(REPEAT.letter)
#: What a name may hold in place of a number or a time, as documents write it.
_VARIABLE: Final = {"N": "[1-9][0-9]*", "R": "[1-9][0-9]*", "ARM": "[a-z]+", "TIME": "[0-9TZ_]+"}


@dataclass(frozen=True)
class Artifact(Generic[W, R]):
    """A file: what it is called, what is in it, and how it is written and read."""

    name: str
    #: One sentence for people, in the summary, the schemas and the documents.
    about: str
    #: When it is written.
    when: str
    format: Format[W, R]
    #: Where it may be, below the battery's folder, as documents write it. The first is always
    #: there, the others hold the same of another arm or repeat.
    folders: tuple[str, ...] = ("",)
    #: The stage that makes it, if one alone does.
    stage: str | None = None
    #: Name of its JSON Schema; None for a file that is for people.
    schema: str | None = None
    #: Whether an older text is kept under a number when a stage is redone.
    redone: bool = False
    #: What to do where it cannot be read and can be done without; None leaves the usual hint.
    remedy: str | None = None

    @property
    def places(self) -> list[str]:
        """All paths below the battery's folder, as documents write them."""
        return [f"{folder}/{self.name}".removeprefix("/") for folder in self.folders]

    @property
    def pattern(self) -> str:
        """All of these in one, such as `iter_N/**/runs.json`."""
        return self.places[0] if len(self.folders) == 1 else f"{_N}/**/{self.name}"

    @property
    def lists(self) -> type[Record] | None:
        """The kind of record that the file is a list of; None for any other file."""
        if get_origin(self.format.content) is not list:
            return None
        (kind,) = get_args(self.format.content)
        return kind if isinstance(kind, type) and issubclass(kind, Record) else None

    def older(self, number: int | str) -> str:
        """Name an older text; 1 is the oldest."""
        stem, dot, suffix = self.name.rpartition(".")
        return f"{stem}.{number}{dot}{suffix}"

    def exists(self, folder: Path) -> bool:
        """Return whether the file is in a folder."""
        return (folder / self.name).exists()

    def read(self, folder: Path) -> R:
        """Read the file of a folder; raise `ArtifactError`."""
        try:
            return self.format.read(folder / self.name)
        except ArtifactError as error:
            error.hint = self.remedy or error.hint
            raise

    def find(self, folder: Path) -> R | None:
        """Read the file of a folder where there is one; raise `ArtifactError`."""
        return self.read(folder) if self.exists(folder) else None

    def write(self, folder: Path, content: W) -> None:
        """Write the file of a folder whole or not at all; raise `ArtifactError`."""
        write_atomic(folder / self.name, self.format.dump(content))

    def update(self, folder: Path, content: W) -> None:
        """Write the file of a folder unless it holds the same; raise `ArtifactError`."""
        # A look takes less time than two syncs.
        path, chunks = folder / self.name, self.format.dump(content)
        if not (isinstance(chunks, bytes) and holds(path, chunks)):
            write_atomic(path, chunks)


def _read_manifest(path: Path) -> Manifest:
    content = read_json(path)
    version = content.get("schema_version") if isinstance(content, dict) else None
    # First of all: keys that a newer program added would read like faults of the file.
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise ArtifactError(
            f"{path} has format {version}; this battery reads up to {SCHEMA_VERSION}",
            hint="use the battery version that wrote it, or a newer one",
        )
    return validated(path, Manifest.model_validate, content)


def _read_summary(path: Path) -> Summary:
    content = read_json(path)
    version = content.get("schema_version") if isinstance(content, dict) else None
    # Of another edition the verdict would mean something else, were its keys the same.
    if version != SUMMARY_VERSION:
        raise ArtifactError(f"{path} has format {version}; this battery reads {SUMMARY_VERSION}")
    return validated(path, Summary.model_validate, content)


_AGAIN: Final = "write it again with: battery summarize DIR"
_WITHOUT: Final = (
    "restore it, or move it away: the summary then leaves out what was read from that answer"
)

MANIFEST: Final = Artifact(
    "battery.json",
    "The manifest: identity, settings, how far the battery came.",
    "at the start, after each iteration, at the end",
    document(Manifest)._replace(read=_read_manifest),
    schema="battery",
)
TASKS: Final[Artifact[Tasks, Tasks]] = Artifact(
    DEFAULT_PATH.name,
    "The tasks, and the models to ask for.",
    "at the start",
    Format(Tasks, lambda tasks: jsonio.dumps_indented(tasks.document()), load_tasks),
    schema="tasks",
)
JOURNAL: Final = Artifact(
    "journal.jsonl",
    "Every finished call, in the order of finishing.",
    "after each call",
    # Only its type: `battery.store.journal` appends to it line by line, and reads by offset.
    EVENTS._replace(content=JournalLine),
    (_N,),
    schema="journal",
)
RUN_SETS: Final = Artifact(
    "runs.json",
    "Every task with the system's whole answer.",
    "after the tasks",
    RUNS,
    (
        *(_N, f"{_N}/{_R}", f"{_N}/{CONTROL}", f"{_N}/{CONTROL}/{_R}"),
        *(f"{_N}/{SIBLINGS}", f"{_N}/{SIBLINGS}/{CONTROL}"),
    ),
    schema="runs",
)
# A file of its own: in `runs.json` reruns would count in the metrics.
CONFIRMATIONS: Final = Artifact(
    "confirmations.json",
    f"Tasks that learning may have lost, asked {RERUNS} more times.",
    "after the tasks",
    RUNS,
    (_N,),
    schema="confirmations",
)
DISTILLED: Final = Artifact(
    "distill_output.txt",
    "What the learning side distilled.",
    "in the distillation",
    TEXT,
    (_N,),
    DISTILL.name,
)
DISTILL_EVENTS: Final = Artifact(
    "distill_events.jsonl",
    "Every event of the distill stream.",
    "in the distillation",
    EVENTS,
    (_N,),
    DISTILL.name,
    schema="distill-events",
)
# Of the first repeat alone, so there is none in the folders of the others.
METRICS: Final = Artifact(
    "metrics.json",
    "The numbers of the iteration.",
    "after the distillation",
    document(Metrics),
    (_N, f"{_N}/{CONTROL}"),
    schema="metrics",
    remedy=_AGAIN,
)
# Older ones are kept, since each of them cost a cloud call and may have been the better one.
#: The answers of the chat stages, by role; a stage brings the name of its own.
ANSWERS: Final = {
    stage.role: Artifact(
        stage.file, stage.about, f"in the {stage.noun}", TEXT, (_N,), stage.name, redone=True
    )
    for stage in CHAT_STAGES
}
PROPOSALS: Final = Artifact(
    "proposals.json",
    "The proposals found in the review.",
    f"in the {OVERSEER.noun} and the {SCRUM.noun}",
    document(list[Proposal]),
    (_N,),
    OVERSEER.name,
    schema="proposals",
    remedy=_WITHOUT,
)
VERDICTS: Final = Artifact(
    "verdicts.json",
    "The verdicts found in the judgment.",
    f"in the {SCRUM.noun}",
    document(list[Verdict]),
    (_N,),
    SCRUM.name,
    schema="verdicts",
    remedy=_WITHOUT,
)
# No schema for the next two: a memory is the gateway's own affair and no promise of the battery.
OUTCOMES: Final = Artifact(
    "outcomes.jsonl",
    "Memory of the embedded gateway: every outcome.",
    "after each task",
    EVENTS,
    (f"{MEMORY}/ARM",),
)
LESSONS: Final = Artifact(
    "distilled_TIME.jsonl",
    "Memory of the embedded gateway: the lessons of one distillation.",
    "in the distillation",
    EVENTS,
    (f"{MEMORY}/ARM",),
)
REPORT: Final = Artifact(
    "report.html",
    "Everything on one page, transcripts included, for any browser.",
    "at the end, and by `battery report`",
    PAGE,
)
# So that a battery has one verdict on every machine: the list behind it changes, or may be missing.
PRICES: Final = Artifact(
    "prices.json",
    "The prices that the summary rests on, if they are not in the tasks file.",
    "after each iteration",
    document(dict[str, KnownPrice]),
    schema="prices",
)
SUMMARY_TEXT: Final = Artifact(
    "summary.md", "The summary: verdict, evidence and trends.", "after each iteration", TEXT
)
#: The first line of that summary, which no other program writes.
SUMMARY_TITLE: Final = "# Compounding battery summary"
# Model names and run time are nowhere else in a folder of the original script.
ORIGINAL_SUMMARY: Final = Artifact(
    "summary.original.md",
    "The summary that the original script wrote, with its model names and run time.",
    "once, before ours replaces it",
    TEXT,
)
SUMMARY: Final = Artifact(
    "summary.json",
    "Every number of the summary.",
    "after each iteration",
    document(Summary)._replace(read=_read_summary),
    schema="summary",
    remedy=_AGAIN,
)


def _by_stage(*files: Artifact[Any, Any]) -> list[Artifact[Any, Any]]:
    """Sort what chat stages make by stage; what one of them makes stays in its order."""
    names = [stage.name for stage in CHAT_STAGES]
    return sorted(files, key=lambda file: names.index(str(file.stage)))


#: All of them, in the order of every listing.
ARTIFACTS: Final[tuple[Artifact[Any, Any], ...]] = (
    MANIFEST,
    TASKS,
    JOURNAL,
    RUN_SETS,
    CONFIRMATIONS,
    DISTILLED,
    DISTILL_EVENTS,
    METRICS,
    # Each answer, then what was read from it.
    *_by_stage(*ANSWERS.values(), PROPOSALS, VERDICTS),
    OUTCOMES,
    LESSONS,
    REPORT,
    PRICES,
    ORIGINAL_SUMMARY,
    SUMMARY_TEXT,
    SUMMARY,
)
#: Those of the battery's own folder.
OF_THE_BATTERY: Final = tuple(each for each in ARTIFACTS if each.folders == ("",))
#: Those of an iteration's folder and of the folders below it.
OF_AN_ITERATION: Final = tuple(each for each in ARTIFACTS if each.folders[0] == _N)
_LISTS: Final = {each.lists: each for each in ARTIFACTS if each.lists}
_BY_NAME: Final = {each.name: each for each in ARTIFACTS}


def artifact(name: str) -> Artifact[Any, Any]:
    """Return the record of a file by its name; raise `KeyError` for a name of none."""
    return _BY_NAME[name]


def list_of(kind: type[Record]) -> Artifact[Any, Any]:
    """Return the file that is a list of such records; raise `KeyError` where there is none."""
    return _LISTS[kind]


def described(path: str) -> str:
    """Return what a file of a battery is, by its path below the folder; empty for any other."""
    name = PurePosixPath(path).name
    for each in ARTIFACTS:
        if _matches(each.name, name):
            return each.about
        if each.redone and _matches(each.older("N"), name):
            return f"{each.about[:-1]}, before it was redone."
    return ""


def _matches(pattern: str, name: str) -> bool:
    # Only whole words in capitals stand for something: no name of a file has any of its own.
    wanted = re.sub(r"[A-Z]+", lambda word: _VARIABLE[word[0]], re.escape(pattern))
    return re.fullmatch(wanted, name) is not None
