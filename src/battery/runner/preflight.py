"""What can be found out for nothing, before the first call is paid for, and at the first answer."""

from __future__ import annotations

from contextlib import suppress
from typing import Final, NamedTuple

from battery.base.errors import ArtifactError, CallError, CallTimeoutError, UnreachableError
from battery.base.text import listed
from battery.inputs.settings import Settings
from battery.records.events import Introduction, Notice, Observer
from battery.records.models import FROZEN, LEARN, Arm, RunResult
from battery.runner.prepare import Battery
from battery.store.artifacts import ARCHIVE, MANIFEST
from battery.store.battery_dir import BatteryDir
from battery.target import targets
from battery.target.reviewing import ReviewEndpoint
from battery.target.system import Chatting, Connection, Finding, Worker, is_learner

# More than a connection may take, so that a host that is down is told as one.
#: Seconds for one look.
PROBE_TIMEOUT_S: Final = 15.0
#: What a verdict rests on, and where an answer has it.
_REPORTED: Final = {"turns": "`iterations`", "tokens": "`artifact.usage.total_tokens`"}

_TAUGHT: Final = (
    "the first answers of learner and twin come from different memories, so one of them was taught "
    "before: stop here, empty the memory of both, and start again in another folder with --dir"
)


class Side(NamedTuple):
    """One side of a battery that is called: its name, how, and the option that names another."""

    name: str
    connection: Connection | ReviewEndpoint
    option: str

    async def look(self, timeout_s: float = PROBE_TIMEOUT_S) -> Finding:
        """Look whether it is there, which teaches it nothing; raise `CallError`."""
        return await self.connection.probe(timeout_s)


def target(worker: Worker) -> Side:
    """Return the side that the learner asks."""
    return Side("target", worker[LEARN], "--target")


def team(connection: Connection) -> Side:
    """Return the side that is asked to distill."""
    return Side("learning side", connection, "--llm-team")


def reviewer(chatting: Chatting) -> Side | None:
    """Return the side that reviews, where that is an endpoint of its own."""
    return (
        Side("reviewer", chatting, "--reviewer") if isinstance(chatting, ReviewEndpoint) else None
    )


def twin(worker: Worker) -> Side | None:
    """Return the side that the twin asks; None with one arm."""
    return Side("twin", worker[FROZEN], "--control-gateway") if FROZEN in worker else None


async def require_there(
    worker: Worker,
    llm_team: Connection,
    reviewing: Chatting,
    settings: Settings,
    tell: Observer,
) -> None:
    """Look at every side once, before any of them is paid; raise `CallError` for one that is down.

    What answers, but not as it should, is warned of: it need not have a front page.
    """
    timeout_s = min(PROBE_TIMEOUT_S, settings.respond_timeout)
    # A twin that the target brings is the target once more.
    named = twin(worker) if settings.control_gateway else None
    sides = [target(worker), team(llm_team), named, reviewer(reviewing)]
    # The target may distill itself, and one look at it is enough.
    distinct = {id(side.connection): side for side in reversed(sides) if side}
    for side in reversed(distinct.values()):
        try:
            finding = await side.look(timeout_s)
        except CallError as error:
            local = is_learner(side.connection)
            if local and not isinstance(error, UnreachableError | CallTimeoutError):
                raise
            if isinstance(error, UnreachableError):
                why = error.message.removeprefix("look-up: ")
                error.message = f"the {side.name} is not there: {why}"
                error.hint = f"start it, or name another with {side.option}; no task was sent yet"
                raise
            text = f"could not check the {side.name}; sending tasks anyway"
            tell(Notice(f"{text} ({error.message})", warning=True))
            continue
        if finding.ok:
            continue
        if is_learner(side.connection):
            raise UnreachableError(finding.text, hint=finding.hint)
        tell(Notice("; ".join(filter(None, [finding.text, finding.hint])), warning=True))


def introduce(battery: Battery, tell: Observer) -> None:
    """Say whom a battery asks what, and what is known by now of the word that it can end with."""
    folder, settings = battery.folder, battery.settings
    tell(
        Introduction(
            **targets.described(settings),
            tasks=battery.manifest.options.tasks or str(folder.tasks_path),
            folder=str(folder.root),
            name=battery.manifest.name or "",
        )
    )
    if not targets.has_control(settings):
        named = "name a second deployment with --control-gateway"
        twin = named if targets.is_elsewhere(settings) else "leave out --no-control"
        text = "no twin: there is only a trend, and the verdict can be INDICATIVE"
        # The verdict says it too, so that it is no warning for those who want nothing but them.
        tell(Notice(f"{text} at best; for a twin, {twin}"))


def warn_of_earlier(battery: Battery, tell: Observer) -> None:
    """Warn of a target that was asked the same tasks before: its memory is not empty."""
    if battery.settings.prepare or not targets.is_elsewhere(battery.settings):
        return
    manifest, target = battery.manifest, battery.manifest.targets["gateway"]
    for path in sorted((battery.folder.root / ARCHIVE).glob(f"*/{MANIFEST.name}"), reverse=True):
        earlier = None
        # What became of other batteries is no business of this one.
        with suppress(ArtifactError):
            earlier = BatteryDir(path.parent).read_manifest()
        if (
            earlier
            and earlier.tasks_digest == manifest.tasks_digest
            and earlier.targets["gateway"] == target
        ):
            text = f"{target} has already run these tasks, in the battery in {path.parent}"
            cure = "unless its memory was emptied since then, it starts with what it learned"
            tell(Notice(f"{text}; {cure}", warning=True))
            return


class FirstAnswer:
    """Looks at the first answers of a battery, for what would make all the others worth less.

    `compares` is whether nothing was asked before, so that both arms should start alike.
    """

    def __init__(self, tell: Observer, *, compares: bool = False) -> None:
        self._tell = tell
        self._looked = False
        self._compares = compares
        self._memories: dict[Arm, str | None] = {}

    def look(self, result: RunResult, arm: Arm = LEARN) -> None:
        """Warn, once each, of arms that start with different memories and of what is not told."""
        self._look_at_memory(result, arm)
        self._look_at_usage(result)

    def _look_at_memory(self, result: RunResult, arm: Arm) -> None:
        if not self._compares or arm in self._memories:
            return
        self._memories[arm] = result.fingerprint
        # One that tells no fingerprint says nothing of its memory.
        known = set(self._memories.values())
        if len(known) == 2 and None not in known:
            self._tell(Notice(_TAUGHT, warning=True))

    def _look_at_usage(self, result: RunResult) -> None:
        # One that failed may have failed before there was anything to count.
        if self._looked or result.status != "ok":
            return
        self._looked = True
        missing = [what for what in _REPORTED if getattr(result, what) is None]
        if missing:
            text = f"the first answer reports no {' and no '.join(missing)}; what is not counted"
            where = listed([_REPORTED[what] for what in missing])
            cure = f"stop here, and have the system report {where}"
            self._tell(Notice(f"{text} cannot be shown to fall: {cure}", warning=True))
