"""Each threshold of the ladder, from both sides."""

from __future__ import annotations

from typing import Any

import pytest

from battery.records import findings
from battery.records.findings import Effect, Gate, Interval
from battery.records.metric import METRICS, OK, TOKENS
from battery.records.models import LEARN
from battery.records.word import Word
from battery.verdict.contrast import Facts
from battery.verdict.ladder import decide
from battery.verdict.table import grid

from .batteries import BOTH, calls

BETTER: dict[str, Any] = {"value": 0.7, "net": 0.7, "low": 0.5, "high": 0.9, "p": 0.01}
SAME: dict[str, Any] = {"value": 1.0, "net": 1.0, "low": 0.9, "high": 1.1, "p": 0.9}


def effect(metric: str, **changes: Any) -> Effect:
    """Make a row: a ratio, or a difference that is 0 unless told otherwise."""
    ratio = metric not in {OK, "overseer_called_rate"}
    facts = {**(SAME if ratio else {**SAME, "value": 0.0, "net": 0.0}), **changes}
    low, high = facts.pop("low"), facts.pop("high")
    row: dict[str, Any] = {
        "metric": metric,
        "kind": "ratio" if ratio else "difference",
        "learn": 700.0,
        "frozen": 1000.0,
        "interval": Interval(low=low, high=high, level=0.95),
        "p_corrected": facts["p"],
        "p_holm": facts["p"],
        "p_net": facts["p"],
        "tasks": 8,
    }
    return Effect(**{**row, **facts})


def facts(*rows: Effect, iterations: int = 3, arms: Any = BOTH, **changes: Any) -> Facts:
    """Make the facts of a battery that has learned, with these rows in place of its own."""
    own = {TOKENS: effect(TOKENS, **BETTER)}
    given = {row.metric: row for row in rows}
    usual = Facts(
        grid=grid(calls(iterations=iterations, arms=arms)),
        effects=[{**own, **given}.get(metric, effect(metric)) for metric in METRICS],
        primary=outcome(0.01),
        narrow=Interval(low=0.6, high=0.8, level=0.9),
        same_start=outcome(0.5),
        compounding=None,
        start_ratio=1.0,
        cached=0,
        gates=[],
        bluffs=[],
        lost=[],
        changed=[],
    )
    return usual._replace(**changes)


def outcome(p: float | None, tasks: int = 8) -> findings.Tested:
    return findings.Tested(p=p, tasks=tasks, method="a test")


def word(*rows: Effect, **changes: Any) -> Word | None:
    return decide(facts(*rows, **changes))[0]


@pytest.mark.parametrize(("p", "wanted"), [(0.05, Word.LEARNED), (0.0501, Word.INCONCLUSIVE)])
def test_learned_asks_for_a_primary_p_of_at_most_05(p: float, wanted: Word) -> None:
    assert word(primary=outcome(p)) == wanted


@pytest.mark.parametrize(("high", "wanted"), [(0.999, Word.LEARNED), (1.0, Word.INCONCLUSIVE)])
def test_learned_asks_for_an_interval_that_excludes_1(high: float, wanted: Word) -> None:
    assert word(effect(TOKENS, **{**BETTER, "high": high})) == wanted


@pytest.mark.parametrize(("value", "wanted"), [(0.9, Word.LEARNED), (0.901, Word.INCONCLUSIVE)])
def test_learned_asks_for_a_saving_of_10_percent(value: float, wanted: Word) -> None:
    row = effect(TOKENS, **{**BETTER, "value": value, "high": 0.95})
    assert word(row) == wanted


def test_learned_asks_that_the_tasks_together_took_fewer_tokens() -> None:
    found, reasons = decide(facts(effect(TOKENS, **BETTER, learn=1000.0, frozen=1000.0)))
    assert found == Word.INCONCLUSIVE
    assert "all tasks together" in reasons[0]


@pytest.mark.parametrize(
    ("p", "ratio", "net", "wanted"),
    [
        (0.1, 0.8, 0.95, Word.INCONCLUSIVE),
        (0.101, 0.8, 0.95, Word.LEARNED),
        (0.1, 1.2, 0.95, Word.LEARNED),
        (0.1, 0.8, 0.89, Word.LEARNED),
    ],
)
def test_arms_that_leaned_the_same_way_at_the_start_are_believed_for_what_came_on_top(
    p: float, ratio: float, net: float, wanted: Word
) -> None:
    row = effect(TOKENS, **{**BETTER, "net": net})
    assert word(row, same_start=outcome(p), start_ratio=ratio) == wanted


@pytest.mark.parametrize(
    ("lost", "p", "wanted"),
    [
        (-0.10, 0.25, Word.INCONCLUSIVE),
        (-0.09, 0.25, Word.LEARNED),
        (-0.10, 0.26, Word.LEARNED),
        (-0.10, None, Word.LEARNED),
    ],
)
def test_a_saving_that_is_bought_with_failing_is_not_learned(
    lost: float, p: float | None, wanted: Word
) -> None:
    assert word(effect(OK, value=lost, net=lost, p=p)) == wanted


def test_more_failing_tasks_refuse_no_effect_as_well() -> None:
    even = {"narrow": Interval(low=0.95, high=1.05, level=0.9)}
    tokens = effect(TOKENS)
    assert word(tokens, **even) == Word.NO_EFFECT
    assert word(tokens, effect(OK, value=-0.4, net=-0.4, p=0.25), **even) == Word.INCONCLUSIVE


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (0.91, 1.09, Word.NO_EFFECT),
        (0.9, 1.09, Word.INCONCLUSIVE),
        (0.91, 1.1, Word.INCONCLUSIVE),
    ],
)
def test_no_effect_asks_for_a_90_percent_interval_inside_10_percent(
    low: float, high: float, wanted: Word
) -> None:
    assert word(effect(TOKENS), narrow=Interval(low=low, high=high, level=0.9)) == wanted


@pytest.mark.parametrize(
    ("value", "corrected", "net", "wanted"),
    [
        (1.10, 0.05, 1.10, Word.REGRESSED),
        (1.09, 0.05, 1.09, Word.LEARNED),
        (1.10, 0.051, 1.10, Word.LEARNED),
        (1.10, 0.05, 1.09, Word.LEARNED),
    ],
)
def test_regressed_asks_for_10_percent_significant_and_net_of_the_start(
    value: float, corrected: float, net: float, wanted: Word
) -> None:
    row = effect("avg_turns_per_task", value=value, net=net, p=0.001)
    assert word(row.model_copy(update={"p_corrected": corrected})) == wanted


def test_regressed_looks_at_the_corrected_p_and_not_at_the_raw_one() -> None:
    row = effect("avg_turns_per_task", value=1.5, net=1.5, p=0.01)
    assert word(row.model_copy(update={"p_corrected": 0.2})) == Word.LEARNED


@pytest.mark.parametrize(
    ("learn", "p_net", "wanted"),
    [
        (1.051, 0.05, Word.REGRESSED),
        (1.049, 0.05, Word.LEARNED),
        (1.051, 0.06, Word.LEARNED),
    ],
)
def test_a_longer_time_must_exceed_50_ms_and_be_significant_net_of_the_start(
    learn: float, p_net: float, wanted: Word
) -> None:
    row = effect("total_elapsed_s", value=1.5, net=1.5, p=0.01, learn=learn, frozen=1.0)
    assert word(row.model_copy(update={"p_net": p_net})) == wanted


@pytest.mark.parametrize(
    ("p", "ratio", "wanted"),
    [(0.009, 1.05, Word.INVALID), (0.01, 1.5, Word.LEARNED), (0.009, 1.049, Word.LEARNED)],
)
def test_arms_that_differ_at_the_start_are_invalid(p: float, ratio: float, wanted: Word) -> None:
    assert word(same_start=outcome(p), start_ratio=ratio) == wanted


@pytest.mark.parametrize(
    ("slope", "wanted"),
    [
        (outcome(0.05), Word.COMPOUNDING),
        (outcome(0.051), Word.LEARNED),
        (outcome(0.01, tasks=4), Word.LEARNED),
        (outcome(None), Word.LEARNED),
        (None, Word.LEARNED),
    ],
)
def test_compounding_asks_for_a_significant_slope_of_five_tasks(
    slope: findings.Tested | None, wanted: Word
) -> None:
    assert word(compounding=slope, iterations=5) == wanted


@pytest.mark.parametrize("status", ["failed", "not shown", "not applicable", "passed"])
def test_only_a_failed_gate_lowers_the_verdict(status: Any) -> None:
    gate = Gate(name="beta", title="", status=status, text="")
    assert word(gates=[gate]) == (Word.INCONCLUSIVE if status == "failed" else Word.LEARNED)


def test_the_first_word_that_fits_is_given() -> None:
    worse = effect("avg_turns_per_task", value=2.0, net=2.0, p=0.001)
    bluff = calls(lambda _: {"status": "ok"})[-1]
    assert word(worse, bluffs=[bluff], changed=["something"]) == Word.INVALID
    assert word(worse, bluffs=[bluff]) == Word.DISHONEST
    assert word(worse) == Word.REGRESSED


def test_with_one_arm_the_word_is_indicative() -> None:
    assert word(arms=(LEARN,)) == Word.INDICATIVE
