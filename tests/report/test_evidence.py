"""The columns of a table of contrasts are the same on every surface."""

from __future__ import annotations

from battery.records.findings import Interval
from battery.report.evidence import CHANGE, EFFECT, NET_CHANGE, cells, heads
from battery.verdict.assess import assess
from tests.comparison.pairs import against_usual, cheaper
from tests.verdict.batteries import learning, observed


def test_an_effect_has_learn_before_frozen_and_a_change_a_before_b() -> None:
    effect = assess(observed(learning)).effects[0]
    row = dict(zip(heads(EFFECT), cells(EFFECT, effect), strict=True))
    assert (row["Learn"], row["Frozen"], row["Effect"]) == ("565.00", "1000.00", "-43.5%")
    change = against_usual(cheaper).changes[0]
    row = dict(zip(heads(CHANGE), cells(CHANGE, change), strict=True))
    assert (row["A"], row["B"], row["Change"], row["Tasks"]) == ("1000.00", "596.50", "-40.4%", "8")


def test_an_interval_in_points_has_its_unit_once() -> None:
    interval = Interval(low=-0.5, high=0.25, level=0.95)
    change = against_usual(cheaper).changes[0]
    points = change.model_copy(update={"kind": "difference", "interval": interval})
    assert "-50.0 to +25.0 pts" in cells(CHANGE, points)


def test_only_a_change_has_an_interval_of_what_is_net() -> None:
    change = against_usual(cheaper).changes[0]
    assert cells(NET_CHANGE, change) == ["-40.4%", "-40.6% to -40.1%", "0.008"]
    effect = assess(observed(learning)).effects[0]
    assert cells(NET_CHANGE, effect)[1] == "-"
