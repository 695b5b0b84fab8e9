"""What the tests of the embedded gateway share: asking, distilling, and an oracle of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from functools import cache
from math import acos, cos, radians, sin
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from hypothesis import strategies as st

from battery.embedded.catalog import CITIES, LADDERS, ROLE_NAMES, TOWNS, TRADE_NAMES
from battery.embedded.forms import Spec, read_spec
from battery.embedded.people import WORKERS, Worker
from battery.embedded.policies import Case
from battery.embedded.world import World
from battery.protocol import (
    DISTILL_PATH,
    OVERSEER_KIND,
    RESPOND_PATH,
    DistillRequest,
    Json,
    RespondRequest,
)
from battery.protocol.distill import DistillStream

SHIPPED = Path(__file__).parents[2] / "src" / "battery" / "tasks.json"
OTHER = Path(__file__).with_name("other_tasks.json")
MODELS = {"executor_model": "small", "reviewer_model": "medium"}
SEED = 7


def connect(url: str) -> httpx.Client:
    """Open a client for a server on loopback: without TLS, which would take longer than a test."""
    return httpx.Client(base_url=url, timeout=30, trust_env=False, verify=False)


class Asked(NamedTuple):
    """One task of a phase and the gateway's answer to it."""

    phase: str
    operation: str
    answer: Json

    @property
    def overseer_called(self) -> bool:
        return any(entry["kind"] == OVERSEER_KIND for entry in self.answer["log"])

    @property
    def tokens(self) -> int:
        return int(self.answer["artifact"]["usage"]["total_tokens"])


def ask(client: httpx.Client, spec: Json, operation: str = "fill: as specified") -> Json:
    """Ask for one task; fail unless the gateway answers 200."""
    task = {"task_class": "staffing.fill", "operation": operation, "spec": spec}
    response = client.post(RESPOND_PATH, json=task | MODELS)
    assert response.status_code == 200, response.text
    answer: Json = response.json()
    return answer


def ask_all(client: httpx.Client, path: Path) -> list[Asked]:
    """Ask for every task of a tasks file, in file order."""
    return [
        Asked(phase.partition("_")[0], task["operation"], ask(client, task["spec"]))
        for phase, tasks in json.loads(path.read_text())["phases"].items()
        for task in tasks
    ]


def distil(client: httpx.Client, source: str = "outcomes_tail:20") -> DistillStream:
    """Let the gateway distil and collect the events."""
    body = DistillRequest(source=source).model_dump()
    response = client.post(DISTILL_PATH, params={"mode": "distill"}, json=body)
    assert response.status_code == 200, response.text
    stream = DistillStream()
    for line in response.text.splitlines():
        if line.startswith("data: "):
            stream.add(line.removeprefix("data: "))
    return stream


def case(**spec: Any) -> Case:
    """Make the case of a fresh run from the fields of a spec."""
    body = {"task_class": "t", "operation": "o", "spec": spec} | MODELS
    return Case(RespondRequest.model_validate(body), read_spec(spec))


@cache
def people() -> tuple[Worker, ...]:
    """Read everybody out of the world that the tests use."""
    with closing(World(SEED)) as world:
        return tuple(_everybody(world))


def _everybody(world: World) -> Iterator[Worker]:
    for number in range(1, WORKERS + 1):
        worker = world.worker(f"W{number:04}")
        assert worker
        yield worker


def fitting(spec: Spec) -> set[str]:
    """Look at everybody, by the tests' own reading of the rules, and list who meets a spec."""
    trade = {name.lower(): role for name, role in TRADE_NAMES.items()}
    role = trade.get(spec.role.lower(), spec.role).lower()
    wanted = (spec.certificate or "").lower()
    accepted = {wanted}
    for ladder in LADDERS.values():
        lowered = [rung.lower() for rung in ladder]
        if wanted in lowered:
            accepted |= set(lowered[lowered.index(wanted) :])
    near = {city for city in CITIES if distance(city, spec.city) <= (spec.radius_miles or 0)}
    return {
        worker.id
        for worker in people()
        if worker.role.lower() == role
        and worker.city in near
        and (not wanted or accepted & {name.lower() for name in worker.certificates})
        and (not spec.by or worker.available_from <= spec.by)
        and (not spec.max_pay or worker.pay <= spec.max_pay)
    }


def distance(one: str, other: str) -> float:
    """Measure miles by the spherical law of cosines, another formula than the code's."""
    if one == other:
        return 0.0
    (lat, lon), (lat2, lon2) = (map(radians, (CITIES | TOWNS)[name]) for name in (one, other))
    return 3958.8 * acos(sin(lat) * sin(lat2) + cos(lat) * cos(lat2) * cos(lon - lon2))


def specs() -> st.SearchStrategy[Json]:
    """Make any spec in the documented format, trade names and unheard-of words included."""
    words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1)
    roles = st.sampled_from([*ROLE_NAMES, *TRADE_NAMES, *map(str.upper, TRADE_NAMES)])
    certificates = st.sampled_from([rung for ladder in LADDERS.values() for rung in ladder])
    return st.fixed_dictionaries(
        {
            "role": roles | words.map(lambda word: word[:100]),
            "count": st.integers(1, 4) | st.integers(1, 50),
            "city": st.sampled_from([*CITIES, *TOWNS, *map(str.lower, CITIES)]),
        },
        optional={
            # Whole miles: two formulas for a distance may differ in the last digits.
            "radius_miles": st.integers(1, 500).map(float),
            "certificate": certificates | words.map(lambda word: word[:100]),
            "by": st.dates(date(2025, 12, 1), date(2027, 1, 31)).map(date.isoformat),
            "max_pay": st.integers(10, 60),
        },
    )
