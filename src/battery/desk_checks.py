"""The check of the packaged tasks: whether an answer holds in the desk's database.

Named in `tasks.json` as `desk_checks.py:filled`, and called with a task and an answer. It believes
nothing of an answer but the ids in it: everybody who is handed in is looked up anew. The people,
and what words mean, come from the gateway's world; what a demand asks of them is decided here, and
not by the code that the gateway's own reviewer goes by. Its imports are light, because it runs in a
process that has to start first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from math import acos, cos, radians, sin
from typing import Any, Final

from battery.embedded.catalog import CITIES, EARTH_RADIUS_MILES, LADDERS, TOWNS, TRADE_NAMES
from battery.embedded.people import Worker, people

#: The world that the packaged tasks are written for.
SEED: Final = 7
#: Faults that a reason lists; the rest is counted.
MOST_TOLD: Final = 3

Json = dict[str, Any]


def filled(task: Json, answer: Json) -> bool | str:
    """Return True if the answer hands in what the task's spec asks for, else what is wrong.

    The people are at `artifact.workers`: ids, or objects that have an `id`.
    """
    artifact = answer.get("artifact")
    handed_in = artifact.get("workers") if isinstance(artifact, dict) else None
    if not isinstance(handed_in, list):
        return "there is no list at artifact.workers"
    faults = [*_of_the_number(handed_in, task["spec"]), *_of_the_people(handed_in, task["spec"])]
    if not faults:
        return True
    more = len(faults) - MOST_TOLD
    return "; ".join(faults[:MOST_TOLD]) + (f"; and {more} more" if more > 0 else "")


def _of_the_number(handed_in: list[Any], spec: Json) -> Iterator[str]:
    if len(handed_in) != spec["count"]:
        yield f"{len(handed_in)} workers handed in, {spec['count']} asked for"
    for worker_id, times in Counter(map(_id, handed_in)).items():
        if times > 1:
            yield f"{worker_id} is handed in {times} times"


def _of_the_people(handed_in: list[Any], spec: Json) -> Iterator[str]:
    for entry in handed_in:
        worker = _desk().get(_id(entry))
        if worker is None:
            yield f"{_id(entry)!r:.60} is nobody in the database"
            continue
        told = entry if isinstance(entry, dict) else {}
        wrong = (*_misquoted(worker, told), *_unfit(worker, spec))
        yield from (f"{worker.id} {fault}" for fault in wrong)


def _misquoted(worker: Worker, told: Json) -> Iterator[str]:
    """Find what the answer says of somebody and the database does not."""
    for key, true in worker.as_json().items():
        if key in told and told[key] != true:
            yield f"has the {key} {true!r}, the answer says {told[key]!r:.60}"


def _unfit(worker: Worker, spec: Json) -> Iterator[str]:
    """Find which conditions of a demand somebody does not meet."""
    meanings = {_folded(name): role for name, role in TRADE_NAMES.items()}
    role = meanings.get(_folded(spec["role"])) or str(spec["role"])
    if _folded(worker.role) != _folded(role):
        yield f"is a {worker.role}, not a {role}"
    away, reach = _miles(worker.city, spec["city"]), spec.get("radius_miles") or 0
    if away > reach:
        yield f"lives in {worker.city}, {away:.1f} miles away; at most {reach:g} are allowed"
    certificate = spec.get("certificate")
    if certificate and not _meeting(certificate) & set(map(_folded, worker.certificates)):
        yield f"does not hold {certificate}, nor one that implies it"
    # Days in ISO 8601 sort as texts do.
    if worker.available_from.isoformat() > (spec.get("by") or "9999"):
        yield f"is not available before {worker.available_from}"
    if worker.pay > (spec.get("max_pay") or worker.pay):
        yield f"asks for {worker.pay} dollars an hour"


def _meeting(certificate: str) -> set[str]:
    """List the certificates that meet a demand for one: itself and the rungs above it."""
    wanted = _folded(certificate)
    for ladder in LADDERS.values():
        rungs = [_folded(rung) for rung in ladder]
        if wanted in rungs:
            return set(rungs[rungs.index(wanted) :])
    return {wanted}


def _miles(one: str, other: str) -> float:
    """Return the great-circle distance, by the spherical law of cosines."""
    places = {_folded(name): point for name, point in (CITIES | TOWNS).items()}
    start, end = places[_folded(one)], places[_folded(other)]
    # The law is inexact for no distance at all, and that is the commonest one.
    if start == end:
        return 0.0
    (north, east), (north_end, east_end) = (map(radians, point) for point in (start, end))
    shared = sin(north) * sin(north_end)
    return EARTH_RADIUS_MILES * acos(shared + cos(north) * cos(north_end) * cos(east - east_end))


def _id(entry: Any) -> str:
    return str(entry.get("id") if isinstance(entry, dict) else entry)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


@cache
def _desk() -> dict[str, Worker]:
    # Once per process: a battery grades in one that stays.
    return {worker.id: worker for worker in people(SEED)}
