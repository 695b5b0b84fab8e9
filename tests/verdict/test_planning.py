from __future__ import annotations

import pytest

from battery.verdict.planning import Needed, Prospects, Question, prospects
from battery.verdict.policy import POWER
from battery.verdict.power import Design, average_reduction, learned_power

USUAL = Design(tasks=8, iterations=3, repeats=1, noise=0.3)


def question(name: str, design: Design = USUAL, drop: float | None = None) -> Question:
    (found,) = (q for q in prospects(design, "given", drop).questions if q.name == name)
    return found


def needed(name: str, design: Design, drop: float) -> Needed:
    asked = question(name, design, drop).asked
    assert asked is not None
    assert asked.needed is not None
    return asked.needed


def test_the_answers_carry_the_size_they_are_for() -> None:
    found = prospects(Design(9, 4, 2, 0.25), "measured", 0.1)
    assert (found.tasks, found.iterations, found.repeats, found.noise) == (9, 4, 2, 0.25)
    assert (found.noise_source, found.power, found.drop) == ("measured", POWER, 0.1)
    assert [each.name for each in found.questions] == ["learned", "compounding", "trend"]
    assert Prospects.model_validate_json(found.model_dump_json()) == found


def test_the_smallest_drop_has_the_power_meant() -> None:
    found = question("learned")
    assert found.smallest_drop is not None
    assert found.smallest_reduction == average_reduction(found.smallest_drop, 3)
    assert learned_power(found.smallest_reduction, USUAL) == pytest.approx(POWER, abs=0.01)
    assert found.impossible is None


@pytest.mark.parametrize(
    ("name", "design", "why"),
    [
        ("compounding", USUAL, "5 iterations"),
        ("learned", USUAL._replace(tasks=4), "5 tasks"),
        ("compounding", USUAL._replace(tasks=4, iterations=6), "5 tasks"),
        ("trend", USUAL._replace(iterations=1), "single iteration"),
        ("learned", USUAL._replace(iterations=1), "single iteration"),
        ("learned", USUAL._replace(noise=5.0), "noise hides"),
        ("trend", USUAL._replace(tasks=4, iterations=2), "noise hides"),
    ],
)
def test_a_question_without_an_answer_says_why(name: str, design: Design, why: str) -> None:
    found = question(name, design)
    assert found.smallest_drop is found.smallest_reduction is None
    assert found.impossible is not None
    assert why in found.impossible


def test_what_is_needed_is_just_enough_each_alone() -> None:
    for name, count in needed("learned", USUAL, 0.1).model_dump().items():
        powers = [
            learned_power(average_reduction(0.1, design.iterations), design)
            for design in (USUAL._replace(**{name: count - 1}), USUAL._replace(**{name: count}))
        ]
        assert powers[0] < POWER <= powers[1]


def test_no_number_of_tasks_makes_up_for_too_few_iterations() -> None:
    found = needed("compounding", USUAL, 0.2)
    assert (found.tasks, found.repeats) == (None, None)
    assert found.iterations is not None
    assert found.iterations >= 5


def test_a_drop_is_only_looked_at_where_it_was_asked_about() -> None:
    assert question("learned").asked is None
    assert question("learned", USUAL, 0.5).asked is not None


def test_what_the_power_leaves_out_is_told_where_there_is_noise() -> None:
    told = "arms that lean the same way in iteration 1 by chance are not believed"
    assert told in " ".join(prospects(USUAL, "given", None).assumptions)
    still = prospects(USUAL._replace(noise=0.0), "measured", None).assumptions
    assert told not in " ".join(still)


def test_the_uncertainty_of_a_measured_noise_is_told() -> None:
    measured = prospects(USUAL, "measured", None).assumptions
    assert len(measured) == len(prospects(USUAL, "given", None).assumptions) + 1
    assert "known only to within" in measured[-1]
