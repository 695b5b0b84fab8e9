"""The conditions of `--fail-on`: which verdicts a pipeline must not pass with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

from battery.base.errors import GateError, UsageError
from battery.records.findings import POSITIVE, Evidence, Word
from battery.records.models import Summary
from battery.verdict.summary import unfinished

_GATES: Final = ("gamma", "alpha", "beta", "mechanism")

Met = Callable[[Summary, Evidence], bool]


def _verdict_is(word: Word) -> Met:
    return lambda _, evidence: evidence.verdict == word


def _gate_failed(name: str) -> Met:
    return lambda _, evidence: any(
        gate.name == name and gate.status == "failed" for gate in evidence.gates
    )


#: What may be named, with what makes it fail.
CONDITIONS: Final[dict[str, Met]] = {
    **{
        word.value.lower().replace(" ", "-"): _verdict_is(word)
        for word in Word
        # Who writes `--fail-on learned` means the opposite, and is better told.
        if word not in POSITIVE
    },
    "not-learned": lambda _, evidence: evidence.verdict not in POSITIVE,
    "not-compounding": lambda _, evidence: evidence.verdict != Word.COMPOUNDING,
    **{name: _gate_failed(name) for name in _GATES},
    "gates": lambda _, evidence: any(gate.status == "failed" for gate in evidence.gates),
    "unfinished": lambda summary, _: unfinished(summary) is not None,
}


def parse(text: str | None, known: Collection[str] = CONDITIONS) -> tuple[str, ...]:
    """Read a list of conditions with commas between them; None, the option left out, names none.

    `known` are the conditions there are. Raises `UsageError` for an unknown condition and for a
    list that names none.
    """
    if text is None:
        return ()
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
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
    met = [name for name in names if evidence is None or CONDITIONS[name](summary, evidence)]
    if not met:
        return
    if evidence is None:
        raise GateError(f"gate not met: {', '.join(met)}: no iteration has finished")
    verdict = evidence.verdict or "no verdict"
    seen = "".join(
        f" Gate {gate.name} failed: {gate.text}"
        for gate in evidence.gates
        if gate.status == "failed" and not {gate.name, "gates"}.isdisjoint(met)
    )
    stopped = f" {unfinished(summary)}" if "unfinished" in met else ""
    told = f"{verdict}. {evidence.sentence}{seen}{stopped}"
    raise GateError(f"gate not met: {', '.join(met)}: {told}")
