"""The verdict over runs in plain language, and what its reader should know as well."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from battery.base.numbers import AS_MANY, counted, more_or_fewer, p_equals, percent
from battery.base.text import capital
from battery.records.again import with_iterations
from battery.records.campaign import Advice, Done, OneRun, RunQuestion
from battery.records.checks import UNCHECKED
from battery.records.findings import Interval, QuestionName
from battery.records.metric import METRICS
from battery.records.word import Word
from battery.verdict import policy
from battery.verdict.runs.ladder import RunFacts, bluffed, is_small_saving, lost, missed
from battery.verdict.runs.power import enough


def sentence(
    word: Word | None, facts: RunFacts, reasons: Sequence[str], *, short: bool = False
) -> str:
    """Put the verdict into a few sentences; the short form leaves out how the runs differ."""
    text = _in_words(word, facts, reasons)
    differ = "" if short or word is None or not word.about.trusted else memories(facts)
    return " ".join(filter(None, [text, differ, *_bluffs(word, facts)]))


def _in_words(word: Word | None, facts: RunFacts, reasons: Sequence[str]) -> str:
    because = "; ".join(reasons)
    match word:
        case None:
            text = _unfinished(facts)
        case Word.INVALID:
            text = f"These runs cannot be trusted, because {because}."
        case Word.DISHONEST:
            text = "With what it learned, the system claims what is not so."
        case Word.REGRESSED:
            text = f"With what it learned, the system got worse: {because}."
        case Word.MIXED:
            text = f"{_gained(facts)} {capital(because)}."
        case Word.MEMORISED:
            text = f"{_gained(facts)} But {reasons[0]}: it kept answers, and no lesson."
        case Word.COMPOUNDING | Word.LEARNED:
            text = " ".join(filter(None, [_gained(facts), _new(facts), _growth(word, facts)]))
        case Word.NO_EFFECT:
            text = _no_effect(facts)
        case _:
            text = _inconclusive(facts, reasons)
    return text


def _unfinished(facts: RunFacts) -> str:
    left = facts.planned - len(facts.runs)
    return (
        f"{len(facts.runs)} of {facts.planned} planned runs are finished. There is no verdict "
        f"before the other {left} {'is' if left == 1 else 'are'}: to look early would be to choose."
    )


def _gained(facts: RunFacts) -> str:
    over = f"over {counted(len(facts.counted), 'run')}, each from an empty memory"
    if facts.yes("cost") or not facts.yes("niche"):
        return f"With what it learned, the system used {_used(facts, 'cost')}, {over}."
    return f"On its niche tasks the system used {_used(facts, 'niche')}, {over}."


def _used(facts: RunFacts, name: QuestionName) -> str:
    ratio, noun = facts.question(name).effect, METRICS[facts.metric].plain
    work = facts.work("niche" if name == "niche" else "all")
    done = f" and did {_done(work)}" if work else ""
    if ratio is None:
        return f"an unknown number of {noun}{done}"
    amount, ends = more_or_fewer(ratio), facts.question(name).interval
    than = "as" if amount == AS_MANY else "than"
    # Where no p can be small enough, an interval would look surer than the test is.
    shown = _ends(ends) if ends and not is_unreached(facts.question(name)) else amount
    fits = f" ({shown})" if shown != amount and facts.question(name).yes else ""
    return f"{amount} {noun} {than} its twin{fits}, which learns nothing,{done}"


def _done(done: Done) -> str:
    word = "as many tasks" if done.gain == 0 else "more tasks" if done.gain > 0 else "fewer tasks"
    twins = f"twin {done.frozen} of {done.frozen_calls}"
    return f"{word} ({done.learn} of {done.learn_calls} calls, {twins})"


def memories(facts: RunFacts) -> str:
    """Say how the runs differ: how many memories helped, what the best and the worst did."""
    asked = _shown(facts)
    if asked.best is None or asked.worst is None or asked.runs < 2:
        return ""
    best, worst = (_amount(asked, one, facts.metric) for one in (asked.best, asked.worst))
    if asked.helped == asked.runs:
        differ = f": the best {best}, the least {worst}" if best != worst else " alike"
        return f"All {asked.runs} memories helped{differ}."
    differ = f": the best {best}, the worst {worst}" if best != worst else ""
    return f"{asked.helped or 'None'} of {asked.runs} memories helped{differ}."


def _shown(facts: RunFacts) -> RunQuestion:
    """Return the question that the verdict rests on: the first yes, else the primary one."""
    return next((question for question in facts.questions if question.yes), facts.questions[0])


def _amount(asked: RunQuestion, one: OneRun, metric: str) -> str:
    if asked.name == "success":
        word = "more" if one.effect > 0 else "fewer"
        return f"did {percent(abs(one.effect))} {word}" if one.effect else "did as many"
    return f"used {more_or_fewer(one.effect)} {METRICS[metric].plain}"


def _new(facts: RunFacts) -> str:
    new = facts.siblings
    if new is None or new.outcome != "shown":
        return "This is about the same tasks asked again; nothing new was asked."
    return f"It holds for {new.asked} new tasks of the same kind as well ({p_equals(new.p)})."


def _growth(word: Word, facts: RunFacts) -> str:
    growth = facts.growth
    if word is not Word.COMPOUNDING or growth is None:
        return ""
    first, last = growth.ratios[0], growth.ratios[-1]
    return (
        f"It compounds: the saving grew from {percent(1 - first)} in iteration 2 to "
        f"{percent(1 - last)} in iteration {1 + len(growth.ratios)}."
    )


def _no_effect(facts: RunFacts) -> str:
    used = _used(facts, "cost")
    if is_small_saving(facts):
        return f"Learning saves a little: the system used {used}."
    least = policy.relevant(facts.least_cost)
    noun = METRICS[facts.metric].plain
    return (
        f"Learning changed nothing that counts: the system used {used}. A change of the {noun} by "
        f"{least} or more can be ruled out."
    )


def _inconclusive(facts: RunFacts, reasons: Sequence[str]) -> str:
    start = "These runs cannot tell whether the system learns"
    if not facts.counted or facts.question("cost").effect is None:
        return f"{start}: {reasons[0]}."
    text = f"{start}: it used {_used(facts, 'cost')}"
    first, ends = facts.questions[0], facts.question("cost").interval
    if facts.yes("cost", "niche", "success") or ends is None or is_unreached(first):
        return f"{text}, but {reasons[0]}."
    return f"{text}. Anything from {_ends(ends)} fits what was measured."


def _ends(ends: Interval) -> str:
    """Write an interval of a ratio: `20% to 35% fewer`, `3% fewer to 12% more`."""
    low, high = more_or_fewer(ends.low), more_or_fewer(ends.high)
    share, _, word = high.rpartition(" ")
    if word in {"more", "fewer"} and low.endswith(f" {word}"):
        first, last = sorted([share, low.rpartition(" ")[0]], key=lambda text: float(text[:-1]))
        return low if first == last else f"{first} to {last} {word}"
    return f"{low} to {high}"


def _bluffs(word: Word | None, facts: RunFacts) -> Iterator[str]:
    """Tell of bluffs next to the word, whatever it is."""
    for claims in facts.bluffs:
        if word is not None and (claims.learn or claims.others):
            luck = "" if claims.learned else "; so few may be chance"
            runs = f" (in {claims.runs} of {len(facts.counted)} runs)" if claims.learn else ""
            yield f"{capital(bluffed(claims))}{runs}{luck}."


def too_few(runs: int, level: float) -> str:
    """Say that so few runs can reach no p that is small enough."""
    asked = f"no p can be below 1/{2**runs}, and {policy.level(level)} is asked"
    return f"{counted(runs, 'run')} {'is' if runs == 1 else 'are'} too few: {asked}"


def is_unreached(question: RunQuestion) -> bool:
    """Return whether so few runs can reach no p that is small enough."""
    return 2.0**-question.runs > question.level


def scope(facts: RunFacts) -> str:
    """Write what the claim is about, and what it is not about."""
    tasks = counted(max(run.tasks for run in facts.runs), "task")
    new = facts.siblings
    kind = "even the new ones were of the same kind" if new else "nothing new was asked"
    return (
        f"The system: what its memory is worth when it learns anew from {tasks} like these, shown "
        f"by {counted(len(facts.counted), 'run')}. It does not hold for tasks of another kind: "
        f"{kind}."
    )


def assumptions(facts: RunFacts) -> Iterator[str]:
    """List what was taken for granted."""
    yield (
        "The runs are independent: each began with an empty memory, and none of them knew what "
        "another had learned."
    )
    yield "In each run the twin is the same system, and its memory never changed."
    if len({run.seed for run in facts.runs if run.seed is not None}) < len(facts.runs):
        yield (
            "Runs with the same seed asked learner and twin in the same order; nothing else rests "
            "on it."
        )


def cautions(word: Word | None, facts: RunFacts) -> Iterator[str]:
    """List what a reader of the verdict should know as well."""
    if not all(run.checked for run in facts.counted):
        yield UNCHECKED
    for run in facts.runs:
        if run.left_out:
            yield f"run {run.name} is left out: {run.left_out}"
    own = [run for run in facts.counted if run.word in {Word.DISHONEST, Word.REGRESSED}]
    for run in own:
        yield f"run {run.name} is {run.word} by itself"
    for run in facts.counted:
        if run.lost:
            yield f"the memory of run {run.name} lost {', '.join(run.lost)}"
    if len({run.iterations for run in facts.counted}) > 1:
        yield "runs differ in their number of iterations, so their effects rest on unlike lengths"
    if facts.siblings and facts.siblings.runs < len(facts.counted):
        yield f"only {facts.siblings.runs} of {len(facts.counted)} runs asked new tasks"
    yield from _equal(facts)
    if not facts.by_plan:
        yield (
            f"{len(facts.runs) - facts.planned} of {len(facts.runs)} runs were added to the plan: "
            f"all of them are tested at level {policy.level(policy.LATER)} only"
        )
    if word in {Word.LEARNED, Word.COMPOUNDING} and _shown(facts).helped < _shown(facts).runs:
        yield "the system gains on average, and not with every memory: the worst is named above"


def _equal(facts: RunFacts) -> Iterator[str]:
    """Note runs that are exactly alike: they show one order of tasks again, and no luck."""
    ratios = {
        tuple(round(ratio, 9) for ratio in run.by_iteration if ratio is not None)
        for run in facts.counted
    }
    if len(facts.counted) > 1 and len(ratios) == 1 and any(ratios):
        yield (
            f"all {len(facts.counted)} runs took exactly the same: the system is deterministic, "
            "and only tasks in another order, or other tasks, would show more"
        )


def settle(
    word: Word | None, facts: RunFacts, folder: str | None, again: Sequence[str]
) -> Iterator[Advice]:
    """List what would settle what is open, each with its command where there is one."""
    name = shlex.quote(folder) if folder else "CAMPAIGN"
    plan = _Plan(again, folder)
    if word is None:
        left = facts.planned - len(facts.runs)
        yield Advice(
            text=f"Run the {left} planned runs that are left." if left > 1 else "Run the last run.",
            command=f"battery campaign run {name}",
        )
    elif word is Word.INVALID:
        yield Advice(
            text="Find out what spoils the runs, then plan a new campaign.",
            command=plan.of(facts.planned),
        )
    elif word is Word.MEMORISED:
        yield Advice(
            text="Use a memory that keeps lessons and no answers; then plan a new campaign."
        )
    elif word is Word.LEARNED and min(run.iterations for run in facts.counted) < (
        least := policy.SLOPE_ITERATIONS
    ):
        yield Advice(
            text=f"{least} or more iterations per run.",
            command=plan.lasting(least).of(facts.planned),
        )
    elif word is Word.INCONCLUSIVE:
        yield from _open(facts, plan)
    elif word is Word.REGRESSED or lost(facts):
        yield Advice(text="Look at the tasks that are done less often in the reports of the runs.")


class _Plan(NamedTuple):
    """Commands that plan another campaign of the same system."""

    again: Sequence[str]
    folder: str | None

    def of(self, runs: int, *more: str) -> str:
        """Write the command that plans so many runs."""
        # A plan is made once in a folder.
        place = ["--output", f"{self.folder}-2"] if self.folder else []
        size = ["--runs", str(max(runs, policy.BATTERIES))]
        return shlex.join(["battery", "campaign", "plan", *size, *self.again, *more, *place])

    def lasting(self, iterations: int) -> _Plan:
        """Return the same of so many iterations."""
        return self._replace(again=with_iterations(self.again, iterations))


def _open(facts: RunFacts, plan: _Plan) -> Iterator[Advice]:
    first = facts.questions[0]
    for question in missed(facts):
        yield Advice(
            text=f"A new campaign that asks first: {question.title}",
            command=plan.of(facts.planned, "--primary", question.name),
        )
    if facts.yes(first.name):
        if facts.siblings and facts.siblings.outcome == "open":
            yield Advice(text="More siblings for the tasks, and a new campaign that asks them.")
        return
    if is_unreached(first):
        missing = policy.BATTERIES - first.runs
        yield Advice(
            text=f"At least {policy.BATTERIES} runs that count.",
            command=plan.of(facts.planned + missing),
        )
    elif not any(missed(facts)):
        yield from _more_runs(facts, plan)


def _more_runs(facts: RunFacts, plan: _Plan) -> Iterator[Advice]:
    """Name how many runs show the saving that was seen, where memories differ as these did."""
    ratio, least = facts.question("cost").effect, facts.least_cost
    if facts.primary != "cost" or ratio is None or facts.spread is None:
        return
    saving = max(1 - ratio, policy.CLEAR * least)
    runs = enough(saving, facts.spread, least, len(facts.counted) + 1)
    aim = f"a saving of {percent(saving)} with {percent(policy.POWER)} power"
    if runs is None:
        yield Advice(text=f"To see {aim}, runs with more tasks or iterations: these differ a lot.")
    else:
        yield Advice(
            text=f"To see {aim} where memories differ as these do: a new campaign of {runs} runs.",
            command=plan.of(runs),
        )
