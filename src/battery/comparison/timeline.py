"""Many batteries in the order of their start, and whether the tokens of like ones have a trend.

Batteries are the unit: the tasks of one battery share its memory, its provider and its day, and
are no independent witnesses of a trend. Only batteries that asked the same tasks of the same system
are like ones.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal

import numpy as np
from pydantic import Field

from battery.base.numbers import p_equals
from battery.base.text import listed
from battery.records.comparison import FileName
from battery.records.findings import Interval, Record
from battery.records.models import SCHEMA_VERSION
from battery.records.word import Word
from battery.verdict import policy
from battery.verdict.signflip import either_way
from battery.verdict.statistics import page

#: With four batteries no order has a two-sided p below 2/24, and none is a trend.
LEAST: Final = 5


class Entry(Record):
    """One battery of a history."""

    folder: FileName = Field(description="Below the folder that was searched.")
    run_id: str | None = Field(description="From the manifest; null without one.")
    name: str | None = Field(default=None, description="What its user calls it.")
    note: str | None = Field(default=None, description="What its user notes about it.")
    tags: list[str] = Field(default=[], description="Words its user sorts batteries by.")
    started_at: str = Field(
        description="From the manifest, else when the oldest `runs.json` was written."
    )
    dated_by: Literal["manifest", "summary", "files"] = Field(
        description="What the start was read from; `summary` is that of the original script."
    )
    state: str | None = Field(description="From the manifest; null without one.")
    models: dict[str, str] | None = Field(description="By role; null without a manifest.")
    iterations: int = Field(
        description="Those whose tasks are all done; the review of the last may still be missing."
    )
    tasks: int = Field(description="Number of tasks.")
    verdict: Word | None = Field(
        description="From `summary.json` while that is up to date, else computed again."
    )
    tokens: float | None = Field(
        description="Mean tokens per task of the learner, last iteration; null if none reported."
    )
    cost_usd: float | None = Field(
        default=None, description="Mean cost per task there, in US dollars; null if not all priced."
    )
    ok: float | None = Field(
        description="Share of the tasks that can be done that ended ok in the last iteration."
    )
    effect: float | None = Field(
        description="Cost of a typical task, learner over twin: of all tasks, or of niche ones "
        "where the verdict rests on these alone. Null with one arm."
    )
    interval: Interval | None = Field(description="Interval of the effect.")
    system: str | None = Field(
        default=None,
        description="What was measured: its target and executor model; null without a manifest.",
    )
    group: int | None = Field(
        description="Number of its set: the batteries that asked the same tasks of the same "
        "system. Null without a complete iteration."
    )

    def has(self, tags: Collection[str]) -> bool:
        """Return whether it has all of these tags."""
        return set(tags) <= set(self.tags)


class Course(Record):
    """The batteries of the same tasks and system, from the oldest to the newest."""

    group: int = Field(description="Number of the set.")
    tasks: int = Field(description="How many tasks it has.")
    system: str | None = Field(default=None, description="What was measured in it.")
    batteries: int = Field(description="Those that report tokens.")
    tokens: list[float] = Field(description="Tokens per task in the last iteration of each.")
    change: float | None = Field(description="Last over first, minus 1; null with one battery.")
    p: float | None = Field(description="Two-sided; null with few batteries, or if all are equal.")
    text: str = Field(description="What may be said of a trend.")

    @property
    def short(self) -> bool:
        """Whether it has too few batteries for a trend."""
        return self.batteries < LEAST


class History(Record):
    """Everything that `battery history` says."""

    schema_version: int = Field(default=SCHEMA_VERSION, description="Version of the format.")
    folder: FileName = Field(
        description="The folder that was searched; bytes of a name that are not UTF-8 are escaped."
    )
    batteries: list[Entry] = Field(description="Oldest first.")
    courses: list[Course] = Field(description="One for each set, in order of its number.")
    warnings: list[FileName] = Field(description="What was skipped, and why.")


def courses(entries: Sequence[Entry]) -> list[Course]:
    """Follow each group of like batteries; the entries come oldest first."""
    # Other tasks and systems take other tokens: across groups a trend would show which of them were
    # chosen.
    numbers = sorted({entry.group for entry in entries if entry.group is not None})
    return [_course(n, [entry for entry in entries if entry.group == n]) for n in numbers]


def _course(group: int, entries: Sequence[Entry]) -> Course:
    known = [entry for entry in entries if entry.tokens is not None]
    tokens = [entry.tokens for entry in known if entry.tokens is not None]
    p = trend_p(tokens) if len(tokens) >= LEAST else None
    return Course(
        group=group,
        tasks=entries[0].tasks,
        system=entries[0].system,
        batteries=len(tokens),
        tokens=tokens,
        change=tokens[-1] / tokens[0] - 1 if len(tokens) > 1 and tokens[0] else None,
        p=p,
        text=_text(tokens, p) + _unlike(known),
    )


def trend_p(values: Sequence[float]) -> float | None:
    """Test two-sided whether values go with time; None where all are equal.

    Page's test of a single row, which is the permutation test of Spearman's rank correlation:
    exact up to ten values, then its normal approximation.
    """
    row = np.array([values])
    return either_way(page(row).p, page(-row).p)


def _text(tokens: Sequence[float], p: float | None) -> str:
    if len(tokens) < LEAST:
        return f"too few for a trend: {len(tokens)} of at least {LEAST}"
    if p is None:
        return "no trend: all take exactly as many tokens"
    trend = "a trend" if p <= policy.ALPHA else "no trend that is more than chance"
    return f"{trend} (rank correlation with time, {p_equals(p)})"


def _unlike(entries: Sequence[Entry]) -> str:
    # A longer battery had more time to learn, so its last iteration is not the same point.
    counts = sorted({entry.iterations for entry in entries})
    if len(counts) < 2:
        return ""
    return f"; they had {listed([*map(str, counts)])} iterations, so their ends are not alike"
