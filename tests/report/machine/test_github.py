"""Step summary, annotations and outputs: nothing that others wrote becomes a command."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from battery.records.findings import Gate
from battery.records.summary import Summary
from battery.records.word import Word
from battery.report.machine.github import (
    MAX_ANNOTATIONS,
    MAX_BYTES,
    Annotation,
    attention,
    command,
    outputs,
    step_summary,
    without_commands,
)
from battery.report.markdown.summary import markdown
from battery.verdict.assess import assess
from tests.report.machine.samples import ANY_TEXT
from tests.report.samples import metrics, summary, three
from tests.verdict.batteries import learning, observed
from tests.verdict.runs import made

LEARNED = assess(observed(learning))


def judged(**changes: Any) -> Summary:
    return three(evidence=LEARNED.model_copy(update=changes))


def unescaped(text: str) -> str:
    """Read a text back as the runner does."""
    for mark, escape in (("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C"), ("%", "%25")):
        text = text.replace(escape, mark)
    return text


@pytest.mark.parametrize(
    ("word", "level"),
    [
        (Word.INVALID, "error"),
        (Word.REGRESSED, "error"),
        (Word.MIXED, "warning"),
        (Word.NO_EFFECT, "warning"),
        (Word.INCONCLUSIVE, "warning"),
        (Word.INDICATIVE, "notice"),
        (Word.LEARNED, "notice"),
    ],
)
def test_the_verdict_is_as_loud_as_it_is_bad(word: Word, level: str) -> None:
    found = next(attention(judged(verdict=word, sentence="So it is.")))
    assert found == (level, f"battery: {word}", "So it is.")


def test_a_battery_that_did_not_come_to_its_end_is_an_error_before_all_else() -> None:
    stopped = judged().model_copy(update={"state": "interrupted", "iterations_wanted": 9})
    found = next(attention(stopped))
    assert (found.level, found.title) == ("error", "battery: interrupted")
    assert "of 9 iterations are complete" in found.message


def test_gates_and_warnings_follow_the_verdict_most_serious_first() -> None:
    texts = [("alpha", "failed"), ("beta", "not proven"), ("gamma", "passed")]
    gates = [Gate(name=n, title="t", status=s, text=f"{n}.") for n, s in texts]
    found = attention(judged(gates=gates).model_copy(update={"warnings": ["mind this"]}))
    assert [(each.level, each.message) for each in found][:3] == [
        ("error", "alpha."),
        ("warning", "beta."),
        ("warning", "mind this"),
    ]


def test_people_read_the_name_of_the_battery_and_the_titles_of_its_gates() -> None:
    gate = Gate(name="gamma", title="honest failure", status="failed", text="why")
    found = judged(gates=[gate]).model_copy(update={"name": "v2", "warnings": ["mind this"]})
    titles = [one.title for one in attention(found)]
    assert "battery v2: gate honest failure, failed" in titles
    assert all(title.startswith("battery v2") for title in titles)


def test_what_is_worth_knowing_is_a_notice() -> None:
    told = judged(cautions=["some cells hold 1 run"])
    assert Annotation("notice", "battery: worth knowing", "some cells hold 1 run") in list(
        attention(told)
    )


def test_no_more_are_written_than_are_shown() -> None:
    found = three(evidence=None, warnings=[f"w{n}" for n in range(30)])
    assert [each.message for each in attention(found)] == [f"w{n}" for n in range(MAX_ANNOTATIONS)]


def test_an_annotation_is_escaped_as_the_runner_reads_it() -> None:
    line = command(Annotation("error", "a: b, 5%", "50% of, these: 10"))
    assert line == "::error title=a%3A b%2C 5%25::50%25 of, these: 10"


@given(ANY_TEXT, ANY_TEXT)
def test_no_text_can_end_its_annotation_or_begin_another_command(title: str, text: str) -> None:
    line = command(Annotation("warning", title, text))
    assert len(line.splitlines()) == 1
    head, _, message = line.removeprefix("::").partition("::")
    assert head.startswith("warning title=")
    assert not {":", ","} & set(head.removeprefix("warning title="))
    if len(text) < 100 and text.isprintable():
        assert unescaped(message) == " ".join(text.split())


@given(ANY_TEXT)
def test_no_line_of_the_step_summary_begins_a_command(text: str) -> None:
    found = three(warnings=[text, f"a\n::set-output name=x::{text}", "##[add-mask]x"])
    lines = step_summary(found).decode().splitlines()
    assert not [line for line in lines if line.strip().startswith("::") or "##[" in line]


def test_on_standard_output_commands_are_off_between_marks() -> None:
    lines = list(without_commands(["::add-mask::x", "##[error]y"], "t0k"))
    assert lines == ["::stop-commands::t0k", "::add-mask::x", "##[error]y", "::t0k::"]


def test_a_step_summary_that_fits_is_whole() -> None:
    assert step_summary(judged()).decode() == markdown(judged())


def test_a_step_summary_that_does_not_fit_ends_after_a_line_and_says_so() -> None:
    found = three(warnings=[f"wärning {n} {'x' * 80}" for n in range(200)])
    text = step_summary(found, room=10_000)
    assert 9_000 < len(text) <= 10_000 < MAX_BYTES < 1_024_000
    kept, _, said = text.decode().rpartition("\n\n*Cut here")
    assert "summary.md" in said
    assert markdown(found).startswith(f"{kept}\n")


def test_where_the_room_is_used_up_nothing_is_added() -> None:
    assert step_summary(judged(), room=20) == b""
    assert step_summary(judged(), room=-5) == b""


def test_the_outputs_are_verdict_and_effect_and_empty_without_one() -> None:
    # Of all tasks, over those of the twin.
    assert outputs(judged()) == "verdict=LEARNED\neffect=0.5645\n"
    for word in (Word.INVALID, Word.DISHONEST):
        assert outputs(judged(verdict=word)) == f"verdict={word}\neffect=\n"
    assert outputs(summary(metrics(1), evidence=None)) == "verdict=\neffect=\n"


def test_a_campaign_with_runs_that_are_left_is_an_error_and_has_no_effect() -> None:
    found = made.summary(made.runs(0.3, 0.25), planned=5)
    first = next(attention(found))
    assert first == ("error", "battery campaign: unfinished", "3 planned runs not finished")
    assert outputs(found) == "verdict=\neffect=\n"


def test_numbers_that_nobody_may_trust_are_no_effect_of_a_campaign_either() -> None:
    found = made.summary(made.runs(*[0.3] * 5, word=Word.LEARNED))
    evidence = found.evidence.model_copy(update={"verdict": Word.DISHONEST})
    assert outputs(found).split("effect=")[1] == "0.7\n"
    assert outputs(found.model_copy(update={"evidence": evidence})).endswith("effect=\n")
