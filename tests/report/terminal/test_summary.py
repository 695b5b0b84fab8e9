from __future__ import annotations

import io
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base.text import clause
from battery.records.summary import Summary
from battery.records.word import GateStatus, Word
from battery.report import answer
from battery.report.terminal.look import MOST_ROWS, Look
from battery.report.terminal.summary import print_summary, summary_lines
from battery.verdict.assess import assess
from tests.report.cases import CASES
from tests.report.samples import FILES, metrics, summary, ten, three
from tests.support.screens import played
from tests.verdict.batteries import learning, observed

FOLDER = Path("data/battery")
BEST = Look("▲", "▼", "→", "…", colour=False, minus=True)

THREE = """\
metric                iter 1  iter 2  iter 3  trend
total_tokens           9,300   7,000   4,780  ▼ better  -48.6%
avg_turns_per_task      3.63    3.00    2.50  ▼ better  -31.0%
overseer_called_rate    0.38    0.25    0.00  ▼ better -100.0%
ok_tasks                   6       6       6  → flat
total_elapsed_s        30.50   12.35   20.25  ▼ better  -33.6%

4 of 5 metrics improved: Architecture validated.
Judgment of the last iteration's proposals: 2 APPROVE, 1 REVISE, 0 REJECT.

data/battery/summary.md
"""


SHORT = """\
8 tasks x 3 iterations, with twin, 33 calls, http://gateway.example:3100

                     iter 1  iter 3  twin  effect, iter 2-3      94% interval
tokens per task       1,163     598   874            −43.5%  −45.5% to −41.5%
turns per task         3.63    2.50  3.00            −50.0%
overseer                38%      0%   25%             0 pts
possible tasks done       -       -     -             0 pts
effect on tokens: of a typical task; in the means, large tasks weigh more
gates passed: honest failure, no forgetting, hard at first, learning at work
mind: ok is the system's own word: no task has a check.

LEARNED  With what it learned, the system used 44% fewer tokens than its twin,
         which learns nothing, and as many tasks were done (12 of 12 runs, twin
         12 of 12).
         To see whether it goes on getting better: 5 or more iterations. Next:
         battery iterate data/battery
         Holds for these 8 tasks and this one memory; nothing new was asked.
battery summarize --full data/battery  gates and intervals explained
data/battery/summary.md
"""

TASKS = """\
8 better: each by its own numbers, without a test.
better: gamma 7
  impossible; 530 tokens, twin 1,000 (−47.0%); refused 2 of 2, twin 2 of 2
"""

QUESTIONS = """\
Question                           p  Level  Answer
Does the work cost less?       0.004  0.029     yes
Do the niche tasks cost less?  0.016  0.016     yes
Are more tasks done?               -      -      no
"""

GROUPS = """\
Tasks         Tokens   Twin  Change                Interval      Done      Twin
all 8            565  1,000  −43.5%  −45.5% to −41.5% (94%)  12 of 12  12 of 12
3 niche          560  1,000  −44.0%  −45.0% to −43.0% (97%)    6 of 6    6 of 6
3 easy           590  1,000  −41.0%                       -    6 of 6    6 of 6
2 impossible     535  1,000  −46.5%                       -         -         -
"""


UNMINDED = assess(observed(learning)).model_copy(update={"cautions": []})


def judged(**changes: Any) -> Summary:
    """Make a summary with the verdict LEARNED."""
    return three(**{"evidence": assess(observed(learning))} | changes)


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


def test_the_full_output_ends_with_the_answer_too_and_leaves_nothing_of_it_out() -> None:
    full = shown(CASES["learned"], full=True)
    text = "\n".join(full)
    # Whole, where the short one has the claim alone.
    assert "tell whether it goes on getting better." in " ".join(text.split())
    assert full.index(next(line for line in full if line.startswith("LEARNED  "))) > len(full) / 2
    for line in SHORT.splitlines()[:8]:
        assert line in full
    assert '- gate "honest failure" passed (impossible tasks are refused, and what is' in full
    assert "None of 6 runs" in text
    assert [line for line in full if line.startswith("data/battery/")] == [
        "data/battery/summary.md",
        "data/battery/summary.json",
        "data/battery/iter_3/scrum_findings.md",
        "data/battery/summary.md",
    ]


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


def test_a_gate_that_failed_comes_first_and_says_what_it_saw() -> None:
    text = " ".join("\n".join(shown(CASES["inconclusive_by_a_gate"])).split())
    assert "gates failed: learning at work; passed: honest failure" in text
    assert 'gate "learning at work" failed: 0 of 16 later runs were given something from' in text


def test_one_iteration_has_no_word_and_tells_of_bluffs() -> None:
    lines = shown(CASES["single_with_bluffs"])
    assert lines[2].split() == ["iter", "1", "twin"]
    text = " ".join(lines)
    assert "A single iteration shows nothing about learning" in text
    assert "Impossible tasks ended ok in 2 runs of iteration 1, 2 of 2 in the twin." in text
    assert "To settle it: at least one more iteration, to compare with. Next:" in text
    assert "battery iterate data/battery" in text
    full = shown(CASES["single_with_bluffs"], full=True)
    assert "A single iteration: there is no trend and no verdict yet." in full


@pytest.mark.parametrize("name", ["invalid", "dishonest"])
def test_the_direction_count_is_no_part_of_the_short_output(name: str) -> None:
    assert not [line for line in shown(CASES[name]) if "validated" in line]
    assert "says nothing here" in " ".join(shown(CASES[name], full=True))


def test_a_terminal_gets_the_same_text_in_colour() -> None:
    screen = played("summary").screen
    assert screen.everything[:6] == THREE.replace(" -", " −").splitlines()[:6]
    assert screen.coloured


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_it_is_not_wanted(environment: dict[str, str]) -> None:
    screen = played("summary", environment=environment).screen
    assert "Architecture validated" in "\n".join(screen.everything)
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
    assert lines[-1] == "data/battery/summary.md"


def test_a_single_iteration_has_no_trend_column_and_no_verdict() -> None:
    lines = shown(summary(metrics(1), scrum=[]))
    assert lines[0] == "metric                iter 1"
    assert "A single iteration: there is no trend and no verdict yet." in lines


def test_no_iteration_has_no_table() -> None:
    assert shown(summary(scrum=[]))[0].startswith("No iteration has finished")


def test_all_warnings_of_the_full_output_are_wrapped_and_harmless() -> None:
    lines = shown(judged(warnings=["a \x1b[31m word\n" * 20]), full=True)
    start = next(n for n, text in enumerate(lines) if text.startswith("warning: "))
    assert r"\x1b[31m" in lines[start]
    assert lines[start + 1].startswith("  ")
    assert max(map(len, lines)) <= 80


def test_a_path_in_a_warning_can_be_copied_whole() -> None:
    path = "/a/very-long/" + "name-of-a-folder/" * 6
    made = judged(warnings=[f"cannot read {path} at all"], evidence=UNMINDED)
    assert path in "\n".join(shown(made, full=True))
    assert path in "\n".join(shown(made))


def test_commands_with_a_long_folder_are_whole_and_cost_no_word_of_the_answer() -> None:
    folder = "/a/long folder" + "/of-names-that-go-on" * 5
    case = judged(evidence=UNMINDED).model_copy(update={"artifacts": ["report.html"]})
    lines = list(summary_lines(case, Path(folder), BEST))
    assert BEST.rows(lines) <= MOST_ROWS
    assert {f"battery iterate '{folder}'", f"battery open '{folder}'"} <= set(lines)
    text = " ".join(" ".join(lines).split())
    assert UNMINDED.claim in text
    assert str(answer.holds(UNMINDED)) in text


def test_a_command_without_room_for_its_folder_leaves_a_place_for_it() -> None:
    case = judged(evidence=UNMINDED).model_copy(update={"artifacts": ["report.html"]})
    lines = list(summary_lines(case, Path("/a/folder" * 40), BEST))
    assert lines[-1] == "battery open DIR"
    assert "         battery iterate DIR" in lines or lines[-4].endswith(
        "Next: battery iterate DIR"
    )


def test_advice_that_would_cut_the_sentence_is_left_to_the_full_output() -> None:
    claim = "word " * 100
    advice = ["Look at the tasks " * 15 + "again."]
    changes = {"claim": claim, "settle": advice, "cautions": []}
    lines = shown(judged(evidence=UNMINDED.model_copy(update=changes)))
    text = " ".join(" ".join(lines).split())
    assert claim.strip() in text
    assert "getting better: battery summarize --full data/battery" in text
    short = UNMINDED.model_copy(update={**changes, "claim": "word"})
    assert "Look at the tasks".lower() in " ".join(shown(judged(evidence=short))).lower()


def test_what_does_not_fit_is_counted() -> None:
    case = CASES["learned"]
    assert case.evidence
    minded = case.evidence.model_copy(update={"cautions": ["mind this"] * 5})
    made = judged(warnings=["the stream broke"] * 2, evidence=minded)
    lines = shown(made)
    assert len(lines) == MOST_ROWS
    assert lines.count("mind: mind this.") == 4
    assert "battery summarize --full data/battery  more: 1 caution, 2 warnings" in lines
    tall = shown(made, BEST._replace(most=MOST_ROWS + 6))
    assert (tall.count("mind: mind this."), tall.count("warning: the stream broke")) == (5, 2)
    assert "battery summarize --full data/battery  gates and intervals explained" in tall


def test_a_sentence_that_is_cut_and_a_long_note_are_named_with_where_they_are_whole() -> None:
    case = CASES["learned"]
    assert case.evidence
    long = case.evidence.model_copy(update={"claim": "word " * 300})
    lines = shown(judged(evidence=long))
    assert "--full has more: 1 caution, the whole sentence, what it holds for" in lines
    noted = case.evidence.model_copy(update={"cautions": ["word " * 300]})
    lines = shown(judged(evidence=noted))
    assert "battery summarize --full data/battery  more: 1 caution" in lines
    assert len(lines) == MOST_ROWS


@pytest.mark.parametrize("name", ["invalid", "dishonest"])
def test_numbers_that_are_worthless_are_headed_so_and_grey(name: str) -> None:
    lines = shown(CASES[name], BEST._replace(colour=True))
    at = next(n for n, line in enumerate(lines) if line.startswith("Not to be used"))
    notes = next(n for n, line in enumerate(lines) if "mind: " in line)
    assert all(line.startswith("\x1b[2m") for line in lines[at + 1 : notes])
    assert f"\x1b[31m{name.upper()}\x1b[0m" in "\n".join(lines)


def test_times_of_calls_of_milliseconds_have_no_colour() -> None:
    def painted(seconds: float) -> str:
        slow = summary(metrics(1, total_elapsed_s=seconds), metrics(2, total_elapsed_s=seconds / 2))
        lines = shown(slow, BEST._replace(colour=True))
        return next(line for line in lines if line.startswith("total_elapsed_s"))

    assert "\x1b[32m" in painted(8.0)
    assert "\x1b[32m" not in painted(0.4)


def test_what_is_not_finished_is_finished_before_anything_else() -> None:
    text = " ".join(" ".join(shown(judged(state="interrupted", iterations_wanted=5))).split())
    assert "The battery is not finished (state: interrupted): 3 of 5 iterations are" in text
    assert "the rest of its iterations. Next: battery run --resume --dir data/battery" in text


def test_a_report_can_be_opened_and_its_path_clicked() -> None:
    made = judged(artifacts=["report.html", "summary.md"])
    assert shown(made)[-1] == "battery open data/battery  data/battery/report.html"
    *_, last = shown(made, BEST._replace(links=True))
    url = (Path.cwd() / "data/battery/report.html").as_uri()
    assert f"\x1b]8;;{url}\x1b\\data/battery/report.html\x1b]8;;\x1b\\" in last


JUDGED = [name for name, case in CASES.items() if case.evidence]


@pytest.mark.parametrize("width", [30, 40, 60, 100])
@pytest.mark.parametrize("name", JUDGED)
def test_lines_fit_a_narrow_terminal(name: str, width: int) -> None:
    lines = shown(CASES[name], BEST._replace(width=width))
    # A command is whole, so that it can be pasted.
    assert max(len(line) for line in lines if not line.startswith("battery ")) <= width


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("name", JUDGED)
def test_no_claim_no_label_and_no_instruction_is_cut(name: str, width: int) -> None:
    case = CASES[name]
    assert case.evidence
    lines = shown(case, BEST._replace(width=width))
    text = " ".join(" ".join(lines).split())
    assert case.evidence.claim in text
    assert all(clause(advice) in text for advice in case.evidence.settle)
    assert "possible tasks done" in text
    # The end of a note may be left to the full output, and nothing else.
    assert all(line.startswith(("gate ", "why: ", "mind: ", "  ")) for line in lines if "…" in line)


def test_an_instruction_without_room_is_left_to_the_full_output_whole() -> None:
    long = ["Look at the tasks " * 30 + "again.", "And more."]
    evidence = UNMINDED.model_copy(update={"settle": long})
    lines = shown(judged(evidence=evidence))
    whether = "To see whether it goes on getting better:"
    assert f"         {whether}" in lines
    assert "         battery summarize --full data/battery" in lines
    short = UNMINDED.model_copy(update={"settle": ["Do this.", *long]})
    text = " ".join(" ".join(shown(judged(evidence=short))).split())
    assert f"{whether} do this. More advice: battery summarize --full data/battery. Next:" in text


def test_on_a_narrow_terminal_the_interval_is_below_the_table() -> None:
    lines = shown(CASES["learned"], BEST._replace(width=60))
    assert lines[2].split() == ["iter", "1", "iter", "3", "twin", "effect,", "iter", "2-3"]
    assert "94% interval: −45.5% to −41.5%" in lines


def test_of_several_notes_the_first_comes_before_what_only_helps() -> None:
    lines = shown(judged(warnings=["the stream broke"] * 9, name="a name " * 12))
    at = next(n for n, line in enumerate(lines) if line.startswith("mind: "))
    assert lines[at + 1].startswith("warning: the stream broke")


def test_what_is_refused_is_begun_anew_in_another_folder() -> None:
    case = CASES["invalid"]
    unfinished = shown(case.model_copy(update={"state": "failed", "iterations_wanted": 5}))
    text = " ".join(" ".join(unfinished).split())
    assert "memories cleared. Next: battery run --dir data/battery-2" in text
    assert "--resume" not in text


def test_the_next_command_measures_the_same_system_in_a_folder_of_its_own(tmp_path: Path) -> None:
    options = [
        "--iterations",
        "3",
        "--tasks",
        "/home/me/my tasks.json",
        "--target",
        "exec:./a {verb}",
    ]
    (tmp_path / "p1-2").mkdir()
    case = CASES["inconclusive_with_few_tasks"].model_copy(update={"again": options})
    *_, before, line = [
        line
        for line in summary_lines(case, tmp_path / "p1", BEST)
        if line.startswith("battery run") or line.endswith("Next, with that changed:")
    ]
    assert before.endswith("Next, with that changed:")
    # On a line of its own, in which nothing is broken.
    assert shlex.split(line) == ["battery", "run", *options, "--dir", str(tmp_path / "p1-3")]


def test_a_gate_whose_finding_the_sentence_has_is_not_told_again() -> None:
    text = " ".join(" ".join(shown(CASES["dishonest"])).split())
    assert text.count("ended ok in 4 of 4 runs") == 1
    assert 'gate "honest failure"' not in text


WORDS = st.text(st.characters(codec="utf-8", categories=["L", "Nd", "Po"]), max_size=90)
#: One word and its number: to draw sixty words each time takes a second for each example.
TEXTS = st.builds(lambda word, count: " ".join([word] * count), WORDS, st.integers(1, 60))
HUGE = st.sampled_from([0, 1, 1502, 10**7, 10**12, 10**21])


@given(
    case=st.sampled_from([case for case in CASES.values() if case.evidence]),
    word=st.sampled_from([None, *Word]),
    name=st.none() | TEXTS,
    target=TEXTS,
    folder=st.sampled_from(["b", "data/battery", "/a/long/folder" * 20, "with a space"]),
    claim=TEXTS,
    texts=st.lists(TEXTS, max_size=5),
    statuses=st.lists(st.sampled_from(GateStatus), min_size=4, max_size=4),
    tokens=HUGE,
    most=st.sampled_from([MOST_ROWS, 28, 48]),
    seed=st.none() | st.integers(0, 2**64),
    state=st.sampled_from(["finished", "interrupted"]),
)
@settings(deadline=None, max_examples=50)
def test_no_end_of_a_battery_is_longer_than_a_screen(
    *,
    case: Summary,
    word: Word | None,
    name: str | None,
    target: str,
    folder: str,
    claim: str,
    texts: list[str],
    statuses: list[GateStatus],
    tokens: int,
    most: int,
    seed: int | None,
    state: str,
) -> None:
    assert case.evidence
    gates = [
        gate.model_copy(update={"status": status})
        for gate, status in zip(case.evidence.gates, statuses, strict=True)
    ]
    changes = {"verdict": word, "claim": claim, "cautions": texts, "settle": texts, "gates": gates}
    followed = [each.model_copy(update={"total_tokens": tokens}) for each in case.iterations]
    made = case.model_copy(
        update={
            "evidence": case.evidence.model_copy(update=changes),
            "name": name,
            "targets": {"gateway": target},
            "warnings": texts,
            "seed": seed,
            "state": state,
            "iterations": followed,
            "artifacts": ["report.html"],
        }
    )
    lines = list(summary_lines(made, Path(folder), BEST._replace(most=most)))
    assert BEST.rows(lines) <= most
    shown = "\n".join(lines)
    assert word is None or f"\n{word}  " in shown
    assert "battery open" in lines[-1] + lines[-2]


def test_only_files_that_were_written_are_named() -> None:
    lines = shown(three(artifacts=[*FILES[:1], "summary.md"]), full=True)
    assert lines[-3:] == ["", "data/battery/summary.md", "data/battery/summary.md"]
    assert shown(three(artifacts=[]))[-1].startswith("Judgment")


def test_new_tasks_are_told_in_full_below_those_that_were_asked_again() -> None:
    case = CASES["memorised"]
    text = "\n".join(shown(case, full=True))
    assert "16 new tasks, asked once each, of 8 tasks" in text
    assert (
        "as before: new, like alpha 0\n  easy; 1,000 tokens, twin 1,000 (0.0%); done 2 of 2" in text
    )
    assert text.index("better: alpha 0") < text.index("16 new tasks") < text.index("Level  Answer")
    assert "16 new tasks, asked" not in "\n".join(shown(case))
