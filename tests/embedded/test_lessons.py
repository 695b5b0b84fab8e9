from __future__ import annotations

import pytest

from battery.embedded.actions import Search
from battery.embedded.lessons import LESSON, DeadEnd, Lesson, Plan, Substitution
from battery.protocol.wire import Json
from tests.embedded.helpers import case

SPEC: Json = {"role": "RN", "count": 2, "city": "Toledo, OH", "certificate": "BLS"}
SEARCH = Search(role="Registered Nurse", cities=("Toledo, OH",), certificates=("BLS", "ACLS"))
WORD = Substitution(field="role", term="RN", use=("Registered Nurse",))
PLAN = Plan(role="RN", city="Toledo, OH", certificate="BLS", search=SEARCH)
DEAD_END = DeadEnd(spec=case(**SPEC).spec, search=SEARCH, found=1)


@pytest.mark.parametrize("lesson", [WORD, PLAN, DEAD_END])
def test_a_lesson_survives_being_written_down(lesson: Lesson) -> None:
    assert LESSON.validate_json(lesson.model_dump_json()) == lesson


@pytest.mark.parametrize(
    ("lesson", "text"),
    [
        (WORD, 'Where a task says role "RN", search for Registered Nurse.'),
        (
            PLAN,
            "RN with BLS in Toledo, OH: it worked to search for Registered Nurse with BLS or ACLS "
            "in Toledo, OH.",
        ),
        (
            DEAD_END,
            "2 x RN with BLS in Toledo, OH: proven dead end, 1 found with Registered Nurse with "
            "BLS or ACLS in Toledo, OH; check that once, then give up.",
        ),
    ],
)
def test_a_lesson_is_one_plain_sentence(lesson: Lesson, text: str) -> None:
    assert lesson.text == text


@pytest.mark.parametrize(
    ("lesson", "same"),
    [
        (WORD, WORD.model_copy(update={"term": " rn", "use": ("Nurse",)})),
        (PLAN, PLAN.model_copy(update={"role": "rn", "search": SEARCH})),
        (DEAD_END, DEAD_END.model_copy(update={"found": 0})),
    ],
)
def test_lessons_on_one_subject_share_an_id(lesson: Lesson, same: Lesson) -> None:
    assert lesson.id == same.id
    assert len({WORD.id, PLAN.id, DEAD_END.id}) == 3


@pytest.mark.parametrize(
    ("lesson", "change", "applies"),
    [
        (WORD, {"role": "rn", "city": "Akron, OH"}, True),
        (WORD, {"role": "Registered Nurse"}, False),
        (PLAN, {"role": "rn", "count": 9, "radius_miles": 20}, True),
        (PLAN, {"city": "Akron, OH"}, False),
        (PLAN, {"certificate": None}, False),
        (DEAD_END, {"count": 3}, True),
        (DEAD_END, {"count": 1}, False),
        (DEAD_END, {"radius_miles": 20}, False),
        (DEAD_END, {"by": "2026-10-01"}, False),
    ],
)
def test_a_lesson_applies_to_tasks_about_its_subject_only(
    lesson: Lesson, change: Json, applies: bool
) -> None:
    assert lesson.applies(case(**SPEC | change).spec) == applies
