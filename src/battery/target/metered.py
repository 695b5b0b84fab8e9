"""Meters beneath the arms of a system that battery starts: what its models took."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from typing import TYPE_CHECKING, Final

from battery.base.errors import CallError
from battery.inputs.settings import Target
from battery.protocol import Json
from battery.records.models import Arm
from battery.target.caller import Caller
from battery.target.system import Finding

if TYPE_CHECKING:
    from battery.meter.calls import Metered
    from battery.meter.meter import Meter

_SILENT: Final = (
    "--meter: the system answered, but no call of a model came through the meter, so its tokens "
    "are not counted. Does it call its models at OPENAI_BASE_URL?"
)


class Meters:
    """One meter per arm, so that no arm's calls count for the other; without any, nothing is known.

    A system that never called a model through a meter may call it elsewhere: then its tokens are
    not known. Once it has, an answer without a call took none.
    """

    def __init__(
        self, endpoint: Target | None, by_arm: Mapping[Arm, Meter], warn: Callable[[str], None]
    ) -> None:
        self._endpoint = endpoint
        self._by_arm = by_arm
        self._warn = warn
        self._warned = False

    async def looked(self, system: Finding, timeout_s: float) -> Finding:
        """Add to a look at a system that of the endpoint which its models are behind."""
        if self._endpoint is None or not system.ok:
            return system
        async with aclosing(Caller(self._endpoint)) as caller:
            try:
                # Whatever it answers will do: the credentials for it are the agent's.
                await caller.probe(timeout_s)
            except CallError as error:
                why = error.message.removeprefix("look-up: ")
                text = f"the endpoint to meter is not there: {why}"
                return Finding(False, text, "start it, or name another with --meter")
        return system._replace(
            text=f"{system.text}; its models are metered at {self._endpoint.url}"
        )

    def environment(self, arm: Arm) -> dict[str, str]:
        """Return the variables that lead the system of an arm to its meter."""
        return self._by_arm[arm].environment(os.environ) if arm in self._by_arm else {}

    async def taken(self, arm: Arm) -> Metered | None:
        """Return the calls since the last time; None where nothing can be known of them."""
        if arm not in self._by_arm:
            return None
        metered = await self._by_arm[arm].taken()
        return metered if any(meter.seen for meter in self._by_arm.values()) else None

    async def answered(self, arm: Arm, answer: Json, overseer: tuple[str, Json]) -> Json:
        """Put what the meter saw into an answer, in place of what the system says of itself.

        `overseer` is who corrected it on behalf of battery, past the meter, and with which usage.
        """
        metered = await self.taken(arm)
        if metered is not None:
            return _counted(answer, metered, metered.usage_with(*overseer))
        if self._by_arm and not self._warned:
            self._warned = True
            self._warn(_SILENT)
        return answer


def _counted(answer: Json, metered: Metered, usage: Json) -> Json:
    artifact = answer["artifact"]
    reported = {"reported_usage": artifact["usage"]} if "usage" in artifact else {}
    return answer | {
        "iterations": metered.turns,
        "artifact": artifact | {"usage": usage} | reported,
        "log": [*answer["log"], *metered.log],
    }


@contextmanager
def metering_arms(
    endpoint: Target | None, arms: Sequence[Arm], warn: Callable[[str], None]
) -> Iterator[Meters]:
    """Serve a meter for each arm, where an endpoint is named; raise what `metering` raises."""
    if endpoint is None:
        yield Meters(None, {}, warn)
        return
    # Loaded only where it is needed: the server is slow to import.
    from battery.meter.meter import metering  # noqa: PLC0415

    with ExitStack() as stack:
        by_arm = {arm: stack.enter_context(metering(endpoint)) for arm in arms}
        yield Meters(endpoint, by_arm, warn)
