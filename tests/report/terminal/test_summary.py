from __future__ import annotations

import io
from pathlib import Path

import pytest

from battery.records.models import Summary
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

4 of 5 metrics improved: Architecture validated
Scrum judgment of the last iteration's proposals: 2 APPROVE, 1 REVISE, 0 REJECT.

data/battery/summary.md
data/battery/summary.json
data/battery/iter_3/scrum_findings.md
"""


EVIDENCE = """\
LEARNED
With what it learned, the gateway used 44% fewer tokens on a typical task than
its twin that learns nothing (95% interval: from 46% fewer to 41% fewer). It got
better; 3 iterations are too few to tell whether it goes on getting better.

learn vs frozen        effect        95% interval      p  corrected p
total_tokens           -43.5%    -45.6% to -41.5%  0.008        0.008
avg_turns_per_task     -50.0%    -50.0% to -50.0%  0.008        0.008
overseer_called_rate  0.0 pts  -32.4 to +32.4 pts      -            -
ok_tasks              0.0 pts  -39.0 to +39.0 pts      -            -
total_elapsed_s        -40.0%    -40.0% to -40.0%  0.008        0.008
primary test: p = 0.004, sign flips over tasks, one-sided, all 256
gates: gamma passed, alpha passed, beta passed, mechanism passed
assumed: The frozen arm is the same system, and its memory never changed.
  Iteration 1 checks the common start: both arms took exactly the same tokens.
assumed: What changed at the provider or the network hit both arms alike, for
  they were asked task by task. A disturbance of one deployment alone would be
  taken for learning.
assumed: Tasks are the unit, and independent: repeats and iterations of a task
  are averaged.
scope: 8 tasks like these, with what this one memory learned in this one run.
  Not the system as such: that takes at least 5 independent batteries, each from
  an empty memory. Not tasks of another kind.
to settle it: 5 iterations or more, to see whether it goes on getting better.

4 of 5 metrics improved: Architecture validated
By chance alone (no drift) 4 or more improve 29% of the time, 3 or more 36%.
"""


def shown(made: Summary, look: Look = BEST) -> list[str]:
    return list(summary_lines(made, FOLDER, look))


def test_a_pipe_gets_the_whole_summary_without_colour() -> None:
    stream = io.StringIO()
    print_summary(three(), FOLDER, stream)
    assert stream.getvalue() == THREE


def test_the_verdict_comes_with_its_sentence_its_table_and_its_gates() -> None:
    text = "\n".join(shown(CASES["learned"])) + "\n"
    assert EVIDENCE in text
    assert text.index("total_elapsed_s") < text.index("LEARNED") < text.index("data/battery")


@pytest.mark.parametrize("name", CASES)
def test_no_line_of_any_case_is_wider_than_a_terminal(name: str) -> None:
    wide = [line for line in shown(CASES[name]) if len(line) > 80 and "/" not in line]
    # Ten columns of millions are cut to those that fit; foreign text is wrapped.
    assert not wide


def test_a_gate_that_failed_says_what_it_saw() -> None:
    text = " ".join("\n".join(shown(CASES["inconclusive_by_a_gate"])).split())
    assert "beta: The overseer never stepped in on a niche task" in text


def test_one_iteration_can_be_dishonest_and_has_no_trend() -> None:
    lines = shown(CASES["dishonest_in_one_iteration"])
    assert "DISHONEST" in lines
    assert "A single iteration: there is no trend yet." in lines


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
    assert "0 of 5 metrics improved: Compounding NOT demonstrated" in lines
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
