"""Compare two batteries on disk; reads both folders and writes into neither."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from battery.base.errors import FolderError
from battery.comparison import pairing as paired
from battery.comparison import sentences as words
from battery.comparison.fairness import Party, differences
from battery.comparison.noise import noise
from battery.comparison.outcome import Facts, decide, weigh
from battery.comparison.pairing import Shared
from battery.recorded.observe import observed
from battery.records.comparison import Comparison, Flips, Noise, Side
from battery.records.models import LEARN
from battery.records.word import Outcome, Word
from battery.store.battery_dir import BatteryDir
from battery.verdict.assess import Observed, assess
from battery.verdict.table import Call

_NO_FLIPS = Flips(lost=0, gained=0, bluffs=0, bluffs_ended=0, p=None)
_NO_NOISE = Noise(before=None, after=None, source_before=None, source_after=None, floor=None)


class _Read(NamedTuple):
    """A battery as it was found."""

    party: Party
    calls: Sequence[Call]


def compare(before: Path, after: Path) -> Comparison:
    """Say what changed from one battery (A) to the other (B); raise `BatteryError`."""
    a, b = _read(before), _read(after)
    both = paired.shared(a.calls, b.calls)
    facts = weigh(a.calls, b.calls, both)
    return _compared(a, b, both, facts) if facts else _not_comparable(a, b, both)


def _read(root: Path) -> _Read:
    folder = BatteryDir(root)
    if not folder.numbers() and not folder.has_manifest():
        raise FolderError(
            f"{root} holds no battery: there is no iter_N/runs.json in it",
            hint="name two folders of batteries: battery compare BEFORE AFTER",
        )
    manifest = folder.read_manifest()
    found = observed(folder, manifest)
    calls = list(found.calls)
    side = Side(
        folder=str(root),
        run_id=manifest.run_id if manifest else None,
        started_at=manifest.started_at if manifest else None,
        state=manifest.state if manifest else None,
        verdict=_verdict(found),
        arms=sorted({call.arm for call in calls}, key=lambda arm: arm != LEARN),
        tasks=len({call.task for call in calls}),
        iterations=sorted({call.iteration for call in calls}),
        repeats=max((call.repeat for call in calls), default=1),
    )
    return _Read(Party(side, manifest, folder.read_tasks() if manifest else None), calls)


def _verdict(found: Observed) -> Word | None:
    # The prospects are left out: they decide nothing and take longer than all the rest.
    return assess(found, plan=False).verdict if found.calls else None


def _compared(a: _Read, b: _Read, both: Shared, facts: Facts) -> Comparison:
    outcome, reasons = decide(facts)
    return Comparison(
        outcome=outcome,
        sentence=words.sentence(outcome, facts, reasons),
        reasons=reasons,
        cause=words.cause(facts),
        before=a.party.side,
        after=b.party.side,
        iterations=list(facts.iterations),
        changes=list(facts.changes),
        narrow=facts.narrow,
        start=list(facts.start),
        twins=list(facts.twins),
        flips=facts.flips,
        tasks=list(facts.pairs),
        only_before=both.only_before,
        only_after=both.only_after,
        noise=noise(a.calls, b.calls, facts.table),
        differences=differences(a.party, b.party, both),
        cautions=[*_same_run(a, b), *words.cautions(facts)],
        settle=words.settle(outcome, facts),
        scope=words.SCOPE,
    )


def _same_run(a: _Read, b: _Read) -> list[str]:
    if a.party.side.run_id is None or a.party.side.run_id != b.party.side.run_id:
        return []
    return ["A and B are one and the same battery"]


def _not_comparable(a: _Read, b: _Read, both: Shared) -> Comparison:
    reasons = list(_missing(a, b, both))
    return Comparison(
        outcome=Outcome.NOT_COMPARABLE,
        sentence=words.not_comparable(reasons),
        reasons=reasons,
        cause=None,
        before=a.party.side,
        after=b.party.side,
        iterations=[],
        changes=[],
        narrow=None,
        start=[],
        twins=[],
        flips=_NO_FLIPS,
        tasks=[],
        only_before=both.only_before,
        only_after=both.only_after,
        noise=_NO_NOISE,
        differences=differences(a.party, b.party, both),
        cautions=[],
        settle=[],
        scope=words.SCOPE,
    )


def _missing(a: _Read, b: _Read, both: Shared) -> list[str]:
    for name, each in (("A", a), ("B", b)):
        if not each.calls:
            return [f"{name} has no complete iteration"]
    if not both.tasks:
        return ["they have no task in common"]
    return ["they have no iteration with a task in common"]
