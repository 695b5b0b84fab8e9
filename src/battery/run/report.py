"""Write the report of a folder: read what is on disk, render, write one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from battery.base.errors import advised
from battery.inputs.tasks import task_id
from battery.recorded.open import OpenedBattery, open_battery, summary_of
from battery.records.models import Summary
from battery.records.stages import CHAT_STAGES
from battery.records.word import Word
from battery.report.html.answers import Reviewed
from battery.report.html.board import Board
from battery.report.html.report import Material, report, unfinished
from battery.report.html.transcripts import call_name, rerun_name, transcript
from battery.store.battery_dir import BatteryDir, IterationDir
from battery.store.files import write_atomic


class Page(NamedTuple):
    """A report that is ready to be written."""

    #: Made as they are read, so they can be read once; reading may raise `BatteryError`.
    chunks: Iterator[bytes]
    verdict: Word | None
    #: What an unfinished battery's report covers, in a sentence; None for any other.
    unfinished: str | None


class Written(NamedTuple):
    """A report on disk."""

    path: Path
    bytes: int
    verdict: Word | None
    #: As in `Page`.
    unfinished: str | None


def make_report(folder: BatteryDir) -> Written:
    """Write the report of a folder to `report.html` in it; raise `BatteryError`."""
    page = report_page(folder, in_place=True)
    path = folder.report_path
    _save(path, page.chunks)
    return Written(path, path.stat().st_size, page.verdict, page.unfinished)


def report_page(folder: BatteryDir, *, in_place: bool = False) -> Page:
    """Make the report of a folder; `in_place` when it will be written there and lists itself.

    Takes no lock and changes nothing: of a battery that is running it shows the iterations whose
    tasks are complete. Raises `BatteryError`.
    """
    opened = open_battery(folder)
    opened.require_complete()
    opened.require_whole()
    summary = summary_of(opened, report=in_place)
    verdict = summary.evidence.verdict if summary.evidence else None
    return Page(_page(opened, summary), verdict, unfinished(summary))


def write_report(opened: OpenedBattery, summary: Summary) -> None:
    """Write `report.html` from a battery and its summary; raise `ArtifactError`."""
    _save(opened.folder.report_path, _page(opened, summary))


def _page(opened: OpenedBattery, summary: Summary) -> Iterator[bytes]:
    board, steps = Board(opened.calls), opened.steps
    material = Material(
        summary=summary,
        provenance=opened.provenance,
        reruns=_reruns(steps, board),
        distilled=[(step.number, step.distill_text(), step.distill_events()) for step in steps],
        reviewed=[
            Reviewed(
                step.number,
                {
                    stage.title.capitalize(): answer
                    for stage in CHAT_STAGES
                    if (answer := step.read_answer(stage.file)) is not None
                },
                step.read_proposals() or [],
                step.read_verdicts(),
            )
            for step in steps
        ],
    )
    return report(material, board, _transcripts(steps, board))


def _save(path: Path, chunks: Iterator[bytes]) -> None:
    with advised("name another file: `battery report --output PATH`"):
        write_atomic(path, chunks)


def _reruns(steps: Sequence[IterationDir], board: Board) -> Counter[tuple[int, int]]:
    return Counter(
        (step.number, board.rows[task_id(run.phase, run.task)])
        for step in steps
        for run in step.read_confirmations()
        if task_id(run.phase, run.task) in board.rows
    )


def _transcripts(steps: Sequence[IterationDir], board: Board) -> Iterator[tuple[str, bytes]]:
    """Yield every call by its name, one in memory at a time."""
    for step in steps:
        for arm, repeat, run, answer in step.answers():
            row = board.rows[task_id(run.phase, run.task)]
            source = step.runs_name(arm, repeat)
            yield call_name(step.number, arm, row, repeat), transcript(run, answer, source)
        asked: Counter[int] = Counter()
        for run, answer in step.confirmed_answers():
            task = task_id(run.phase, run.task)
            # A file that somebody edited may hold tasks that were never asked.
            if task in board.rows:
                asked[board.rows[task]] += 1
                name = rerun_name(step.number, board.rows[task], asked[board.rows[task]])
                yield name, transcript(run, answer, step.confirmations_name)
