"""The summary of a campaign as Markdown: five answers first, whatever the runs are called."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from battery.report.answer import QUESTIONS
from battery.report.markdown.runs import markdown
from tests.verdict.runs.made import run, runs, summary, task

SAVING = (0.3, 0.25, 0.35, 0.28, 0.32)
DIGEST = "d" * 64


def test_the_first_ten_lines_answer_the_five_questions() -> None:
    for found in (summary(runs(*SAVING)), summary(runs(0.3), planned=5)):
        head = markdown(found).splitlines()[:10]
        assert all(any(question in line for line in head) for question in QUESTIONS)


def test_runs_questions_registration_and_the_way_to_run_it_again_are_there() -> None:
    text = markdown(summary(runs(*SAVING), kind="campaign", folder="campaign", digest=DIGEST))
    assert "| 5 | - | −32.0% | −32.0% | 12/12 (12/12) |" in text
    assert "| Does the work cost less? | 0.031 | 0.045 | yes | −30.1% |" in text
    assert f"- Registration, SHA-256 of the plan: `{DIGEST}`" in text
    assert "    battery campaign run campaign-again" in text


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_others_named_is_never_markup(name: str, label: str) -> None:
    named = task(2, 2).model_copy(update={"label": f"<b>{label}|*x*"})
    own = run(1, 0.3, by_task=[named]).model_copy(update={"name": name})
    text = markdown(summary([own], warnings=[label]))
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert "<b>" not in html
    assert "<em>" not in html
