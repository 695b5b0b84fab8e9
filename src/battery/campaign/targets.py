"""Where the runs of a campaign take place: never two of them at one deployment at a time."""

from __future__ import annotations

from collections.abc import Sequence

from battery.campaign.lease import Lease, Watch
from battery.campaign.plan import Campaign
from battery.inputs.settings import Settings
from battery.target import targets


class Seats:
    """Where runs may take place: one at a time at a deployment, any number where none is shared.

    A pool of several deployments would have a folder with leases for each of them.
    """

    def __init__(self, campaign: Campaign, watch: Watch, settings: Settings) -> None:
        shared = targets.is_elsewhere(settings)
        self._folders = [campaign.folder / "targets" / "1"] if shared else []
        self._watch = watch

    def take(self) -> Sequence[Lease] | None:
        """Take what a run needs next to the lease of its cell; None where nothing is free."""
        if not self._folders:
            return ()
        for folder in self._folders:
            if lease := self._watch.take(folder):
                return (lease,)
        return None
