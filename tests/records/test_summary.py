"""Metrics and summary hold what was measured, and null or nothing for the rest."""

from __future__ import annotations

import pytest

from battery.records.summary import Metrics, Summary
from tests.report.samples import MANIFEST, metrics, summary


def test_numbers_of_an_iteration_come_back_from_their_file() -> None:
    made = metrics(2, correction_effective=0.5)
    assert Metrics.model_validate_json(made.model_dump_json()) == made
    # What every iteration has is in the file, be it null.
    assert metrics(1).model_dump()["correction_effective"] is None


@pytest.mark.parametrize("state", ["running", "interrupted", "failed"])
def test_a_summary_says_how_far_an_unfinished_battery_came(state: str) -> None:
    assert summary(metrics(1), metrics(2), state=state).unfinished == (
        f"The battery is not finished (state: {state}): 2 of 3 iterations are complete."
    )


@pytest.mark.parametrize("state", ["finished", None])
def test_nothing_is_said_of_a_battery_that_finished_or_that_nobody_knows(state: str | None) -> None:
    assert summary(metrics(1), metrics(2), state=state).unfinished is None


def test_a_summary_of_an_earlier_version_is_read_without_what_it_lacks() -> None:
    later = {"evidence", "control", "scorecard", "iterations_wanted", "seed"}
    document = summary(metrics(1)).model_dump(mode="json", exclude=later)
    read = Summary.model_validate(document)
    assert (read.evidence, read.control, read.scorecard, read.seed) == (None, [], None, None)
    assert read.run_id == MANIFEST.run_id
