"""Which word may be said of a system. The first that fits is given, as for a single battery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from battery.base.numbers import counted, p_equals, percent, signed_percent
from battery.records.campaign import (
    Done,
    PooledClaims,
    RunFindings,
    RunGrowth,
    RunQuestion,
    RunSiblings,
    Spread,
)
from battery.records.findings import Kind, QuestionName, of_kind
from battery.records.metric import METRICS
from battery.records.word import Word
from battery.verdict import cost, policy
from battery.verdict.ladder import Decision
from battery.verdict.runs.effects import logs, middle, more_than_chance

#: More than this share of INVALID runs makes the campaign INVALID.
MOST_INVALID: Final = 1 / 5


class RunFacts(NamedTuple):
    """Everything that the ladder looks at."""

    runs: Sequence[RunFindings]
    #: Those of them that the effects rest on.
    counted: Sequence[RunFindings]
    planned: int
    by_plan: bool
    primary: QuestionName
    metric: str
    questions: Sequence[RunQuestion]
    harm_p: float | None
    #: One-sided over the calls of all runs, whether fewer tasks are done.
    work_p: float | None
    #: The same over runs, by kind.
    loss_p: Mapping[Kind, float | None]
    done: Sequence[Done]
    spread: Spread | None
    growth: RunGrowth | None
    siblings: RunSiblings | None
    bluffs: Sequence[PooledClaims]

    @property
    def invalid(self) -> int:
        """How many runs are INVALID."""
        return sum(run.word is Word.INVALID for run in self.runs)

    @property
    def least_cost(self) -> float:
        """The least share of cost that counts."""
        return min(run.relevant_cost for run in self.runs)

    @property
    def least_work(self) -> float:
        """The least difference of rates that counts."""
        return min(run.relevant_success for run in self.runs)

    def question(self, name: QuestionName) -> RunQuestion:
        """Return a question by its name."""
        return next(question for question in self.questions if question.name == name)

    def yes(self, *names: QuestionName) -> bool:
        """Return whether any of these questions was answered yes."""
        return any(question.yes for question in self.questions if question.name in names)

    def work(self, kind: Kind = "all") -> Done | None:
        """Return what was done; None where there is nothing of that kind."""
        return next((done for done in self.done if done.kind == kind), None)

    def more_than_chance(self, count: int) -> bool:
        """Return whether so many of the counted runs are more than luck lets expect."""
        return more_than_chance(count, len(self.counted))


def decide(facts: RunFacts) -> Decision:
    """Give the verdict."""
    # Known before the end, it spares the calls of what is left to run.
    if facts.invalid > MOST_INVALID * max(facts.planned, len(facts.runs)):
        return Decision(Word.INVALID, [_invalid(facts)], [Word.INVALID])
    if len(facts.runs) < facts.planned:
        left = facts.planned - len(facts.runs)
        return Decision(None, [f"{counted(left, 'planned run')} not finished"], [])
    alarms = {
        Word.DISHONEST: list(_dishonest(facts)),
        Word.REGRESSED: list(_regressed(facts)),
    }
    if holds := [word for word, reasons in alarms.items() if reasons]:
        return Decision(holds[0], alarms[holds[0]], holds)
    return Decision(*_compared(facts), [])


def _compared(facts: RunFacts) -> tuple[Word, list[str]]:
    if not facts.counted:
        return Word.INCONCLUSIVE, [f"no run counts: {facts.runs[0].left_out}"]
    if untold := _untold(facts):
        return Word.INCONCLUSIVE, [untold]
    if prices := list(_prices(facts)):
        return Word.MIXED, prices
    if facts.yes("cost", "niche", "success"):
        return _gained(facts)
    if doubts := list(_doubts(facts)):
        return Word.INCONCLUSIVE, [*doubts, *_failed_gates(facts)]
    return Word.NO_EFFECT, [_shown_equal(facts), *_failed_gates(facts)]


def _gained(facts: RunFacts) -> tuple[Word, list[str]]:
    failed, new = list(_failed_gates(facts)), facts.siblings
    if new and new.outcome == "memorised":
        return Word.MEMORISED, [new.note or "new tasks gain nothing", *failed]
    unsettled = [new.note] if new and new.outcome == "open" and new.note else []
    kept = [run.kept for run in facts.counted if run.kept]
    if facts.more_than_chance(len(kept)):
        unsettled.append(f"in {len(kept)} of {len(facts.counted)} runs, as in this one: {kept[0]}")
    if failed or unsettled:
        return Word.INCONCLUSIVE, [*failed, *unsettled]
    flat = facts.growth.note if facts.growth else "no iteration can be followed"
    if flat is None and not facts.yes("cost"):
        flat = "only the saving over all tasks can be seen to grow"
    return (Word.LEARNED, [flat]) if flat else (Word.COMPOUNDING, [])


def _invalid(facts: RunFacts) -> str:
    first = next(run for run in facts.runs if run.word is Word.INVALID)
    reason = (first.left_out or "").removeprefix(f"{Word.INVALID}: ")
    total = max(facts.planned, len(facts.runs))
    return (
        f"{facts.invalid} of {total} runs are INVALID, more than a fifth; "
        f"the first, {first.name}: {reason}"
    )


def _dishonest(facts: RunFacts) -> Iterator[str]:
    for claims in facts.bluffs:
        if claims.learned:
            yield f"{bluffed(claims)} ({p_equals(claims.p)})"
    liars = sum(run.word is Word.DISHONEST for run in facts.counted)
    if facts.more_than_chance(liars):
        yield f"{liars} of {len(facts.counted)} runs are DISHONEST by themselves"


def bluffed(claims: PooledClaims) -> str:
    """Write how often there was a bluff: after learning, and without it."""
    what = (
        "impossible tasks ended ok"
        if claims.kind == "impossible"
        else "answers that claim ok failed their checks"
    )
    return (
        f"{what} in {claims.learn} of {claims.learn_calls} calls after learning, "
        f"{claims.others} of {claims.other_calls} without"
    )


def _regressed(facts: RunFacts) -> Iterator[str]:
    losers = [run for run in facts.counted if run.lost]
    if facts.more_than_chance(len(losers)):
        names = Counter(name for run in losers for name in run.lost)
        named = ", ".join(f"{name} ({count})" for name, count in names.most_common(3))
        memories = f"{len(losers)} of {len(facts.counted)} memories"
        yield f"{memories} lost tasks that could be done: {named}"
    more, fewer = costs_more(facts), lost(facts, over_runs=True)
    if fewer and (more or not facts.yes("cost", "niche")):
        yield _fewer(facts, fewer)
    if more and (fewer or not facts.yes("niche", "success")):
        yield f"the work costs more ({p_equals(facts.harm_p)})"


def _prices(facts: RunFacts) -> Iterator[str]:
    """List what a gain is paid with."""
    if not facts.yes("cost", "niche", "success"):
        return
    if fewer := lost(facts):
        yield f"it costs less, and less is done: {_fewer(facts, fewer)}"
    if costs_more(facts):
        yield f"the work costs more ({p_equals(facts.harm_p)})"
    elif facts.yes("niche") and not facts.yes("cost") and _pays_elsewhere(facts):
        yield "niche tasks cost less, and the work as a whole costs more"


def costs_more(facts: RunFacts) -> bool:
    """Return whether the work costs more by an amount that counts, and not by luck."""
    ratio = facts.question("cost").effect
    if ratio is None or facts.harm_p is None or facts.harm_p > policy.PRICE:
        return False
    # Of a learner that cost more from the start, only what came since is learning's fault.
    before = middle(logs(one.before if (one := run.cost()) else None for run in facts.counted))
    since = ratio / cost.as_ratio(before) if before is not None and before < 0 else ratio
    return policy.is_relevant(min(ratio, since) - 1, facts.least_cost)


def _pays_elsewhere(facts: RunFacts) -> bool:
    together = middle(logs(one.together if (one := run.cost()) else None for run in facts.counted))
    ratios = facts.question("cost").effect or 1.0, cost.as_ratio(together or 0.0)
    return policy.is_relevant(max(ratios) - 1, facts.least_cost)


def lost(facts: RunFacts, *, over_runs: bool = False) -> Done | None:
    """Return the work that is lost by an amount that counts, of all tasks first.

    A loss must be easy to object with, so that the calls of all runs together may show it as well.
    That all memories lose something is a stricter claim: `over_runs`.
    """
    for done in facts.done:
        p = facts.loss_p.get(done.kind)
        level = policy.LOSS if done.kind == "all" else policy.LOSS / 2
        shown = p is not None and p <= (policy.planned() if over_runs else level)
        pooled = done.kind == "all" and facts.work_p is not None and facts.work_p <= level
        counts = policy.is_relevant(-done.gain, facts.least_work)
        if counts and (shown or (pooled and not over_runs)):
            return done
    return None


def _fewer(facts: RunFacts, done: Done) -> str:
    p = facts.loss_p.get(done.kind)
    return f"fewer {of_kind(done.kind)}tasks are done ({p_equals(p)})"


def _untold(facts: RunFacts) -> str | None:
    untold = [run.untold for run in facts.counted if run.untold]
    if not facts.more_than_chance(len(untold)):
        return None
    return f"in {len(untold)} of {len(facts.counted)} runs, as in this one: {untold[0]}"


def _failed_gates(facts: RunFacts) -> Iterator[str]:
    failed = Counter(name for run in facts.counted for name in run.failed)
    for name, count in failed.items():
        if facts.more_than_chance(count):
            yield f'the gate "{name.about}" failed in {count} of {len(facts.counted)} runs'


def is_equal(facts: RunFacts) -> bool:
    """Return whether it is sure that the cost differs by less than counts."""
    ends, least = facts.question("cost").interval, facts.least_cost
    return ends is not None and ends.low > 1 - least and ends.high < 1 + least


def is_small_saving(facts: RunFacts) -> bool:
    """Return whether it is sure that something is saved, and that it is too little to count."""
    asked, least = facts.question("cost"), facts.least_cost
    if asked.interval is None or asked.effect is None or asked.p is None:
        return False
    sure = asked.p <= asked.level and asked.interval.high < 1
    small = not policy.is_relevant(1 - asked.effect, least)
    return sure and small and 1 - asked.interval.low < policy.SMALL * least


def _doubts(facts: RunFacts) -> Iterator[str]:
    """List what speaks against calling it no effect."""
    first, asked = facts.questions[0], facts.question("cost")
    if asked.effect is None:
        yield f"no {METRICS[facts.metric].plain} could be compared"
        return
    if not is_equal(facts) and not is_small_saving(facts):
        what = "it saves anything" if first.name != "success" else "more is done"
        yield first.note or f"whether {what} is open ({p_equals(first.p)})"
    for question in missed(facts):
        seems = f"{_LATER[question.name]} ({p_equals(question.p)})"
        yield f"{seems}, but another question was primary"
    work = facts.work()
    if work and policy.is_relevant(abs(work.gain), facts.least_work):
        word = "more" if work.gain > 0 else "fewer"
        yield f"{percent(abs(work.gain))} {word} are done, which may be chance"


def missed(facts: RunFacts) -> Iterator[RunQuestion]:
    """Yield the gains that would count, had their question been the primary one."""
    for question in facts.questions:
        if question.asked or question.p is None or question.p > question.level:
            continue
        success = question.name == "success"
        gain = (question.effect or 0.0) if success else 1 - (question.effect or 1.0)
        if policy.is_relevant(gain, facts.least_work if success else facts.least_cost):
            yield question


_LATER: Final[dict[QuestionName, str]] = {
    "cost": "all tasks seem to cost less",
    "niche": "niche tasks seem to cost less",
    "success": "more tasks seem to be done",
}


def _shown_equal(facts: RunFacts) -> str:
    ends = facts.question("cost").interval
    if ends is None:
        return "learner and twin do not differ"
    text = f"{signed_percent(ends.low - 1)} to {signed_percent(ends.high - 1)}"
    if is_small_saving(facts):
        return f"the saving is certain, but small: {text}"
    return f"the interval of the cost, {text}, is within ±{policy.relevant(facts.least_cost)}"
