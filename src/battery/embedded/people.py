"""The people of a staffing desk's database: 2,000 workers, made from a seed.

The same seed gives the same people on every machine. Dates are fixed days of one year, so a world
does not age.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any, Final, NamedTuple

from battery.embedded.catalog import CITIES, LADDERS, ROLES, Role

WORKERS: Final = 2000
ROLES_PER_CITY: Final = 16
FIRST_DAY: Final = date(2026, 1, 1)
LAST_DAY: Final = date(2026, 12, 31)


class Worker(NamedTuple):
    """One person of the database; pay in whole dollars an hour."""

    id: str
    role: str
    city: str
    available_from: date
    pay: int
    certificates: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the person as an answer shows them."""
        return self._asdict() | {
            "available_from": self.available_from.isoformat(),
            "certificates": list(self.certificates),
        }


@cache
def people(seed: int) -> tuple[Worker, ...]:
    """Return everybody of a seed, in the order of their ids."""
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
