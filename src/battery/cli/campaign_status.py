"""`battery campaign status`."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Final

from battery.base.errors import InterruptedRunError
from battery.campaign import plan as planning
from battery.campaign.lease import Timing
from battery.campaign.plan import Campaign
from battery.campaign.spent import Caps
from battery.campaign.status import Observation, observed
from battery.campaign.status import follow as follow_to_the_end
from battery.cli import options
from battery.cli.deliver import tell
from battery.cli.grouped import argument, option
from battery.cli.output import print_record
from battery.records.status import CampaignStatus
from battery.report.terminal.campaign import RunsView, make_runs_view, print_status

#: Seconds between two looks: soon enough to look live, seldom enough to cost a drive nothing.
_PAUSE_S: Final = 1.0

CampaignFolder = Annotated[Path, argument("DIR", "Folder of the campaign [default: campaign].")]
Full = Annotated[bool, option("--full", "Print every run, and in full why runs stopped.")]
Follow = Annotated[bool, option("--follow -f", "Go on showing it until all runs are finished.")]


def status(
    folder: CampaignFolder = planning.DEFAULT_FOLDER,
    follow: Follow = False,
    full: Full = False,
    as_json: options.Json = False,
    debug: options.Debug = False,
) -> None:
    """Show how far each run of a campaign is, from any host that sees its folder.

    A row per run: its state, iteration and calls, what it spent, its effect so far, and once it is
    finished its own verdict. Where not all have room, those that need somebody come first. The last
    line is the command to give next. Writes nothing and uses no network.

    With --follow it stays until all runs are finished. If nobody works on the campaign any more, it
    waits on a terminal for somebody to go on; elsewhere it ends after the length of a lease, with
    exit code 1, or 4 if the campaign paused.

    \b
    Examples:
      battery campaign status campaign
      battery campaign status campaign --follow
      battery campaign status campaign --json
    """
    show(folder, follow=follow, full=full, as_json=as_json)


def show(folder: Path, *, follow: bool, full: bool = False, as_json: bool = False) -> None:
    """Show how far a campaign is, now or until its end; raise `BatteryError`."""
    campaign = planning.open_campaign(folder, tell)
    timing = Timing(campaign.plan.lease_s)
    observation = Observation(campaign, timing)
    seen = _followed(campaign, observation, timing) if follow else observation.look()
    print_record(seen, lambda: print_status(seen, sys.stdout, full=full), as_json=as_json)


def _followed(campaign: Campaign, observation: Observation, timing: Timing) -> CampaignStatus:
    # A script that reads either stream must not hang because nobody is at a terminal.
    wait = sys.stdout.isatty() and sys.stderr.isatty()
    pause = partial(time.sleep, _PAUSE_S)
    try:
        with _view(watching=True) as view:
            return follow_to_the_end(observation, view.show, wait=wait, pause=pause, timing=timing)
    except KeyboardInterrupt as error:
        words = shlex.join(["battery", "campaign", "status", str(campaign.folder), "--follow"])
        again = f"the campaign was not touched; follow it again with: {words}"
        raise InterruptedRunError("stopped watching", hint=again) from error


@contextmanager
def showing(campaign: Campaign, caps: Caps) -> Iterator[RunsView]:
    """Show how the workers in the block get on: all runs on a terminal, their lines elsewhere."""
    with _view(watching=False) as view:
        if view.is_live:
            with observed(Observation(campaign, caps=caps), view.show, _PAUSE_S):
                yield view
        else:
            yield view


def _view(*, watching: bool) -> AbstractContextManager[RunsView]:
    return make_runs_view(sys.stderr, watching=watching)
