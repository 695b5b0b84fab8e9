"""Run the benchmarks: `python benchmarks/run.py [--quick] [NAME…]`; `--help` lists the names."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    # Python puts a script's own folder on the path; the package lies in the one above.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    runpy.run_module("benchmarks", run_name="__main__", alter_sys=True)
