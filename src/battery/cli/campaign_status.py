"""`battery campaign status`."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import Annotated, Final

from battery.base.errors import InterruptedRunError
from battery.campaign import plan as planning
from battery.campaign.lease import Timing
from battery.campaign.status import Observation
from battery.campaign.status import follow as follow_to_the_end
from battery.cli import options
from battery.cli.deliver import tell
from battery.cli.grouped import argument, option
from battery.cli.output import print_record
from battery.records.status import CampaignStatus
from battery.report.terminal.campaign import changes, print_status

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
    finished its own verdict. Runs that ask for somebody come first. The last line is the command to
    give next. Writes nothing and uses no network.

    With --follow it stays until all runs are finished. If nobody works on the campaign any more, it
    waits on a terminal for somebody to go on; elsewhere it ends after the length of a lease, with
    exit code 1, or 4 if the campaign paused.

    \b
    Examples:
      battery campaign status campaign
      battery campaign status campaign --follow
      battery campaign status campaign --json
    """
    campaign = planning.open_campaign(folder, tell)
    timing = Timing(campaign.plan.lease_s)
    observation = Observation(campaign, timing)
    seen = _followed(observation, timing) if follow else observation.look()
    print_record(seen, lambda: print_status(seen, sys.stdout, full=full), as_json=as_json)


def _followed(observation: Observation, timing: Timing) -> CampaignStatus:
    looks: list[CampaignStatus] = []

    def show(status: CampaignStatus) -> None:
        for notice in changes(looks[-1], status) if looks else ():
            tell(notice)
        looks[:] = [status]

    # A script that reads either stream must not hang because nobody is at a terminal.
    wait = sys.stdout.isatty() and sys.stderr.isatty()
    try:
        return follow_to_the_end(
            observation, show, wait=wait, pause=partial(time.sleep, _PAUSE_S), timing=timing
        )
    except KeyboardInterrupt as error:
        again = "the campaign was not touched; give the same command to see it again"
        raise InterruptedRunError("stopped watching", hint=again) from error
