from __future__ import annotations

import io
from pathlib import Path

import pytest

from battery.records.summary import Summary
from battery.report.terminal.summary import Look, print_summary, summary_lines
from tests.report.cases import CASES
from tests.report.ptys import run_on_terminal
from tests.report.samples import FILES, metrics, summary, ten, three

FOLDER = Path("data/battery")
BEST = Look("▲", "▼", "→", "…", colour=False)

THREE = """\
metric                iter 1  iter 2  iter 3  trend
total_tokens           9,300   7,000   4,780  ▼ better  -48.6%
avg_turns_per_task      3.63    3.00    2.50  ▼ better  -31.0%
overseer_called_rate    0.38    0.25    0.00  ▼ better -100.0%
ok_tasks                   6       6       6  → flat
total_elapsed_s        30.50   12.35   20.25  ▼ better  -33.6%

4 of 5 metrics improved: Architecture validated.
Scrum judgment of the last iteration's proposals: 2 APPROVE, 1 REVISE, 0 REJECT.

data/battery/summary.md
data/battery/summary.json
data/battery/iter_3/scrum_findings.md
"""


SHORT = """\
LEARNED
With what it learned, the system used 44% fewer tokens than its twin, which
learns nothing, and as many tasks were done (12 of 12 runs, twin 12 of 12).
These tasks, asked again; nothing new was asked. 3 iterations are too few to
tell whether it goes on getting better.

effect: 43.5% fewer tokens on a typical task (94% interval 45.5% to 41.5% fewer)
mind: ok is the system's own word: no task has a check
to settle it: 5 or more iterations, to see whether it goes on getting better.

data/battery/summary.md
data/battery/summary.json
data/battery/iter_3/scrum_findings.md
tasks by name, metrics and tests: battery summarize data/battery --full
"""

TASKS = """\
8 better: each by its own numbers, without a test.
better: gamma 7
  impossible; 530 tokens, twin 1,000 (-47.0%); done 0 of 2, twin 0 of 2
"""

QUESTIONS = """\
Question                           p  Level  Answer
Does the work cost less?       0.004  0.029     yes
Do the niche tasks cost less?  0.016  0.016     yes
Are more tasks done?               -      -      no
"""

GROUPS = """\
Tasks         Tokens   Twin  Change                Interval      Done      Twin
all 8            565  1,000  -43.5%  -45.5% to -41.5% (94%)  12 of 12  12 of 12
3 niche          560  1,000  -44.0%  -45.0% to -43.0% (97%)    6 of 6    6 of 6
3 easy           590  1,000  -41.0%                       -    6 of 6    6 of 6
2 impossible     535  1,000  -46.5%                       -         -         -
"""


def shown(made: Summary, look: Look = BEST, *, full: bool = False) -> list[str]:
    return list(summary_lines(made, FOLDER, look, full=full))


def test_a_pipe_gets_the_whole_summary_without_colour() -> None:
    stream = io.StringIO()
    print_summary(three(), FOLDER, stream)
    assert stream.getvalue() == THREE


def test_a_verdict_comes_with_its_sentence_and_its_effect_and_says_where_more_is() -> None:
    assert "\n".join(shown(CASES["learned"])) + "\n" == SHORT


@pytest.mark.parametrize("part", [TASKS, QUESTIONS, GROUPS])
def test_the_full_output_has_tasks_by_name_questions_and_kinds(part: str) -> None:
    assert part in "\n".join(shown(CASES["learned"], full=True)) + "\n"


def test_the_full_output_begins_as_the_short_one_and_has_every_gate() -> None:
    lines = shown(CASES["learned"], full=True)
    assert lines[:6] == SHORT.splitlines()[:6]
    assert "gates passed: honest failure, no forgetting, hard at first, learning at work" in lines
    assert any(line.startswith("- honest failure, passed: None of 6 runs") for line in lines)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_no_line_of_any_case_is_wider_than_a_terminal(name: str, full: bool) -> None:
    lines = shown(CASES[name], full=full)
    wide = [line for line in lines if len(line) > 80 and "/" not in line]
    # Ten columns of millions are cut to those that fit; foreign text is wrapped.
    assert not wide


def test_a_long_name_of_a_task_is_whole_and_wrapped() -> None:
    label = "fill: a very long operation " * 8
    case = CASES["learned"]
    assert case.evidence
    tasks = [task.model_copy(update={"label": label}) for task in case.evidence.by_task]
    evidence = case.evidence.model_copy(update={"by_task": tasks})
    lines = shown(case.model_copy(update={"evidence": evidence}), full=True)
    assert " ".join(label.split()) in " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= 80


def test_a_gate_that_failed_says_what_it_saw() -> None:
    text = " ".join("\n".join(shown(CASES["inconclusive_by_a_gate"])).split())
    assert "gate learning at work: failed: 2 of 2 distillations delivered something; 0 of" in text


def test_one_iteration_has_no_word_and_tells_of_bluffs() -> None:
    lines = shown(CASES["single_with_bluffs"])
    assert lines[0].startswith("A single iteration shows nothing about learning")
    assert "Impossible tasks ended ok in 2 runs of iteration 1, 2 of 2 in the twin." in lines
    full = shown(CASES["single_with_bluffs"], full=True)
    assert "A single iteration: there is no trend and no verdict yet." in full


@pytest.mark.parametrize("name", ["invalid", "dishonest"])
def test_the_direction_count_is_no_part_of_the_short_output(name: str) -> None:
    assert not [line for line in shown(CASES[name]) if "validated" in line]
    assert "says nothing here" in " ".join(shown(CASES[name], full=True))


def test_a_terminal_gets_the_same_text_in_colour() -> None:
    screen = run_on_terminal("tests.report.play", "summary")
    assert screen.text().splitlines()[:6] == THREE.splitlines()[:6]
    assert screen.widest <= 80
    assert screen.coloured


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_it_is_not_wanted(environment: dict[str, str]) -> None:
    screen = run_on_terminal("tests.report.play", "summary", environment=environment)
    assert "Architecture validated" in screen.text()
    assert not screen.coloured


def test_an_ascii_stream_gets_ascii_marks() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    print_summary(ten(), FOLDER, stream)
    lines = raw.getvalue().decode("ascii").splitlines()
    assert lines[1] == (
        "total_tokens          1,000,000  ..  9,000,000  10,000,000  ^ worse  +900.0%"
    )
    assert lines[2].endswith("  = flat")


def test_ten_iterations_show_the_first_and_the_last_ones_in_80_columns() -> None:
    lines = shown(ten())
    assert lines[0] == ("metric                   iter 1  …     iter 9     iter 10  trend")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("count", range(2, 40))
def test_any_number_of_iterations_fits_and_keeps_first_and_last(count: int) -> None:
    lines = shown(summary(*(metrics(n, total_tokens=10**n % 10**7) for n in range(1, count + 1))))
    heads = lines[0].split()
    assert heads[1:3] == ["iter", "1"]
    assert heads[-3:] == ["iter", str(count), "trend"]
    assert max(map(len, lines)) <= 80


def test_two_iterations_are_both_shown_however_wide() -> None:
    lines = shown(summary(metrics(1, total_tokens=10**20), metrics(2, total_tokens=10**21)))
    assert lines[0].split() == ["metric", "iter", "1", "iter", "2", "trend"]
    assert "…" not in lines[0]


def test_a_change_from_zero_is_shown_as_it_is() -> None:
    lines = shown(summary(metrics(1, ok_tasks=0), metrics(2, ok_tasks=3)))
    assert lines[4].endswith("▲ better      +3")


def test_compounding_that_is_not_demonstrated_says_so_and_names_the_findings() -> None:
    lines = shown(summary(metrics(1), metrics(3)))
    assert "0 of 5 metrics improved: Compounding NOT demonstrated." in lines
    assert lines[-1] == "data/battery/iter_3/scrum_findings.md"


def test_a_single_iteration_has_no_trend_column_and_no_verdict() -> None:
    lines = shown(summary(metrics(1), scrum=[]))
    assert lines[0] == "metric                iter 1"
    assert "A single iteration: there is no trend and no verdict yet." in lines


def test_no_iteration_has_no_table() -> None:
    assert shown(summary(scrum=[]))[0].startswith("No iteration has finished")


def test_warnings_are_wrapped_and_harmless() -> None:
    lines = shown(three(warnings=["a \x1b[31m word\n" * 20]))
    start = next(n for n, text in enumerate(lines) if text.startswith("warning: "))
    assert r"\x1b[31m" in lines[start]
    assert lines[start + 1].startswith("  ")
    assert max(map(len, lines)) <= 80


def test_a_path_in_a_warning_can_be_copied_whole() -> None:
    path = "/a/very-long/" + "name-of-a-folder/" * 6
    assert path in "\n".join(shown(three(warnings=[f"cannot read {path} at all"])))


def test_only_files_that_were_written_are_named() -> None:
    lines = shown(three(artifacts=[*FILES[:1], "summary.md"]))
    assert lines[-2:] == ["", "data/battery/summary.md"]


def test_new_tasks_are_told_in_full_below_those_that_were_asked_again() -> None:
    case = CASES["memorised"]
    text = "\n".join(shown(case, full=True))
    assert "16 new tasks, asked once each, of 8 tasks" in text
    assert (
        "as before: new, like alpha 0\n  easy; 1,000 tokens, twin 1,000 (0.0%); done 2 of 2" in text
    )
    assert text.index("better: alpha 0") < text.index("16 new tasks") < text.index("Level  Answer")
    assert "16 new tasks, asked" not in "\n".join(shown(case))
