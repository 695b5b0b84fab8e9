"""Campaigns: several simulated runs of one system, judged as one, and by whom they would mislead.

Each run is a battery of its own, from an empty memory. The verdict over runs is the one that
`battery campaign verdict` and `battery pool` give. Next to it is counted what the same calls would
have said otherwise: any run alone, and a single run with as many repeats.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import log
from typing import Final, NamedTuple

import numpy as np

from battery.calibration.dials import Dials
from battery.calibration.scenario import Catch, Scenario
from battery.calibration.simulate import simulate
from battery.records.campaign import RunFindings
from battery.records.findings import QuestionName
from battery.records.word import POSITIVE, Word
from battery.verdict import ladder
from battery.verdict.assess import facts_of
from battery.verdict.facts import Observed
from battery.verdict.runs import facts_of as over_runs
from battery.verdict.runs import ladder as ladder_of_runs
from battery.verdict.runs.one import About, findings

#: What a memory is worth by luck: it helps or harms all tasks, and changes as it goes on.
_BY_LUCK: Final = Dials(playbook=0.15, walk=0.1)
#: The same 20% that single batteries are asked about.
_LEARNS: Final = Dials(drop=0.2)

# Nothing is learned here, and every run has something of its own that looks like it. A single
# battery makes no promise of most of these.
NULLS: Final = (
    Scenario("5 runs, nothing learned", "Each run is 3 + 3 + 2 tasks, 3 iterations.", Dials()),
    Scenario(
        "5 runs, random playbooks",
        "What each run distilled is worth sd .15 by luck, and walks by sd .10.",
        _BY_LUCK,
    ),
    Scenario(
        "5 longer runs, playbooks",
        "The same in runs of 5 iterations.",
        replace(_BY_LUCK, iterations=5),
    ),
    Scenario("8 runs, random playbooks", "The same playbooks in 8 runs.", _BY_LUCK, runs=8),
    Scenario(
        "6 runs, one is INVALID",
        "The same playbooks; the last run begins with a memory and is left out.",
        _BY_LUCK,
        runs=6,
        spoiled=Dials(unlike_start=-1.2),
    ),
    Scenario(
        "5 runs, arms wander",
        "The load of each arm changes slowly by itself, sd .1, 5 iterations.",
        Dials(wander=0.1, iterations=5),
    ),
    Scenario(
        "5 runs, one arm's regime",
        "From an iteration on one arm, by lot in each run, needs 20% more, 5 iterations.",
        Dials(regime=log(1.2), iterations=5),
    ),
    Scenario(
        "5 runs, base rates",
        "In both arms: overseer on 5% of easy calls, 1% bluffs, one call in ten fails.",
        Dials(overseen=0.05, claims=0.01, silent=0.05, flaky=0.1),
    ),
)

LEARNING: Final = (
    Scenario(
        "5 runs, 20% drop",
        "The learner needs 20% less, iteration after iteration, 3 iterations.",
        _LEARNS,
        power=0.93,
    ),
    Scenario(
        "5 runs, 20%, playbooks",
        "The same, and each memory is worth more or less by luck as above.",
        replace(_LEARNS, playbook=0.15, walk=0.1),
        power=0.8,
    ),
    Scenario(
        "6 runs, 20%, one INVALID",
        "The same drop; the last run begins with a memory and is left out.",
        _LEARNS,
        runs=6,
        spoiled=Dials(unlike_start=-1.2),
        power=0.93,
    ),
    Scenario(
        "5 runs, compounding",
        "The same drop in runs of 6 iterations.",
        replace(_LEARNS, iterations=6),
        caught=(Catch(Word.COMPOUNDING, 0.8),),
    ),
    Scenario(
        "5 runs, niche tasks",
        "The niche tasks take 40% fewer tokens from iteration 2 on; they are asked about first.",
        Dials(saved=(0.4,), niche_only=True),
        primary="niche",
        power=0.9,
    ),
    Scenario(
        "5 runs, with new tasks",
        "The same 20% drop, and new tasks of the same kind gain as much.",
        replace(_LEARNS, siblings=True),
        power=0.92,
    ),
)

HARM: Final = (
    Scenario(
        "5 runs, memorised",
        "The 20% drop is on tasks that are asked again only: new ones gain nothing.",
        replace(_LEARNS, siblings=True, memorises=True),
        rare=(Word.LEARNED, Word.COMPOUNDING),
        caught=(Catch(Word.MEMORISED, 0.75),),
    ),
    Scenario(
        # In one run of them a bluff in ten is mostly missed.
        "5 runs, rare bluffs",
        "It learns, 20% per iteration, and claims one impossible task in five.",
        replace(_LEARNS, bluff=0.2),
        caught=(Catch(Word.DISHONEST, 0.75),),
    ),
    Scenario(
        "5 runs, memory bloat",
        "The learner's tokens grow by a third from one iteration to the next.",
        Dials(bloat=0.3),
        caught=(Catch(Word.REGRESSED, 0.95),),
    ),
    Scenario(
        "5 runs, gives up 1 of 3",
        "It fails one niche task from iteration 2 on and takes 35% fewer tokens.",
        Dials(gives_up=1, carries=log(0.65)),
        unpromised="the task fails now and then anyway, and five runs show what it costs only "
        "mostly; runs of 5 iterations, or reports that name the task, do",
    ),
    Scenario(
        "5 runs, 20% fewer",
        "The learner's tokens are 20% fewer in all iterations, the first one included.",
        Dials(offset=log(0.8)),
        unpromised="every run has the same lead, and only iteration 1 can tell; swapping the "
        "deployments shows it",
    ),
    Scenario(
        "5 runs, erratic calls",
        "The learner's calls have noise sd .6 from iteration 2 on, at the same mean.",
        Dials(erratic=0.6),
        unpromised="means of two calls that scatter look cheap in every run; runs of 5 iterations "
        "show it",
    ),
)

CAMPAIGNS: Final = (
    *(replace(each, null=True, runs=max(each.runs, 5)) for each in NULLS),
    *(replace(each, runs=max(each.runs, 5)) for each in (*LEARNING, *HARM)),
)


class Said(NamedTuple):
    """What came of one campaign, and what its calls would have said otherwise."""

    word: Word
    yes: frozenset[QuestionName]
    #: Whether any of its runs alone is LEARNED or COMPOUNDING.
    any_run: bool
    #: The same of a single run with as many calls.
    one_run: bool


def said(scenario: Scenario, campaigns: int, rng: np.random.Generator) -> Iterator[Said]:
    """Simulate so many campaigns, and judge each; raise `ValueError` for one without a verdict."""
    normal = scenario.runs - bool(scenario.spoiled)
    drawn = simulate(scenario.dials, campaigns * normal, rng)
    spoiled = simulate(scenario.spoiled or scenario.dials, campaigns, rng)
    repeats = scenario.dials.repeats * scenario.runs
    alone = simulate(replace(scenario.dials, repeats=repeats), campaigns, rng)
    for _ in range(campaigns):
        runs = [next(drawn) for _ in range(normal)]
        if scenario.spoiled:
            runs.append(next(spoiled))
        yield _judged(scenario, runs, next(alone))


def _judged(scenario: Scenario, runs: Sequence[Observed], alone: Observed) -> Said:
    found = [_finding(str(number), run) for number, run in enumerate(runs, start=1)]
    facts = over_runs(found, len(found), scenario.primary)
    word = ladder_of_runs.decide(facts).word
    if word is None:
        raise ValueError(f"{scenario.name}: a campaign got no verdict")
    return Said(
        word=word,
        yes=frozenset(question.name for question in facts.questions if question.yes),
        any_run=any(run.word in POSITIVE for run in found),
        one_run=ladder.decide(facts_of(alone)).word in POSITIVE,
    )


def _finding(name: str, run: Observed) -> RunFindings:
    facts = facts_of(run)
    return findings(About(name), facts, ladder.decide(facts))
