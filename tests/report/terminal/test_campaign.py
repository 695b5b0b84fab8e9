"""How far a campaign is, on a screen: the runs that ask for somebody first."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.base.text import cells
from battery.records.status import (
    CampaignStatus,
    RunState,
    RunStatus,
    RunWorker,
    TargetState,
    TargetStatus,
)
from battery.records.word import Word
from battery.report.terminal.campaign import STATES, changes, print_status, table
from battery.report.terminal.look import MOST_ROWS, Look

MANY = 40


def worker(host: str = "here", *, alive: bool | None = True) -> RunWorker:
    return RunWorker(pid=42, host=host, alive=alive)


NUMBERS = st.none() | st.integers(0, 10**13)
WHY = st.none() | st.sampled_from(["HTTP 500", "語" * 90, "a reason " * 40, "p/" * 150])
RUN: dict[str, st.SearchStrategy[Any]] = {
    "state": st.sampled_from(list(STATES)),
    "why": WHY,
    "target": st.integers(1, 300),
    "tokens": NUMBERS,
    "cost_usd": NUMBERS,
    "word": st.none() | st.sampled_from(Word),
    "effect": st.none() | st.floats(0, 1e6),
    "worker": st.none() | st.builds(worker, st.sampled_from(["h" * 60, "機" * 9]), alive=st.none()),
}
TARGET = st.builds(
    TargetStatus,
    number=st.integers(1, 300),
    gateway=st.sampled_from(["http://g", "http://" + "g" * 200]),
    state=st.sampled_from(["held", "given_up"]),
    run=st.none(),
    why=WHY,
)
CAMPAIGN = st.fixed_dictionaries(
    {
        "name": st.none() | st.text(max_size=90),
        "targets": st.lists(TARGET, max_size=30),
        "next": st.integers(1, 200).map(lambda length: "battery campaign run " + "c" * length),
        "tokens": NUMBERS,
        "max_tokens": NUMBERS,
        "cost_usd": NUMBERS,
        "max_cost": NUMBERS,
    }
)


def run(number: int, state: RunState = "running", **changes: Any) -> RunStatus:
    known: dict[str, Any] = {
        "epoch": 0 if state == "waiting" else 1,
        "worker": None if state == "waiting" else worker(),
        "why": None,
        "target": None if state == "waiting" else 1,
        "folder": None if state == "waiting" else f"c/cells/{number:03}/1",
        "iterations": 3,
        "iterations_finished": 3 if state == "finished" else 0,
        "calls": 0 if state == "waiting" else 10,
        "calls_planned": 100,
        "tokens": None,
        "cost_usd": None,
        "word": Word.LEARNED if state == "finished" else None,
        "effect": 0.7 if state == "finished" else None,
    }
    return RunStatus(number=number, state=state, **known | changes)


def campaign(*runs: RunStatus, **changes: Any) -> CampaignStatus:
    known: dict[str, Any] = {
        "name": None,
        "folder": "c",
        "digest": "d" * 64,
        "iterations": 3,
        "lease_s": 60.0,
        "planned": len(runs),
        "done": sum(one.is_over for one in runs),
        "calls": sum(one.calls for one in runs),
        "calls_planned": sum(one.calls_planned for one in runs),
        "tokens": None,
        "max_tokens": None,
        "cost_usd": None,
        "max_cost": None,
        "next": "battery campaign run c",
    }
    return CampaignStatus(runs=list(runs), **known | changes)


def printed(status: CampaignStatus, *, full: bool = False) -> list[str]:
    stream = io.StringIO()
    print_status(status, stream, full=full)
    return stream.getvalue().splitlines()


def test_a_deployment_that_is_given_up_is_named_with_the_reason() -> None:
    def target(number: int, state: TargetState, why: str | None = None) -> TargetStatus:
        return TargetStatus(number=number, gateway=f"http://g{number}", state=state, run=1, why=why)

    targets = [target(1, "dirty"), target(2, "given_up", "HTTP 500")]
    lines = printed(campaign(run(1, "finished"), run(2, "waiting"), targets=targets))
    assert "target 2, http://g2, is not used again: HTTP 500" in lines
    assert not [line for line in lines if "http://g1" in line]


def test_each_run_has_a_row_and_the_last_line_is_the_next_command() -> None:
    lines = printed(
        campaign(
            run(1, "finished", tokens=1000, calls=100),
            run(2, effect=0.85, iterations_finished=1, tokens=500),
            run(3, "waiting"),
            tokens=1500,
            max_tokens=9000,
            max_cost=2.0,
        )
    )
    assert lines == [
        "c: 3 runs of 3 iterations",
        "",
        "run  state      iteration    calls  tokens  vs twin  alone    worker",
        "  1  finished         3/3  100/100   1,000   -30.0%  LEARNED",
        "  2  under way        2/3   10/100     500   -15.0%           42 on here",
        "  3  waiting                 0/100",
        "",
        "1 of 3 runs finished, 110 of 300 calls, 1,500 of 9,000 tokens, $0.00 of $2.00",
        "follow it with: battery campaign run c",
    ]


def test_a_run_that_stopped_says_why_and_the_same_reason_once() -> None:
    lines = printed(
        campaign(
            run(1, "failed", why="cannot connect to it"),
            run(2, "failed", why="cannot connect to it"),
            run(3, "silent", worker=worker(alive=False)),
        )
    )
    assert lines[-5:-2] == [
        "runs 1 and 2 failed: cannot connect to it",
        "run 3 silent: process 42 on here is gone",
        "",
    ]
    assert lines[-1] == "go on with: battery campaign run c"


def test_of_many_runs_with_one_reason_a_few_are_named() -> None:
    lines = printed(campaign(*(run(number, "paused", why="paused at 5") for number in range(1, 7))))
    assert "runs 1, 2, 3 and 3 more paused at 5" in lines


def test_what_one_look_cannot_tell_is_said() -> None:
    lines = printed(campaign(run(1, worker=worker("there", alive=None))))
    text = " ".join(line.strip() for line in lines)
    assert "cannot be told in one look; --follow tells after 60 s without a sign of life" in text


@pytest.mark.parametrize("width", range(30, 101))
def test_a_table_fits_its_width_and_keeps_number_state_and_calls(width: int) -> None:
    long = run(1, tokens=10**9, cost_usd=1234.5, effect=0.5, worker=worker("h" * 40))
    heads, row = table(campaign(long), width, 10)
    assert cells(heads.text) <= width
    assert row.text.startswith("  1  under way")
    assert "10/100" in row.text


@pytest.mark.parametrize("room", range(2, MANY + 3))
def test_where_not_all_have_a_row_those_that_ask_for_somebody_do(room: int) -> None:
    counts: dict[RunState, int] = {
        "finished": 20,
        "waiting": 10,
        "running": 8,
        "failed": 1,
        "silent": 1,
    }
    states = [state for state, count in counts.items() for _ in range(count)]
    runs = [run(number, state) for number, state in enumerate(states, 1)]
    lines = [line.text for line in table(campaign(*runs), 80, room)]
    assert len(lines) <= room
    told = sum(int(line.split()[1]) for line in lines if line.startswith("and "))
    rows = [line for line in lines[1:] if line.split()[0].isdigit()]
    if 5 < room <= MANY:
        assert len(rows) + told == MANY
        assert [line.split()[1] for line in rows[:2]] == ["failed", "silent"]


def test_runs_that_wait_are_counted_where_not_all_have_a_row() -> None:
    runs = [run(number, "waiting") for number in range(1, 9)]
    lines = [line.text for line in table(campaign(*runs, run(9)), 80, 6)]
    assert [line.split()[0] for line in lines] == ["run", "9", "and"]
    assert lines[-1] == "and 8 waiting"


def test_finished_runs_without_a_row_are_counted_by_their_words() -> None:
    runs = [run(number, "finished") for number in range(1, 9)]
    runs[0] = run(1, "finished", word=Word.REGRESSED)
    assert table(campaign(*runs), 80, 4)[-1].text == "and 6 finished: 6 LEARNED"


@given(st.lists(st.fixed_dictionaries(RUN), min_size=1, max_size=MANY), CAMPAIGN)
def test_any_campaign_fits_a_screen(runs: list[dict[str, Any]], known: dict[str, Any]) -> None:
    lines = printed(campaign(*(run(at, **each) for at, each in enumerate(runs, 1)), **known))
    assert Look.of(io.StringIO()).rows(lines) <= MOST_ROWS
    assert known["next"] in lines[-1]


def test_of_many_deployments_that_are_given_up_some_are_named_and_the_others_counted() -> None:
    lost = [
        TargetStatus(number=number, gateway="http://g", state="given_up", run=None, why="HTTP 500")
        for number in range(1, 30)
    ]
    assert printed(campaign(run(1), targets=lost))[5:8] == [
        "target 1, http://g, is not used again: HTTP 500",
        "target 2, http://g, is not used again: HTTP 500",
        "and 27 more targets, not used again",
    ]


def test_a_screen_holds_it_however_many_runs_there_are_and_full_has_every_run() -> None:
    runs = [run(number, "failed", why=f"why {number} " * 30) for number in range(1, MANY + 1)]
    short = printed(campaign(*runs))
    assert len(short) <= 22
    assert short[-1].startswith("go on with: ")
    full = printed(campaign(*runs), full=True)
    assert len([line for line in full if line.split()[1:2] == ["failed"]]) == MANY
    assert "plan " + "d" * 64 in full


def test_runs_of_several_deployments_say_at_which_they_began() -> None:
    heads, *rows = (line.text for line in table(campaign(run(1), run(2, target=2)), 80, 5))
    assert heads.endswith("target  worker")
    assert [row.split()[-4] for row in rows] == ["1", "2"]
    assert "target" not in table(campaign(run(1)), 80, 5)[0].text


def test_what_a_worker_says_is_harmless() -> None:
    lines = printed(campaign(run(1, "failed", why="\x1b[2Jgone\nfor good")))
    assert r"run 1 failed: \x1b[2Jgone for good" in lines


def test_what_became_of_a_run_is_told_once_it_has() -> None:
    before = campaign(run(1), run(2), run(3), run(4), run(5, "waiting"))
    now = campaign(
        run(1, "finished"),
        run(2, "failed", why="the gateway is gone"),
        run(3, "interrupted"),
        run(4),
        run(5),
    )
    told = [(notice.text, notice.warning) for notice in changes(before, now)]
    assert told == [
        ("run 1 finished: LEARNED, -30.0% vs twin", False),
        ("run 2 failed: the gateway is gone", True),
        ("run 3 interrupted", False),
    ]
    assert not [*changes(now, now)]
