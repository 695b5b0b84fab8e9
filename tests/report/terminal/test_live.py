from __future__ import annotations

import shlex
from functools import cache
from itertools import product

import pytest

from battery.base.text import cells
from battery.records.events import (
    Event,
    IterationFinished,
    Plan,
    StageStarted,
    TaskStarted,
)
from battery.records.models import FROZEN, LEARN, Phase
from battery.report.terminal.board import Board
from battery.report.terminal.live import draw
from tests.report import rush
from tests.report.events import BOTH, meta, task, tasks
from tests.report.samples import metrics
from tests.support import screens
from tests.support.screens import Terminal

pytestmark = pytest.mark.slow

WELDER, DIVER = "fill: Welder x2 in Toledo, OH", "fill: Diver x9 in Reno, NV"
INTRODUCTION = [
    "target:   the target",
    "twin:     the same, without memory",
    "learning: itself",
    "tasks:    t.json",
    "folder:   data",
]
COST = [
    "63 calls: 54 tasks (3 iterations x 9 tasks x learner and twin), 3 distillations,",
    "  3 reviews, 3 judgments",
    "ok is the system's own word: no task has a check",
]
DONE = [
    "{}/3  778 tokens per task, twin 1,556 (−50%)",
    "     6 of 6 possible tasks done, 3 of 3 impossible refused",
]
SURVIVES = [
    "note: using the embedded gateway",
    r"warning: the stream had 1 broken event [bold]\x1b[31m",
    *COST,
    DONE[0].format(1),
    DONE[1],
]


@cache
def played(scene: str, columns: int = 80, rows: int = 24) -> Terminal:
    """Play a scene on a terminal, once however many tests look at it."""
    return screens.played(scene, columns=columns, rows=rows)


def in_view(scene: str, text: str, rows: int = 24) -> list[str]:
    """Return what is in view once a text is."""
    with Terminal(*screens.PLAY, scene, rows=rows) as terminal:
        terminal.wait_for(text)
        return terminal.screen.lines


def drawn(
    *told: Event, now: float = 0.0, width: int = 80, height: int = 24, watched: bool = False
) -> list[str]:
    """Draw the frame after events that came at 0 s."""
    board = Board(started=0.0, watched=watched)
    for event in told:
        board.update(event, 0.0)
    return [line.plain.rstrip() for line in draw(board, width, height, now)]


def test_a_frame_shows_each_task_with_learner_and_twin_next_to_each_other() -> None:
    frame = drawn(
        Plan(3, 4, arms=2),
        StageStarted(1, "alpha", "easy tasks"),
        task(Phase.ALPHA, WELDER),
        task(Phase.ALPHA, WELDER)._replace(arm=FROZEN),
        task(Phase.BETA, "fill: Crane operator x12 in Erie, Pennsylvania"),
        task(Phase.GAMMA, DIVER)._replace(arm=FROZEN),
        TaskStarted(1, Phase.GAMMA, DIVER, LEARN),
        TaskStarted(1, Phase.GAMMA, "[red]fill\x1b[2J[/red]", FROZEN),
        now=12.0,
    )
    assert frame == [
        "iteration 1/3 · easy tasks · 12 s",
        "━━━━━──────────────────────────────────────────  4 of 33 calls · about 1:27 left",
        "",
        "kind       task                       tokens: learner               twin",
        "easy       fill: Welder x2 in Toledo, OH        1,234 ok           1,234 ok",
        "niche      fill: Crane operator x12 in Er…     12,345 ok",
        "impossible fill: Diver x9 in Reno, NV          12 s ⠇                654 refused",
        r"impossible [red]fill\x1b[2J[/red]                                 12 s ⠇",
    ]


def test_one_arm_has_one_column_and_marks_come_before_the_label() -> None:
    done = task(Phase.ALPHA, WELDER)
    frame = drawn(Plan(3, 4), done, done._replace(confirm=True), done._replace(sibling=True))
    assert frame[3:] == [
        "kind       task                                          tokens: learner",
        "easy       fill: Welder x2 in Toledo, OH                           1,234 ok",
        "easy       again: fill: Welder x2 in Toledo, OH                    1,234 ok",
        "easy       new: fill: Welder x2 in Toledo, OH                      1,234 ok",
    ]


def test_repeats_show_their_mean_and_how_many_ended_as_they_should() -> None:
    done = task(Phase.ALPHA, WELDER)
    failed = done._replace(result=done.result._replace(status="failed", tokens=100))
    silent = done._replace(result=done.result._replace(tokens=None))
    assert drawn(Plan(1, 1), done, failed)[-1].endswith("    667 1 of 2")
    assert drawn(Plan(1, 1), done, silent)[-1].endswith("      - ok")


def test_in_a_narrow_terminal_a_word_replaces_the_tokens_where_something_went_wrong() -> None:
    done = task(Phase.ALPHA, WELDER)
    failed = done._replace(result=done.result._replace(status="failed"), arm=FROZEN)
    assert drawn(Plan(3, 4, arms=2), done, failed, width=40, height=10) == [
        "starting · 0 s",
        "━────────────────────────  2 of 33 calls",
        "task          tokens: learner       twin",
        "fill: Welder x2 i…      1,234     failed",
    ]


@pytest.mark.parametrize("width", range(30, 81))
def test_a_heading_has_room_between_its_words_and_is_above_its_numbers(width: int) -> None:
    frame = drawn(Plan(3, 4, arms=2), *tasks(1, 1, BOTH), width=width, height=12)
    heading, row = frame[2:4]
    assert heading.split()[-3:] in (["tokens:", "learner", "twin"], ["task", "learner", "twin"])
    for name in ("learner", "twin"):
        end = heading.index(name) + len(name)
        assert row[end - 1].isdigit()
        assert row[end:].startswith(" ") or end == width


def test_a_narrow_title_keeps_the_time() -> None:
    told: list[Event] = [Plan(3, 4), StageStarted(1, "alpha", "easy tasks, new ones")]
    assert drawn(*told, now=5.0, width=40)[0] == "1/3 · easy tasks, new ones · 5 s"
    assert drawn(*told, now=5.0)[0] == "iteration 1/3 · easy tasks, new ones · 5 s"
    assert drawn(Plan(3, 4), now=5.0)[0] == "starting · 5 s"


def test_a_watch_shows_how_long_nothing_has_come_and_not_how_long_it_has_watched() -> None:
    told: list[Event] = [Plan(3, 4), StageStarted(1, "alpha", "easy tasks")]
    assert drawn(*told, now=5.0, watched=True)[0] == "iteration 1/3 · easy tasks"
    told.append(task(Phase.ALPHA, WELDER))
    assert drawn(*told, now=90.0, watched=True)[0] == (
        "iteration 1/3 · easy tasks · last call 1:30 ago"
    )


def test_a_frame_leaves_a_line_free_and_fits_whatever_the_size() -> None:
    told = [Plan(2, 90, arms=2), *tasks(1, 30, BOTH), *meta(1)]
    for width, height in product([1, 5, 10, 20, 30, 40, 59, 60, 80, 100], [1, 2, 3, 5, 9, 15, 16]):
        frame = drawn(*told, width=width, height=height)
        assert 1 <= len(frame) <= max(height - 1, 1)
        assert max(map(cells, frame)) <= width


def test_between_two_iterations_there_is_no_stage_to_name() -> None:
    frame = drawn(Plan(3, 4), IterationFinished(metrics(1, total_tasks=4)))
    assert frame == ["iteration 1/3 · 0 s", 21 * "━" + 44 * "─" + "  7 of 21 calls"]


def test_meta_stages_follow_the_tasks() -> None:
    frame = drawn(Plan(2, 3), *tasks(1, 1), *meta(1), now=20.0)
    # 5 calls in 20 s, 1 left in this iteration and 6 in the next.
    assert frame[0] == "iteration 1/2 · judgment · 20 s"
    assert frame[1].endswith("──  5 of 12 calls · about 28 s left")
    assert frame[-4:] == [
        "",
        "distill    2 playbooks written                                             4.3 s",
        "review     3 proposals                                                      1:01",
        "judgment                                                                  20 s ⠋",
    ]


def test_a_whole_battery_leaves_what_it_is_and_what_each_iteration_found() -> None:
    screen = played("whole").screen
    done = [line.format(number) for number in (1, 2, 3) for line in DONE]
    assert screen.everything == [*INTRODUCTION, *COST, *done]
    assert screen.cursor_shown


def test_a_line_that_fits_is_not_broken() -> None:
    assert f"{DONE[0].format(1)}; {DONE[1].strip()}" in played("whole", 160, 50).screen.lines


@pytest.mark.parametrize(
    ("scene", "end"),
    [
        ("middle", []),
        ("error", ["stopped: RuntimeError"]),
        ("interrupt", ["stopped: KeyboardInterrupt"]),
    ],
)
def test_the_terminal_is_clean_however_it_ends(scene: str, end: list[str]) -> None:
    screen = played(scene).screen
    assert screen.everything == [*SURVIVES, *end]
    assert screen.cursor_shown


def test_the_running_view_on_a_terminal() -> None:
    lines = in_view("waits", "distill writer:")
    assert lines[:7] == SURVIVES
    assert lines[7].startswith("iteration 2/3 · distill · ")
    assert "  39 of 63 calls" in lines[8]
    assert len(lines) == 7 + 2 + 2 + 9 + 2
    assert lines[-1].startswith(r"distill    writer: \x1b[2Jone two [red]three[/red]")


@pytest.mark.parametrize(("rows", "shown"), [(24, 19), (12, 8), (6, 2)])
def test_of_many_tasks_as_many_show_as_the_terminal_has_room_for(rows: int, shown: int) -> None:
    lines = in_view("waits-many", "still running 4", rows=rows)
    tasks = [line for line in lines if line.startswith("impossible ")]
    assert len(tasks) == shown
    assert "still running 4" in tasks[-1]


@pytest.mark.parametrize(("columns", "rows"), rush.SIZES)
def test_nothing_printed_is_lost_and_nothing_of_a_frame_is_left(columns: int, rows: int) -> None:
    """Two threads tell it things as fast as they can; `benchmarks/live.py` does so 200 times."""
    assert [rush.faults(columns, rows, seed) for seed in range(2)] == [[], []]


@pytest.mark.parametrize("wraps", [False, True], ids=["cut off", "broken"])
@pytest.mark.parametrize(
    "sizes",
    [
        [(100, 30), (160, 50), (120, 40)],
        [(80, 12), (80, 6), (80, 24)],
        [(70, 24), (31, 20)],
        [(60, 15), (120, 30)],
    ],
    ids=["larger", "lower", "narrower", "smaller and larger"],
)
def test_a_size_that_changes_destroys_nothing_and_leaves_nothing(
    sizes: list[tuple[int, int]], wraps: bool
) -> None:
    with Terminal(*screens.PLAY, "waits") as terminal:
        terminal.wait_for("distill writer:")
        for columns, rows in sizes:
            terminal.resize(columns, rows, wraps=wraps)
            terminal.wait_for_frames(2)
            assert terminal.text.count(" of 63 calls") == 1
        terminal.type("\n")
        terminal.end()
    # What was printed before, a terminal that became narrower cuts off or breaks as it likes.
    width = 1000 if wraps else min(columns for columns, _ in [(80, 24), *sizes])
    assert joined(terminal.screen.everything) == joined([line[:width] for line in SURVIVES])
    assert terminal.screen.cursor_shown


def joined(lines: list[str]) -> str:
    """Join lines that may be broken anywhere."""
    return "".join("".join(lines).split())


@pytest.mark.parametrize(("columns", "rows"), [*rush.SIZES, (40, 10)])
@pytest.mark.parametrize(
    ("keys", "end"),
    [("abc\n", []), ("\x03", ["stopped: KeyboardInterrupt"])],
    ids=["a line", "Ctrl-C"],
)
def test_what_is_typed_leaves_nothing_of_a_frame(
    columns: int, rows: int, keys: str, end: list[str]
) -> None:
    with Terminal(*screens.PLAY, "waits", columns=columns, rows=rows) as terminal:
        terminal.wait_for("distill writer:")
        assert not terminal.echoes()
        terminal.type(keys)
        terminal.end()
        assert terminal.echoes()
    screen = terminal.screen
    text = " ".join(" ".join(screen.everything).split())
    expected = " ".join([*SURVIVES, *end])
    assert text.replace(";", "") == " ".join(expected.split())
    assert screen.cursor_shown


SHELL = ("bash", "--norc", "-i")


def test_a_suspended_run_leaves_the_terminal_to_the_shell_until_it_comes_back() -> None:
    with Terminal(*SHELL, environment={"PS1": "prompt> "}) as terminal:
        terminal.type(f"clear; {shlex.join(screens.PLAY)} waits\n")
        terminal.wait_for("distill writer:")
        terminal.type("\x1a")
        terminal.wait_for("Stopped")
        assert joined(SURVIVES) in joined(terminal.screen.everything)
        assert " of 63 calls" not in terminal.text
        assert terminal.screen.cursor_shown
        terminal.type("fg\n")
        terminal.wait_for(" of 63 calls")
        terminal.wait_for_frames(2)
        assert terminal.text.count(" of 63 calls") == 1
        terminal.type("\nexit\n")
        assert terminal.end() == 0
    assert " of 63 calls" not in terminal.text


def test_in_the_background_it_prints_what_is_to_stay_and_draws_nothing() -> None:
    with Terminal(*SHELL, environment={"PS1": "prompt> "}) as terminal:
        terminal.type(f"{shlex.join(screens.PLAY)} middle & wait; exit\n")
        assert terminal.end() == 0
    assert joined(SURVIVES) in joined(terminal.screen.everything)
    assert b"\x1b[J" not in terminal.screen.written


def test_no_color_draws_the_same_without_colour() -> None:
    plain = screens.played("whole", environment={"NO_COLOR": "1"}).screen
    assert plain.everything == played("whole").screen.everything
