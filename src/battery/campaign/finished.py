"""What says of each run of a campaign that it finished, kept apart from the run.

    finished/003.1    what run 3 was when it finished first

A run that is finished is never run again, unless somebody removed it. Its record stays, so that the
verdict can say so. Each record names the records that were there before it: one that is removed as
well is missed by those that came later. Who owns the folder can forge all of them; only a copy that
somebody else keeps shows that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic import ValidationError

from battery.base import jsonio
from battery.base.clock import now
from battery.base.errors import ArtifactError
from battery.base.text import listed
from battery.campaign.plan import Campaign
from battery.records.findings import Record
from battery.records.plan import Cell
from battery.store.artifacts import RUN_SETS
from battery.store.documents import cannot_read, dump_record
from battery.store.files import make_folder, write_atomic

FOLDER: Final = "finished"
_DIGITS: Final = 16
_NAME: Final = re.compile(r"([0-9]{3,4})\.([1-9][0-9]{0,8})")


class Finish(Record):
    """What a run was when it finished."""

    run: int
    #: The holder that finished it.
    epoch: int
    at: str
    ended: Literal["finished", "invalid"]
    #: SHA-256 over all answers with their grades.
    answers: str
    #: The records that were there before, with the first digits of the SHA-256 of each.
    earlier: dict[str, str]


class _Kept(NamedTuple):
    """A record on disk."""

    name: str
    digest: str
    finish: Finish


def record(
    campaign: Campaign, cell: Cell, epoch: int, ended: Literal["finished", "invalid"]
) -> None:
    """Write down that a run finished; raise `ArtifactError` where that cannot be written.

    Of one run its holder alone does that. One that was killed right after leaves it to the next,
    who finishes the same run: that is no second time.
    """
    kept = _records(campaign)
    own = [each for each in kept if each.finish.run == cell.number]
    answers = _digest(campaign.cell(cell) / str(epoch))
    if own and own[-1].finish.answers == answers:
        return
    finish = Finish(
        run=cell.number,
        epoch=epoch,
        at=now(),
        ended=ended,
        answers=answers,
        earlier={each.name: each.digest for each in kept},
    )
    folder = campaign.folder / FOLDER
    make_folder(folder)
    write_atomic(folder / f"{cell.number:03}.{len(own) + 1}", dump_record(finish))


def before(campaign: Campaign, cell: Cell) -> str | None:
    """Return when a run finished last, as the records say; None where it never did."""
    own = [each.finish.at for each in _records(campaign) if each.finish.run == cell.number]
    return own[-1] if own else None


def doubts(campaign: Campaign, judged: Mapping[int, Path]) -> Iterator[str]:
    """Yield what speaks against finished runs, by number and folder, being all that were run."""
    kept = _records(campaign)
    by_run: dict[int, list[Finish]] = {number: [] for number in judged}
    for each in kept:
        by_run.setdefault(each.finish.run, []).append(each.finish)
    yield from _missed(kept)
    if unknown := [str(number) for number in judged if not by_run[number]]:
        yield (
            f"no record in {FOLDER}/ says when {'run' if len(unknown) == 1 else 'runs'} "
            f"{listed(unknown)} finished, so nobody can tell whether that was the first time"
        )
    for number, finishes in sorted(by_run.items()):
        if not finishes:
            continue
        if len(finishes) > 1 or number not in judged:
            yield _removed(number, finishes, again=number in judged)
        if number in judged and _digest(judged[number]) != finishes[-1].answers:
            yield (
                f"the answers of run {number} are not those with which it finished on "
                f"{finishes[-1].at}: they were changed afterwards"
            )


def _removed(number: int, finishes: list[Finish], *, again: bool) -> str:
    earlier = finishes[:-1] if again else finishes
    when = listed([finish.at for finish in earlier])
    if not again:
        return f"run {number} was finished before, on {when}, and then removed"
    return (
        f"run {number} was finished before, then removed and run again, so that what is judged may "
        f"have been chosen; it had finished on {when}"
    )


def _missed(kept: list[_Kept]) -> Iterator[str]:
    """Name the records that later ones speak of, and that are gone or no longer the same."""
    known = {each.name: each.digest for each in kept}
    missed = {
        name
        for each in kept
        for name, digest in each.finish.earlier.items()
        if known.get(name) != digest
    }
    for name in sorted(missed):
        run = int(name.split(".")[0])
        yield (
            f"the record {FOLDER}/{name} was removed or changed after others were written: "
            f"run {run} may have been run again"
        )


def _digest(battery: Path) -> str:
    """Digest what the verdict reads of a battery: every answer with its grade."""
    total = sha256()
    for path in sorted(battery.glob(f"iter_*/**/{RUN_SETS.name}")):
        try:
            with path.open("rb") as file:
                own = file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise cannot_read(path, error) from error
        total.update(f"{own} {path.relative_to(battery).as_posix()}\n".encode())
    return total.hexdigest()


def _records(campaign: Campaign) -> list[_Kept]:
    """Read all records, those of a run in the order in which they were written."""
    folder = campaign.folder / FOLDER
    try:
        paths = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise cannot_read(folder, error) from error
    paths.sort(key=lambda path: tuple(map(int, path.name.split("."))))
    return [_read(path) for path in paths]


def _read(path: Path) -> _Kept:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise cannot_read(path, error) from error
    try:
        finish = Finish.model_validate(jsonio.loads(data))
    except (ValueError, ValidationError) as error:
        raise ArtifactError(
            f"{path} does not say how a run finished", hint="restore that file"
        ) from error
    return _Kept(path.name, sha256(data).hexdigest()[:_DIGITS], finish)
