"""Each kind of condition: what passes, what does not and with what reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from battery.grading import Grader
from battery.grading.kinds import KINDS
from battery.grading.values import SHOWN, key_of
from battery.protocol import Json
from battery.records.checks import Check
from battery.records.models import Phase
from tests.grading.folders import answer, task
from tests.support.commands import environment
from tests.support.recipes import code_of, copy_program, insert, recipe

PURE = Grader(None)
HUGE = 10**400
DEEP: Any = []
for _ in range(150):
    DEEP = [DEEP]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(HUGE),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def failure(check: Json, value: Any) -> str | None:
    """Return why a value at `artifact.x` does not pass a check."""
    stated = {"path": "artifact.x", **check}
    checked = PURE.grade(task(stated), Phase.ALPHA, answer({"x": value}))
    assert checked is not None
    return checked.failed[0].reason.removeprefix("artifact.x: ") if checked.failed else None


@pytest.mark.parametrize(
    ("check", "value"),
    [
        ({"equals": 1}, 1.0),
        ({"equals": None}, None),
        ({"equals": {"a": [1, True], "b": None}}, {"b": None, "a": [1.0, True]}),
        ({"equals": HUGE}, HUGE),
        ({"one_of": [None, "x"]}, "x"),
        ({"one_of": [None, "x"]}, None),
        ({"length": 0}, []),
        ({"length": 2}, "\N{GREEK SMALL LETTER ALPHA}b"),
        ({"length": 1}, {"a": 1}),
        ({"unique": True}, [1, True, "1", [1], {"a": 1}, {"a": 2}, None]),
        ({"unique": False}, [{"a": [1]}, {"a": [1.0]}]),
        ({"same_items": [1, {"a": 1}]}, [{"a": 1}, 1.0, 1]),
        ({"number": 0.3, "within": 0.1}, 0.4),
        ({"number": 1e308, "within": 0}, 10**308),
        ({"number": 41.5, "within": 0.01}, 41.49),
        ({"contains": ["K7-412", "shelf"]}, "SHELF k7 412"),
        ({"contains": "412"}, 412),
        ({"not_contains": ["cold", "art"]}, "start"),
        ({"declines": False}, "Ann"),
        ({"declines": True}, "There are no such workers."),
        ({"declines": ["nada"]}, "Nada."),
        ({"not": {"equals": 1}}, True),
        ({"not": {"length": 3, "unique": True}}, [1, 1, 2]),
        ({"not": {"equals": 3}}, None),
    ],
)
def test_what_passes(check: Json, value: Any) -> None:
    assert failure(check, value) is None


@pytest.mark.parametrize(
    ("check", "value", "reason"),
    [
        ({"equals": 1}, True, "1 expected, got true"),
        ({"equals": 1}, "1", '1 expected, got "1"'),
        ({"equals": 0}, None, "0 expected, nothing is there"),
        ({"equals": [1]}, {"a": 1}, '[1] expected, got {"a": 1}'),
        ({"one_of": [1, 2]}, True, "one of [1, 2] expected, got true"),
        ({"length": 0}, None, "nothing is there"),
        ({"length": 3}, [1], "3 items expected, got 1"),
        ({"length": 3}, "ab", "3 characters expected, got 2"),
        ({"length": 3}, 333, "a list or a text expected, got 333"),
        ({"unique": True}, [{"a": 1}, 2, {"a": 1.0}], '{"a": 1.0} is there twice'),
        ({"unique": False}, [1, True], "no item is there twice"),
        ({"unique": True}, "aa", 'a list expected, got "aa"'),
        ({"same_items": [1, 2]}, [2, 3], "[1] missing and [3] not expected"),
        ({"same_items": []}, {}, "a list expected, got {}"),
        ({"number": 1}, True, "a number expected, got true"),
        ({"number": 1}, "1", 'a number expected, got "1"'),
        ({"number": 1}, float("nan"), "a number expected, got NaN"),
        ({"number": 41.5, "within": 0.01}, 41.52, "41.5 within 0.01 expected, got 41.52"),
        ({"contains": ["a", "b"]}, "a", '["b"] not in "a"'),
        ({"contains": "a"}, None, "nothing is there"),
        ({"contains": "true"}, True, '["true"] not in true'),
        ({"not_contains": ["b", "a"]}, "A!", '["a"] in "A!"'),
        # Or a hollow answer would pass.
        ({"not_contains": "a"}, None, "nothing is there"),
        ({"declines": True}, "Ann", 'it does not say that the task cannot be done: "Ann"'),
        ({"declines": False}, "Impossible.", 'it declines: "Impossible."'),
        ({"declines": False}, None, "nothing is there"),
        ({"not": {"equals": 1}}, 1, "must not pass `equals`, got 1"),
        ({"length": 3, "unique": True}, [1, 1], "3 items expected, got 2; 1 is there twice"),
        ({"equals": "\x1b[31m\u202e"}, 1, '"\\x1b[31m\\u202e" expected, got 1'),
    ],
)
def test_what_fails_says_what_was_expected_and_what_came(
    check: Json, value: Any, reason: str
) -> None:
    said = failure(check, value)
    # JSON escapes the first control character itself.
    assert said is not None
    assert said.replace("\\u001b", "\\x1b") == reason


@pytest.mark.parametrize("value", ["x" * 10_000, ["y" * 10] * 10_000, {"z": HUGE}, DEEP])
def test_a_reason_shows_the_beginning_of_a_value(value: Any) -> None:
    said = failure({"equals": value}, "other")
    assert said
    assert len(said) < 2 * SHOWN
    said = failure({"equals": 1}, value)
    assert said
    assert len(said) < 2 * SHOWN


def test_the_shape_of_an_answer_that_a_path_does_not_fit_is_a_fail() -> None:
    checks = [{"path": "sum(artifact)", "equals": 1}, {"path": "artifact.a.b", "length": 0}]
    checked = PURE.grade(task(*checks), Phase.ALPHA, answer("text"))
    assert checked
    first, second = checked.failed
    assert first.reason.startswith("sum(artifact): In function sum(), invalid type")
    assert second.reason == "artifact.a.b: nothing is there"


def test_an_artifact_that_hands_in_a_list_declines_nothing() -> None:
    artifact = {"message": "No such workers exist.", "workers": ["Ann"]}
    checked = PURE.grade(task({"declines": True}), Phase.GAMMA, answer(artifact))
    assert checked
    assert "and hands in `workers`" in checked.failed[0].reason


@given(JSON, JSON)
def test_values_are_equal_as_json_is(one: Any, other: Any) -> None:
    assert key_of(one) == key_of(one)
    assert hash(key_of([one, other])) == hash(key_of([one, other]))
    if isinstance(one, bool) is not isinstance(other, bool):
        assert key_of(one) != key_of(other)


@given(JSON, st.sampled_from(["artifact", "artifact.x", "artifact[0]", "sort(artifact)", None]))
def test_no_answer_breaks_a_condition(value: Any, path: str | None) -> None:
    conditions: list[Json] = [
        {"equals": value},
        {"one_of": [value]},
        {"length": 1},
        {"unique": True},
        {"same_items": [value]},
        {"number": 1.5},
        {"contains": "a"},
        {"not_contains": "a"},
        {"declines": True},
        {"not": {"equals": value}},
    ]
    where = {} if path is None else {"path": path}
    checks = [where | condition for condition in conditions]
    checked = PURE.grade(task(*checks), Phase.ALPHA, answer(value))
    assert checked
    for failed in checked.failed:
        assert failed.reason.isprintable()
    # Half a surrogate pair in a reason could not be written to a file.
    checked.model_dump_json()


def test_the_table_has_every_condition_that_a_check_can_state() -> None:
    fields = set(Check.model_fields) - {"path", "within", "timeout_s"}
    assert {kind.field for kind in KINDS} == fields
    assert len(KINDS) == len(fields)


def test_a_check_states_something() -> None:
    with pytest.raises(ValidationError, match="states no condition"):
        Check.model_validate({"path": "artifact"})


TRY_IT = """
import json
from battery.grading import Grader, require_usable
from battery.records.checks import Check
from battery.records.models import Phase, Task
checks = [{"begins_with": "K7"}, {"not": {"begins_with": "shelf"}}, {"begins_with": "412"}]
checks = [Check.model_validate(check) for check in checks]
task = Task(task_class="c", operation="o", spec={}, checks=checks)
checked = Grader(None).grade(task, Phase.ALPHA, {"status": "ok", "artifact": "K7-412"})
print(json.dumps([[failed.check, failed.reason] for failed in checked.failed]))
"""


@pytest.mark.recipe
def test_a_kind_that_is_added_as_contributing_says_grades(tmp_path: Path) -> None:
    source = copy_program(tmp_path)
    field, kind = code_of(recipe("Add a kind of check"))
    insert(source / "records/checks.py", (r"^()    timeout_s: float", f"    {field}"))
    insert(source / "grading/kinds.py", (r"^KINDS: Final = \((?s:.*?)^()\)", f"{kind.rstrip()},\n"))
    done = subprocess.run(
        [sys.executable, "-c", TRY_IT],
        capture_output=True,
        text=True,
        check=False,
        env=environment({"PYTHONPATH": str(tmp_path)}),
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["checks[2]", '"412" expected first, got "K7-412"']]
