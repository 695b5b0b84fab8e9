"""How far the runs of a campaign are, on the terminal: a row for each, and all together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from typing import Final, NamedTuple, Protocol, TextIO

from battery.base.numbers import counted, money, signed_percent
from battery.base.text import cells, fit, listed, printable, write_line
from battery.records.events import Event, Notice
from battery.records.status import CampaignStatus, RunState, RunStatus
from battery.records.word import Tone, Word
from battery.report.evidence import NONE
from battery.report.terminal.lines import can_draw, live_views, notice_line
from battery.report.terminal.look import GAP, MOST_ROWS, Look, align, say, spaced

#: What people read for a state, and its colour, those first that ask for somebody.
STATES: Final[dict[RunState, tuple[str, Tone | None]]] = {
    "failed": ("failed", "bad"),
    "silent": ("silent", "bad"),
    "interrupted": ("interrupted", "open"),
    "paused": ("paused", "open"),
    "running": ("under way", None),
    "invalid": ("finished", None),
    "finished": ("finished", None),
    "waiting": ("waiting", "flat"),
}
_ORDER: Final = list(STATES)
#: Of the reasons why runs stopped, and of lost targets, so many are told, in so many rows each.
_REASONS: Final = 2
_REASON_ROWS: Final = 2
#: Runs that one reason names.
_NAMED: Final = 3
_HEADS: Final = (
    "run",
    "state",
    "iteration",
    "calls",
    "tokens",
    "cost",
    "vs twin",
    "alone",
    "target",
    "worker",
)
#: Columns that go first where there is no room.
_OPTIONAL: Final = ("worker", "target", "cost", "vs twin", "tokens", "iteration")
_LEFT: Final = ("state", "alone", "worker")


class Line(NamedTuple):
    """A line of the table, and its colour."""

    text: str
    tone: Tone | None = None


def print_status(status: CampaignStatus, stream: TextIO, *, full: bool = False) -> None:
    """Write how far a campaign is; `full` has every run, else it takes at most `MOST_ROWS`.

    The last line is the command to give next.
    """
    look = Look.of(stream)
    for text in spaced(_blocks(status, look, full=full), look):
        write_line(stream, text)


def _blocks(status: CampaignStatus, look: Look, *, full: bool) -> Iterator[list[str]]:
    head = [fit(size(status), look.width, ellipsis=look.cut)]
    if full:
        head += [f"plan {status.digest}"]
    reasons = [*_lost_targets(status, look, full=full), *_reasons(status, look, full=full)]
    # The command is not wrapped, so that it can be copied.
    last = [*look.wrap(", ".join(totals(status))), next_line(status)]
    taken = sum(look.rows(block) + 1 for block in (head, reasons, last) if block)
    room = len(status.runs) + 1 if full else MOST_ROWS - taken
    first, *rows = table(status, look.width, room, look.cut)
    yield head
    yield [look.paint(first.text, "bold"), *(look.paint(*line) for line in rows)]
    yield reasons
    yield last


def size(status: CampaignStatus) -> str:
    """Write what the campaign is: its name or folder, its runs and iterations."""
    each = counted(status.iterations, "iteration")
    name = printable(status.name or status.folder)
    return f"{name}: {counted(status.planned, 'run')} of {each}"


def totals(status: CampaignStatus) -> Iterator[str]:
    """Yield what all runs together have done and spent, next to the caps."""
    yield f"{status.done:,} of {counted(status.planned, 'run')} finished"
    yield f"{status.calls:,} of {status.calls_planned:,} calls"
    yield from spent(status)


def spent(status: CampaignStatus) -> Iterator[str]:
    """Yield what all runs together have spent, next to the caps."""
    if status.tokens is not None or status.max_tokens is not None:
        cap = "" if status.max_tokens is None else f" of {status.max_tokens:,}"
        yield f"{status.tokens or 0:,}{cap} tokens"
    if status.cost_usd is not None or status.max_cost is not None:
        cap = "" if status.max_cost is None else f" of {money(status.max_cost)}"
        yield f"{money(status.cost_usd or 0.0)}{cap}"


def table(status: CampaignStatus, width: int, room: int, cut: str = "…") -> list[Line]:
    """Lay out a heading and a row per run in at most `room` lines.

    Where not all have one, those come first that ask for somebody, then those under way, and of the
    others a line says how many there are.
    """
    shown, folded = _chosen(status.runs, max(room - 1, 1))
    others = (Line(fit(text, width, ellipsis=cut), "flat") for text in folded)
    return [*_laid_out(shown, width, cut), *others]


def _chosen(runs: Sequence[RunStatus], room: int) -> tuple[list[RunStatus], list[str]]:
    """Choose the runs that have a row, and say in lines what the others are."""
    if len(runs) <= room:
        return list(runs), []
    by_state = sorted(runs, key=lambda run: _ORDER.index(run.state))
    # All that wait are alike.
    most = sum(run.state != "waiting" for run in runs)
    for count in range(min(room - 1, most), -1, -1):
        shown, rest = by_state[:count], by_state[count:]
        folded = list(_folded(rest))
        if count + len(folded) <= room:
            return shown, folded
    return [], [f"{counted(len(runs), 'run')} have no room here"]


def _folded(runs: Sequence[RunStatus]) -> Iterator[str]:
    for label, group in groupby(runs, key=lambda run: STATES[run.state][0]):
        members = list(group)
        words = Counter(str(run.word) for run in members if run.word)
        found = ", ".join(f"{times} {word}" for word, times in words.most_common())
        yield f"and {len(members):,} {label}" + (f": {found}" if found else "")


def _laid_out(runs: Sequence[RunStatus], width: int, cut: str) -> list[Line]:
    rows = [_row(run) for run in runs]
    columns = [name for name in _HEADS if any(row[name] for row in rows)] if rows else ["run"]
    if all(run.target in {None, 1} for run in runs):
        columns = [name for name in columns if name != "target"]
    for name in ("", *_OPTIONAL):
        columns = [column for column in columns if column != name]
        lines = _joined(columns, rows)
        if max(map(cells, lines)) <= width:
            break
    tones: list[Tone | None] = [None, *(STATES[run.state][1] for run in runs)]
    shown = (fit(line, width, ellipsis=cut) for line in lines)
    return [Line(text, tone) for text, tone in zip(shown, tones, strict=True)]


def _joined(columns: Sequence[str], rows: Sequence[dict[str, str]]) -> list[str]:
    filled = [
        align([name, *(row[name] or "" for row in rows)], left=name in _LEFT) for name in columns
    ]
    return [GAP.join(line).rstrip() for line in zip(*filled, strict=True)]


def _row(run: RunStatus) -> dict[str, str]:
    label = STATES[run.state][0]
    worker = run.worker if not run.is_over else None
    return {
        "run": str(run.number),
        "state": label,
        "iteration": f"{run.iteration}/{run.iterations}" if run.iteration else "",
        "calls": f"{run.calls:,}/{run.calls_planned:,}",
        "tokens": "" if run.tokens is None else f"{run.tokens:,}",
        "cost": "" if run.cost_usd is None else money(run.cost_usd),
        "vs twin": "" if run.effect is None else signed_percent(run.effect - 1),
        "alone": run.word or (NONE if run.is_over else ""),
        "target": str(run.target or ""),
        "worker": printable(f"{worker.pid} on {worker.host}") if worker else "",
    }


def _reasons(status: CampaignStatus, look: Look, *, full: bool) -> Iterator[str]:
    """Say why runs stopped, each reason once, and what cannot be told from here."""
    reasons: dict[str, list[RunStatus]] = {}
    for run in sorted(status.runs, key=lambda run: _ORDER.index(run.state)):
        if text := reason(run, status.lease_s):
            reasons.setdefault(text, []).append(run)
    for at, (text, runs) in enumerate(reasons.items()):
        if at == _REASONS and not full:
            yield look.paint(f"and {counted(len(reasons) - at, 'more reason')}", "warning")
            break
        lines = look.wrap(f"{_named(runs)} {text}", "", GAP)
        lines = lines if full else look.at_most(lines, _REASON_ROWS)
        yield from (look.paint(line, "warning") for line in lines)
    if any(map(_is_unsure, status.runs)):
        text = (
            "whether a worker on another host is at work cannot be told in one look; --follow "
            f"tells after {status.lease_s:g} s without a sign of life"
        )
        yield from look.wrap(text, "", GAP)


def _lost_targets(status: CampaignStatus, look: Look, *, full: bool) -> Iterator[str]:
    """Say which deployments are not used any more, and why."""
    lost = [target for target in status.targets if target.state == "given_up"]
    named = lost if full else lost[:_REASONS]
    for target in named:
        name = printable(f"target {target.number}, {target.gateway}, is not used again")
        lines = look.wrap(f"{name}: {printable(target.why or '')}", "", GAP)
        lines = lines if full else look.at_most(lines, _REASON_ROWS)
        yield from (look.paint(line, "warning") for line in lines)
    if more := len(lost) - len(named):
        yield look.paint(f"and {counted(more, 'more target')}, not used again", "warning")


def _named(runs: Sequence[RunStatus]) -> str:
    numbers = [str(run.number) for run in runs[:_NAMED]]
    if len(runs) > _NAMED:
        numbers.append(f"{len(runs) - _NAMED:,} more")
    return f"run{'s' if len(runs) > 1 else ''} {listed(numbers)}"


def _is_unsure(run: RunStatus) -> bool:
    return run.state == "running" and (run.worker is None or run.worker.alive is None)


def reason(run: RunStatus, lease_s: float) -> str | None:
    """Say of a run that stopped before its end how, and why; None of any other."""
    if run.state == "silent":
        if run.worker is None:
            return f"silent: no sign of life for {lease_s:g} s"
        who = printable(f"process {run.worker.pid} on {run.worker.host}")
        if run.worker.alive is False:
            return f"silent: {who} is gone"
        return f"silent: no sign of life from {who} for {lease_s:g} s"
    # That somebody interrupted it is no news.
    if run.why is None or run.state not in {"failed", "paused", "invalid"}:
        return None
    why, label = printable(run.why), run.state if run.state != "invalid" else Word.INVALID
    # What was spent and done by then is in the table.
    return why.partition(":")[0] if run.state == "paused" else f"{label}: {why}"


def changes(before: CampaignStatus, now: CampaignStatus, *, stops: bool = True) -> Iterator[Notice]:
    """Yield what became of runs between two looks: those that came to their end, or stopped.

    Without `stops` the latter are left out.
    """
    for earlier, run in zip(before.runs, now.runs, strict=True):
        same = (run.state, run.epoch) == (earlier.state, earlier.epoch)
        if same or not (stops or run.is_over):
            continue
        if text := reason(run, now.lease_s):
            yield Notice(f"run {run.number} {text}", warning=True)
        elif run.state in {"finished", "invalid", "interrupted", "paused", "failed"}:
            yield Notice(f"run {run.number} {run.state}{_found(run)}")


def _found(run: RunStatus) -> str:
    effect = [] if run.effect is None else [f"{signed_percent(run.effect - 1)} vs twin"]
    return f": {', '.join([run.word, *effect])}" if run.is_over and run.word else ""


def next_line(status: CampaignStatus) -> str:
    """Write the command to give next."""
    if status.is_over:
        what = "judge it with"
    elif status.counts["running"]:
        what = "follow it with"
    else:
        what = "go on with" if any(run.epoch for run in status.runs) else "run it with"
    return f"{what}: {printable(status.next)}"


class RunsView(Protocol):
    """Shows on a stream how the runs of a campaign get on."""

    #: Whether it is redrawn in place, and so wants to be shown one look after the other.
    is_live: bool

    def show(self, status: CampaignStatus) -> None:
        """Take another look at the campaign."""

    def tell(self, event: Event) -> None:
        """Show a notice, so that it stays."""

    def forward(self, line: str) -> None:
        """Show a line that a worker says."""


class PlainRuns:
    """Shows lines: what became of runs, what workers say."""

    is_live = False

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._status: CampaignStatus | None = None

    def show(self, status: CampaignStatus) -> None:
        """Tell what became of runs since the last look."""
        before, self._status = self._status, status
        for notice in changes(before, status) if before else ():
            self.tell(notice)

    def tell(self, event: Event) -> None:
        """Write a notice as a line."""
        if isinstance(event, Notice):
            say(notice_line(event), self._stream)

    def forward(self, line: str) -> None:
        """Write a line as it is."""
        write_line(self._stream, line)


def make_runs_view(stream: TextIO, *, watching: bool) -> AbstractContextManager[RunsView]:
    """Choose how runs are shown: live on a terminal that can be drawn on, in lines elsewhere."""
    if not can_draw(stream):
        return nullcontext(PlainRuns(stream))
    return live_views().runs(stream, watching=watching)
