"""What a scenario of the calibration is: its dials, and what must come out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from battery.calibration.dials import Dials
from battery.records.findings import QuestionName, Shape
from battery.records.word import Word

Preset = Literal["fast", "full"]


#: Batteries per scenario. Fast is for every change of the code, full for the documents: there the
#: standard error of a share of 5% is half a point.
SIMULATIONS: Final[dict[Preset, int]] = {"fast": 120, "full": 2_000}


#: The same of a costly scenario.
COSTLY: Final[dict[Preset, int]] = {"fast": 20, "full": 2_000}


# A campaign takes as long as its runs do, and a single one as long as all of them next to it.
#: The same of a campaign.
CAMPAIGNS: Final[dict[Preset, int]] = {"fast": 8, "full": 200}


class Catch(NamedTuple):
    """A verdict that must be given in at least such a share of batteries."""

    word: Word
    at_least: float


@dataclass(frozen=True)
class Scenario:
    """A kind of battery, or of campaign, simulated many times."""

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

    # A campaign: several runs of one system, each from an empty memory.
    #: Runs; with one it is a battery.
    runs: int = 1
    #: The question that the campaign asks first.
    primary: QuestionName = "cost"
    #: Of what the last run is made instead; None is like all others.
    spoiled: Dials | None = None

    @property
    def exchangeable(self) -> bool:
        """Whether first and last iteration differ by chance alone, in every metric."""
        dials = self.dials
        still = dials.drift == dials.step == 0 and dials.warm_up == 1
        # Without noise, or with no overseer to be called less often, nothing is left to chance.
        return self.null and self.runs == 1 and still and dials.noise > 0 and dials.overseer

    def simulations(self, preset: Preset) -> int:
        """How many batteries a preset draws."""
        if self.runs > 1:
            return CAMPAIGNS[preset]
        return min(SIMULATIONS[preset], COSTLY[preset] if self.costly else SIMULATIONS[preset])
