"""What memory the runs of a campaign begin with: without an empty one they are not independent."""

from __future__ import annotations

from battery.base.errors import UsageError
from battery.inputs.settings import Settings
from battery.target import targets


def refuse_shared_memory(settings: Settings, runs: int) -> None:
    """Refuse runs that would begin with what an earlier one has learned; raise `UsageError`."""
    if runs > 1 and is_shared(settings) and not settings.prepare:
        raise UsageError(
            f"{runs} runs on one live gateway are not independent: each would begin with what the "
            "ones before it have learned",
            hint="name a command that empties its memory before each run: --prepare CMD",
        )


def is_shared(settings: Settings) -> bool:
    """Return whether all runs ask one deployment, so that only one of them may run at a time."""
    return targets.is_elsewhere(settings)
