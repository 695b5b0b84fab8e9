"""Where a document for machines goes: standard output, a file, or a GitHub Actions run."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from battery.base.errors import FolderError, UsageError, advised
from battery.base.text import write_line
from battery.cli.grouped import option
from battery.cli.output import print_document
from battery.records.events import Event, Notice
from battery.report.machine import Made, OutputFormat, github
from battery.report.terminal.lines import notice_line
from battery.report.terminal.look import say
from battery.store.files import cannot_write, write_atomic

#: What is raised below names the file; only here is it known that another may be named.
_HINT: Final = "name another file"


def format_option(formats: Mapping[str, OutputFormat[Made]]) -> Any:
    """Declare `--format`, whose choices and help are those of a table of formats."""
    about = ", ".join(f"{name} ({form.about})" for name, form in formats.items()).replace("`", "")
    return option(f"--format {'|'.join(formats)}", f"Write the result for a program: {about}.")


def chosen_format(
    formats: Mapping[str, OutputFormat[Made]],
    wanted: str | None,
    output: Path | None,
    *,
    as_json: bool,
) -> OutputFormat[Made] | None:
    """Settle the format before anything is computed; raise `UsageError`."""
    if as_json and wanted not in {None, "json"}:
        raise UsageError(f"--json and --format {wanted} contradict each other", hint="name one")
    name = "json" if as_json else wanted
    if name is None:
        if output is None:
            return None
        name = _by_ending(formats, output)
    chosen = formats[name]
    chosen.require()
    if chosen.binary and output is None and sys.stdout.isatty():
        raise UsageError(
            f"{name} is not for a terminal", hint=f"name a file: --output calls{chosen.suffix}"
        )
    return chosen


def _by_ending(formats: Mapping[str, OutputFormat[Made]], output: Path) -> str:
    """Return the first format whose files usually end like this one; raise `UsageError`."""
    for name, form in formats.items():
        if form.suffix == output.suffix.lower():
            return name
    endings = ", ".join(dict.fromkeys(form.suffix for form in formats.values()))
    raise UsageError(
        f"the name of {output} tells no format",
        hint=f"name one with --format ({', '.join(formats)}), or a file that ends in {endings}",
    )


def write(chunks: Iterable[bytes], output: Path | None) -> None:
    """Write a document to standard output, or to a file, whole or not at all.

    Missing folders are created. Raises `ArtifactError` or `FolderError`.
    """
    if output is None:
        print_document(chunks)
        return
    try:
        # A link stays a link, and what it leads to is replaced.
        path = Path(os.path.realpath(output))
        replaced = path.is_file() or not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or error
        raise FolderError(f"cannot write {output}: {why}", hint=_HINT) from error
    with advised(_HINT):
        if replaced:
            write_atomic(path, chunks)
        else:
            _add(chunks, path)  # a device or a pipe cannot be replaced by a file
    note(f"wrote {output}")


def deliver(
    form: OutputFormat[Made],
    output: Path | None,
    summary: github.Judged,
    make: Callable[[], Iterable[bytes]],
) -> None:
    """Write the document of a result where it is wanted; `make` makes it."""
    if output or not form.actions:
        write(make(), output)
    if form.actions:
        report_to_github(summary, summarized=output is not None)


@advised(_HINT)
def report_to_github(summary: github.Judged, *, summarized: bool) -> None:
    """Hand the summary to the Actions run around this process, by the files that it names.

    The Markdown goes to the step summary, else to standard output, where the annotations go as
    well; `summarized` says that it has gone to a file already. Raises `ArtifactError`.
    """
    step, outputs = os.environ.get("GITHUB_STEP_SUMMARY"), os.environ.get("GITHUB_OUTPUT")
    if step and not summarized:
        _append_summary(summary, Path(step))
    elif not summarized:
        note("GITHUB_STEP_SUMMARY is not set: the Markdown goes to standard output")
        lines = github.step_summary(summary).decode().splitlines()
        for line in github.without_commands(lines, secrets.token_hex(16)):
            write_line(sys.stdout, line)
    for annotation in github.attention(summary):
        write_line(sys.stdout, github.command(annotation))
    if outputs:
        _add([github.outputs(summary).encode()], Path(outputs))


def note(text: str) -> None:
    """Print a notice on standard error, where it does not mix with the document."""
    tell(Notice(text))


def tell(event: Event) -> None:
    """Print what a command without progress has to say, which is notices alone."""
    if isinstance(event, Notice):
        say(notice_line(event), sys.stderr)


def _append_summary(summary: github.Judged, path: Path) -> None:
    # What earlier commands of the step wrote counts towards the limit as well.
    try:
        there = path.stat().st_size if path.exists() else 0
    except OSError as error:
        raise cannot_write(path, error) from error
    gap = b"\n\n" if there else b""
    text = github.step_summary(summary, github.MAX_BYTES - there - len(gap))
    if text:
        _add([gap + text], path)
    else:
        note("the step summary is full: nothing was added to it")


def _add(chunks: Iterable[bytes], path: Path) -> None:
    try:
        with path.open("ab") as file:
            file.writelines(chunks)
    except OSError as error:
        raise cannot_write(path, error) from error
