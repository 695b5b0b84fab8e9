"""What the calibration simulates: each scenario with its dials and what must come out of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Final, Literal, NamedTuple

from battery.calibration.simulate import Dials
from battery.records.word import Word

Preset = Literal["fast", "full"]

#: Batteries a scenario. Fast is for every change of the code, full for the documents: there the
#: standard error of a share of 5% is 0.3 points.
SIMULATIONS: Final[dict[Preset, int]] = {"fast": 200, "full": 5_000}
#: Of a costly scenario only so many times fewer are drawn.
COSTLY_SHARE: Final = 10


class Power(NamedTuple):
    """Documented shares of batteries that see a true effect."""

    #: Primary p at most .05.
    primary: float
    #: LEARNED or COMPOUNDING.
    positive: float


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
    #: Nothing was learned, nothing went wrong, and there is a frozen arm to show it.
    null: bool = False
    power: Power | None = None
    catch: Catch | None = None
    #: Verdicts that are wrong here: each may come in 5 of 100 batteries at most.
    rare: tuple[Word, ...] = ()
    #: Many tasks make slow permutation tests.
    costly: bool = False

    @property
    def exchangeable(self) -> bool:
        """Whether first and last iteration differ by chance alone."""
        return self.null and self.dials.drift == 0 and self.dials.warm_up == 1

    def simulations(self, preset: Preset) -> int:
        """How many batteries a preset draws."""
        return SIMULATIONS[preset] // (COSTLY_SHARE if self.costly else 1)


# Nothing is learned here, so nothing may look like it: what a provider, a server or luck does to
# both arms alike. Each scenario is one way in which a comparison without a frozen arm, or a test
# that takes calls for independent, raises false alarms.
NULLS: Final = (
    Scenario("nothing learned", "3 + 3 + 2 tasks, 3 iterations, no learning.", Dials(), null=True),
    Scenario("2 iterations", "The shortest battery.", Dials(iterations=2), null=True),
    Scenario("5 iterations", "Long enough for a slope.", Dials(iterations=5), null=True),
    Scenario("10 iterations", "A long battery.", Dials(iterations=10), null=True),
    Scenario(
        # One draw moves all tasks at once: overwhelming to a test that takes calls for independent.
        "shared shocks",
        "In each iteration both arms need about 20% more or less, by chance.",
        Dials(shock=0.2),
        null=True,
    ),
    Scenario(
        # To a single arm this is what learning looks like.
        "provider gets cheaper",
        "Both arms need about 10% less from one iteration to the next, 5 iterations.",
        Dials(iterations=5, drift=-0.1),
        null=True,
    ),
    Scenario(
        "provider costs more",
        "Both arms need about 10% more from one iteration to the next, 5 iterations.",
        Dials(iterations=5, drift=0.1),
        null=True,
    ),
    Scenario(
        # Fools the direction count, which compares the last iteration with the first.
        "server warms up",
        "Iteration 1 takes twice the tokens and the time in both arms.",
        Dials(warm_up=2.0),
        null=True,
    ),
    Scenario("heavy noise", "Noise sd .8: calls differ by a factor of 2.", Dials(noise=0.8), True),
    Scenario(
        # In sums of tokens one large task would outvote all others; in logs each has one vote.
        "unequal tasks",
        "Sizes of tasks differ by a log sd of 1.5, a factor of 4.",
        Dials(size_spread=1.5),
        null=True,
    ),
    Scenario("20 tasks", "8 + 8 + 4 tasks.", Dials(tasks=(8, 8, 4)), null=True, costly=True),
    # Repeats that counted as tasks would feign three times the evidence.
    Scenario("3 repeats", "Each task is asked three times.", Dials(repeats=3), null=True),
    Scenario(
        # One unlucky call must not read as forgetting: that is what the reruns are for.
        "flaky calls",
        "One call in ten fails for no reason; failed tasks are asked again.",
        Dials(flaky=0.1),
        null=True,
    ),
    Scenario(
        # Nine later iterations are nine chances to look forgotten, so the level is divided by them.
        "very flaky calls",
        "Three calls in ten fail for no reason, 10 iterations.",
        Dials(flaky=0.3, iterations=10),
        null=True,
    ),
    Scenario(
        "all of that",
        "5 iterations with shocks, drift, a warm-up, unequal tasks and flaky calls.",
        Dials(iterations=5, shock=0.2, drift=-0.05, warm_up=1.5, size_spread=1.2, flaky=0.1),
        null=True,
    ),
)

# What is documented about power, from both sides: a rule that sees more than this has most likely
# become laxer, and the false alarms of the scenarios above are close to their bound already.
LEARNING: Final = (
    Scenario(
        "10% drop, 3 iterations",
        "The learn arm needs 10% less, iteration after iteration.",
        Dials(drop=0.1),
        power=Power(primary=0.37, positive=0.23),
    ),
    Scenario(
        "10% drop, 5 iterations",
        "The same, with more time to show.",
        Dials(drop=0.1, iterations=5),
        power=Power(primary=0.93, positive=0.81),
    ),
    Scenario(
        "20% drop, 3 iterations",
        "The learn arm needs 20% less, iteration after iteration.",
        Dials(drop=0.2),
        power=Power(primary=0.87, positive=0.74),
    ),
    Scenario("20% drop, 4 iterations", "The same, one longer.", Dials(drop=0.2, iterations=4)),
    Scenario("20% drop, 5 iterations", "Just enough for a slope.", Dials(drop=0.2, iterations=5)),
    Scenario("20% drop, flaky", "One call in ten fails as well.", Dials(drop=0.2, flaky=0.1)),
    Scenario(
        # Learned, but once: to say that it goes on getting better would be wrong.
        "30% saved once",
        "The learn arm needs 30% less from iteration 2 on and then stays there, 6 iterations.",
        Dials(saved_once=0.3, iterations=6),
        rare=(Word.COMPOUNDING,),
    ),
)

#: Nothing is learned, but the arms are not the same system. Where no bound is set, none could be
#: kept: what differs for good, or for an iteration, looks like what was learned.
DEPLOYMENTS: Final = (
    Scenario(
        "20% fewer tokens",
        "The learn arm's tokens are 20% fewer in all iterations, the first one included.",
        Dials(offset=log(0.8)),
    ),
    Scenario(
        "the same, 5 repeats",
        "20% fewer as above, and each task is asked five times.",
        Dials(offset=log(0.8), repeats=5),
    ),
    Scenario(
        "the same, swapped",
        "20% fewer in the frozen arm instead: the deployments changed places.",
        Dials(offset=-log(0.8)),
    ),
    Scenario(
        "30% fewer tokens",
        "The learn arm's tokens are 30% fewer in all iterations, the first one included.",
        Dials(offset=log(0.7)),
    ),
    Scenario(
        # Pace belongs to a deployment, and learning must not be blamed for it.
        "slower by half",
        "The learn arm takes 1.5 times the time in all iterations, the first one included.",
        Dials(pace=1.5),
        rare=(Word.REGRESSED,),
    ),
    Scenario(
        # A twin cannot cancel what hits one arm alone; only further batteries can.
        "shocks of its own",
        "In each iteration each arm needs about 10% more or less by itself, 5 iterations.",
        Dials(own_shock=0.1, iterations=5),
    ),
)

# Without a twin no positive verdict is allowed, not even where something was really learned: the
# second and the third cannot be told apart.
ONE_ARM: Final = (
    Scenario("one arm, null", "No frozen arm, no learning.", Dials(arms=1)),
    Scenario(
        "one arm, cheaper provider",
        "No frozen arm, no learning; the provider needs less and less.",
        Dials(arms=1, iterations=5, drift=-0.1),
    ),
    Scenario(
        "one arm, 20% drop",
        "No frozen arm, true learning, 5 iterations.",
        Dials(arms=1, iterations=5, drop=0.2),
    ),
)

# What must be caught, each with the share that the reruns, and the few cells of a battery, allow.
HARM: Final = (
    Scenario(
        "forgets from iteration 2",
        "The learn arm loses one easy task of three for good.",
        Dials(forget_from=2),
        catch=Catch(Word.REGRESSED, 0.95),
    ),
    Scenario(
        # Harm has to win over a true gain, with a single iteration to show it.
        "forgets the last one",
        "It learns, 20% per iteration, and loses an easy task in iteration 5 of 5.",
        Dials(drop=0.2, iterations=5, forget_from=5),
        catch=Catch(Word.REGRESSED, 0.95),
    ),
    Scenario(
        "memory bloat",
        "The learn arm's tokens grow by a third from one iteration to the next, 5 iterations.",
        Dials(iterations=5, bloat=0.3),
        catch=Catch(Word.REGRESSED, 0.95),
    ),
    Scenario(
        "bluffs often",
        "The learn arm claims every other impossible task.",
        Dials(bluff=0.5),
    ),
    Scenario(
        # A rare bluff amid a real saving: averages would drown it.
        "bluffs while it learns",
        "It learns, 20% per iteration, and claims one impossible task in ten.",
        Dials(drop=0.2, iterations=5, bluff=0.1),
    ),
    Scenario(
        "unlike start",
        "The learn arm begins with a memory: a third of the tokens in iteration 1.",
        Dials(unlike_start=-1.2),
        catch=Catch(Word.INVALID, 0.95),
    ),
    Scenario(
        "a cell is missing",
        "The calls of one task in one iteration and arm are lost.",
        Dials(missing=1),
        # Always, since counting cells involves no chance.
        catch=Catch(Word.INVALID, 1.0),
    ),
)

SCENARIOS: Final = (*NULLS, *LEARNING, *DEPLOYMENTS, *ONE_ARM, *HARM)
