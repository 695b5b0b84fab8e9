"""An opened battery as one of several runs of a system."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from battery.base.workers import workers
from battery.recorded import OpenedBattery, open_battery
from battery.records.campaign import RunFindings, Spent
from battery.records.manifest import Manifest
from battery.store.artifacts import RUN_SETS
from battery.store.battery_dir import BatteryDir
from battery.verdict import ladder, sentences
from battery.verdict.assess import facts_of
from battery.verdict.runs.one import About, findings

# What shapes what a system is asked, or what it is. Timeouts and the order of the arms do not.
#: Options of the manifest that have to be equal.
_OPTIONS: Final = (
    "limit",
    "repeats",
    "feedback",
    "target_digest",
    "target_files",
    "memory_kept",
    "model_url",
)
_TASKS: Final = "tasks"
#: Bytes of runs that one process reads in the time that it takes to start others.
_LARGE_BYTES: Final = 32 * 1024 * 1024


def run_findings(opened: OpenedBattery, name: str) -> RunFindings:
    """Return what a battery with a complete iteration says by itself; raise `BatteryError`."""
    facts = facts_of(opened.observed)
    decision = ladder.decide(facts)
    provenance = opened.provenance
    about = About(
        name=name,
        folder=str(opened.folder.root),
        run_id=provenance.run_id,
        seed=provenance.options.seed,
        started_at=provenance.started_at,
        claim=sentences.sentence(decision.word, facts, decision.reasons, short=True),
        spent=_spent(opened),
    )
    return findings(about, facts, decision)


def all_findings(folders: Sequence[Path], names: Sequence[str]) -> Iterator[RunFindings]:
    """Yield what each battery says by itself, in this order; raise `BatteryError`.

    Of each only that is kept. Large ones are read in as many processes as there are cores.
    """
    size = sum(path.stat().st_size for folder in folders for path in folder.rglob(RUN_SETS.name))
    jobs = min(len(folders), os.cpu_count() or 1) if size > _LARGE_BYTES else 1
    with workers(jobs, "name fewer batteries, or see to more memory") as mapped:
        yield from mapped(_findings_in, folders, names)


def _findings_in(folder: Path, name: str) -> RunFindings:
    return run_findings(open_battery(BatteryDir(folder)), name)


def _spent(opened: OpenedBattery) -> Spent:
    calls = tokens = elapsed = 0
    counted, cost = False, 0.0
    priced = True
    for result in opened.results:
        calls, elapsed = calls + 1, elapsed + result.elapsed_ms
        counted, tokens = counted or result.tokens is not None, tokens + (result.tokens or 0)
        priced, cost = priced and result.cost_usd is not None, cost + (result.cost_usd or 0.0)
    return Spent(
        calls=calls,
        tokens=tokens if counted else None,
        cost_usd=cost if priced and calls else None,
        elapsed_s=elapsed / 1000,
    )


def total(runs: Sequence[RunFindings]) -> Spent:
    """Add up what runs took; what is not known of one of them is no total."""
    spent = [run.spent for run in runs if run.spent]
    tokens = [each.tokens for each in spent if each.tokens is not None]
    costs = [each.cost_usd for each in spent if each.cost_usd is not None]
    return Spent(
        calls=sum(each.calls for each in spent),
        tokens=sum(tokens) if tokens else None,
        cost_usd=sum(costs) if costs and len(costs) == len(spent) else None,
        elapsed_s=sum(each.elapsed_s for each in spent),
    )


def unlike(one: OpenedBattery, other: OpenedBattery) -> Iterator[tuple[str, str, str]]:
    """Yield what differs though it has to be the same, and what it is in each; `BatteryError`.

    Tasks are the same in another order too, as in the runs of a campaign.
    """
    a, b = (
        dict(described(opened.provenance)) if isinstance(opened.provenance, Manifest) else {}
        for opened in (one, other)
    )
    for what in dict.fromkeys([*a, *b]):
        if a.get(what) == b.get(what):
            continue
        if what == _TASKS and one.content is not None and one.content == other.content:
            continue
        yield what, a.get(what, "none"), b.get(what, "none")


def described(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield what has to be the same in every battery, by what it is."""
    yield _TASKS, f"SHA-256 {manifest.tasks_digest[:8]}"
    scoring = manifest.scoring_digest
    yield "checks and prices", f"SHA-256 {scoring[:8]}" if scoring else "none"
    yield from ((f"targets.{key}", value) for key, value in sorted(manifest.targets.items()))
    # The embedded system is part of the program.
    if "embedded" in manifest.targets.values():
        yield "battery version", manifest.battery_version
    yield from ((name, str(getattr(manifest.options, name))) for name in _OPTIONS)
