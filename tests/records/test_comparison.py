"""A comparison comes back whole from JSON, whatever its batteries are called."""

from __future__ import annotations

import os

import pytest

from battery.records.comparison import Comparison, Difference, Side
from tests.report.comparisons import CASES, comparison, side


@pytest.mark.parametrize("name", CASES)
def test_a_comparison_comes_back_from_json(name: str) -> None:
    assert Comparison.model_validate_json(CASES[name].model_dump_json()) == CASES[name]


def test_a_folder_whose_name_is_not_utf_8_is_shown_with_its_bytes() -> None:
    named = Side.model_validate({**side("x", "x").model_dump(), "folder": os.fsdecode(b"run\xff")})
    assert named.folder == r"run\udcff"
    assert Side.model_validate_json(named.model_dump_json()) == named
    assert side("läuft", "x").folder == "läuft"


@pytest.mark.parametrize(
    ("limits", "unfair"), [([], False), ([False], False), ([False, True], True)]
)
def test_one_difference_that_limits_it_makes_a_comparison_unfair(
    limits: list[bool], unfair: bool
) -> None:
    differences = [
        Difference(what="w", before=None, after=None, unfair=limit, text="t") for limit in limits
    ]
    assert comparison(differences=differences).unfair is unfair
