"""The memory of a deployment between two runs: emptied, and confirmed to be.

    targets/empty.json    the fingerprint of an empty memory, as the first that was emptied had it

Deployments of one system have one fingerprint for one memory, whether they learn or are the twin.
So each, once it is emptied, has to show what the first one showed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Final

from pydantic import ValidationError

from battery.base import jsonio
from battery.base.errors import ArtifactError, CallError, EmptyingError, UnreachableError
from battery.campaign.plan import Campaign
from battery.inputs.settings import Settings
from battery.records.events import Notice, Observer
from battery.records.findings import Record
from battery.records.models import ARM_NAMES
from battery.runner.emptying import run_command
from battery.store.battery_dir import BatteryDir
from battery.store.documents import cannot_read, dump_record
from battery.store.files import cannot_write, make_folder, write_atomic
from battery.target import deployed

FOLDER: Final = "targets"
_NAME: Final = "empty.json"
_UNCONFIRMED: Final = (
    "{} offers no GET /v1/memory/fingerprint: that its memory was emptied before each run rests on "
    "the exit code of --prepare alone"
)


class Empty(Record):
    """What an empty memory is known by."""

    #: None where the gateway offers none.
    fingerprint: str | None
    #: Whose memory it was.
    gateway: str


async def empty(
    campaign: Campaign, settings: Settings, require: Callable[[], None], tell: Observer
) -> None:
    """Empty the memories of a gateway and its twin, and see them empty.

    Raises `EmptyingError` where they are not or nobody knows, and what `require` raises, which is
    asked right before anything is emptied: by then another run may be there.
    """
    try:
        if campaign.plan.reset:
            await deployed.reset(settings, require)
        else:
            await run_command(settings, BatteryDir(settings.folder), tell, require)
        shown = await deployed.fingerprints(settings)
    except CallError as error:
        raise EmptyingError(
            error.message, hint=error.hint, is_final=not isinstance(error, UnreachableError)
        ) from error
    require()
    for arm, target in deployed.gateways(settings).items():
        _compare(campaign, Empty(fingerprint=shown[arm], gateway=target.url), ARM_NAMES[arm], tell)


def _compare(campaign: Campaign, now: Empty, arm: str, tell: Observer) -> None:
    """Hold an emptied memory to the first one."""
    if campaign.plan.reset and now.fingerprint is None:
        raise EmptyingError(
            f"{now.gateway} offers no GET /v1/memory/fingerprint, so nothing confirms its reset"
        )
    first = _first(campaign.folder / FOLDER / _NAME, now, tell)
    if first.fingerprint != now.fingerprint:
        raise EmptyingError(
            f"the memory of the {arm} at {now.gateway} shows {_shown(now)} after it was emptied, "
            f"and the first that was emptied, at {first.gateway}, showed {_shown(first)}"
        )


def _shown(memory: Empty) -> str:
    known = memory.fingerprint
    return "no fingerprint" if known is None else f"the fingerprint {known}"


def _first(path: Path, now: Empty, tell: Observer) -> Empty:
    """Return what the first memory that was emptied showed; make that of this one if it is it."""
    if (known := _read(path)) is not None:
        return known
    make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{token_hex(6)}.tmp")
    write_atomic(draft, dump_record(now))
    try:
        # Unlike a rename, a link fails where another was first.
        path.hardlink_to(draft)
    except FileExistsError:
        return _read(path) or now
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with suppress(OSError):
            draft.unlink()
    if text := _doubt(now):
        tell(Notice(text, warning=True))
    return now


def doubt(campaign: Campaign) -> str | None:
    """Return what a reader must know of how memories were emptied; None where nothing is open."""
    known = _read(campaign.folder / FOLDER / _NAME)
    return _doubt(known) if known else None


def _doubt(known: Empty) -> str | None:
    return _UNCONFIRMED.format(known.gateway) if known.fingerprint is None else None


def _read(path: Path) -> Empty | None:
    try:
        return Empty.model_validate(jsonio.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise cannot_read(path, error) from error
    except (ValueError, ValidationError) as error:
        raise ArtifactError(
            f"{path} does not say what an empty memory is known by", hint="restore that file"
        ) from error
