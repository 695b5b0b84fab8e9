"""The page of a comparison."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from battery.records.comparison import Comparison
from battery.records.word import Word
from battery.report.html.compare import page
from tests.comparison.pairs import everywhere
from tests.report.comparisons import CASES, comparison
from tests.verdict.batteries import calls


@pytest.mark.parametrize("name", CASES)
def test_the_page_escapes_what_others_wrote_and_has_its_data_as_json(name: str) -> None:
    html = b"".join(page(CASES[name], Path("page.html"))).decode()
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "\x1b" not in html
    data = html.split('id="data">')[1].split("</script>")[0]
    drawn = json.loads(data)
    assert len(drawn) == min(len(CASES[name].tasks), 60)
    assert html.index(CASES[name].outcome) < html.index("What else differs")


def test_the_page_shows_every_task_in_its_table_however_many_are_drawn() -> None:
    html = b"".join(page(CASES["many flips"], Path("page.html"))).decode()
    assert "the 60 tasks that changed most, of 72" in html
    assert "All 72 tasks as a table" in html


def written(comparison: Comparison, at: Path = Path("page.html")) -> str:
    return b"".join(page(comparison, at)).decode()


def test_every_task_is_drawn_right_after_the_word_and_both_names_are_in_the_legend() -> None:
    html = written(CASES["worse"])
    places = ['<h1 id="word">WORSE', "Tokens on a typical task", 'id="by-task"', 'id="flips"']
    assert sorted(places, key=html.index) == places
    legend = html.split('<ul class="legend">')[1].split("</ul>")[0]
    assert "main" in legend
    assert "branch" in legend
    drawn = json.loads(html.split('id="data">')[1].split("</script>")[0])
    assert drawn[0]["change"] == ">+900%", "what costs more comes first"
    assert {row["kind"] for row in drawn} == {"easy", "niche", "impossible"}


def test_the_cost_is_drawn_on_the_axis_of_the_report_with_a_real_minus() -> None:
    html = written(comparison(calls(everywhere(700))))
    assert '<p class="value">\N{MINUS SIGN}' in html
    figure = html.split('<p class="value">')[1].split("</div>\n</div>")[0]
    assert "\N{MINUS SIGN}100%</span>" in figure
    assert "within ±10%: too small to count" in figure


def test_reports_are_linked_from_where_the_page_is_and_only_where_they_are(tmp_path: Path) -> None:
    report = tmp_path / "runs" / "a b#" / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text("a report", "utf-8")
    before = CASES["worse"].before.model_copy(update={"report": str(report)})
    gone = CASES["worse"].after.model_copy(update={"report": str(tmp_path / "gone.html")})
    found = CASES["worse"].model_copy(update={"before": before, "after": gone})
    html = written(found, tmp_path / "out" / "page.html")
    assert '<a href="../runs/a%20b%23/report.html">its report</a>' in html
    assert html.count(">its report</a>") == 1


def test_numbers_that_are_not_to_be_trusted_get_no_headline() -> None:
    spoiled = CASES["worse"].after.model_copy(update={"verdict": Word.INVALID})
    html = written(CASES["worse"].model_copy(update={"after": spoiled}))
    assert "not to be used: branch is INVALID." in html
    assert '<p class="value">' not in html
