"""The statistics against statsmodels, which takes long to import: here and nowhere else."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import numpy as np
import pytest

from battery.verdict.signflip import holm
from battery.verdict.statistics import clopper_pearson_upper, difference, wilson

COUNTS = [(0, 0), (0, 8), (3, 8), (5, 2), (8, 8)]


# statsmodels has no types; a module imported by name is checked as one without. In a fixture, only
# the worker that runs these tests waits for it.
@pytest.fixture(scope="module")
def multitest() -> ModuleType:
    return import_module("statsmodels.stats.multitest")


@pytest.fixture(scope="module")
def proportion() -> ModuleType:
    return import_module("statsmodels.stats.proportion")


@pytest.mark.parametrize("seed", range(5))
def test_holm(multitest: ModuleType, seed: int) -> None:
    ps = np.random.default_rng(seed).uniform(0, 0.2, 5).round(2).tolist()
    assert holm(ps) == pytest.approx(multitest.multipletests(ps, method="holm")[1].tolist())


@pytest.mark.parametrize(("learn", "frozen"), COUNTS)
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_newcombe(proportion: ModuleType, learn: int, frozen: int, level: float) -> None:
    oracle = proportion.confint_proportions_2indep(
        learn, 8, frozen, 8, method="newcomb", compare="diff", alpha=1 - level
    )
    found = difference(learn / 8, frozen / 8, 8, level)
    assert (found.low, found.high) == pytest.approx(oracle, abs=1e-12)


@pytest.mark.parametrize("events", range(9))
def test_wilson_and_clopper_pearson(proportion: ModuleType, events: int) -> None:
    score = proportion.proportion_confint(events, 8, method="wilson")
    assert wilson(events / 8, 8) == pytest.approx(score, abs=1e-12)
    # Its interval has two sides of .05 each; ours is the upper one alone.
    exact = proportion.proportion_confint(events, 8, alpha=0.1, method="beta")
    assert clopper_pearson_upper(events, 8) == pytest.approx(exact[1])
