"""Write the report of a folder: read what is on disk, render, write one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from battery.artifacts import REVIEW_FILE, SCRUM_FILE, BatteryDir
from battery.errors import ArtifactError
from battery.evidence.table import Call
from battery.files import write_atomic
from battery.findings import Word
from battery.models import Manifest, Summary
from battery.render.html.grid import Board
from battery.render.html.report import Material, report, unfinished
from battery.render.html.reviewed import Reviewed
from battery.render.html.transcripts import call_name, rerun_name
from battery.render.transcript import transcript
from battery.stages.compute import summary_of
from battery.stages.evidence import task_calls
from battery.tasks import task_id


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
    page = report_page(folder, beside=True)
    path = folder.report_path
    _save(path, page.chunks)
    return Written(path, path.stat().st_size, page.verdict, page.unfinished)


def report_page(folder: BatteryDir, *, beside: bool = False) -> Page:
    """Make the report of a folder; `beside` when it will lie there, so that it lists itself.

    Takes no lock and changes nothing: of a battery that is running it shows the iterations whose
    tasks are complete. Raises `BatteryError`.
    """
    manifest = folder.read_manifest()
    summary = summary_of(folder, manifest, report=beside)
    chunks = _page(folder, manifest, summary, task_calls(folder))
    verdict = summary.evidence.verdict if summary.evidence else None
    return Page(chunks, verdict, unfinished(summary, manifest))


def write_report(
    folder: BatteryDir,
    manifest: Manifest | None,
    summary: Summary,
    calls: Sequence[Call],
    path: Path,
) -> None:
    """Write the report of a summary with evidence on at least one call; raise `ArtifactError`.

    `calls` are those of `task_calls`, which whoever has the evidence has read already.
    """
    _save(path, _page(folder, manifest, summary, calls))


def _page(
    folder: BatteryDir, manifest: Manifest | None, summary: Summary, calls: Sequence[Call]
) -> Iterator[bytes]:
    board = Board(calls)
    material = Material(
        summary=summary,
        manifest=manifest,
        reruns=_reruns(folder, board),
        distilled=[
            (step.number, step.distill_text(), folder.distill_events(step))
            for step in folder.complete()
        ],
        reviewed=[
            Reviewed(
                step.number,
                step.read_answer(REVIEW_FILE),
                step.read_answer(SCRUM_FILE),
                step.read_proposals() or [],
                step.read_verdicts(),
            )
            for step in folder.complete()
        ],
    )
    return report(material, board, _transcripts(folder, board))


def _save(path: Path, chunks: Iterator[bytes]) -> None:
    try:
        write_atomic(path, chunks)
    except ArtifactError as error:
        cause = error.__cause__
        # An artifact that cannot be read meanwhile says so itself.
        if not isinstance(cause, OSError) or not error.message.startswith(f"cannot write {path}"):
            raise
        hint = "move it away" if path.is_dir() else "free space, check the folder's permissions"
        raise ArtifactError(
            f"cannot write {path}: {cause.strerror or cause}",
            hint=f"{hint}, or name another file: `battery report --output PATH`",
        ) from error


def _reruns(folder: BatteryDir, board: Board) -> Counter[tuple[int, int]]:
    return Counter(
        (step.number, board.rows[task_id(run.phase, run.task)])
        for step in folder.complete()
        for run in step.read_confirmations()
        if task_id(run.phase, run.task) in board.rows
    )


def _transcripts(folder: BatteryDir, board: Board) -> Iterator[tuple[str, bytes]]:
    """Yield every call by its name, one in memory at a time."""
    for step in folder.complete():
        for arm, repeat, run, answer in step.answers():
            row = board.rows[task_id(run.phase, run.task)]
            source = folder.runs_name(step, arm, repeat)
            yield call_name(step.number, arm, row, repeat), transcript(run, answer, source)
        asked: Counter[int] = Counter()
        for run, answer in step.confirmed_answers():
            # A file that somebody edited may hold tasks that were never asked.
            if (found := board.rows.get(task_id(run.phase, run.task))) is not None:
                asked[found] += 1
                name = rerun_name(step.number, found, asked[found])
                yield name, transcript(run, answer, folder.confirmations_name(step))
