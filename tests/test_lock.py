"""The lock files are complete: nothing is left for pip to look up, today or in years.

They are compared with what the packages themselves require, as their installed metadata says it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from hatchling.build import get_requires_for_build_editable, get_requires_for_build_wheel
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.slow

ROOT: Final = Path(__file__).parents[1]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
NAME: Final = PROJECT["project"]["name"]
EXTRAS: Final = {
    "requirements.lock": (),
    "requirements-test.lock": tuple(PROJECT["project"]["optional-dependencies"]),
}
LOCKS: Final = tuple(EXTRAS)


class Pin(NamedTuple):
    """One entry of a lock."""

    wanted: Requirement
    hashes: tuple[str, ...]

    @property
    def version(self) -> str:
        """Return the one version that the entry allows."""
        return next(iter(self.wanted.specifier)).version


def entries(text: str) -> list[Pin]:
    """Parse a lock as pip does: an entry is a requirement, then options on continued lines."""
    lines = re.sub(r"\\\n", " ", text).splitlines()
    split = [line.partition(" --") for line in lines if line.strip()]
    return [
        Pin(Requirement(wanted), tuple(re.findall(r"--hash=(\S+)", mark + options)))
        for wanted, mark, options in split
    ]


def pins(name: str) -> dict[str, Pin]:
    """Return the entries of a lock that apply to this Python and system, by package."""
    applying = [
        pin
        for pin in entries((ROOT / name).read_text())
        if pin.wanted.marker is None or pin.wanted.marker.evaluate()
    ]
    found: dict[str, Pin] = {canonicalize_name(pin.wanted.name): pin for pin in applying}
    assert len(found) == len(applying), "a package is pinned twice for the same Python"
    return found


def demands(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    """Yield what an installed package requires here, with these extras of it."""
    for line in metadata.requires(name) or ():
        wanted = Requirement(line)
        if wanted.marker is None or any(
            wanted.marker.evaluate({"extra": extra}) for extra in extras or {""}
        ):
            yield wanted


def unmet(locked: dict[str, Pin], roots: list[tuple[str, Requirement]]) -> list[str]:
    """Return the requirements, of the roots and all they lead to, that a lock does not meet."""
    missing = []
    queue = list(roots)
    seen: set[tuple[str, frozenset[str]]] = set()
    while queue:
        source, wanted = queue.pop()
        name = canonicalize_name(wanted.name)
        extras = frozenset(wanted.extras)
        if name == NAME:
            queue += [(name, found) for found in demands(name, extras)]
            continue
        pin = locked.get(name)
        if (
            pin is None
            or not extras <= pin.wanted.extras
            or not wanted.specifier.contains(pin.version, prereleases=True)
        ):
            missing.append(f"{source} requires {wanted}; locked: {pin and pin.wanted}")
        elif (name, extras) not in seen:
            seen.add((name, extras))
            queue += [(name, found) for found in demands(name, extras)]
    return missing


def requirements(lock: str) -> list[tuple[str, Requirement]]:
    """Return what a lock is made for: the project with its extras, and what builds it."""
    build = [
        *PROJECT["build-system"]["requires"],
        *get_requires_for_build_editable(),
        *get_requires_for_build_wheel(),
    ]
    optional = PROJECT["project"]["optional-dependencies"]
    own = [*PROJECT["project"]["dependencies"], *(x for e in EXTRAS[lock] for x in optional[e])]
    return [("pyproject.toml", Requirement(line)) for line in (*own, *build)]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_is_one_version_with_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    for pin in entries(text):
        assert [spec.operator for spec in pin.wanted.specifier] == ["=="], pin.wanted
        assert pin.hashes, pin.wanted
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", found) for found in pin.hashes), pin.wanted


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_all_that_its_packages_require_with_their_extras(lock: str) -> None:
    locked = pins(lock)
    assert unmet(locked, requirements(lock)) == []
    for name, pin in locked.items():
        assert unmet(locked, [(lock, pin.wanted)]) == [], name


def test_an_extra_or_a_package_that_a_lock_lacks_is_found() -> None:
    lock = "requirements-test.lock"
    stripped = pins(lock)
    for pin in stripped.values():
        pin.wanted.extras.clear()
    assert any("coverage[toml]" in line for line in unmet(stripped, requirements(lock)))
    bare = pins(lock)
    del bare["pluggy"]
    assert any("requires pluggy" in line for line in unmet(bare, requirements(lock)))


def test_what_is_installed_here_is_what_the_lock_pins() -> None:
    for name, pin in pins("requirements-test.lock").items():
        assert metadata.version(name) == pin.version, name


def test_the_tests_run_on_the_versions_that_users_get() -> None:
    tested = [(str(pin.wanted), pin.hashes) for pin in entries((ROOT / LOCKS[1]).read_text())]
    bare = {(re.sub(r"\[.*\]", "", wanted), hashes) for wanted, hashes in tested}
    for pin in entries((ROOT / LOCKS[0]).read_text()):
        assert (re.sub(r"\[.*\]", "", str(pin.wanted)), pin.hashes) in bare, pin.wanted


@pytest.mark.skipif(shutil.which("make") is None, reason="no make on the path")
def test_make_installs_nothing_but_what_a_lock_names() -> None:
    """Without --no-deps pip resolves again; in isolation a build fetches what no lock names."""
    done = subprocess.run(
        ["make", "--dry-run", "--always-make", f"PYTHON={sys.executable}", "lint"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    installs = [line for line in done.stdout.splitlines() if "pip install" in line]
    assert len(installs) == 3, done.stdout
    for line in installs:
        assert "--no-deps" in line, line
        locked = "--require-hashes --only-binary :all:" in line and ".lock" in line
        assert locked or "--no-build-isolation --editable ." in line, line
