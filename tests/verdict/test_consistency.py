"""Nothing that a verdict says contradicts anything else it says, whatever battery it is of."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from battery.base.numbers import more_or_fewer
from battery.records.findings import Evidence, Group, TaskEffect
from battery.records.models import FROZEN, SOLVABLE
from battery.records.word import GateName, GateStatus, Word
from battery.verdict import ladder, policy
from battery.verdict.assess import assess, facts_of
from battery.verdict.facts import Facts, Observed
from tests.verdict.drawn import battery

#: Batteries of the suite. `make fuzz` takes thirty times as many, and others with PROFILE=explore.
SUITE = 25
PARTS = 5


class Seen:
    """A battery, and all that was found in it."""

    def __init__(self, seed: int) -> None:
        self.observed: Observed = battery(seed)
        self.facts: Facts = facts_of(self.observed)
        self.evidence: Evidence = assess(self.observed)

    @property
    def relevant(self) -> tuple[float, float]:
        wanted = self.observed.expectations.relevant
        return wanted.cost, wanted.success


Check = Callable[[Seen], Iterator[str]]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    CHECKS.append(function)
    return function


def yes(evidence: Evidence) -> set[str]:
    return {asked.name for asked in evidence.questions if asked.yes}


def gain(group: Group) -> float:
    if not group.learn_calls or not group.frozen_calls:
        return 0.0
    return group.learn_done / group.learn_calls - group.frozen_done / group.frozen_calls


@check
def the_budget_is_not_overspent(seen: Seen) -> Iterator[str]:
    evidence = seen.evidence
    if evidence.looks is None:
        return
    spent = sum(asked.level for asked in evidence.questions)
    betting = any("e-values" in asked.test for asked in evidence.questions)
    if spent > (policy.LATER if betting else policy.planned()) + 1e-9:
        yield f"{spent} is spent"


@check
def a_yes_has_a_small_p_and_a_no_with_a_small_p_a_reason(seen: Seen) -> Iterator[str]:
    for asked in seen.evidence.questions:
        small = asked.p is not None and asked.p <= asked.level
        if asked.yes and not small:
            yield f"{asked.name}: yes with p = {asked.p}"
        if small and not asked.yes and not asked.note:
            yield f"{asked.name}: no reason for a no"


@check
def p_and_interval_are_on_the_same_side(seen: Seen) -> Iterator[str]:
    evidence = seen.evidence
    pairs = [
        (evidence.question("cost"), evidence.group("all")),
        (evidence.question("niche"), evidence.group("niche")),
    ]
    for asked, group in pairs:
        if asked is None or group is None or group.interval is None:
            continue
        small = asked.p is not None and asked.p <= asked.level
        if small != (group.interval.high < 1):
            yield f"{asked.name}: p = {asked.p} at {asked.level}, interval {group.interval}"
        if group.interval.level != pytest.approx(1 - 2 * asked.level):
            yield f"{asked.name}: level {group.interval.level} next to {asked.level}"


@check
def a_harm_and_the_interval_are_on_the_same_side(seen: Seen) -> Iterator[str]:
    facts, group = seen.facts, seen.evidence.group("all")
    looks = seen.evidence.looks
    if not group or not group.interval or not looks or facts.harm_p is None:
        return
    harmed = facts.harm_p <= facts.harm_level
    if looks.iterations == seen.evidence.iterations and harmed != (group.interval.low > 1):
        yield f"harm {facts.harm_p} at {facts.harm_level}, interval {group.interval}"


@check
def the_estimate_is_in_its_interval(seen: Seen) -> Iterator[str]:
    for group in seen.evidence.groups:
        if group.interval is None:
            continue
        if group.ratio is None:
            yield f"{group.kind}: an interval of nothing"
            continue
        low, high = group.interval.low * (1 - 1e-3), group.interval.high * (1 + 1e-3)
        if not low <= group.ratio <= high:
            yield f"{group.kind}: {group.ratio} outside {group.interval}"


SENTENCE = re.compile(
    r"used (?P<cost>[\w.% ]+?) tokens (?:as|than) its twin, which learns nothing"
    r"(?:, and (?P<word>as many|more|fewer) tasks were done "
    r"\((?P<own>\d+) of (?P<of_own>\d+) runs, twin (?P<twins>\d+) of (?P<of_twins>\d+)\))?"
)


@check
def the_sentence_repeats_the_table(seen: Seen) -> Iterator[str]:
    evidence = seen.evidence
    for match in SENTENCE.finditer(evidence.sentence):
        of_niche = "On its niche tasks" in evidence.sentence[: match.start()]
        group = evidence.group("niche" if of_niche else "all")
        if group is None or group.ratio is None:
            yield "a sentence without a group"
            continue
        if match["cost"] != more_or_fewer(group.ratio):
            yield f"{match['cost']} for {group.ratio}"
        if match["word"]:
            counts = tuple(int(match[name]) for name in ("own", "of_own", "twins", "of_twins"))
            if counts != (
                group.learn_done,
                group.learn_calls,
                group.frozen_done,
                group.frozen_calls,
            ):
                yield f"{counts} for {group}"
            own, twins = counts[0] * counts[3], counts[2] * counts[1]
            word = "as many" if own == twins else "more" if own > twins else "fewer"
            if word != match["word"]:
                yield f"{match['word']} for {counts}"


@check
def what_fits_is_the_interval(seen: Seen) -> Iterator[str]:
    group = seen.evidence.group("all")
    match = re.search(r"Anything from (.+?) to (.+?) fits", seen.evidence.sentence)
    if match and group and group.interval:
        ends = (more_or_fewer(group.interval.low), more_or_fewer(group.interval.high))
        if match.groups() != ends:
            yield f"{match.groups()} for {group.interval}"
    elif match:
        yield "an interval that is not there"


@check
def a_claim_has_a_yes_and_no_objection(seen: Seen) -> Iterator[str]:
    evidence, word = seen.evidence, seen.evidence.verdict
    if word is None or not word.about.claims:
        return
    failed = [gate.name for gate in evidence.gates if gate.status is GateStatus.FAILED]
    if not yes(evidence):
        yield f"{word} without a yes"
    if failed or evidence.holds or seen.facts.nothing:
        yield f"{word} next to {failed}, {evidence.holds}, {seen.facts.nothing}"
    if ladder.fewer_done(seen.facts) or ladder.costs_more(seen.facts):
        yield f"{word} with a price"
    niche, group = evidence.group("niche"), evidence.group("all")
    if yes(evidence) == {"niche"} and niche and niche.learn and niche.frozen:
        if niche.learn >= niche.frozen:
            yield f"{word}, and niche tasks cost more: {niche}"
        if group and group.ratio and group.ratio - 1 >= seen.relevant[0]:
            yield f"{word}, and all tasks cost more: {group}"


@check
def a_claim_holds_for_new_tasks_where_they_were_asked(seen: Seen) -> Iterator[str]:
    evidence, word = seen.evidence, seen.evidence.verdict
    new = evidence.siblings
    memorised = new is not None and new.outcome == "memorised"
    if (word is Word.MEMORISED) and not memorised:
        yield f"MEMORISED next to {new}"
    if word is not None and word.about.claims:
        if new and new.outcome not in {"shown", "nothing to show"}:
            yield f"{word} next to {new}"
        if (new is not None and new.outcome == "shown") == ("nothing new was" in evidence.sentence):
            yield f"{evidence.sentence} next to {new}"


@check
def what_siblings_show_follows_from_their_numbers(seen: Seen) -> Iterator[str]:
    new = seen.evidence.siblings
    if new is None:
        return
    small = new.p is not None and new.p <= new.level
    if new.outcome == "shown" and not small:
        yield f"shown with p = {new.p} at {new.level}"
    if new.outcome in {"open", "memorised"} and not new.note:
        yield f"{new.outcome} without a reason"
    if new.interval and small != (new.interval.high < 1):
        yield f"p = {new.p} at {new.level}, interval {new.interval}"
    if new.outcome == "memorised" and new.interval and new.interval.low <= (new.repeated or 1):
        yield f"memorised, and siblings may save as much: {new}"


@check
def no_effect_is_next_to_no_effect(seen: Seen) -> Iterator[str]:
    evidence = seen.evidence
    if evidence.verdict is not Word.NO_EFFECT:
        return
    if yes(evidence):
        yield f"NO EFFECT next to {yes(evidence)}"
    group = evidence.group("all")
    if group and abs(gain(group)) >= seen.relevant[1]:
        yield f"NO EFFECT, and {gain(group)} more are done"
    for group in evidence.groups:
        if abs(gain(group)) >= 2 * seen.relevant[1]:
            yield f"NO EFFECT, and {gain(group)} more {group.kind} tasks are done"
    if ladder.fewer_done(seen.facts):
        yield "NO EFFECT next to a loss"


@check
def a_loss_that_is_told_is_of_the_kind_that_is_named(seen: Seen) -> Iterator[str]:
    evidence = seen.evidence
    pattern = r"(more|fewer|as many) (niche|easy)? ?tasks were done \((\d+) of (\d+) runs"
    told = re.findall(pattern, evidence.sentence, re.IGNORECASE)
    for word, kind, done, calls in told:
        group = evidence.group(kind or "all") if kind else None
        if group and (group.learn_done, group.learn_calls) != (int(done), int(calls)):
            yield f"{done} of {calls} for {group}"
        if kind and word.lower() != "fewer":
            yield f"{word} {kind} tasks as a loss"
    if "the saving alone is no gain" in evidence.sentence and not any(
        word.lower() == "fewer" for word, *_ in told
    ):
        yield "less is done, and nothing says of what"
    if re.search(r"p < 0\.001\), which may be chance", " ".join(evidence.reasons)):
        yield f"{evidence.reasons}"


@check
def a_look_is_by_plan_or_bets(seen: Seen) -> Iterator[str]:
    looks = seen.evidence.looks
    if looks and looks.by_plan is any("e-values" in each.test for each in seen.evidence.questions):
        yield f"{looks} with {seen.evidence.questions[0].test}"


@check
def what_comes_later_is_not_hidden_by_an_earlier_look(seen: Seen) -> Iterator[str]:
    evidence, looks = seen.evidence, seen.evidence.looks
    if looks is None or 1 + looks.iterations == evidence.iterations or not yes(evidence):
        return
    if looks.iterations < evidence.iterations and ladder.fewer_done(seen.facts):
        yield f"{evidence.verdict} by {looks}, and later fewer are done"


@check
def other_words_are_where_they_belong(seen: Seen) -> Iterator[str]:
    evidence, word = seen.evidence, seen.evidence.verdict
    prices = (ladder.fewer_done, ladder.costs_more, ladder.pays_elsewhere)
    priced = any(price(seen.facts) for price in prices)
    if word is Word.MIXED and not (yes(evidence) and priced):
        yield "MIXED without a gain and a price"
    if word is Word.INDICATIVE and FROZEN in evidence.arms:
        yield "INDICATIVE with two arms"
    if word is None and evidence.iterations > 1:
        yield "no word"


@check
def what_is_open_has_advice_and_nothing_else_has(seen: Seen) -> Iterator[str]:
    evidence, word = seen.evidence, seen.evidence.verdict
    if word is Word.LEARNED:
        wanted = evidence.iterations < policy.SLOPE_ITERATIONS
    else:
        wanted = word not in {Word.DISHONEST, Word.COMPOUNDING, Word.NO_EFFECT}
    if bool(evidence.settle) != wanted:
        yield f"{word}: {evidence.settle}"


@check
def regressed_has_a_harm(seen: Seen) -> Iterator[str]:
    evidence, facts = seen.evidence, seen.facts
    if Word.REGRESSED not in evidence.holds:
        return
    group = evidence.group("all")
    lost = any(lost.counts for lost in facts.lost)
    cost = group and group.ratio and group.ratio - 1 >= seen.relevant[0] - 1e-9
    fewer = evidence.success_p is not None and evidence.success_p <= policy.LOSS
    if not (lost or cost or fewer):
        yield "REGRESSED without a harm"
    if lost and not any(
        gate.name is GateName.ALPHA and gate.status is GateStatus.FAILED for gate in evidence.gates
    ):
        yield "a lost task, and its gate did not fail"


@check
def the_alarms_decide_the_word(seen: Seen) -> Iterator[str]:
    evidence = seen.evidence
    alarms = [Word.INVALID, Word.DISHONEST, Word.REGRESSED]
    if evidence.holds and evidence.verdict != evidence.holds[0]:
        yield f"{evidence.verdict} though {evidence.holds}"
    if not evidence.holds and evidence.verdict in alarms:
        yield f"{evidence.verdict} holds not"
    if evidence.holds != [word for word in alarms if word in evidence.holds]:
        yield f"{evidence.holds}"
    claims = evidence.bluffs
    if (Word.DISHONEST in evidence.holds) != bool(claims and claims.learned):
        yield f"DISHONEST next to {claims}"
    for kind in (claims.impossible, claims.refuted) if claims else ():
        if kind and kind.learned and not kind.learn:
            yield "it learned to bluff, and never bluffs"


@check
def compounding_grows(seen: Seen) -> Iterator[str]:
    evidence, growth = seen.evidence, seen.evidence.growth
    if growth is None:
        return
    first, last = growth.ratios[0], growth.ratios[-1]
    if evidence.verdict is Word.COMPOUNDING:
        if growth.shape != "grew" or evidence.iterations < policy.SLOPE_ITERATIONS:
            yield f"COMPOUNDING, {growth}"
        if "cost" not in yes(evidence):
            yield "COMPOUNDING without a saving over all tasks"
        if first is None or last is None or last >= first:
            yield f"COMPOUNDING from {first} to {last}"
    if re.search("grew from|in steps", evidence.sentence) and not (first and last and last < first):
        yield f"{evidence.sentence}: {growth.ratios}"
    if re.search("is fading|past its peak", evidence.sentence):
        best = min(ratio for ratio in growth.ratios if ratio is not None)
        if last is None or last <= best:
            yield f"{evidence.sentence}: {growth.ratios}"


def kinds(evidence: Evidence) -> Iterator[tuple[Group, list[TaskEffect]]]:
    phases = {"niche": "beta", "easy": "alpha", "impossible": "gamma"}
    for group in evidence.groups:
        rows = evidence.by_task
        if group.kind != "all":
            rows = [task for task in rows if task.phase == phases[group.kind]]
        yield group, rows


@check
def counts_of_a_kind_are_the_sums_of_its_tasks(seen: Seen) -> Iterator[str]:
    for group, rows in kinds(seen.evidence):
        counted = [task for task in rows if task.phase in SOLVABLE]
        if group.tasks != len(rows):
            yield f"{group.kind}: {group.tasks} tasks, {len(rows)} rows"
        for key in ("learn_done", "learn_calls", "frozen_done", "frozen_calls"):
            if getattr(group, key) != sum(getattr(task, key) for task in counted):
                yield f"{group.kind}: {key}"
    if seen.evidence.by_task and len(seen.evidence.by_task) != seen.evidence.tasks:
        yield "not all tasks are listed"


@check
def costs_of_a_kind_are_the_means_of_its_tasks(seen: Seen) -> Iterator[str]:
    start = seen.evidence.start
    for group, rows in kinds(seen.evidence):
        logs = [math.log(task.ratio) for task in rows if task.ratio is not None]
        if (group.ratio is None) != (not logs):
            yield f"{group.kind}: {group.ratio} of {logs}"
        elif group.ratio is not None and not (start and start.netted):
            typical = math.exp(sum(logs) / len(logs))
            if group.ratio != pytest.approx(typical):
                yield f"{group.kind}: {group.ratio}, typical {typical}"
        for arm in ("learn", "frozen"):
            known = [value for task in rows if (value := getattr(task, arm)) is not None]
            # A mean over cells, of which tasks may have some more than others.
            value = getattr(group, arm)
            fits = value is None if not known else 0.999 * min(known) <= value <= 1.001 * max(known)
            if not fits:
                yield f"{group.kind}, {arm}: {value} of {known}"


@check
def it_survives_its_file(seen: Seen) -> Iterator[str]:
    again = Evidence.model_validate_json(seen.evidence.model_dump_json())
    if again != seen.evidence:
        yield "another record after reading it back"
    for text in (seen.evidence.sentence, *seen.evidence.reasons, *seen.evidence.cautions):
        if re.search(r"\bnan\b|\binf\b|None|\.\.|  |[+-]0(?:[.]0+)?%", text):
            yield text


# In parts, which several workers share.
@pytest.mark.no_cover
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_contradicts_anything(part: int) -> None:
    profile = settings.get_current_profile_name()
    count = SUITE * (30 if profile in {"fuzz", "explore"} else 1)
    first = PARTS * secrets.randbelow(10**9) if profile == "explore" else 0
    seeds = range(first + part, first + count, PARTS)
    found = [
        f"{function.__name__}: battery {seed}: {text}"
        for seed in seeds
        for seen in [Seen(seed)]
        for function in CHECKS
        for text in function(seen)
    ]
    assert not found
