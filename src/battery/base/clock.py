"""The wall clock, as the artifacts write it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """Return the present moment in UTC, in whole seconds: `2026-01-31T12:00:00Z`."""
    return stamp(datetime.now(UTC).timestamp())


def stamp(seconds: float) -> str:
    """Write seconds since the epoch as ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
