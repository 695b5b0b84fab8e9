"""The live view of a campaign: every run, the pace, and what stays above it."""

from __future__ import annotations

import pytest

from battery.base.text import cells
from battery.records.events import Notice
from battery.records.status import CampaignStatus, RunState
from battery.report.terminal.live_runs import LiveRuns, Pace, draw
from tests.report.rush import Tape
from tests.report.terminal.test_campaign import MANY, campaign, run
from tests.support.screens import Screen


def drawn(status: CampaignStatus | None, width: int = 80, height: int = 24) -> list[str]:
    return [line.plain.rstrip() for line in draw(status, Pace(0.0), width, height, 12.0)]


def test_a_frame_has_the_totals_a_bar_and_a_row_per_run() -> None:
    status = campaign(
        run(1, "finished", calls=100, tokens=1000),
        run(2, iterations_finished=2, effect=0.85, tokens=500),
        tokens=1500,
        max_tokens=9000,
    )
    assert drawn(status) == [
        "1 of 2 runs finished · 1,500 of 9,000 tokens · 12 s",
        "━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━────────────────────────────  110 of 200 calls",
        "",
        "run  state      iteration    calls  tokens  vs twin  alone    worker",
        "  1  finished         3/3  100/100   1,000   −30.0%  LEARNED",
        "  2  under way        3/3   10/100     500   −15.0%           42 on here",
    ]


def test_before_the_first_look_it_says_that_it_starts() -> None:
    assert drawn(None) == ["starting · 12 s"]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (40, 10), (30, 5), (30, 2), (160, 50)])
def test_a_frame_leaves_a_line_free_and_fits_whatever_the_size(width: int, height: int) -> None:
    lines = drawn(campaign(*(run(number) for number in range(1, MANY + 1))), width, height)
    assert len(lines) < height
    assert max(map(cells, lines)) <= width


def test_the_time_left_comes_from_the_calls_since_it_began_to_look() -> None:
    pace = Pace(0.0)
    pace.take(campaign(run(1, calls=40)), 10.0)
    pace.take(campaign(run(1, calls=42)), 11.0)
    assert pace.seconds_left is None
    pace.take(campaign(run(1, calls=50)), 20.0)
    assert pace.seconds_left == 50.0


@pytest.mark.parametrize(
    ("watching", "stopped"), [(True, ["warning: run 2 failed: it is gone"]), (False, [])]
)
def test_what_became_of_runs_stays_and_who_runs_them_hears_of_errors_itself(
    monkeypatch: pytest.MonkeyPatch, watching: bool, stopped: list[str]
) -> None:
    for name, value in (("COLUMNS", "80"), ("LINES", "24"), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)
    tape = Tape()
    with LiveRuns(tape, pause=3600, watching=watching) as view:
        view.show(campaign(run(1), run(2)))
        view.show(campaign(run(1, "finished"), run(2, "failed", why="it is gone")))
        view.tell(Notice("worker 7 was killed", warning=True))
        view.tell(Notice("run 1: iteration 1 is done"))
        view.forward("note: run 1: iteration 1 is done")
        view.forward("warning: run 1: the twin is deaf")
        view.forward("warning: run 2: the twin is deaf")
        view.forward("error: [bold]no")
    screen = Screen().feed(tape.getvalue().replace("\n", "\r\n").encode())
    assert screen.everything == [
        "note: run 1 finished: LEARNED, −30.0% vs twin",
        *stopped,
        "warning: worker 7 was killed",
        "warning: run 1: the twin is deaf",
        "error: [bold]no",
    ]
    assert screen.cursor_shown


@pytest.mark.parametrize(
    ("watching", "state", "told"), [(True, "running", 0), (True, "paused", 1), (False, "paused", 0)]
)
def test_who_watches_a_campaign_on_which_nobody_works_sees_what_to_do(
    monkeypatch: pytest.MonkeyPatch, watching: bool, state: RunState, told: int
) -> None:
    for name, value in (("COLUMNS", "80"), ("LINES", "24"), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)
    tape = Tape()
    with LiveRuns(tape, pause=3600, watching=watching) as view:
        view.show(campaign(run(1, state)))
        view.tell(Notice("so that a frame is drawn"))
        drawn = Screen().feed(tape.getvalue().replace("\n", "\r\n").encode()).lines
    lines = [line for line in drawn if line.startswith("nobody works on it; go on with: battery")]
    assert len(lines) == told
