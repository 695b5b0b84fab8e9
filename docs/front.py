"""The figures of the front page, taken from the pages that explain them: `make reference`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Final, NamedTuple

from battery.base.numbers import percent
from battery.records.metric import TABLE
from battery.verdict.metrics import NEEDED

_EXPLANATION: Final = Path(__file__).parent / "explanation"
_GAUNTLET: Final = "explanation/gauntlet.md"
_CALIBRATION: Final = "explanation/calibration.md"
#: Where nothing is learned and everything is promised: from the first of these rows to the last.
_NULL: Final = ("nothing learned", "until positive, flaky")
#: Both arms improve, for a reason that is not learning.
_CHEAPER: Final = "provider gets cheaper"
_COUNTED: Final = sum(metric.counted for metric in TABLE)
#: Above the columns of the figures.
HEADS: Final = (
    "If the system …",
    "battery says it learned",
    f"{NEEDED} of {_COUNTED} metrics improved",
)
_NOT_COUNTED: Final = "\N{EN DASH}"
#: Saved once and for good, in a battery of five iterations.
_LEARNS: Final = "25% once, 5 iterations"


class Scenario(NamedTuple):
    """A row of the calibration: how many of a hundred batteries claim that something was learned.

    `counted` is the same of the customary count of improved metrics.
    """

    positive: float
    counted: float


def figures() -> Iterator[Sequence[str]]:
    """Yield rows: what is true of a system, and how often battery and the count say it learned."""
    scenarios = calibration()
    names = list(scenarios)
    null = [scenarios[name] for name in names[names.index(_NULL[0]) : names.index(_NULL[1]) + 1]]
    mean, worst = fmean(row.positive for row in null), max(row.positive for row in null)
    yield (
        f"learns nothing ([{len(null)} simulations]({_CALIBRATION}))",
        f"{_share(mean)}, at worst {_share(worst)}",
        _share(fmean(row.counted for row in null)),
    )
    yield "learns nothing while its provider gets cheaper", *map(_share, scenarios[_CHEAPER])
    yield "saves 25%, in five iterations", *map(_share, scenarios[_LEARNS])
    yield _contestants("only seems to learn, or cheats", "False learners")
    yield _contestants("learns", "Honest learners")


def _contestants(what: str, heading: str) -> Sequence[str]:
    systems, batteries, positive = gauntlet(heading)
    anchor = heading.lower().replace(" ", "-")
    link = f"[{systems} systems]({_GAUNTLET}#{anchor})"
    return f"{what} ({link})", f"{positive:,} of {batteries:,} runs", _NOT_COUNTED


def calibration() -> dict[str, Scenario]:
    """Read the table of the calibration, by the name of the scenario."""
    page = (_EXPLANATION / "calibration.md").read_text("utf-8")
    table = re.search(r"^scenario +n .*?\n\n", page, re.MULTILINE | re.DOTALL)
    if table is None:
        raise RuntimeError("the page on calibration has no table of scenarios")
    head, *rows = table[0].strip().splitlines()
    # The names of two columns have a space in them.
    columns = head.replace("NO EF", "NOEF").split()[1:]
    scenarios = {}
    for row in rows:
        *name, cells = re.split(r" {2,}(?=[\d,]+ )", row, maxsplit=1)
        found = dict(zip(columns, cells.split(), strict=True))
        positive = float(found["COMP"]) + float(found["LEARN"])
        scenarios[" ".join(name)] = Scenario(positive, float(found["count"]))
    return scenarios


def gauntlet(heading: str) -> tuple[int, int, int]:
    """Count the systems below a heading of the gauntlet, their batteries and the positive ones."""
    page = (_EXPLANATION / "gauntlet.md").read_text("utf-8")
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\|.*?\|.*?\| \**(\d+) of (\d+)\** \|", section, re.MULTILINE)
    return len(cells), sum(int(all_) for _, all_ in cells), sum(int(some) for some, _ in cells)


def _share(hundredths: float) -> str:
    return percent(hundredths / 100)
