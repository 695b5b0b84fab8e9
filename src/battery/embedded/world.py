"""A staffing desk's database: 2,000 workers, made from a seed, in SQLite, in memory.

The same seed gives the same people on every machine. Dates are fixed days of one year, so a
world does not age.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Final, NamedTuple

import orjson

from battery.embedded.actions import Search
from battery.embedded.catalog import LADDERS, ROLES, Role
from battery.embedded.places import CITIES, cities_within, place_name
from battery.protocol.wire import Json

WORKERS: Final = 2000
ROLES_PER_CITY: Final = 16
FIRST_DAY: Final = date(2026, 1, 1)
LAST_DAY: Final = date(2026, 12, 31)

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


class Worker(NamedTuple):
    """One person of the database; pay in whole dollars an hour."""

    id: str
    role: str
    city: str
    available_from: date
    pay: int
    certificates: tuple[str, ...]

    def as_json(self) -> Json:
        """Return the person as an answer shows them."""
        return self._asdict() | {
            "available_from": self.available_from.isoformat(),
            "certificates": list(self.certificates),
        }


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
        for worker in _people(seed):
            self._db.execute(
                "INSERT INTO worker VALUES (?, ?, ?, ?, ?)",
                (*worker[:3], worker.available_from.isoformat(), worker.pay),
            )
            rows = [(worker.id, certificate) for certificate in worker.certificates]
            self._db.executemany("INSERT INTO holds VALUES (?, ?)", rows)

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


@cache
def _people(seed: int) -> tuple[Worker, ...]:
    # Kept, because the two arms of a battery have the same world.
    return tuple(_drawn(Random(seed)))  # noqa: S311 (a world, not a secret)


def _drawn(random: Random) -> Iterator[Worker]:
    # Not every trade is at home everywhere: that is what makes some demands hard or hopeless.
    at_home = {city: random.sample(ROLES, ROLES_PER_CITY) for city in CITIES}
    # The order of every draw below is part of the world: another order, other people.
    cities = list(CITIES)
    for number in range(1, WORKERS + 1):
        city = random.choice(cities)
        role = random.choice(at_home[city])
        yield Worker(
            id=f"W{number:04}",
            role=role.name,
            city=city,
            available_from=FIRST_DAY + timedelta(random.randint(0, (LAST_DAY - FIRST_DAY).days)),
            pay=role.pay + random.randint(-3, 6),
            certificates=_certificates(role, random),
        )


def _certificates(role: Role, random: Random) -> tuple[str, ...]:
    # None is one of the choices, so that higher rungs are rarer on longer ladders.
    held = (random.choice((None, *LADDERS[ladder])) for ladder in role.ladders)
    return tuple(certificate for certificate in held if certificate)


def _cities_of(search: Search) -> list[str]:
    # Distances are taken here, between forty cities, rather than for two thousand people.
    names = (place_name(text) for text in search.cities)
    reach = (cities_within(name, search.radius_miles) for name in names if name in CITIES)
    return sorted(set().union(*reach))
