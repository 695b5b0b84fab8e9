"""What the overseer knows and the executor does not: what words of a trade mean.

Trade names stand for canonical roles, a higher certificate stands for the lower ones of its
ladder, and a town without workers stands for the cities around it.
"""

from __future__ import annotations

from typing import Final

from battery.embedded.actions import Search
from battery.embedded.catalog import LADDERS, ROLE_NAMES
from battery.embedded.places import CITIES, cities_within
from battery.embedded.spec import Spec

TRADE_NAMES: Final[dict[str, str]] = {
    "Arc Hand": "Welder",
    "Rod Burner": "Welder",
    "Sparky": "Electrician",
    "Wireman": "Electrician",
    "Drain Layer": "Plumber",
    "Steamfitter": "Pipefitter",
    "Chippy": "Carpenter",
    "Joiner": "Carpenter",
    "Slater": "Roofer",
    "Shingler": "Roofer",
    "Brickie": "Mason",
    "Stonesetter": "Mason",
    "Brush Hand": "Painter",
    "Window Setter": "Glazier",
    "Refrigeration Mechanic": "HVAC Technician",
    "Tin Knocker": "Sheet Metal Worker",
    "Tinner": "Sheet Metal Worker",
    "Rod Buster": "Ironworker",
    "Steel Erector": "Ironworker",
    "Hoisting Engineer": "Crane Operator",
    "Cat Skinner": "Heavy Equipment Operator",
    "Excavator Driver": "Heavy Equipment Operator",
    "Reach Truck Driver": "Forklift Operator",
    "Hi-Lo Driver": "Forklift Operator",
    "Trucker": "Truck Driver",
    "Long Hauler": "Truck Driver",
    "Order Selector": "Warehouse Picker",
    "Wrench": "Diesel Mechanic",
    "Machine Fitter": "Millwright",
    "Chip Maker": "CNC Machinist",
    "Lathe Hand": "CNC Machinist",
    "Line Builder": "Assembler",
    "Checker": "Quality Inspector",
    "Commis": "Line Cook",
    "Fry Cook": "Line Cook",
    "Plongeur": "Dishwasher",
    "Custodian": "Janitor",
    "Bouncer": "Security Guard",
    "Watchman": "Security Guard",
    "RN": "Registered Nurse",
    "CNA": "Nursing Assistant",
    "Blood Drawer": "Phlebotomist",
    "Chart Coder": "Medical Coder",
}

# Folded once: people write "RN", "Rn" and "rn".
_ROLES: Final = {name.casefold(): name for name in ROLE_NAMES} | {
    name.casefold(): role for name, role in TRADE_NAMES.items()
}
_RUNGS: Final = {
    rung.casefold(): ladder[step:]
    for ladder in LADDERS.values()
    for step, rung in enumerate(ladder)
}


def canonical_role(term: str) -> str:
    """Return the canonical role behind a term; a term nobody knows stands for itself."""
    return _ROLES.get(term.casefold(), term)


def accepted_certificates(term: str) -> tuple[str, ...]:
    """List the certificates that meet a demand for one: itself, then those that imply it."""
    return _RUNGS.get(term.casefold(), (term,))


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
    """Say what is known about the words of a spec, one sentence each; none is an empty list."""
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
