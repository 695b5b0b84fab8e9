"""The figures of the front page are all of those that the explanations have."""

from __future__ import annotations

import re

from docs import front

from tests.test_docs import DOCS


def test_the_gauntlet_is_counted_whole() -> None:
    page = (DOCS / "explanation/gauntlet.md").read_text("utf-8")
    said = re.search(r"(\d+) systems, ([\d,]+) batteries\)", page)
    assert said
    parts = ("False learners", "Honest learners", "What a battery cannot see")
    systems, batteries, positive = zip(*map(front.gauntlet, parts), strict=True)
    assert (str(sum(systems)), f"{sum(batteries):,}") == said.groups()
    # A verdict that claims learning comes from honest learners, and from those that nobody sees.
    assert positive[0] < positive[1] <= batteries[1]


def test_every_scenario_of_the_calibration_is_read() -> None:
    scenarios = front.calibration()
    page = (DOCS / "explanation/calibration.md").read_text("utf-8")
    assert len(scenarios) == len(re.findall(r"^\S.* 2,000 ", page, re.MULTILINE))
    line = next(line for line in page.splitlines() if line.startswith("20% drop, 8 iterations"))
    # From the left: name, n, INVAL DISH REGR MIXED MEMO COMP LEARN NO EF INCON INDIC count.
    cells = line.split()[-12:]
    read = scenarios["20% drop, 8 iterations"]
    assert (read.positive, read.counted) == (float(cells[6]) + float(cells[7]), float(cells[11]))
