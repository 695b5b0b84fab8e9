"""The live view of a battery on a terminal: how rich draws the board.

It shows a few rows, however long the battery is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Self, TextIO

from rich.text import Text

from battery.base.clock import awake
from battery.base.numbers import duration
from battery.base.text import brief, cells, pad
from battery.records import events
from battery.records.models import ARM_NAMES, FROZEN, KINDS, LEARN, Arm
from battery.records.stages import STAGE_NAMES
from battery.report.terminal.board import Board, Cell, Key, MetaRow
from battery.report.terminal.frames import PAUSE_S, WIDEST, Live, progress_bar, rough
from battery.report.terminal.lines import (
    count,
    fitted,
    introduction_lines,
    iteration_line,
    notice_line,
    place,
    plan_lines,
)
from battery.report.terminal.look import Look

#: Columns of a label that a row should have left when it shows everything.
_LABEL: Final = 24
#: Lines from which blank ones set the parts of a frame apart.
_TALL: Final = 16
_TOKENS: Final = 9
_OUTCOME: Final = 7
_KIND: Final = max(map(len, STAGE_NAMES.values()))
_SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_GOOD: Final = "green"
#: How outcomes look that are not as they should be.
_STYLES: Final = {"blocked": "magenta", "failed": "yellow", "bluff": "red"}
_WORST_LAST: Final = ("ok", "refused", *_STYLES)


class LiveProgress:
    """Show the iteration under way, redrawn in place; what is to stay is printed above it."""

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
        self._board = Board(started=clock(), watched=watching)
        self._live = Live(stream, self._frame, pause)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.__exit__(*error)

    def __call__(self, event: events.Event) -> None:
        """Take one event; what is to stay is printed above the view."""
        self._live.change(lambda: self._take(event))

    def _frame(self, width: int, height: int) -> list[Text]:
        return draw(self._board, width, height, self._clock())

    def _take(self, event: events.Event) -> Iterator[Text]:
        self._board.update(event, self._clock())
        yield from self._lasting(event)

    def _lasting(self, event: events.Event) -> Iterator[Text]:
        # As Text: a plain string would be read as rich's markup.
        match event:
            case events.Introduction():
                yield Text(introduction_lines(event), style="dim")
            case events.Plan():
                yield Text(plan_lines(event, self._live.width), style="dim")
            case events.IterationFinished():
                line = iteration_line(event, self._board.plan)
                yield Text(fitted(self._change(line), self._live.width))
            case events.Notice():
                yield Text(notice_line(event), style="yellow" if event.warning else "dim")
            case _:
                pass


def draw(board: Board, width: int, height: int, now: float) -> list[Text]:
    """Draw a board in at most so many columns, and in fewer lines than the terminal has."""
    gap = [Text()] if height >= _TALL else []
    head = [_title(board, width, now), *_bar(board, width, now)]
    metas = [_meta(row, width, now) for row in board.metas]
    room = height - 1 - len(head) - len(metas) - len(gap) * (1 + bool(metas))
    table = list(_table(board, width, max(room - 1, 1), now)) if board.rows else []
    parts = [part for part in (head, table, metas) if part]
    lines = [line for part in parts for line in (*gap, *part)][len(gap) :]
    for line in lines:
        line.truncate(width)
    # A frame that fills the terminal could not be wiped any more.
    return lines[: max(height - 1, 1)]


def _title(board: Board, width: int, now: float) -> Text:
    number = place(board.iteration, board.plan) if board.iteration else ""
    rest = [*filter(None, [board.stage, _age(board, now)])]
    first = f"iteration {number}" if number else "watching" if board.watched else "starting"
    text = " · ".join([first, *rest])
    if cells(text) > width and number:
        text = " · ".join([number, *rest])
    return Text(brief(text, width), "bold")


def _age(board: Board, now: float) -> str:
    if not board.watched:
        return rough(now - board.started)
    # It says whether anything happens.
    return "" if board.news is None else f"last call {rough(now - board.news)} ago"


def _bar(board: Board, width: int, now: float) -> Iterator[Text]:
    if calls := board.calls():
        yield progress_bar(*calls, board.seconds_left(now), width)


def _table(board: Board, width: int, count: int, now: float) -> Iterator[Text]:
    """Draw a row per task, under a heading."""
    arms: list[Arm] = [LEARN, FROZEN] if board.plan and board.plan.arms > 1 else [LEARN]
    room = width - len(arms) * (2 + _TOKENS)
    more = len(arms) * (1 + _OUTCOME) + 1 + _KIND
    roomy = room - more >= _LABEL
    room -= roomy * more
    rows = board.latest(count) if room > 0 else []
    if rows:
        yield Text(_heading(arms, room, roomy=roomy), "dim")
    for key, row in rows:
        kind = f"{KINDS[key.phase]:<{_KIND}} " if roomy else ""
        parts = [Text(kind + pad(_label(key), room))]
        parts += [_cell(row.cells.get(arm, Cell()), now, roomy=roomy) for arm in arms]
        yield Text("  ").join(parts)


def _heading(arms: Iterable[Arm], room: int, *, roomy: bool) -> str:
    task = f"{'kind':<{_KIND}} task" if roomy else "task"
    first, *others = (ARM_NAMES[arm] for arm in arms)
    left = room + roomy * (1 + _KIND) + 2 + _TOKENS - cells(task)
    named = f"tokens: {first}"
    start = f"  {named if cells(named) + 2 <= left else first}"
    after = " " * (roomy * (1 + _OUTCOME) + 2)
    return task + start.rjust(left) + "".join(f"{after}{name:>{_TOKENS}}" for name in others)


def _label(key: Key) -> str:
    # Before the label, which may be cut.
    return brief(f"{key.mark}: {key.label}" if key.mark else key.label, WIDEST)


def _cell(cell: Cell, now: float, *, roomy: bool) -> Text:
    if cell.started is not None:
        text = f"{_running(cell.started, now):>{_TOKENS}}"
        return Text(f"{text} {'':<{_OUTCOME}}" if roomy else text, "cyan")
    tokens = count(cell.tokens and round(cell.tokens / cell.calls)) if cell.calls else ""
    word, style = _outcome(cell)
    if roomy:
        return Text.assemble(f"{tokens:>{_TOKENS}} ", (f"{word:<{_OUTCOME}}", style))
    # The colour alone would say it to few.
    return Text(f"{tokens if style == _GOOD else word:>{_TOKENS}}", style)


def _outcome(cell: Cell) -> tuple[str, str]:
    """Say how the calls of a task ended: in a word, or how many of them as they should."""
    words = sorted(cell.outcomes, key=_WORST_LAST.index)
    if not words:
        return "", _GOOD
    style = _STYLES.get(words[-1], _GOOD)
    if len(words) == 1:
        return words[0], style
    good = sum(times for word, times in cell.outcomes.items() if word not in _STYLES)
    return f"{good} of {cell.calls}", style


def _meta(row: MetaRow, width: int, now: float) -> Text:
    if row.elapsed_ms is None:
        time = _running(row.started, now)
    else:
        time = "from disk" if row.replayed else duration(row.elapsed_ms / 1000)
    room = max(width - _KIND - _TOKENS - 2, 1)
    text = (
        f"{STAGE_NAMES[row.name]:<{_KIND}} {pad(brief(row.text, WIDEST), room)} {time:>{_TOKENS}}"
    )
    return Text(text, "cyan" if row.elapsed_ms is None else "")


def _running(since: float, now: float) -> str:
    return f"{rough(now - since)} {_SPINNER[int(now / PAUSE_S) % len(_SPINNER)]}"
