from __future__ import annotations

import numpy as np
import pytest
import scipy
from benchmarks import power as benchmark

from battery.records.metric import TOKENS
from battery.records.models import LEARN, Phase
from battery.verdict.assess import facts_of
from battery.verdict.planning import (
    Needed,
    Prospects,
    Question,
    measured,
    prospects,
    sensitivity,
)
from battery.verdict.policy import POWER, RELEVANT
from battery.verdict.power import CAUTION, MOST, average_reduction, learned_power, noise_bound
from battery.verdict.simulation import PACKAGED, Design, Saving
from tests.verdict.batteries import Cell, observed

USUAL = Design(PACKAGED, iterations=3, repeats=1, noise=0.3)


def question(name: str, design: Design = USUAL, drop: float | None = None) -> Question:
    (found,) = (q for q in prospects(design, "given", drop).questions if q.name == name)
    return found


def needed(name: str, design: Design, drop: float) -> Needed:
    asked = question(name, design, drop).asked
    assert asked is not None
    assert asked.needed is not None
    return asked.needed


def test_the_answers_carry_the_size_they_are_for() -> None:
    found = prospects(Design((4, 3, 2), 4, 2, 0.25), "measured", None, 0.2)
    assert (found.tasks, found.iterations, found.repeats) == (9, 4, 2)
    assert found.phases == {Phase.ALPHA: 4, Phase.BETA: 3, Phase.GAMMA: 2}
    assert (found.noise, found.noise_planned, found.noise_source) == (0.2, 0.25, "measured")
    assert (found.power, found.drop) == (POWER, None)
    assert [each.name for each in found.questions] == ["learned", "niche", "compounding", "trend"]
    assert Prospects.model_validate_json(found.model_dump_json()) == found


def test_the_smallest_drop_has_the_power_meant() -> None:
    found = question("learned")
    assert found.smallest_drop is not None
    assert found.smallest_reduction == average_reduction(found.smallest_drop, 3)
    assert learned_power(Saving(found.smallest_drop), USUAL) == pytest.approx(POWER, abs=0.01)
    assert found.impossible is None


def test_a_saving_on_niche_tasks_alone_is_harder_to_see() -> None:
    everywhere, niche = question("learned").smallest_drop, question("niche").smallest_drop
    assert everywhere is not None
    assert niche is not None
    assert niche > everywhere


@pytest.mark.parametrize(
    ("name", "design", "why"),
    [
        ("compounding", USUAL, "5 or more iterations"),
        ("learned", USUAL._replace(phases=(3, 0, 1)), "cannot reach the level"),
        ("niche", USUAL._replace(phases=(5, 0, 3)), "no niche task"),
        ("compounding", USUAL._replace(phases=(2, 2, 0), iterations=6), "5 or more tasks"),
        ("trend", USUAL._replace(iterations=1), "single iteration"),
        ("learned", USUAL._replace(iterations=1), "single iteration"),
        ("learned", USUAL._replace(noise=5.0), "noise hides"),
        ("trend", USUAL._replace(phases=(2, 2, 0), iterations=2), "noise hides"),
    ],
)
def test_a_question_without_an_answer_says_why(name: str, design: Design, why: str) -> None:
    found = question(name, design)
    assert found.smallest_drop is found.smallest_reduction is None
    assert found.impossible is not None
    assert why in found.impossible


@pytest.mark.slow
def test_what_is_needed_is_just_enough_each_alone() -> None:
    found = needed("learned", USUAL, 0.1)
    for name in MOST:
        count = getattr(found, name)
        powers = [
            learned_power(Saving(0.1), USUAL.but(name, number)) for number in (count - 1, count)
        ]
        assert powers[0] < POWER + 0.02
        assert powers[1] > POWER - 0.02


@pytest.mark.slow
def test_no_number_of_tasks_makes_up_for_too_few_iterations() -> None:
    found = needed("compounding", USUAL, 0.3)
    assert (found.tasks, found.repeats) == (None, None)
    assert found.iterations is not None
    assert found.iterations >= 5


def test_a_drop_is_only_looked_at_where_it_was_asked_about() -> None:
    assert question("learned").asked is None
    asked = question("learned", USUAL, 0.5).asked
    assert asked is not None
    assert asked.needed is None


def test_that_a_measured_noise_is_planned_with_its_bound_is_told() -> None:
    told = "the upper bound of the noise, with 80% confidence"
    assert told in " ".join(prospects(USUAL, "measured", None).assumptions)
    assert told not in " ".join(prospects(USUAL, "given", None).assumptions)


@pytest.mark.parametrize("tasks", [2, 3, 8, 40])
def test_the_bound_of_a_noise_is_that_of_chi_square(tasks: int) -> None:
    freedom = tasks - 1
    exact = (freedom / scipy.stats.chi2.ppf(1 - CAUTION, freedom)) ** 0.5
    assert noise_bound(0.3, tasks) == pytest.approx(0.3 * exact, rel=0.01 if tasks > 2 else 0.1)
    assert noise_bound(0.3, tasks) > 0.3
    assert noise_bound(0.0, tasks) == 0


def test_the_bound_is_above_the_noise_in_four_batteries_of_five() -> None:
    rng = np.random.default_rng(1)
    bounds = []
    for _ in range(300):
        sides = benchmark.simulate(USUAL, Saving(), rng)
        found = measured(benchmark.observed(*sides, USUAL).grid, TOKENS)
        assert found is not None
        assert found.design.noise > found.noise
        bounds.append(found.design.noise)
    assert np.mean(np.array(bounds) >= USUAL.noise) == pytest.approx(CAUTION, abs=0.07)


def test_a_battery_gives_its_own_phases_and_what_counts_for_it() -> None:
    design = Design((1, 4, 2), 2, 3, 0.2)
    sides = benchmark.simulate(design, Saving(), np.random.default_rng(1))
    found = measured(benchmark.observed(*sides, design).grid, TOKENS, 0.05)
    assert found is not None
    assert found.design == design._replace(noise=found.design.noise, relevant=0.05)


def noisy(cell: Cell) -> dict[str, int]:
    up = (cell.task + cell.iteration + (cell.arm == LEARN)) % 2
    return {"tokens": 1300 if up else 1000}


def test_the_sensitivity_of_a_battery_is_that_of_the_bound_of_its_noise() -> None:
    facts = facts_of(observed(noisy))
    found = sensitivity(facts)
    assert found is not None
    assert found.detectable is not None
    planned = USUAL._replace(noise=noise_bound(found.noise, 8))
    share = learned_power(Saving(once=found.detectable), planned)
    assert share == pytest.approx(POWER, abs=0.05)


def test_without_noise_what_counts_is_seen() -> None:
    found = sensitivity(facts_of(observed()))
    assert found is not None
    assert (found.noise, found.detectable) == (0, RELEVANT)


def test_one_arm_or_one_iteration_see_nothing() -> None:
    assert sensitivity(facts_of(observed(arms=(LEARN,)))) is None
    single = sensitivity(facts_of(observed(noisy, iterations=1)))
    assert single is not None
    assert single.detectable is None
