"""Runs made by hand: one number says what a memory saved, everything else is as usual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from battery.records.campaign import (
    CampaignSummary,
    CostOf,
    Done,
    NewTasks,
    RunFindings,
    Spent,
    TaskClaims,
)
from battery.records.findings import TaskEffect
from battery.records.metric import TOKENS
from battery.verdict.runs import assess_runs


def run(name: int, saved: float = 0.0, **changes: Any) -> RunFindings:
    """Return a run whose memory saved such a share on every task, in every iteration."""
    ratio = 1 - saved
    of_all = CostOf(kind="all", ratio=ratio, together=ratio, before=1.0, feigned=0.0)
    usual: dict[str, Any] = {
        "name": str(name),
        "folder": f"cells/{name:03}",
        "run_id": f"{name:032x}",
        "seed": name,
        "started_at": None,
        "word": None,
        "claim": "",
        "left_out": None,
        "iterations": 3,
        "repeats": 1,
        "tasks": 8,
        "metric": TOKENS,
        "relevant_cost": 0.1,
        "relevant_success": 0.1,
        "costs": [of_all, of_all.model_copy(update={"kind": "niche"})],
        "solvable": ratio,
        "error": 0.1,
        "done": [done()],
        "by_iteration": [ratio, ratio],
        "shape": "unclear",
        "siblings": None,
        "failed": [],
        "lost": [],
        "objections": {},
        "untold": None,
        "kept": None,
        "claims": [],
        "checked": True,
        "by_task": [],
        "spent": None,
    }
    return RunFindings(**(usual | changes))


def runs(*saved: float, **changes: Any) -> list[RunFindings]:
    """Return a run for each saving."""
    return [run(number, share, **changes) for number, share in enumerate(saved, start=1)]


def done(learn: int = 12, frozen: int = 12, *, kind: Any = "all", before: float = 0.0) -> Done:
    """Return what both arms did of twelve calls."""
    return Done(
        kind=kind, learn=learn, learn_calls=12, frozen=frozen, frozen_calls=12, gain_before=before
    )


def cost(ratio: float, kind: Any = "all", **changes: Any) -> CostOf:
    """Return what tasks of a kind cost."""
    usual = {"kind": kind, "ratio": ratio, "together": ratio, "before": 1.0, "feigned": 0.0}
    return CostOf(**(usual | changes))


def new_tasks(ratio: float, repeated: float, outcome: Any = "open") -> NewTasks:
    """Return what siblings show in a run."""
    return NewTasks(outcome=outcome, asked=4, repeated=repeated, ratio=ratio, gain=0.0)


def bluffs(learn: int, others: int = 0, kind: Any = "impossible") -> TaskClaims:
    """Return the bluffs of a task, of two calls after learning and four without it."""
    return TaskClaims(task="t", kind=kind, learn=learn, learn_calls=2, others=others, other_calls=4)


def task(learn: int, frozen: int, calls: int = 2, phase: str = "beta") -> TaskEffect:
    """Return how often a task was done in both arms."""
    return TaskEffect(
        task="t",
        label="t",
        phase=phase,
        learn=1.0,
        frozen=1.0,
        ratio=1.0,
        learn_done=learn,
        learn_calls=calls,
        frozen_done=frozen,
        frozen_calls=calls,
        learn_bluffs=0,
        frozen_bluffs=0,
        change="same",
    )


def grown(*by_iteration: Sequence[float]) -> list[RunFindings]:
    """Return runs by the ratios of their iterations after the first."""
    return [
        run(
            number,
            1 - sum(ratios) / len(ratios),
            by_iteration=list(ratios),
            iterations=1 + len(ratios),
        )
        for number, ratios in enumerate(by_iteration, start=1)
    ]


def summary(
    found: Sequence[RunFindings], planned: int | None = None, **changes: Any
) -> CampaignSummary:
    """Return the summary of runs, as a pool has it."""
    spent = Spent(calls=240, tokens=512_300, cost_usd=None, elapsed_s=480.0)
    usual: dict[str, Any] = {
        "kind": "pool",
        "folder": None,
        "digest": None,
        "started_at": None,
        "finished_at": None,
        "tasks_digest": None,
        "models": None,
        "targets": None,
        "spent": spent,
        "evidence": assess_runs(found, planned=planned),
        "warnings": [],
    }
    return CampaignSummary(**(usual | changes))
