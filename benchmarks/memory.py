"""The peak memory of a battery and of an interpreter that only imports what it imported.

`python -m benchmarks.memory run NOTE WORD…` runs `battery WORD…` and writes its peak and its
modules to NOTE; `python -m benchmarks.memory import NOTE` imports those and prints its peak.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import resource
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import module, output, seconds


class Cost(NamedTuple):
    """What one battery took: wall time in seconds, peak in megabytes of 10**6 bytes."""

    wall_s: float
    peak_mb: float


def run(note: Path, words: list[str]) -> Cost:
    """Run a battery command to its end; leave its modules in `note`."""
    wall_s = seconds(module("memory", "run", str(note), *words))
    return Cost(wall_s, json.loads(note.read_text())["peak_mb"])


def imports(note: Path) -> float:
    """Measure the peak, in megabytes, of importing the modules in `note` and nothing else."""
    return float(output(module("memory", "import", str(note))))


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, Linux kibibytes.
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def _run(note: Path, words: list[str]) -> None:
    from battery.cli.main import main  # noqa: PLC0415 - the other side imports it as one of many

    try:
        main(words)
    finally:
        note.write_text(json.dumps({"peak_mb": _peak_mb(), "modules": list(sys.modules)}))


def _import(note: Path) -> None:
    for name in json.loads(note.read_text())["modules"]:
        # Some names are made while running and belong to no file.
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    print(_peak_mb())


if __name__ == "__main__":
    if sys.argv[1] == "run":
        _run(Path(sys.argv[2]), sys.argv[3:])
    else:
        _import(Path(sys.argv[2]))
