"""The page of a comparison."""

from __future__ import annotations

import json

import pytest

from battery.report.html.compare import page
from tests.report.comparisons import CASES


@pytest.mark.parametrize("name", CASES)
def test_the_page_escapes_what_others_wrote_and_has_its_data_as_json(name: str) -> None:
    html = b"".join(page(CASES[name])).decode()
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "\x1b" not in html
    data = html.split('id="data">')[1].split("</script>")[0]
    drawn = json.loads(data)
    assert len(drawn) == min(len(CASES[name].tasks), 60)
    assert html.index(CASES[name].outcome) < html.index("What else differs")


def test_the_page_shows_every_task_in_its_table_however_many_are_drawn() -> None:
    html = b"".join(page(CASES["many flips"])).decode()
    assert "the 60 tasks that changed most, of 72" in html
    assert "All 72 tasks as a table" in html
