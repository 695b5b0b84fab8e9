"""What a program calls: run a battery, or load one that was run, and look at what it found.

The same as the commands, with values for options. What a program runs is written in the program:
the variables and the file that set options of the commands are not read, only those that hold
secrets.
"""

from __future__ import annotations

import html
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

from battery.base import loop
from battery.base.errors import BatteryError, UsageError
from battery.inputs.settings import FeedbackLevel, Settings, make_settings, require_within_limits
from battery.recorded import open_battery
from battery.recorded.rows import call_rows
from battery.recorded.summary import summary_of
from battery.records.events import Event, Notice, Observer
from battery.records.lines import COLUMNS
from battery.records.summary import Summary
from battery.records.word import Word
from battery.report.html.report import report_page
from battery.report.machine.rows import frame
from battery.report.terminal.lines import make_progress
from battery.runner import run as engine
from battery.store.battery_dir import BatteryDir
from battery.target.kinds import read
from battery.tracing import traced

#: A folder or a file, as a path or as a text.
PathLike = str | os.PathLike[str]

#: A library prints nothing by itself; whoever wants to see what happens listens to this.
_LOG: Final = logging.getLogger("battery")
_LOG.addHandler(logging.NullHandler())

# Without it a link to a part of the page would open the notebook in the frame. It comes before the
# page's policy, which allows none.
_BASE: Final = '<head>\n<base href="about:srcdoc">'
# Scripts of the page run in an origin of its own: it cannot reach the notebook around it.
_FRAME: Final = (
    '<iframe title="{title}" sandbox="allow-scripts allow-popups" '
    'style="width: 100%; height: 40rem; border: 0" srcdoc="{page}"></iframe>'
)


class Verdict(NamedTuple):
    """What may be claimed of the system under test."""

    #: None with a single iteration, which shows no change.
    word: Word | None
    #: The same in plain language.
    sentence: str
    #: Why this word and not a better one, one line each.
    reasons: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Battery:
    """A battery on disk, and what it found."""

    #: Where its files are.
    folder: Path
    #: Every number, as in `summary.json`.
    summary: Summary

    def __repr__(self) -> str:
        return f"Battery({str(self.folder)!r}, {self.verdict.word})"

    @property
    def verdict(self) -> Verdict:
        """What may be claimed, in a word, in a sentence, and why."""
        evidence = self.summary.evidence
        if evidence is None:
            return Verdict(None, "No iteration has finished.", ())
        return Verdict(evidence.verdict, evidence.sentence, tuple(evidence.reasons))

    @property
    def report(self) -> Path:
        """The page that shows everything; there once the battery has finished."""
        return self._files.report_path

    def rows(self) -> list[dict[str, Any]]:
        """Return a dict per call, with the columns of `battery summarize --format csv`.

        What was not reported is None. Raises `BatteryError`.
        """
        with _advising():
            return [
                dict(zip(COLUMNS, row.cells, strict=True))
                for row in call_rows(open_battery(self._files))
            ]

    def frame(self) -> Any:
        """Return the same as a pandas `DataFrame`; raise `UsageError` without pandas."""
        with _advising():
            return frame(call_rows(open_battery(self._files)))

    @cached_property
    def _files(self) -> BatteryDir:
        return BatteryDir(self.folder)

    def _repr_html_(self) -> str:
        """Show the report in a notebook."""
        with _advising():
            page = b"".join(report_page(self._files).chunks).decode()
        title = html.escape(f"Report of the battery in {self.folder}")
        text = html.escape(page.replace("<head>", _BASE, 1))
        # The page's policy knows its scripts by their bytes, whatever encoding the notebook has.
        return _FRAME.format(title=title, page=text.encode("ascii", "xmlcharrefreplace").decode())


def run(  # noqa: PLR0913 - one for each setting, as the command has them
    target: str | Callable[..., Any] | None = None,
    *,
    tasks: PathLike | None = None,
    dir: PathLike = "data/battery",  # noqa: A002 - what the command calls it
    iterations: int | None = None,
    resume: bool = False,
    name: str | None = None,
    note: str | None = None,
    tags: Sequence[str] | None = None,
    llm_team: str | None = None,
    control_gateway: str | None = None,
    no_control: bool = False,
    headers: Mapping[str, str] | None = None,
    llm_team_headers: Mapping[str, str] | None = None,
    control_headers: Mapping[str, str] | None = None,
    repeats: int | None = None,
    seed: int | None = None,
    limit: int | None = None,
    respond_timeout: float = Settings.respond_timeout,
    meta_timeout: float = Settings.meta_timeout,
    concurrency: int | None = None,
    max_tokens: int | None = None,
    max_cost: float | None = None,
    feedback: FeedbackLevel | None = None,
    meter: str | None = None,
    prepare: str | None = None,
    keep_going: bool = False,
    repo: PathLike | None = None,
    model_url: str | None = None,
    model_timeout: float | None = None,
    reviewer: str | None = None,
    progress: bool = False,
) -> Battery:
    """Run a battery to its end, as `battery run` does, and return it.

    Every keyword is an option of that command under its own name, and None is its default. `target`
    is what `--target` takes, or a class or function that a file defines; without one the embedded
    gateway is measured. `headers` and its companions authenticate, in addition to what the
    environment holds. A finished battery in `dir` is moved to `archive/` first; `resume` goes on
    with an unfinished one. `progress` shows the run on standard error; without it nothing is
    printed, and what one should know goes to the logger `battery`.

    Raises `BatteryError` with a message and a hint, and after Ctrl-C, once everything is closed,
    `KeyboardInterrupt`: whatever had finished is on disk. No signal handler is touched, and an
    event loop may be running.
    """
    given = dict(locals())
    with _advising():
        options = given | {
            "folder": Path(dir),
            "tasks": Path(tasks) if tasks else None,
            "repo": Path(repo) if repo else None,
            "gateway": _named(target) if target else None,
            "tag": [tags] if isinstance(tags, str) else tags,
            "header": _lines(headers),
            "llm_team_header": _lines(llm_team_headers),
            "control_header": _lines(control_headers),
        }
        settings = make_settings(options, os.environ, read)
        require_within_limits(settings)
        with _shown(progress=progress) as show, traced("run", show) as trace:
            summary = loop.run_apart(engine.run, settings, trace.tell)
            trace.conclude(summary)
    return Battery(settings.folder, summary)


def load(folder: PathLike = "data/battery") -> Battery:
    """Open a battery that was run, or is running, and sum up its complete iterations.

    Writes nothing, and needs no network. Raises `BatteryError`.
    """
    with _advising():
        files = BatteryDir(Path(folder))
        opened = open_battery(files)
        opened.require_complete()
        opened.require_whole()
        return Battery(files.root, summary_of(opened, report=files.report_path.exists()))


def _named(target: str | Callable[..., Any]) -> str:
    """Name a class or a function as `--target` does: another process imports it anew."""
    if isinstance(target, str):
        return target
    name, module = target.__qualname__, sys.modules.get(target.__module__)
    file = getattr(module, "__file__", None)
    if file is None or target.__module__ == "__main__" or "<" in name:
        raise UsageError(
            f"the target {name} is defined where no other process can import it: in a notebook, at "
            "a prompt, in the program that is running, or in a function",
            hint="put it into a file (in a notebook: %%writefile agent.py), and give "
            "target='python:agent.py:Agent'",
        )
    # What is in a package may import its neighbours, which takes its full name.
    return f"python:{target.__module__ if '.' in target.__module__ else file}:{name}"


def _lines(headers: Mapping[str, str] | None) -> list[str]:
    return [f"{name}: {value}" for name, value in (headers or {}).items()]


def _shown(*, progress: bool) -> AbstractContextManager[Observer]:
    if progress:
        return make_progress(quiet=False, stream=sys.stderr)
    return nullcontext(_logged)


def _logged(event: Event) -> None:
    if isinstance(event, Notice):
        _LOG.log(logging.WARNING if event.warning else logging.INFO, event.text)


@contextmanager
def _advising() -> Iterator[None]:
    """Raise the first of the errors that workers report in a group, and show its hint with it."""
    try:
        yield
    except BaseException as error:
        first = error
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        if isinstance(first, BatteryError) and (hint := first.hint or first.remedy):
            # A traceback shows the notes, and nothing else of what an error knows.
            first.add_note(f"next: {hint}")
        if first is error:
            raise
        raise first from error
