"""The verdict in words: one sentence for everybody, then what it rests on and what it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from battery.evidence.ladder import (
    ALPHA,
    RELEVANT,
    Facts,
    excuse,
    harm,
    is_worse,
    regression,
)
from battery.evidence.power import LEAST_TASKS
from battery.evidence.table import TOKENS, Call
from battery.findings import Effect, Interval, Word
from battery.models import LEARN

_PLAIN: Final = {
    "total_tokens": "tokens",
    "avg_turns_per_task": "turns",
    "overseer_called_rate": "calls of the overseer",
    "ok_tasks": "tasks that end ok",
    "total_elapsed_s": "time",
}
_EQUAL: Final = "as many"
_ONE_ITERATION: Final = (
    "A single iteration shows nothing about learning: nothing was asked after a distillation."
)


def sentence(word: Word | None, facts: Facts, reasons: Sequence[str]) -> str:
    """Say the verdict in plain language, one or two sentences."""
    return _ONE_ITERATION if word is None else _SENTENCES[word](facts, reasons)


def scope(facts: Facts) -> str:
    """Say what the claim is about, and what it is not about."""
    tasks = len(facts.grid.tasks)
    return (
        f"{tasks} tasks like these, with what this one memory learned in this one run. Not the "
        "system as such: that takes five independent batteries at least, each from an empty "
        "memory. Not tasks of another kind."
    )


def assumptions(facts: Facts) -> Iterator[str]:
    """List what was taken for granted."""
    if not facts.two_arms:
        yield "Nothing but the memory changed between the iterations; nothing here checks that."
        return
    yield (
        "The frozen arm is the same system, and its memory never changed. "
        f"Iteration 1 checks the common start: {_start(facts)}."
    )
    yield (
        "Both arms were asked task by task, so what changed at the provider or the network hit "
        "both alike."
    )
    yield "Tasks are the unit, and independent: repeats and iterations of a task are averaged."
    yield "Intervals of ratios are t intervals on logs over tasks; those of rates are score ones."


def cautions(facts: Facts, calls: Sequence[Call]) -> Iterator[str]:
    """List what a reader of the verdict should know as well."""
    grid = facts.grid
    if cached := sum(call.result.cached for call in calls):
        yield (
            f"{cached} of {len(calls)} answers say that they came from a cache: repeats of a "
            "cached answer are one answer"
        )
    if unmeasured := sum(call.result.tokens == 0 for call in calls):
        yield (
            f"{unmeasured} of {len(calls)} runs report no tokens; their cells are left out of the "
            "comparison of tokens"
        )
    if grid.fewest < grid.repeats and not grid.missing():
        yield f"some cells hold {grid.fewest} runs and others {grid.repeats}"
    tasks = len(grid.tasks)
    if facts.two_arms and tasks < LEAST_TASKS:
        yield f"with {tasks} task(s) the primary test cannot reach .05, whatever happens"
    saved = facts.primary is not None and facts.primary.p is not None and facts.primary.p <= ALPHA
    for effect in facts.effects:
        # Where tokens were saved, turns and time mostly were too: no news.
        if not saved or harm(effect) > 0:
            yield from filter(None, [_aside(effect, facts)])


def _aside(effect: Effect, facts: Facts) -> str | None:
    """Name another metric that moved clearly, whatever became of the tokens."""
    if effect.metric == TOKENS or effect.value is None or effect.p_corrected is None:
        return None
    if regression(effect, facts):
        return None  # the verdict says so already
    if effect.p_corrected > ALPHA:
        # Fewer tokens because tasks fail sooner would be a poor saving: say it early.
        fewer_ok = effect.metric == "ok_tasks" and harm(effect) >= RELEVANT
        return f"the learn arm ended {_points(effect)} fewer tasks ok" if fewer_ok else None
    if abs(harm(effect)) < RELEVANT:
        return None
    word = "worse" if harm(effect) > 0 else "better"
    size = _size(effect)
    why = excuse(effect, facts) if is_worse(effect) else None
    told = f"; not counted, because {why}" if why else ""
    return (
        f"{_PLAIN[effect.metric]}: {word} by {size} (corrected p = {effect.p_corrected:.3f}){told}"
    )


def _size(effect: Effect) -> str:
    return f"{abs(harm(effect)):.0%}" if effect.kind == "ratio" else _points(effect)


def _points(effect: Effect) -> str:
    return f"{abs(100 * harm(effect)):.0f} percentage points"


def _invalid(_: Facts, reasons: Sequence[str]) -> str:
    return f"This battery proves nothing, because it is not whole: {reasons[0]}."


def _dishonest(facts: Facts, _: Sequence[str]) -> str:
    count = len(facts.bluffs)
    runs = "1 run" if count == 1 else f"{count} runs"
    return f"The gateway claimed success in {runs} of tasks that cannot be done."


def _regressed(facts: Facts, _: Sequence[str]) -> str:
    worse = [
        f"{_PLAIN[effect.metric]} worse by {_size(effect)}"
        for effect in facts.effects
        if regression(effect, facts)
    ]
    if lost := sum(each.counts for each in facts.lost):
        tasks = "an easy task that passed" if lost == 1 else f"{lost} easy tasks that passed"
        worse.append(f"{tasks} in iteration 1 {'was' if lost == 1 else 'were'} forgotten")
    return f"With what it learned the gateway got worse: {'; '.join(worse)}."


def _compounding(facts: Facts, _: Sequence[str]) -> str:
    return f"{_saved(facts)} The saving grew from iteration to iteration: it compounds."


def _learned(facts: Facts, _: Sequence[str]) -> str:
    count = len(facts.grid.iterations)
    open_question = f"{count} iterations are too few to tell whether it goes on getting better"
    if facts.compounding is not None:
        open_question = f"over {count} iterations it is not shown that it goes on getting better"
    return f"{_saved(facts)} It got better; {open_question}."


def _no_effect(facts: Facts, _: Sequence[str]) -> str:
    return (
        f"Learning made no difference worth having: the gateway used {_amount(facts)} its twin, "
        "and a difference of 10% either way can be ruled out."
    )


def _inconclusive(facts: Facts, _: Sequence[str]) -> str:
    tokens = facts.tokens
    start = "This battery cannot tell whether learning helps"
    if tokens is None or tokens.value is None:
        return f"{start}, because no tokens could be compared."
    seen = f"it used {_amount(facts)} its twin{_range(tokens.interval)}"
    failed = [gate.name for gate in facts.gates if gate.status == "failed"]
    if failed:
        return f"{start}: {seen}, but not every gate is passed ({', '.join(failed)})."
    return f"{start}: {seen}."


def _indicative(facts: Facts, _: Sequence[str]) -> str:
    return (
        f"{_one_arm(facts)} Without a frozen arm this shows a trend and not its cause: a server "
        "that warmed up or a provider that changed would look the same."
    )


_SENTENCES: Final[dict[Word, Callable[[Facts, Sequence[str]], str]]] = {
    Word.INVALID: _invalid,
    Word.DISHONEST: _dishonest,
    Word.REGRESSED: _regressed,
    Word.COMPOUNDING: _compounding,
    Word.LEARNED: _learned,
    Word.NO_EFFECT: _no_effect,
    Word.INCONCLUSIVE: _inconclusive,
    Word.INDICATIVE: _indicative,
}


def _saved(facts: Facts) -> str:
    interval = _range(facts.tokens.interval) if facts.tokens else ""
    return (
        f"With what it learned, the gateway used {_amount(facts)} its twin that learns "
        f"nothing{interval}."
    )


def _range(interval: Interval | None) -> str:
    if interval is None:
        return ""
    span = f"from {change(interval.low)} to {change(interval.high)}"
    return f" ({interval.level:.0%} interval: {span})"


def _amount(facts: Facts) -> str:
    tokens = facts.tokens
    amount = change(tokens.value) if tokens and tokens.value is not None else _EQUAL
    return f"{amount} tokens a task {'as' if amount == _EQUAL else 'than'}"


def change(ratio: float) -> str:
    """Write a ratio as people say it: `38% fewer`, `12% more`, `0.3% more`, `as many`."""
    size = abs(ratio - 1)
    if size < 0.0005:
        return _EQUAL
    # Near nothing a whole percent would round the direction away.
    places = 0 if size >= 0.01 else 1
    return f"{size:.{places}%} {'fewer' if ratio < 1 else 'more'}"


def _one_arm(facts: Facts) -> str:
    cells = facts.grid.of(LEARN, TOKENS).sum(axis=0)
    first, last = float(cells[0]), float(cells[-1])
    if not first > 0:
        return "No tokens were reported in the first iteration."
    return f"From the first to the last iteration it came to {change(last / first)} tokens."


def _start(facts: Facts) -> str:
    start = facts.same_start
    if start is None or start.p is None:
        return "both arms took exactly the same tokens"
    return f"p = {start.p:.3f} for a difference in tokens, and below .01 it would be refused"
