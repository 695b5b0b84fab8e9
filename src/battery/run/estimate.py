"""What the calls of a dry run may take, by what such calls took before."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from statistics import fmean
from typing import Final

from battery.base.numbers import counted
from battery.base.text import listed
from battery.protocol import Json
from battery.records.events import Estimate, ScheduledCall
from battery.records.lines import tokens_of
from battery.records.models import Tasks
from battery.records.stages import META_STAGES, CallKey
from battery.store.battery_dir import BatteryDir
from battery.store.journal import Journal

#: Stage and arm; a call about the iteration as a whole has no arm.
_Kind = tuple[str, str | None]
_Taken = Mapping[_Kind, Sequence[int]]
_STAGES: Final = {meta.key: meta.name for meta in META_STAGES}
_METAS: Final = [meta.title for meta in META_STAGES]
_REMEDY: Final = (
    "nothing to go by: a finished battery in the folder would give one, or "
    "`expectations.tokens_per_call` in the tasks file"
)


def estimate(ahead: Sequence[ScheduledCall], tasks: Tasks, before: BatteryDir | None) -> Estimate:
    """Estimate what calls take, by those that a folder holds, else by what the tasks expect."""
    taken = _taken(before) if before else {}
    if before and any(arm for _, arm in taken):
        return _as_before(ahead, taken, before)
    expected = tasks.expectations.tokens_per_call if tasks.expectations else None
    if expected is None:
        return Estimate(None, _REMEDY)
    asks = sum(call.arm is not None for call in ahead)
    basis = f"{asks:,} x `expectations.tokens_per_call`, without {listed(_METAS)}"
    return Estimate(asks * expected, basis)


def _taken(folder: BatteryDir) -> _Taken:
    """Collect what recorded calls took, as far as they report it."""
    taken: defaultdict[_Kind, list[int]] = defaultdict(list)

    def note(call: Json) -> None:
        tokens = tokens_of(call)
        if tokens is not None:
            taken[_kind(call)].append(tokens)

    for number in folder.numbers():
        Journal(folder.iteration(number).journal, heard=note)
    return taken


def _kind(call: Json) -> _Kind:
    if "phase" in call:
        return call["phase"], call["arm"]
    return _STAGES[CallKey.of(call)], None


def _as_before(ahead: Sequence[ScheduledCall], taken: _Taken, before: BatteryDir) -> Estimate:
    typical = {kind: _typical(kind, taken) for kind in {(call.stage, call.arm) for call in ahead}}
    tokens = sum(typical[call.stage, call.arm] or 0 for call in ahead)
    calls = counted(sum(map(len, taken.values())), "call")
    basis = f"as the {calls} in {shlex.quote(str(before.root))} took"
    silent = [meta.title for meta in META_STAGES if typical.get((meta.name, None), 0) is None]
    if silent:
        basis += f", without {listed(silent)} (not reported)"
    return Estimate(round(tokens), basis)


def _typical(kind: _Kind, taken: _Taken) -> float | None:
    """Return the mean of the most similar calls: of stage and arm, of the stage, of any task."""
    stage, arm = kind
    alike = (
        taken.get(kind, ()),
        chain.from_iterable(values for other, values in taken.items() if other[0] == stage),
        chain.from_iterable(values for other, values in taken.items() if arm and other[1]),
    )
    return next((fmean(values) for values in map(list, alike) if values), None)
