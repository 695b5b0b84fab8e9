"""A run says over runs what its own verdict rests on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.records.campaign import RunFindings
from battery.records.models import LEARN
from battery.records.word import Word
from battery.verdict import ladder
from battery.verdict.assess import assess, facts_of
from battery.verdict.facts import Observed
from battery.verdict.runs.one import About, by_kind, findings
from tests.verdict import drawn
from tests.verdict.batteries import Cell, observed


def of(battery: Observed) -> RunFindings:
    facts = facts_of(battery)
    return findings(About("1"), facts, ladder.decide(facts))


def saving(cell: Cell) -> dict[str, Any]:
    return {"tokens": 500} if cell.arm == LEARN and cell.iteration > 1 else {}


@given(st.integers(0, 2**32))
def test_any_battery_says_the_same_as_its_own_verdict(seed: int) -> None:
    battery = drawn.battery(seed)
    found, evidence = of(battery), assess(battery, plan=False)
    assert found.word == evidence.verdict
    assert found.counted == (
        evidence.verdict is not Word.INVALID and found.iterations > 1 and len(evidence.arms) == 2
    )
    group, all_ = evidence.group("all"), found.cost()
    if group and all_:
        assert all_.ratio == pytest.approx(group.ratio) if group.ratio else all_.ratio is None
        done = found.work()
        if done:
            assert (done.learn, done.learn_calls) == (group.learn_done, group.learn_calls)
            assert (done.frozen, done.frozen_calls) == (group.frozen_done, group.frozen_calls)
    bluffs = evidence.bluffs
    learned = (
        [claims.learn for claims in (bluffs.impossible, bluffs.refuted) if claims] if bluffs else []
    )
    assert found.bluffs == sum(learned)
    assert RunFindings.model_validate_json(found.model_dump_json()) == found


def test_a_run_tells_its_saving_by_kind_and_iteration() -> None:
    found = of(observed(saving))
    kinds = {cost.kind: cost.ratio for cost in found.costs}
    assert set(kinds) == {"all", "niche", "easy", "impossible"}
    assert len(found.by_iteration) == found.iterations - 1
    before = found.cost()
    assert before
    assert before.before == 1.0


def test_one_arm_or_one_iteration_is_no_effect() -> None:
    alone = of(observed(arms=(LEARN,)))
    assert alone.left_out
    assert "no twin" in alone.left_out
    short = of(observed(iterations=1))
    assert short.left_out
    assert "single iteration" in short.left_out
    assert (short.costs, short.done) == ([], [])


def test_work_adds_up_over_runs() -> None:
    one = of(observed())
    total = by_kind([one, one])
    assert [done.learn for done in total] == [2 * done.learn for done in one.done]
