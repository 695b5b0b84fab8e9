"""The files of one iteration: where each arm's, each repeat's and the siblings' are.

The learner's first repeat is in the iteration's own folder, as it always has been; further
repeats, the twin and siblings have folders below it.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from battery.pricing import Pricing
from battery.protocol import Json
from battery.protocol.distill import distilled
from battery.records.findings import Record
from battery.records.models import FROZEN, LEARN, Arm, Proposal, Run, RunResult, Verdict
from battery.records.summary import Metrics
from battery.store.artifacts import (
    CONFIRMATIONS,
    CONTROL,
    DISTILL_EVENTS,
    DISTILLED,
    JOURNAL,
    METRICS,
    OF_AN_ITERATION,
    PROPOSALS,
    REPEAT,
    RUN_SETS,
    SIBLINGS,
    VERDICTS,
    artifact,
    list_of,
)
from battery.store.documents import last_object, read_answers, read_bytes
from battery.store.files import make_folder, stamp_of, write_atomic

_ARMS: Final[tuple[Arm, ...]] = (LEARN, FROZEN)


class ReadRuns:
    """Sets of runs that are known, so that a file that did not change is read at most once.

    Between the end of an iteration and that of its battery four steps ask for them.
    """

    def __init__(self, most: int = 20_000) -> None:
        """Keep so many runs, those that were asked for last; a set with more is not kept."""
        self._most = most
        self._sets: OrderedDict[Path, tuple[tuple[int, ...], Sequence[Run]]] = OrderedDict()

    def of(self, folder: Path) -> Sequence[Run]:
        """Return the runs of a folder; raise `ArtifactError`."""
        runs = self._unchanged(folder)
        if runs is None:
            # Looked at first: what is written while it is read is then read again.
            stamp = stamp_of(folder / RUN_SETS.name)
            runs = RUN_SETS.read(folder)
            self._keep(folder, stamp, runs)
        return runs

    def answers(self, folder: Path) -> Iterator[tuple[Run, Json]]:
        """Yield the runs of a folder with the whole answers; raise `ArtifactError`."""
        return read_answers(folder / RUN_SETS.name, self._unchanged(folder) or ())

    def written(self, folder: Path, runs: Sequence[Run]) -> None:
        """Take note of the runs that were just written to a folder."""
        self._keep(folder, stamp_of(folder / RUN_SETS.name), runs)

    def _unchanged(self, folder: Path) -> Sequence[Run] | None:
        """Return the runs of a file that is as it was; None where they have to be read."""
        stamp, runs = self._sets.get(folder, (None, ()))
        if stamp is None or stamp != stamp_of(folder / RUN_SETS.name):
            return None
        self._sets.move_to_end(folder)
        return runs

    def _keep(self, folder: Path, stamp: tuple[int, ...] | None, runs: Sequence[Run]) -> None:
        self._sets.pop(folder, None)
        if stamp is not None:
            self._sets[folder] = stamp, runs
            while sum(len(kept) for _, kept in self._sets.values()) > self._most:
                self._sets.popitem(last=False)


class IterationDir:
    """The files of one iteration; whatever runs are read from them, they are priced."""

    def __init__(
        self,
        root: Path,
        number: int,
        battery: Path | None = None,
        pricing: Callable[[], Pricing] = Pricing,
        known: ReadRuns | None = None,
    ) -> None:
        """Name an iteration; `known` is shared by those of a battery."""
        self.number = number
        self.root = root
        self._battery = battery or root.parent
        self._pricing = pricing
        self._known = known or ReadRuns()

    def priced(self, result: RunResult) -> RunResult:
        """Return a result with what it cost, by the prices of the battery."""
        return self._pricing().priced(result)

    @property
    def journal(self) -> Path:
        """Where finished calls are appended."""
        return self.root / JOURNAL.name

    def folder(self, arm: Arm, repeat: int = 1) -> Path:
        """Return where the files of an arm and repeat are, whether they exist or not."""
        of_arm = self.root if arm == LEARN else self.root / CONTROL
        return of_arm if repeat == 1 else of_arm / REPEAT.name(repeat)

    @property
    def siblings(self) -> IterationDir:
        """The folder of the siblings, whose runs are laid out like those of the tasks."""
        folder = self.root / SIBLINGS
        return IterationDir(folder, self.number, self._battery, self._pricing, self._known)

    def runs_name(self, arm: Arm, repeat: int) -> str:
        """Name the file of an arm's runs, as a path below the battery's folder."""
        return str((self.folder(arm, repeat) / RUN_SETS.name).relative_to(self._battery))

    @property
    def confirmations_name(self) -> str:
        """The file of the reruns, as a path below the battery's folder."""
        return f"{self.root.name}/{CONFIRMATIONS.name}"

    def has_calls(self) -> bool:
        """Return whether any call is on record."""
        with contextlib.suppress(OSError):
            return self.journal.stat().st_size > 0
        return self.has_runs()

    def has_runs(self, arm: Arm = LEARN) -> bool:
        """Return whether the task runs of an arm are complete on disk.

        Those of the learner are written last, so with them the iteration's tasks are complete.
        """
        return RUN_SETS.exists(self.folder(arm))

    def write_runs(
        self,
        runs: Iterable[Mapping[str, object]],
        arm: Arm = LEARN,
        repeat: int = 1,
        known: Sequence[Run] | None = None,
    ) -> None:
        """Write `{"task", "phase", "result"}` objects, in the order given, one at a time.

        `known` is what would be read back, where that is in memory.
        """
        folder = self.folder(arm, repeat)
        # Only the first set finds its folder there: the journal made it.
        make_folder(folder)
        RUN_SETS.write(folder, runs)
        if known is not None:
            self._known.written(folder, known)

    def read_runs(self, arm: Arm = LEARN, repeat: int = 1) -> list[Run]:
        """Read task, phase and numbers of every run; the rest of the answers is let go."""
        return [self._priced(run) for run in self._known.of(self.folder(arm, repeat))]

    def _priced(self, run: Run) -> Run:
        result = self.priced(run.result)
        return run if result is run.result else run._replace(result=result)

    def run_sets(self) -> Iterator[tuple[Arm, int, list[Run]]]:
        """Yield arm, repeat (from 1) and runs of all that is on disk, the learner first.

        One set is in memory at a time. Raises `ArtifactError`.
        """
        for arm in _ARMS:
            for repeat in self._repeats(arm):
                yield arm, repeat, self.read_runs(arm, repeat)

    def answers(self, *arms: Arm) -> Iterator[tuple[Arm, int, Run, Json]]:
        """Yield arm, repeat (from 1), run and whole answer of every call, the learner first.

        Of the named arms alone, if any is named. One answer is in memory at a time. Raises
        `ArtifactError`.
        """
        for arm in arms or _ARMS:
            for repeat in self._repeats(arm):
                for run, answer in self._known.answers(self.folder(arm, repeat)):
                    yield arm, repeat, self._priced(run), answer

    def confirmed_answers(self) -> Iterator[tuple[Run, Json]]:
        """Yield the reruns of tasks that failed, with their whole answers."""
        if CONFIRMATIONS.exists(self.root):
            for run, answer in read_answers(self.root / CONFIRMATIONS.name):
                yield self._priced(run), answer

    def distill_text(self) -> str | None:
        """Read what the learning side distilled; None where it has not."""
        return DISTILLED.find(self.root)

    def runs_of(self, arm: Arm) -> Iterator[Run]:
        """Yield all runs of an arm, repeat by repeat; none where it was not asked."""
        for repeat in self._repeats(arm):
            yield from self.read_runs(arm, repeat)

    def write_confirmations(self, runs: Iterable[Mapping[str, object]]) -> None:
        """Write the reruns of tasks that failed, shaped like runs."""
        CONFIRMATIONS.write(self.root, runs)

    def read_confirmations(self) -> list[Run]:
        """Read the reruns of tasks that failed, in task order; empty without any."""
        return [self._priced(run) for run in CONFIRMATIONS.find(self.root) or []]

    def write_metrics(self, metrics: Metrics, arm: Arm = LEARN) -> None:
        """Write the `metrics.json` of an arm's first repeat."""
        METRICS.update(self.folder(arm), metrics)

    def read_metrics(self) -> Metrics:
        """Read the learner's `metrics.json`."""
        return METRICS.read(self.root)

    def twin_metrics(self) -> Metrics | None:
        """Read the twin's `metrics.json`; None where there is none."""
        return METRICS.find(self.folder(FROZEN))

    def write_distill(self, text: str, events: Iterable[Json]) -> None:
        """Write the distill text and, next to it, every event."""
        # The text goes last: where it is, the stage is done and the events are whole.
        DISTILL_EVENTS.write(self.root, events)
        DISTILLED.write(self.root, text)

    def distill_events(self) -> Iterator[Json]:
        """Yield the events of the distill stream; what is not a JSON object is left out."""
        yield from DISTILL_EVENTS.find(self.root) or ()

    def learned(self) -> bool | None:
        """Return whether the distillation delivered anything; None where none is on disk.

        A failed distillation did not. A number under `learned` in the last event decides, as the
        embedded gateway sends it; elsewhere any text counts.
        """
        text = self.distill_text()
        if text is None:
            return None
        if distilled(list(self.distill_events())).failed:
            return False
        # Text alone proves little: a gateway that learned nothing may say so in a full sentence.
        events = self.root / DISTILL_EVENTS.name
        count = last_object(events).get("learned") if events.exists() else None
        return count > 0 if isinstance(count, int) else bool(text.strip())

    def write_answer(self, name: str, text: str) -> None:
        """Write the answer of a chat stage as it came."""
        artifact(name).write(self.root, text)

    def read_answer(self, name: str) -> str | None:
        """Read the newest answer of a chat stage; None where there is none."""
        return artifact(name).find(self.root)

    def require_answer(self, name: str) -> str:
        """Read the newest answer of a chat stage; raise `ArtifactError` when there is none."""
        text: str = artifact(name).read(self.root)
        return text

    def write_records(self, records: Mapping[type[Record], Sequence[Record]]) -> None:
        """Write what was read from an answer, each kind of record to the file that lists it."""
        for kind, listed in records.items():
            list_of(kind).write(self.root, listed)

    def read_proposals(self) -> list[Proposal] | None:
        """Read what was parsed from the review; None where nothing was parsed yet."""
        return PROPOSALS.find(self.root)

    def read_verdicts(self) -> list[Verdict]:
        """Read the parsed judgment; empty where none was parsed yet."""
        return VERDICTS.find(self.root) or []

    def keep_older(self, name: str) -> str | None:
        """Copy the answer of a chat stage to a free numbered name next to it.

        Returns that name; None when there was nothing to keep.
        """
        answer = artifact(name)
        if not answer.exists(self.root):
            return None
        names = map(answer.older, range(1, 1_000_000))
        kept = next(name for name in names if not (self.root / name).exists())
        # Copied and not moved: a process that is killed here leaves the answer under its usual
        # name.
        write_atomic(self.root / kept, read_bytes(self.root / name))
        return kept

    def listing(self) -> Iterator[Path]:
        """List the files that exist, in the order of the table, older reviews after the newest."""
        repeats = {arm: {1, *self._repeats(arm)} for arm in _ARMS}
        places = [self.folder(arm, repeat) for arm in _ARMS for repeat in sorted(repeats[arm])]
        places += [self.siblings.folder(arm) for arm in _ARMS]
        for kind in OF_AN_ITERATION:
            yield from (place / kind.name for place in places if kind.exists(place))
            if kind.redone:
                older = self.root.glob(kind.older("*"))
                yield from sorted(older, key=lambda path: (len(path.name), path.name))

    def _repeats(self, arm: Arm) -> list[int]:
        """List the repeats of an arm that are whole, in order."""
        # By what is there and not by the manifest, which a folder may have lost.
        folders = self.folder(arm).glob(REPEAT.name("*"))
        numbers = {1, *filter(None, (REPEAT.number(path.name) for path in folders))}
        return sorted(number for number in numbers if RUN_SETS.exists(self.folder(arm, number)))
