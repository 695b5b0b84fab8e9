"""How runs differ, and how their saving goes on."""

from __future__ import annotations

from math import log

import pytest

from battery.records.word import Word
from battery.verdict.runs import assess_runs, trends
from tests.verdict.runs.made import grown, run, runs


def test_a_saving_that_grows_in_every_run_compounds() -> None:
    evidence = assess_runs(
        grown(*[[0.8 - shift, 0.64, 0.5, 0.4] for shift in (0, 0.01, 0.02, 0.03, 0.04)])
    )
    assert evidence.verdict is Word.COMPOUNDING
    assert "grew from 22% in iteration 2 to 60% in iteration 5" in evidence.sentence


def test_a_saving_that_came_in_one_step_does_not() -> None:
    evidence = assess_runs(grown(*[[0.8, 0.8, 0.5, 0.5]] * 5))
    assert evidence.verdict is Word.LEARNED
    assert evidence.growth
    assert "by a step" in (evidence.growth.note or "")


def test_a_memory_that_walks_does_not_make_the_system_compound() -> None:
    # Each run has a strong trend of its own; four up and one down is what walks do.
    up, down = [0.8, 0.7, 0.6, 0.5], [0.5, 0.6, 0.7, 0.8]
    growth = trends.growth(grown(up, up, up, up, down))
    assert growth
    assert not growth.grew


def test_few_iterations_cannot_show_growth() -> None:
    growth = trends.growth(grown(*[[0.8, 0.6]] * 5))
    assert growth
    assert (growth.p, growth.grew) == (None, False)


def test_runs_that_fell_after_their_peak_do_not_compound() -> None:
    some = [
        found.model_copy(update={"shape": "fading" if place < 2 else "grew"})
        for place, found in enumerate(grown(*[[0.8, 0.64, 0.5, 0.4]] * 5))
    ]
    growth = trends.growth(some)
    assert growth
    assert growth.fell == 2
    assert "fell again" in (growth.note or "")


def test_spread_takes_the_luck_within_runs_off() -> None:
    found = trends.spread(runs(0.1, 0.3, error=0.05))
    assert found
    between = abs(log(0.9) - log(0.7)) / 2**0.5
    assert found.total == pytest.approx(between)
    assert found.between == pytest.approx((between**2 - 0.05**2) ** 0.5)
    alike = trends.spread(runs(0.1, 0.1, error=0.05))
    assert alike
    assert (alike.total, alike.between) == (0, 0)
    assert trends.spread([run(1)]) is None
