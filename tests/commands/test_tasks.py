"""A data set becomes a tasks file that loads, whose checks pass right answers and no wrong ones."""

from __future__ import annotations

import csv
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from battery.base.errors import FolderError, UsageError
from battery.commands.tasks import Method, Wanted, check_of, import_tasks
from battery.grading import Grader
from battery.inputs.tasks import load_tasks
from battery.records.checks import Check
from battery.records.models import Phase, Task

ROWS: list[dict[str, Any]] = [
    {"question": "How long do refunds take?", "answer": "3 days"},
    {"question": "What is 12 times 103?", "answer": 1236},
]


def written(folder: Path, rows: object, name: str = "data.jsonl") -> Path:
    path = folder / name
    if name.endswith("l"):
        assert isinstance(rows, list)
        path.write_text("\n".join(json.dumps(row) for row in rows))
    else:
        path.write_text(rows if isinstance(rows, str) else json.dumps(rows))
    return path


def imported(folder: Path, rows: object, wanted: Wanted | None = None, **of: str) -> Any:
    path = written(folder, rows, **of)
    import_tasks(path, wanted or Wanted(), folder / "tasks.json")
    return load_tasks(folder / "tasks.json").document()["phases"]


def passes(check: dict[str, Any], artifact: object) -> bool:
    """Return whether an answer passes a check, by battery's own grading."""
    task = Task(task_class="c", operation="o", spec={}, checks=[Check.model_validate(check)])
    answer = {"status": "ok", "artifact": artifact}
    with Grader(None) as grader:
        checked = grader.grade(task, Phase.BETA, answer)
    assert checked is not None
    return checked.ok


def test_a_row_becomes_a_task_with_its_prompt_and_a_check(tmp_path: Path) -> None:
    phases = imported(tmp_path, ROWS)
    assert phases["alpha_baseline"] == phases["gamma_impossible"] == []
    first, second = phases["beta_drift"]
    assert first == {
        "task_class": "question.answer",
        "operation": "answer: How long do refunds take?",
        "spec": {"prompt": "How long do refunds take?"},
        "checks": [{"contains": "3 days"}],
    }
    assert "matches" in second["checks"][0]


@pytest.mark.parametrize("name", ["data.jsonl", "data.ndjson", "data.json", "data.csv", "data.tsv"])
def test_every_kind_of_file_gives_the_same_tasks(tmp_path: Path, name: str) -> None:
    rows = [{"question": "A, b\nor c?", "answer": "the 2nd"}, {"question": "x", "answer": "y"}]
    path = tmp_path / name
    if name.endswith("sv"):
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            table = csv.DictWriter(file, rows[0], delimiter="," if "c" in name[-3:] else "\t")
            table.writeheader()
            table.writerows(rows)
    else:
        lines = json.dumps(rows) if name == "data.json" else "\n".join(map(json.dumps, rows))
        path.write_text(lines + "\n\n")
    import_tasks(path, Wanted(), tmp_path / "tasks.json")
    asked = load_tasks(tmp_path / "tasks.json").phases.beta_drift
    assert [task.spec["prompt"] for task in asked] == ["A, b\nor c?", "x"]
    assert [task.checks[0].contains for task in asked] == ["the 2nd", "y"]


def test_rows_of_one_lesson_become_a_task_and_its_siblings(tmp_path: Path) -> None:
    rows = [
        {"question": f"q{n}", "answer": f"a{n}", "lesson": lesson}
        for n, lesson in enumerate(["x", "", "x", None, "y", "x"])
    ]
    tasks = imported(tmp_path, rows, Wanted(siblings_by="lesson"))["beta_drift"]
    assert [task["spec"]["prompt"] for task in tasks] == ["q0", "q1", "q3", "q4"]
    assert [each["spec"]["prompt"] for each in tasks[0]["siblings"]] == ["q2", "q5"]
    assert tasks[0]["siblings"][1]["checks"] == [{"contains": "a5"}]


def test_a_limit_counts_tasks_and_leaves_them_their_siblings(tmp_path: Path) -> None:
    rows = [{"question": f"q{n}", "answer": "a", "lesson": str(n % 3)} for n in range(9)]
    tasks = imported(tmp_path, rows, Wanted(siblings_by="lesson", limit=2))["beta_drift"]
    assert [len(task["siblings"]) for task in tasks] == [2, 2]


def test_rows_beyond_the_limit_are_not_looked_at(tmp_path: Path) -> None:
    rows = [*ROWS, {"question": "", "answer": ""}]
    assert len(imported(tmp_path, rows, Wanted(limit=2))["beta_drift"]) == 2


def test_a_column_says_of_what_kind_a_task_is(tmp_path: Path) -> None:
    rows = [
        {"question": f"q{n}", "answer": answer, "kind": kind}
        for n, (answer, kind) in enumerate([("a", "Easy"), ("b", "niche"), ("", "impossible")])
    ]
    phases = imported(tmp_path, rows, Wanted(phase_by="kind"))
    assert [len(tasks) for tasks in phases.values()] == [1, 1, 1]
    # Held to declining without any check.
    assert "checks" not in phases["gamma_impossible"][0]


def test_columns_go_into_the_spec_where_they_are_named(tmp_path: Path) -> None:
    rows = [{"q": "same", "a": "b", "context": text, "other": 1} for text in ("x", "y")]
    tasks = imported(tmp_path, rows, Wanted(prompt="q", answer="a", spec=["context"]))
    assert [task["spec"] for task in tasks["beta_drift"]] == [
        {"prompt": "same", "context": text} for text in ("x", "y")
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*ROWS, {"question": "x", "answer": " "}], "line 3: the answer is empty"),
        ([*ROWS, {"question": "x", "answer": None}], "line 3: the answer is empty"),
        ([*ROWS, {"question": "x", "answer": []}], "line 3: the answer is empty"),
        ([*ROWS, ROWS[0]], "line 3: it asks the same as line 1"),
        ([{"question": "", "answer": "y"}], "line 1: the prompt in 'question' is not a text"),
        ([{"question": 5, "answer": "y"}], "line 1: the prompt in 'question' is not a text"),
        ([{"prompt": "x"}], "no column 'question'; its columns are 'prompt'"),
        ([{"question": "x", "answer": True}], "line 1: the answer is neither a text nor a number"),
        ([ROWS[0], 5], "line 2: an object was expected"),
        ([], "has no rows"),
    ],
)
def test_what_makes_no_task_is_refused_with_its_line(
    tmp_path: Path, rows: list[Any], message: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        imported(tmp_path, rows)
    assert caught.value.hint
    assert "data.jsonl" in caught.value.message
    assert not (tmp_path / "tasks.json").exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("data.json", '{"question": "x"}', "a list of objects was expected"),
        ("data.json", "[", "not JSON"),
        ("data.csv", 'question,answer\nx,y\n"x', "cannot be read"),
        ("data.csv", "question,answer\nx\n", "line 2: it has fewer cells than columns"),
        ("data.csv", "question,answer\nx,y,z\n", "line 2: it has more cells than columns"),
        ("data.txt", "x", "its name has to end in .jsonl"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        imported(tmp_path, text, name=name)
    assert message in f"{caught.value.message}; {caught.value.hint}"
    with pytest.raises(UsageError, match="cannot read"):
        import_tasks(tmp_path / "gone.csv", Wanted(), tmp_path / "tasks.json")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "tasks.json").write_text("mine")
    with pytest.raises(FolderError, match="would be overwritten"):
        imported(tmp_path, ROWS)
    assert (tmp_path / "tasks.json").read_text() == "mine"


@pytest.mark.parametrize(
    ("answer", "method", "path", "right", "wrong"),
    [
        ("3 days", "auto", None, ["It takes 3 days.", "3\nDays"], ["13 days", "3 daisies"]),
        (1236, "auto", None, ["It is 1236.", "1,236", "=1236.0"], ["12360", "1236.5", "-1236"]),
        ("1,236", "auto", None, ["1236 dollars", "$1,236.00"], ["11236", "123.6"]),
        ("-2.50", "auto", None, ["-2.5", "is \u22122.50"], ["2.5", "-2.55"]),
        ("007", "auto", None, ["agent 007"], ["7"]),
        ("C++", "auto", None, ["c++, of course"], ["C", "C+"]),
        (["Rome", "Roma"], "auto", None, ["in Roma", "ROME"], ["Romans"]),
        ("x 1", "contains", None, ["it is x 1"], ["x"]),
        (["a.c", r"\d{3}"], "matches", None, ["abc", "123"], ["ac", "12"]),
        (3, "number", None, ["3 of them"], ["three"]),
    ],
)
def test_a_check_passes_right_answers_and_no_wrong_ones(
    answer: object, method: Method, path: str | None, right: list[str], wrong: list[str]
) -> None:
    check = check_of(answer, method, path)
    assert [text for text in right if not passes(check, {"text": text})] == []
    assert [text for text in wrong if passes(check, {"text": text})] == []


@pytest.mark.parametrize(
    ("answer", "method", "check"),
    [
        ("42", "auto", {"path": "artifact.n", "number": 42.0}),
        ("Rome", "auto", {"path": "artifact.n", "equals": "Rome"}),
        ({"a": [1]}, "equals", {"path": "artifact.n", "equals": {"a": [1]}}),
        ("42", "equals", {"path": "artifact.n", "equals": "42"}),
        ([1, "2"], "number", {"path": "artifact.n", "one_of": [1.0, 2.0]}),
        ("Rome", "contains", {"path": "artifact.n", "contains": "Rome"}),
    ],
)
def test_a_path_says_where_to_look(answer: object, method: Method, check: dict[str, Any]) -> None:
    assert check_of(answer, method, "artifact.n") == check


def test_equal_is_what_the_whole_text_is() -> None:
    assert check_of("Rome", "equals", None) == {"path": "artifact.text", "equals": "Rome"}


@pytest.mark.parametrize(
    ("answer", "method", "message"),
    [
        ("three", "number", "the answer is not a number: 'three'"),
        (["a", "b"], "contains", "several answers"),
        ({"a": 1}, "auto", "take --check equals"),
    ],
)
def test_an_answer_that_the_method_cannot_look_for_is_refused(
    answer: object, method: Method, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_of(answer, method, None)


@example(number=-0.0)
@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_any_number_is_found_as_it_is_written(number: float) -> None:
    pattern = check_of(number, "auto", None)["matches"]
    written = f"{Decimal(str(number)):f}"
    assert re.search(pattern, f"so it is {written}, I think")
    assert not re.search(pattern, f"so it is 7{written.removeprefix('-')}7")


def test_notes_say_what_any_answer_would_pass(tmp_path: Path) -> None:
    rows = [
        {"question": "Is it red or blue?", "answer": "blue"},
        {"question": "Why?", "answer": " ".join(["word"] * 13)},
    ]
    notes = import_tasks(written(tmp_path, rows), Wanted(), tmp_path / "tasks.json").notes
    assert [note.split(":")[0] for note in notes] == [
        "1 answer can be found in the prompt",
        "1 answer of more than 12 words",
        "there is no easy task, so nothing tells whether learning breaks what worked",
    ]
