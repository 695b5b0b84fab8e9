"""The words of the staffing desk: places, roles, certificates, trade names.

Cities, roles and certificates are what the database holds. Towns and trade names are what people
ask for: the overseer knows what they stand for, the executor does not. Coordinates are degrees,
rounded to hundredths; distances are great-circle miles.
"""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import Final, NamedTuple

EARTH_RADIUS_MILES: Final = 3958.8


class Point(NamedTuple):
    """A place on earth, in degrees."""

    latitude: float
    longitude: float


#: Every worker of the database lives in one of these.
CITIES: Final[dict[str, Point]] = {
    "Akron, OH": Point(41.08, -81.52),
    "Ann Arbor, MI": Point(42.28, -83.74),
    "Buffalo, NY": Point(42.89, -78.88),
    "Canton, OH": Point(40.80, -81.38),
    "Cedar Rapids, IA": Point(41.98, -91.67),
    "Chicago, IL": Point(41.88, -87.63),
    "Cincinnati, OH": Point(39.10, -84.51),
    "Cleveland, OH": Point(41.50, -81.69),
    "Columbus, OH": Point(39.96, -83.00),
    "Davenport, IA": Point(41.52, -90.58),
    "Dayton, OH": Point(39.76, -84.19),
    "Des Moines, IA": Point(41.59, -93.62),
    "Detroit, MI": Point(42.33, -83.05),
    "Duluth, MN": Point(46.79, -92.10),
    "Erie, PA": Point(42.13, -80.09),
    "Fort Wayne, IN": Point(41.08, -85.14),
    "Gary, IN": Point(41.60, -87.35),
    "Grand Rapids, MI": Point(42.96, -85.67),
    "Indianapolis, IN": Point(39.77, -86.16),
    "Kansas City, MO": Point(39.10, -94.58),
    "Knoxville, TN": Point(35.96, -83.92),
    "Lexington, KY": Point(38.04, -84.50),
    "Lincoln, NE": Point(40.81, -96.68),
    "Louisville, KY": Point(38.25, -85.76),
    "Madison, WI": Point(43.07, -89.40),
    "Memphis, TN": Point(35.15, -90.05),
    "Milwaukee, WI": Point(43.04, -87.91),
    "Minneapolis, MN": Point(44.98, -93.27),
    "Nashville, TN": Point(36.16, -86.78),
    "Omaha, NE": Point(41.26, -95.93),
    "Pittsburgh, PA": Point(40.44, -80.00),
    "Racine, WI": Point(42.73, -87.78),
    "Rochester, NY": Point(43.16, -77.61),
    "Rockford, IL": Point(42.27, -89.09),
    "Saint Louis, MO": Point(38.63, -90.20),
    "Saint Paul, MN": Point(44.95, -93.09),
    "South Bend, IN": Point(41.68, -86.25),
    "Toledo, OH": Point(41.65, -83.54),
    "Topeka, KS": Point(39.05, -95.68),
    "Youngstown, OH": Point(41.10, -80.65),
}

# What makes a task niche: an executor that searches for the town finds nobody, and one that has
# learned which cities are near does.
#: Towns where work is asked for but which the database does not list.
TOWNS: Final[dict[str, Point]] = {
    "Bloomington, MN": Point(44.84, -93.30),
    "Council Bluffs, IA": Point(41.26, -95.86),
    "Dearborn, MI": Point(42.32, -83.18),
    "Evanston, IL": Point(42.05, -87.69),
    "Hammond, IN": Point(41.58, -87.50),
    "Kenosha, WI": Point(42.58, -87.82),
    "Lakewood, OH": Point(41.48, -81.80),
    "Maumee, OH": Point(41.56, -83.65),
    "Mishawaka, IN": Point(41.66, -86.16),
    "Moline, IL": Point(41.51, -90.52),
    "Monroe, MI": Point(41.92, -83.40),
    "Overland Park, KS": Point(38.98, -94.67),
    "Superior, WI": Point(46.72, -92.10),
    "Warren, OH": Point(41.24, -80.82),
    "West Allis, WI": Point(43.02, -88.01),
    "Ypsilanti, MI": Point(42.24, -83.61),
}

# Case is no part of the difficulty: niche tasks should be hard for what they ask.
_BY_FOLDED: Final = {name.casefold(): name for name in (*CITIES, *TOWNS)}


def place_name(text: str) -> str | None:
    """Return the listed spelling of a city or town, whatever its case; None for no such place."""
    return _BY_FOLDED.get(" ".join(text.split()).casefold())


def locate(name: str) -> Point:
    """Return the coordinates of a place by its listed spelling; raise `KeyError` for others."""
    return CITIES.get(name) or TOWNS[name]


def miles(start: Point, end: Point) -> float:
    """Return the great-circle distance in miles (haversine formula)."""
    north = radians(end.latitude - start.latitude) / 2
    east = radians(end.longitude - start.longitude) / 2
    shrink = cos(radians(start.latitude)) * cos(radians(end.latitude))
    return 2 * EARTH_RADIUS_MILES * asin(sqrt(sin(north) ** 2 + shrink * sin(east) ** 2))


def cities_within(name: str, radius_miles: float) -> list[str]:
    """List the cities of the database at most that far from a place, nearest first."""
    centre = locate(name)
    # Pairs sort by distance and then by name, so the order never depends on the dictionary.
    reach = sorted((miles(centre, point), city) for city, point in CITIES.items())
    return [city for distance, city in reach if distance <= radius_miles]


class Role(NamedTuple):
    """A canonical role: the name that the database knows it by."""

    name: str
    #: Usual pay in dollars an hour.
    pay: int
    #: The ladders of certificates that its people climb.
    ladders: tuple[str, ...] = ()
    #: What people on site call it; the database does not know these names.
    trade_names: tuple[str, ...] = ()


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
    Role("Welder", 31, ("welding", "safety"), ("Arc Hand", "Rod Burner")),
    Role("Electrician", 36, ("electrical", "safety"), ("Sparky", "Wireman")),
    Role("Plumber", 35, ("plumbing",), ("Drain Layer",)),
    Role("Pipefitter", 37, ("plumbing", "safety"), ("Steamfitter",)),
    Role("Carpenter", 29, ("safety",), ("Chippy", "Joiner")),
    Role("Roofer", 27, ("safety",), ("Slater", "Shingler")),
    Role("Mason", 30, ("safety",), ("Brickie", "Stonesetter")),
    Role("Painter", 24, (), ("Brush Hand",)),
    Role("Glazier", 28, ("safety",), ("Window Setter",)),
    Role("HVAC Technician", 33, ("cooling",), ("Refrigeration Mechanic",)),
    Role("Sheet Metal Worker", 32, ("welding", "safety"), ("Tin Knocker", "Tinner")),
    Role("Ironworker", 34, ("rigging", "safety"), ("Rod Buster", "Steel Erector")),
    Role("Crane Operator", 41, ("rigging",), ("Hoisting Engineer",)),
    Role("Heavy Equipment Operator", 35, ("safety",), ("Cat Skinner", "Excavator Driver")),
    Role("Forklift Operator", 22, ("forklift",), ("Reach Truck Driver", "Hi-Lo Driver")),
    Role("Truck Driver", 28, ("driving",), ("Trucker", "Long Hauler")),
    Role("Warehouse Picker", 19, ("forklift",), ("Order Selector",)),
    Role("Diesel Mechanic", 33, ("vehicles",), ("Wrench",)),
    Role("Millwright", 36, ("rigging", "safety"), ("Machine Fitter",)),
    Role("CNC Machinist", 30, ("machining",), ("Chip Maker", "Lathe Hand")),
    Role("Assembler", 21, (), ("Line Builder",)),
    Role("Quality Inspector", 27, ("inspection",), ("Checker",)),
    Role("Line Cook", 19, ("kitchen",), ("Commis", "Fry Cook")),
    Role("Dishwasher", 16, (), ("Plongeur",)),
    Role("Janitor", 17, (), ("Custodian",)),
    Role("Security Guard", 20, ("guarding",), ("Bouncer", "Watchman")),
    Role("Registered Nurse", 45, ("life support",), ("RN",)),
    Role("Nursing Assistant", 21, ("life support",), ("CNA",)),
    Role("Phlebotomist", 22, ("life support",), ("Blood Drawer",)),
    Role("Medical Coder", 26, (), ("Chart Coder",)),
)

ROLE_NAMES: Final = tuple(role.name for role in ROLES)
TRADE_NAMES: Final = {name: role.name for role in ROLES for name in role.trade_names}

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
    # One nobody knows is accepted as asked, so that the demand fails for want of people.
    return _RUNGS.get(term.casefold(), (term,))
