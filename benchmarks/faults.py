"""Campaigns under random faults: `python -m benchmarks.faults --real 200 --dask 20`.

Simulated workers are killed, suspended and find the disk full, at any moment, over the real code of
leases, runs and journals. With --real, processes are killed and suspended by signals, and a gateway
counts what it is asked; with --dask, those of a Dask cluster, its scheduler and its command among
them. Prints what happened; where an answered call was lost or repeated it ends with the schedule's
seed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from tests.campaign.dask_hunt import hunt_on_dask
from tests.campaign.hunt import hunt
from tests.campaign.simulation import explore

#: In memory where there is such a folder: the disk is simulated.
_MEMORY: Final = Path("/dev/shm")


def main() -> int:
    """Run the schedules; return 0, or raise what went wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0, help="of the first schedule [0]")
    parser.add_argument("--real", type=int, default=0, metavar="N", help="with real processes [0]")
    parser.add_argument("--dask", type=int, default=0, metavar="N", help="on Dask clusters [0]")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args()
    first, jobs = options.seed, options.jobs
    if options.schedules:
        _show("simulated", _explored, range(first, first + options.schedules), jobs)
    if options.real:
        _show("real", partial(_hunted, hunt), range(first, first + options.real), jobs)
    if options.dask:
        on_dask = partial(_hunted, hunt_on_dask)
        _show("on Dask", on_dask, range(first, first + options.dask), jobs)
    return 0


def _show(kind: str, part: Callable[[range], Counter[str]], seeds: range, jobs: int) -> None:
    began, total = time.monotonic(), Counter[str]()
    with ProcessPoolExecutor(jobs) as pool:
        for counts in pool.map(part, (seeds[n::jobs] for n in range(jobs))):
            total += counts
    print(f"{kind}: {time.monotonic() - began:.0f} s with {jobs} jobs")
    for what, times in total.most_common():
        print(f"{times:10} {what}")


def _hunted(hunted: Callable[[Path, int], Counter[str]], seeds: range) -> Counter[str]:
    total = Counter[str]()
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            try:
                total += hunted(Path(folder) / "x", seed)
            except BaseException as error:
                error.add_note(f"in the real schedule of seed {seed}")
                raise
    return total


def _explored(seeds: range) -> Counter[str]:
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        return explore(Path(folder), seeds)


if __name__ == "__main__":
    sys.exit(main())
