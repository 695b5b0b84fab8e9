"""A comparison on the terminal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from battery.base.text import cells
from battery.records.comparison import Comparison, Difference, NamedTask
from battery.records.models import Phase
from battery.records.word import Word
from battery.report.terminal.compare import Way, comparison_lines
from battery.report.terminal.look import MOST_ROWS, Look
from tests.report.comparisons import CASES, HOSTILE, NOTHING, comparison
from tests.report.test_compare import HABITS, Habits, battery
from tests.support.screens import Screen
from tests.verdict.batteries import REFUTED, Cell, calls

PLAIN = Look("^", "v", "=", "..", colour=False)
WAY = Way(["compare", "data/main", "data/branch"])


def lines(found: Comparison, *, full: bool = False, way: Way = WAY) -> list[str]:
    return list(comparison_lines(found, PLAIN, way, full=full))


def console(found: Comparison, *, full: bool = True) -> str:
    return "\n".join(lines(found, full=full))


@pytest.mark.parametrize("name", CASES)
def test_the_terminal_fits_80_columns_and_ends_with_the_word_and_where_to_look(name: str) -> None:
    for full in (False, True):
        shown = lines(CASES[name], full=full)
        assert [line for line in shown if len(line) > 80 and HOSTILE[:20] not in line] == []
        at = next(at for at, line in enumerate(shown) if line.startswith(CASES[name].outcome + " "))
        assert at >= len(shown) - 10
        *_, command, page = shown
        assert command.startswith("battery compare data/main data/branch --full")
        assert page.startswith("battery compare data/main data/branch -o page.html")
        assert "\x1b" not in "".join(shown)


def test_the_numbers_come_first_then_the_flips_the_worst_of_them_above_and_the_word() -> None:
    text = console(CASES["worse"], full=False)
    order = ["main    no verdict", "tokens per task", "flips: 1 passed in main", "BLUFFS NOW"]
    order += ["FAILS NOW  easy", "\nWORSE  On the same 8 tasks branch is worse", "Holds for"]
    assert sorted(order, key=text.index) == order
    assert "time per task" not in text
    assert "time per task" in console(CASES["worse"])


def test_flips_that_do_not_fit_are_counted() -> None:
    shown = lines(CASES["many flips"])
    flips = [line for line in shown if line.startswith("  FAILS NOW")]
    assert f"  and {54 - len(flips)} more tasks: --full" in shown
    assert len(flips) >= 2
    assert "and 34 more tasks; --json has all of them" in console(CASES["many flips"])


def test_commands_for_more_are_left_out_only_where_there_is_no_room_for_them() -> None:
    lost = [NamedTask(task=f"x{n}", label="a", phase=Phase.BETA) for n in range(2)]
    seen = set()
    for words in range(40, 200, 10):
        found = comparison(sentence="word " * words, only_before=lost, only_after=lost)
        shown = lines(found)
        left_out = not any(" -o page.html" in line for line in shown)
        # One more row would fit the screen.
        assert not (left_out and len(shown) < MOST_ROWS), shown
        seen.add(left_out)
    assert seen == {True, False}


def test_what_is_unfair_or_to_be_minded_is_named_with_where_its_text_is() -> None:
    unlike = [
        Difference(what=what, before="1", after="2", unfair=unfair, text="t")
        for what, unfair in (("arms", True), ("limit", False), ("state", True))
    ]
    found = comparison(differences=unlike, cautions=["one thing", "another", "a third"])
    shown = lines(found)
    assert "unfair: arms, state; --full says why, and what to do" in shown
    assert "mind (1 of 3; --full has them): one thing" in shown
    assert "unfair: arms (main 1; branch 2): t." in lines(found, full=True)


def test_in_full_name_tags_and_note_are_next_to_the_folder_and_a_long_note_is_folded() -> None:
    said = {
        "called": "the shorter prompt",
        "tags": ["p2", "nightly"],
        "note": "so many words " * 30,
    }
    after = CASES["worse"].after.model_copy(update=said)
    shown = lines(CASES["worse"].model_copy(update={"after": after}), full=True)
    at = shown.index("        name: the shorter prompt")
    assert shown[at + 1 : at + 3] == [
        "        tags: p2, nightly",
        "        note: so many words so many words so many words so many words so many",
    ]
    assert max(map(len, shown)) <= 80
    assert " ".join(" ".join(shown).split()).count("so many words") == 30


def test_tasks_of_only_one_battery_are_named_in_a_line_of_each() -> None:
    gone = [NamedTask(task=f"{n}", label=f"old {n}", phase=Phase.ALPHA) for n in range(30)]
    shown = lines(comparison(only_before=gone, only_after=gone[:2]))
    assert "only in branch, 2 tasks: old 0; old 1" in shown
    (before,) = (line for line in shown if line.startswith("only in main, 30 tasks: old 0; old 1"))
    assert len(before) <= 80
    assert "only in branch, 2 tasks: old 0; old 1" in lines(
        comparison(**NOTHING, only_after=gone[:2])
    )


def test_numbers_of_a_battery_that_is_not_to_be_trusted_say_so() -> None:
    bluffing = CASES["worse"].after.model_copy(update={"verdict": Word.DISHONEST})
    found = CASES["worse"].model_copy(update={"after": bluffing})
    shown = lines(found)
    at = shown.index("Not to be used: branch is DISHONEST.")
    assert shown[at + 1].startswith("iterations 2 to 3")
    grey = list(comparison_lines(found, PLAIN._replace(colour=True), WAY))
    assert grey[at + 2].startswith("\x1b[2mtokens per task")


def test_the_page_that_was_written_and_a_report_are_where_to_look() -> None:
    after = CASES["worse"].after.model_copy(update={"report": "data/branch/report.html"})
    found = CASES["worse"].model_copy(update={"after": after})
    *_, page, report = lines(found, way=WAY._replace(page=Path("out/page.html")))
    assert page.split("  ")[0] == "out/page.html"
    assert report.split("  ")[0] == "battery open data/branch"


def test_only_a_terminal_gets_colours() -> None:
    shown = comparison_lines(CASES["worse"], PLAIN._replace(colour=True), WAY)
    assert "\x1b[31mWORSE" in "".join(shown)


def test_noise_that_was_not_measured_is_said_so() -> None:
    assert "The noise of main and branch cannot be measured" in console(CASES["one arm"])
    assert "noise: None: where nothing was learned" in console(CASES["identical"])


def test_bluffs_and_every_metric_are_on_the_terminal() -> None:
    text = console(CASES["worse"])
    assert "BLUFFS NOW impossible gamma 6                        claimed in 3 of 3 runs" in text
    assert "iterations 2 to 3      main    branch     Change     97.5% interval      p" in text
    assert "tokens per task       1,000     3,191    +100.5%  +50.1% to +375.3%  0.008" in text
    assert "\nturns per task         4.00      4.00\n" in text


def test_that_no_task_differs_is_not_claimed_of_means_or_of_nothing() -> None:
    assert "tokens by task: no task's mean differs" in console(CASES["identical"])
    silent = comparison(calls(lambda _: {"tokens": None}))
    assert "tokens by task: none could be compared" in console(silent)


def test_a_lost_task_that_is_claimed_says_so_and_no_line_gets_too_long() -> None:
    found = comparison(calls(lambda cell: REFUTED if cell.task == 0 else {}))
    unchecked = found.before.model_copy(update={"checked": False, "repeats": 2})
    shown = lines(found.model_copy(update={"before": unchecked}), full=True)
    assert any(line.endswith("ok 100% to 0%; claims it") for line in shown)
    assert "own word" in " ".join(shown)
    assert max(map(len, shown)) <= 80


def test_numbers_are_never_cut_however_large_they_are_and_labels_are() -> None:
    def huge(cell: Cell) -> dict[str, Any]:
        status = {"status": {0: "failed", 6: "ok"}[cell.task]} if cell.task in {0, 6} else {}
        return {**status, "tokens": 10**9 * (3 + cell.task)}

    before, after = (
        [call._replace(label=f"{call.label} with a name that goes on and on") for call in some]
        for some in (
            calls(lambda _: {"tokens": 1_234_567_890}, iterations=2, repeats=500),
            calls(huge, iterations=2, repeats=500),
        )
    )
    sides = [{"repeats": 500, "iterations": list(range(1, 100, 2)), "verdict": Word.INCONCLUSIVE}]
    found = called(comparison(after, before), sides * 2, ["2026-01-31 12:00:00", "w" * 26])
    for full in (False, True):
        shown = lines(found, full=full)
        assert max(map(len, shown)) <= 80
        assert not [line for line in shown if re.search(r"\d\.\.", line)]
        text = " ".join(" ".join(shown).split())
        assert "8 tasks, 50 iterations from 1 to 99, with twin, 500 repeats" in text
        assert re.search(r"gamma 6 with [a-z ]*\.\. +claimed in 1,000 of 1,000 runs", text)
    assert "1,234,567,890 to 10,000,000,000" in text


NAMES = st.sampled_from(["main", "2026-01-31T12-00-00Z", "w" * 26, "語" * 13, "a b-c d_e" * 2])
SIDES = st.fixed_dictionaries(
    {
        "verdict": st.none() | st.sampled_from(Word),
        "repeats": st.integers(1, 30),
        "iterations": st.sampled_from([[1], [1, 2, 3], list(range(1, 100, 2))]),
        "report": st.sampled_from([None, "report.html"]),
    }
)
CHANGED = st.fixed_dictionaries(
    {
        "only_after": st.lists(
            st.just(NamedTask(task="x", label="a task of its own " * 5, phase=Phase.BETA)),
            max_size=3,
        ),
        "cautions": st.lists(st.sampled_from(["one thing", "another thing, and more " * 9])),
        "differences": st.lists(
            st.builds(
                Difference,
                what=st.sampled_from(["arms", "targets.gateway", "a" * 30]),
                before=st.just("1"),
                after=st.just("2"),
                unfair=st.booleans(),
                text=st.just("so"),
            ),
            max_size=9,
        ),
    }
)


def called(found: Comparison, sides: list[dict[str, Any]], names: list[str]) -> Comparison:
    """Give the batteries other names and traits, in the sentences as well."""
    before, after = found.before, found.after
    text = found.model_dump_json()
    for old, new in zip((before.name, after.name), names, strict=True):
        text = text.replace(f" {old}", f" {new}")
    named = Comparison.model_validate_json(text)
    return named.model_copy(
        update={
            "before": before.model_copy(update={"name": names[0], **sides[0]}),
            "after": after.model_copy(update={"name": names[1], **sides[1]}),
        }
    )


INVALID = {"verdict": Word.INVALID, "repeats": 1, "iterations": [1], "report": None}
CROWDED = {
    "only_after": [NamedTask(task="x", label="a task of its own " * 5, phase=Phase.BETA)],
    "cautions": [],
    "differences": [Difference(what="arms", before="1", after="2", unfair=True, text="so")],
}


def test_a_label_that_is_cut_ends_as_the_stream_can_show_it() -> None:
    shown = lines(CASES["worse"].model_copy(update=CROWDED), full=True)
    assert [line for line in shown if line.endswith("a task of i..")]


#: Two flips whose heading takes two rows, below sides and numbers that take all they can.
HIGHEST: tuple[Any, ...] = (
    (Habits(0.4, 0, False, [1.0] * 12, (1, 1)), Habits(0.4, 8, False, [1.0] * 12, (1, 1))),
    (2, 10**12),
    (
        {"verdict": None, "repeats": 2, "iterations": [1], "report": None},
        {**INVALID, "iterations": list(range(1, 100, 2))},
    ),
    ["w" * 26, "w" * 26],
    CROWDED,
)


@settings(deadline=None, max_examples=50)
@example(*HIGHEST)
# Long names, a long sentence, numbers so large that p and interval come below: all at once.
@example(
    (Habits(0.4, 0, False, [1.0] * 12, (1, 1)), Habits(0.4, 0, False, [1.02] * 12, (1, 1))),
    (1, 10**12),
    (INVALID, INVALID),
    ["2026-01-31T12-00-00Z", "w" * 26],
    CROWDED,
)
@given(
    st.tuples(HABITS, HABITS),
    st.tuples(st.integers(1, 12), st.sampled_from([1, 10**6, 10**12])),
    st.tuples(SIDES, SIDES),
    st.lists(NAMES, min_size=2, max_size=2),
    CHANGED,
)
def test_the_end_of_any_comparison_is_on_one_screen(
    habits: tuple[Habits, Habits],
    size: tuple[int, int],
    sides: tuple[dict[str, Any], dict[str, Any]],
    names: list[str],
    changes: dict[str, Any],
) -> None:
    tasks, factor = size
    before, after = (battery(one._replace(share=one.share * factor), tasks) for one in habits)
    found = called(comparison(after, before), list(sides), names).model_copy(update=changes)
    shown = list(comparison_lines(found, PLAIN._replace(minus=True), WAY))
    assert max(map(cells, shown)) <= 80
    assert len(shown) <= MOST_ROWS
    screen = Screen().feed("".join(f"{line}\r\n" for line in shown).encode())
    assert screen.scrolled == []
    text = " ".join(" ".join(screen.lines).split())
    assert not re.search(r"\d\.\.", text), "no number is cut"
    assert f"{found.outcome} On " in text
    assert "tasks done" in text
    assert "battery compare data/main data/branch --full" in text
