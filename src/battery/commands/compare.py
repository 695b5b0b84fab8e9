"""Compare two batteries on disk; reads both folders and writes into neither."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from battery.base.errors import FolderError
from battery.comparison import naming, pairing, remarks
from battery.comparison import outcome as words
from battery.comparison.fairness import Party, differences
from battery.comparison.naming import Called, Names
from battery.comparison.outcome import judge
from battery.comparison.pairing import Facts, Shared
from battery.recorded import OpenedBattery, open_battery
from battery.records.comparison import Comparison, Flips, Noise, Side
from battery.records.models import LEARN
from battery.records.word import Outcome
from battery.store.artifacts import ARCHIVE, REPORT
from battery.store.battery_dir import BatteryDir
from battery.verdict.assess import assess

_NO_FLIPS = Flips(lost=0, gained=0, bluffs=0, bluffs_ended=0)
_NO_NOISE = Noise(before=None, after=None, source_before=None, source_after=None, floor=None)


def compare(before: Path, after: Path) -> Comparison:
    """Return what changed from one battery (A) to the other (B); raise `BatteryError`."""
    a, b = _opened(before), _opened(after)
    names = naming.tell_apart(*(Called(each.provenance.name, each.folder.root) for each in (a, b)))
    # Tasks and iterations that only one side has say nothing about a change.
    both = pairing.shared(a.calls, b.calls)
    facts = pairing.weigh(a.calls, b.calls, both, names)
    of_before, of_after = _party(a, names.before), _party(b, names.after)
    if facts:
        outcome, reasons = judge(facts, of_before.side, of_after.side)
        sentence = words.sentence(outcome, facts, reasons)
    else:
        outcome, reasons = Outcome.NOT_COMPARABLE, [_missing(a, b, both, names)]
        sentence = words.not_comparable(reasons, names)
    compared = outcome is not Outcome.NOT_COMPARABLE
    if compared:
        sentence = remarks.caveat(of_before.side, of_after.side) + sentence
    return Comparison(
        outcome=outcome,
        sentence=sentence,
        reasons=reasons,
        cause=remarks.cause(facts) if facts and compared else None,
        before=of_before.side,
        after=of_after.side,
        iterations=list(facts.iterations) if facts else [],
        cost=both.cost,
        change=facts.change if facts else None,
        start=facts.start if facts else None,
        twins=facts.twins if facts else None,
        flips=facts.flips if facts else _NO_FLIPS,
        tasks=list(facts.pairs) if facts else [],
        only_before=both.only_before,
        only_after=both.only_after,
        noise=pairing.noise(a.calls, b.calls, facts.table) if facts else _NO_NOISE,
        differences=differences(of_before, of_after, both),
        cautions=list(_cautions(a, b, facts, compared=compared)) if facts else [],
        settle=remarks.settle(outcome, facts)
        if facts and compared
        else list(_needed(facts, of_before.side, of_after.side)),
        scope=remarks.SCOPE,
    )


def last_before(root: Path) -> Path:
    """Return the newest battery in the archive of a folder that asked the same tasks.

    Raises `FolderError` where there is none, and `BatteryError` for one that cannot be read.
    """
    current = _opened(root)
    archive = root / ARCHIVE
    folders = [path for path in sorted(archive.glob("*")) if path.is_dir()]
    archived = [opened for path in folders if (opened := open_battery(BatteryDir(path))).steps]
    if not archived:
        raise FolderError(
            f"there is nothing to compare {root} with: no finished battery is in {archive}",
            hint="run another one, which moves this one there: "
            f"{_command('run', '--dir', str(root))}; or name two folders: "
            "battery compare BEFORE AFTER",
        )
    alike = [opened for opened in archived if opened.asked == current.asked]
    if not alike:
        raise FolderError(
            f"no battery in {archive} asked the same tasks as the one in {root}",
            hint=f"list them (battery history {root}), and name two folders: "
            "battery compare BEFORE AFTER",
        )
    newest = max(alike, key=lambda opened: (opened.started_at, str(opened.folder.root)))
    return newest.folder.root


def _opened(root: Path) -> OpenedBattery:
    opened = open_battery(BatteryDir(root))
    # Without a complete iteration there is still something to say: that nothing can be compared.
    opened.require_begun()
    return opened


def _party(opened: OpenedBattery, name: str) -> Party:
    provenance, calls = opened.provenance, opened.calls
    side = Side(
        name=name,
        called=provenance.name,
        note=provenance.note,
        tags=provenance.tags,
        folder=str(opened.folder.root),
        report=str(report) if (report := opened.folder.root / REPORT.name).is_file() else None,
        run_id=provenance.run_id,
        started_at=provenance.started_at,
        state=provenance.state,
        # The prospects are left out: they decide nothing and take longer than all the rest.
        verdict=assess(opened.observed, plan=False).verdict if calls else None,
        arms=sorted({call.arm for call in calls}, key=lambda arm: arm != LEARN),
        tasks=len({call.task for call in calls}),
        iterations=sorted({call.iteration for call in calls}),
        repeats=max((call.repeat for call in calls), default=1),
        checked=opened.tasks is not None and opened.tasks.checked,
    )
    return Party(side, provenance, opened.tasks)


def _missing(a: OpenedBattery, b: OpenedBattery, both: Shared, names: Names) -> str:
    for name, opened in zip(names, (a, b), strict=True):
        if not opened.calls:
            return f"{name} has no complete iteration"
    if not both.tasks:
        return "they have no task in common"
    return "they have no iteration with a task in common"


def _needed(facts: Facts | None, before: Side, after: Side) -> Iterator[str]:
    """Say what it takes to compare two batteries that are not comparable."""
    begun = [side for side in (before, after) if not side.iterations]
    for side in begun:
        yield f"Finish {side.name}: {_command('run', '--resume', '--dir', side.folder)}."
    if not (facts or begun):
        alike = "Two batteries of the same tasks and iterations"
        yield f"{alike}: battery run --tasks FILE --iterations N, once for each."
    yield from remarks.trustworthy(before, after)


def _command(*words: str) -> str:
    return shlex.join(["battery", *words])


def _cautions(a: OpenedBattery, b: OpenedBattery, facts: Facts, *, compared: bool) -> Iterator[str]:
    # By the run id and not by the folder: a copy is the same battery, too.
    if a.provenance.run_id and a.provenance.run_id == b.provenance.run_id:
        yield "both are the same battery"
    for name, opened in zip(facts.names, (a, b), strict=True):
        yield from (f"{name}: {fault}" for fault in opened.faults)
    # Of numbers that are not to be used there is nothing to mind.
    if compared:
        yield from remarks.cautions(facts)
