"""Batteries made by hand as folders on disk: of this version, of an earlier one, of the script."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from battery.inputs.tasks import digest
from battery.records.checks import Check
from battery.records.manifest import Manifest, Options
from battery.records.models import FROZEN, LEARN, Arm, Models, Phases, RunResult, Task, Tasks
from battery.store.battery_dir import BatteryDir
from battery.verdict.table import Call

MODELS = Models(executor_cloud="small", reviewer_cloud="large", overseer_cloud="huge")
#: By whom a folder was written: this version, one before the plan was recorded, or the script that
#: kept no manifest.
Origin = Literal["this", "earlier", "script"]


def write(
    root: Path,
    calls: Sequence[Call],
    *,
    origin: Origin = "this",
    planned: int | None = None,
    reruns: Mapping[tuple[int, int], Sequence[bool]] | None = None,
    state: str = "finished",
) -> BatteryDir:
    """Write calls as a folder; `reruns` by position and iteration, whether each ended ok."""
    folder = BatteryDir(root)
    root.mkdir(parents=True, exist_ok=True)
    for number in sorted({call.iteration for call in calls}):
        step = folder.iteration(number)
        step.root.mkdir()
        for arm in (LEARN, FROZEN):
            _write_runs(
                step, [call for call in calls if (call.iteration, call.arm) == (number, arm)], arm
            )
        step.write_distill("be brief", [{"role": "final", "text": "be brief"}])
        first = {call.position: call for call in calls if call.iteration == number}
        again = [
            run(first[position]._replace(result=_ended(first[position].result, ok=ok)))
            for (position, iteration), outcomes in (reruns or {}).items()
            for ok in outcomes
            if iteration == number
        ]
        if again:
            step.write_confirmations(again)
    if origin != "script":
        _write_manifest(folder, calls, origin, planned, state)
    return folder


def _write_runs(step: Any, calls: Sequence[Call], arm: Arm) -> None:
    for repeat in sorted({call.repeat for call in calls}):
        if arm == FROZEN:
            step.folder(FROZEN).mkdir(exist_ok=True)
        step.write_runs([run(call) for call in calls if call.repeat == repeat], arm, repeat)


def _ended(result: RunResult, *, ok: bool) -> RunResult:
    return result._replace(status="ok" if ok else "failed", error=None if ok else "gave up")


def task(call: Call) -> Task:
    """Return what was asked."""
    checks = [Check(path="artifact.workers", length=3)] if call.result.checked else []
    spec = {"place": call.position}
    return Task(task_class="staffing", operation=call.label, spec=spec, checks=checks)


def run(call: Call) -> dict[str, Any]:
    """Return a call as an item of `runs.json`."""
    result = call.result
    artifact: dict[str, Any] = {}
    if result.tokens is not None:
        artifact["usage"] = {"total_tokens": result.tokens}
    if result.memory_used is not None:
        artifact["memory"] = ["be brief"] if result.memory_used else []
    answer = {
        "status": result.status,
        "iterations": result.turns,
        "artifact": artifact,
        "log": [{"kind": "overseer_correction"}] if result.overseer_called else [],
        "error": result.error,
        "cached": result.cached,
        "_elapsed_ms": result.elapsed_ms,
    }
    graded = {"checked": result.checked.model_dump()} if result.checked else {}
    if result.checked and result.checked.claimed:
        answer |= {"status": "ok", "error": None}
    return {"task": task(call).asked, "phase": call.phase, "result": answer} | graded


def _write_manifest(
    folder: BatteryDir, calls: Sequence[Call], origin: Origin, planned: int | None, state: str
) -> None:
    tasks = {call.position: (call.phase, task(call)) for call in calls}
    by_phase = {
        name: [each for _, (phase, each) in sorted(tasks.items()) if phase == name.split("_")[0]]
        for name in ("alpha_baseline", "beta_drift", "gamma_impossible")
    }
    document = Tasks(phases=Phases(**by_phase), models=MODELS)
    count = len({call.iteration for call in calls})
    targets = {"gateway": "http://gateway.example", "llm_team": "http://team.example"}
    manifest = Manifest(
        battery_version="0.1.0",
        run_id="0" * 32,
        started_at="2026-03-01T10:00:00Z",
        finished_at="2026-03-01T11:10:00Z",
        tasks_digest=digest(document),
        models=MODELS,
        targets=targets
        | ({"control": "http://twin.example"} if any(c.arm == FROZEN for c in calls) else {}),
        options=Options(repeats=max(call.repeat for call in calls)),
        iterations_wanted=max(planned or 0, count),
        planned_iterations=planned or count,
        iterations_finished=count,
        state=state,
    )
    folder.write_tasks(document)
    folder.write_manifest(manifest)
    if origin == "earlier":
        path = folder.root / "battery.json"
        document_of = json.loads(path.read_text("utf-8"))
        del document_of["planned_iterations"]
        path.write_text(json.dumps(document_of), "utf-8")
