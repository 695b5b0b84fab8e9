from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from battery.base.text import printable
from battery.records.summary import Summary
from battery.report.answer import QUESTIONS
from battery.report.markdown.summary import markdown
from battery.verdict.assess import assess
from tests.report.cases import CASES, FOLDER
from tests.report.samples import FIRST, LAST, metrics, summary, three
from tests.verdict.batteries import observed


def parse(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def headings(text: str) -> list[str]:
    pairs = pairwise(parse(text))
    return [inner.content for outer, inner in pairs if outer.type == "heading_open"]


def tables(text: str) -> list[list[list[str]]]:
    """Return the cells of each table, by row."""
    found: list[list[list[str]]] = []
    cell = False
    for token in parse(text):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type == "inline" and cell:
            found[-1][-1].append(token.content)
        cell = token.type in {"th_open", "td_open"}
    return found


def table(text: str) -> list[list[str]]:
    """Return the cells of the first table, by row."""
    return tables(text)[0]


def shown_warning(text: str) -> str:
    """Return what a reader of the rendered page sees of the only warning."""
    tokens = parse(markdown(three(warnings=[text])))
    start = [token.content for token in tokens].index("Warnings")
    inline = next(token for token in tokens[start + 1 :] if token.type == "inline")
    return "".join(child.content for child in inline.children or [])


@pytest.mark.parametrize("name", CASES)
def test_the_text_is_the_one_that_was_read_and_kept(name: str) -> None:
    kept = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert markdown(CASES[name]) == kept


def test_every_snapshot_belongs_to_a_case() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_sections_come_in_the_order_of_the_contract(name: str) -> None:
    case = CASES[name]
    wanted = ["Compounding battery summary", "Compounding Metrics", "Verdict"]
    wanted += ["Which tasks learned"] if case.evidence and case.evidence.by_task else []
    new = case.evidence and case.evidence.siblings
    wanted += ["New tasks of the same kind"] if new else []
    wanted += ["How it was computed"] if case.evidence else []
    wanted += ["What the review foresaw"] if case.scorecard else []
    wanted += ["Warnings"] if case.warnings else []
    assert headings(markdown(case)) == [*wanted, "Artifacts"]


def test_the_table_worked_out_by_hand() -> None:
    assert table(markdown(three())) == [
        ["Metric", "iter 1", "iter 2", "iter 3", "Trend (1→3)", "Goal"],
        ["total_tokens", "9300.00", "7000.00", "4780.00", "better (-4520.00, -48.6%)", "fewer"],
        ["avg_turns_per_task", "3.63", "3.00", "2.50", "better (-1.13, -31.0%)", "fewer"],
        ["overseer_called_rate", "0.38", "0.25", "0.00", "better (-0.38, -100.0%)", "fewer"],
        ["ok_tasks", "6.00", "6.00", "6.00", "flat (0.00, 0.0%)", "more"],
        ["total_elapsed_s", "30.50", "12.35", "20.25", "better (-10.25, -33.6%)", "fewer"],
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_there_is_a_column_for_each_iteration(count: int) -> None:
    rows = table(markdown(summary(*(metrics(n) for n in range(1, count + 1)))))
    assert rows[0][1:-2] == [f"iter {n}" for n in range(1, count + 1)]
    assert rows[0][-2] == f"Trend (1→{count})"
    assert {len(row) for row in rows} == {count + 3}


def test_a_first_value_of_zero_gives_no_relative_change() -> None:
    rows = table(markdown(summary(metrics(1, ok_tasks=0), metrics(2, ok_tasks=3))))
    assert rows[4] == ["ok_tasks", "0.00", "3.00", "better (+3.00)", "more"]


def test_three_improved_metrics_read_validated() -> None:
    text = markdown(summary(metrics(1, **FIRST), metrics(2, **LAST)))
    assert "3 of 5 metrics improved: **Architecture validated**." in text
    assert "NOT demonstrated" not in text
    assert "`total_tokens` improved, " in text
    assert "`ok_tasks` not improved, " in text


def test_fewer_improved_metrics_point_to_the_scrum_findings_of_the_last_iteration() -> None:
    text = markdown(summary(metrics(1), metrics(4)))
    assert "0 of 5 metrics improved: **Compounding NOT demonstrated**." in text
    assert "`iter_4/scrum_findings.md`" in text
    assert "validated" not in text


def count_line(name: str) -> str:
    """Return the one line that has the direction count."""
    lines = [line for line in markdown(CASES[name]).splitlines() if "metrics improved" in line]
    assert len(lines) == 1
    return lines[0]


def test_the_count_is_one_small_line_with_the_chance_of_luck_and_of_one_arm_only() -> None:
    line = count_line("learned")
    assert line.startswith("<sub>4 of 5 metrics improved: **Architecture validated**; by luck")
    assert line.endswith("</sub>")
    assert "4 or more improve 29% of the time" in line
    assert "Of the learner alone: `total_tokens` improved" in line


@pytest.mark.parametrize(("name", "word"), [("invalid", "INVALID"), ("dishonest", "DISHONEST")])
def test_the_count_says_nothing_where_the_numbers_are_worthless(name: str, word: str) -> None:
    line = count_line(name)
    assert f"says nothing here: the verdict is {word}" in line
    assert "**" not in line


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.evidence])
def test_the_first_ten_lines_answer_the_five_questions_of_a_reader(name: str) -> None:
    case = CASES[name]
    made = case.model_copy(update={"state": "paused", "name": "nightly", "tags": ["a"]})
    lines = markdown(made).splitlines()[:10]
    starts = ["- Run time: ", "- Elapsed: ", "- Models: ", *(f"- {each} " for each in QUESTIONS)]
    shown = [line.replace("\\", "") for line in lines[2:]]
    assert all(line.startswith(start) for line, start in zip(shown, starts, strict=True))
    assert "(paused; the numbers cover what had finished)" in lines[2]


def test_a_battery_has_the_name_note_and_tags_that_its_user_gave_it() -> None:
    text = markdown(three(name="night|ly", note="with *cache*", tags=["a", "b"]))
    assert "- Name: night\\|ly\n- Note: with \\*cache\\*\n- Tags: `a`, `b`\n" in text


def test_the_verdict_comes_before_the_count() -> None:
    text = markdown(CASES["learned"])
    order = ["**LEARNED**: With", "- Effect: ", "- Gates ", "- Scope: ", "4 of 5 metrics improved"]
    places = [text.index(part) for part in [*order, "## Which tasks", "## How it was"]]
    assert places == sorted(places)


def test_every_task_is_named_with_the_numbers_of_both_arms() -> None:
    rows = tables(markdown(CASES["learned"]))[1]
    assert rows[0] == ["Task", "Result", "Kind", "Tokens", "Twin", "Change", "Done", "Twin"]
    assert ["beta 3", "better", "niche", "570", "1,000", "−43.0%", "2 of 2", "2 of 2"] in rows
    assert len(rows) == 9


def test_a_statistician_finds_questions_levels_and_raw_numbers() -> None:
    text = markdown(CASES["learned"])
    assert tables(text)[2] == [
        ["Question", "p", "Level", "Answer"],
        ["Does the work cost less?", "0.004", "0.029", "yes"],
        ["Do the niche tasks cost less?", "0.016", "0.016", "yes"],
        ["Are more tasks done?", "-", "-", "no"],
    ]
    assert "at most 5% get a yes" in text
    assert "`battery summarize --format csv` writes a row per call of learner and twin" in text


def test_nothing_of_the_first_edition_is_left() -> None:
    for case in CASES.values():
        text = markdown(case)
        assert not [old for old in ("Holm", "max-T", "| Net |", "two-sided") if old in text]


def test_hostile_labels_in_the_evidence_stay_text() -> None:
    label = "<script>alert(1)</script> | **x**"
    battery = observed(lambda c: {"status": "ok"} if c.task == 7 else {})
    renamed = replace(
        battery.grid, tasks=tuple(task._replace(label=label) for task in battery.grid.tasks)
    )
    text = markdown(three(evidence=assess(battery._replace(grid=renamed))))
    assert not [token for token in parse(text) if token.type == "html_block"]
    assert "<script>" not in text


def test_a_single_iteration_says_that_there_is_no_trend_and_no_verdict() -> None:
    text = markdown(summary(metrics(1)))
    assert "A single iteration shows no trend, so there is no verdict." in text
    assert "metrics improved" not in text
    assert [row[2] for row in table(text)[1:]] == ["none"] * 5


def test_the_files_of_the_twin_and_of_repeats_say_whose_they_are() -> None:
    files = ["iter_1/control/repeat_2/runs.json", "iter_2/repeat_3/runs.json"]
    assert markdown(three(artifacts=files)).splitlines()[-2:] == [
        "- `iter_1/control/repeat_2/runs.json`: every task with the system's whole answer, "
        "of the twin, repeat 2",
        "- `iter_2/repeat_3/runs.json`: every task with the system's whole answer, repeat 3",
    ]


def test_files_that_differ_by_number_or_time_share_a_line() -> None:
    files = [f"iter_{n}/runs.json" for n in (1, 2, 3, 5)]
    files += [f"iter_{n}/control/repeat_2/runs.json" for n in (1, 2)]
    files += [f"gateway/learn/distilled_2026112{n}T040113_952303Z.jsonl" for n in (7, 8)]
    lines = markdown(three(artifacts=files)).splitlines()[-3:]
    assert [line.partition(": ")[0] for line in lines] == [
        "- `iter_1..3,5/runs.json`",
        "- `iter_1..2/control/repeat_2/runs.json`",
        "- `gateway/learn/distilled_*.jsonl` (2 files)",
    ]


def test_every_artifact_is_listed_with_what_it_is() -> None:
    files = ["iter_2/overseer_review.md", "iter_2/overseer_review.1.md", "iter_2/own | notes.md"]
    assert markdown(three(artifacts=files)).splitlines()[-3:] == [
        "- `iter_2/overseer_review.md`: the review, as it came",
        "- `iter_2/overseer_review.1.md`: the review, as it came, before it was redone",
        "- `iter_2/own | notes.md`",
    ]


def test_the_same_summary_gives_the_same_bytes_after_a_trip_through_json() -> None:
    again = Summary.model_validate_json(three().model_dump_json())
    assert markdown(again) == markdown(three())


@pytest.mark.parametrize(
    "text",
    ["| a | b |", "# x", "1. x", "- x", "+ x", "---", "===", "__init__ _x_", "&lt;", "a\\", "~~~"],
)
def test_markup_in_a_warning_is_shown_not_obeyed(text: str) -> None:
    assert shown_warning(text) == text


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("_*`|#-+=~<>&[]()!\\1.\n \x1b")))
@settings(deadline=None)
def test_any_warning_reads_as_it_was_written(text: str) -> None:
    assert shown_warning(f"{text}.") == printable(f"{text}.")


@given(st.text(st.characters(codec="utf-8") | st.sampled_from("`|\n"), min_size=1))
@settings(deadline=None, max_examples=50)
def test_no_model_name_breaks_the_page(name: str) -> None:
    models = three().models
    assert models is not None
    text = markdown(three(models=models.model_copy(update={"executor_cloud": name})))
    assert headings(text) == headings(markdown(three()))
    assert table(text) == table(markdown(three()))
