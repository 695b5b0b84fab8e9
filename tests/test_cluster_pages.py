"""The pages on clusters: the script of Slurm runs, and the manifests are what Kubernetes takes."""

from __future__ import annotations

import re
import subprocess
import sys
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.calls import command_here
from tests.support.commands import environment, read_json

pytestmark = pytest.mark.slow

TESTS: Final = Path(__file__).parent
PAGES: Final = TESTS.parent / "docs" / "how-to"
# They have no types; a module imported by name is checked as one without.
yaml: Any = import_module("yaml")
jsonschema: Any = import_module("jsonschema")
SCHEMA: Final = read_json(TESTS / "vendor" / "kubernetes.json")
KINDS: Final = {"Job": "batch.v1.Job", "Pod": "core.v1.Pod"}


def blocks(page: str, language: str) -> list[str]:
    text = (PAGES / page).read_text("utf-8")
    return re.findall(rf"```{language}\n(.+?)```", text, re.DOTALL)


def manifests() -> dict[str, Any]:
    """Return the manifests of the page by their kinds."""
    loaded = [yaml.safe_load(block) for block in blocks("campaign-kubernetes.md", "yaml")]
    return {manifest["kind"]: manifest for manifest in loaded}


def faults(manifest: Any) -> list[str]:
    reference = f"#/$defs/io.k8s.api.{KINDS[manifest['kind']]}"
    validator = jsonschema.Draft202012Validator({**SCHEMA, "$ref": reference})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(manifest)]


def planned(folder: Path) -> Path:
    words = ("--runs", 2, "-n", 2, "--limit", 1, "--seed", 1, "-o", "campaign")
    done = command_here("campaign", "plan", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "campaign"


def states(campaign: Path) -> list[str]:
    return [read_json(path)["ended"] for path in sorted(campaign.glob("cells/*/lease.*"))]


def test_the_manifests_are_what_kubernetes_takes() -> None:
    found = manifests()
    assert set(found) == set(KINDS)
    assert {kind: faults(manifest) for kind, manifest in found.items()} == {"Job": [], "Pod": []}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "completions"), "four"),
        (("spec", "backoffLimitPerindex"), 6),
        (("spec", "template", "spec", "containers", 0, "volumeMount"), []),
        (("spec", "podFailurePolicy", "rules", 0, "action"), None),
    ],
)
def test_a_wrong_manifest_is_noticed(path: tuple[str | int, ...], value: object) -> None:
    job = deepcopy(manifests()["Job"])
    place = job
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    assert len(faults(job)) == 1


def test_the_worker_of_the_job_runs_the_campaign(tmp_path: Path) -> None:
    spec = manifests()["Job"]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    (mount,) = container["volumeMounts"]
    assert mount["name"] == spec["volumes"][0]["name"]
    command = [word.replace(mount["mountPath"], str(tmp_path)) for word in container["command"]]
    assert command[0] == "battery"
    campaign = planned(tmp_path)
    done = command_here(*command[1:], cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "2 of 2 runs are done\n"), done.stderr
    assert states(campaign) == ["finished", "finished"]


def test_the_pods_fail_for_good_with_the_exit_codes_that_another_try_would_not_change() -> None:
    rule = manifests()["Job"]["spec"]["podFailurePolicy"]["rules"][0]
    assert rule["onExitCodes"]["values"] == [2, 4]
    assert rule["onExitCodes"]["containerName"] == "worker"


def test_the_tasks_of_a_slurm_array_run_the_campaign_together(tmp_path: Path) -> None:
    (script,) = blocks("campaign-slurm.md", "bash")
    path = tmp_path / "campaign.sh"
    path.write_text(script)
    subprocess.run(["bash", "-n", path], check=True)
    # It starts what it is told to, as Slurm's does on the first node.
    srun = tmp_path / "bin" / "srun"
    srun.parent.mkdir()
    srun.write_text('#!/bin/sh\nexec "$@"\n')
    srun.chmod(0o755)
    campaign = planned(tmp_path)
    programs = f"{srun.parent}:{Path(sys.executable).parent}:{environment()['PATH']}"
    tasks = [
        subprocess.Popen(
            ["bash", path, campaign],
            env=environment({"PATH": programs, "SLURM_ARRAY_TASK_ID": number}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in ("1", "2")
    ]
    for number, task in enumerate(tasks, 1):
        stdout, stderr = task.communicate(timeout=60)
        assert task.returncode == 0, stderr
        assert stdout == f"worker {number}\n2 of 2 runs are done\n"
    assert states(campaign) == ["finished", "finished"]
