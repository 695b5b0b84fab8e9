from __future__ import annotations

from battery.embedded.actions import Search
from battery.embedded.distill import Outcome, distil
from battery.embedded.lessons import DeadEnd, Plan, Substitution
from battery.embedded.transcript import (
    CorrectionEntry,
    Entry,
    FillEntry,
    GiveUpEntry,
    ReviewEntry,
    SearchEntry,
)
from battery.protocol.wire import Json, Status
from tests.embedded.helpers import case

SPEC: Json = {
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
GAVE_UP = GiveUpEntry(turn=4, text="")
ACCEPTED = ReviewEntry(turn=4, text="", accepted=True)
REJECTED = ReviewEntry(turn=4, text="", accepted=False)


def outcome(status: Status, *log: Entry, spec: Json = SPEC) -> Outcome:
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
    assert distil([done]) == [DeadEnd(spec=case(**SPEC).spec, search=TRUE, found=0)]


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
