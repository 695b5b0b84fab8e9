"""What a scenario of the calibration is: its dials, and what must come out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from battery.calibration.dials import Dials
from battery.records.findings import Shape
from battery.records.word import Word

Preset = Literal["fast", "full"]


#: Batteries per scenario. Fast is for every change of the code, full for the documents: there the
#: standard error of a share of 5% is half a point.
SIMULATIONS: Final[dict[Preset, int]] = {"fast": 120, "full": 2_000}


#: The same of a costly scenario.
COSTLY: Final[dict[Preset, int]] = {"fast": 20, "full": 2_000}


class Catch(NamedTuple):
    """A verdict that must be given in at least such a share of batteries."""

    word: Word
    at_least: float


@dataclass(frozen=True)
class Scenario:
    """A kind of battery, simulated many times."""

    name: str
    about: str
    dials: Dials
    #: Nothing was learned, nothing went wrong, and there is a twin to show it.
    null: bool = False
    #: Documented share of LEARNED and COMPOUNDING, where something was learned.
    power: float | None = None
    caught: tuple[Catch, ...] = ()
    #: Verdicts that are wrong here: each may come in 5 of 100 batteries at most.
    rare: tuple[Word, ...] = ()
    #: What must be said of the saving in at least half of the batteries.
    shape: Shape | None = None
    #: Why no bound is promised where one would be wanted, and what would show the truth.
    unpromised: str | None = None
    #: Many tasks, or many looks, take long.
    costly: bool = False

    @property
    def exchangeable(self) -> bool:
        """Whether first and last iteration differ by chance alone, in every metric."""
        dials = self.dials
        still = dials.drift == dials.step == 0 and dials.warm_up == 1
        # Without noise, or with no overseer to be called less often, nothing is left to chance.
        return self.null and still and dials.noise > 0 and dials.overseer

    def simulations(self, preset: Preset) -> int:
        """How many batteries a preset draws."""
        return min(SIMULATIONS[preset], COSTLY[preset] if self.costly else SIMULATIONS[preset])
