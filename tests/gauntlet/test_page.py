"""The published tables are of the systems that there are, each with its story of today."""

from __future__ import annotations

from docs.gauntlet import PAGE, written

from battery.gauntlet import Gauntlet
from battery.gauntlet.registry import Contestant
from battery.gauntlet.systems import SYSTEMS
from battery.report.markdown import plain
from tests.gauntlet.test_table import GAUNTLET


def test_the_page_has_a_row_for_every_system_and_no_other() -> None:
    def begins(system: Contestant) -> str:
        return f"| {plain(system.name)} | {plain(system.story)} | "

    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.count(" | ") >= 4]
    bodies = [row for row in rows if not row.startswith(("| System", "| ---"))]
    missing = [
        system.name
        for system in SYSTEMS
        if not any(row.startswith(begins(system)) for row in bodies)
    ]
    assert missing == [], "run `make gauntlet`"
    assert len(bodies) == len(SYSTEMS)


def test_writing_the_page_twice_changes_nothing() -> None:
    once = written(PAGE.read_text("utf-8"), GAUNTLET)
    assert "| caught |" in once
    assert written(once, GAUNTLET) == once
    assert written(once, Gauntlet(seed=1, systems=[])).count("| System |") == 0
