"""The page of a comparison."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from battery.records.comparison import Comparison, Difference
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


def test_the_first_screen_says_by_how_much_the_work_and_what_it_holds_for() -> None:
    html = written(CASES["worse"])
    first = html.split("</section>")[0]
    assert "10 of 12 calls of tasks that can be done ended ok in branch, 12 of 12 in main" in first
    assert "1 passed in main and not in branch; 1 impossible task now claimed done." in first
    assert "Holds for these two batteries, one run each." in first
    assert "at most 5% are called BETTER, WORSE or MIXED" in first
    alike = written(CASES["identical"]).split("</section>")[0]
    assert "are called BETTER" not in alike
    nothing = written(CASES["nothing"]).split("</section>")[0]
    assert "For nothing: no claim is made." in nothing


def test_what_limits_a_comparison_is_next_to_its_word() -> None:
    unlike = Difference(
        what="arms", before="1", after="2", unfair=True, text="so", advice="Run both alike."
    )
    said: dict[str, Any] = {"cautions": ["one thing", "another"], "settle": ["Much."]}
    html = written(comparison(differences=[unlike], **said))
    first, rest = html.split("</section>", 1)
    for part in ("arms (<a href", "one thing.", "1 more</a>", "</b> Much."):
        assert part in first
    assert "<strong>unfair</strong> arms (main 1; branch 2): so. Run both alike." in rest


def test_the_tables_of_tasks_have_what_the_search_finds_them_by() -> None:
    html = written(CASES["worse"])
    kinds = re.findall(r'<tr data-task="(\d)" data-is="([a-z ]*)">', html)
    assert kinds[:2] == [("6", "flipped more"), ("0", "flipped more")], "those that flipped"
    assert [number for number, _ in kinds[2:]] == list("01234567")
    assert {words for _, words in kinds} == {"more", "flipped more"}
    assert re.findall('data-rows="([a-z]+)"', html) == ["all", "flipped", "more"]
    assert "Claims, branch" in html
    assert "Claims, branch" not in written(CASES["many flips"])


def test_the_page_ends_with_the_command_that_makes_it_again() -> None:
    before = CASES["worse"].before.model_copy(update={"folder": "data/my runs"})
    html = written(CASES["worse"].model_copy(update={"before": before}))
    command = "battery compare &#39;data/my runs&#39; data/branch --output page.html"
    assert f'data-copy="the command">{command}</pre>' in html
    assert html.count("data-copy=") == 5, "both folders, the command and both run ids"


def test_a_long_note_is_folded_and_a_short_one_is_not() -> None:
    said = {"note": "so many words " * 30, "tags": ["p2"], "called": "v2"}
    after = CASES["worse"].after.model_copy(update=said)
    html = written(CASES["worse"].model_copy(update={"after": after}))
    assert 'name: <span class="foreign">v2</span><br>tags: <span class="foreign">p2</span>' in html
    folded = html.split("<summary>note: ")[1].split("</details>")[0]
    assert folded.split("</summary>")[0].endswith("…</span>")
    assert folded.count("so many words ") > 30


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
    assert "Is the work still done?" not in html
    assert html.count('class="unusable"') == 4, "the picture and all tables are grey"
