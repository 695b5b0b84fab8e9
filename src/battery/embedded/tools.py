"""What the loop can do and check on the database, whoever proposes it.

The audit measures proposals against the whole meaning of a task, trade names and implied
certificates included, so neither a policy nor a memory can talk a wrong result through.
"""

from __future__ import annotations

from datetime import date

from battery.embedded.actions import Fill, GiveUp
from battery.embedded.places import locate, miles
from battery.embedded.spec import Spec
from battery.embedded.thesaurus import accepted_certificates, canonical_role, settling_search
from battery.embedded.world import Worker, World
from battery.protocol.wire import Json


def supply(world: World, spec: Spec) -> int:
    """Count the people of the database who meet a spec."""
    # Counted by search and not person by person: one query instead of two thousand.
    search = settling_search(spec)
    return world.search(search, limit=0).total if search else 0


def audit(world: World, spec: Spec, proposal: Fill | GiveUp) -> list[str]:
    """Say what is wrong with a proposal, one sentence each; nothing wrong is an empty list.

    The sentences name what was broken, not how to mend it: that is the overseer's part.
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
