"""What differs between two batteries other than their results, and whether it spoils a comparison.

A changed model, target or version may be the very change that is tested, so it is only named.
Other tasks, iterations, repeats or arms limit what can be compared; so does a battery that is not
whole by itself. That is called unfair.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from battery.base.text import listed
from battery.comparison.pairing import Shared
from battery.records.comparison import Difference, Side
from battery.records.expectations import Expectations
from battery.records.manifest import Manifest, Provenance
from battery.records.models import ARM_NAMES, Tasks

_MAY_BE_IT: Final = "this may be the very change under test"
# Unfair is only what changes the numbers without being what is tested: calls that slow each other
# down change the time and the order in which a memory learns. A timeout changes nothing unless it
# ends a battery, and then its state says so.
#: Options of the manifest whose difference is worth a line, with what follows from it, and what
#: would make it fair where it is not.
_OPTIONS: Final = {
    "limit": ("fewer tasks of each kind; those in only one battery are listed", None),
    "concurrency": (
        "tasks asked at the same time slow each other down, and lessons come in another order",
        "Run both with the same --concurrency.",
    ),
    "respond_timeout_s": ("a slower answer would have ended one of the batteries", None),
    "meta_timeout_s": ("a slower review would have ended one of the batteries", None),
    "model_url": (_MAY_BE_IT, None),
}
#: What a battery was run with is settled when it ends.
_AGAIN: Final = "Run it again from an empty memory, and change nothing on the way."
_NONE: Final = "none"
#: Of the iterations that are lost so many are named.
_MOST_NUMBERS: Final = 5


class Party(NamedTuple):
    """One battery with what its folder says of how it was run."""

    side: Side
    provenance: Provenance
    tasks: Tasks | None


def differences(before: Party, after: Party, both: Shared) -> list[Difference]:
    """List what differs, what limits the comparison first."""
    unlike = [
        *_shapes(before, after, both),
        *_states(before, after),
        *_settings(before, after, both),
    ]
    # A long list of harmless differences would bury the one that spoils the comparison.
    return sorted(unlike, key=lambda difference: not difference.unfair)


def _shapes(before: Party, after: Party, both: Shared) -> Iterator[Difference]:
    a, b = before.side, after.side
    # Of a battery without a complete iteration, its state says all that there is to say.
    if not (a.iterations and b.iterations):
        return
    if both.only_before or both.only_after:
        yield Difference(
            what="tasks",
            before=f"{len(both.only_before)} that {b.name} lacks",
            after=f"{len(both.only_after)} that {a.name} lacks",
            unfair=True,
            text="only the tasks of both are compared, but each memory learned from all of its own",
            advice="Run both on the same tasks: battery run --tasks FILE.",
        )
    window = ", ".join(map(str, both.window)) or _NONE
    yield from _pair(
        "iterations",
        ", ".join(map(str, a.iterations)) or _NONE,
        ", ".join(map(str, b.iterations)) or _NONE,
        f"of these, {window} can be compared",
        f"Add iterations to the shorter one: {_commands('iterate', sides=[_shorter(a, b)])}.",
    )
    text = "the means of one side rest on fewer calls"
    yield from _pair(
        "repeats", str(a.repeats), str(b.repeats), text, "Run both with the same --repeats."
    )
    text = "without two twins nothing tells what was learned from a system that changed"
    yield from _pair(
        "the twin", _arms(a), _arms(b), text, "Run both with a twin, without --no-control."
    )


def _arms(side: Side) -> str:
    return listed([ARM_NAMES[arm] for arm in side.arms]) or _NONE


def _states(before: Party, after: Party) -> Iterator[Difference]:
    """Name what spoils a battery by itself, be it one or both."""
    for what, found, text, advice in (
        (
            "unfinished battery",
            _unfinished,
            "not all that was wanted was run",
            "Finish it ({run}) or run it again.",
        ),
        (
            "spoiled battery",
            _refused,
            "its numbers cannot be trusted",
            "What spoiled it: {summarize}. Without that, run it again.",
        ),
        ("battery changed on the way", _notes, "it was not one battery throughout", _AGAIN),
    ):
        a, b = found(before), found(after)
        if a or b:
            sides = [party.side for party, state in ((before, a), (after, b)) if state]
            yield Difference(
                what=what,
                before=a or "-",
                after=b or "-",
                unfair=True,
                text=text,
                advice=advice.format(
                    run=_commands("run", "--resume", "--dir", sides=sides),
                    summarize=_commands("summarize", "--full", sides=sides),
                ),
            )


def _commands(*words: str, sides: Sequence[Side]) -> str:
    return listed([shlex.join(["battery", *words, side.folder]) for side in sides])


def _shorter(a: Side, b: Side) -> Side:
    return a if a.iterations[-1] < b.iterations[-1] else b


def _unfinished(party: Party) -> str | None:
    state, finished = party.provenance.state, party.provenance.iterations_finished
    if state is None:
        return None
    there = set(party.side.iterations)
    lacking: list[str] = [] if state == "finished" else [state]
    if lost := sorted(set(range(1, finished + 1)) - there):
        lacking.append(f"{_numbered(lost)} lost")
    if open_ones := sorted(number for number in there if number > finished):
        lacking.append(f"{_numbered(open_ones)} with tasks done and no review yet")
    return ", ".join(lacking) or None


def _numbered(numbers: Sequence[int]) -> str:
    more = len(numbers) - _MOST_NUMBERS
    rest = f" and {more} more" if more > 0 else ""
    named = ", ".join(map(str, numbers[:_MOST_NUMBERS]))
    return f"{'iteration' if len(numbers) == 1 else 'iterations'} {named}{rest}"


def _refused(party: Party) -> str | None:
    verdict = party.side.verdict
    return None if verdict is None or verdict.about.trusted else verdict


def _notes(party: Party) -> str | None:
    return "; ".join(party.provenance.notes) or None


def _settings(before: Party, after: Party, both: Shared) -> Iterator[Difference]:
    a, b = before.provenance, after.provenance
    # Unknown is said and not taken for equal: the original battery recorded no settings.
    if not (isinstance(a, Manifest) and isinstance(b, Manifest)):
        known = ["battery.json" if isinstance(origin, Manifest) else _NONE for origin in (a, b)]
        text = "models, targets, versions and options cannot be compared"
        yield Difference(what="manifest", before=known[0], after=known[1], unfair=False, text=text)
        return
    for what, old, new in (
        *_fields("models", a.models.model_dump(), b.models.model_dump()),
        *_fields("targets", a.targets, b.targets),
    ):
        yield from _pair(what, old, new, _MAY_BE_IT)
    text = "of the embedded gateway this is the system itself; else the measuring may differ"
    yield from _pair("battery version", a.battery_version, b.battery_version, text)
    for name, (text, advice) in _OPTIONS.items():
        old, new = (_shown(getattr(manifest.options, name)) for manifest in (a, b))
        yield from _pair(name, old, new, text, advice)
    expected = [_expectations(party) for party in (before, after)]
    for what, old, new in _fields("expectations", *expected):
        yield from _pair(what, old, new, "they decide each battery's own gates")
    text = "what counts as done, and what a token costs, is not the same in both"
    if both.only_before or both.only_after:
        text = "other tasks have other checks: nothing tells whether those of both are graded alike"
    advice = "Grade both by one tasks file: battery grade FOLDER --tasks FILE."
    yield from _pair("checks and prices", _scoring(before), _scoring(after), text, advice)


def _scoring(party: Party) -> str:
    """Identify what answers are graded and priced by."""
    manifest = party.provenance
    digest = manifest.scoring_digest if isinstance(manifest, Manifest) else None
    return _NONE if digest is None else f"SHA-256 {digest[:8]}"


def _expectations(party: Party) -> dict[str, Any]:
    given = party.tasks.expectations if party.tasks else None
    return (given or Expectations()).model_dump()


def _fields(
    name: str, before: dict[str, Any], after: dict[str, Any]
) -> Iterator[tuple[str, str, str]]:
    # What only one of them has, such as a twin, shows among its arms.
    for key in [key for key in before if key in after]:
        yield f"{name}.{key}", _shown(before.get(key)), _shown(after.get(key))


def _pair(
    what: str, before: str, after: str, text: str, advice: str | None = None
) -> Iterator[Difference]:
    """Name what differs; with `advice`, what would make it fair, it limits the comparison."""
    if before != after:
        unfair = advice is not None
        yield Difference(
            what=what, before=before, after=after, unfair=unfair, text=text, advice=advice
        )


def _shown(value: object) -> str:
    return _NONE if value is None else str(value)
