"""The report is made of whatever a battery left, and read as it is written."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from battery.protocol import Json
from battery.recorded import OpenedBattery, open_battery
from battery.recorded.summary import summary_of
from battery.records.checks import UNCHECKED
from battery.records.manifest import Options
from battery.records.metric import COUNTED
from battery.records.models import LEARN, Proposal, Run, Verdict
from battery.records.stages import OVERSEER
from battery.records.word import Word
from battery.report.html import report as module
from battery.report.html.report import MOST_GAINED, MOST_UNPACKED, report, unfinished
from tests.browser.folders import write_battery
from tests.report.samples import MANIFEST


@pytest.fixture
def opened(tmp_path: Path) -> OpenedBattery:
    return replace(open_battery(write_battery(tmp_path)), provenance=MANIFEST)


@pytest.fixture
def learned(tmp_path: Path) -> OpenedBattery:
    """Write a battery whose records are whole, as nobody wrote a manifest that says more."""
    return open_battery(write_battery(tmp_path))


def text(opened: OpenedBattery, **changes: Any) -> str:
    """Return the page without styles and scripts; `changes` are of the summary."""
    summary = summary_of(opened, report=False).model_copy(update=changes)
    page = b"".join(report(opened, summary)).decode()
    return re.sub(r"<(script|style)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)


def test_it_names_the_verdict_in_title_and_heading(opened: OpenedBattery) -> None:
    evidence = summary_of(opened, report=False).evidence
    assert evidence
    page = text(opened)
    assert (
        f"<title>{evidence.verdict}: report of a battery of {MANIFEST.started_at}</title>" in page
    )
    assert re.search(rf"<h1.*{evidence.verdict}</h1>", page)


def test_what_a_user_calls_a_battery_is_in_title_heading_and_header(opened: OpenedBattery) -> None:
    page = text(opened, name="Desk <agent>", note="new prompt", tags=["nightly", "v2"])
    assert re.search(r"<title>[A-Z ]+: Desk &lt;agent&gt;, report of a battery", page)
    assert re.search(r"<h1.*Desk &lt;agent&gt;</span> .*</h1>", page)
    header = page.partition("<header")[2].partition("</header>")[0]
    assert re.findall(r'<span class="(?:tag )?foreign">(.*?)<', header) == [
        "nightly",
        "v2",
        "new prompt",
    ]


def test_a_number_of_ours_has_a_real_minus_and_a_text_of_others_stays_as_it_was(
    learned: OpenedBattery,
) -> None:
    page = text(learned, name="at -40 degrees", note="- 7")
    assert "at -40 degrees" in page
    assert not re.search(r"[ >(]-\d+\.\d%", page)
    assert re.search(r"[ >(]−\d+\.\d%", page)


def test_the_method_has_what_identifies_the_run_and_no_path_of_its_machine(
    opened: OpenedBattery,
) -> None:
    options = Options(tasks="/home/someone/secret/my.json", repeats=2, limit=None)
    manifest = MANIFEST.model_copy(update={"options": options})
    page = text(replace(opened, provenance=manifest))
    for fact in ("r-1", "http://gateway.example:3100", "my.json", "exec:1t", "Option: repeats"):
        assert fact in page
    assert "someone" not in page
    assert "Option: limit" not in page


def test_a_battery_without_manifest_or_end_is_shown_as_far_as_it_is_known(
    opened: OpenedBattery,
) -> None:
    assert "the original battery wrote this folder" in text(open_battery(opened.folder))
    running = MANIFEST.model_copy(update={"state": "running", "finished_at": None})
    page = text(replace(opened, provenance=running))
    assert "not finished (state: running). The page covers the 3 of 3" in page
    assert unfinished(summary_of(opened, report=False)) is None


def test_of_many_iterations_later_reviews_are_text_until_they_are_opened(tmp_path: Path) -> None:
    folder = write_battery(tmp_path, sizes=(1, 1, 1), iterations=MOST_UNPACKED + 1)
    for step in folder.complete():
        step.write_answer(OVERSEER.file, f"review {step.number} </noscript>")
    packed = re.findall(r"<noscript>(.*?)</noscript>", text(open_battery(folder)), re.DOTALL)
    assert [each for one in packed for each in re.findall(r"review \d+ &lt;", one)] == [
        f"review {MOST_UNPACKED + 1} &lt;"
    ]


def cards(opened: OpenedBattery) -> list[list[str]]:
    """Return the texts of each card of a proposal."""
    found = re.findall(r'<div class="card keep">(.*?)</div>', text(opened), re.DOTALL)
    return [re.sub(r"\s*(<[^>]*>\s*)+", "|", card).strip("|").split("|") for card in found]


def test_a_proposal_is_shown_with_its_verdict_and_what_came_of_it(opened: OpenedBattery) -> None:
    proposal = Proposal(
        number=1,
        title="Cache",
        target_file="a.py",
        rationale=None,
        expected_impact="total_tokens falls",
        metric="total_tokens",
        target_exists=True,
    )
    # The first iteration was all that was planned: in between, somebody may have acted.
    opened = replace(opened, provenance=MANIFEST.model_copy(update={"planned_iterations": 1}))
    bare = proposal.model_copy(
        update={"target_file": None, "expected_impact": None, "target_exists": False}
    )
    for step, proposals in zip(opened.steps, ([proposal], [], [proposal, bare]), strict=True):
        step.write_answer(OVERSEER.file, "text")
        step.write_records({Proposal: proposals, Verdict: []})
    judged = Verdict(
        proposal=1, title="Cache", verdict="APPROVE", reason="why", details="", flags=["look"]
    )
    opened.steps[0].write_records({Verdict: [judged]})
    first, last, unnamed = cards(opened)
    target = ["Target", "a.py"]
    assert first[:6] == ["APPROVE", "Cache", *target, "Expected", "total_tokens to fall"]
    assert first[6] == "What came"
    assert re.fullmatch(r"\d+\.00 → \d+\.00: right", first[7])
    assert first[8:] == ["Reason", "why", "Flag", "look"]
    assert last == ["not judged", "Cache", *target, "Expected", "total_tokens falls"]
    assert unnamed[3:] == ["no file named (not in the repository)", "Expected", "nothing named"]


def test_a_lesson_that_was_cut_says_where_all_of_it_is(opened: OpenedBattery) -> None:
    opened.steps[1].write_distill("text", [{"role": "lesson", "text": "x" * 5_000}])
    assert "[cut: all of it is in iter_2/distill_events.jsonl]" in text(opened)


def section(opened: OpenedBattery, name: str, **changes: Any) -> str:
    """Return the words of a section of the page, a space between any two cells."""
    found = re.search(
        rf'<section aria-labelledby="{name}"[^>]*>.*?</section>', text(opened, **changes), re.S
    )
    assert found
    return " ".join(re.sub(r"<[^>]*>", " ", found[0]).split())


def test_what_would_settle_it_names_its_command(opened: OpenedBattery) -> None:
    evidence = summary_of(opened, report=False).evidence
    assert evidence
    claimed = evidence.model_copy(update={"verdict": Word.LEARNED, "settle": ["More of it."]})
    page = text(opened, evidence=claimed, state="finished", unfinished=None)
    assert "</b> More of it. Next: <code>battery iterate</code></p>" in page
    done = claimed.model_copy(update={"settle": []})
    assert "battery iterate" not in text(opened, evidence=done, state="finished", unfinished=None)


def test_no_option_of_a_command_is_broken_at_its_hyphens(learned: OpenedBattery) -> None:
    assert 'plan <span class="option">--runs</span> 5' in text(learned)


def test_which_tasks_learned_is_told_by_name_with_the_numbers_of_both_arms(
    learned: OpenedBattery,
) -> None:
    which = section(learned, "which")
    assert "All 8 tasks got better." in which
    assert "beta task 2 better niche 298 588 −49.4% 2 of 2 2 of 2" in which
    assert "all 8" in which
    assert "3 niche" in which
    assert re.search(r"Iteration Change Drawn 2 −\d+\.\d% 3 −\d+\.\d%", which)


def test_of_many_tasks_those_with_the_largest_gain_are_shown_and_the_rest_can_be_opened(
    tmp_path: Path,
) -> None:
    opened = open_battery(write_battery(tmp_path, sizes=(100, 90, 10)))
    page = text(opened)
    assert re.findall(r"<summary>(.*largest gain|\d+ more)</summary>", page) == [
        f"The {MOST_GAINED} with the largest gain",
        "100 more",
        "80 more",
    ]
    assert page.count('<td class="better">better</td>') == 200


def test_the_page_shows_how_it_was_computed(learned: OpenedBattery) -> None:
    computed = section(learned, "computed")
    for cells in (
        r"Does the work cost less\? .*0\.004 0\.010 yes sign flips over tasks",
        r"Do the niche tasks cost less\? .*0\.016 0\.005 no exchanges of 6 pairs",
        r"Are more tasks done\? .*- - no",
        r"Are fewer tasks done\? - 0\.100",
        r"Does the saving grow\? - 0\.050 takes 5 iterations",
        r"Did learner and twin differ in iteration 1\? - 0\.010",
        r"Impossible tasks ended ok in 0 of 4 runs",
        r"Turns per task 2\.00 4\.00",
        r"Looks so far: 1\.",
    ):
        assert re.search(cells, computed), cells
    # Of the first edition of the rules.
    assert not re.search(r"Holm|max-T|[Tt]wo-sided p|\bnet\b", text(learned))


def test_with_one_arm_there_is_a_trend_and_nothing_to_compare(tmp_path: Path) -> None:
    opened = open_battery(write_battery(tmp_path, arms=(LEARN,)))
    assert "no task can be compared with one" in section(opened, "which")
    computed = section(opened, "computed")
    assert "no question about learning could be put" in computed
    assert re.search(r"Do tokens fall over the iterations\? (0\.\d{3}|&lt;0\.001)", computed)


def test_the_direction_count_is_one_line_with_its_chance_by_luck(learned: OpenedBattery) -> None:
    why = section(learned, "why")
    assert re.search(r"3 of 5 metrics improved.*by luck alone 3 or more improve \d+% of", why)


@pytest.mark.parametrize("word", [Word.INVALID, Word.DISHONEST])
def test_under_a_word_that_makes_numbers_worthless_none_is_put_forward(
    learned: OpenedBattery, word: Word
) -> None:
    evidence = summary_of(learned, report=False).evidence
    assert evidence
    judged = {"evidence": evidence.model_copy(update={"verdict": word})}
    assert "says nothing here" in section(learned, "why", **judged)
    assert f"The verdict is {word}" in section(learned, "which", **judged)
    assert "Numbers not to be used" in section(learned, "which", **judged)
    first = text(learned, **judged).partition("<nav")[0]
    assert "Numbers not to be used" in first
    assert "none of the numbers shows what learning did" in first
    assert 'class="value"' not in first
    # Of the tasks, in grey; of the whole nothing is drawn.
    assert 'class="interval"' not in first


def test_the_trends_grow_downwards_so_that_any_number_of_iterations_fits(
    opened: OpenedBattery,
) -> None:
    (table,) = re.findall(r"<caption>Trend from.*?</table>", text(opened), re.DOTALL)
    heads = re.findall(r'<th scope="(?:col|row)"[^>]*>(.*?)</th>', table)
    counted = [metric.key for metric in COUNTED]
    assert heads == ["iteration", *counted, "1", "2", "3", "trend", "goal"]


def test_foreign_words_are_escaped(opened: OpenedBattery) -> None:
    assert "&lt;b&gt;look&lt;/b&gt;" in text(opened, warnings=["<b>look</b>"])


def test_transcripts_are_read_last_and_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def transcript(run: Run, _answer: Json, _source: str) -> bytes:
        read.append(run.task.operation)
        return b"{}"

    monkeypatch.setattr(module, "transcript", transcript)
    opened = open_battery(write_battery(tmp_path, sizes=(20, 20, 20), iterations=1))
    pieces = report(opened, summary_of(opened, report=False))
    written = b""
    while b"data-calls" not in written:
        assert len(read) <= 51
        written += next(pieces)
    assert b"How it was measured" in written


def test_without_evidence_there_is_no_report(opened: OpenedBattery) -> None:
    summary = summary_of(opened, report=False).model_copy(update={"evidence": None})
    with pytest.raises(ValueError, match="no evidence"):
        report(opened, summary)


def test_new_tasks_have_a_table_of_their_own_with_what_they_show(tmp_path: Path) -> None:
    page = text(open_battery(write_battery(tmp_path, siblings=True)))
    section = page.partition("<h3>New tasks of the same kind</h3>")[2].partition("</section>")[0]
    assert "16 new tasks, asked once each, of 8 tasks" in section
    assert ">for the first time</th>" in section
    assert section.count('<span class="foreign">alpha task') == 3
    assert "New tasks of the same kind" not in text(open_battery(write_battery(tmp_path / "no")))


def test_where_tasks_done_are_counted_it_says_that_nothing_checked_them(
    learned: OpenedBattery,
) -> None:
    evidence = summary_of(learned, report=False).evidence
    assert evidence
    told = evidence.model_copy(update={"cautions": [UNCHECKED, "some cells hold 1 run"]})
    page = text(learned, evidence=told)
    said = "</code> is the system&#39;s own word: no task has a check."
    assert page.count("own word") == page.count(said) == 1
    first_screen = page.partition('<div class="gates">')[0]
    assert said in first_screen
    assert "some cells hold 1 run" in page.partition("<h3>Worth knowing</h3>")[2]
    checked = text(learned, evidence=evidence.model_copy(update={"cautions": []}))
    assert "own word" not in checked
