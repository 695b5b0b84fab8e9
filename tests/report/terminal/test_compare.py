"""A comparison on the terminal."""

from __future__ import annotations

import pytest

from battery.records.comparison import Comparison
from battery.report.terminal.compare import comparison_lines
from battery.report.terminal.look import Look
from tests.report.comparisons import CASES, HOSTILE, comparison
from tests.verdict.batteries import REFUTED, calls

PLAIN = Look("^", "v", "=", "..", colour=False)


def console(found: Comparison) -> str:
    return "\n".join(comparison_lines(found, PLAIN))


@pytest.mark.parametrize("name", CASES)
def test_the_terminal_fits_80_columns_and_shows_the_word_first(name: str) -> None:
    lines = list(comparison_lines(CASES[name], PLAIN))
    too_long = [line for line in lines if len(line) > 80 and HOSTILE[:20] not in line]
    assert too_long == []
    assert lines.index(CASES[name].outcome) == 5
    assert "\x1b" not in "".join(lines)


def test_flips_come_before_the_numbers_and_bluffs_before_all() -> None:
    text = console(CASES["worse"])
    order = [
        "flips: 1 passed in main",
        "BLUFFS NOW impossible",
        "FAILS NOW  easy",
        "iterations 2 to 3",
    ]
    assert sorted(order, key=text.index) == order
    assert text.index("total_tokens") < text.index("tokens by task, the largest changes")


def test_a_long_list_of_flips_is_cut_and_says_so() -> None:
    assert "and 34 more; --json has all of them" in console(CASES["many flips"])


def test_only_a_terminal_gets_colours() -> None:
    lines = list(comparison_lines(CASES["worse"], PLAIN._replace(colour=True)))
    assert "\x1b[31mWORSE" in "".join(lines)


def test_noise_that_was_not_measured_is_said_so() -> None:
    assert "The noise of main and branch cannot be measured" in console(CASES["one arm"])
    assert "noise: None: where nothing was learned" in console(CASES["identical"])


def test_bluffs_and_every_metric_are_on_the_terminal() -> None:
    text = console(CASES["worse"])
    assert "BLUFFS NOW impossible gamma 6                          claimed in 3 of 3 runs" in text
    assert "iterations 2 to 3         main    branch     Change     97.5% interval      p" in text
    assert "total_tokens             1,000     3,191    +100.5%  +50.1% to +375.3%  0.008" in text
    assert "avg_turns_per_task        4.00      4.00          -                  -      -" in text


def test_that_no_task_differs_is_not_claimed_of_means_or_of_nothing() -> None:
    assert "tokens by task: no task's mean differs" in console(CASES["identical"])
    silent = comparison(calls(lambda _: {"tokens": None}))
    assert "tokens by task: none could be compared" in console(silent)


def test_a_lost_task_that_is_claimed_says_so_below_and_no_line_gets_too_long() -> None:
    found = comparison(calls(lambda cell: REFUTED if cell.task == 0 else {}))
    unchecked = found.before.model_copy(update={"checked": False, "repeats": 2})
    lines = console(found.model_copy(update={"before": unchecked})).splitlines()
    at = next(at for at, line in enumerate(lines) if "FAILS NOW" in line)
    assert lines[at + 1] == "             claims it, and fails its checks, in 2 of 2 runs"
    assert "own word" in " ".join(lines)
    assert max(map(len, lines)) <= 80
