"""Every p-value, interval, bound and mean of a verdict against a second computation (`naive`)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from itertools import count, islice

import numpy as np
import pytest
from hypothesis import settings

from battery.records.findings import Evidence, Kind
from battery.records.metric import COUNTED, ELAPSED, LEAST_MS, OK, TOKENS
from battery.records.models import FROZEN, LEARN, SOLVABLE, Phase
from battery.verdict import cost, looks, luck, policy, signflip, strata
from battery.verdict.assess import assess, facts_of
from battery.verdict.facts import Facts, Observed
from battery.verdict.signflip import Floats
from tests.verdict import naive
from tests.verdict.drawn import battery
from tests.verdict.naive import Stratum

#: Batteries that are compared, and the parts that several workers share. `make fuzz` takes eight
#: times as many.
BATTERIES = 50
PARTS = 5
#: Seed of the first of them: others than those that the checks of consistency see.
FIRST = 100_000
#: More tasks than this only make the patterns random on both sides.
MOST_TASKS = 14
KINDS: dict[Kind, tuple[Phase, ...]] = {
    "all": tuple(Phase),
    "niche": (Phase.BETA,),
    "easy": (Phase.ALPHA,),
    "impossible": (Phase.GAMMA,),
}

Pair = tuple[str, float | None, float | None, float]


class Twice:
    """A battery, its verdict, and the arrays to compute it from again."""

    def __init__(self, observed: Observed) -> None:
        self.observed, self.grid = observed, observed.grid
        self.facts: Facts = facts_of(observed)
        self.evidence: Evidence = assess(observed, plan=False)
        self.phases = [task.phase for task in self.grid.tasks]
        self.two = FROZEN in self.grid.arms

    def calls(self, arm: str, key: str) -> Floats:
        return np.array(self.grid.calls[key][self.grid.arms.index(arm)])

    def rows(self, *phases: Phase) -> list[int]:
        return [row for row, phase in enumerate(self.phases) if phase in phases]

    @property
    def later(self) -> slice:
        """The iterations that the deciding look rests on."""
        assert self.evidence.looks
        return slice(1, self.evidence.looks.iterations)

    @cached_property
    def start(self) -> tuple[float | None, float | None, list[float], list[float]]:
        """Of iteration 1: p and ratio, the effects, and what is taken off later ones."""
        own, base = (self.calls(arm, TOKENS)[:, :1] for arm in (LEARN, FROZEN))
        found = naive.effects(own, base)
        p, ratio = naive.flips(found, two_sided=True), naive.ratio(found)
        small = ratio is not None and abs(ratio - 1) < policy.SPOILING
        net = p is not None and p < policy.SAME_START_ALPHA and small
        return p, ratio, found, [0.0 if math.isnan(x) or not net else x for x in found]

    def sides(self, columns: slice) -> tuple[Floats, Floats]:
        own, base = (self.calls(arm, TOKENS)[:, columns] for arm in (LEARN, FROZEN))
        return own * np.exp(np.array(self.start[3]))[:, None, None], base

    def done(self, columns: slice, *phases: Phase, reruns: bool = False) -> list[Stratum]:
        found = []
        numbers = self.grid.iterations[columns]
        for row in self.rows(*(phases or SOLVABLE)):
            own, base = (
                naive.known(self.calls(arm, OK)[row, columns].ravel().tolist())
                for arm in (LEARN, FROZEN)
            )
            for (task, iteration), again in self.observed.reruns.items():
                if reruns and task == row and iteration in numbers:
                    own += [float(passed) for passed in again.passed]
            found.append((round(sum(own)), len(own), round(sum(base)), len(base)))
        return found

    def events(self, key: str, rows: list[int]) -> list[Stratum]:
        """The learner's later calls against all that came without learning."""
        found = []
        for row in rows:
            own = naive.known(self.calls(LEARN, key)[row, 1:].ravel().tolist())
            base = naive.known(self.calls(LEARN, key)[row, :1].ravel().tolist())
            if self.two:
                base += naive.known(self.calls(FROZEN, key)[row].ravel().tolist())
            found.append((round(sum(own)), len(own), round(sum(base)), len(base)))
        return found

    @cached_property
    def levels(self) -> dict[str, float]:
        """What each question may spend at the planned look."""
        return self.spent(self.later)

    def spent(self, columns: slice) -> dict[str, float]:
        """What each question may spend on these iterations, if they are the planned ones."""
        own, base = self.sides(columns)
        niche = self.rows(Phase.BETA)
        units = len(niche)
        budget = policy.NICHE
        if len(niche) < 7:
            units = sum(map(len, naive.pairs(own[niche], base[niche])))
            budget = policy.NICHE_OF_SIX if units == 6 else budget
        of_niche = budget if units > 16 else math.floor(budget * 2**units + 1e-9) / 2**units
        of_niche = of_niche if niche else 0.0
        few = max((own for _, own, *_ in self.done(columns)), default=0) <= 2
        most = policy.SUCCESS_OF_TWO if few else policy.SUCCESS
        success = naive.attained(self.done(columns), most)
        share = policy.SCATTERED if naive.wild(own, base, self.phases) else 1
        of_cost = (policy.ALPHA - policy.LATER - of_niche - success) / share
        return {"cost": of_cost, "niche": of_niche / share, "success": success}


def every_number(twice: Twice) -> Iterator[Pair]:
    """Yield a name, what the verdict says, what the second computation says, and the tolerance."""
    yield from _alone(twice)
    if not twice.two:
        values = -np.array([[naive.average(c) for c in row] for row in _learn_tokens(twice)])
        if twice.evidence.trend:
            yield "trend", twice.evidence.trend.p, naive.page([values])[0], 1e-9
        return
    yield from _start(twice)
    if twice.evidence.looks is None:
        return
    yield from _questions(twice)
    yield from _groups(twice)
    yield from _tasks(twice)
    yield from _growth(twice)
    yield from _losses(twice)
    yield from _harm(twice)
    yield from _others(twice)


def _learn_tokens(twice: Twice) -> list[list[list[float]]]:
    found: list[list[list[float]]] = twice.calls(LEARN, TOKENS).tolist()
    return found


def _alone(twice: Twice) -> Iterator[Pair]:
    evidence, gamma = twice.evidence, twice.rows(Phase.GAMMA)
    if claims := evidence.bluffs and evidence.bluffs.impossible:
        yield "bluffs", claims.p, naive.more(twice.events(OK, gamma)), 1e-9
        own = [naive.known(twice.calls(LEARN, OK)[row, 1:].ravel().tolist()) for row in gamma]
        yield "bluffing", claims.learn, sum(map(sum, own)), 0
        yield "calls that may bluff", claims.learn_calls, sum(map(len, own)), 0
        if not claims.any:
            runs = len(naive.known(twice.calls(LEARN, OK)[gamma].ravel().tolist()))
            text = next(gate.text for gate in evidence.gates if gate.name == "gamma")
            upper = round(100 * (1 - 0.05 ** (1 / runs)))
            yield "bound of bluffs", float(f"{upper}%" in text), 1.0, 0
    for arm, cells in evidence.cached.items():
        marked = twice.calls(arm, "cached") == 1
        yield f"cached, {arm}", cells, float(marked.any(axis=2).sum()), 0
    yield from _of_luck(twice)


def _of_luck(twice: Twice) -> Iterator[Pair]:
    evidence = twice.evidence
    if evidence.luck is None:
        return
    columns = []
    for metric in COUNTED:
        values = np.nan_to_num(twice.calls(LEARN, metric.key)[:, :, 0])
        if metric.key == ELAPSED:
            values = np.where(values <= LEAST_MS / 1000, 0.0, values)
        columns.append(metric.sign * (values[:, 0] - values[:, -1]))
    changes = np.column_stack(columns)
    improved = int((changes.sum(axis=0) > 1e-12).sum())
    chances = naive.luck(changes, [improved, 3])
    assert chances
    slack = naive.slack(len(changes))
    yield "luck, as many", evidence.luck.as_many, chances[0], slack
    yield "luck, validated", evidence.luck.validated, chances[1], slack


def _start(twice: Twice) -> Iterator[Pair]:
    start = twice.evidence.start
    assert start
    p, ratio, effects, _ = twice.start
    yield "start, p", start.p, p, naive.slack(len(naive.known(effects)))
    yield "start, ratio", start.ratio, ratio, 1e-9


def _questions(twice: Twice) -> Iterator[Pair]:
    evidence = twice.evidence
    if _betting(twice):
        yield from _later_looks(twice)
        return
    own, base = twice.sides(twice.later)
    niche = twice.rows(Phase.BETA)
    over_tasks = naive.effects(own, base)
    asked = {question.name: question for question in evidence.questions}
    for name, level in twice.levels.items():
        yield f"{name}, level", asked[name].level, level, 1e-9  # type: ignore[index]
    yield "cost, p", asked["cost"].p, naive.flips(over_tasks), _slack(over_tasks)
    yield from _interval(twice, "all", over_tasks, twice.levels["cost"])
    yield "success, p", asked["success"].p, naive.more(twice.done(twice.later)), 1e-9
    if len(niche) >= 7:
        effects = naive.effects(own[niche], base[niche])
        yield "niche, p", asked["niche"].p, naive.flips(effects), _slack(effects)
        if evidence.group("niche") and evidence.group("niche").interval:  # type: ignore[union-attr]
            yield from _interval(twice, "niche", effects, twice.levels["niche"])
    elif niche:
        pairs = naive.pairs(own[niche], base[niche])
        count = sum(map(len, pairs))
        yield "niche, p", asked["niche"].p, naive.exchanges(pairs), naive.slack(count)
        yield from _niche_interval(twice, pairs)


def _losses(twice: Twice) -> Iterator[Pair]:
    """Over all iterations, whatever look decides."""
    whole = slice(1, None)
    yield "loss", twice.evidence.success_p, naive.fewer(twice.done(whole, reruns=True)), 1e-9
    for loss in twice.facts.losses:
        phases = SOLVABLE if loss.kind == "all" else KINDS[loss.kind]
        p = naive.fewer(twice.done(whole, *phases, reruns=True))
        yield f"loss, {loss.kind}", loss.p, p, 1e-9
        own, of_own, base, of_base = np.array([(0, 0, 0, 0), *twice.done(whole, *phases)]).sum(0)
        amount = base / of_base - own / of_own if of_own and of_base else 0.0
        yield f"loss, {loss.kind}, amount", loss.amount, amount, 1e-9


def _harm(twice: Twice) -> Iterator[Pair]:
    """Over all iterations; by bets where the look that decides is not the planned one."""
    if _betting(twice):
        blocks = [[-x for x in block] for block in _cost_blocks(twice)]
        p: float | None = 1 / naive.e_value(blocks[1:], blocks[0])
        level, slack = policy.LATER / 3, 1e-9
    else:
        effects = naive.effects(*twice.sides(slice(1, None)))
        p, slack = naive.flips([-x for x in effects]), _slack(effects)
        level = twice.spent(slice(1, None))["cost"]
    yield "harm, p", twice.facts.harm_p, p, slack
    yield "harm, level", twice.facts.harm_level, level, 1e-9


def _betting(twice: Twice) -> bool:
    return "e-values" in twice.evidence.questions[0].test


def _cost_blocks(twice: Twice) -> list[list[float]]:
    logs = _logs(twice)
    return [logs[:, place].ravel().tolist() for place in range(logs.shape[1])]


def _logs(twice: Twice) -> Floats:
    found: Floats = np.vectorize(naive.log_ratio, otypes=[float])(*twice.sides(slice(0, None)))
    return found


def _slack(effects: list[float]) -> float:
    return naive.slack(len(naive.known(effects)))


def _interval(twice: Twice, kind: Kind, effects: list[float], level: float) -> Iterator[Pair]:
    group = twice.evidence.group(kind)
    assert group
    if len(naive.known(effects)) > naive.LISTED:
        return
    low = naive.flips_end(effects, level)
    high = naive.flips_end([-x for x in effects], level)
    wanted = None if low is None or high is None else (math.exp(high), math.exp(-low))
    yield from _ends(twice, kind, wanted, 1e-6)


def _ends(
    twice: Twice, kind: Kind, wanted: tuple[float, float] | None, tolerance: float
) -> Iterator[Pair]:
    group = twice.evidence.group(kind)
    interval = group.interval if group else None
    low, high = (interval.low, interval.high) if interval else (None, None)
    yield f"{kind}, low", low, wanted[0] if wanted else None, tolerance
    yield f"{kind}, high", high, wanted[1] if wanted else None, tolerance


def _niche_interval(twice: Twice, pairs: list[list[tuple[float, float]]]) -> Iterator[Pair]:
    group = twice.evidence.group("niche")
    if group is None or group.interval is None or sum(map(len, pairs)) > 10:
        return
    level = twice.levels["niche"]
    around = math.log(group.ratio or 1.0)
    turned = [[(b, a) for a, b in task] for task in pairs]
    low = naive.lower_end(lambda x: _p(pairs, x), level, -around - 3, -around + 3)
    high = naive.lower_end(lambda x: _p(turned, x), level, around - 3, around + 3)
    yield from _ends(twice, "niche", (math.exp(high), math.exp(-low)), 3e-4)


def _p(pairs: list[list[tuple[float, float]]], effect: float) -> float:
    p = naive.exchanges(pairs, effect)
    return 1.0 if p is None else p


def _later_looks(twice: Twice) -> Iterator[Pair]:
    evidence = twice.evidence
    own, base = twice.sides(slice(0, None))
    wild = naive.wild(own[:, 1:], base[:, 1:], twice.phases)
    logs = _logs(twice)
    ok = twice.calls(LEARN, OK) - twice.calls(FROZEN, OK)
    for name, values, rows in (
        ("cost", logs, list(range(len(logs)))),
        ("niche", logs, twice.rows(Phase.BETA)),
        ("success", ok, twice.rows(*SOLVABLE)),
    ):
        asked = evidence.question(name)  # type: ignore[arg-type]
        assert asked
        if name == "niche" and not rows:
            continue
        blocks = [values[rows][:, place].ravel().tolist() for place in range(values.shape[1])]
        value = naive.e_value(blocks[1:], blocks[0])
        wanted = 1.0 if wild and name != "success" else 1 / value
        yield f"{name}, p of e-values", asked.p, wanted, 1e-9 * max(1, wanted)
        yield f"{name}, level", asked.level, policy.LATER / 3, 1e-12
        yield from _bets(twice, name, blocks)


def _bets(twice: Twice, name: str, blocks: list[list[float]]) -> Iterator[Pair]:
    """An end is where the e-value of bets that way no longer reaches the level."""
    group = twice.evidence.group({"cost": "all", "niche": "niche"}.get(name, "easy"))  # type: ignore[arg-type]
    if group is None or group.interval is None or name == "success":
        return
    for sign, end in ((1, group.interval.high), (-1, group.interval.low)):
        turned = [[sign * x for x in block] for block in blocks]
        for off, reached in ((-2e-4, True), (2e-4, False)):
            effect = -sign * math.log(end) + off
            moved = [[x - effect for x in block] for block in turned[1:]]
            value = naive.e_value(moved, turned[0])
            yield f"{name}, end of e-values", float(value >= 3 / policy.LATER), float(reached), 0


def _groups(twice: Twice) -> Iterator[Pair]:
    own, base = twice.sides(twice.later)
    raw = [twice.calls(arm, TOKENS)[:, twice.later] for arm in (LEARN, FROZEN)]
    effects = naive.effects(own, base)
    for group in twice.evidence.groups:
        rows = twice.rows(*KINDS[group.kind])
        yield f"{group.kind}, ratio", group.ratio, naive.ratio([effects[row] for row in rows]), 1e-9
        pairs = [pair for task in naive.cells(*(side[rows] for side in raw)) for pair in task]
        yield f"{group.kind}, learn", group.learn, _mean([a for a, _ in pairs]), 1e-6
        yield f"{group.kind}, frozen", group.frozen, _mean([b for _, b in pairs]), 1e-6


def _mean(values: list[float]) -> float | None:
    return None if not values else naive.average(values)


def _tasks(twice: Twice) -> Iterator[Pair]:
    raw = [twice.calls(arm, TOKENS)[:, twice.later] for arm in (LEARN, FROZEN)]
    ok = [twice.calls(arm, OK)[:, twice.later] for arm in (LEARN, FROZEN)]
    effects, cells = naive.effects(*raw), naive.cells(*raw)
    rows = {task.task: row for row, task in enumerate(twice.grid.tasks)}
    for task in twice.evidence.by_task:
        row = rows[task.task]
        yield f"{task.task}, ratio", task.ratio, naive.ratio([effects[row]]), 1e-9
        yield f"{task.task}, learn", task.learn, _mean([a for a, _ in cells[row]]), 1e-6
        for arm, done, asked in (
            (0, task.learn_done, task.learn_calls),
            (1, task.frozen_done, task.frozen_calls),
        ):
            known = naive.known(ok[arm][row].ravel().tolist())
            yield f"{task.task}, done", done, sum(known), 0
            yield f"{task.task}, calls", asked, len(known), 0


def _growth(twice: Twice) -> Iterator[Pair]:
    growth = twice.evidence.growth
    assert growth
    raw = [twice.calls(arm, TOKENS)[:, 1:] for arm in (LEARN, FROZEN)]
    count = raw[0].shape[1]
    effects = np.full((len(raw[0]), count), np.nan)
    for column in range(count):
        effects[:, column] = naive.effects(*(side[:, column : column + 1] for side in raw))
        yield "growth, ratio", growth.ratios[column], naive.ratio(effects[:, column].tolist()), 1e-9
    savings = [naive.average(effects[:, column].tolist()) for column in range(count)]
    if count >= 4:
        yield "growth, p", growth.p, naive.page([effects])[0], 1e-9
        place = naive.largest_step(savings)
        parts = [effects[:, :place], effects[:, place:]]
        yield "growth beyond a step", growth.p_beyond_step, naive.page(parts)[0], 1e-9
    best = naive.best(savings)
    if best is None or best == count - 1:
        yield "fall", growth.p_fall, None, 0
        return
    fell = (effects[:, best] - effects[:, -1]).tolist()
    p = naive.flips(fell)
    yield (
        "fall",
        growth.p_fall,
        None if p is None else min(1.0, p * (count - 1)),
        _slack(fell) * count,
    )


def _others(twice: Twice) -> Iterator[Pair]:
    for other in twice.evidence.others:
        raw = [twice.calls(arm, other.metric)[:, twice.later] for arm in (LEARN, FROZEN)]
        pairs = [pair for task in naive.cells(*raw) for pair in task]
        yield f"{other.metric}, learn", other.learn, _mean([a for a, _ in pairs]), 1e-9
        yield f"{other.metric}, frozen", other.frozen, _mean([b for _, b in pairs]), 1e-9


def differing(observed: Observed) -> list[str]:
    """List the numbers that the second computation does not confirm."""
    found = []
    for name, value, wanted, tolerance in every_number(Twice(observed)):
        if value is None or wanted is None:
            same = value is None and wanted is None
        else:
            same = abs(value - wanted) <= tolerance * max(1.0, abs(wanted))
        if not same:
            found.append(f"{name}: {value}, and again {wanted}")
    return found


def small_batteries(part: int, times: int = 1) -> Iterator[tuple[int, Observed]]:
    drawn = ((seed, battery(seed)) for seed in count(FIRST + part, PARTS))
    small = ((seed, each) for seed, each in drawn if len(each.grid.tasks) <= MOST_TASKS)
    yield from islice(small, times * BATTERIES // PARTS)


@pytest.mark.no_cover
@pytest.mark.parametrize("part", range(PARTS))
def test_a_second_computation_finds_the_same_numbers(part: int) -> None:
    profile = settings.get_current_profile_name()
    times = 8 if profile in {"fuzz", "explore"} else 1
    found = [
        f"battery {seed}: {text}"
        for seed, observed in small_batteries(part, times)
        for text in differing(observed)
    ]
    assert not found


@pytest.mark.no_cover
def test_it_would_not_miss_a_slip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a slip as it happens; a test that cannot fail would be none."""
    slips = [
        (looks, "MOST", 1.9),
        (strata, "DIGITS", 2),
        (cost, "OF_OTHER", 0.02),
        (signflip, "TOLERANCE", 0.05),
        (luck, "NEEDED", 4),
    ]
    for module, name, value in slips:
        with monkeypatch.context() as patch:
            patch.setattr(module, name, value)
            assert any(differing(observed) for _, observed in small_batteries(0, 4)), name
