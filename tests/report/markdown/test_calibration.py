"""The table of a calibration fits a terminal, tells none from few, and hides no broken bound."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from battery.calibration import Bound, Calibration, Tally
from battery.calibration.campaigns import CAMPAIGNS
from battery.calibration.scenarios import BATTERIES, SCENARIOS
from battery.records.word import Word
from battery.report.markdown.calibration import markdown, text, told


def bound(*, passed: bool) -> Bound:
    return Bound(
        scenario="nothing learned",
        what="positive verdicts",
        low=None,
        high=0.0573,
        seen=0.04 if passed else 0.125,
        passed=passed,
    )


def calibration(*bounds: Bound, learned: int = 1) -> Calibration:
    """Return one of 8,000 batteries for every scenario there is."""
    words = dict.fromkeys(Word, 0) | {Word.LEARNED: learned, Word.INVALID: 8000 - learned}
    tallies = [
        Tally(
            scenario=scenario.name,
            about=scenario.about,
            simulations=8000,
            words=words,
            questions={"cost": learned, "niche": 0, "success": 8000},
            shapes={"steady": 6000, "in steps": 2000},
            validated=8000,
            runs=scenario.runs,
            any_run=4000 if scenario.runs > 1 else None,
            one_run=2000 if scenario.runs > 1 else None,
        )
        for scenario in SCENARIOS
    ]
    why = {scenario.name: scenario.unpromised for scenario in SCENARIOS if scenario.unpromised}
    return Calibration(preset="full", seed=7, tallies=tallies, bounds=list(bounds), unpromised=why)


def rows(page: str) -> list[list[str]]:
    """Return the cells of all table rows, by row, as a Markdown reader sees them."""
    found: list[list[str]] = []
    cell = False
    for token in MarkdownIt("commonmark").enable("table").parse(page):
        if token.type == "tr_open":
            found.append([])
        elif token.type == "inline" and cell:
            found[-1].append(token.content)
        cell = token.type in {"th_open", "td_open"}
    return found


def test_the_text_fits_100_columns_and_any_encoding() -> None:
    shown = text(calibration(bound(passed=True)))
    assert max(map(len, shown.splitlines())) <= 100
    assert shown.isascii()


def test_the_text_has_a_line_a_scenario_and_says_where_it_comes_from() -> None:
    lines = text(calibration(bound(passed=True))).splitlines()
    assert [line.split("  ")[0] for line in lines[1 : len(BATTERIES) + 1]] == [
        scenario.name for scenario in BATTERIES
    ]
    start = next(place for place, line in enumerate(lines) if line.split()[-2:] == ["any", "one"])
    shown = lines[start + 1 : start + 1 + len(CAMPAIGNS)]
    assert [line.split("  ")[0] for line in shown] == [scenario.name for scenario in CAMPAIGNS]
    assert all(line.split()[-2:] == ["50.0", "25.0"] for line in shown)
    batteries = 8000 * sum(scenario.runs for scenario in SCENARIOS)
    assert f"1 of 1 bounds hold (preset full, seed 7, {batteries:,} batteries)." in lines


def test_a_calibration_of_campaigns_alone_has_their_table_alone() -> None:
    whole = calibration(bound(passed=True))
    part = whole.model_copy(update={"tallies": [t for t in whole.tallies if t.runs > 1]})
    assert text(part).splitlines()[0].split()[-2:] == ["any", "one"]


@pytest.mark.parametrize(
    ("learned", "shown"), [(0, "0"), (1, "0.0"), (1000, "12.5"), (8000, "100.0")]
)
def test_a_share_of_none_is_told_from_a_small_one(learned: int, shown: str) -> None:
    row = rows(markdown(calibration(learned=learned)))[1]
    assert row[2 + list(Word).index(Word.LEARNED)] == shown


def test_a_broken_bound_is_named_with_what_was_seen_and_allowed() -> None:
    shown = text(calibration(bound(passed=True), bound(passed=False)))
    message = "nothing learned, positive verdicts: 12.5%, allowed is at most 5.7%"
    assert shown.splitlines()[-1] == f"broken: {message}"
    assert "1 of 2 bounds hold" in shown
    assert told([bound(passed=False)]) == message


def test_the_document_has_every_scenario_every_verdict_and_every_bound() -> None:
    page = markdown(calibration(bound(passed=True), bound(passed=False)))
    head, *table = rows(page)
    assert head[2 : 2 + len(Word)] == list(Word)
    assert [row[0] for row in table[: len(BATTERIES)]] == [scenario.name for scenario in BATTERIES]
    campaigns = table[len(BATTERIES) + 1 :][: len(CAMPAIGNS)]
    assert [row[0] for row in campaigns] == [scenario.name for scenario in CAMPAIGNS]
    assert [row[-2:] for row in table[-2:]] == [["4.0", "yes"], ["12.5", "**no**"]]
    assert all(f"**{scenario.name}**: {scenario.about}" in page for scenario in SCENARIOS)


def test_the_document_says_what_is_not_promised_how_often_it_comes_and_why() -> None:
    page = markdown(calibration(learned=1000))
    section = page.split("## Not promised\n\n")[1].split("\n\n## ")[0].splitlines()
    unpromised = [scenario for scenario in SCENARIOS if scenario.unpromised]
    for line, scenario in zip(section, unpromised, strict=True):
        assert line.startswith(f"- **{scenario.name}**: LEARNED or COMPOUNDING in 12.5% ")
        assert line.endswith(f": {scenario.unpromised}.")


def test_the_document_has_the_questions_and_what_is_said_of_the_saving() -> None:
    page = markdown(calibration(learned=1000))
    questions = page.split("## Questions answered yes, in percent\n\n")[1]
    assert "| nothing learned | 12.5 | 0 | 100.0 |" in questions
    shapes = page.split("## What is said of the saving, in percent\n\n")[1]
    assert "| nothing learned | 0 | 25.0 | 75.0 | 0 | 0 | 0 |" in shapes
