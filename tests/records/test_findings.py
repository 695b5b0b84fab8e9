"""A finding is kept whole on its way through JSON."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from battery.records.findings import Evidence, Gate, Interval
from battery.records.word import GateName, GateStatus
from battery.verdict.assess import assess
from tests.verdict.batteries import learning, observed


def test_all_that_was_found_comes_back_from_json() -> None:
    found = assess(observed(learning))
    assert Evidence.model_validate_json(found.model_dump_json()) == found


def test_a_key_of_another_version_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="confidence"):
        Interval.model_validate({"low": 0, "high": 1, "level": 0.95, "confidence": 0.95})


def test_a_finding_cannot_be_changed() -> None:
    interval: Any = Interval(low=0, high=1, level=0.95)
    with pytest.raises(ValidationError, match="frozen"):
        interval.low = 0.1


def test_the_words_of_a_gate_are_read_back_as_words() -> None:
    gate = Gate.model_validate({"name": "beta", "title": "", "status": "failed", "text": ""})
    assert gate.name is GateName.BETA
    assert gate.status is GateStatus.FAILED
    with pytest.raises(ValidationError, match="status"):
        Gate.model_validate({**gate.model_dump(), "status": "lost"})
