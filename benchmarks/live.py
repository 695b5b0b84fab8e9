"""How often the live view leaves something wrong on the screen: many batteries, three sizes.

Run with `.venv/bin/python -m benchmarks.live [RUNS]`; it fails where one goes wrong.
"""

from __future__ import annotations

import sys
import time
from itertools import islice
from typing import Final

from tests.report.rush import SIZES, faults

_RUNS: Final = 200


def main(runs: int = _RUNS) -> int:
    """Print how many runs went wrong at each size, with what was wrong in the first of them."""
    wrong = 0
    for columns, rows in SIZES:
        started = time.monotonic()
        faulty = {seed: found for seed in range(runs) if (found := faults(columns, rows, seed))}
        seconds = time.monotonic() - started
        print(f"{columns}x{rows}: {len(faulty)} of {runs} runs wrong, {seconds:.0f} s", flush=True)
        for seed, found in islice(faulty.items(), 1):
            print("\n".join([f"run {seed}:", *found]))
        wrong += len(faulty)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
