"""The real batteries that the site shows and that its pictures are taken of."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.support.commands import battery

from battery.embedded.policies import Dials
from battery.embedded.server import GatewayOptions, serving

#: Fixes which arm is asked first; the README shows the same battery.
SEED = 7

#: What the report calls it.
NAME = "staffing agent"


def write_report(page: Path) -> None:
    """Run three iterations on the embedded gateway and write their report."""
    with tempfile.TemporaryDirectory() as folder:
        _run(Path(folder, "battery"), "--name", NAME)
        _command("report", Path(folder, "battery"), "--output", page.resolve())


def write_comparison(page: Path) -> None:
    """Compare a sound gateway with one that forgets after two distillations."""
    with tempfile.TemporaryDirectory() as name:
        write_pair(Path(name))
        _command("compare", "sound", "forgetful", "--output", page.resolve(), cwd=Path(name))


def write_pair(folder: Path) -> None:
    """Run a battery on either gateway, in `sound` and `forgetful`."""
    _run(folder / "sound")
    _run_on_a_forgetful_gateway(folder / "forgetful")


def _run_on_a_forgetful_gateway(folder: Path) -> None:
    learn = GatewayOptions(folder.parent / "learn", dials=Dials(forget_after=2))
    frozen = GatewayOptions(folder.parent / "frozen", frozen=True)
    with serving(learn) as url, serving(frozen) as control:
        _run(folder, "--gateway", url, "--llm-team", url, "--control-gateway", control)


def _run(folder: Path, *options: str) -> None:
    # Next to the folder, where no tasks.json of the repository is found.
    words = ("run", "--dir", folder.name, "--seed", SEED, "--iterations", 3, "--quiet")
    _command(*words, *options, cwd=folder.parent)


def _command(*words: object, cwd: Path | None = None) -> None:
    done = battery(*words, cwd=cwd)
    if done.returncode:
        raise RuntimeError(f"battery {' '.join(map(str, words))}: {done.stderr}")
