from __future__ import annotations

import pytest

from battery.report.terminal.power import text
from battery.verdict.planning import Asked, Needed, Prospects, Question, prospects
from battery.verdict.power import Design


def made(question: Question, *, noise: float = 0.3) -> Prospects:
    return Prospects(
        tasks=8,
        iterations=3,
        repeats=1,
        noise=noise,
        noise_source="assumed",
        power=0.8,
        drop=0.1 if question.asked else None,
        questions=[question],
        assumptions=["Something is assumed."],
    )


def asking(power: float, needed: Needed | None) -> Question:
    return Question(
        name="learned",
        smallest_drop=0.2074,
        smallest_reduction=0.2931,
        impossible=None,
        asked=Asked(power=power, needed=needed),
    )


def test_a_question_with_a_drop() -> None:
    ways = Needed(iterations=5, tasks=32, repeats=None)
    lines = text(made(asking(0.799, ways))).splitlines()
    assert lines[:8] == [
        "8 tasks, 3 iterations, 1 repeat, noise 0.30 (assumed)",
        "Two of three calls lie within a factor of 1.35 of what their task takes.",
        "",
        "Does learning help at all? (LEARNED)",
        "  smallest drop seen:  20.7% an iteration, 29.3% on average",
        "  a drop of 10%:       79 of 100 such batteries show it",
        "  for 80 of 100:       5 iterations, or 32 tasks",
        "",
    ]
    assert lines[-1] == "- Something is assumed."


def test_a_drop_that_is_seen_needs_nothing_more() -> None:
    shown = text(made(asking(0.8, None)))
    assert "80 of 100 such batteries" in shown
    assert "for 80 of 100" not in shown


def test_a_drop_that_nothing_alone_shows() -> None:
    nothing = Needed(iterations=None, tasks=None, repeats=None)
    assert "raise several" in text(made(asking(0.0, nothing)))


def test_a_question_that_cannot_be_answered_says_why() -> None:
    question = Question(
        name="compounding",
        smallest_drop=None,
        smallest_reduction=None,
        impossible="5 iterations or more are needed",
        asked=None,
    )
    assert "smallest drop seen:  none: 5 iterations or more are needed" in text(made(question))


def test_without_noise_any_drop_is_seen() -> None:
    question = Question(
        name="trend", smallest_drop=0.0001, smallest_reduction=None, impossible=None, asked=None
    )
    shown = text(made(question, noise=0.0))
    assert "smallest drop seen:  any\n" in shown
    assert "deterministic" in shown
    assert "factor" not in shown


@pytest.mark.parametrize(
    ("design", "drop"),
    [
        (Design(8, 3, 1, 0.3), 0.015),
        (Design(1000, 2, 12, 1.25), 0.15),
        (Design(1, 1, 1, 0.0), 0.015),
    ],
)
def test_every_line_fits_a_terminal_of_80_columns_in_ascii(design: Design, drop: float) -> None:
    shown = text(prospects(design, "measured", drop))
    assert shown.isascii()
    assert max(map(len, shown.splitlines())) <= 80
