"""A battery as Inspect logs; pure.

One log per arm: Inspect shows and compares whole logs, and one score over both arms would mix what
learned with what did not. A sample is a task, its epochs are the iterations, so Inspect's view of
one sample over its epochs is the task's way through the battery. The ids of the samples are the
same in both logs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from battery import __version__
from battery.base import jsonio
from battery.protocol import Json
from battery.records.findings import Evidence
from battery.records.manifest import Manifest, Provenance
from battery.records.models import Arm
from battery.report.inspect import sample

#: Version of Inspect's log format.
FORMAT: Final = 2
_STATUS: Final = {
    # Of the original script: nothing says that more than what is there was wanted.
    None: "success",
    "finished": "success",
    "failed": "error",
    "interrupted": "cancelled",
    "paused": "cancelled",
    "running": "started",
}
_NO_CAUSE: Final = "the battery failed; its cause was printed when it did"


@dataclass(slots=True)
class Tally:
    """What the head of a log needs to know of its samples: sums, however many there are."""

    samples: int = 0
    #: In the order in which they come; a dict keeps it.
    ids: dict[str, None] = field(default_factory=dict)
    #: By score and iteration: sum and number of values.
    sums: dict[str, dict[int, tuple[float, int]]] = field(default_factory=dict)
    usage: dict[str, int] = field(default_factory=dict)
    iterations: set[int] = field(default_factory=set)

    def add(self, task_run: sample.TaskRun) -> None:
        """Count one run."""
        self.samples += 1
        self.ids[task_run.sample_id] = None
        self.iterations.add(task_run.iteration)
        for name, score in sample.scores(task_run).items():
            by_iteration = self.sums.setdefault(name, {})
            total, count = by_iteration.get(task_run.iteration, (0.0, 0))
            by_iteration[task_run.iteration] = total + _number(score["value"]), count + 1
        for name, tokens in (sample.model_usage(task_run) or {}).items():
            self.usage[name] = self.usage.get(name, 0) + tokens


@dataclass(frozen=True, slots=True)
class Log:
    """One arm of a battery, to be written as one log."""

    arm: Arm
    #: When the battery started, in UTC.
    created: str
    provenance: Provenance
    evidence: Evidence
    tally: Tally

    @property
    def task(self) -> str:
        """Name the task; an underscore would end it where Inspect reads it from a file name."""
        return f"battery-{self.arm}"

    @property
    def task_id(self) -> str:
        """Return an id that stays the same however often the battery is exported."""
        return sample.short_id("task", self._run_id, self.arm)

    @property
    def file_name(self) -> str:
        """Return the name that Inspect expects: `<time>_<task>_<id>.json`."""
        return f"{sample.iso(self.created).replace(':', '-')}_{self.task}_{self.task_id}.json"

    @property
    def model(self) -> str:
        """Name what was tested: the gateway, with the executor's model where it is known."""
        models = self.provenance.models
        return f"gateway/{models.executor_cloud}" if models else "gateway/unknown"

    @property
    def _run_id(self) -> str:
        return self.provenance.run_id or sample.short_id(self.created, *self.tally.ids)

    def head(self) -> Json:
        """Write everything but the samples."""
        status = _STATUS[self.provenance.state]
        head: Json = {"version": FORMAT, "status": status, "eval": self._spec()}
        head["plan"] = {"name": "battery", "steps": [{"solver": "gateway", "params": {}}]}
        head["results"] = self._results()
        head["stats"] = self._stats()
        if status == "error":
            head["error"] = {"message": _NO_CAUSE, "traceback": "", "traceback_ansi": ""}
        return head

    def chunks(self, runs: Iterable[sample.TaskRun]) -> Iterator[bytes]:
        """Write the log, one sample in memory at a time; `runs` are those that were tallied."""
        place = sample.Place(self.task_id, self.model, self.created)
        # The head comes first: Inspect reads it alone, up to the samples.
        yield jsonio.dumps(self.head())[:-1] + b',"samples":['
        separator = b"\n"
        for task_run in runs:
            yield separator + jsonio.dumps(sample.sample(task_run, place))
            separator = b",\n"
        yield b"\n]}\n"

    def _spec(self) -> Json:
        ids, models = list(self.tally.ids), self.provenance.models
        spec: Json = {
            "eval_id": sample.short_id("eval", self._run_id, self.arm),
            "run_id": self._run_id,
            "created": sample.iso(self.created),
            "task": self.task,
            "task_id": self.task_id,
            "task_args": {"arm": self.arm},
            "tags": ["battery", self.arm],
            "dataset": {"name": "tasks", "samples": len(ids), "sample_ids": ids, "shuffled": False},
            "model": self.model,
            "config": {"epochs": max(self.tally.iterations)},
            "packages": {"compounding-battery": __version__},
            "metadata": self._metadata(),
            "scorers": [{"name": name} for name in self.tally.sums],
        }
        # Roles and not models of the log: a gateway does not tell which model made which call.
        if models:
            roles = {
                "executor": models.executor_cloud,
                "reviewer": models.reviewer_cloud,
                "overseer": models.overseer_cloud,
            }
            spec["model_roles"] = {role: {"model": name} for role, name in roles.items()}
        return spec

    def _metadata(self) -> Json:
        manifest, evidence = self.provenance, self.evidence
        known: Json = {
            "arm": self.arm,
            "arms": evidence.arms,
            "verdict": evidence.verdict,
            "sentence": evidence.sentence,
            "cautions": evidence.cautions,
            "iterations": sorted(self.tally.iterations),
            "repeats": evidence.repeats,
        }
        if isinstance(manifest, Manifest):
            known |= {
                "seed": manifest.options.seed,
                "state": manifest.state,
                "targets": manifest.targets,
                "battery_version": manifest.battery_version,
                "tasks_digest": manifest.tasks_digest,
            }
        return known

    def _results(self) -> Json:
        count = self.tally.samples
        scores = [self._score(name) for name in self.tally.sums]
        return {"total_samples": count, "completed_samples": count, "scores": scores}

    def _score(self, name: str) -> Json:
        sums = self.tally.sums[name]
        scored = sum(count for _, count in sums.values())
        first, last = min(sums), max(sums)
        right = name in {sample.OUTCOME, sample.CHECKS}
        means = {"accuracy" if right else "mean": list(sums.values())}
        # Whether it got better shows in the ends, as in the summary's table, not in the mean.
        if last > first:
            means |= {f"iter {number}": [sums[number]] for number in (first, last)}
        return {
            "name": name,
            "scorer": name,
            "scored_samples": scored,
            # What was not reported is unscored; as 0 it would lower the mean.
            "unscored_samples": self.tally.samples - scored,
            "params": {},
            "metrics": {
                metric: {"name": metric, "value": _mean(parts), "params": {}}
                for metric, parts in means.items()
            },
        }

    def _stats(self) -> Json:
        provenance, usage = self.provenance, self.tally.usage
        moments = {"started_at": provenance.started_at, "completed_at": provenance.finished_at}
        stats: Json = {"model_usage": {self.model: usage} if usage else {}}
        return stats | {name: sample.iso(moment) for name, moment in moments.items() if moment}


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float(value == sample.CORRECT)


def _mean(parts: Iterable[tuple[float, int]]) -> float:
    totals, counts = zip(*parts, strict=True)
    return float(sum(totals) / sum(counts))
