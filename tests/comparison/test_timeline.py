from __future__ import annotations

from itertools import permutations

import pytest

from battery.comparison.timeline import Entry, courses, trend_p


def entry(tokens: float | None, **changes: object) -> Entry:
    usual: dict[str, object] = {
        "folder": "a",
        "run_id": None,
        "started_at": "2026-01-01T00:00:00Z",
        "dated_by": "files",
        "state": None,
        "models": None,
        "iterations": 3,
        "tasks": 8,
        "verdict": None,
        "tokens": tokens,
        "ok": 1.0,
        "effect": None,
        "interval": None,
        "group": 1,
    }
    return Entry.model_validate({**usual, **changes})


def test_p_is_the_share_of_orders_that_go_with_time_at_least_as_well() -> None:
    values = [5.0, 1.0, 3.0, 4.0, 2.0]

    def rho(order: tuple[float, ...]) -> float:
        return sum(place * value for place, value in enumerate(order))

    seen = rho(tuple(values))
    orders = [rho(order) for order in permutations(values)]
    up = sum(each >= seen for each in orders) / len(orders)
    down = sum(each <= seen for each in orders) / len(orders)
    assert trend_p(values) == pytest.approx(min(1, 2 * min(up, down)))


def test_four_batteries_are_too_few_for_a_trend() -> None:
    (course,) = courses([entry(400), entry(300), entry(200), entry(100)])
    assert course.p is None
    assert course.change == pytest.approx(-3 / 4)
    assert course.text == "too few for a trend: 4 of at least 5"


def test_five_that_fall_are_a_trend() -> None:
    (course,) = courses([entry(900 - 100 * n) for n in range(5)])
    assert course.p == pytest.approx(2 / 120)
    assert course.text.startswith("a trend")


def test_a_course_names_its_system() -> None:
    (course,) = courses([entry(100, system="openai:http://a/v1, small")])
    assert course.system == "openai:http://a/v1, small"


def test_unlike_batteries_are_not_compared() -> None:
    first, second = courses([entry(100), entry(500, group=2, tasks=3), entry(110)])
    assert (first.tokens, second.tokens) == ([100, 110], [500])
    assert second.change is None


def test_what_reports_no_tokens_or_has_no_iteration_is_left_out() -> None:
    (course,) = courses([entry(None), entry(None, group=None), entry(5)])
    assert course.batteries == 1


def test_equal_batteries_have_no_trend_and_other_iterations_are_told() -> None:
    (course,) = courses([entry(7.0, iterations=3 + n // 3) for n in range(5)])
    assert course.p is None
    assert course.text == (
        "no trend: all take exactly as many tokens; they had 3 and 4 iterations, so their ends are "
        "not alike"
    )
