"""A line knows the field that it begins by the name of the field."""

from __future__ import annotations

import pytest

from battery.review.labels import label_at, label_of


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("target file", "target"),
        ("target_file", "target"),
        ("Expected Impact", "impact"),
        ("Expected impact on metrics", "impact"),
        ("Expected result", "impact"),
        ("File to edit", "target"),
        ("Location", "target"),
        ("why", "reason"),
        ("final verdict", "verdict"),
        ("Result", "verdict"),
        ("目标文件", "target"),
        ("begründung", "reason"),
        ("effort", None),
        ("the verdict", None),
    ],
)
def test_a_name_is_known_in_its_variants(name: str, label: str | None) -> None:
    assert label_of(name) == label


@pytest.mark.parametrize(
    ("line", "label", "value"),
    [
        ("**Verdict**: APPROVE", "verdict", "APPROVE"),
        ("⚖️ Verdict ➜ APPROVE", "verdict", "APPROVE"),
        ("*Reason* (short): fine", "reason", "fine"),
        ("**裁决\uff1a**APPROVE", "verdict", "APPROVE"),
        ("Initial verdict: REJECT", None, ""),
    ],
)
def test_a_label_ends_where_its_value_begins(line: str, label: str | None, value: str) -> None:
    found = label_at(line, alone=False)
    assert (found and found[0], line[found[1] :] if found else "") == (label, value)
