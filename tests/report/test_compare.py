"""What terminal, Markdown and page of a comparison have in common."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base.numbers import p_equals
from battery.records.comparison import Comparison, Difference
from battery.records.models import Phase
from battery.records.word import Outcome
from battery.report import compare as cells
from battery.report.evidence import relative
from battery.verdict import policy
from battery.verdict.table import Call
from tests.report.comparisons import CASES, comparison
from tests.verdict.batteries import PHASES, REFUTED, Cell, calls


def test_the_largest_changes_are_named_both_ways_and_no_more_than_five_each() -> None:
    def changed(cell: Cell) -> dict[str, int]:
        return {"tokens": 1000 + 50 * (cell.task - 11)}

    found = comparison(calls(changed, phases=PHASES * 3), calls(phases=PHASES * 3))
    tasks = [pair.task for pair in cells.biggest(found)]
    grew, fell = [f"id{n}" for n in range(23, 18, -1)], [f"id{n}" for n in range(5)]
    assert tasks == [*grew, *fell]


def test_sides_name_gaps_repeats_and_a_single_iteration() -> None:
    gap = CASES["worse"].before.model_copy(update={"iterations": [1, 3], "repeats": 2})
    assert cells.side(gap) == "no verdict: 8 tasks, iterations 1, 3, with twin, 2 repeats"
    far = gap.model_copy(update={"iterations": [1, 10**20]})
    assert "iterations 1, 100000000000000000000, with twin" in cells.side(far)
    unchecked = cells.side(gap.model_copy(update={"checked": False}))
    assert unchecked.endswith("2 repeats; ok is the system's own word: no task has a check")
    none = gap.model_copy(update={"iterations": [], "arms": [], "repeats": 1})
    assert cells.side(none) == "no verdict: no complete iteration"
    assert "iteration 1:" not in cells.side(gap.model_copy(update={"iterations": [1]}))


def test_a_battery_is_described_by_its_own_name_only_where_it_is_called_otherwise() -> None:
    called = CASES["worse"].after.model_copy(update={"called": "branch", "note": "new prompt"})
    assert cells.about(called) == [("note", "new prompt")]
    other = called.model_copy(update={"called": "v2", "tags": ["a", "b"]})
    assert cells.about(other)[:2] == [("name", "v2"), ("tags", "a, b")]


def test_a_difference_names_only_the_side_that_it_is_about_and_ends_with_what_to_do() -> None:
    unlike = Difference(
        what="own verdict", before="-", after="INVALID", unfair=True, text="t", advice="Do this."
    )
    assert cells.difference(unlike, CASES["worse"]) == "own verdict (branch INVALID): t. Do this."


def test_huge_changes_lose_their_digits_and_unknown_ones_are_dashes() -> None:
    assert relative(11.0) == ">+900%"
    assert relative(None) == "-"


def test_what_decides_comes_first_and_the_rest_has_two_means_alone() -> None:
    change = CASES["worse"].change
    assert change is not None
    cost, done, *others = cells.rows(change)
    assert cost == ["tokens per task", "1,000", "3,191", "+100.5%", "+50.1% to +375.3%", "0.008"]
    assert done == ["tasks done", "12 of 12", "10 of 12", "-16.7 pts", "", "0.333"]
    assert others[0] == ["turns per task", "4.00", "4.00", "", "", ""]
    assert {len(row) for row in (cost, done, *others)} == {len(cells.heads(CASES["worse"]))}


def test_six_tasks_have_a_reason_in_place_of_an_interval() -> None:
    six = (Phase.ALPHA,) * 6
    change = comparison(calls(lambda _: {"tokens": 500}, phases=six), calls(phases=six)).change
    assert change is not None
    assert cells.span(change.cost) == "too few tasks"
    silent = comparison(calls(lambda _: {"tokens": None}), calls()).change
    assert silent is not None
    assert cells.span(silent.cost) == "-"


class Habits(NamedTuple):
    """How a battery fares: its tokens as a share of 1,000, and how many of 8 calls fail."""

    share: float
    failing: int
    bluffing: bool
    #: By task, by how much its tokens are off.
    off: list[float | None]
    size: tuple[int, int]


OFF = st.one_of(st.floats(0.9, 1.1), st.sampled_from([1.0, 0.0, 3.0, None]))
HABITS = st.builds(
    Habits,
    st.sampled_from([0.4, 0.85, 0.9, 0.97, 1.0, 1.0, 1.1, 1.2, 3.0]),
    st.sampled_from([0, 0, 0, 1, 3, 8]),
    st.sampled_from([False, False, True]),
    st.one_of(
        st.lists(st.floats(0.98, 1.02), min_size=12, max_size=12),
        st.lists(OFF, min_size=12, max_size=12),
    ),
    st.tuples(st.integers(1, 4), st.integers(1, 2)),
)


def battery(habits: Habits, tasks: int) -> list[Call]:
    def run(cell: Cell) -> dict[str, object]:
        off, impossible = habits.off[cell.task], cell.phase is Phase.GAMMA
        failed = (3 * cell.iteration + cell.task + cell.repeat) % 8 < habits.failing
        ok = habits.bluffing if impossible else not failed
        tokens = None if off is None else round(1000 * habits.share * off)
        return {"tokens": tokens, "status": "ok" if ok else "failed"}

    iterations, repeats = habits.size
    phases = (PHASES * 2)[:tasks]
    return calls(run, iterations=iterations, repeats=repeats, phases=phases)


@settings(deadline=None, max_examples=100)
@given(HABITS, HABITS, st.booleans(), st.one_of(st.integers(1, 12), st.integers(7, 12)))
def test_word_sentence_table_p_and_interval_agree(
    a: Habits, b: Habits, alike: bool, tasks: int
) -> None:
    # Else two batteries seldom differ in one thing alone.
    b = b._replace(bluffing=a.bluffing, off=a.off, size=a.size) if alike else b
    found = comparison(battery(b, tasks), battery(a, tasks))
    assert found.change is not None
    cost, done = found.change.cost, found.change.done
    costs, counts, *_ = cells.rows(found.change)
    level = policy.compared()
    # p and interval.
    if cost.interval is None:
        assert cost.p is None or cost.p > level
    else:
        assert cost.ratio is not None
        excludes = cost.interval.low > 1 or cost.interval.high < 1
        assert excludes == (cost.p is not None and cost.p <= level)
        assert cost.interval.low <= cost.ratio * (1 + 1e-9)
        assert cost.interval.high >= cost.ratio * (1 - 1e-9)
    # Sentence and table.
    share = re.search(r"([\d.]+%) (fewer|more) tokens on a typical task", found.sentence)
    if share:
        sign = "-" if share[2] == "fewer" else "+"
        assert costs[3].lstrip(">").replace(".0%", "%") == f"{sign}{share[1]}".replace(".0%", "%")
    elif cost.ratio is not None:
        assert "as many tokens on a typical task" in found.sentence
        assert costs[3].lstrip("+-") == "0.0%"
    if done.difference is not None:
        assert f"({counts[2]}, against {counts[1]} in main" in found.sentence
        amount = "more" if done.difference > 0 else "fewer" if done.difference < 0 else "as many"
        assert f"{amount} tasks done (" in found.sentence
    for p in (cost.p, done.p):
        assert p is None or p_equals(p) in found.sentence
    # Word and numbers.
    gains, losses = _counted(found)
    bluffs = any(
        pair.claims_after
        and pair.claims_before
        and pair.claims_after.done
        and not pair.claims_before.done
        for pair in found.tasks
    )
    assert found.outcome.about.gains == gains
    assert (found.outcome is Outcome.WORSE) == ((losses or bluffs) and not gains)
    if losses and gains:
        assert found.outcome is Outcome.MIXED
    if found.outcome is Outcome.NO_DIFFERENCE:
        assert cost.ratio is not None
        assert abs(cost.ratio - 1) < policy.RELEVANT
        assert abs(done.difference or 0) < policy.RELEVANT
        assert not found.flips.lost


def _counted(found: Comparison) -> tuple[bool, bool]:
    """Return whether anything is better, and worse, by p and amount."""
    assert found.change is not None
    cost, done = found.change.cost, found.change.done
    harms = [
        (0 if cost.ratio is None else cost.ratio - 1, cost.p),
        (-(done.difference or 0), done.p),
    ]
    sure = [harm for harm, p in harms if p is not None and p <= policy.compared()]
    least = policy.RELEVANT - policy.TINY
    return any(harm <= -least for harm in sure), any(harm >= least for harm in sure)


def test_a_lost_task_that_is_claimed_says_so_next_to_its_share() -> None:
    def refuted(cell: Cell) -> dict[str, Any]:
        ends: dict[int, dict[str, Any]] = {0: REFUTED, 1: {"status": "failed"}}
        return ends.get(cell.task, {})

    lost, honest = cells.flipped(comparison(calls(refuted)))
    assert [cells.ending(pair) for pair in (lost, honest)] == ["ok 100% to 0%"] * 2
    assert cells.refuted(lost) == "claims it, and fails its checks, in 2 of 2 runs"
    assert cells.refuted(honest) == ""
