"""The conditions of `--fail-on`, for a battery and for a comparison: what must not pass."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from battery.base.errors import BatteryError, GateError, UsageError
from battery.base.text import quoted
from battery.records.findings import Evidence
from battery.records.summary import Summary
from battery.records.word import GateName, GateStatus, Outcome, Word

if TYPE_CHECKING:
    # Of no use to whoever judges a battery, and it takes time to load.
    from battery.records.campaign import CampaignSummary
    from battery.records.comparison import Comparison


def _holds(word: Word) -> Callable[[Summary, Evidence], bool]:
    # The alarm, and not the word: what is INVALID may also have bluffed, and a pipeline that asks
    # about bluffs must hear of it.
    return lambda _, evidence: evidence.verdict == word or word in evidence.holds


def _gate_failed(*names: GateName) -> Callable[[Summary, Evidence], bool]:
    return lambda _, evidence: any(
        gate.name in names and gate.status is GateStatus.FAILED for gate in evidence.gates
    )


#: What may be named of a battery, with what makes it fail. Whoever writes `--fail-on learned`
#: means the opposite, so the words that claim learning are no conditions, only their absence is.
CONDITIONS: Final[dict[str, Callable[[Summary, Evidence], bool]]] = {
    **{word.condition: _holds(word) for word in Word if word.condition},
    "not-learned": lambda _, evidence: not (evidence.verdict and evidence.verdict.about.claims),
    "not-compounding": lambda _, evidence: evidence.verdict != Word.COMPOUNDING,
    **{gate.condition: _gate_failed(gate) for gate in GateName},
    "gates": _gate_failed(*GateName),
    "unfinished": lambda summary, _: summary.unfinished is not None,
}


#: What files call the gates is taken too: it was what pipelines had to write at first.
_ALIASES: Final = {str(gate): gate.condition for gate in GateName}


def _outcome_is(outcome: Outcome) -> Callable[[Comparison], bool]:
    return lambda comparison: comparison.outcome == outcome


#: The same of a comparison.
OF_COMPARISON: Final[dict[str, Callable[[Comparison], bool]]] = {
    **{outcome.condition: _outcome_is(outcome) for outcome in Outcome if outcome.condition},
    # A gain elsewhere does not undo that something got worse.
    "worse": lambda comparison: comparison.outcome.about.losses,
    "not-better": lambda comparison: comparison.outcome != Outcome.BETTER,
    # Without a test: whoever guards tasks by name wants to stop at the first that is lost.
    "flips": lambda comparison: bool(comparison.flips.lost or comparison.flips.bluffs),
    "unfair": lambda comparison: comparison.unfair,
}


def _of_campaign(word: Word) -> Callable[[CampaignSummary], bool]:
    return lambda summary: word in {summary.evidence.verdict, *summary.evidence.holds}


#: The same of several runs.
OF_CAMPAIGN: Final[dict[str, Callable[[CampaignSummary], bool]]] = {
    **{
        word.condition: _of_campaign(word)
        for word in Word
        if word.condition and word is not Word.INDICATIVE
    },
    "not-learned": lambda summary: (
        not (summary.evidence.verdict and summary.evidence.verdict.about.claims)
    ),
    "not-compounding": lambda summary: summary.evidence.verdict != Word.COMPOUNDING,
    "unfinished": lambda summary: summary.evidence.finished < summary.evidence.planned,
}


def parse(text: str | None, known: Collection[str] = CONDITIONS) -> tuple[str, ...]:
    """Read a list of conditions with commas between them; None, the option left out, names none.

    `known` are the conditions there are. Raises `UsageError` for an unknown condition and for a
    list that names none.
    """
    if text is None:
        return ()
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    names = [_ALIASES[name] if _ALIASES.get(name) in known else name for name in names]
    if not names:
        # A pipeline whose variable is unset would check nothing and look as if it did.
        raise UsageError(
            "--fail-on names no condition",
            hint=f"leave it out, or name some of: {', '.join(known)}",
        )
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(
            f"--fail-on does not know {', '.join(map(repr, unknown))}",
            hint=f"it knows: {', '.join(known)}",
        )
    return tuple(names)


def require(summary: Summary, names: Sequence[str]) -> None:
    """Raise `GateError` when one of the named conditions holds; without evidence all of them do."""
    evidence = summary.evidence
    met = [name for name in names if _met(name, summary)]
    if not met:
        return
    if evidence is None:
        raise _not_met(met, ["no iteration has finished"])
    gates = [gate for gate in evidence.gates if not {gate.name.condition, "gates"}.isdisjoint(met)]
    seen = [
        f"Gate {quoted(gate.title)} failed: {gate.text}"
        for gate in gates
        if gate.status is GateStatus.FAILED
    ]
    stopped = summary.unfinished
    word = f"{evidence.verdict or 'no verdict'}."
    raise _not_met(met, [word, evidence.claim, *seen, *([stopped] if stopped else [])])


def _met(name: str, summary: Summary) -> bool:
    evidence = summary.evidence
    # Nothing seen is nothing passed: neither a run that broke off, nor one whose numbers are
    # worthless, must get through a pipeline.
    if evidence is None or evidence.verdict is Word.INVALID or summary.unfinished:
        return True
    return CONDITIONS[name](summary, evidence)


def require_of_comparison(comparison: Comparison, names: Sequence[str]) -> None:
    """Raise `GateError` when a named condition holds; all do where nothing was compared."""
    # What was not compared has passed nothing.
    nothing = comparison.outcome == Outcome.NOT_COMPARABLE
    met = [name for name in names if nothing or OF_COMPARISON[name](comparison)]
    if met:
        known = [] if nothing else _seen(comparison, met)
        raise _not_met(met, [f"{comparison.outcome}.", comparison.sentence, *known])


def require_of_campaign(summary: CampaignSummary, names: Sequence[str]) -> None:
    """Raise `GateError` when a named condition holds; all do where nothing can be trusted yet."""
    evidence = summary.evidence
    # As of a battery: what is unfinished or worthless has passed nothing.
    nothing = evidence.verdict in {None, Word.INVALID}
    met = [name for name in names if nothing or OF_CAMPAIGN[name](summary)]
    if met:
        raise _not_met(met, [f"{evidence.verdict or 'no verdict'}.", evidence.claim])


def require_finished_run(error: BatteryError, names: Sequence[str]) -> None:
    """Raise `GateError` where a condition is named; all hold where no run is finished."""
    if names:
        raise _not_met(names, [f"no verdict: {error.message}"], error.hint) from error


def _seen(comparison: Comparison, met: Sequence[str]) -> Iterator[str]:
    if "flips" in met:
        yield f"Flips for the worse: {comparison.flips.lost + comparison.flips.bluffs}."
    if "unfair" in met:
        unfair = [difference.what for difference in comparison.differences if difference.unfair]
        yield f"Unfair: {', '.join(unfair)}."


def _not_met(met: Sequence[str], why: Sequence[str], hint: str | None = None) -> GateError:
    return GateError(f"gate not met: {', '.join(met)}: {' '.join(why)}", hint=hint)
