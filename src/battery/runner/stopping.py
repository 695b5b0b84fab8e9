"""What is written down and said of a run that stops before its end."""

from __future__ import annotations

import os

from battery.base.errors import BatteryError, LostFolderError
from battery.inputs.secrets import redactor_of
from battery.records.manifest import Manifest, State
from battery.runner.hold import Hold
from battery.runner.start import is_unlike
from battery.store.battery_dir import BatteryDir


def mark(
    folder: BatteryDir, manifest: Manifest, state: State, error: BaseException | None = None
) -> None:
    """Note how the run stopped, unless it had finished and only the page is missing.

    A disk that is full must not hide the first error; that the battery has gone must. Raises
    `LostFolderError`.
    """
    try:
        written = folder.read_manifest()
        ours = written is not None and written.run_id == manifest.run_id
        if written and ours and written.state != "finished":
            stopped = {
                "state": state,
                "stopped_by": None if error is None else _told(error),
                "unlike": is_unlike(folder.iteration(1)),
            }
            folder.write_manifest(manifest.model_copy(update=stopped))
    except BatteryError:
        return
    if not ours:
        raise LostFolderError(
            f"{folder.root} was removed, moved or replaced while battery was writing to it",
            hint="if you moved it, resume it where it is now: battery run --resume --dir PATH",
        )


def _told(error: BaseException) -> str:
    """Say what failed, for a file: without what may be secret."""
    text = error.message if isinstance(error, BatteryError) else f"internal error: {error!r}"
    return redactor_of(os.environ, ()).text(text)


def go_on(folder: BatteryDir, hold: Hold) -> str:
    """Say how the run goes on; a run of a campaign does so with its campaign."""
    return hold.go_on or folder.resume_hint


def advise(error: BatteryError, folder: BatteryDir, hold: Hold) -> None:
    """Add to an error how the run goes on."""
    said, hint = error.hint or error.remedy or "", go_on(folder, hold)
    # One that says how to go on has more to say than how.
    if hint not in said:
        error.hint = "; ".join(filter(None, [said, hint]))
