"""Terminal, Markdown and page of a comparison."""

from __future__ import annotations

import json
import re

import pytest
from markdown_it import MarkdownIt

from battery.records.comparison import Comparison, Difference
from battery.records.models import LEARN
from battery.report import compare as cells
from battery.report.evidence import amount
from battery.report.html.compare import page
from battery.report.markdown.compare import markdown
from battery.report.terminal.compare import comparison_lines
from battery.report.terminal.summary import Look
from battery.verdict.table import Call
from tests.comparison.pairs import everywhere
from tests.report.comparisons import HOSTILE, NOTHING, comparison, hostile
from tests.verdict.batteries import PHASES, Cell, calls

PLAIN = Look("^", "v", "=", "..", colour=False)
CASES = {
    "worse": comparison(),
    "identical": comparison(calls()),
    "one arm": comparison(calls(everywhere(700), arms=(LEARN,)), calls(arms=(LEARN,))),
    "one iteration": comparison(calls(iterations=1), calls(iterations=1)),
    "many flips": comparison(
        calls(lambda _: {"status": "failed"}, phases=PHASES * 9), calls(phases=PHASES * 9)
    ),
    "hostile": hostile(),
    "nothing": comparison(**NOTHING),
}


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
    order = ["flips: 1 passed in A", "BLUFFS NOW gamma", "FAILS NOW  alpha", "iterations 2 to 3"]
    assert sorted(order, key=text.index) == order
    assert text.index("total_tokens") < text.index("tokens by task, the largest changes")


def test_the_largest_changes_are_named_both_ways_and_no_more_than_five_each() -> None:
    def changed(cell: Cell) -> dict[str, int]:
        return {"tokens": 1000 + 50 * (cell.task - 11)}

    found = comparison(calls(changed, phases=PHASES * 3), calls(phases=PHASES * 3))
    tasks = [pair.task for pair in cells.biggest(found)]
    grew, fell = [f"id{n}" for n in range(23, 18, -1)], [f"id{n}" for n in range(5)]
    assert tasks == [*grew, *fell]


def test_a_long_list_of_flips_is_cut_and_says_so() -> None:
    assert "and 34 more; --json has all of them" in console(CASES["many flips"])


def test_only_a_terminal_gets_colours() -> None:
    lines = list(comparison_lines(CASES["worse"], PLAIN._replace(colour=True)))
    assert "\x1b[31mWORSE" in "".join(lines)


def test_the_markdown_has_the_word_the_flips_and_every_metric() -> None:
    text = markdown(CASES["worse"])
    assert text.startswith("## Batteries compared: WORSE\n\n**On the same 8 tasks B is worse")
    assert text.index("### Flips") < text.index("### How much, over iterations 2 to 3")
    for part in (
        "| bluff, done in 3 of 3 runs | gamma |",
        "| passed to failed | alpha |",
        "The frozen arms, B against A",
    ):
        assert part in text


def test_the_markdown_fits_a_comment_and_its_labels_call_nobody() -> None:
    def named(each: Call) -> Call:
        return each._replace(label="@all see https://evil.example " + "x" * 50_000)

    phases = PHASES * 40
    before = [named(each) for each in calls(phases=phases, iterations=2)]
    alone = [each._replace(task=f"only {each.task}") for each in before]
    after = [each._replace(result=each.result._replace(status="failed")) for each in before]
    unlike = Difference(what="n", before="@" * 9**5, after="y", unfair=True, text="t")
    found = comparison(after, before + alone, differences=[unlike] * 900)
    text = markdown(found)
    assert len(text) < 60_000
    outside_code = re.sub(r"`[^`]*`", "", text)
    assert "@" not in outside_code
    assert "http" not in outside_code
    assert "and 220 more; `--json` has all of them." in text
    assert "and 300 more" in text
    long = comparison(sentence="long", cautions=["one section that is too long " * 3000])
    assert len(markdown(long)) < 60_000
    assert markdown(long).endswith("does not fit into a comment; `--json` has all of it.\n")


@pytest.mark.parametrize("name", CASES)
def test_nothing_in_the_markdown_is_read_as_markup(name: str) -> None:
    rendered = MarkdownIt("commonmark").enable("table").render(markdown(CASES[name]))
    assert "<script" not in rendered
    assert "<img" not in rendered


@pytest.mark.parametrize("name", CASES)
def test_the_page_escapes_what_others_wrote_and_has_its_data_as_json(name: str) -> None:
    html = b"".join(page(CASES[name])).decode()
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "\x1b" not in html
    data = html.split('id="data">')[1].split("</script>")[0]
    drawn = json.loads(data)
    assert len(drawn) == min(len(CASES[name].tasks), 60)
    assert html.index(CASES[name].outcome) < html.index("What else differs")


def test_the_page_shows_every_task_in_its_table_however_many_are_drawn() -> None:
    html = b"".join(page(CASES["many flips"])).decode()
    assert "the 60 tasks that changed most, of 72" in html
    assert "All 72 tasks as a table" in html


def test_noise_that_was_not_measured_is_said_so() -> None:
    assert "The noise of A and B cannot be measured" in console(CASES["one arm"])
    assert "noise: None: where nothing was learned" in console(CASES["identical"])


def test_sides_name_gaps_repeats_and_a_single_iteration() -> None:
    gap = CASES["worse"].before.model_copy(update={"iterations": [1, 3], "repeats": 2})
    assert cells.side(gap) == "no verdict: 8 tasks, iterations 1, 3, learn and frozen, 2 repeats"
    none = gap.model_copy(update={"iterations": [], "arms": [], "repeats": 1})
    assert cells.side(none) == "no verdict: 8 tasks, no complete iteration, no arm"
    assert "iteration 1:" not in cells.side(gap.model_copy(update={"iterations": [1]}))


def test_huge_changes_lose_their_digits_and_unknown_ones_are_dashes() -> None:
    assert amount("ratio", 11.0) == ">+900%"
    assert amount("ratio", None) == "-"
    assert amount("difference", -0.5) == "-50.0 pts"


def test_bluffs_and_the_number_of_tasks_are_on_the_terminal() -> None:
    text = console(CASES["worse"])
    assert "BLUFFS NOW gamma gamma 6                              done in 3 of 3 runs" in text
    lines = text.splitlines()
    head, tokens = (
        next(line.split() for line in lines if line.startswith(start))
        for start in ("iterations 2 to 3 ", "total_tokens")
    )
    assert (head[-1], tokens[-1]) == ("tasks", "8")


def test_that_no_task_differs_is_not_claimed_of_means_or_of_nothing() -> None:
    assert "tokens by task: no task's mean differs" in console(CASES["identical"])
    silent = comparison(calls(lambda _: {"tokens": 0}))
    assert "tokens by task: none could be compared" in console(silent)
