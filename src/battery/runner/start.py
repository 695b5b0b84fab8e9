"""Stop a battery whose arms differ before anything was learned, while little is paid for."""

from __future__ import annotations

from battery.base.errors import StartError
from battery.recorded import calls_of
from battery.records.events import Notice, Observer
from battery.records.models import FROZEN, LEARN
from battery.store.battery_dir import BatteryDir
from battery.store.iteration_dir import IterationDir
from battery.verdict.start import alike
from battery.verdict.table import grid


def require_alike(first: IterationDir, tell: Observer, *, keep_going: bool, anyway: str) -> None:
    """Refuse arms that differ in iteration 1, whose task runs are on disk; raise `StartError`.

    With `keep_going` a warning says so instead. `anyway` is how to go on regardless.
    """
    differing = _differing(first)
    if differing is None:
        return
    message = f"{differing}; the battery is INVALID, whatever comes next"
    if keep_going:
        tell(Notice(message, warning=True))
        return
    fresh = "empty the memory of both deployments and start again in another folder with --dir"
    raise StartError(message, hint=f"{fresh}; or {anyway}")


def is_unlike(first: IterationDir) -> bool:
    """Return whether the arms differ in iteration 1, as far as its task runs are on disk."""
    return _differing(first) is not None


def _differing(first: IterationDir) -> str | None:
    # One without the other where the disk was full in between.
    if not (first.has_runs(FROZEN) and first.has_runs(LEARN)):
        return None
    table, manifest = grid(calls_of(first)), BatteryDir(first.root.parent).read_manifest()
    kept = manifest is not None and manifest.options.memory_kept
    return alike(table, table.cost, kept=kept).differing
