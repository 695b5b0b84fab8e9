"""Batteries that many tests start from: each is run once, whichever worker needs it first."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.calls import command_here


def sample(
    factory: pytest.TempPathFactory,
    name: str,
    make: Callable[[Path], object],
    copy: str = "battery",
) -> Path:
    """Return a copy of the folder that `make` has filled; the original stays as it was made."""
    base = factory.getbasetemp()
    # The folder of all workers, which each have one of their own in it.
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    original, done = shared / "samples" / name, shared / "samples" / f"{name}.done"
    original.parent.mkdir(exist_ok=True)
    with (shared / "samples" / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(original, ignore_errors=True)
            make(original)
            done.touch()
    return Path(shutil.copytree(original, factory.mktemp(name) / copy))


def shipped(factory: pytest.TempPathFactory, iterations: int, copy: str = "battery") -> Path:
    """Return a battery of the packaged tasks on the embedded gateway, with seed 5."""

    def make(folder: Path) -> None:
        words = ("run", "-n", iterations, "--seed", 5, "--quiet", "--dir", folder)
        done = command_here(*words, cwd=folder.parent)
        assert done.returncode == 0, done.stderr

    return sample(factory, f"shipped_{iterations}", make, copy)
