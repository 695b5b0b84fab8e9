"""The playbook's entries, and what a distillation makes of outcomes."""

from __future__ import annotations

import pytest

from battery.embedded.forms import (
    CorrectionEntry,
    Entry,
    FillEntry,
    GiveUpEntry,
    ReviewEntry,
    Search,
    SearchEntry,
)
from battery.embedded.lessons import (
    LESSON,
    Answer,
    DeadEnd,
    Lesson,
    Outcome,
    Plan,
    Reach,
    Substitution,
    answers,
    distil,
)
from battery.protocol import Json, Status
from tests.embedded.helpers import case

SPEC: Json = {"role": "RN", "count": 2, "city": "Toledo, OH", "certificate": "BLS"}
SEARCH = Search(role="Registered Nurse", cities=("Toledo, OH",), certificates=("BLS", "ACLS"))
WORD = Substitution(field="role", term="RN", use=("Registered Nurse",))
PLAN = Plan(role="RN", city="Toledo, OH", certificate="BLS", search=SEARCH)
DEAD_END = DeadEnd(spec=case(**SPEC).spec, search=SEARCH, found=1)
REACH = Reach(role="Roofer")
ANSWER = Answer(spec=case(**SPEC).spec, workers=("W0001", "W0002"))
HOPELESS = Answer(spec=case(**SPEC).spec, reason="0 found")


@pytest.mark.parametrize("lesson", [WORD, PLAN, DEAD_END, REACH, ANSWER, HOPELESS])
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
        (REACH, "Roofer: too few in one place; search the whole radius at once."),
        (ANSWER, "2 x RN with BLS in Toledo, OH: the answer was to send W0001, W0002."),
        (HOPELESS, "2 x RN with BLS in Toledo, OH: the answer was to give up; 0 found."),
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
        (REACH, REACH.model_copy(update={"role": "roofer "})),
        (ANSWER, HOPELESS),
    ],
)
def test_lessons_on_one_subject_share_an_id(lesson: Lesson, same: Lesson) -> None:
    assert lesson.id == same.id
    assert len({one.id for one in (WORD, PLAN, DEAD_END, REACH, ANSWER)}) == 5


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
        (REACH, {"role": "roofer", "city": "Akron, OH", "radius_miles": 20}, True),
        (REACH, {"role": "roofer"}, False),
        (REACH, {"role": "Painter", "radius_miles": 20}, False),
        (ANSWER, {}, True),
        (ANSWER, {"count": 3}, False),
    ],
)
def test_a_lesson_applies_to_tasks_about_its_subject_only(
    lesson: Lesson, change: Json, applies: bool
) -> None:
    assert lesson.applies(case(**SPEC | change).spec) == applies


TASK: Json = {
    "role": "RN",
    "count": 1,
    "city": "Maumee, OH",
    "radius_miles": 20,
    "certificate": "BLS",
}
LITERAL = Search(role="RN", cities=("Maumee, OH",), radius_miles=20, certificates=("BLS",))
TRUE = Search(role="Registered Nurse", cities=("Toledo, OH",), certificates=("BLS", "ACLS"))


def looked(search: Search, *workers: str) -> SearchEntry:
    return SearchEntry(turn=1, text="", search=search, found=len(workers), workers=workers)


CORRECTED = CorrectionEntry(turn=2, text="", searches=(TRUE,))
SENT = FillEntry(turn=4, text="", workers=("W0001",))
GAVE_UP = GiveUpEntry(turn=4, text="0 found")
ACCEPTED = ReviewEntry(turn=4, text="", accepted=True)
REJECTED = ReviewEntry(turn=4, text="", accepted=False)


def outcome(status: Status, *log: Entry, spec: Json = TASK) -> Outcome:
    return Outcome(
        task_class="t",
        operation="o",
        spec=case(**spec).spec,
        status=status,
        turns=4,
        error=None,
        log=list(log),
    )


def test_a_corrected_success_teaches_the_plan_and_each_word_that_was_wrong() -> None:
    done = outcome("ok", looked(LITERAL), CORRECTED, looked(TRUE, "W0001"), SENT, ACCEPTED)
    assert distil([done]) == [
        Plan(role="RN", city="Maumee, OH", certificate="BLS", search=TRUE),
        Substitution(field="role", term="RN", use=("Registered Nurse",)),
        Substitution(field="city", term="Maumee, OH", use=("Toledo, OH",)),
        Substitution(field="certificate", term="BLS", use=("BLS", "ACLS")),
    ]


def test_a_success_without_correction_teaches_its_plan_only() -> None:
    done = outcome("ok", looked(TRUE, "W0001"), SENT, ACCEPTED)
    assert [lesson.kind for lesson in distil([done])] == ["plan"]


def test_the_plan_is_the_search_that_showed_the_people_who_were_sent() -> None:
    later = looked(LITERAL, "W0002")
    (plan,) = distil([outcome("ok", looked(TRUE, "W0001"), later, SENT, ACCEPTED)])
    assert isinstance(plan, Plan)
    assert plan.search == TRUE


def test_an_accepted_give_up_teaches_a_dead_end_with_its_last_search() -> None:
    done = outcome("failed", looked(LITERAL), looked(TRUE), GAVE_UP, ACCEPTED)
    assert distil([done]) == [DeadEnd(spec=case(**TASK).spec, search=TRUE, found=0)]


NEAR = LITERAL.model_copy(update={"radius_miles": 0})


@pytest.mark.parametrize(
    ("near", "last", "learned"),
    [
        (NEAR, LITERAL, True),
        # A circle that had enough, one that was no smaller, and another search show nothing.
        (LITERAL, NEAR, False),
        (LITERAL, LITERAL, False),
        (NEAR.model_copy(update={"certificates": ()}), LITERAL, False),
        (NEAR, TRUE, False),
    ],
)
def test_a_smaller_circle_in_vain_teaches_to_search_the_whole_radius(
    near: Search, last: Search, learned: bool
) -> None:
    done = outcome("ok", looked(near), looked(last, "W0001"), SENT, ACCEPTED)
    hopeless = outcome("failed", looked(near), looked(last), GAVE_UP, ACCEPTED)
    for one in (done, hopeless):
        assert (Reach(role="RN") in distil([one])) is learned


def test_a_smaller_circle_that_had_enough_teaches_nothing() -> None:
    done = outcome("ok", looked(NEAR, "W0002"), looked(LITERAL, "W0001"), SENT, ACCEPTED)
    assert [lesson.kind for lesson in distil([done])] == ["plan"]


def test_an_answer_cache_keeps_what_was_accepted_and_no_lesson() -> None:
    spec = case(**TASK).spec
    done = outcome("ok", looked(LITERAL), CORRECTED, looked(TRUE, "W0001"), SENT, ACCEPTED)
    assert answers([done]) == [Answer(spec=spec, workers=("W0001",))]
    hopeless = outcome("failed", looked(TRUE), GAVE_UP, ACCEPTED)
    assert answers([done, hopeless]) == [Answer(spec=spec, reason="0 found")]
    assert answers([outcome("failed", looked(TRUE), GAVE_UP, REJECTED)]) == []


def test_turns_that_ran_out_prove_nothing() -> None:
    assert distil([outcome("failed", looked(LITERAL), GAVE_UP, REJECTED)]) == []


def test_a_search_that_found_enough_is_no_proof_of_a_dead_end() -> None:
    assert distil([outcome("failed", looked(LITERAL, "W0001"), GAVE_UP, ACCEPTED)]) == []


def test_of_two_lessons_on_one_subject_the_newest_wins() -> None:
    old = outcome("ok", looked(LITERAL, "W0001"), SENT, ACCEPTED)
    new = outcome("ok", looked(TRUE, "W0001"), SENT, ACCEPTED)
    (plan,) = distil([old, new])
    assert isinstance(plan, Plan)
    assert plan.search == TRUE
    assert distil([old, new, new]) == [plan]
