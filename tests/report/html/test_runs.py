"""The page of a campaign: every run drawn and linked, and nothing that others wrote runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.records.campaign import CampaignSummary, RunFindings
from battery.records.word import Word
from battery.report.html.runs import page
from battery.verdict.runs import assess_runs
from tests.verdict.runs.made import bluffs, done, run, runs, summary, task

SAVING = (0.3, 0.25, 0.35, 0.28, 0.32)
HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J"


def written(found: CampaignSummary, at: Path = Path("report.html")) -> str:
    return b"".join(page(found, at)).decode()


def shown(found: list[RunFindings], planned: int | None = None) -> str:
    return written(summary(found, planned, kind="campaign", folder="c", digest="d" * 64))


def test_the_word_is_first_and_every_run_is_drawn_below_it_with_their_mean() -> None:
    html = shown(runs(*SAVING, word=Word.LEARNED))
    assert html.index("<h1") < html.index("LEARNED</h1>") < html.index("run 1")
    assert html.count('aria-label="run ') == 10  # on the first screen and in the table
    # From the left end of the axis, -100%, to its right end, +100%.
    assert 'style="left: 35.0%"' in html
    assert "mean of the runs" in html


def test_before_the_end_no_mean_is_shown_and_the_command_that_goes_on_is() -> None:
    html = shown(runs(0.3, 0.25), planned=5)
    assert "NO VERDICT" in html
    assert "mean of the runs" not in html
    assert "Spread between runs" not in html.partition('id="computed"')[0]
    assert "battery campaign run CAMPAIGN" in html


@pytest.mark.parametrize("word", [Word.INVALID, Word.DISHONEST])
def test_numbers_that_are_worthless_are_headed_so_and_none_is_large(word: Word) -> None:
    spoiled = {"word": Word.INVALID, "left_out": "INVALID: a cell is missing"}
    html = {
        Word.INVALID: shown(runs(0.3, 0.3, 0.3, **spoiled)),
        Word.DISHONEST: shown(runs(*SAVING, claims=[bluffs(2)])),
    }[word]
    assert f"{word}</h1>" in html
    assert "Numbers not to be used" in html
    assert 'class="value"' not in html


def test_a_run_leads_to_its_own_report_from_wherever_the_page_is(tmp_path: Path) -> None:
    own = tmp_path / "c" / "cells" / "001" / "1"
    own.mkdir(parents=True)
    (own / "report.html").write_text("")
    found = summary([run(1, 0.3, folder=str(own)), *runs(*SAVING)[1:]])
    html = written(found, tmp_path / "c" / "report.html")
    assert re.findall(r'<a href="([^"#]+)"', html) == ["cells/001/1/report.html"]


def test_of_many_runs_those_that_gain_most_and_least_are_drawn_and_all_are_in_the_table() -> None:
    html = shown(runs(*(place / 100 for place in range(40))))
    first, _, below = html.partition('<h2 id="runs">')
    assert first.count('aria-label="run ') == 11
    assert "29 more" in first
    assert below.count('aria-label="run ') == 40


def test_what_is_done_more_is_drawn_to_the_right_and_is_good() -> None:
    for own, twins, end, worse in ((11, 6, "70.83%", False), (6, 11, "29.17%", True)):
        found = [run(n, 0.0, done=[done(own, twins)]) for n in range(5)]
        html = written(summary(found, evidence=assess_runs(found, primary="success")))
        drawn = re.search(r'<div class="interval ([^"]*)"[^>]*label="run 0: .41.7 points"', html)
        assert drawn
        assert ("more" in drawn[1]) == worse
        assert f'style="left: {end}"' in html[drawn.end() :]


@given(st.text(max_size=40), st.floats(-50, 0.99), st.integers(1, 20))
def test_any_runs_make_a_page_in_which_nothing_of_others_is_markup(
    text: str, saved: float, count: int
) -> None:
    odd = task(1, 2).model_copy(update={"label": f"{HOSTILE}{text}"})
    found = [
        each.model_copy(update={"name": f"{HOSTILE}{text}{each.name}", "by_task": [odd]})
        for each in runs(*[saved] * count)
    ]
    html = written(summary(found, name=HOSTILE, warnings=[f"{HOSTILE}{text}"]))
    assert "<img" not in html
    assert "\x1b" not in html
