"""What more would settle it, word by word."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from benchmarks import power as benchmark

from battery.records.expectations import Expectations
from battery.records.models import FROZEN, LEARN, Phase
from battery.records.word import Word
from battery.verdict import ladder
from battery.verdict.advice import settle
from battery.verdict.assess import facts_of
from battery.verdict.facts import Observed, Reruns
from battery.verdict.planning import measured
from battery.verdict.power import learned_power
from battery.verdict.simulation import PACKAGED, Design, Saving
from tests.verdict.batteries import Cell, compounding, learning, observed

USUAL = Design(PACKAGED, iterations=3, repeats=1, noise=0.3)


def advised(found: Observed) -> tuple[Word | None, list[str]]:
    facts = facts_of(found)
    word = ladder.decide(facts).word
    return word, settle(word, facts)


def simulated(saving: Saving, design: Design = USUAL, seed: int = 1) -> Observed:
    sides = benchmark.simulate(design, saving, np.random.default_rng(seed))
    return benchmark.observed(*sides, design)


def test_a_single_iteration_asks_for_a_second() -> None:
    assert advised(observed(iterations=1)) == (
        None,
        ["At least one more iteration, to compare with."],
    )


def test_what_learned_may_go_on_improving() -> None:
    word, advice = advised(observed(learning))
    assert word is Word.LEARNED
    assert advice == ["5 or more iterations."]
    assert settle(Word.LEARNED, facts_of(observed(learning, iterations=5))) == []


def test_a_memory_that_never_changed_asks_for_a_distillation_that_reaches_it() -> None:
    word, advice = advised(observed(lambda cell: learning(cell) | {"fingerprint": "empty"}))
    assert word is Word.INCONCLUSIVE
    assert len(advice) == 1
    assert advice[0].startswith("A distillation that changes the memory")


@pytest.mark.parametrize("word", [Word.DISHONEST, Word.COMPOUNDING, Word.NO_EFFECT])
def test_where_nothing_is_open_nothing_is_advised(word: Word) -> None:
    assert settle(word, facts_of(observed(compounding, iterations=6))) == []


def test_refused_numbers_take_a_new_battery_with_both_memories_cleared() -> None:
    word, advice = advised(observed(lambda cell: {"cached": cell.arm == FROZEN}))
    assert word is Word.INVALID
    assert len(advice) == 1
    assert "new, complete battery" in advice[0]
    assert "no cache in front of the twin" in advice[0]
    assert "both memories cleared" in advice[0]


def test_one_arm_asks_for_a_frozen_one() -> None:
    word, (advice,) = advised(observed(arms=(LEARN,)))
    assert word is Word.INDICATIVE
    assert "--control-gateway" in advice


def forgets(cell: Cell) -> dict[str, Any]:
    lost = cell.arm == LEARN and cell.iteration > 1 and cell.task == 0
    return {"status": "failed", "error": "no idea"} if lost else {}


def test_a_lost_task_is_named() -> None:
    found = observed(forgets)._replace(reruns={(0, 2): Reruns((False,) * 5, alike=False)})
    word, advice = advised(found)
    assert word is Word.REGRESSED
    assert "alpha 0" in advice[0]
    assert "both memories cleared" in advice[-1]


def costlier_niche(cell: Cell) -> dict[str, Any]:
    if cell.phase is Phase.BETA and not (cell.arm == LEARN and cell.iteration > 1):
        return {"status": "failed", "error": "no idea"}
    return {"tokens": 2000 if cell.arm == LEARN and cell.iteration > 1 else 1000}


def test_a_gain_that_costs_is_for_a_person_to_weigh() -> None:
    word, advice = advised(observed(costlier_niche))
    assert word is Word.MIXED
    assert "worth the price per task done" in " ".join(advice)


def test_what_is_open_names_what_would_show_the_saving_that_was_seen() -> None:
    word, (advice,) = advised(simulated(Saving(once=0.15)))
    assert word is Word.INCONCLUSIVE
    named = re.fullmatch(
        r"To see a saving of \d+% with 80% power: (\d+) iterations instead of 3, "
        r"or (\d+) tasks instead of 8, or (\d+) repeats instead of 1\.",
        advice,
    )
    assert named, advice
    assert all(int(more) > now for more, now in zip(named.groups(), (3, 8, 1), strict=True))


@pytest.mark.slow
def test_the_advice_delivers_the_power_that_it_names() -> None:
    """Planned with the upper bound of the noise, for which it is made."""
    facts = facts_of(simulated(Saving(once=0.15)))
    (advice,) = settle(Word.INCONCLUSIVE, facts)
    share, iterations, repeats = (
        int(found.group(1))
        for pattern in (r"of (\d+)%", r"(\d+) iterations", r"(\d+) repeats")
        if (found := re.search(pattern, advice))
    )
    planned = measured(facts.grid, facts.cost)
    assert planned is not None
    for design in (
        planned.design._replace(iterations=iterations),
        planned.design._replace(repeats=repeats),
    ):
        assert learned_power(Saving(once=share / 100), design) >= 0.75


def test_a_saving_on_niche_tasks_alone_is_what_more_is_asked_for() -> None:
    for seed in range(20):
        facts = facts_of(simulated(Saving(once=0.5, niche=True), seed=seed))
        word = ladder.decide(facts).word
        if word is Word.INCONCLUSIVE and any("niche" in text for text in settle(word, facts)):
            break
    else:
        pytest.fail("no open battery whose niche tasks alone save")


def test_after_the_planned_look_a_new_battery_is_the_better_use_of_money() -> None:
    found = simulated(Saving(once=0.15), USUAL._replace(iterations=4))._replace(planned=3)
    facts = facts_of(found)
    assert facts.looks is not None
    assert facts.looks.made > 1
    (advice,) = settle(Word.INCONCLUSIVE, facts)
    assert "are tested at level .005 only" in advice
    assert re.search(r"a new battery planned with \d+ iterations", advice)


def uneven(cell: Cell) -> dict[str, Any]:
    saves = cell.arm == LEARN and cell.iteration > 1 and cell.task == 0
    return {"tokens": 100 if saves else 1000}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (lambda _: {"tokens": None}, "report its tokens"),
        (lambda _: {"status": "failed", "error": "no idea"}, "of which the system can do some"),
        (uneven, "they differ in what they gain"),
    ],
)
def test_what_no_number_of_calls_can_settle(changes: Any, words: str) -> None:
    word, advice = advised(observed(changes))
    assert word is Word.INCONCLUSIVE
    assert words in " ".join(advice)


def test_a_failed_gate_comes_first() -> None:
    def helped(cell: Cell) -> dict[str, Any]:
        easy = cell.phase is Phase.ALPHA and cell.arm == LEARN and cell.iteration > 1
        return {**learning(cell), "overseer_called": easy}

    found = observed(helped)._replace(expectations=Expectations(alpha_without_overseer=True))
    word, advice = advised(found)
    assert word is Word.INCONCLUSIVE
    assert advice[0].startswith("First fix what made the gate")
    assert len(advice) == 1
