"""Campaigns under random faults: `python -m benchmarks.faults --schedules 10000`.

Simulated workers are killed, suspended and find the disk full, at any moment, over the real code of
leases, runs and journals. Prints what happened; a schedule in which an answered call was lost or
repeated ends it with the schedule's seed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from tests.campaign.simulation import explore

#: In memory where there is such a folder: the disk is simulated.
_MEMORY: Final = Path("/dev/shm")


def main() -> int:
    """Run the schedules; return 0, or raise what went wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0, help="of the first schedule [0]")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.schedules)
    began, total = time.monotonic(), Counter[str]()
    with ProcessPoolExecutor(options.jobs) as pool:
        for part in pool.map(_explored, (seeds[n :: options.jobs] for n in range(options.jobs))):
            total += part
    print(f"took {time.monotonic() - began:.0f} s on {options.jobs} processes")
    for what, times in total.most_common():
        print(f"{times:10} {what}")
    return 0


def _explored(seeds: range) -> Counter[str]:
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        return explore(Path(folder), seeds)


if __name__ == "__main__":
    sys.exit(main())
