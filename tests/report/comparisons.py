"""Comparisons for the tests of the reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from battery.comparison.outcome import decide, sentence
from battery.comparison.pairing import noise, shared
from battery.comparison.remarks import SCOPE, cause, cautions, settle
from battery.records.comparison import Comparison, Difference, Side
from battery.records.models import LEARN
from battery.records.word import Outcome
from battery.verdict.table import Call
from tests.comparison.pairs import NAMES, everywhere, facts
from tests.verdict.batteries import PHASES, Cell, calls

HOSTILE = "</script><script>alert(1)</script> | `x` \x1b[31m <img src=x onerror=alert(1)>"


def side(folder: str, name: str) -> Side:
    """Describe a battery."""
    return Side(
        name=name,
        folder=folder,
        run_id=folder,
        started_at="2026-01-01T00:00:00Z",
        state="finished",
        verdict=None,
        arms=["learn", "frozen"],
        tasks=8,
        iterations=[1, 2, 3],
        repeats=1,
        checked=True,
    )


def worse(cell: Cell) -> dict[str, Any]:
    """Fail an easy task, bluff once, and take more tokens, in one task many more."""
    ends = {0: "failed", 6: "ok"}
    status = {"status": ends[cell.task]} if cell.task in ends else {}
    return {**status, "tokens": 1500 * (1 + 9 * (cell.task == 1)) + cell.task}


def comparison(
    b_calls: Sequence[Call] = (), a_calls: Sequence[Call] = (), **changes: Any
) -> Comparison:
    """Compare two batteries made by hand, with `changes` to the record."""
    a, b = a_calls or calls(), b_calls or calls(worse)
    both, found = shared(a, b), facts(a, b)
    outcome, reasons = decide(found)
    record = Comparison(
        outcome=outcome,
        sentence=sentence(outcome, found, reasons),
        reasons=reasons,
        cause=cause(found),
        before=side("data/main", NAMES.before),
        after=side("data/branch", NAMES.after),
        iterations=list(found.iterations),
        cost=both.cost,
        change=found.change,
        start=found.start,
        twins=found.twins,
        flips=found.flips,
        tasks=list(found.pairs),
        only_before=both.only_before,
        only_after=both.only_after,
        noise=noise(a, b, found.table),
        differences=[],
        cautions=list(cautions(found)),
        settle=settle(outcome, found),
        scope=SCOPE,
    )
    return record.model_copy(update=changes)


def hostile() -> Comparison:
    """Put hostile text wherever text of others can stand."""
    labelled = [call._replace(label=HOSTILE) for call in calls(worse)]
    before = [call._replace(label=HOSTILE) for call in calls()]
    before += [call._replace(task="gone", label=HOSTILE, position=9) for call in before[:1]]
    unlike = Difference(what="models.x", before=HOSTILE, after=HOSTILE, unfair=False, text="t")
    return comparison(
        labelled,
        before,
        before=side(HOSTILE, NAMES.before),
        after=side(HOSTILE, NAMES.after),
        differences=[unlike],
    )


#: Nothing was compared.
NOTHING: dict[str, Any] = {
    "outcome": Outcome.NOT_COMPARABLE,
    "change": None,
    "start": None,
    "twins": None,
    "tasks": [],
}


#: One comparison of each kind, by name.
CASES = {
    "worse": comparison(),
    "identical": comparison(calls()),
    "one arm": comparison(calls(everywhere(700), arms=(LEARN,)), calls(arms=(LEARN,))),
    "one iteration": comparison(calls(iterations=1), calls(iterations=1)),
    "many flips": comparison(
        calls(lambda _: {"status": "failed"}, phases=PHASES * 9), calls(phases=PHASES * 9)
    ),
    "hostile": hostile(),
    "nothing": comparison(**NOTHING),
}
