"""The report is made of whatever a battery left, and read as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from battery.records.manifest import Options, Provenance
from battery.records.metric import COUNTED
from battery.report.html.answers import Reviewed
from battery.report.html.board import Board
from battery.report.html.report import MOST_UNPACKED, Material, report, unfinished
from battery.verdict.assess import assess
from tests.report.samples import MANIFEST, three
from tests.verdict.batteries import calls, learning, observed


def material(provenance: Provenance = MANIFEST) -> Material:
    evidence = assess(observed(learning))
    summary = three(provenance=provenance, evidence=evidence, warnings=["<b>look</b>"])
    return Material(summary, provenance, {(2, 0): 5}, distilled=[], reviewed=[])


def text(found: Material) -> str:
    page = b"".join(report(found, Board(calls(learning)), [])).decode()
    return re.sub(r"<(script|style)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)


def test_it_names_the_verdict_in_title_and_heading() -> None:
    page = text(material())
    assert "<title>LEARNED: report of a battery of 2026-03-01T10:00:00Z</title>" in page
    assert re.search(r"<h1.*LEARNED</h1>", page)


def test_the_method_has_what_identifies_the_run_and_no_path_of_its_machine() -> None:
    options = Options(tasks="/home/someone/secret/my.json", repeats=2, limit=None)
    page = text(material(MANIFEST.model_copy(update={"options": options})))
    for fact in ("r-1", "http://gateway.example:3100", "my.json", "exec:1t", "Option: repeats"):
        assert fact in page
    assert "someone" not in page
    assert "Option: limit" not in page


def test_a_battery_without_manifest_or_end_is_shown_as_far_as_it_is_known() -> None:
    assert "the original battery wrote this folder" in text(material(Provenance()))
    running = MANIFEST.model_copy(update={"state": "running", "finished_at": None})
    found = material(running)
    assert "not finished (state: running). The page covers the 3 of 3" in text(found)
    assert unfinished(material().summary) is None


def test_of_many_iterations_later_reviews_are_text_until_they_are_opened() -> None:
    reviewed = [
        Reviewed(number, {"Review": f"review {number} </noscript>"}, [], [])
        for number in range(1, MOST_UNPACKED + 2)
    ]
    page = text(material()._replace(reviewed=reviewed))
    packed = re.findall(r"<noscript>(.*?)</noscript>", page, re.DOTALL)[1:]
    assert [re.findall(r"review \d+ &lt;", each) for each in packed] == [
        [f"review {MOST_UNPACKED + 1} &lt;"]
    ]


def test_a_lesson_that_was_cut_says_where_all_of_it_is() -> None:
    distilled = [(4, "text", [{"role": "lesson", "text": "x" * 5_000}])]
    page = text(material()._replace(distilled=distilled))
    assert "[cut: all of it is in iter_4/distill_events.jsonl]" in page


def test_the_trends_grow_downwards_so_that_any_number_of_iterations_fits() -> None:
    (table,) = re.findall(r"<caption>Trend from.*?</table>", text(material()), re.DOTALL)
    heads = re.findall(r'<th scope="(?:col|row)"[^>]*>(.*?)</th>', table)
    assert heads == [
        "iteration",
        *(metric.key for metric in COUNTED),
        "1",
        "2",
        "3",
        "trend",
        "goal",
    ]


def test_foreign_words_are_escaped() -> None:
    assert "&lt;b&gt;look&lt;/b&gt;" in text(material())


def test_transcripts_are_read_last_and_one_at_a_time() -> None:
    read: list[int] = []

    def transcripts() -> Iterator[tuple[str, bytes]]:
        for row in range(60):
            read.append(row)
            yield f"call-1-learn-{row}-1", b"{}"

    pieces = report(material(), Board(calls(learning)), transcripts())
    written = b""
    while b"data-calls" not in written:
        assert len(read) <= 51
        written += next(pieces)
    assert b"How it was measured" in written


def test_without_evidence_there_is_no_report() -> None:
    found = material()
    summary = found.summary.model_copy(update={"evidence": None})
    with pytest.raises(ValueError, match="no evidence"):
        report(found._replace(summary=summary), Board(calls()), [])
