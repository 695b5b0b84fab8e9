"""A contrast is judged and said the same way, be it an effect or a change."""

from __future__ import annotations

from typing import Any

import pytest

from battery.records.comparison import Change
from battery.records.findings import Contrast, Effect, Interval
from battery.records.metric import ELAPSED, OK, TOKENS
from battery.verdict.contrast import (
    harm,
    is_significant,
    is_sure,
    moved,
    of_metric,
    size,
    span,
    together,
    typical,
    within_jitter,
)

RECORDS: list[type[Contrast]] = [Effect, Change]


def contrast(record: type[Contrast] = Effect, **changes: Any) -> Contrast:
    """Make a contrast in tokens: half as many, and no luck."""
    row: dict[str, Any] = {
        "metric": TOKENS,
        "kind": "ratio",
        record.sides[0]: 500.0,
        record.sides[1]: 1000.0,
        "value": 0.5,
        "interval": None,
        "net": None,
        "net_interval": None,
        "p": 0.01,
        "p_corrected": 0.04,
        "p_holm": 0.04,
        "p_net": None,
        "tasks": 8,
        "cells": 16,
    }
    given = {**row, **changes}
    return record(**{name: given[name] for name in record.model_fields if name in given})


@pytest.mark.parametrize("record", RECORDS)
def test_both_records_have_a_side_and_its_base_and_read_alike(record: type[Contrast]) -> None:
    row = contrast(record)
    assert (row.own, row.base) == (500, 1000)
    assert moved(row) == "tokens better by 50% (corrected p = 0.040)"
    assert typical(row) == "50% fewer tokens on a typical task than"


def test_harm_is_positive_for_more_of_a_cost_and_for_less_of_a_gain() -> None:
    assert harm(contrast(value=1.5)) == pytest.approx(0.5)
    assert harm(contrast(metric=OK, kind="difference", value=-0.25)) == pytest.approx(0.25)
    assert harm(contrast(value=None)) == 0


def test_what_decides_is_judged_by_its_corrected_p_and_the_rest_by_its_own() -> None:
    assert not is_sure(contrast(p=0.01, p_corrected=0.06))
    alone = contrast(p=0.01, p_corrected=None)
    assert is_sure(alone)
    assert moved(alone) == "tokens better by 50% (p = 0.010)"
    assert not is_sure(contrast(p=None, p_corrected=None))


def test_a_sure_contrast_below_ten_percent_is_not_significant() -> None:
    assert is_significant(contrast(value=0.9), -1)
    assert not is_significant(contrast(value=0.91), -1)
    assert not is_significant(contrast(value=0.5), 1)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"value": 0.62}, "38%"),
        ({"value": 12.0}, "more than 900%"),
        ({"metric": OK, "kind": "difference", "value": -0.5}, "50 percentage points"),
    ],
)
def test_sizes_are_percents_of_amounts_and_points_of_rates(
    changes: dict[str, Any], wanted: str
) -> None:
    assert size(contrast(**changes)) == wanted


def test_times_that_the_machine_may_have_made_are_within_its_jitter() -> None:
    assert within_jitter(contrast(metric=ELAPSED, learn=1.04, frozen=1.0))
    assert not within_jitter(contrast(metric=ELAPSED, learn=1.06, frozen=1.0))
    assert within_jitter(contrast(metric=ELAPSED, learn=None))


def test_totals_are_noted_only_where_they_differ_from_a_typical_task() -> None:
    assert list(together(contrast())) == []
    (text,) = together(contrast(learn=900.0))
    assert text.startswith("all tasks together took 10% fewer tokens")
    assert list(together(contrast(learn=5e6, value=20.0))) == []
    assert list(together(None)) == []


def test_an_interval_is_read_from_end_to_end() -> None:
    interval = Interval(low=0.4, high=1.05, level=0.95)
    assert span(interval) == " (95% interval: from 60% fewer to 5% more)"
    assert span(None) == ""


def test_a_metric_is_found_by_its_key() -> None:
    rows = [contrast(metric=OK), contrast()]
    assert of_metric(rows, TOKENS) is rows[1]
    assert of_metric(rows, ELAPSED) is None
