"""What a model thinks, quotes of its template and typography are taken off an answer first."""

from __future__ import annotations

import pytest

from battery.review.own import READ_LIMIT, own_words
from battery.review.parse import parse_proposals, parse_verdicts

ANSWER = "### One\n**Verdict**: APPROVE"
DRAFT = "### One\n**Verdict**: REJECT\nmaybe"


def words(answer: str) -> str:
    return own_words(answer, "answer").text.strip()


@pytest.mark.parametrize(
    "answer",
    [
        f"<think>\n{DRAFT}\n</think>\n{ANSWER}",
        f"<think>{DRAFT}</think>{ANSWER}",
        f"{DRAFT}\n</think>\n\n{ANSWER}",
        f"\ufeff<thinking>{DRAFT}</thinking>\n{ANSWER}",
        f"<reasoning>\n{DRAFT}\n</reasoning>\n{ANSWER}",
        f"<Thought>\n{DRAFT}\n</Thought>\n{ANSWER}",
        f"<seed:think>{DRAFT}</seed:think>{ANSWER}",
        f"[THINK]{DRAFT}[/THINK]{ANSWER}",
        f"◁think▷{DRAFT}◁/think▷{ANSWER}",
        f"<|START_THINKING|>{DRAFT}<|END_THINKING|>{ANSWER}",
        f"<|channel>thought\n{DRAFT}<channel|>{ANSWER}",
        f'<details type="reasoning" done="true">\n{DRAFT}\n</details>\n{ANSWER}',
        f"<think>a\n<think>b</think>\n{DRAFT}</think>\n{ANSWER}",
        f"<think>\n```\ncode that never closes\n{DRAFT}\n</think>\n{ANSWER}",
        f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>final"
        f"<|message|>{ANSWER}<|return|>",
        f"analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>final <|constrain|>md"
        f"<|message|>{ANSWER}",
        f"<|channel|>commentary<|message|>{DRAFT}<|end|><|channel|>final<|message|>{ANSWER}",
        f"analysisWe need to judge. {DRAFT} assistantfinal{ANSWER}",
        f"analysisokay, so we judge.\n{DRAFT}\nassistantfinal{ANSWER}",
        f"<|think|>\n{DRAFT}\n<|/think|>\n{ANSWER}",
        f"&lt;thinking&gt;{DRAFT}&lt;/thinking&gt;\n{ANSWER}",
        f"< THINK >\n{DRAFT}\n< /Think >\n{ANSWER}",
        f"`<think>`\n{DRAFT}\n`</think>`\n{ANSWER}",
        f"<antThinking>{DRAFT}</antThinking>{ANSWER}",
        f"<unused94>thought\n{DRAFT}<unused95>{ANSWER}",
        f"Thinking...\n{DRAFT}\n...done thinking.\n\n{ANSWER}",
        f"Here's my thought process:\n{DRAFT}\n\nHere's my response:\n{ANSWER}",
        f"## Thinking\n\n{DRAFT}\n\n## Final answer\n\n{ANSWER}",
        f"**Reasoning:**\n{DRAFT}\n\n---\n\n**Answer:**\n{ANSWER}",
        f"analysis**Judging**\n{DRAFT}assistantcommentary more assistantfinal\n{ANSWER}",
    ],
)
def test_thoughts_are_no_part_of_an_answer(answer: str) -> None:
    assert own_words(answer, "answer") == (own_words(answer, "answer").text, [])
    assert words(answer) == ANSWER


@pytest.mark.parametrize(
    "answer",
    [
        f"<think>\n{DRAFT}",
        f"<reasoning>{DRAFT}",
        f"[THINK]\n{DRAFT}",
        f"<think>a</think>\n<think>{DRAFT}",
        f"{DRAFT}\n</think>",
        f"<|think|>{DRAFT}",
        f"Thinking...\n{DRAFT}",
        f"<|channel|>analysis<|message|>{DRAFT}",
        f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant",
        f"analysisThe user asks. {DRAFT}",
    ],
)
def test_an_answer_that_ends_in_its_thoughts_says_nothing_and_is_told(answer: str) -> None:
    text, warnings = own_words(answer, "judgment")
    assert text.strip() == ""
    assert ["the judgment ended inside its thoughts" in told for told in warnings] == [True]
    assert parse_verdicts(answer, [])[0] == []


@pytest.mark.parametrize(
    "answer",
    [
        "The gateway leaks `</think>` tags.\nSo strip them.",
        "It writes <think> in the middle of a line.\nSo strip it.",
        "```\n<think>\nshown\n</think>\n```\nSo strip them.",
        "`<think>` is what it leaks.\nSo strip it.",
        "**Reasoning**\nIt is slow.",
        "analysis of the run\nfollows",
        "<proposal number='1'>\n<reasoning>\nslow\n</reasoning>\n</proposal>",
        "<details>\n<summary>More</summary>\nslow\n</details>",
    ],
)
def test_a_text_about_thoughts_or_tags_is_not_one(answer: str) -> None:
    assert own_words(answer, "answer") == (answer, [])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("trade\u2011cache", "trade-cache"),
        ("trade\u2010cache", "trade-cache"),
        ("**Verdict**:\u00a0APPROVE", "**Verdict**: APPROVE"),
        ("ok\u202ftasks\u2009fall", "ok tasks fall"),
        ("src/\u200ba.\u2060py", "src/a.py"),
        ("a\u00adb", "ab"),
        ("a&nbsp;b&#8209;c", "a b-c"),
        ("a\r\nb\u2028c", "a\nb\nc"),
        ("a<br>b<br />c", "a\nb\nc"),
        (
            "[a.py][1] and [b.py][2]\n\n[1]: src/a.py",
            "[a.py](src/a.py) and [b.py][2]\n\n[1]: src/a.py",
        ),
        ("| a<br>b |", "| a  b |"),
        ("3 \u2013 5 \u2212 2", "3 \u2013 5 \u2212 2"),
    ],
)
def test_typography_is_made_plain(written: str, read: str) -> None:
    assert words(written) == read


@pytest.mark.parametrize(
    "written",
    [
        "## A\\n\\n**B**: c\\n",
        '"## A\\n\\n**B**: c"',
        '{"content": "## A\\n\\n**B**: c", "finish_reason": "stop"}',
        '"\\"## A\\\\n\\\\n**B**: c\\""',
    ],
)
def test_an_answer_in_a_string_of_json_is_unpacked(written: str) -> None:
    assert words(written) == "## A\n\n**B**: c"


def test_a_written_out_line_end_in_an_answer_of_several_lines_stays() -> None:
    assert words("split at `\\n` and `\\n`\nthen\nstop") == "split at `\\n` and `\\n`\nthen\nstop"


def test_of_a_very_long_answer_the_first_part_is_read_and_the_rest_is_told() -> None:
    text, warnings = own_words("a" * (READ_LIMIT + 5), "review")
    assert len(text) == READ_LIMIT
    assert warnings == [
        "the review is too long to be read whole: its last 5 characters were not read"
    ]


def test_long_thoughts_leave_room_for_the_answer() -> None:
    assert own_words(f"<think>{'a ' * READ_LIMIT}</think>{ANSWER}", "answer") == (ANSWER, [])


def test_a_target_keeps_its_whole_path_in_any_typography() -> None:
    review = "".join(
        f"### {title}\n**Target file**: {path}\n**Rationale**: r\n\n"
        for title, path in [
            ("A", "`src/trade\u2011cache/exec\u2010loop.rs`"),
            ("B", "src/trade\u2013cache/\u200bloop.rs"),
            ("C", "[loop.rs](src/loop.rs#L10-L40)"),
            ("D", "[`loop.rs`](<src/my%20loop.rs>)"),
            ("E", "src\uff0floop\uff0ers"),
            ("F", "[a.py](https://github.com/o/r/blob/main/src/a.py#L3)"),
            ("G", "`src/a.py` (see [the notes](docs/notes.md))"),
            ("H", "`src/my notes.md`"),
        ]
    )
    proposals, _ = parse_proposals(review)
    assert [p.target_file for p in proposals] == [
        "src/trade-cache/exec-loop.rs",
        "src/trade-cache/loop.rs",
        "src/loop.rs",
        "src/my loop.rs",
        "src/loop.rs",
        "src/a.py",
        "src/a.py",
        "src/my notes.md",
    ]
