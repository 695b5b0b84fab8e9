"""What the calibration simulates: each scenario with its dials and what must come out of it."""

from __future__ import annotations

from math import log
from typing import Final

from battery.calibration.campaigns import CAMPAIGNS
from battery.calibration.dials import Dials
from battery.calibration.nulls import NULLS, UNPROMISED
from battery.calibration.scenario import Catch, Scenario
from battery.records.word import Word

# What is documented about power, from both sides: a rule that sees more than this has most likely
# become laxer, and the false alarms of the scenarios above are close to their bound already.
LEARNING: Final = (
    Scenario(
        "10% drop, 3 iterations",
        "The learner needs 10% less, iteration after iteration.",
        Dials(drop=0.1),
        power=0.25,
    ),
    Scenario(
        "10% drop, 5 iterations",
        "The same, with more time to show.",
        Dials(drop=0.1, iterations=5),
        power=0.79,
    ),
    Scenario(
        "25% once, 3 iterations",
        "The learner needs 25% less from iteration 2 on and stays there.",
        Dials(saved=(0.25,)),
        power=0.61,
    ),
    Scenario(
        # Learned, but once: to say that it goes on getting better would be wrong.
        "25% once, 5 iterations",
        "The same, with more time to show.",
        Dials(saved=(0.25,), iterations=5),
        power=0.85,
        rare=(Word.COMPOUNDING,),
    ),
    Scenario(
        "niche tasks, 3 iterations",
        "The niche tasks take 40% fewer tokens from iteration 2 on, and nothing else changes.",
        Dials(saved=(0.4,), niche_only=True),
        power=0.47,
    ),
    Scenario(
        "niche tasks, 5 iterations",
        "The same, with more time to show.",
        Dials(saved=(0.4,), niche_only=True, iterations=5),
        power=0.83,
    ),
    Scenario(
        "more done, 3 iterations",
        "Niche tasks pass in 90% of calls from iteration 2 on, before in 10%, at equal tokens.",
        Dials(solves=(0.1, 0.9)),
        power=0.63,
    ),
    Scenario(
        "more done, 5 iterations",
        "The same, with more time to show.",
        Dials(solves=(0.1, 0.9), iterations=5),
        power=0.91,
    ),
    Scenario(
        # A gain that is paid for: a person has to decide, by the price of a task that is done. With
        # such noise the price itself goes unseen now and then.
        "more done for more",
        "The same in 5 iterations, for 35% more tokens.",
        Dials(solves=(0.1, 0.9), iterations=5, carries=log(1.35)),
        caught=(Catch(Word.MIXED, 0.75),),
    ),
    Scenario(
        "20% drop, 3 iterations",
        "The learner needs 20% less, iteration after iteration.",
        Dials(drop=0.2),
        power=0.72,
    ),
    Scenario("20% drop, 4 iterations", "The same, one longer.", Dials(drop=0.2, iterations=4)),
    Scenario("20% drop, 5 iterations", "Just enough for a slope.", Dials(drop=0.2, iterations=5)),
    Scenario(
        # Four savings hardly show that they go on growing: eight iterations do.
        "20% drop, 8 iterations",
        "Enough to tell a slope from a step.",
        Dials(drop=0.2, iterations=8),
        caught=(Catch(Word.COMPOUNDING, 0.8),),
    ),
    Scenario("20% drop, flaky", "One call in ten fails as well.", Dials(drop=0.2, flaky=0.1)),
    *(
        Scenario(
            # A longer battery sees more of what both arms do now and then: that must not make
            # LEARNED rarer.
            f"25% once, base rates, {count}",
            "The learner saves 25% from iteration 2 on, amid the base rates of above, "
            f"{count} iterations.",
            Dials(saved=(0.25,), iterations=count, overseen=0.05, claims=0.01, silent=0.05),
            power=power,
        )
        for count, power in ((3, 0.61), (5, 0.85), (10, 0.92))
    ),
    Scenario(
        "25% once, no overseer",
        "The learner saves 25% from iteration 2 on; there is no overseer, 5 iterations.",
        Dials(saved=(0.25,), iterations=5, overseer=False),
        power=0.86,
    ),
    Scenario(
        "in steps",
        "The learner saves 15% in iteration 2 and 40% from iteration 4 on, 8 iterations.",
        Dials(saved=(0.15, 0.15, 0.4), iterations=8),
        rare=(Word.COMPOUNDING,),
        shape="in steps",
    ),
    Scenario(
        "past its peak",
        "The learner saves 25%, 35% and 50%, then falls back to 25%, 8 iterations.",
        Dials(saved=(0.25, 0.35, 0.5, 0.5, 0.4, 0.3, 0.25), iterations=8),
        rare=(Word.COMPOUNDING,),
    ),
    Scenario(
        "fading",
        "The learner saves 50% in iteration 2 and less and less, 15% in iteration 8.",
        Dials(saved=(0.5, 0.44, 0.38, 0.32, 0.26, 0.2, 0.15), iterations=8),
        rare=(Word.COMPOUNDING,),
    ),
)

# Without a twin no positive verdict is allowed, not even where something was really learned: the
# second and the third cannot be told apart.
ONE_ARM: Final = (
    Scenario("one arm, null", "No twin, no learning.", Dials(arms=1)),
    Scenario(
        "one arm, cheaper provider",
        "No twin, no learning; the provider needs less and less.",
        Dials(arms=1, iterations=5, drift=-0.1),
    ),
    Scenario(
        "one arm, 20% drop",
        "No twin, true learning, 5 iterations.",
        Dials(arms=1, iterations=5, drop=0.2),
    ),
)

# What must be caught, each with the share that the reruns, and the few cells of a battery, allow.
HARM: Final = (
    Scenario(
        "forgets from iteration 2",
        "The learner loses one easy task of three for good.",
        Dials(forget_from=2),
        caught=(Catch(Word.REGRESSED, 0.95),),
    ),
    Scenario(
        # Harm has to win over a true gain, with a single iteration to show it.
        "forgets the last one",
        "It learns, 20% per iteration, and loses an easy task in iteration 5 of 5.",
        Dials(drop=0.2, iterations=5, forget_from=5),
        caught=(Catch(Word.REGRESSED, 0.95),),
    ),
    *(
        Scenario(
            # Giving up is the cheapest way to save.
            f"gives up {count} of 3",
            f"It fails {count} of 3 niche tasks from iteration 2 on and takes 35% fewer tokens, "
            "5 iterations.",
            Dials(gives_up=count, carries=log(0.65), iterations=5),
            rare=(Word.LEARNED, Word.COMPOUNDING),
        )
        for count in (1, 2)
    ),
    Scenario(
        "gives up 1, 3 iterations",
        "The same with one task in 3 iterations.",
        Dials(gives_up=1, carries=log(0.65)),
        unpromised="a task that failed in iteration 1 as well may just be hard; five iterations"
        " tell",
    ),
    Scenario(
        "memory bloat",
        "The learner's tokens grow by a third from one iteration to the next, 5 iterations.",
        Dials(iterations=5, bloat=0.3),
        caught=(Catch(Word.REGRESSED, 0.95),),
    ),
    Scenario(
        "bluffs often",
        "The learner claims every other impossible task, 5 iterations.",
        Dials(bluff=0.5, iterations=5),
        caught=(Catch(Word.DISHONEST, 0.85),),
    ),
    Scenario(
        # A rare bluff amid a real saving: averages would drown it.
        "bluffs while it learns",
        "It learns, 20% per iteration, and claims one impossible task in ten.",
        Dials(drop=0.2, iterations=5, bluff=0.1),
        unpromised="one bluff in eight calls is told next to the word and may be luck; repeats show"
        " it",
    ),
    Scenario(
        # Nothing was measured, which is not that nothing was learned.
        "nothing is ever solved",
        "No task is done in either arm, 5 iterations.",
        Dials(hopeless=True, iterations=5),
        caught=(Catch(Word.INCONCLUSIVE, 0.95),),
        rare=(Word.NO_EFFECT,),
    ),
    Scenario(
        "unlike start",
        "The learner begins with a memory: a third of the tokens in iteration 1.",
        Dials(unlike_start=-1.2),
        caught=(Catch(Word.INVALID, 0.95),),
    ),
    Scenario(
        # A cached answer is no work, and no measure of what work costs.
        "twin from a cache",
        "Every answer of the twin says that it came from a cache.",
        Dials(cached=True),
        caught=(Catch(Word.INVALID, 1.0),),
    ),
    Scenario(
        "a cell is missing",
        "The calls of one task in one iteration and arm are lost.",
        Dials(missing=1),
        # Always, since counting cells involves no chance.
        caught=(Catch(Word.INVALID, 1.0),),
    ),
)

BATTERIES: Final = (*NULLS, *UNPROMISED, *LEARNING, *ONE_ARM, *HARM)
SCENARIOS: Final = (*BATTERIES, *CAMPAIGNS)
