"""A comparison as Markdown: what it shows, that it fits, and that it holds no markup of others."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from battery.records.comparison import Difference
from battery.records.word import Word
from battery.report.markdown.compare import markdown
from battery.verdict.table import Call
from tests.report.comparisons import CASES, comparison
from tests.verdict.batteries import PHASES, calls


def test_the_markdown_has_the_word_the_flips_and_every_metric() -> None:
    text = markdown(CASES["worse"])
    assert text.startswith("## Batteries compared: WORSE\n\n**On the same 8 tasks branch is worse")
    assert text.index("### Flips") < text.index("### How much, over iterations 2 to 3")
    for part in (
        "| bluff; claimed in 3 of 3 runs | impossible |",
        "| passed to failed | easy |",
        "The twins, which learn nothing:",
    ):
        assert part in text


def test_numbers_that_are_not_to_be_used_are_headed_so() -> None:
    spoiled = CASES["worse"].after.model_copy(update={"verdict": Word.DISHONEST})
    text = markdown(CASES["worse"].model_copy(update={"after": spoiled}))
    headed = "**Not to be used:** none of the numbers below, for branch is DISHONEST."
    assert text.index(headed) < text.index("### Flips")
    assert "Not to be used" not in markdown(CASES["worse"])


def test_names_tags_and_notes_are_quoted_under_their_side() -> None:
    said = {"called": "v2", "tags": ["p2"], "note": "asks @all *bold*"}
    after = CASES["worse"].after.model_copy(update=said)
    text = markdown(CASES["worse"].model_copy(update={"after": after}))
    assert "\n  - name: `v2`\n  - tags: `p2`\n  - note: `asks @all *bold*`\n" in text


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
    assert "and 220 more tasks; `--json` has all of them." in text
    assert "and 300 more tasks" in text
    long = comparison(sentence="long", cautions=["one section that is too long " * 3000])
    assert len(markdown(long)) < 60_000
    assert markdown(long).endswith("does not fit into a comment; `--json` has all of it.\n")


@pytest.mark.parametrize("name", CASES)
def test_nothing_in_the_markdown_is_read_as_markup(name: str) -> None:
    rendered = MarkdownIt("commonmark").enable("table").render(markdown(CASES[name]))
    assert "<script" not in rendered
    assert "<img" not in rendered
