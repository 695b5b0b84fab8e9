"""A proposal to judge."""

from __future__ import annotations

from battery.records.models import Proposal


def proposal(number: int, title: str, target: str | None = None) -> Proposal:
    """Make a proposal of which only these are known."""
    return Proposal(
        number=number,
        title=title,
        target_file=target,
        rationale=None,
        expected_impact=None,
        metric=None,
    )
