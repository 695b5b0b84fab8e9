"""A real file system of a few megabytes, for tests that need a disk to be full."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """Mount a tmpfs for the duration; skip, and say why, where mounting is not allowed."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    with tempfile.TemporaryDirectory() as folder:
        size = f"size={megabytes}m"
        mount = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder]
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """Mount a folder over itself so that nobody, root included, can write there."""
    if os.geteuid() != 0:
        pytest.skip("mounting a folder read-only needs root")
    over = subprocess.run(
        ["mount", "--bind", folder, folder], capture_output=True, text=True, check=False
    )
    if over.returncode:
        pytest.skip(f"cannot mount a folder: {over.stderr.strip()}")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
