from __future__ import annotations

import io

from battery.comparison.timeline import Entry, History, courses
from battery.records.findings import Interval
from battery.records.word import Word
from battery.report.terminal.history import history_lines, print_history, sparkline
from tests.comparison.test_timeline import entry


def history(*entries: Entry, warnings: tuple[str, ...] = ()) -> History:
    return History(
        folder="data",
        batteries=list(entries),
        courses=courses(entries),
        warnings=list(warnings),
    )


FULL = entry(
    858.0,
    dated_by="manifest",
    started_at="2026-11-22T23:10:47Z",
    state="finished",
    verdict=Word.LEARNED,
    effect=0.61,
    interval=Interval(low=0.45, high=0.82, level=0.95),
    folder="archive/2026-11-22T23-10-47Z",
)


def test_one_line_a_battery_with_its_folder_last() -> None:
    lines = list(history_lines(history(FULL, entry(900.0, group=2))))
    assert lines[1].split() == [
        *("2026-11-22", "23:10", "1", "8", "3", "LEARNED", "858", "-39%", "(-55%", "to", "-18%)"),
        *("100%", "archive/2026-11-22T23-10-47Z"),
    ]
    assert lines[1].startswith("2026-11-22 23:10 ")
    assert lines[2].startswith("2026-01-01 00:00?"), "a start that only the files tell is marked"


def test_an_unfinished_battery_says_its_state_and_what_is_unknown_is_a_dash() -> None:
    running = entry(None, state="running", iterations=0, tasks=0, ok=None, group=None, folder="now")
    lines = list(history_lines(history(running)))
    assert lines[1].split()[2:] == ["-", "-", "0", "-", "-", "-", "-", "now", "(running)"]


def test_like_batteries_have_a_line_with_sparkline_change_and_trend() -> None:
    found = history(*(entry(900.0 - 100 * n) for n in range(5)))
    text = " ".join(list(history_lines(found))[7:])
    assert text.startswith("set 1, 8 tasks: █▆▅▃▁ tokens -44.4% from the first to the last of 5")
    assert "p = 0.017" in text
    assert all(len(line) <= 80 for line in history_lines(found))


def test_a_sparkline_goes_from_the_smallest_to_the_largest() -> None:
    assert sparkline([1, 8]) == "▁█"
    assert sparkline([3, 3, 3]) == "▁▁▁"
    assert sparkline([]) == ""


def test_a_stream_without_these_characters_gets_no_sparkline() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    print_history(history(entry(1.0), entry(2.0)), stream)
    stream.seek(0)
    assert "set 1, 8 tasks: tokens +100.0%" in stream.read()


def test_warnings_come_last_and_cannot_steer_the_terminal() -> None:
    lines = list(history_lines(history(FULL, warnings=("x\x1b[31m is skipped",))))
    assert lines[-1] == "warning: x\\x1b[31m is skipped"
