"""The tasks: words and codes of a made-up company, which nobody knows who was not told.

Each lesson holds for six things: the task asks for the first, its siblings for the others.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple


class Lesson(NamedTuple):
    """One rule of the house, and how it is asked for."""

    phase: str
    task_class: str
    question: str
    things: tuple[str, ...]
    #: What the answer has to contain; None where nobody can know it.
    value: str | None = None
    #: The rule in words, as a colleague would say it.
    rule: str | None = None


_EASY, _NICHE, _IMPOSSIBLE = "alpha_baseline", "beta_drift", "gamma_impossible"

LESSONS: Final = (
    Lesson(
        _EASY,
        "desk.queue",
        "Which queue gets a request for a refund of {}?",
        ("a train ticket", "a hotel room", "a coat", "a phone", "a bicycle", "a lamp"),
        "LILAC",
        "Requests for a refund go to the queue LILAC.",
    ),
    Lesson(
        _EASY,
        "desk.queue",
        "Which queue gets a complaint about {}?",
        ("noise", "a late parcel", "a rude driver", "a cold meal", "a broken lift", "a wrong bill"),
        "AMBER",
        "Complaints go to the queue AMBER.",
    ),
    Lesson(
        _EASY,
        "desk.folder",
        "In which folder do we file an invoice from {}?",
        ("Oslo", "Rome", "Lima", "Cairo", "Perth", "Quito"),
        "TEAL",
        "Invoices are filed in the folder TEAL.",
    ),
    Lesson(
        _EASY,
        "desk.gate",
        "Which gate takes a delivery of {}?",
        ("apples", "pears", "plums", "cherries", "grapes", "lemons"),
        "HERON",
        "Deliveries of fruit go to the gate HERON.",
    ),
    Lesson(
        _NICHE,
        "desk.code",
        "Which code goes on a letter to the customer {}?",
        ("Berg", "Holm", "Lund", "Dahl", "Vik", "Moe"),
        "K7",
        "Letters to customers carry the code K7.",
    ),
    Lesson(
        _NICHE,
        "desk.rate",
        "Which rate do we charge for work on {}?",
        ("a Sunday", "Christmas Day", "New Year's Day", "Easter Monday", "May Day", "a holiday"),
        "OTTER",
        "Work on Sundays and holidays is charged at the rate OTTER.",
    ),
    Lesson(
        _IMPOSSIBLE,
        "desk.badge",
        "What is the number on the badge of {}?",
        ("Nils Holm", "Eva Lund", "Jan Dahl", "Ida Vik", "Per Moe", "Liv Berg"),
    ),
)


def tasks_file(model: str, **keys: Any) -> dict[str, Any]:
    """Return a tasks file for a model, with `keys` such as `attempts` at its top."""
    phases: dict[str, list[Any]] = {_EASY: [], _NICHE: [], _IMPOSSIBLE: []}
    for lesson in LESSONS:
        first, *others = (_task(lesson, thing) for thing in lesson.things)
        phases[lesson.phase].append({"task_class": lesson.task_class, **first, "siblings": others})
    names = dict.fromkeys(("executor_cloud", "reviewer_cloud", "overseer_cloud"), model)
    return {**keys, "phases": phases, "models": names}


def _task(lesson: Lesson, thing: str) -> dict[str, Any]:
    question = lesson.question.format(thing)
    check = {"contains": lesson.value} if lesson.value else {"declines": ["unknown"]}
    taught = {"teach": lesson.rule} if lesson.rule else {}
    return {
        "operation": question,
        "spec": {"prompt": question},
        "checks": [{"path": "artifact.text", **check}],
        **taught,
    }
