"""Markdown of models becomes HTML that cannot run, load or lead anywhere."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from battery.report.html.prose import MOST_CHARACTERS, prose, visible

WORD = re.compile(r"[^\W_]+")
HARMLESS = {
    *("p", "em", "strong", "s", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "br"),
    *("h4", "h5", "h6", "div", "table", "thead", "tbody", "tr", "th", "td"),
}
HARMLESS_ATTRIBUTES = {"class", "start", "style", "role", "aria-label", "tabindex"}


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.found: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


def tags(html: str) -> Tags:
    parser = Tags()
    parser.feed(html)
    return parser


def test_paragraphs_lists_tables_and_code_are_rendered() -> None:
    html = prose("**a** `b`\n\n- c\n\n| d | e |\n| - | - |\n| 1 | 2 |", level=4)
    for part in ("<strong>a</strong>", "<code>b</code>", "<li>c</li>", "<th>d</th>"):
        assert part in html


def test_links_and_images_are_text_with_their_address() -> None:
    html = prose("[here](http://a.b/c) <http://d.e> ![photo](f.png) <me@x.y>", level=4)
    assert html == ("<p>here (http://a.b/c) http://d.e [image: photo] (f.png) me@x.y</p>\n")


def test_html_is_text() -> None:
    html = prose("<b onclick='x()'>a</b>\n\n<script>\nx\n</script>", level=4)
    assert "&lt;b onclick='x()'&gt;a&lt;/b&gt;" in html
    assert tags(html).found == {"p"}


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("# a\n\n## b\n\n### c", ["h4", "h5", "h6"]),
        ("## a\n\n## b", ["h4", "h4"]),
        ("### a\n\n# b", ["h4", "h4"]),
        ("# a\n\n###### b\n\n###### c", ["h4", "h5", "h6"]),
    ],
)
def test_headings_fit_under_those_of_the_page(text: str, levels: list[str]) -> None:
    html = prose(text, level=4)
    assert [part[:2] for part in html.split("<")[1:] if part[0] == "h"] == levels


def test_a_long_text_is_cut_and_says_so() -> None:
    html = prose("word " * MOST_CHARACTERS, level=4)
    assert len(html) < MOST_CHARACTERS + 100
    assert "goes on in its file" in html


@pytest.mark.parametrize(
    "text",
    [
        "- " * 12 + "deep words",
        "> " * 30 + "deep words",
        "1. - > " * 9 + "deep words",
        "| a | b |\n| - | - |\n| c | d | deep words |",
    ],
)
def test_what_the_parser_would_drop_is_shown_as_it_was_written(text: str) -> None:
    html = prose(text, level=4)
    assert "As it was written" in html
    assert "deep words" in html


@pytest.mark.parametrize(
    "text",
    ["[a]: http://b.c 'title'", '[a](b "title")', "```python and more\nx\n```", "a &copy; b"],
)
def test_what_markdown_hides_is_shown_and_the_rest_rendered(text: str) -> None:
    html = prose(text, level=4)
    assert set(WORD.findall(text)) <= set(WORD.findall(tags(html).text))
    assert "As it was written" not in html


@pytest.mark.parametrize("mark", [">", "- ", "*a", "`", "1. "])
def test_nesting_of_any_depth_is_no_error(mark: str) -> None:
    assert "word" in prose(mark * 20_000 + "word", level=4)


MARKS = st.sampled_from(
    [*"\n*`[)|&;", "- ", "> ", "1. ", "# ", "    ", "\n\n", "**", "```", "](", "\n| - | - |\n"]
)


@given(st.lists(MARKS | st.text("abcé7", min_size=1, max_size=3)).map("".join))
@example("- " * 11 + "a")
def test_every_word_is_on_the_page(text: str) -> None:
    html = prose(text, level=4)
    # The numbers of a list are drawn by the browser.
    words = Counter(each for each in WORD.findall(text) if not each.isdecimal())
    assert not words - Counter(WORD.findall(tags(html).text))


@given(
    st.lists(
        st.sampled_from(
            [
                *"[]()!<>`*_#|\\\n&:;\"'= ",
                "javascript:x",
                "](",
                "![",
                "<a href=x>",
                "<!--",
                "<script>",
            ]
        )
        | st.text(max_size=4)
    ).map("".join)
)
def test_no_text_makes_an_element_that_does_anything(text: str) -> None:
    found = tags(prose(text, level=4))
    assert found.found <= HARMLESS
    assert found.attributes <= HARMLESS_ATTRIBUTES


def test_lines_tabs_and_indentation_stay() -> None:
    text = "first\r\n\n\tcode:\n    x =  1\u00a0\u3000中文"
    assert visible(text) == text.replace("\r\n", "\n")


def test_what_steers_a_terminal_or_the_direction_is_written_out() -> None:
    assert visible("a\x1b[2Jb\u202ec\x00") == r"a\x1b[2Jb\u202ec\x00"


@given(st.text())
def test_the_result_holds_nothing_that_cannot_be_seen(text: str) -> None:
    shown = visible(text)
    assert all(char.isprintable() or char in "\n\t\u00a0\u3000" for char in shown)
    assert visible(shown) == shown
