"""What the tests of several commands start from: a finished battery, gateways, tasks files."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from battery.embedded.policies import Dials
from battery.embedded.server import GatewayOptions
from battery.embedded.server import serving as serving_embedded
from tests.support.arms import Pair, serving_pair
from tests.support.calls import command_here
from tests.support.commands import write_tasks
from tests.support.gateway import Gateway
from tests.support.samples import sample, shipped


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a battery of three iterations on the embedded gateway; tests take copies."""
    return shipped(tmp_path_factory, 3, "data")


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished battery."""
    return Path(shutil.copytree(finished, tmp_path / "data"))


@pytest.fixture
def original(finished: Path, tmp_path: Path) -> Path:
    """Return the finished battery as the original program would have left it."""
    names = {"runs.json", "metrics.json", "overseer_review.md", "scrum_findings.md"}
    for path in sorted(finished.glob("iter_*/*")):
        if path.name in names | {"distill_output.txt"}:
            copy = tmp_path / "old" / path.relative_to(finished)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    return tmp_path / "old"


@pytest.fixture(scope="session")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a battery with two arms and two repeats whose gateway forgets and bluffs."""
    memories = tmp_path_factory.mktemp("memories")

    def make(folder: Path) -> None:
        learn = GatewayOptions(
            memories / "g", frozen=False, dials=Dials(forget_after=1, bluff=True)
        )
        frozen = GatewayOptions(memories / "c", frozen=True)
        with serving_embedded(learn) as url, serving_embedded(frozen) as control:
            urls = ("--gateway", url, "--llm-team", url, "--control-gateway", control)
            asked = ("run", "-n", 2, "--repeats", 2, "--quiet", "--dir", folder)
            done = command_here(*asked, *urls, cwd=folder.parent)
        assert done.returncode == 0, done.stderr

    return sample(tmp_path_factory, "forgetful", make)


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Serve a gateway and its control."""
    with serving_pair() as served:
        yield served


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a folder with a tasks file of one task per phase."""
    write_tasks(tmp_path / "tasks.json", 1)
    return tmp_path


@pytest.fixture
def larger(here: Path) -> Path:
    """Return the same folder with two tasks per phase."""
    write_tasks(here / "tasks.json", 2)
    return here


@pytest.fixture
def script(gateway: Gateway, tmp_path: Path) -> str:
    """Return the shell's words for a short run into `b`, as a process of its own."""
    tasks = write_tasks(tmp_path / "tasks.json", 1)
    options = f"-n 1 -d {tmp_path / 'b'} --tasks {tasks} --no-control"
    targets = f"--gateway {gateway.url} --llm-team {gateway.url}"
    return f"{sys.executable} -m battery run {options} {targets}"
