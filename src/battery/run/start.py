"""Stop a battery whose arms differ before anything was learned, while little is paid for."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from battery.base.errors import StartError
from battery.inputs.tasks import task_id
from battery.records.events import Notice, Observer
from battery.records.models import FROZEN, LEARN, Run
from battery.store.battery_dir import IterationDir
from battery.verdict.start import Differing, differs


def require_alike(first: IterationDir, tell: Observer, *, keep_going: bool, anyway: str) -> None:
    """Refuse arms that differ in iteration 1, whose task runs are on disk; raise `StartError`.

    With `keep_going` a warning says so instead. `anyway` is how to go on regardless.
    """
    differing = _differing(first)
    if differing is None:
        return
    message = f"{differing.text}; the battery is INVALID, whatever comes next; {differing.cause}"
    if keep_going:
        tell(Notice(message, warning=True))
        return
    fresh = "empty the memory of both deployments and start again in another folder with --dir"
    raise StartError(message, hint=f"{fresh}; or {anyway}")


def _differing(first: IterationDir) -> Differing | None:
    learn, frozen = (_tokens(first.runs_of(arm)) for arm in (LEARN, FROZEN))
    tasks = [task for task in learn if task in frozen]
    return differs(*(np.array([np.mean(arm[task]) for task in tasks]) for arm in (learn, frozen)))


def _tokens(runs: Iterable[Run]) -> dict[str, list[int]]:
    """Collect the tokens of each task that reports some."""
    tokens: dict[str, list[int]] = {}
    for run in runs:
        if run.result.tokens is not None:
            tokens.setdefault(task_id(run.phase, run.task), []).append(run.result.tokens)
    return tokens
