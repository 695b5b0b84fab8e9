"""A calibration as text for a terminal and as Markdown; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, get_args

from battery.base.numbers import number
from battery.calibration import Bound, Calibration, Tally
from battery.records.findings import Shape
from battery.records.metric import COUNTED
from battery.records.word import POSITIVE, Word
from battery.report.markdown import table
from battery.report.terminal.look import GAP, align
from battery.verdict.metrics import NEEDED


def text(calibration: Calibration) -> str:
    """Write the tables and what came of the bounds, in ASCII and at most 100 columns."""
    batteries, campaigns = _divided(calibration)
    lines = [*_columns(batteries, ["count"]), "", _SHARES] if batteries else []
    if batteries:
        lines += [f"count: {NEEDED} or more of {len(COUNTED)} metrics improved.", ""]
    if campaigns:
        lines += [*_columns(campaigns, ["any", "one"]), "", *_CAMPAIGNS, ""]
    lines.append(f"{_kept(calibration)} ({_origin(calibration)}).")
    lines += [f"broken: {_told(bound)}" for bound in calibration.broken]
    return "\n".join(lines)


_SHARES: Final = (
    "Percent of simulated batteries, by verdict. A 0 without a decimal means exactly none."
)
_CAMPAIGNS: Final = (
    "Percent of simulated campaigns, by verdict over runs. any: a run alone is LEARNED or",
    "COMPOUNDING. one: a single run is, with as many repeats as the campaign has runs.",
)


def _divided(calibration: Calibration) -> tuple[list[Tally], list[Tally]]:
    """Return the tallies of single batteries, and those of campaigns."""
    tallies = calibration.tallies
    return [each for each in tallies if each.runs == 1], [each for each in tallies if each.runs > 1]


def _columns(tallies: Sequence[Tally], last: Sequence[str]) -> list[str]:
    heads = ["scenario", "n", *(word.about.short for word in Word), *last]
    names, *columns = zip(heads, *map(_row, tallies), strict=True)
    aligned = [align(names, left=True), *map(align, columns)]
    # One space between numbers: with two, the words would not fit.
    return [GAP.join([name, " ".join(cells)]) for name, *cells in zip(*aligned, strict=True)]


def markdown(calibration: Calibration) -> str:
    """Write the same as a document, with every bound and with what is not promised."""
    tallies = calibration.tallies
    batteries, campaigns = _divided(calibration)
    # Whole words here: a page has room that a terminal lacks.
    heads = ["Scenario", "Batteries", *Word, f"Direction count ≥ {NEEDED} of {len(COUNTED)}"]
    runs = ["Scenario", "Campaigns", *Word, "Any run alone", "One run with as many calls"]
    questions = ["Scenario", "Costs less", "Niche tasks cost less", "More tasks done"]
    shapes = ["Scenario", *get_args(Shape)]
    bounds = ["Scenario", "Share of batteries", "At least", "At most", "Seen", "Holds"]
    sections = [
        "# Calibration",
        f"{_kept(calibration)}: {_origin(calibration)}.",
        "## Verdicts by scenario, in percent",
        table(heads, map(_row, batteries)),
        "## Campaigns, in percent",
        " ".join(_CAMPAIGNS),
        table(runs, map(_row, campaigns)),
        "## Scenarios",
        "\n".join(f"- **{tally.scenario}**: {tally.about}" for tally in tallies),
        "## Not promised",
        "\n".join(_unpromised(calibration)),
        "## Questions answered yes, in percent",
        table(questions, [_shares(tally, tally.questions.values()) for tally in tallies]),
        "## What is said of the saving, in percent",
        table(
            shapes,
            [
                _shares(tally, (tally.shapes.get(shape, 0) for shape in get_args(Shape)))
                for tally in tallies
            ],
        ),
        "## Bounds, in percent",
        table(bounds, map(_bound, calibration.bounds), left=2),
    ]
    return "\n\n".join(sections) + "\n"


def _unpromised(calibration: Calibration) -> Iterator[str]:
    tallies = {tally.scenario: tally for tally in calibration.tallies}
    for scenario, why in calibration.unpromised.items():
        tally = tallies[scenario]
        seen, harm = _share(tally.share(*POSITIVE)), _share(tally.share(Word.REGRESSED))
        rates = f"LEARNED or COMPOUNDING in {seen}% and REGRESSED in {harm}%"
        yield f"- **{scenario}**: {rates}: {why}."


def _shares(tally: Tally, counts: Iterable[int]) -> list[str]:
    return [tally.scenario, *(_share(count / tally.simulations) for count in counts)]


def told(bounds: Sequence[Bound]) -> str:
    """Name bounds in one line: scenario, what was counted, what was seen and allowed."""
    return "; ".join(map(_told, bounds))


def _row(tally: Tally) -> list[str]:
    last = [tally.validated] if tally.runs == 1 else [tally.any_run or 0, tally.one_run or 0]
    counts = [*(tally.words[word] for word in Word), *last]
    shares = [_share(count / tally.simulations) for count in counts]
    return [tally.scenario, f"{tally.simulations:,}", *shares]


def _share(share: float) -> str:
    # One in ten thousand must not look like none.
    return "0" if share == 0 else number(100 * share, 1)


def _bound(bound: Bound) -> list[str]:
    low, high = ("" if edge is None else _share(edge) for edge in (bound.low, bound.high))
    holds = "yes" if bound.passed else "**no**"
    return [bound.scenario, bound.what, low, high, _share(bound.seen), holds]


def _told(bound: Bound) -> str:
    edges = [
        f"{word} {_share(edge)}%"
        for word, edge in (("at least", bound.low), ("at most", bound.high))
        if edge is not None
    ]
    allowed = " and ".join(edges)
    return f"{bound.scenario}, {bound.what}: {_share(bound.seen)}%, allowed is {allowed}"


def _kept(calibration: Calibration) -> str:
    total = len(calibration.bounds)
    return f"{total - len(calibration.broken)} of {total} bounds hold"


def _origin(calibration: Calibration) -> str:
    batteries = sum(tally.simulations * tally.runs for tally in calibration.tallies)
    return f"preset {calibration.preset}, seed {calibration.seed}, {batteries:,} batteries"
