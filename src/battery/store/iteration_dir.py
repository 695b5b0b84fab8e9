"""The files of one iteration: what they are called and what is in them.

The learn arm's first repeat lies in the iteration's own folder, as it always has; further repeats
and the frozen arm have folders below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from battery.base import jsonio
from battery.base.errors import ShapeError
from battery.protocol.wire import Json
from battery.records.findings import Record
from battery.records.models import FROZEN, LEARN, Arm, Metrics, Proposal, Run, Verdict
from battery.records.stages import CHAT_STAGES
from battery.store.documents import (
    dump_record,
    dump_records,
    read_answers,
    read_bytes,
    read_record,
    read_records,
    wrong,
)
from battery.store.documents import read_runs as read_runs_file
from battery.store.files import make_folder, write_atomic

#: The files that every iteration has, in the order in which they come into being.
ITERATION_FILES: Final = (
    "journal.jsonl",
    "runs.json",
    "distill_output.txt",
    "distill_events.jsonl",
    "metrics.json",
    *(name for stage in CHAT_STAGES for name in stage.files),
)
_RUNS: Final = "runs.json"
_METRICS: Final = "metrics.json"
_CONFIRMATIONS: Final = "confirmations.json"
_CONTROL: Final = "control"
_ARMS: Final[tuple[Arm, ...]] = (LEARN, FROZEN)
_REPEAT: Final = re.compile(r"repeat_([1-9][0-9]*)")
#: Made once: making one costs more than reading a file with it.
_PROPOSALS: Final = TypeAdapter(list[Proposal])
_VERDICTS: Final = TypeAdapter(list[Verdict])
#: Texts that `battery review` asks for again.
_REDONE: Final = tuple(stage.file for stage in CHAT_STAGES)


class IterationDir:
    """The files of one iteration."""

    def __init__(self, root: Path, number: int) -> None:
        self.number = number
        self.root = root

    @property
    def journal(self) -> Path:
        """Where finished calls are appended."""
        return self.root / "journal.jsonl"

    def has_runs(self, arm: Arm = LEARN) -> bool:
        """Tell whether the task runs of an arm are complete on disk.

        Those of the learn arm are written last, so with them the iteration's tasks are complete.
        """
        return self._runs(arm, 1).exists()

    def write_runs(self, runs: Iterable[Json], arm: Arm = LEARN, repeat: int = 1) -> None:
        """Write `{"task", "phase", "result"}` objects, in the order given, one at a time."""
        path = self._runs(arm, repeat)
        # Only the first set finds its folder there: the journal made it.
        make_folder(path.parent)
        write_atomic(path, jsonio.indented_array(runs))

    def read_runs(self, arm: Arm = LEARN, repeat: int = 1) -> list[Run]:
        """Read task, phase and numbers of every run; the rest of the answers is let go."""
        return read_runs_file(self._runs(arm, repeat))

    def run_sets(self) -> Iterator[tuple[Arm, int, list[Run]]]:
        """Yield arm, repeat (from 1) and runs of all that is on disk, the learn arm first.

        One set is in memory at a time. Raises `ArtifactError`.
        """
        for arm in _ARMS:
            for repeat in self._repeats(arm):
                yield arm, repeat, self.read_runs(arm, repeat)

    def answers(self, *arms: Arm) -> Iterator[tuple[Arm, int, Run, Json]]:
        """Yield arm, repeat (from 1), run and whole answer of every call, the learn arm first.

        Of the named arms alone, if any is named. One answer is in memory at a time. Raises
        `ArtifactError`.
        """
        for arm in arms or _ARMS:
            for repeat in self._repeats(arm):
                for run, answer in read_answers(self._runs(arm, repeat)):
                    yield arm, repeat, run, answer

    def confirmed_answers(self) -> Iterator[tuple[Run, Json]]:
        """Yield the reruns of alpha tasks that failed, with their whole answers."""
        path = self.root / _CONFIRMATIONS
        if path.exists():
            yield from read_answers(path)

    def distill_text(self) -> str | None:
        """Read what the learning side distilled; None where it has not."""
        return self.read_answer("distill_output.txt")

    def learn_runs(self) -> Iterator[Run]:
        """Yield all runs of the learn arm, repeat by repeat."""
        for repeat in self._repeats(LEARN):
            yield from self.read_runs(LEARN, repeat)

    def write_confirmations(self, runs: Iterable[Json]) -> None:
        """Write the reruns of alpha tasks that failed, shaped like runs."""
        write_atomic(self.root / _CONFIRMATIONS, jsonio.indented_array(runs))

    def read_confirmations(self) -> list[Run]:
        """Read the reruns of alpha tasks that failed, in task order; empty without any."""
        path = self.root / _CONFIRMATIONS
        return read_runs_file(path) if path.exists() else []

    def write_metrics(self, metrics: Metrics, arm: Arm = LEARN) -> None:
        """Write the `metrics.json` of an arm's first repeat."""
        write_atomic(self._runs(arm, 1).with_name(_METRICS), dump_record(metrics))

    def read_metrics(self) -> Metrics:
        """Read the learn arm's `metrics.json`."""
        return read_record(self.root / _METRICS, Metrics)

    def control_metrics(self) -> Metrics | None:
        """Read the frozen arm's `metrics.json`; None where there is none."""
        path = self.root / _CONTROL / _METRICS
        return read_record(path, Metrics) if path.exists() else None

    def write_distill(self, text: str, events: Iterable[Json]) -> None:
        """Write the distill text and, beside it, every event."""
        lines = b"".join(jsonio.dumps(event) + b"\n" for event in events)
        write_atomic(self.root / "distill_events.jsonl", lines)
        write_atomic(self.root / "distill_output.txt", text.encode("utf-8", "replace"))

    def learned(self) -> bool | None:
        """Tell whether the distillation delivered anything; None where none is on disk.

        A number under `learned` in the last event decides, as the embedded gateway sends it;
        elsewhere any text counts.
        """
        text, events = self.root / "distill_output.txt", self.root / "distill_events.jsonl"
        if not text.exists():
            return None
        count = _last_event(events).get("learned") if events.exists() else None
        return count > 0 if isinstance(count, int) else bool(read_bytes(text).strip())

    def write_answer(self, name: str, text: str) -> None:
        """Write the answer of a chat stage as it came."""
        write_atomic(self.root / name, text.encode("utf-8", "replace"))

    def read_answer(self, name: str) -> str | None:
        """Read the newest answer of a chat stage; None where there is none."""
        return self.require_answer(name) if (self.root / name).exists() else None

    def require_answer(self, name: str) -> str:
        """Read the newest answer of a chat stage; raise `ArtifactError` when there is none."""
        return read_bytes(self.root / name).decode("utf-8", "replace")

    def write_records(self, name: str, records: Iterable[Record]) -> None:
        """Write what was read from an answer, as a list."""
        write_atomic(self.root / name, dump_records(records))

    def read_proposals(self) -> list[Proposal] | None:
        """Read what was parsed from the review; None where nothing was parsed yet."""
        path = self.root / "proposals.json"
        return read_records(path, _PROPOSALS) if path.exists() else None

    def read_verdicts(self) -> list[Verdict]:
        """Read the parsed judgment; empty where none was parsed yet."""
        path = self.root / "verdicts.json"
        return read_records(path, _VERDICTS) if path.exists() else []

    def keep_older(self, name: str) -> str | None:
        """Copy the answer of a chat stage to a free numbered name next to it.

        Returns that name; None when there was nothing to keep.
        """
        path = self.root / name
        if not path.exists():
            return None
        numbers = (n for n in range(1, 1_000_000) if not _numbered(path, n).exists())
        kept = _numbered(path, next(numbers))
        write_atomic(kept, path.read_bytes())
        return kept.name

    def listing(self) -> Iterator[Path]:
        """List the files that exist, older reviews after the newest."""
        for name in ITERATION_FILES:
            path = self.root / name
            if path.exists():
                yield path
            if name == _RUNS:
                yield from self._further_runs()
            if name in _REDONE:
                older = self.root.glob(f"{path.stem}.*{path.suffix}")
                yield from sorted(older, key=lambda found: (len(found.name), found.name))

    def _further_runs(self) -> Iterator[Path]:
        yield from (self._runs(LEARN, repeat) for repeat in self._repeats(LEARN) if repeat > 1)
        yield from (self._runs(FROZEN, repeat) for repeat in self._repeats(FROZEN))
        for path in (self.root / _CONTROL / _METRICS, self.root / _CONFIRMATIONS):
            if path.exists():
                yield path

    def _arm_folder(self, arm: Arm) -> Path:
        return self.root if arm == LEARN else self.root / _CONTROL

    def _runs(self, arm: Arm, repeat: int) -> Path:
        folder = self._arm_folder(arm)
        return (folder if repeat == 1 else folder / f"repeat_{repeat}") / _RUNS

    def _repeats(self, arm: Arm) -> list[int]:
        """List the repeats of an arm that are whole, in order."""
        # By what is there and not by the manifest, which a folder may have lost.
        folders = self._arm_folder(arm).glob("repeat_*")
        found = (_REPEAT.fullmatch(path.name) for path in folders)
        numbers = {1, *(int(match[1]) for match in found if match)}
        return sorted(number for number in numbers if self._runs(arm, number).exists())


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}.{number}{path.suffix}")


def _last_event(path: Path) -> Json:
    """Read the last line that is not blank; empty where there is none."""
    lines = read_bytes(path).rstrip().splitlines()
    try:
        event = jsonio.loads(lines[-1]) if lines else {}
    except ValueError as error:
        raise wrong(path, ShapeError("", f"its last line is not JSON: {error}")) from error
    if not isinstance(event, dict):
        raise wrong(path, ShapeError("", "its last line is no JSON object"))
    return event
