"""Scenarios in which nothing is learned, with a bound or without a promise."""

from __future__ import annotations

from math import log
from typing import Final

from battery.calibration.dials import Dials
from battery.calibration.scenario import Scenario
from battery.records.word import Word

# Nothing is learned here, so nothing may look like it: what a provider, a server or luck does to
# both arms alike. Each scenario is one way in which a comparison without a twin, or a test
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
        "provider steps",
        "Both arms need 40% less from the middle of 5 iterations on: a model was replaced.",
        Dials(iterations=5, step=log(0.6)),
        null=True,
    ),
    Scenario(
        # Fools the direction count, which compares the last iteration with the first.
        "server warms up",
        "Iteration 1 takes twice the tokens and the time in both arms.",
        Dials(warm_up=2.0),
        null=True,
    ),
    Scenario(
        "heavy noise",
        "Noise sd .8: calls differ by a factor of 2.",
        Dials(noise=0.8),
        null=True,
    ),
    Scenario(
        # A mean of five such calls is mostly the largest of them.
        "t2 noise",
        "The noise of a call is Student's t with 2 degrees: now and then a factor of 10.",
        Dials(iterations=5, tails="t2"),
        null=True,
    ),
    Scenario(
        "Pareto noise",
        "The tokens of a call have a Pareto tail of index 1.5, which has no variance.",
        Dials(iterations=5, noise=1 / 1.5, tails="pareto"),
        null=True,
    ),
    Scenario(
        # Reported 0 and not reported are two things: these calls count.
        "calls for 0 tokens",
        "One call in ten takes no token in either arm: it is answered from somewhere else.",
        Dials(iterations=5, free=0.1),
        null=True,
    ),
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
    *(
        Scenario(
            # Calls of one task share what it has for good, so more of them are no more evidence.
            f"lasting offsets, {count}",
            f"Each arm differs on each task for good, sd .2, {count} iterations.",
            Dials(iterations=count, lasting=0.2),
            null=True,
        )
        for count in (3, 5, 10)
    ),
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
        # What an arm does now and then, and its twin does as well, is not learning's fault.
        "base rates",
        "In both arms: overseer on 5% of easy calls, 1% bluffs, 5% of failures without an error.",
        Dials(iterations=5, overseen=0.05, claims=0.01, silent=0.05),
        null=True,
    ),
    Scenario(
        "no overseer",
        "A gateway that has none, 5 iterations.",
        Dials(iterations=5, overseer=False),
        null=True,
    ),
    Scenario(
        # Time decides nothing, so nothing that moves it may.
        "prompt caches",
        "The twin's prompts meet a cache: it takes .6 times the time from iteration 2 on.",
        Dials(iterations=5, prompt_cache=0.6),
        null=True,
    ),
    Scenario(
        "slower by half",
        "The learner takes 1.5 times the time in all iterations, the first one included.",
        Dials(pace=1.5),
        null=True,
    ),
    Scenario(
        # Without noise the least difference is certain; it is still not one that counts.
        "a longer prompt, no noise",
        "The learner takes 1.5% more tokens in all iterations, and no call differs by chance.",
        Dials(iterations=5, noise=0.0, offset=log(1.015)),
        null=True,
    ),
    Scenario(
        # Most of its calls are cheaper, and it costs the same.
        "erratic calls",
        "The learner's calls have noise sd .6 from iteration 2 on, at the same mean.",
        Dials(iterations=5, erratic=0.6),
        null=True,
    ),
    Scenario(
        "all of that",
        "5 iterations with shocks, drift, a warm-up, unequal tasks and flaky calls.",
        Dials(iterations=5, shock=0.2, drift=-0.05, warm_up=1.5, size_spread=1.2, flaky=0.1),
        null=True,
    ),
    *(
        Scenario(
            # Whoever adds iterations until a verdict is positive must not get it that way.
            f"until positive, {name}",
            f"3 iterations planned, then `iterate` until a look is positive, at most 20: {what}.",
            dials,
            null=True,
            costly=True,
        )
        for name, what, dials in (
            ("plain", "nothing learned", Dials(added=19)),
            ("offsets", "lasting offsets of sd .2", Dials(added=19, lasting=0.2)),
            ("flaky", "one call in ten fails", Dials(added=19, flaky=0.1)),
        )
    ),
)


# Nothing is learned here either, but what one arm has for itself, and all its tasks share, looks
# like learning to every test of tasks. The rates are measured, so that nobody has to guess them.
_SEVERAL: Final = "several batteries with fresh memories show it, since the next one goes elsewhere"


_SWAP: Final = "swapping the deployments shows it, since the lead then is the twin's"


UNPROMISED: Final = (
    Scenario(
        "shocks of its own",
        "In each iteration each arm needs about 10% more or less by itself, 5 iterations.",
        Dials(own_shock=0.1, iterations=5),
        unpromised=f"a twin cannot cancel what hits one arm alone; {_SEVERAL}",
    ),
    Scenario(
        "an arm wanders",
        "The load of each arm changes slowly by itself, sd .1, 5 iterations.",
        Dials(wander=0.1, iterations=5),
        unpromised=f"what lasts for some iterations looks learned in a short battery; {_SEVERAL}",
    ),
    Scenario(
        "one arm's regime",
        "From an iteration on, drawn by lot, one arm by lot needs 20% more, 5 iterations.",
        Dials(regime=log(1.2), iterations=5),
        unpromised=f"one change that lasts is what learning is; {_SEVERAL}",
    ),
    Scenario(
        "random playbooks",
        "What was distilled is worth sd .15 by luck, and walks by sd .10, 5 iterations.",
        Dials(playbook=0.15, walk=0.1, iterations=5),
        unpromised=f"this memory did get better, by luck; {_SEVERAL}",
    ),
    Scenario(
        "clusters of equal tasks",
        "The tasks of a phase share half of their noise, 5 iterations.",
        Dials(alike=0.5, iterations=5),
        unpromised="tasks that vary together count for less than their number; tasks of other kinds"
        " and more iterations show it",
    ),
    Scenario(
        "erratic, 3 iterations",
        "The learner's calls have noise sd .6 from iteration 2 on, at the same mean.",
        Dials(erratic=0.6),
        unpromised="two calls per task hardly show that they scatter; five iterations do",
    ),
    Scenario(
        "very erratic calls",
        "The learner's calls have noise sd 1 from iteration 2 on, at the same mean.",
        Dials(iterations=5, erratic=1.0),
        unpromised="the mean of a few calls misses what the rare expensive ones cost; more repeats"
        " show it",
    ),
    Scenario(
        "20% fewer tokens",
        "The learner's tokens are 20% fewer in all iterations, the first one included.",
        Dials(offset=log(0.8)),
        unpromised=f"only iteration 1 can tell, and notices little; {_SWAP}, and so do repeats",
    ),
    Scenario(
        "the same, 5 repeats",
        "20% fewer as above, and each task is asked five times.",
        Dials(offset=log(0.8), repeats=5),
        unpromised=f"as above; {_SWAP}",
    ),
    Scenario(
        "the same, swapped",
        "20% fewer in the twin instead: the deployments changed places.",
        Dials(offset=-log(0.8)),
        rare=(Word.LEARNED, Word.COMPOUNDING),
        unpromised="REGRESSED, likewise: only iteration 1 can tell",
    ),
    Scenario(
        "30% fewer tokens",
        "The learner's tokens are 30% fewer in all iterations, the first one included.",
        Dials(offset=log(0.7)),
        unpromised=f"as with 20%; {_SWAP}",
    ),
)
