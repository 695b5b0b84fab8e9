"""Choose the benchmarks, run them one after the other, print one table."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from benchmarks import call, memory, meter, page, scale, several, startup, verdict, waiting
from benchmarks.table import Row, table

Benchmark = Callable[[Path, bool], Iterable[Row]]
BENCHMARKS: Final[dict[str, Benchmark]] = {
    "help": startup.help_page,
    "summarize": startup.summarize,
    "verdict": verdict.verdict,
    "page": page.page,
    "call": call.call,
    "meter": meter.meter,
    "scale": scale.scale,
    "waiting": waiting.waiting,
    "several": several.several,
    "large": memory.large,
}


def main() -> int:
    """Print the table; return 1 when a bound is missed, which a quick run does not judge."""
    options = _options()
    today = datetime.datetime.now(datetime.UTC).date()
    cores = f"{os.cpu_count()} cores"
    print(
        f"{today}, {cores}, {platform.system()}, Python {platform.python_version()}",
        file=sys.stderr,
    )
    rows: list[Row] = []
    for name in options.names or BENCHMARKS:
        print(f"measuring: {name}", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="battery-", dir=options.folder) as folder:
            rows += BENCHMARKS[name](Path(folder), options.quick)
    if options.quick:
        rows = [row._replace(passed=None) for row in rows]
    print(table(rows))
    return int(any(row.passed is False for row in rows))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/run.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHMARKS)}")
    parser.add_argument(
        "--quick", action="store_true", help="a small size: shows that it works, judges nothing"
    )
    parser.add_argument(
        "--folder", metavar="PATH", help="where files go [the system's temporary folder]"
    )
    options = parser.parse_args()
    # Not left to `choices`, which refuses an empty list.
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())
