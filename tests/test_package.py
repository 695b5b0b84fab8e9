"""The package's own papers agree: version, lock, packaged tasks."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import battery
from battery.inputs.tasks import load_tasks, plan

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_version_stands_in_one_sense_everywhere() -> None:
    assert battery.__version__ == PROJECT["version"]


def pins(name: str) -> dict[str, set[str]]:
    """Return what a lock file pins: one version a package, or one for each Python."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(
        r"^([a-z0-9-]+)==([^\s;]+)", (ROOT / name).read_text(), re.MULTILINE
    ):
        found.setdefault(package, set()).add(version)
    return found


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("requirements.lock", ()),
        ("requirements-test.lock", tuple(PROJECT["optional-dependencies"])),
    ],
)
def test_a_lock_satisfies_every_requirement_and_pins_hashes(
    lock: str, extras: tuple[str, ...]
) -> None:
    pinned = pins(lock)
    optional = [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    for line in [*PROJECT["dependencies"], *optional]:
        wanted = Requirement(line)
        if wanted.name != PROJECT["name"]:
            assert all(map(wanted.specifier.contains, pinned[wanted.name])), line
    assert (ROOT / lock).read_text().count("--hash=sha256:") >= len(pinned)


def test_the_tests_run_on_the_versions_that_users_get() -> None:
    tested = pins("requirements-test.lock")
    assert all(
        tested[package] == versions for package, versions in pins("requirements.lock").items()
    )


def test_the_repository_and_the_package_hold_the_same_three_three_two_tasks() -> None:
    packaged = resources.files("battery").joinpath("tasks.json").read_bytes()
    assert (ROOT / "tasks.json").read_bytes() == packaged
    phases = [entry.phase for entry in plan(load_tasks(ROOT / "tasks.json"))]
    assert phases == ["alpha"] * 3 + ["beta"] * 3 + ["gamma"] * 2
