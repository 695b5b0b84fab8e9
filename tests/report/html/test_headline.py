"""The first screen's figure shows the effect with its interval, or says why there is none."""

from __future__ import annotations

from typing import Any

from battery.report.html.headline import EFFECT_HEADS, effect_rows, headline
from battery.verdict.assess import assess
from tests.report.samples import metrics, summary, three
from tests.verdict.batteries import Cell, learning, observed


def test_with_two_arms_it_is_the_effect_with_its_interval() -> None:
    evidence = assess(observed(learning))
    found = headline(three(evidence=evidence), evidence)
    assert found.value == "-43.5%"
    assert "95% interval" in found.text
    assert "p = 0.004" in found.text
    assert found.figure
    assert found.figure.band
    assert found.figure.point < found.figure.none
    assert found.value in found.figure.label


def test_with_one_arm_it_is_the_trend_and_no_interval() -> None:
    evidence = assess(observed(learning, arms=("learn",)))
    found = headline(three(evidence=evidence), evidence)
    assert found.title == "Tokens, from the first to the last iteration"
    assert found.figure
    assert found.figure.band is None
    assert "no frozen arm" in found.text


def test_a_single_iteration_has_nothing_to_draw() -> None:
    evidence = assess(observed(iterations=1))
    found = headline(summary(metrics(1), evidence=evidence), evidence)
    assert (found.value, found.figure) == ("No effect can be shown", None)


def test_tokens_that_nobody_reported_have_no_effect() -> None:
    def silent(_: Cell) -> dict[str, Any]:
        return {"tokens": 0}

    evidence = assess(observed(silent))
    found = headline(three(evidence=evidence), evidence)
    assert (found.value, found.figure) == ("No effect can be shown", None)
    assert effect_rows(evidence.effects)[0].figure is None


def test_all_effects_are_drawn_on_one_scale() -> None:
    rows = effect_rows(assess(observed(learning)).effects)
    assert len({row.figure.none for row in rows if row.figure}) == 1
    assert all(len(row.cells) == len(EFFECT_HEADS) for row in rows)
