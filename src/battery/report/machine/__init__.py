"""The table of output formats: what `summarize --format` can write, one record per format.

The choices of the option, its help, the reference and what is written follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, Generic, ParamSpec

from battery.recorded import open_battery
from battery.recorded.rows import call_rows
from battery.records.campaign import CampaignSummary
from battery.records.lines import Row
from battery.records.summary import Summary
from battery.report.machine.github import step_summary
from battery.report.machine.junit import junit, junit_of_runs
from battery.report.machine.rows import csv_chunks, parquet_chunks, require_parquet
from battery.report.markdown.runs import markdown as markdown_of_runs
from battery.report.markdown.summary import markdown
from battery.store.artifacts import SUMMARY, SUMMARY_TEXT
from battery.store.battery_dir import BatteryDir
from battery.store.documents import dump_record

#: What a document is made of.
Made = ParamSpec("Made")


@dataclass(frozen=True, kw_only=True)
class OutputFormat(Generic[Made]):
    """A way to write a result for a program."""

    name: str
    #: What is written, in help and reference.
    about: str
    #: How a file of it usually ends.
    suffix: str
    #: Makes the document, of a battery from its summary and what is in its folder.
    make: Callable[Made, Iterable[bytes]]
    #: Raises `UsageError` where something is missing that it needs.
    require: Callable[[], None] = lambda: None
    #: Whether it would garble a terminal.
    binary: bool = False
    #: Whether annotations and outputs go to the GitHub Actions run around the command as well.
    actions: bool = False


def _rows(folder: BatteryDir) -> Iterable[Row]:
    # From the folder, since the summary holds no single calls.
    return call_rows(open_battery(folder))


def _rows_of_runs(summary: CampaignSummary) -> Iterable[Row]:
    # Run by run, those that the effects leave out too: the column `run_id` tells them apart.
    folders = (Path(run.folder) for run in summary.evidence.runs)
    return chain.from_iterable(_rows(BatteryDir(folder)) for folder in folders)


#: All of them, in the order in which they are offered.
TABLE: Final[tuple[OutputFormat[[Summary, BatteryDir]], ...]] = (
    OutputFormat(
        name="md",
        about=f"`{SUMMARY_TEXT.name}`",
        suffix=".md",
        make=lambda summary, _: [markdown(summary).encode()],
    ),
    OutputFormat(
        name="json",
        about=f"`{SUMMARY.name}`",
        suffix=".json",
        make=lambda summary, _: [dump_record(summary)],
    ),
    OutputFormat(
        name="csv",
        about="a row per call",
        suffix=".csv",
        make=lambda _, folder: csv_chunks(_rows(folder)),
    ),
    OutputFormat(
        name="parquet",
        about="the same, typed",
        suffix=".parquet",
        make=lambda _, folder: parquet_chunks(_rows(folder)),
        require=require_parquet,
        binary=True,
    ),
    OutputFormat(
        name="junit",
        about="test results, a suite per kind of task, and the gates",
        suffix=".xml",
        make=lambda summary, folder: [junit(summary, _rows(folder))],
    ),
    OutputFormat(
        name="github",
        about="step summary, annotations and outputs of a GitHub Actions run",
        suffix=".md",
        make=lambda summary, _: [step_summary(summary)],
        actions=True,
    ),
)
#: The same by name.
FORMATS: Final = {form.name: form for form in TABLE}
#: What `campaign verdict --format` can write, by name.
OF_CAMPAIGN: Final[dict[str, OutputFormat[[CampaignSummary]]]] = {
    form.name: form
    for form in (
        OutputFormat(
            name="md",
            about=f"`{SUMMARY_TEXT.name}`",
            suffix=".md",
            make=lambda summary: [markdown_of_runs(summary).encode()],
        ),
        OutputFormat(
            name="json",
            about=f"`{SUMMARY.name}`",
            suffix=".json",
            make=lambda summary: [dump_record(summary)],
        ),
        OutputFormat(
            name="csv",
            about="a row per call of every finished run",
            suffix=".csv",
            make=lambda summary: csv_chunks(_rows_of_runs(summary)),
        ),
        OutputFormat(
            name="parquet",
            about="the same, typed",
            suffix=".parquet",
            make=lambda summary: parquet_chunks(_rows_of_runs(summary)),
            require=require_parquet,
            binary=True,
        ),
        OutputFormat(
            name="junit",
            about="test results, a case per run, per question, and the verdict",
            suffix=".xml",
            make=lambda summary: [junit_of_runs(summary)],
        ),
        OutputFormat(
            name="github",
            about="step summary, annotations and outputs of a GitHub Actions run",
            suffix=".md",
            make=lambda summary: [step_summary(summary)],
            actions=True,
        ),
    )
}
