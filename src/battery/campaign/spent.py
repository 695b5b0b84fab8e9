"""What the runs of a campaign have spent: its caps hold for all of them together.

    cells/007/spent.3    what the run had spent in epoch 3

Each worker writes down what its runs have spent, and reads what the others wrote before a task
begins: far from a cap at most so often that it takes little time, and near it each time. So what is
spent beyond a cap is what is under way when it is reached: in each run a task in both arms, or one
call of a distillation, review or judgment.
"""

from __future__ import annotations

import os
import re
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial, reduce
from pathlib import Path
from typing import Final, NamedTuple

from battery.base import jsonio
from battery.base.errors import BatteryError, PausedError
from battery.base.numbers import counted, money
from battery.campaign.lease import DONE, state_of
from battery.campaign.plan import Campaign
from battery.inputs.tasks import load_tasks
from battery.pricing import Pricing
from battery.records.events import Notice, Observer
from battery.records.plan import Cell
from battery.runner.budget import Budget, require_prices
from battery.runner.hold import Spent
from battery.store.files import cannot_write

_NAME: Final = re.compile(r"spent\.[1-9][0-9]{0,8}")
#: Seconds after which what others have spent is read again at the latest.
_OLD_S: Final = 1.0
#: The part of the time that reading and writing may take far from a cap, so that a slow network
#: drive holds nobody up.
_SHARE: Final = 1 / 20
#: So many times what all runs would have spent at the pace of those here may be what they spent.
_CAUTION: Final = 2


class Caps(NamedTuple):
    """What all runs of a campaign together may spend; None is no cap."""

    max_tokens: int | None = None
    max_cost: float | None = None

    def words(self) -> Iterator[str]:
        """Yield the caps as options of a command."""
        if self.max_tokens is not None:
            yield f"--max-tokens={self.max_tokens}"
        if self.max_cost is not None:
            yield f"--max-cost={self.max_cost!r}"


def caps_of(campaign: Campaign, asked: Caps) -> Caps:
    """Return the caps that hold: those of the command, else those of the plan.

    Raises `UsageError` where a cap on costs could not be kept.
    """
    plan = campaign.plan
    if asked.max_cost is not None:
        pricing = Pricing.of(load_tasks(campaign.tasks_path).prices, None)
        require_prices(asked.max_cost, plan.models, pricing)
    return Caps(
        plan.max_tokens if asked.max_tokens is None else asked.max_tokens,
        plan.max_cost if asked.max_cost is None else asked.max_cost,
    )


def tell_of_change(campaign: Campaign, caps: Caps, tell: Observer) -> None:
    """Say which caps hold instead of those of the plan, which stays as it is."""
    plan = campaign.plan
    changed = (
        ("--max-tokens", caps.max_tokens, plan.max_tokens, "{:,}".format),
        ("--max-cost", caps.max_cost, plan.max_cost, money),
    )
    for name, cap, planned, written in changed:
        if cap is not None and cap != planned:
            instead = "no cap" if planned is None else f"the planned {written(planned)}"
            tell(Notice(f"{name} {written(cap)} holds for all runs together, instead of {instead}"))


class Ledger:
    """What all runs have spent: those of this process at once, the others as they wrote it."""

    def __init__(
        self, campaign: Campaign, caps: Caps, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._campaign = campaign
        self.caps = caps
        self._clock = clock
        #: Runs have threads of their own.
        self._lock = threading.Lock()
        #: By number of the cell, the runs of this process: where each is written, and what.
        self._paths: dict[int, Path] = {}
        self._own: dict[int, Spent] = {}
        self._written: dict[int, Spent] = {}
        self._elsewhere = Spent()
        self._next_at = float("-inf")
        #: What the runs of this process spent since the others were read, and at most in one call.
        self._since = Spent()
        self._largest = Spent()

    @contextmanager
    def account(self, cell: Cell, epoch: int) -> Iterator[Callable[[Spent], Spent]]:
        """Keep the account of a run within the block; yield what `Hold.others` is for it."""
        self._begin(cell, epoch)
        try:
            yield partial(self._others, cell.number)
        finally:
            self._end(cell)

    def _begin(self, cell: Cell, epoch: int) -> None:
        folder = self._campaign.cell(cell)
        with self._lock:
            # Until it has counted what is on record, it has spent what its last holder wrote.
            self._own[cell.number] = read(folder)
            self._paths[cell.number] = folder / f"spent.{epoch}"
            self._next_at = float("-inf")

    def _end(self, cell: Cell) -> None:
        with self._lock:
            # What stopped the run says more than that this could not be written either.
            with suppress(BatteryError):
                self._write(cell.number)
            for kept in (self._own, self._paths, self._written):
                kept.pop(cell.number, None)
            self._next_at = float("-inf")

    def require(self) -> None:
        """Raise `PausedError` where no run may begin another task."""
        budget = Budget(*self.caps, others=lambda _own: self.total())
        try:
            budget.require()
        except PausedError as error:
            raise self._paused(error) from None

    def total(self) -> Spent:
        """Sum up what all runs have spent, as far as it is known here."""
        with self._lock:
            self._sync()
            return reduce(Spent.plus, self._own.values(), self._elsewhere)

    def _others(self, number: int, own: Spent) -> Spent:
        with self._lock:
            before = self._own[number]
            self._own[number] = own.most(before)
            self._note(self._own[number].less(before))
            self._sync()
            rest = (spent for other, spent in self._own.items() if other != number)
            return reduce(Spent.plus, rest, self._elsewhere)

    def _note(self, call: Spent) -> None:
        self._since = self._since.plus(call)
        self._largest = self._largest.most(call)

    def _is_near(self) -> bool:
        """Return whether a cap may have been reached since the others were read."""
        if not self._largest.calls:
            return self.caps != Caps()
        total = reduce(Spent.plus, self._own.values(), self._elsewhere)
        runs = self._campaign.plan.runs
        for cap, spent, since, largest in zip(
            self.caps, total[1:], self._since[1:], self._largest[1:], strict=True
        ):
            elsewhere = _CAUTION * runs * (since / max(1, len(self._own)) + largest)
            if cap is not None and spent + elsewhere >= cap:
                return True
        return False

    def _sync(self) -> None:
        began = self._clock()
        if began < self._next_at and not self._is_near():
            return
        for number in self._own:
            self._write(number)
        cells = self._campaign.plan.cells
        others = [self._campaign.cell(cell) for cell in cells if cell.number not in self._own]
        self._elsewhere = reduce(Spent.plus, map(read, others), Spent())
        self._since = Spent()
        now = self._clock()
        self._next_at = now + min(_OLD_S, (now - began) / _SHARE)

    def _write(self, number: int) -> None:
        spent = self._own[number]
        if spent == self._written.get(number):
            return
        path = self._paths[number]
        draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            # Not synced: after a power cut it is counted again, from what is on record.
            draft.write_bytes(jsonio.dumps(spent._asdict()) + b"\n")
            draft.replace(path)
        except OSError as error:
            raise cannot_write(path, error) from error
        self._written[number] = spent

    def _paused(self, error: PausedError) -> PausedError:
        campaign = self._campaign
        done = sum(state_of(campaign.cell(cell)) in DONE for cell in campaign.plan.cells)
        came = f"{done} of {counted(campaign.plan.runs, 'run')} are finished"
        again = f"battery campaign run {shlex.quote(str(campaign.folder))}"
        return PausedError(f"{error.message}; {came}", hint=f"go on with: {again} {error.hint}")


def read(folder: Path) -> Spent:
    """Read what the run of a cell has spent, as its holders wrote it down."""
    try:
        paths = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    except FileNotFoundError:
        return Spent()
    # The most that any says: one that lost its lease may have paid for a last call.
    return reduce(Spent.most, map(_read, paths), Spent())


def _read(path: Path) -> Spent:
    try:
        return Spent(**jsonio.loads(path.read_bytes()))
    except FileNotFoundError:
        return Spent()
    except (OSError, ValueError, TypeError) as error:
        raise BatteryError(
            f"{path} does not say what the run has spent, which the caps are held to",
            hint="remove it: what is on record is counted when the run goes on",
        ) from error
