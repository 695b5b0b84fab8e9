"""What the staffing desk deals in: canonical roles, their pay, and certificates in ladders.

These names are the vocabulary of the database. Trade names are not in it: see `thesaurus`.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Role(NamedTuple):
    """A canonical role with its usual pay in dollars an hour and the ladders its people climb."""

    name: str
    pay: int
    ladders: tuple[str, ...] = ()


#: Certificates of one subject, lowest first. Who holds a higher one meets a demand for a lower
#: one, and, as people do, lists only the highest.
LADDERS: Final[dict[str, tuple[str, ...]]] = {
    "safety": ("OSHA 10", "OSHA 30"),
    "welding": ("AWS D1.1 3G", "AWS D1.1 6G"),
    "electrical": ("Journeyman Electrician", "Master Electrician"),
    "plumbing": ("Journeyman Plumber", "Master Plumber"),
    "cooling": ("EPA 608 Type II", "EPA 608 Universal"),
    "driving": ("CDL B", "CDL A"),
    "rigging": ("Rigger Level I", "Rigger Level II"),
    "forklift": ("Forklift Licence",),
    "machining": ("NIMS Level I", "NIMS Level II"),
    "vehicles": ("ASE Technician", "ASE Master Technician"),
    "inspection": ("ASNT Level I", "ASNT Level II", "ASNT Level III"),
    "kitchen": ("ServSafe Food Handler", "ServSafe Manager"),
    "guarding": ("Unarmed Guard Card", "Armed Guard Card"),
    "life support": ("BLS", "ACLS"),
}

ROLES: Final = (
    Role("Welder", 31, ("welding", "safety")),
    Role("Electrician", 36, ("electrical", "safety")),
    Role("Plumber", 35, ("plumbing",)),
    Role("Pipefitter", 37, ("plumbing", "safety")),
    Role("Carpenter", 29, ("safety",)),
    Role("Roofer", 27, ("safety",)),
    Role("Mason", 30, ("safety",)),
    Role("Painter", 24),
    Role("Glazier", 28, ("safety",)),
    Role("HVAC Technician", 33, ("cooling",)),
    Role("Sheet Metal Worker", 32, ("welding", "safety")),
    Role("Ironworker", 34, ("rigging", "safety")),
    Role("Crane Operator", 41, ("rigging",)),
    Role("Heavy Equipment Operator", 35, ("safety",)),
    Role("Forklift Operator", 22, ("forklift",)),
    Role("Truck Driver", 28, ("driving",)),
    Role("Warehouse Picker", 19, ("forklift",)),
    Role("Diesel Mechanic", 33, ("vehicles",)),
    Role("Millwright", 36, ("rigging", "safety")),
    Role("CNC Machinist", 30, ("machining",)),
    Role("Assembler", 21),
    Role("Quality Inspector", 27, ("inspection",)),
    Role("Line Cook", 19, ("kitchen",)),
    Role("Dishwasher", 16),
    Role("Janitor", 17),
    Role("Security Guard", 20, ("guarding",)),
    Role("Registered Nurse", 45, ("life support",)),
    Role("Nursing Assistant", 21, ("life support",)),
    Role("Phlebotomist", 22, ("life support",)),
    Role("Medical Coder", 26),
)

ROLE_NAMES: Final = tuple(role.name for role in ROLES)
