"""Look at everything a run needs, without teaching the target anything."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from battery.base.errors import BatteryError
from battery.base.text import printable
from battery.grading import require_usable
from battery.inputs.settings import Settings
from battery.inputs.tasks import find_tasks, folder_of, named, plan, refuse_placeholders
from battery.records.checks import UNCHECKED
from battery.records.models import KINDS
from battery.runner import preflight
from battery.runner.preflight import Side
from battery.store.battery_dir import BatteryDir
from battery.target import targets


class Check(NamedTuple):
    """One thing looked at: what it is, whether it is fine, what was found, what to do."""

    name: str
    ok: bool
    finding: str
    hint: str | None = None


async def doctor(settings: Settings) -> list[Check]:
    """Check tasks, folder, target, learning side and a twin that is named.

    `/v1/respond` is never called. Raises `UsageError` for a twin that cannot be one.
    """
    targets.refuse_unfit(settings)
    # A twin that the target brings is the target once more: one of them is enough to look at.
    settings = replace(settings, no_control=settings.control_gateway is None)
    checks = [_checked("tasks", _tasks, settings), _checked("folder", _folder, settings)]
    try:
        # A memory of its own: a check must leave none behind for the battery to start with.
        with tempfile.TemporaryDirectory(prefix="battery-") as memory:
            checks += await _targets(settings, BatteryDir(Path(memory)))
    except BatteryError as error:
        checks.append(_failed("target", error))
    return checks


async def _targets(settings: Settings, scratch: BatteryDir) -> list[Check]:
    async with targets.opened(settings, scratch, lambda _event: None) as workers:
        target, twin = preflight.target(workers[0]), preflight.twin(workers[0])
        # Each is looked at even when another fails, so that one visit names all that is wrong.
        checks = [await _reachable(target, named=settings.gateway is not None)]
        try:
            async with targets.learning_side(settings, workers) as team:
                named = team is not target.connection
                checks.append(await _reachable(preflight.team(team), named=named))
        except BatteryError as error:
            checks.append(_failed("learning side", error))
        if twin:
            checks.append(await _reachable(twin))
        async with targets.reviewing_side(settings, workers) as reviewing:
            if reviewer := preflight.reviewer(reviewing):
                checks.append(await _reachable(reviewer))
    return checks


def _checked(name: str, look: Callable[[Settings], Check], settings: Settings) -> Check:
    try:
        return look(settings)
    except BatteryError as error:
        return _failed(name, error)


def _failed(name: str, error: BatteryError) -> Check:
    return Check(name, False, error.message, error.hint)


def _tasks(settings: Settings) -> Check:
    tasks, source = find_tasks(settings.tasks_path)
    require_usable(tasks, folder_of(source), named(source))
    if targets.sends_models(settings):
        refuse_placeholders(tasks, named(source))
    planned = plan(tasks)
    counts = Counter(entry.phase for entry in planned)
    phases = ", ".join(f"{counts[phase]} {kind}" for phase, kind in KINDS.items())
    word = "" if tasks.checked else f"; {UNCHECKED}"
    return Check("tasks", True, f"{len(planned)} tasks ({phases}) from {source}{word}")


def _folder(settings: Settings) -> Check:
    folder = BatteryDir(settings.folder)
    parent = folder.root
    # A run makes the folders that are missing, so what counts is the nearest one that is there.
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        wanted = "name a folder that you may write to: --dir PATH"
        return Check("folder", False, f"{folder.root} cannot be written", wanted)
    manifest = folder.read_manifest()
    if manifest is None:
        known = folder.numbers()
        what = f"{len(known)} iterations without a manifest" if known else "no battery yet"
        return Check("folder", True, f"{folder.root} holds {what}")
    done = f"{manifest.iterations_finished} of {manifest.iterations_wanted} iterations"
    hint = None if manifest.state == "finished" else folder.resume_hint
    return Check("folder", True, f"{folder.root} holds a {manifest.state} battery, {done}", hint)


async def _reachable(side: Side, *, named: bool = True) -> Check:
    """Look at one side; of one that nobody named, say how to name another."""
    try:
        finding = await side.look()
    except BatteryError as error:
        return Check(
            side.name, False, error.message, f"start it, or name another with {side.option}"
        )
    offer = "" if named else f"; {side.option} names a live one"
    return Check(side.name, finding.ok, finding.text + offer, finding.hint)


def one_line(check: Check) -> str:
    """Write a check as one line: what was found, and what to do about it."""
    mark = "ok  " if check.ok else "FAIL"
    advice = f" - {check.hint}" if check.hint else ""
    return f"{mark}  {check.name}: {printable(check.finding + advice)}"
