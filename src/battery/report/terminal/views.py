"""The live views, by what they show."""

from __future__ import annotations

from typing import Final

from battery.report.terminal.live import LiveProgress
from battery.report.terminal.live_runs import LiveRuns


class Views:
    """The live views; each draws on a terminal with rich."""

    battery: Final = LiveProgress
    runs: Final = LiveRuns
