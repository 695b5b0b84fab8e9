"""The conditions of `battery compare --fail-on`: with what a pipeline must not pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from battery.base.errors import GateError
from battery.records.comparison import Comparison, Outcome

Met = Callable[[Comparison], bool]


def _is(*outcomes: Outcome) -> Met:
    return lambda found: found.outcome in outcomes


#: What may be named, with what makes it fail.
CONDITIONS: Final[dict[str, Met]] = {
    # A gain elsewhere does not undo that something got worse.
    "worse": _is(Outcome.WORSE, Outcome.MIXED),
    "mixed": _is(Outcome.MIXED),
    "unclear": _is(Outcome.UNCLEAR),
    "no-difference": _is(Outcome.NO_DIFFERENCE),
    "not-better": lambda found: found.outcome != Outcome.BETTER,
    "not-comparable": _is(Outcome.NOT_COMPARABLE),
    "flips": lambda found: bool(found.flips.lost or found.flips.bluffs),
    "unfair": lambda found: found.unfair,
}


def require(found: Comparison, names: Sequence[str]) -> None:
    """Raise `GateError` when a named condition holds; all do where nothing was compared."""
    nothing = found.outcome == Outcome.NOT_COMPARABLE
    met = [name for name in names if nothing or CONDITIONS[name](found)]
    if not met:
        return
    seen = f"{found.outcome}. {found.sentence}"
    if "flips" in met and not nothing:
        seen += f" Flips for the worse: {found.flips.lost + found.flips.bluffs}."
    if "unfair" in met and not nothing:
        seen += f" Unfair: {', '.join(each.what for each in found.differences if each.unfair)}."
    raise GateError(f"gate not met: {', '.join(met)}: {seen}")
