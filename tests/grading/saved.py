"""A small battery on disk whose answers can be graded again: one task, its sibling, a rerun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from battery.inputs.tasks import digest, task_id
from battery.protocol import Json
from battery.records.checks import Check
from battery.records.manifest import Manifest, Options
from battery.records.models import FROZEN, LEARN, Arm, Models, Phase, Phases, Sibling, Task, Tasks
from battery.store.battery_dir import BatteryDir

ARMS: tuple[Arm, Arm] = (FROZEN, LEARN)
MODELS = Models(executor_cloud="small", reviewer_cloud="large", overseer_cloud="huge")


def tasks(*checks: Json, of_sibling: Json | None = None) -> Tasks:
    """Return a tasks file whose easy task, and the sibling of that, carry these checks."""
    sibling = Sibling(
        operation="find: B",
        spec={"of": "B"},
        checks=[Check.model_validate(of_sibling)] if of_sibling else [],
    )
    easy = Task(
        task_class="find",
        operation="find: A",
        spec={"of": "A"},
        checks=[Check.model_validate(check) for check in checks],
        siblings=[sibling],
    )
    impossible = Task(task_class="find", operation="find: nothing", spec={})
    phases = Phases(alpha_baseline=[easy], beta_drift=[], gamma_impossible=[impossible])
    return Tasks(phases=phases, models=MODELS)


def saved(task: Task, phase: Phase, text: Any, **more: Any) -> Json:
    """Return an entry of a file of runs; `more` are keys next to its answer."""
    result = {"status": "ok", "artifact": {"text": text, "big": 2**70}, "_elapsed_ms": 5}
    return {"task": task.asked, "phase": str(phase), "result": result, **more}


def write_battery(root: Path, run: Tasks, *, tasks_file: Path | None = None) -> BatteryDir:
    """Write a battery of two iterations, with both arms, as it is before anything is graded."""
    folder = BatteryDir(root)
    root.mkdir()
    easy, impossible = run.phases.alpha_baseline[0], run.phases.gamma_impossible[0]
    sibling = easy.sibling(1)
    assert sibling is not None
    parent = task_id(Phase.ALPHA, easy)
    for number in (1, 2):
        step = folder.iteration(number)
        for arm in ARMS:
            for repeat in (2, 1):
                text = f"A {arm} {number} {repeat}"
                runs = [saved(easy, Phase.ALPHA, text), saved(impossible, Phase.GAMMA, "No such.")]
                step.write_runs(runs, arm, repeat)
        step.write_distill("be brief", [{"role": "final", "text": "be brief"}])
    asked = [saved(sibling, Phase.ALPHA, "B", sibling_of=parent)]
    for arm in ARMS:
        folder.iteration(1).siblings.write_runs(asked, arm)
    folder.iteration(2).write_confirmations([saved(easy, Phase.ALPHA, "A again")])
    folder.write_tasks(run)
    manifest = Manifest(
        battery_version="0.1.0",
        run_id="0" * 32,
        started_at="2026-03-01T10:00:00Z",
        finished_at="2026-03-01T11:10:00Z",
        tasks_digest=digest(run),
        tasks_folder=str(tasks_file.parent) if tasks_file else None,
        models=MODELS,
        targets={"gateway": "http://a.example", "llm_team": "http://b.example", "control": "c"},
        options=Options(repeats=2, tasks=str(tasks_file) if tasks_file else None),
        iterations_wanted=2,
        planned_iterations=2,
        iterations_finished=2,
        state="finished",
    )
    folder.write_manifest(manifest)
    return folder
