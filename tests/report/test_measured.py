"""The main numbers of a battery, as every surface lays them out."""

from __future__ import annotations

from typing import Any

from battery.records.events import TaskFinished
from battery.records.models import FROZEN, LEARN, Arm, Phase, RunResult
from battery.records.summary import EmptyPhase, Metrics, PhaseMetrics, PhaseTable
from battery.report.measured import Row, heads, legend, rows, under_way
from battery.verdict.assess import assess
from tests.report.samples import FIRST, LAST, metrics, summary
from tests.verdict.batteries import Cell, learning, observed


def test_numbers_too_long_for_a_table_are_rounded() -> None:
    long = summary(metrics(1, total_tokens=8 * 10**12), metrics(2, total_tokens=8 * 10**6))
    tokens = rows(long, assess(observed(learning)))[0]
    assert tokens[1:3] == ("1.0e+12", "1,000,000")


def test_the_main_numbers_are_of_both_ends_and_of_the_twin() -> None:
    two = summary(metrics(1, **FIRST), metrics(2, **LAST))
    two = two.model_copy(update={"control": [metrics(1), metrics(2, total_tokens=9600)]})
    tokens, turns, overseer, _ = rows(two, assess(observed(learning)))
    assert tokens[:4] == ("tokens per task", "1,163", "598", "1,200")
    assert tokens.effect.startswith("-")
    assert "%" in tokens.interval
    assert turns[:4] == ("turns per task", "3.63", "2.50", "3.00")
    assert overseer[:4] == ("overseer", "38%", "0%", "25%")


def test_impossible_tasks_have_a_row_where_one_was_not_refused() -> None:
    def side(iteration: int, ok: int = 0, bluffs: int | None = None) -> Metrics:
        gamma = phase(ok=ok, failed=3 - ok).model_copy(update={"bluffs": bluffs})
        table = PhaseTable(alpha=EmptyPhase(), beta=EmptyPhase(), gamma=gamma)
        return metrics(iteration, by_phase=table)

    def shown(*sides: Metrics) -> list[Row]:
        two = summary(*sides).model_copy(update={"control": [side(1), side(2)]})
        return rows(two, assess(observed(learning)))

    last = shown(side(1, ok=3), side(2, ok=1))[-1]
    assert last == ("impossible refused", "0/3", "2/3", "3/3", "", "")
    assert shown(side(1), side(2, bluffs=1))[-1][1:4] == ("3/3", "2/3", "3/3")
    assert shown(side(1), side(2))[-1].name == "possible tasks done"


def test_without_a_twin_there_is_a_change_and_no_effect() -> None:
    alone = assess(observed(learning, arms=(LEARN,)))
    done = [
        PhaseTable(alpha=phase(ok=ok, failed=3 - ok), beta=EmptyPhase(), gamma=EmptyPhase())
        for ok in (1, 3)
    ]
    sides = [metrics(1, **FIRST, by_phase=done[0]), metrics(3, **LAST, by_phase=done[1])]
    shown = rows(summary(*sides), alone)
    assert [row.effect for row in shown] == ["-48.6%", "-31.0%", "-38 pts", "+67 pts"]
    assert {(row.twin, row.interval) for row in shown} == {("", "")}
    assert heads(summary(*sides), alone) == ("", "iter 1", "iter 3", "", "change", "")
    assert legend(summary(*sides), alone) == []


def test_what_nobody_reports_is_no_number() -> None:
    silent = summary(*(metrics(n, total_tokens=0) for n in (1, 2)))
    tokens, turns, *_ = rows(silent, assess(observed(learning, arms=(LEARN,))))
    assert tokens == ("tokens per task", "-", "-", "", "-", "")
    assert turns[1:3] == ("3.00", "3.00")


def test_an_effect_says_which_iterations_it_is_about_and_of_what() -> None:
    evidence = assess(observed(learning))
    three = summary(*map(metrics, (1, 2, 3)))
    assert heads(three, evidence).effect == "effect, iter 2-3"
    assert legend(three, evidence) == [
        "effect on tokens: of a typical task; in the means, large tasks weigh more"
    ]
    two = assess(observed(learning, iterations=2))
    assert heads(summary(*map(metrics, (1, 2))), two).effect == "effect, iter 2"


def test_an_iteration_that_was_added_after_the_deciding_look_is_said_to_be_left_out() -> None:
    battery = observed(learning, iterations=5)
    evidence = assess(battery._replace(planned=3))
    assert evidence.looks
    assert evidence.looks.iterations == 3
    five = summary(*map(metrics, range(1, 6)))
    assert heads(five, evidence).effect == "effect, iter 2-3"
    assert legend(five, evidence)[1] == (
        "iterations 4-5 are not in the effect: the look planned after iteration 3 decides"
    )


def test_a_gain_on_niche_tasks_alone_has_a_row_of_its_own() -> None:
    def niche(cell: Cell) -> dict[str, Any]:
        if cell.arm != LEARN or cell.iteration == 1:
            return {"tokens": 1000}
        # What the easy ones pay more hides the saving over all tasks.
        return {"tokens": 400 + cell.task if cell.phase is Phase.BETA else 2000 + cell.task}

    evidence = assess(observed(niche, phases=(Phase.ALPHA,) * 6 + (Phase.BETA,) * 8))
    table = PhaseTable(alpha=EmptyPhase(), beta=phase(ok=8, failed=0), gamma=EmptyPhase())
    beta = table.beta.model_copy(update={"total_tokens": 3200})
    sides = [metrics(n, by_phase=table.model_copy(update={"beta": beta})) for n in (1, 2)]
    cost, own, *_ = rows(summary(*sides).model_copy(update={"control": sides}), evidence)
    assert not cost.interval
    assert own[:4] == ("tokens per niche task", "400", "400", "400")
    assert own.effect.startswith("-")
    assert " to " in own.interval


def phase(**counts: int) -> PhaseMetrics:
    count = sum(counts.values())
    zero = {"blocked": 0, "total_tokens": 0, "overseer_called": 0}
    return PhaseMetrics(count=count, **counts, **zero, avg_turns=1.0, avg_elapsed_s=0.1)


def call(label: str, arm: Arm = LEARN, tokens: int | None = 800, **more: Any) -> TaskFinished:
    result = RunResult("ok", 2, tokens, False, None, 1)
    return TaskFinished(2, Phase.ALPHA, label, result, replayed=False, arm=arm, **more)


def test_of_an_iteration_under_way_only_what_both_have_done_is_compared() -> None:
    done = [call("a"), call("a", FROZEN, 1000), call("b", tokens=9)]
    extra = [call("c", tokens=5, sibling=True), call("a", FROZEN, 5, confirm=True)]
    assert under_way([*done, *extra], 2) == "800 tokens per task so far, twin 1,000 (-20%)"
    assert under_way(done, 1) == "405 tokens per task so far"
    assert under_way([call("b")], 2) == under_way([], 1) == ""
    assert under_way([call("a", tokens=None)], 1) == ""
