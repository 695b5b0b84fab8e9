"""A staffing desk's database, and what the loop can do and check on it.

The database is the people of a seed, in SQLite, in memory.

The audit measures proposals against the whole meaning of a task, trade names and implied
certificates included, so neither a policy nor a memory can talk a wrong result through.
"""

from __future__ import annotations

import sqlite3
from datetime import date
from typing import Final, NamedTuple

import orjson

from battery.embedded.catalog import (
    CITIES,
    accepted_certificates,
    canonical_role,
    cities_within,
    locate,
    miles,
    place_name,
)
from battery.embedded.forms import Fill, GiveUp, Search, Spec
from battery.embedded.people import Worker, people
from battery.protocol import Json

_SCHEMA: Final = """
CREATE TABLE worker (
    id TEXT PRIMARY KEY, role TEXT COLLATE NOCASE, city TEXT, available_from TEXT, pay INTEGER
);
CREATE TABLE holds (worker TEXT REFERENCES worker, certificate TEXT COLLATE NOCASE);
CREATE INDEX worker_place ON worker (role, city);
CREATE INDEX holds_worker ON holds (worker);
"""

_SEARCH: Final = """
SELECT id FROM worker
WHERE role = :role
  AND city IN (SELECT value FROM json_each(:cities))
  AND (:any_certificate OR EXISTS (
    SELECT 1 FROM holds
    WHERE worker = id AND certificate IN (SELECT value FROM json_each(:certificates))))
  AND (:by IS NULL OR available_from <= :by)
  AND (:max_pay IS NULL OR pay <= :max_pay)
ORDER BY pay, id
"""


class Found(NamedTuple):
    """How many people a search found, and the ids of the first of them, lowest pay first."""

    total: int
    workers: tuple[str, ...]


class World:
    """The database, filled from a seed. It is only read afterwards."""

    def __init__(self, seed: int) -> None:
        # The server thread uses the connection that the caller's thread made, one at a time.
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.executescript(_SCHEMA)
        # Two statements and not one per worker: a battery makes two worlds before its first call.
        self._db.executemany(
            "INSERT INTO worker VALUES (?, ?, ?, ?, ?)",
            ((*who[:3], who.available_from.isoformat(), who.pay) for who in people(seed)),
        )
        self._db.executemany(
            "INSERT INTO holds VALUES (?, ?)",
            ((who.id, certificate) for who in people(seed) for certificate in who.certificates),
        )

    def close(self) -> None:
        """Free the database."""
        self._db.close()

    def search(self, search: Search, limit: int) -> Found:
        """Find people exactly as the search says; cities that are not in the database hold none."""
        # Lists go in as JSON: the statement stays one fixed text, whatever is asked.
        asked = {
            "role": search.role,
            "cities": orjson.dumps(_cities_of(search)).decode(),
            "certificates": orjson.dumps(search.certificates).decode(),
            "any_certificate": not search.certificates,
            "by": search.by.isoformat() if search.by else None,
            "max_pay": search.max_pay,
        }
        rows = self._db.execute(_SEARCH, asked).fetchall()
        return Found(len(rows), tuple(row[0] for row in rows[:limit]))

    def worker(self, worker_id: str) -> Worker | None:
        """Return one person; None when there is no such id."""
        row = self._db.execute("SELECT * FROM worker WHERE id = ?", (worker_id,)).fetchone()
        if row is None:
            return None
        held = self._db.execute(
            "SELECT certificate FROM holds WHERE worker = ? ORDER BY certificate", (worker_id,)
        )
        certificates = tuple(certificate for (certificate,) in held)
        return Worker(row[0], row[1], row[2], date.fromisoformat(row[3]), row[4], certificates)


def _cities_of(search: Search) -> list[str]:
    # Distances are taken here, between forty cities, rather than for two thousand people.
    names = (place_name(text) for text in search.cities)
    reach = (cities_within(name, search.radius_miles) for name in names if name in CITIES)
    return sorted(set().union(*reach))


def settling_search(spec: Spec) -> Search | None:
    """Return the one search that finds everybody who meets a spec.

    None when no city of the database is in reach, so that there is nothing to search.
    """
    listed = spec.city in CITIES
    # The database does not know a town, so the cities around it are named one by one.
    cities = (spec.city,) if listed else tuple(cities_within(spec.city, spec.reach))
    if not cities:
        return None
    # An empty list asks for no certificate at all, which is what such a spec means.
    wanted = accepted_certificates(spec.certificate) if spec.certificate else ()
    return Search(
        role=canonical_role(spec.role),
        cities=cities,
        radius_miles=spec.reach if listed else 0,
        certificates=wanted,
        by=spec.by,
        max_pay=spec.max_pay,
    )


def facts(spec: Spec) -> list[str]:
    """Say what is known about the words of a spec, one sentence each."""
    known = []
    role = canonical_role(spec.role)
    if role.casefold() != spec.role.casefold():
        known.append(f'"{spec.role}" is a trade name; the database says {role}.')
    if spec.certificate and len(higher := accepted_certificates(spec.certificate)) > 1:
        known.append(f"{spec.certificate} is implied by {' and '.join(higher[1:])}.")
    if spec.city not in CITIES:
        around = "; ".join(cities_within(spec.city, spec.reach)) or "none"
        known.append(f"{spec.city} is not in the database; cities in reach: {around}.")
    return known


def supply(world: World, spec: Spec) -> int:
    """Count the people of the database who meet a spec."""
    # Counted by search and not person by person: one query instead of two thousand.
    search = settling_search(spec)
    return world.search(search, limit=0).total if search else 0


def audit(world: World, spec: Spec, proposal: Fill | GiveUp) -> list[str]:
    """Say what is wrong with a proposal, one sentence each; nothing wrong is an empty list.

    The sentences name what was broken, not how to fix it: that is the overseer's part.
    """
    if isinstance(proposal, GiveUp):
        return _audit_give_up(world, spec)
    return _audit_fill(world, spec, proposal.workers)


def roster(world: World, spec: Spec, ids: tuple[str, ...]) -> list[Json]:
    """Show the people behind ids, each with the distance to the task's city in miles."""
    workers = (world.worker(worker_id) for worker_id in ids)
    return [w.as_json() | {"miles": round(_distance(w, spec), 1)} for w in workers if w]


def _audit_give_up(world: World, spec: Spec) -> list[str]:
    available = supply(world, spec)
    if available < spec.count:
        return []
    # The number is given, the words are not: a model should not be sent looking for nobody.
    return [f"The database has {available} people who meet this task; they were not found."]


def _audit_fill(world: World, spec: Spec, ids: tuple[str, ...]) -> list[str]:
    wrong = []
    if len(ids) != spec.count:
        wrong.append(f"{len(ids)} proposed, {spec.count} asked for.")
    if len(set(ids)) != len(ids):
        wrong.append("Somebody is proposed twice.")
    for worker_id in dict.fromkeys(ids):
        worker = world.worker(worker_id)
        reason = _unfit(worker, spec) if worker else "is not in the database"
        if reason:
            wrong.append(f"{worker_id} {reason}.")
    return wrong


def _unfit(worker: Worker, spec: Spec) -> str | None:
    """Say why a worker does not meet a spec; None when they do."""
    if worker.role.casefold() != canonical_role(spec.role).casefold():
        return f"is a {worker.role}, not a {spec.role}"
    if (away := _distance(worker, spec)) > spec.reach:
        return f"lives {away:.1f} miles away, {spec.reach:g} are allowed"
    if spec.certificate and not _holds(worker, spec.certificate):
        return f"does not hold {spec.certificate}"
    if worker.available_from > (spec.by or date.max):
        return f"is available from {worker.available_from} only"
    if spec.max_pay and worker.pay > spec.max_pay:
        return f"asks for {worker.pay} dollars an hour"
    return None


def _holds(worker: Worker, certificate: str) -> bool:
    accepted = {name.casefold() for name in accepted_certificates(certificate)}
    return any(name.casefold() in accepted for name in worker.certificates)


def _distance(worker: Worker, spec: Spec) -> float:
    return miles(locate(spec.city), locate(worker.city))
