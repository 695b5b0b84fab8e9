"""How a battery was measured, and how to run it again; pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import PurePath
from typing import NamedTuple

from battery.base.numbers import counted, duration
from battery.records.again import again, planned, portable
from battery.records.manifest import Manifest, Options, Provenance
from battery.records.models import ARM_NAMES, TARGET_NAMES
from battery.records.summary import Summary


def command(provenance: Provenance) -> list[str]:
    """Write the commands that run the same battery again; none where no manifest has them."""
    if not isinstance(provenance, Manifest):
        return []
    added = provenance.iterations_wanted - planned(provenance)
    seed = provenance.options.seed
    drawn = [] if seed is None else ["--seed", str(seed)]
    words = ["battery", "run", *portable(again(provenance) or []), *drawn]
    then = [f"battery iterate  # {counted(added, 'time')}"] if added > 0 else []
    return [shlex.join(words), *then]


class Fact(NamedTuple):
    """Something that identifies a run."""

    name: str
    value: str
    #: Whether people take it elsewhere: an id or a digest.
    copied: bool = False


def facts(summary: Summary, provenance: Provenance) -> Iterator[Fact]:
    """Yield what identifies the run; what is not known is left out."""
    copied = {"Run", "Tasks, SHA-256", "Option: target_digest"}
    for name, value in _facts(summary, provenance):
        yield Fact(name, value, copied=name in copied)


def _facts(summary: Summary, provenance: Provenance) -> Iterator[tuple[str, str]]:
    if isinstance(provenance, Manifest):
        yield from _recorded(provenance)
    else:
        yield "Manifest", "none: the original battery wrote this folder"
    if evidence := summary.evidence:
        yield (
            "Measured",
            " and ".join(name for arm, name in ARM_NAMES.items() if arm in evidence.arms),
        )
        size = (counted(evidence.tasks, "task"), counted(evidence.iterations, "iteration"))
        calls = counted(evidence.repeats, "call")
        yield "Size", f"{', '.join(size)}, {calls} per task and iteration, of each"
    for key, url in (summary.targets or {}).items():
        yield f"Target: {TARGET_NAMES.get(key, key)}", url
    if models := summary.models:
        yield "Executor", models.executor_cloud
        yield "Reviewer", models.reviewer_cloud
        yield "Overseer", models.overseer_cloud
    if summary.seed is not None:
        yield "Seed", f"{summary.seed} (decides, task by task, who is asked first, learner or twin)"
    yield "Calls", f"{summary.calls} recorded, {duration(summary.elapsed_s)} in total"
    for name, value in provenance.options.model_dump().items():
        if name not in {"tasks", "seed"} and value is not None:
            yield f"Option: {name}", str(value)


def _recorded(manifest: Manifest) -> Iterator[tuple[str, str]]:
    yield "Run", manifest.run_id
    yield "Started", manifest.started_at
    yield "Finished", manifest.finished_at or f"not finished ({manifest.state})"
    yield "Battery", f"version {manifest.battery_version}, file format {manifest.schema_version}"
    yield "Tasks", _tasks(manifest.options)
    yield "Tasks, SHA-256", manifest.tasks_digest


def _tasks(options: Options) -> str:
    # Only the file's name: a page that is passed on need not tell how its maker's disk is laid out.
    return PurePath(options.tasks or "path not recorded").name
