"""Several runs on the terminal: whatever they found, the answer is last and on one screen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.base.text import cells
from battery.records.campaign import RunFindings
from battery.records.word import Word
from battery.report.terminal.look import Look
from battery.report.terminal.runs import run_lines
from tests.verdict.runs.made import bluffs, cost, done, run, runs, summary

PLAIN = Look("^", "v", "=", "..", colour=False)
WORDS = ["pool", "a", "b", "c"]


def lines(found: list[RunFindings], *, full: bool = False, **changes: Any) -> list[str]:
    return list(run_lines(summary(found, **changes), WORDS, PLAIN, full=full))


SAVING = (0.3, 0.25, 0.35, 0.28, 0.32)
SPOILED = {"word": Word.INVALID, "left_out": "INVALID: a cell is missing"}


@given(
    st.lists(st.floats(-0.9, 0.9), min_size=1, max_size=40),
    st.lists(st.text(max_size=300), max_size=5),
    st.integers(0, 3),
)
def test_any_runs_fit_a_screen_of_80_columns(
    saved: list[float], warnings: list[str], spoiled: int
) -> None:
    found = runs(*saved, claims=[bluffs(1)])
    found = [
        each.model_copy(update=SPOILED if place < spoiled else {"name": "x" * (place + 1) ** 2})
        for place, each in enumerate(found)
    ]
    shown = lines(found, warnings=warnings)
    assert len(shown) <= 22
    assert PLAIN.rows(shown) <= 22
    assert shown[-1].endswith("--full")


def test_every_run_has_its_line_with_its_own_word_and_effects() -> None:
    found = runs(*SAVING, word=Word.LEARNED)
    text = lines(found)
    assert text[2].split() == ["run", "alone", "tokens", "vs", "twin", "niche", "done", "(twin)"]
    assert text[3].split() == ["1", "LEARNED", "-30.0%", "-30.0%", "12/12", "(12/12)"]
    assert text[8].startswith("all 5 that count  LEARNED")
    assert any(line.startswith("LEARNED  With what it learned, the system used") for line in text)
    assert all(cells(line) <= 80 for line in text)


@pytest.mark.parametrize(("names", "whole"), [(5, True), (40, False)])
def test_the_command_for_more_is_whole_or_not_there(names: int, *, whole: bool) -> None:
    words = ["pool", *(f"/a/folder-{name}" for name in range(names))]
    shown = list(run_lines(summary(runs(*SAVING)), words, PLAIN))
    command = f"battery {' '.join(words)} --full"
    assert shown[-1] == (command if whole else "--full has every run and all notes")


def test_many_runs_are_counted_and_the_full_output_has_all() -> None:
    found = runs(*[0.3] * 12)
    assert "and 5 more runs: --full" in lines(found)
    full = lines(found, full=True)
    assert sum(line.startswith(f"{n:<2} ") for n in range(1, 13) for line in full) >= 12
    assert any("Does the work cost less? yes: p < 0.001" in line for line in full)
    assert any(line.startswith("spread between runs") for line in full)


@pytest.mark.parametrize("word", [Word.INVALID, Word.DISHONEST])
def test_numbers_that_are_worthless_are_headed_so(word: Word) -> None:
    found = {
        Word.INVALID: runs(0.3, 0.3, 0.3, **SPOILED),
        Word.DISHONEST: runs(*SAVING, claims=[bluffs(2)]),
    }[word]
    text = lines(found)
    assert f"Not to be used, for the verdict is {word}:" in text


def test_what_would_settle_it_ends_with_its_command() -> None:
    niche = [run(n, 0.01, costs=[cost(0.99), cost(0.6, "niche")]) for n in range(5)]
    text = "\n".join(lines(niche))
    assert "battery campaign plan --runs 5 --primary niche" in text
    work = [run(n, 0.0, done=[done(11, 6)]) for n in range(5)]
    assert "--primary success" in "\n".join(lines(work))
