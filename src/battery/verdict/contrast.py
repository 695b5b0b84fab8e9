"""What the verdict rests on, and how a contrast is judged and put into words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from battery.base.numbers import AS_MANY, HUGE, more_or_fewer, number, p_equals, percent
from battery.records.findings import Contrast, Effect, Gate, Interval, Tested
from battery.records.metric import ELAPSED, METRICS, TOKENS
from battery.records.models import CONFIRMED, FROZEN, Expectations
from battery.verdict import policy
from battery.verdict.table import Call, Grid

C = TypeVar("C", bound=Contrast)


def of_metric(contrasts: Sequence[C], metric: str) -> C | None:
    """Return the contrast in one metric; None where there is none."""
    return next((contrast for contrast in contrasts if contrast.metric == metric), None)


def harm(contrast: Contrast) -> float:
    """Return how much worse a side is: a share of its base, or points; below 0 it is better."""
    return _harm(contrast, contrast.value)


def net_harm(contrast: Contrast) -> float:
    """Return the same of the net value."""
    return _harm(contrast, contrast.net)


def _harm(contrast: Contrast, value: float | None) -> float:
    if value is None:
        return 0.0
    return METRICS[contrast.metric].sign * (value - 1 if contrast.kind == "ratio" else value)


def is_sure(contrast: Contrast) -> bool:
    """Return whether a contrast is more than luck, whatever its size."""
    p = _deciding_p(contrast)
    return p is not None and p <= policy.ALPHA


def is_significant(contrast: Contrast, sign: int) -> bool:
    """Return whether a side is worse (1) or better (-1) by a relevant amount, and not by luck."""
    return is_sure(contrast) and policy.is_relevant(sign * harm(contrast))


def within_jitter(time: Contrast) -> bool:
    """Return whether two mean times differ by less than the machine's own jitter."""
    if time.own is None or time.base is None:
        return True
    return abs(time.own - time.base) < policy.RESOLUTION_S


def _deciding_p(contrast: Contrast) -> float | None:
    # What decides nothing corrects nothing either and stands by itself.
    return contrast.p if contrast.p_corrected is None else contrast.p_corrected


def moved(contrast: Contrast) -> str:
    """Write a contrast: `tokens worse by 38% (corrected p = 0.008)`."""
    word = "worse" if harm(contrast) > 0 else "better"
    p, corrected = _deciding_p(contrast), "" if contrast.p_corrected is None else "corrected "
    tested = "" if p is None else f" ({corrected}{p_equals(p)})"
    return f"{METRICS[contrast.metric].plain} {word} by {size(contrast)}{tested}"


def size(contrast: Contrast) -> str:
    """Write how much worse or better a side is: `38%`, `38 percentage points`."""
    amount = abs(harm(contrast))
    if contrast.kind == "difference":
        return f"{number(100 * amount, 0)} percentage points"
    return f"more than {percent(HUGE - 1)}" if amount > HUGE - 1 else percent(amount)


def span(interval: Interval | None) -> str:
    """Write the interval of a ratio behind its value; nothing where there is none."""
    if interval is None:
        return ""
    ends = f"from {more_or_fewer(interval.low)} to {more_or_fewer(interval.high)}"
    return f" ({percent(interval.level)} interval: {ends})"


def typical(tokens: Contrast | None, places: int | None = None) -> str:
    """Write a contrast up to its base: `38% fewer tokens on a typical task than`."""
    # A geometric mean, in which a large task weighs as much as any.
    ratio = 1.0 if tokens is None or tokens.value is None else tokens.value
    amount = more_or_fewer(ratio, places)
    return f"{amount} tokens on a typical task {'as' if amount == AS_MANY else 'than'}"


def together(tokens: Contrast | None) -> Iterator[str]:
    """Note where all tasks together do not say the same as a typical one."""
    if tokens is None or tokens.value is None or not tokens.own or not tokens.base:
        return
    ratio = tokens.own / tokens.base
    # Two that are both huge read alike, and one of them is no news.
    if policy.is_relevant(abs(min(ratio, HUGE) - min(tokens.value, HUGE))):
        yield (
            f"all tasks together took {more_or_fewer(ratio)} tokens: tasks that take many "
            "weigh more there than in a typical task"
        )


class Observed(NamedTuple):
    """What a battery left behind, as the statistics need it."""

    #: Every respond call of both arms, the confirmations left out.
    calls: Sequence[Call]
    #: Reruns of each task that learning may have lost, in the learn arm (`battery.verdict.doubt`).
    confirmations: Sequence[Call] = ()
    expectations: Expectations = Expectations()
    #: Iteration to whether its distillation delivered anything; empty where that is not known.
    distilled: Mapping[int, bool] = {}
    #: What changed between iterations although it must not, a line each.
    changed: Sequence[str] = ()
    #: After which iteration a look was planned; None where nobody recorded it, and then the one
    #: look is after all iterations there.
    planned: int | None = None


class Forgotten(NamedTuple):
    """An easy task that passed in the first iteration and failed in a later one."""

    label: str
    iteration: int
    #: Reruns that failed too, of so many; 0 of 0 when nobody asked again.
    failed: int
    asked: int
    #: Whether the frozen arm mostly failed it from then on as well.
    frozen_too: bool
    #: Chance of so many failures in a task that is no worse than before; None with one arm, where
    #: too few runs came before to tell.
    chance: float | None
    #: How many iterations there are in which it could have come under suspicion.
    occasions: int = 1

    @property
    def counts(self) -> bool:
        """Whether this is forgetting: confirmed, not shared by the frozen arm, and no luck."""
        # Divided by the occasions (Bonferroni), or a flaky task would be lost sooner or later.
        lucky = self.chance is not None and self.chance > policy.FLAKY / self.occasions
        return self.failed >= CONFIRMED and not self.frozen_too and not lucky


class Facts(NamedTuple):
    """Everything that the ladder looks at; with one arm the comparisons are None and empty."""

    grid: Grid
    effects: Sequence[Effect]
    primary: Tested | None
    narrow: Interval | None
    same_start: Tested | None
    compounding: Tested | None
    #: Tokens of the learn arm over those of the frozen one in iteration 1.
    start_ratio: float | None
    #: Answers that say they came from a cache.
    cached: int
    gates: Sequence[Gate]
    bluffs: Sequence[Call]
    lost: Sequence[Forgotten]
    #: What changed between iterations although it must not, a line each.
    changed: Sequence[str]

    @property
    def tokens(self) -> Effect | None:
        """The effect on tokens; None with one arm."""
        return of_metric(self.effects, TOKENS)

    @property
    def two_arms(self) -> bool:
        """Whether there is a frozen arm to compare with."""
        return FROZEN in self.grid.arms


def is_regression(effect: Effect) -> bool:
    """Return whether a metric makes the battery a regression."""
    return is_worse(effect) and not excuse(effect)


def is_worse(effect: Effect) -> bool:
    """Return whether a metric is worse by a relevant amount and significantly so."""
    # What is not corrected decides nothing: more metrics would make more false alarms.
    return effect.p_corrected is not None and is_significant(effect, 1)


def excuse(effect: Effect) -> str | None:
    """Give the reason why something worse is no regression; None where nothing excuses it."""
    # Two deployments of one system may differ for good, in pace above all, and learning cannot be
    # blamed for that: what counts is the change since iteration 1.
    if effect.net is not None and not policy.is_relevant(net_harm(effect)):
        return "the learn arm was already worse in iteration 1"
    if effect.metric != ELAPSED:
        return None
    if within_jitter(effect):
        jitter = number(policy.RESOLUTION_S * 1000, 0)
        return f"a difference below {jitter} ms per call may be the machine's own"
    # Of two machines one is always the slower one: of time only what iteration 1 did not show yet
    # may be blamed on learning, and that has to be significant by itself.
    if effect.p_net is None or effect.p_net > policy.ALPHA:
        return "the change since iteration 1 may be chance"
    return None
