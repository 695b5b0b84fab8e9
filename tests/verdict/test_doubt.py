"""A loss is confirmed where it may be one, and nobody pays for what is known or cannot be told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.records.models import CONFIRMATIONS
from battery.verdict.doubt import confirmed, doubtful, in_doubt

PASSED, FAILED = [True], [False]
ALL = [False] * CONFIRMATIONS
NONE = [True] * CONFIRMATIONS


@pytest.mark.parametrize(
    ("first", "now", "reruns", "asked"),
    [
        (PASSED, FAILED, [], True),
        (PASSED, PASSED, [], False),
        ([True, True, False], [False, False, True], [], True),
        # Half is not most.
        ([True, False], [False, False], [], False),
        ([True, True], [True, False], [], False),
        # Confirmed before.
        (PASSED, FAILED, [[False] * 4 + [True]], False),
        (PASSED, FAILED, [ALL], False),
        (PASSED, FAILED, [NONE, ALL], False),
        # A task that iteration 1 did not have.
        ([], FAILED, [], False),
    ],
)
@pytest.mark.parametrize("frozen", [[], [PASSED, PASSED], [FAILED, FAILED]])
def test_what_passed_at_first_and_fails_now_is_in_doubt_until_it_is_confirmed(
    first: list[bool],
    now: list[bool],
    reruns: list[list[bool]],
    asked: bool,
    frozen: list[list[bool]],
) -> None:
    assert in_doubt([first, now], frozen, reruns) is asked


@pytest.mark.parametrize(
    ("learn", "frozen", "reruns", "asked"),
    [
        ([FAILED, FAILED], [PASSED, PASSED], [], True),
        ([FAILED, FAILED], [], [], False),
        # The twin fails it now as well, or as often as not.
        ([FAILED, FAILED], [PASSED, FAILED], [], False),
        ([FAILED, FAILED], [FAILED, PASSED], [], False),
        ([FAILED, FAILED, FAILED], [FAILED, PASSED, PASSED], [], True),
        # The learner did it meanwhile: it can.
        ([FAILED, PASSED, FAILED], [PASSED, PASSED, PASSED], [], False),
        # Once only, whatever came of it.
        ([FAILED, FAILED, FAILED], [PASSED, PASSED, PASSED], [NONE], False),
        ([FAILED, FAILED, FAILED], [PASSED, PASSED, PASSED], [ALL], False),
    ],
)
def test_what_only_the_twin_does_is_in_doubt_once(
    learn: list[list[bool]], frozen: list[list[bool]], reruns: list[list[bool]], asked: bool
) -> None:
    assert in_doubt(learn, frozen, reruns) is asked


def test_what_was_not_confirmed_is_flaky_and_has_to_fail_twice_in_a_row() -> None:
    assert not in_doubt([PASSED, FAILED, PASSED, FAILED], [], [NONE])
    assert in_doubt([PASSED, FAILED, PASSED, FAILED, FAILED], [], [NONE])
    assert in_doubt([PASSED, FAILED, FAILED], [], [[False] * 3 + [True] * 2])
    # Nobody has asked yet, so one failure is enough.
    assert in_doubt([PASSED, PASSED, PASSED, FAILED], [], [])


def test_nothing_is_in_doubt_in_iteration_1() -> None:
    assert not in_doubt([FAILED], [PASSED], [])


outcomes = st.lists(st.booleans(), min_size=1, max_size=3)


@given(st.data(), st.integers(1, 6))
def test_no_task_is_asked_again_after_its_loss_was_confirmed(
    data: st.DataObject, iterations: int
) -> None:
    def drawn(strategy: st.SearchStrategy[list[bool]]) -> list[list[bool]]:
        return data.draw(st.lists(strategy, min_size=iterations, max_size=iterations))

    learn, frozen = drawn(outcomes), drawn(outcomes)
    five = st.lists(st.booleans(), min_size=CONFIRMATIONS, max_size=CONFIRMATIONS)
    reruns = drawn(five)
    places = doubtful(learn, frozen, reruns)
    assert 0 not in places
    assert not any(confirmed(reruns[place]) for place in places[:-1])
    # Where the learner did not pass at first, at most one iteration is paid for.
    if 2 * sum(learn[0]) <= len(learn[0]):
        assert len(places) <= 1
