"""Turn outcomes into lessons: what was corrected, what worked, what is proven hopeless.

Pure: outcomes in, lessons out. It only believes what the reviewer accepted.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from battery.embedded.lessons import DeadEnd, Lesson, Plan, Substitution
from battery.embedded.spec import Spec
from battery.embedded.transcript import Entry, SearchEntry, Transcript
from battery.protocol.wire import Status


class Outcome(BaseModel):
    """One finished run, as `outcomes.jsonl` keeps it."""

    model_config = ConfigDict(frozen=True)

    task_class: str
    operation: str
    spec: Spec
    status: Status
    turns: int
    error: str | None
    log: list[Entry]


def distil(outcomes: Iterable[Outcome]) -> list[Lesson]:
    """Return the lessons of some outcomes, oldest first; the newest on a subject wins."""
    # A dictionary keeps the first position and the last value of an id.
    lessons = (lesson for outcome in outcomes for lesson in _lessons(outcome))
    return list({lesson.id: lesson for lesson in lessons}.values())


def _lessons(outcome: Outcome) -> list[Lesson]:
    transcript = Transcript(outcome.log)
    if outcome.status == "ok":
        worked = _search_that_worked(transcript)
        return _successes(outcome.spec, worked, transcript) if worked else []
    if outcome.status == "failed" and transcript.gave_up_accepted:
        return _dead_ends(outcome.spec, transcript)
    # Turns that ran out prove nothing.
    return []


def _search_that_worked(transcript: Transcript) -> SearchEntry | None:
    # Several searches may have been made since; the one that showed all of them is the plan.
    sent = set(transcript.fills[-1].workers) if transcript.fills else set()
    return next((e for e in reversed(transcript.searches) if sent and sent <= set(e.workers)), None)


def _successes(spec: Spec, worked: SearchEntry, transcript: Transcript) -> list[Lesson]:
    # The words of the task are the subject, those of the search the lesson: next time the task
    # will come in the same words.
    plan = Plan(role=spec.role, city=spec.city, certificate=spec.certificate, search=worked.search)
    return [plan, *(_substitutions(spec, worked) if transcript.corrections else [])]


def _substitutions(spec: Spec, worked: SearchEntry) -> list[Lesson]:
    """Read off what the search that worked says otherwise than the task did."""
    # Compared with the search and not with the overseer's advice: advice that did not work, or
    # was not followed, is no lesson.
    search = worked.search
    certificates = (spec.certificate,) if spec.certificate else ()
    found: list[Lesson] = []
    if search.role.casefold() != spec.role.casefold():
        found.append(Substitution(field="role", term=spec.role, use=(search.role,)))
    if search.cities != (spec.city,):
        found.append(Substitution(field="city", term=spec.city, use=search.cities))
    if spec.certificate and search.certificates not in {certificates, ()}:
        found.append(
            Substitution(field="certificate", term=spec.certificate, use=search.certificates)
        )
    return found


def _dead_ends(spec: Spec, transcript: Transcript) -> list[Lesson]:
    # The last search before giving up is the one that convinced; one that found enough people
    # cannot have shown that there are none.
    last = transcript.searches[-1:]
    return [
        DeadEnd(spec=spec, search=entry.search, found=entry.found)
        for entry in last
        if entry.found < spec.count
    ]
