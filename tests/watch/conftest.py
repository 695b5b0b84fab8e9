"""A finished battery for the tests of this folder; each takes a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.samples import shipped


@pytest.fixture(scope="package")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one battery on the embedded gateway; tests take copies."""
    return shipped(tmp_path_factory, 2, "b")


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "b"))
