from __future__ import annotations

import io
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base.text import cells, printable
from battery.comparison.timeline import Entry, History, courses
from battery.records.findings import Interval
from battery.records.models import Phase, Proposal, ReviewOutcome, Verdict
from battery.records.word import Word
from battery.report.terminal.look import Look
from battery.report.terminal.results import (
    history_lines,
    print_history,
    print_reviews,
    sparkline,
    text,
)
from battery.verdict.planning import Asked, Needed, Prospects, Question, prospects
from battery.verdict.runs.power import OverRuns, RunsAsked
from battery.verdict.simulation import Design
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


PLAIN = Look("^", "v", "=", "..", colour=False)
RICH = PLAIN._replace(minus=True)


def lines(*entries: Entry, look: Look = RICH) -> list[str]:
    return list(history_lines(history(*entries), look))


def test_a_line_of_numbers_per_battery_and_its_folder_below_where_it_is_long() -> None:
    heads, numbers, folder, *_ = lines(FULL, entry(900.0, started_at="2027"))
    assert heads.split() == ["start", "it.", "verdict", "tokens", "vs", "twin", "interval", "ok"]
    assert numbers.split() == [
        *("2026-11-22", "23:10", "3", "LEARNED", "858"),
        *("\N{MINUS SIGN}39%", "\N{MINUS SIGN}55%", "to", "\N{MINUS SIGN}18%", "100%"),
    ]
    assert folder == "  archive/2026-11-22T23-10-47Z"
    assert lines(FULL, look=PLAIN)[1].isascii()


def test_short_folders_are_behind_the_numbers_and_only_the_files_may_tell_a_start() -> None:
    heads, first, second, *_ = lines(entry(1.0), entry(2.0, group=2, folder="b"))
    assert heads.split()[:3] == ["start", "set", "it."]
    assert heads.endswith("ok  folder")
    assert first.startswith("2026-01-01 00:00?    1 "), "a start that only the files tell is marked"
    assert first.endswith("100%  a")
    assert second.split()[2:] == ["2", "3", "-", "2", "100%", "b"]


def test_a_battery_is_shown_with_its_name_and_its_tags() -> None:
    named = FULL.model_copy(update={"name": "Atlas\x1b[31m", "tags": ["main", "gpt"]})
    assert lines(named)[2] == "  Atlas\\x1b[31m  [main, gpt]  archive/2026-11-22T23-10-47Z"
    long = named.model_copy(update={"folder": "f" * 90})
    assert lines(long)[2:4] == ["  Atlas\\x1b[31m", "  [main, gpt]"]
    assert lines(long)[4] == "  " + "f" * 90


def test_a_note_is_below_its_battery_and_a_long_one_is_cut_to_its_line() -> None:
    short = entry(900.0, folder="a", note="a shorter prompt")
    long = entry(900.0, folder="b", note="many words of a note " * 40)
    _, _, folder, note, _, below, cut, end, *_ = lines(short, long)
    assert (folder, note, below) == ("  a", "  note: a shorter prompt", "  b")
    assert cut.startswith("  note: many words of a note many words")
    assert cut.endswith("..")
    assert end == ""
    assert cells(cut) <= 80


@pytest.mark.parametrize("word", [Word.INVALID, Word.DISHONEST])
def test_no_effect_is_shown_next_to_a_word_that_makes_it_worthless(word: Word) -> None:
    _, _, numbers, *_ = lines(entry(1.0), FULL.model_copy(update={"verdict": word}))
    assert numbers.split()[3:7] == [word, "858", "100%", FULL.folder]


def test_an_unfinished_battery_says_its_state_and_what_is_unknown_is_a_dash() -> None:
    running = entry(None, state="running", iterations=0, tasks=0, ok=None, group=None, folder="now")
    assert lines(running)[1].split()[2:] == ["0", "-", "-", "-", "now", "(running)"]


def test_like_batteries_have_a_line_with_sparkline_change_and_trend() -> None:
    shown = lines(*(entry(900.0 - 100 * n) for n in range(5)))
    text = " ".join(shown[7:])
    assert text.startswith(
        "set 1, 8 tasks: █▆▅▃▁ tokens \N{MINUS SIGN}44.4% from the first to the last of 5"
    )
    assert "p = 0.017" in text


def test_several_sets_are_told_apart_by_their_systems() -> None:
    first, second = entry(1.0, system="embedded, m"), entry(2.0, group=2, system="http://b, m")
    assert lines(first)[3].startswith("set 1, 8 tasks: ")
    below = lines(*[first] * 5, second)[8:]
    assert below[0].startswith("set 1, 8 tasks of embedded, m: ")
    assert any(line.startswith("set 2, 8 tasks of http://b, m: ") for line in below)


def test_sets_with_too_few_batteries_share_a_line() -> None:
    third = entry(3.0, group=3)
    below = lines(*[entry(1.0)] * 5, *[entry(2.0, group=2)] * 4, third)
    (few,) = [line for line in below if "too few" in line]
    assert few == "sets 2 and 3: too few for a trend: at most 4 of at least 5 batteries"
    assert any(line.startswith("set 1, ") for line in below)


ENTRIES = st.builds(
    entry,
    st.none() | st.floats(0, 1e9),
    started_at=st.sampled_from(["2026-11-22T23:10:47Z", "?"]),
    dated_by=st.sampled_from(["manifest", "files"]),
    state=st.sampled_from([None, "finished", "running"]),
    verdict=st.none() | st.sampled_from(Word),
    iterations=st.integers(0, 120),
    cost_usd=st.none() | st.floats(0, 1e4),
    ok=st.none() | st.floats(0, 1),
    effect=st.none() | st.floats(0, 1e3),
    interval=st.just(Interval(low=0.4512, high=99.0, level=0.95)),
    group=st.none() | st.integers(1, 99),
    name=st.none() | st.text("ab \N{BALLOON}語", max_size=40),
    tags=st.lists(st.text("ab \N{BALLOON}語", min_size=1, max_size=30), max_size=20),
    folder=st.text(min_size=1, max_size=120),
    system=st.none() | st.text("ab \N{BALLOON}語", max_size=90),
)


@settings(deadline=None)
@given(st.lists(ENTRIES, min_size=1, max_size=5))
def test_every_line_fits_but_for_a_path_that_is_longer(entries: list[Entry]) -> None:
    for line in lines(*entries):
        if cells(line) > 80:
            path = line.removeprefix("  ").removesuffix(" (running)")
            assert path in {printable(entry.folder) for entry in entries}


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
    stream = io.StringIO()
    print_history(history(FULL, warnings=("x\x1b[31m is skipped",)), stream)
    *_, last = stream.getvalue().splitlines()
    assert last == "warning: x\\x1b[31m is skipped"


def made(question: Question, *, noise: float = 0.3, planned: float | None = None) -> Prospects:
    return Prospects(
        tasks=8,
        phases=dict(zip(Phase, (3, 3, 2), strict=True)),
        iterations=3,
        repeats=1,
        noise=noise,
        noise_source="assumed",
        noise_planned=noise if planned is None else planned,
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
    assert lines[:9] == [
        "8 tasks (3 easy, 3 niche, 2 impossible), 3 iterations, 1 repeat",
        "noise 0.30 (assumed)",
        "Two of three calls lie within a factor of 1.35 of what their task takes.",
        "",
        "Do all tasks save? (LEARNED)",
        "  smallest drop seen:  20.7% per iteration, 29.3% on average",
        "  a drop of 10%:       79 of 100 such batteries show it",
        "  for 80 of 100:       5 iterations, or 32 tasks",
        "",
    ]
    assert lines[-1] == "- Something is assumed."


def test_a_measured_noise_is_shown_with_the_bound_that_is_planned_with() -> None:
    shown = text(made(asking(0.8, None), noise=0.2, planned=0.27))
    assert "noise 0.20 (assumed); planned with its upper bound, 0.27\n" in shown
    assert "a factor of 1.31" in shown


def test_a_drop_that_is_seen_needs_nothing_more() -> None:
    shown = text(made(asking(0.8, None)))
    assert "80 of 100 such batteries" in shown
    assert "for 80 of 100" not in shown


def test_a_drop_that_nothing_alone_shows() -> None:
    nothing = Needed(iterations=None, tasks=None, repeats=None)
    assert "raise several" in text(made(asking(0.0, nothing)))


@pytest.mark.parametrize(
    ("power", "needed", "words"),
    [(0.554, 7, "7 runs"), (0.1, None, "more than 30 runs"), (0.85, None, None)],
)
def test_a_campaign_has_a_block_of_its_own(
    power: float, needed: int | None, words: str | None
) -> None:
    asked = RunsAsked(
        primary="cost", smallest_drop=0.206, smallest_reduction=0.288, power=power, needed=needed
    )
    over = OverRuns(runs=5, spread=0.15, spread_source="assumed", questions=[asked])
    whole = made(asking(0.8, None)).model_copy(update={"over_runs": over})
    lines = text(whole).splitlines()
    at = lines.index("Does the system save, over 5 runs? (LEARNED)")
    assert lines[at + 1] == "  smallest drop seen:  20.6% per iteration, 28.8% on average"
    chance = f"{int(100 * power)} of 100 such campaigns show it"
    assert lines[at + 2] == f"  a drop of 10%:       {chance}"
    assert lines[at + 3] == (f"  for 80 of 100:       {words}" if words else "")
    assert any("a factor of 1.16" in line for line in lines)
    few = OverRuns(
        runs=3,
        spread=0.0,
        spread_source="given",
        questions=[asked.model_copy(update={"smallest_drop": None, "power": None})],
    )
    shown = text(whole.model_copy(update={"over_runs": few}))
    assert "none: 3 runs cannot reach the level" in shown
    assert "Memories do not differ" in shown


def test_a_question_that_cannot_be_answered_says_why() -> None:
    question = Question(
        name="compounding",
        smallest_drop=None,
        smallest_reduction=None,
        impossible="5 or more iterations are needed",
        asked=None,
    )
    assert "smallest drop seen:  none: 5 or more iterations are needed" in text(made(question))


def test_without_noise_any_drop_is_seen() -> None:
    question = Question(
        name="trend", smallest_drop=0.0001, smallest_reduction=None, impossible=None, asked=None
    )
    shown = text(made(question, noise=0.0))
    assert "smallest drop seen:  any\n" in shown
    assert "deterministic" in shown
    assert "factor" not in shown


def wide(found: Prospects) -> Prospects:
    """Return the same with numbers as wide as they get, and every question asked and answered."""
    needed = Needed(iterations=1_000, tasks=100_000, repeats=1_000)
    numbers = {"smallest_drop": 0.0123, "smallest_reduction": 0.1234}
    answer = {**numbers, "impossible": None, "asked": Asked(power=0.799, needed=needed)}
    size = {"tasks": 1_000, "phases": dict(zip(Phase, (375, 375, 250), strict=True)), "repeats": 12}
    questions = [question.model_copy(update=answer) for question in found.questions]
    more = {"noise": 1.25, "noise_planned": 1.35, "drop": 0.015, "questions": questions}
    return found.model_copy(update=size | more)


@pytest.mark.parametrize("design", [Design((3, 3, 2), 3, 1, 0.3), Design((1, 0, 0), 1, 1, 0.0)])
def test_every_line_fits_a_terminal_of_80_columns_in_ascii(design: Design) -> None:
    found = prospects(design, "measured", None)
    for shown in map(text, (found, wide(found))):
        assert shown.isascii()
        assert max(map(len, shown.splitlines())) <= 80


Judged = Literal["APPROVE", "REVISE", "REJECT"]


def proposal(number: int, title: str, *, exists: bool | None = None) -> Proposal:
    return Proposal(
        number=number,
        title=title,
        target_file="src/a.py",
        rationale=None,
        expected_impact=None,
        metric=None,
        target_exists=exists,
    )


def verdict(number: int, word: Judged, reason: str, flags: list[str]) -> Verdict:
    return Verdict(proposal=number, title="t", verdict=word, reason=reason, details="", flags=flags)


def shown(outcome: ReviewOutcome) -> str:
    stream = io.StringIO()
    print_reviews(outcome, Path("data"), stream)
    return stream.getvalue()


def test_each_proposal_stands_with_its_verdict_and_what_contradicts_it() -> None:
    outcome = ReviewOutcome(
        iteration=2,
        proposals=[proposal(1, "Cache it", exists=False), proposal(2, "Nobody judged this")],
        verdicts=[verdict(1, "APPROVE", "why not", ["approved, but not there"])],
        artifacts=["iter_2/overseer_review.md"],
    )
    assert shown(outcome) == (
        "Iteration 2: 2 proposals\n"
        "\n"
        "1. APPROVE Cache it\n"
        "   target  src/a.py (not in the repository)\n"
        "   reason  why not\n"
        "   flag    approved, but not there\n"
        "\n"
        "2. not judged Nobody judged this\n"
        "   target  src/a.py\n"
        "\n"
        "data/iter_2/overseer_review.md\n"
    )


def test_long_and_hostile_text_is_wrapped_and_harmless() -> None:
    text = "evil \x1b[2J text\r\n" + "word " * 60
    outcome = ReviewOutcome(
        iteration=1,
        proposals=[proposal(1, text)],
        verdicts=[verdict(1, "REJECT", text, [])],
        artifacts=[],
    )
    assert "\x1b" not in shown(outcome)
    assert max(map(len, shown(outcome).splitlines())) <= 80
