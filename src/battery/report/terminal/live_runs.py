"""The live view of a campaign on a terminal: all of its runs, a row for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, Self, TextIO

from rich.text import Text

from battery.base.clock import awake
from battery.base.numbers import counted, minus
from battery.base.text import brief, fit
from battery.records.events import Event, Notice
from battery.records.status import CampaignStatus
from battery.records.word import Tone
from battery.report.terminal.campaign import changes, next_line, spent, table
from battery.report.terminal.frames import PAUSE_S, Live, progress_bar, rough
from battery.report.terminal.lines import notice_line
from battery.report.terminal.look import Look

_STYLES: Final[dict[Tone | None, str]] = {
    "good": "green",
    "bad": "red",
    "flat": "dim",
    "open": "yellow",
    None: "",
}
#: Lines from which a blank one sets the table apart.
_TALL: Final = 12
#: How notes of a run begin, and what a worker warns of in one.
_ABOUT_A_RUN: Final = re.compile(r"run \d+: ")
_WARNING: Final = re.compile(r"warning: run \d+: (.+)")
#: Calls to have seen before a guess at the time left is worth showing.
_ENOUGH: Final = 3


class LiveRuns:
    """Show how far all runs are, redrawn in place; what is to stay is printed above it.

    `watching` says that the workers are another process's: then it tells of runs that stop, too.
    """

    is_live = True

    def __init__(
        self,
        stream: TextIO,
        *,
        clock: Callable[[], float] = awake,
        pause: float = PAUSE_S,
        watching: bool = False,
    ) -> None:
        self._clock = clock
        self._change = Look.of(stream).change
        self._watching = watching
        self._pace = Pace(clock())
        self._status: CampaignStatus | None = None
        self._warned: set[str] = set()
        self._live = Live(stream, self._frame, pause)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.__exit__(*error)

    def show(self, status: CampaignStatus) -> None:
        """Show another look at the campaign from now on."""
        self._live.change(lambda: self._take(status))

    def tell(self, event: Event) -> None:
        """Print a notice above the view, where it stays, unless the rows show what it says."""
        if isinstance(event, Notice) and (event.warning or not _ABOUT_A_RUN.match(event.text)):
            self._live.change(lambda: [self._lasting(event)])

    def forward(self, line: str) -> None:
        """Print what a worker says above the view, of what it warns the first run alone.

        Its notes are left out: the rows show what they say.
        """
        about_a_run = _WARNING.match(line)
        if line.startswith("note: ") or (about_a_run and about_a_run[1] in self._warned):
            return
        if about_a_run:
            # Mostly all runs have it, and there may be a hundred of them.
            self._warned.add(about_a_run[1])
        self._live.change(lambda: [Text(line, "yellow")])

    def _take(self, status: CampaignStatus) -> Iterator[Text]:
        before, self._status = self._status, status
        self._pace.take(status, self._clock())
        if before:
            yield from map(self._lasting, changes(before, status, stops=self._watching))

    def _lasting(self, notice: Notice) -> Text:
        style = "yellow" if notice.warning else "dim"
        return Text(self._change(notice_line(notice)), style)

    def _frame(self, width: int, height: int) -> list[Text]:
        status, below = self._status, []
        if status and self._is_left_alone(status) and height >= _TALL:
            below = [Text(fit(f"nobody works on it; {next_line(status)}", width), "yellow")]
        frame = draw(status, self._pace, width, height - len(below), self._clock())
        return [*frame, *below]

    def _is_left_alone(self, status: CampaignStatus) -> bool:
        return self._watching and not status.is_over and not status.counts["running"]


class Pace:
    """How fast calls come in since somebody began to look."""

    def __init__(self, started: float) -> None:
        self.started = started
        #: The calls that were there at the first look, and when that was.
        self._first: tuple[int, float] | None = None
        self._left: float | None = None

    def take(self, status: CampaignStatus, now: float) -> None:
        """Take one look at the campaign."""
        calls, since = self._first = self._first or (status.calls, now)
        done = status.calls - calls
        if done >= _ENOUGH:
            self._left = (now - since) / done * max(status.calls_planned - status.calls, 0)

    @property
    def seconds_left(self) -> float | None:
        """Guess the time left from the pace so far; None while there is too little to go by."""
        return self._left


def draw(
    status: CampaignStatus | None, pace: Pace, width: int, height: int, now: float
) -> list[Text]:
    """Draw a campaign in at most so many columns, and in fewer lines than the terminal has."""
    age = rough(now - pace.started)
    if status is None:
        return [Text(brief(f"starting · {age}", width), "bold")]
    title = " · ".join(
        [f"{status.done:,} of {counted(status.planned, 'run')} finished", *spent(status), age]
    )
    head = [
        Text(brief(title, width), "bold"),
        progress_bar(status.calls, status.calls_planned, pace.seconds_left, width),
    ]
    gap = [Text()] if height >= _TALL else []
    room = height - 1 - len(head) - len(gap)
    heads, *rows = table(status, width, room)
    body = [Text(heads.text, "dim"), *(Text(minus(text), _STYLES[tone]) for text, tone in rows)]
    # A frame that fills the terminal could not be wiped any more.
    return [*head, *gap, *body][: max(height - 1, 1)]
