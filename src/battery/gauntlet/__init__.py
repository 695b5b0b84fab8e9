"""Systems that only seem to learn, and some that do, put through whole batteries.

The calibration draws numbers; here whole systems answer real tasks, and the code that runs, grades
and judges real batteries says what it makes of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil, sqrt
from typing import Final, NamedTuple

from pydantic import Field

from battery.gauntlet.registry import Contestant, Role
from battery.records.findings import Record
from battery.records.word import POSITIVE, Word

#: Batteries per system.
SEEDS: Final = 25
#: Share of the batteries of honest learners that must get a positive word.
FOUND: Final = 0.95
# Eighteen systems that are each found in 98 of 100 batteries would nearly always include one that
# misses two of 25, so that no system alone is held to the share itself.
#: One system may miss the share by so many standard errors, as in the calibration.
ERRORS: Final = 3.0
#: Reasons that are listed of a system.
REASONS: Final = 3


class Judged(NamedTuple):
    """What came of one battery."""

    seed: int
    word: Word
    #: Why it is no better word.
    reasons: Sequence[str]


class Reason(Record):
    """A reason for a word; those that differ in their numbers alone are counted as one."""

    text: str = Field(description="As it was given the first time.")
    batteries: int = Field(description="How often it was given.")


class Ran(Record):
    """How the batteries of one system came out."""

    system: str
    role: Role = Field(
        description="`false` only seems to learn, `honest` learns, and of an `unseen` one nothing "
        "in a battery can tell that it does not."
    )
    story: str = Field(description="What the system does.")
    batteries: int
    words: dict[Word, int] = Field(description="Batteries by verdict, those that were given.")
    positive: int = Field(description="Batteries with a verdict that claims learning.")
    seeds: list[int] = Field(
        description="Seeds of the batteries that came out other than they must."
    )
    reasons: list[Reason] = Field(
        description="Why a false learner got no better word, or an honest one no positive one."
    )
    unmasked_by: str | None = Field(description="What would show an `unseen` one; else null.")
    passed: bool | None = Field(
        description="Whether its bound holds: no positive verdict of a false learner, and nearly "
        "all of an honest one; null where nothing is promised."
    )


class Gauntlet(Record):
    """A whole gauntlet: the table, and what it was held to."""

    seed: int = Field(description="Of the first battery of each system; the others follow.")
    systems: list[Ran]

    @property
    def broken(self) -> list[Ran]:
        """The systems whose bound does not hold."""
        return [ran for ran in self.systems if ran.passed is False]

    @property
    def found(self) -> float | None:
        """The share of the batteries of all honest learners with a positive word; None of none."""
        honest = self.of("honest")
        total = sum(ran.batteries for ran in honest)
        return sum(ran.positive for ran in honest) / total if total else None

    @property
    def finds(self) -> bool:
        """Whether honest learners, all together, are found as often as they must be."""
        return self.found is None or self.found >= FOUND

    def of(self, role: Role) -> list[Ran]:
        """Return the systems of one role."""
        return [ran for ran in self.systems if ran.role == role]


def least_found(batteries: int) -> int:
    """Return how many batteries of one honest learner must get a positive word."""
    error = sqrt(FOUND * (1 - FOUND) / batteries)
    return ceil((FOUND - ERRORS * error) * batteries)


def count(contestant: Contestant, judged: Iterable[Judged]) -> Ran:
    """Count what came of the batteries of one system."""
    all_of_it = list(judged)
    positive = [each for each in all_of_it if each.word in POSITIVE]
    others = [each for each in all_of_it if each.word not in POSITIVE]
    amiss = {"false": positive, "honest": others, "unseen": []}[contestant.role]
    explained = {"false": all_of_it, "honest": others, "unseen": []}[contestant.role]
    words = Counter(each.word for each in all_of_it)
    return Ran(
        system=contestant.name,
        role=contestant.role,
        story=contestant.story,
        batteries=len(all_of_it),
        words={word: words[word] for word in Word if words[word]},
        positive=len(positive),
        seeds=[each.seed for each in amiss],
        reasons=_reasons(explained),
        unmasked_by=contestant.unmasked_by or None,
        passed=_passed(contestant.role, len(positive), len(all_of_it)),
    )


def _passed(role: Role, positive: int, batteries: int) -> bool | None:
    if role == "unseen":
        return None
    return positive == 0 if role == "false" else positive >= least_found(batteries)


def _reasons(judged: Iterable[Judged]) -> list[Reason]:
    """Count the first reason of each battery, whatever numbers are in it."""
    texts: dict[str, list[str]] = {}
    for each in judged:
        for text in each.reasons[:1]:
            texts.setdefault(re.sub(r"(?:p [<=] )?[+-]?\d[\d.,%]*", "#", text), []).append(text)
    most = sorted(texts.values(), key=len, reverse=True)[:REASONS]
    return [Reason(text=alike[0], batteries=len(alike)) for alike in most]
