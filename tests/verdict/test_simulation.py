"""Many batteries at a time get the words that the rule gives each of them alone."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks import power as benchmark

from battery.records.word import Word
from battery.verdict import sham
from battery.verdict.signflip import Floats
from battery.verdict.simulation import (
    PACKAGED,
    SIMULATIONS,
    Design,
    Saving,
    compounding,
    costs,
    judge,
    judged,
    split,
)

USUAL = Design(PACKAGED, iterations=3, repeats=1, noise=0.3)


def words(own: Floats, base: Floats, design: Design) -> list[str]:
    learned, grows = judge(own, base, design).learned, compounding(own, base, design)
    pairs = zip(learned, grows, strict=True)
    return ["COMPOUNDING" if grown else "LEARNED" if yes else "neither" for yes, grown in pairs]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("design", "saving"),
    [
        (USUAL, Saving(0.15)),
        (USUAL, Saving(once=0.5, niche=True)),
        # Now and then all tasks together cost more, though a typical one does not.
        (USUAL._replace(noise=0.6), Saving(once=0.6, niche=True)),
        (USUAL._replace(noise=0.02), Saving(once=0.1)),
        (USUAL._replace(iterations=2, noise=0.1), Saving(0.13)),
        (Design((2, 2, 1), 9, 1, 0.2), Saving(0.1)),
        (Design((3, 2, 0), 5, 2, 0.5), Saving(0.2)),
        (Design((2, 2, 0), 5, 1, 0.3), Saving(0.15)),
        (Design((0, 8, 0), 3, 1, 0.3), Saving(0.12)),
    ],
)
def test_the_words_are_those_of_the_rule(
    design: Design, saving: Saving, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Simulated batteries are not asked whether the twin took more than in iteration 1.
    monkeypatch.setattr(sham, "twin_alone", lambda *_: iter(()))
    own, base = costs(saving, design, SIMULATIONS)
    together = words(own[:50], base[:50], design)
    alone = [
        word if word in {Word.LEARNED, Word.COMPOUNDING} else "neither"
        for word in (benchmark.judge(own[place], base[place], design)[0] for place in range(50))
    ]
    assert together == alone
    assert len(set(alone)) > 1, "a test that sees one outcome only shows little"


def test_arms_that_start_apart_are_refused_and_lean() -> None:
    """A learner that saves 60 % from the start on learned nothing."""
    own, base = costs(Saving(), USUAL._replace(noise=0.05), 50)
    found = judge(0.4 * own, base, USUAL)
    assert not found.learned.any()


def test_niche_tasks_that_cost_as_much_less_from_the_start_on_learned_nothing() -> None:
    """Iteration 1 as a whole is even: the other tasks cost more there."""
    quiet = USUAL._replace(noise=0.02)
    own, base = costs(Saving(once=0.5, niche=True), quiet, 30)
    assert judge(own, base, quiet).learned.mean() > 0.9
    first = np.array([1.7] * 3 + [0.4] * 3 + [1.7] * 2)[:, None]
    leaning = np.concatenate([own[:, :, :1] * first[None, :, :, None], own[:, :, 1:]], axis=2)
    found = judge(leaning, base, quiet)
    # What the question about all tasks sees is its own matter.
    assert found.cost.mean() < 0.5
    assert found.learned.tolist() == found.cost.tolist()


@pytest.mark.parametrize(("size", "learned"), [(1.0, False), (0.8, True)])
def test_means_of_few_calls_that_scatter_feign_no_saving(size: float, learned: bool) -> None:
    """As in the questions: four calls of a task have a mean of 850, and one of them is of 2,200."""
    sizes = 1000.0 + 10 * np.arange(8)
    base = np.tile(sizes[:, None, None], (1, 1, 5, 1))
    places = (np.arange(8)[:, None] + np.arange(5)) % 4
    own = np.where(np.arange(5) > 0, size * np.array([200, 300, 2200, 700])[places], sizes[:, None])
    found = judge(own[None, :, :, None], base, USUAL._replace(iterations=5))
    assert found.learned.tolist() == [learned]


def test_a_saving_below_what_counts_is_none() -> None:
    quiet = USUAL._replace(noise=0.001)
    assert not judged(Saving(once=0.09), quiet, 50).learned.any()
    assert judged(Saving(once=0.09), quiet._replace(relevant=0.05), 50).learned.all()


def test_without_a_saving_the_error_budget_holds() -> None:
    for design in (USUAL, USUAL._replace(iterations=5), Design((2, 5, 1), 3, 2, 0.4)):
        assert judged(Saving(), design, SIMULATIONS).learned.mean() <= 0.05 + 3 * 0.005


def test_the_same_question_is_simulated_once() -> None:
    assert judged(Saving(0.2), USUAL, 40) is judged(Saving(0.2), USUAL, 40)


def test_the_packaged_proportions_are_kept() -> None:
    assert split(8) == PACKAGED
    assert split(16) == (6, 6, 4)
    assert [sum(split(tasks)) for tasks in range(1, 50)] == list(range(1, 50))
    assert split(10, (0, 5, 0)) == (0, 10, 0)
    assert USUAL.but("tasks", 16) == USUAL._replace(phases=(6, 6, 4))
    assert USUAL.but("repeats", 2).repeats == USUAL.but("iterations", 2).iterations == 2


def test_more_batteries_than_fit_are_not_simulated() -> None:
    assert judged(Saving(0.1), Design((80, 80, 40), 10, 3, 0.3), SIMULATIONS).learned.size == 50


def test_a_saving_is_what_is_left() -> None:
    assert Saving(0.1).left(3) == pytest.approx([1, 0.9, 0.81])
    assert Saving(once=0.3).left(3) == pytest.approx([1, 0.7, 0.7])
    own, base = costs(Saving(once=0.5, niche=True), USUAL._replace(noise=0.0), 3)
    assert (own / base)[0, :, 1, 0] == pytest.approx(np.array([1, 1, 1, 0.5, 0.5, 0.5, 1, 1]))
