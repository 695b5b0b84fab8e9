"""What learning cost and whether that has come back, in sentences; the same for every surface."""

from __future__ import annotations

from collections.abc import Iterator

from battery.base.numbers import counted
from battery.base.text import listed
from battery.records.learning import Learning
from battery.records.metric import METRICS, TOKENS
from battery.records.stages import CHAT_STAGES, DISTILL
from battery.records.summary import Summary


def learning(summary: Summary) -> Iterator[str]:
    """Yield what learning cost so far, and what the battery's own reviews did; none without any."""
    cost = summary.learning
    if cost is None:
        return
    yield f"{_cost(cost)}{_return(cost, summary)}."
    if own := _own(cost):
        yield own


def _cost(cost: Learning) -> str:
    if cost.cost is not None:
        return f"Learning cost {METRICS[cost.unit].amount(cost.cost)} so far"
    calls = [each.calls[DISTILL.noun] for each in cost.iterations if DISTILL.noun in each.calls]
    tokens = [call.tokens for call in calls if call.tokens is not None]
    if len(tokens) == len(calls):
        return f"Learning cost {METRICS[TOKENS].amount(sum(tokens))} so far; its price is not known"
    who = "not every distillation" if tokens else "no distillation"
    return f"Learning cost: not known, because {who} reports what it took"


def _return(cost: Learning, summary: Summary) -> str:
    evidence = summary.evidence
    # Under a word that makes the numbers worthless, a saving would be louder than the word.
    if cost.cost is None or (evidence and not evidence.trusted):
        return ""
    if cost.saved is None:
        twin = evidence and len(evidence.arms) > 1
        return f"; what it saves shows {'from iteration 2 on' if twin else 'only against a twin'}"
    if cost.paid_back is not None:
        return f"; paid back in iteration {cost.paid_back}"
    saved = f"{METRICS[cost.unit].amount(cost.saved)} saved" if cost.saved > 0 else "nothing saved"
    return f"; {saved}, not paid back after {counted(len(cost.iterations), 'iteration')}"


def _own(cost: Learning) -> str | None:
    """Name the rest, which a gateway that learns in use does not have."""
    nouns = [stage.noun for stage in CHAT_STAGES]
    calls = [each.calls[noun] for each in cost.iterations for noun in nouns if noun in each.calls]
    known = [call.tokens for call in calls if call.tokens is not None]
    if not known:
        return None
    return (
        f"The battery's own {listed([f'{noun}s' for noun in nouns])} took "
        f"{METRICS[TOKENS].amount(sum(known))}, which does not count as a cost of learning."
    )
