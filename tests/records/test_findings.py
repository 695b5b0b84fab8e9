"""A finding is kept whole on its way through JSON, and a contrast knows its two sides."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from battery.records.comparison import Change
from battery.records.findings import Contrast, Effect, Evidence, Gate, Interval
from battery.records.word import GateName, GateStatus
from battery.verdict.assess import assess
from tests.verdict.batteries import learning, observed

ROW: dict[str, Any] = {
    "metric": "total_tokens",
    "kind": "ratio",
    "value": 0.5,
    "interval": None,
    "net": None,
    "p": None,
    "p_corrected": None,
    "p_holm": None,
    "p_net": None,
    "tasks": 8,
}
EFFECT = Effect(**ROW, learn=500.0, frozen=1000.0)
CHANGE = Change(**ROW, after=500.0, before=1000.0, net_interval=None, cells=16)


@pytest.mark.parametrize("contrast", [EFFECT, CHANGE])
def test_a_contrast_has_its_own_mean_and_that_of_its_base(contrast: Contrast) -> None:
    assert (contrast.own, contrast.base) == (500, 1000)


def test_a_contrast_without_a_limit_needs_no_note() -> None:
    assert EFFECT.note is None
    assert "sides" not in EFFECT.model_dump()


def test_all_that_was_found_comes_back_from_json() -> None:
    found = assess(observed(learning))
    assert Evidence.model_validate_json(found.model_dump_json()) == found


def test_a_key_of_another_version_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="confidence"):
        Interval.model_validate({"low": 0, "high": 1, "level": 0.95, "confidence": 0.95})


def test_a_finding_cannot_be_changed() -> None:
    effect: Any = EFFECT
    with pytest.raises(ValidationError, match="frozen"):
        effect.value = 0.1


def test_the_words_of_a_gate_are_read_back_as_words() -> None:
    gate = Gate.model_validate({"name": "beta", "title": "", "status": "failed", "text": ""})
    assert gate.name is GateName.BETA
    assert gate.status is GateStatus.FAILED
    with pytest.raises(ValidationError, match="status"):
        Gate.model_validate({**gate.model_dump(), "status": "lost"})
