"""A tasks file is read whole or refused with its name, the place in it and what is wrong there."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base.errors import TasksError
from battery.inputs.tasks import (
    PACKAGED,
    differences,
    digest,
    find_tasks,
    labels,
    limited,
    load_tasks,
    parse_tasks,
    plan,
    shuffled,
    siblings,
    task_id,
)
from battery.records.models import Phase, Task, Tasks

MODELS = {"executor_cloud": "a", "reviewer_cloud": "b", "overseer_cloud": "c"}


def task(operation: str = "fill", **spec: Any) -> dict[str, Any]:
    return {"task_class": "staffing", "operation": operation, "spec": spec}


def sibling(operation: str = "new", **spec: Any) -> dict[str, Any]:
    return {"operation": operation, "spec": spec}


GOOD: dict[str, Any] = {
    "phases": {
        "alpha_baseline": [task("fill: Welder", count=1)],
        "beta_drift": [task("fill: Rigger"), task("fill: Crane hand", within=[1, {"a": None}])],
        "gamma_impossible": [],
    },
    "models": MODELS,
}


def read(document: object) -> Tasks:
    return parse_tasks(json.dumps(document).encode(), "mine.json")


def refused(data: bytes) -> str:
    """Return what is said of bytes that are no tasks file."""
    with pytest.raises(TasksError) as caught:
        parse_tasks(data, "mine.json")
    assert caught.value.exit_code == 2
    assert caught.value.hint
    assert caught.value.message.startswith("mine.json")
    return caught.value.message


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = copy.deepcopy(GOOD)
    change(document)
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n\t\r\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b'{"phases": ', "is not JSON: unexpected end"),
        (b"{'phases': {}}", "line 1 column 2"),
        (b"phases: {}", "line 1 column 1"),
        (b"{}\n{}", "line 2 column 1"),
        (b'{"phases": NaN}', "is not JSON"),
        (b"[" * 100_000, "is not JSON: depth limit"),
        (b'{"a": ' * 300 + b"1" + b"}" * 300, "nested deeper than 200 levels"),
        (b'{"phases": "\xff"}', "is not UTF-8: byte 12"),
        ('{"phases": {}}'.encode("utf-16"), "is not UTF-8: byte 0"),
        (b"[]", "an object was expected"),
        (b"null", "an object was expected"),
        (b"{}", "phases: is missing"),
    ],
)
def test_bytes_that_are_no_tasks_are_refused(data: bytes, words: str) -> None:
    assert words in refused(data)


ROWS: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("no phases", lambda d: d.pop("phases"), "phases: is missing"),
    ("no models", lambda d: d.pop("models"), "models: is missing"),
    ("more", lambda d: d.update(modles={}), "modles: is not a known key"),
    ("a list of phases", lambda d: d.update(phases=[]), "phases: "),
    ("no beta", lambda d: d["phases"].pop("beta_drift"), "phases.beta_drift: is missing"),
    ("delta", lambda d: d["phases"].update(delta=[]), "phases.delta: is not a known key"),
    ("one task", lambda d: d["phases"].update(beta_drift=task()), "phases.beta_drift: "),
    ("a text", lambda d: d["phases"].update(beta_drift=["x"]), "phases.beta_drift[0]: "),
    ("null", lambda d: d["phases"].update(gamma_impossible=None), "phases.gamma_impossible: "),
    (
        "no operation",
        lambda d: d["phases"]["beta_drift"][1].pop("operation"),
        "phases.beta_drift[1].operation: is missing",
    ),
    (
        "a number",
        lambda d: d["phases"]["beta_drift"][1].update(operation=5),
        "phases.beta_drift[1].operation: input should be a valid string, got 5",
    ),
    (
        "no name",
        lambda d: d["phases"]["alpha_baseline"][0].update(task_class=""),
        "phases.alpha_baseline[0].task_class: ",
    ),
    (
        "a spec of text",
        lambda d: d["phases"]["alpha_baseline"][0].update(spec="x"),
        "phases.alpha_baseline[0].spec: ",
    ),
    (
        "a typing error",
        lambda d: d["phases"]["alpha_baseline"][0].update(opperation="x"),
        "phases.alpha_baseline[0].opperation: is not a known key",
    ),
    ("no model", lambda d: d["models"].pop("overseer_cloud"), "models.overseer_cloud: is missing"),
    ("null model", lambda d: d["models"].update(overseer_cloud=None), "models.overseer_cloud: "),
    ("a model more", lambda d: d["models"].update(x="y"), "models.x: is not a known key"),
    ("no attempt", lambda d: d.update(attempts=0), "attempts: "),
    ("half an attempt", lambda d: d.update(attempts=1.5), "attempts: "),
    ("an attempt in words", lambda d: d.update(attempts="2"), "attempts: "),
    ("no miss", lambda d: d.update(attempts=3, overseer_after=0), "overseer_after: "),
    (
        "an overseer that nobody reaches",
        lambda d: d.update(attempts=2, overseer_after=2),
        "overseer_after is 2 and attempts is 2: ",
    ),
    (
        "an overseer of one attempt",
        lambda d: d.update(overseer_after=1),
        "overseer_after is 1 and attempts is 1: ",
    ),
    (
        "nothing to teach",
        lambda d: d["phases"]["beta_drift"][1].update(teach=""),
        "phases.beta_drift[1].teach: ",
    ),
    ("empty", lambda d: [p.clear() for p in d["phases"].values()], "the three phases hold no"),
    (
        "twice",
        lambda d: d["phases"]["beta_drift"].append(d["phases"]["beta_drift"][0]),
        "phases.beta_drift[2] is the same task as phases.beta_drift[0] ('fill: Rigger')",
    ),
    (
        "a sibling that is a task",
        lambda d: d["phases"]["beta_drift"][0].update(
            siblings=[sibling(), sibling("fill: Rigger")]
        ),
        "phases.beta_drift[0].siblings[1] is the same task as phases.beta_drift[0]",
    ),
    (
        "a sibling twice",
        lambda d: [each.update(siblings=[sibling()]) for each in d["phases"]["beta_drift"]],
        "phases.beta_drift[1].siblings[0] is the same task as phases.beta_drift[0].siblings[0]",
    ),
    (
        "a sibling with a class",
        lambda d: d["phases"]["beta_drift"][0].update(siblings=[task()]),
        "phases.beta_drift[0].siblings[0].task_class: is not a known key",
    ),
]


@pytest.mark.parametrize(("change", "words"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS])
def test_a_wrong_document_is_refused_with_its_place(
    change: Callable[[dict[str, Any]], object], words: str
) -> None:
    assert f"mine.json: {words}" in refused(changed(change))


@settings(deadline=None)
@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_tasks_or_a_tasks_error(data: bytes) -> None:
    with suppress(TasksError):
        assert isinstance(parse_tasks(data, "mine.json"), Tasks)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.data())
def test_a_good_file_with_anything_in_one_place_is_tasks_or_a_tasks_error(
    data: st.DataObject,
) -> None:
    document = copy.deepcopy(GOOD)
    group: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(group) if isinstance(group, dict) else [0]))
        if not (isinstance(group[key], (dict, list)) and group[key] and data.draw(st.booleans())):
            break
        group = group[key]
    group[key] = data.draw(anything)
    with suppress(TasksError):
        assert isinstance(parse_tasks(json.dumps(document).encode(), "mine.json"), Tasks)


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert parse_tasks(b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), "mine.json") == read(GOOD)


@settings(deadline=None)
@given(st.dictionaries(st.text(), anything, max_size=4))
def test_any_json_object_is_a_spec_and_is_kept(spec: dict[str, Any]) -> None:
    first = {**task(), "spec": spec}
    kept = read({**GOOD, "phases": {**GOOD["phases"], "alpha_baseline": [first]}})
    assert json.dumps(kept.phases.alpha_baseline[0].spec) == json.dumps(spec)


def test_a_deep_spec_and_a_long_number_are_kept_and_hashed() -> None:
    spec: dict[str, Any] = {"n": 2**200}
    for _ in range(150):
        spec = {"deeper": spec}
    document = {**GOOD, "phases": {**GOOD["phases"], "alpha_baseline": [task(**spec)]}}
    tasks = read(document)
    assert tasks.phases.alpha_baseline[0].spec == spec
    assert len(digest(tasks)) == 64
    assert plan(tasks)[0].task_id == task_id(Phase.ALPHA, tasks.phases.alpha_baseline[0])


# Comments


def commented(comment: object) -> dict[str, Any]:
    """Return the good file with `$schema`, and this comment wherever one may stand."""
    document = copy.deepcopy(GOOD) | {"expectations": {}}
    parts = [document, document["phases"], document["models"], document["expectations"]]
    document["phases"]["beta_drift"][0]["siblings"] = [sibling(), sibling("newer")]
    tasks = [each for tasks in document["phases"].values() for each in tasks]
    parts += [*tasks, *tasks[1]["siblings"]]
    for part in parts:
        part["$comment"] = comment
    return {"$schema": "./tasks.schema.json", **document}


def with_siblings(*operations: str) -> dict[str, Any]:
    """Return the good file with these siblings of its first niche task."""
    document = copy.deepcopy(GOOD)
    listed = [sibling(name) for name in operations or ("new", "newer")]
    document["phases"]["beta_drift"][0]["siblings"] = listed
    return document


@given(st.text() | st.lists(st.text()))
@settings(deadline=None)
def test_comments_change_nothing(comment: object) -> None:
    """Tasks, their ids and the digest are those of the file without them."""
    plain = read({**GOOD, "expectations": {}, "phases": with_siblings()["phases"]})
    tasks = read(commented(comment))
    assert tasks == plain
    assert digest(tasks) == digest(plain)
    assert plan(tasks) == plan(plain)
    assert b"$" not in json.dumps(tasks.document()).encode()


def test_in_a_spec_a_comment_is_part_of_the_task() -> None:
    spec: dict[str, Any] = {"$comment": "for the gateway", "$schema": 5}
    document = {**GOOD, "phases": {**GOOD["phases"], "alpha_baseline": [task(**spec)]}}
    assert read(document).phases.alpha_baseline[0].spec == spec


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update({"$schema": {}}), "$schema: a string was expected"),
        (lambda d: d.update({"$comment": None}), "$comment: a string or a list of strings"),
        (lambda d: d["models"].update({"$comment": ["a", 1]}), "models.$comment: a string or"),
        (
            lambda d: d["phases"]["beta_drift"][1].update({"$comment": {}}),
            "phases.beta_drift[1].$comment: a string or a list of strings was expected",
        ),
        (
            lambda d: d["phases"]["beta_drift"][1].update(siblings=[{"$comment": 1}]),
            "phases.beta_drift[1].siblings[0].$comment: a string or a list of strings",
        ),
        (lambda d: d["models"].update({"$schema": ""}), "models.$schema: is not a known key"),
        (lambda d: d.update({"$coment": ""}), "$coment: is not a known key"),
        (
            lambda d: d["phases"]["beta_drift"][0].update({"comment": ""}),
            "phases.beta_drift[0].comment: is not a known key",
        ),
    ],
)
def test_a_comment_of_another_shape_or_name_is_refused_with_its_place(
    change: Callable[[dict[str, Any]], object], words: str
) -> None:
    assert f"mine.json: {words}" in refused(changed(change))


# Files


def load_refused(path: Path) -> str:
    with pytest.raises(TasksError) as caught:
        load_tasks(path)
    assert caught.value.hint
    assert str(path) in caught.value.message
    return caught.value.message


@contextmanager
def without_privileges() -> Iterator[None]:
    """Be an ordinary user for a moment: root may read every file."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "No such file" in load_refused(tmp_path / "tasks.json")


def test_a_folder_is_no_tasks_file(tmp_path: Path) -> None:
    assert "Is a directory" in load_refused(tmp_path)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps(GOOD))
    path.chmod(0)
    with without_privileges():
        assert "Permission denied" in load_refused(path)


def test_an_enormous_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "tasks.json"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    assert "larger than the 64 MiB" in load_refused(path)


def test_a_file_without_end_is_refused() -> None:
    assert "larger than the 64 MiB" in load_refused(Path("/dev/zero"))


def test_a_pipe_is_read_like_a_file() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, json.dumps(GOOD).encode())
    os.close(write_end)
    try:
        assert load_tasks(Path(f"/dev/fd/{read_end}")) == read(GOOD)
    finally:
        os.close(read_end)


def test_the_named_file_wins_then_the_one_here_then_the_packaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    packaged, source = find_tasks(None)
    assert source == PACKAGED
    assert [len(packaged.phases.of(phase)) for phase in Phase] == [3, 3, 2]
    Path("tasks.json").write_text(json.dumps(GOOD))
    assert find_tasks(None) == (read(GOOD), str(tmp_path / "tasks.json"))
    Path("other.json").write_text(json.dumps(GOOD | {"models": dict.fromkeys(MODELS, "z")}))
    assert find_tasks(Path("other.json"))[0].models.overseer_cloud == "z"


# What is made of them


def test_the_plan_lists_all_tasks_in_phase_order() -> None:
    assert [(entry.phase, entry.label) for entry in plan(read(GOOD))] == [
        (Phase.ALPHA, "fill: Welder"),
        (Phase.BETA, "fill: Rigger"),
        (Phase.BETA, "fill: Crane hand"),
    ]


@given(st.lists(st.integers(0, 4), min_size=3, max_size=3).filter(any), st.integers(1, 5))
@settings(deadline=None)
def test_a_limit_takes_the_first_of_each_phase(counts: list[int], limit: int) -> None:
    phases = {
        name: [task(f"{name} {number}") for number in range(count)]
        for name, count in zip(GOOD["phases"], counts, strict=True)
    }
    tasks = read({**GOOD, "phases": phases})
    kept = limited(tasks, limit)
    for phase in Phase:
        assert kept.phases.of(phase) == tasks.phases.of(phase)[:limit]
    assert limited(kept, limit) == kept
    assert limited(tasks, None) == tasks
    assert (digest(kept) == digest(tasks)) == (max(counts) <= limit)


@given(st.integers(0, 2**32), st.integers(0, 4))
def test_a_seed_gives_tasks_and_siblings_an_order_whatever_that_of_the_file(
    seed: int, turned: int
) -> None:
    document = with_siblings("a", "b", "c")
    document["phases"]["alpha_baseline"] = [task(n=n) for n in range(5)]
    one = shuffled(read(document), seed)
    alpha = document["phases"]["alpha_baseline"]
    alpha[:] = alpha[turned:] + alpha[:turned]
    other = shuffled(read(document), seed)
    assert other == one == shuffled(one, seed)
    assert {entry.task_id for entry in plan(one)} == {
        entry.task_id for entry in plan(read(document))
    }


def test_seeds_differ_in_the_order_that_they_give_and_none_keeps_that_of_the_file() -> None:
    document = with_siblings("a", "b", "c")
    document["phases"]["alpha_baseline"] = [task(n=n) for n in range(5)]
    tasks = read(document)
    orders = [shuffled(tasks, seed) for seed in range(40)]
    assert len({digest(order) for order in orders}) > 30
    niche = [entry for order in orders for entry in order.phases.beta_drift if entry.siblings]
    assert len({str(entry.siblings) for entry in niche}) == 6
    assert shuffled(tasks, None) is tasks


def test_tasks_that_share_an_operation_are_numbered() -> None:
    operations = ["a", "b", "a", "a"]
    named = [Task(task_class="c", operation=name, spec={}) for name in operations]
    assert labels(named) == ["a (1)", "b", "a (2)", "a (3)"]


def test_a_task_is_known_by_what_it_asks_and_not_by_its_spelling() -> None:
    one = Task(task_class="c", operation="o", spec={"a": 1, "b": {"x": 1, "y": 2}})
    turned = Task(task_class="c", operation="o", spec={"b": {"y": 2, "x": 1}, "a": 1})
    assert task_id(Phase.ALPHA, one) == task_id(Phase.ALPHA, turned)
    others = [
        task_id(Phase.BETA, one),
        task_id(Phase.ALPHA, one.model_copy(update={"operation": "p"})),
        task_id(Phase.ALPHA, one.model_copy(update={"task_class": "d"})),
        task_id(Phase.ALPHA, one.model_copy(update={"spec": {}})),
    ]
    assert len({task_id(Phase.ALPHA, one), *others}) == 5


def test_the_digest_is_the_same_for_another_formatting() -> None:
    assert digest(parse_tasks(json.dumps(GOOD, indent=7).encode(), "x")) == digest(read(GOOD))
    assert digest(parse_tasks(changed(lambda d: d["models"].update(overseer_cloud="x")), "x")) != (
        digest(read(GOOD))
    )


def test_differences_name_what_changed() -> None:
    def edit(document: dict[str, Any]) -> None:
        document["models"]["overseer_cloud"] = "new"
        document["phases"]["beta_drift"][0]["spec"] = {"n": 1}
        document["phases"]["alpha_baseline"].clear()

    now = parse_tasks(changed(edit), "x")
    assert differences(read(GOOD), now) == [
        "models.overseer_cloud: 'c' became 'new'",
        "easy task 'fill: Welder' is gone",
        "niche task 'fill: Rigger' is gone",
        "niche task 'fill: Rigger' is new",
    ]
    turned = parse_tasks(changed(lambda d: d["phases"]["beta_drift"].reverse()), "x")
    assert differences(read(GOOD), turned) == ["the order of the tasks"]
    assert differences(read(GOOD), read(GOOD)) == []
    assert differences(read(with_siblings("a", "b")), read(with_siblings("a", "c"))) == [
        "niche task 'fill: Rigger' has other siblings"
    ]


def test_what_scores_an_answer_is_no_part_of_what_is_asked() -> None:
    scored = with_siblings()
    first = scored["phases"]["beta_drift"][0]
    for part in (first, *first["siblings"]):
        part["checks"] = [{"path": "artifact.x", "equals": 1}]
    scored["prices"] = {"m": {"input": 1, "output": 2}}
    tasks, plain = read(scored), read(with_siblings())
    assert digest(tasks) == digest(plain)
    assert differences(plain, tasks) == []
    assert [entry.task_id for entry in plan(tasks)] == [entry.task_id for entry in plan(plain)]
    assert digest(read(with_siblings("a"))) != digest(plain)


def taught(document: dict[str, Any], teach: str, new: str) -> dict[str, Any]:
    """Return the document with something to teach for its niche task and the sibling of that."""
    task = document["phases"]["beta_drift"][0]
    task["teach"] = teach
    task["siblings"][0]["teach"] = new
    return document


def test_what_is_corrected_and_taught_is_part_of_what_is_asked() -> None:
    plain = read(with_siblings())
    several = read({**with_siblings(), "attempts": 3, "overseer_after": 2})
    assert (several.attempts, several.overseer_after) == (3, 2)
    assert differences(plain, several) == [
        "attempts: 1 became 3",
        "overseer_after: None became 2",
    ]
    tell = read(taught(with_siblings(), "say it", "say it too"))
    other = read(taught(with_siblings(), "say it", "say that"))
    assert differences(plain, tell) == ["niche task 'fill: Rigger' teaches something else"]
    assert differences(tell, other) == differences(plain, tell)
    assert len({digest(tasks) for tasks in (plain, several, tell, other)}) == 4
    assert [entry.task_id for entry in plan(tell)] == [entry.task_id for entry in plan(plain)]
    [first] = siblings(plan(tell), 1)
    assert first.task.teach == "say it too"


def test_one_attempt_is_what_a_file_without_attempts_asks() -> None:
    """Or every battery of an earlier version would have another digest than its manifest says."""
    assert digest(read({**GOOD, "attempts": 1})) == digest(read(GOOD))
    assert digest(read({**GOOD, "overseer_after": None})) == digest(read(GOOD))
    assert digest(read(GOOD)) == (
        "2d46afecbe19e6e6d2c8caabb6be16877b8f9578893a6f4f08748014f29b1d3d"
    )


def test_siblings_are_planned_by_their_number_with_the_task_that_they_are_of() -> None:
    document = with_siblings("same", "other")
    document["phases"]["beta_drift"][1]["siblings"] = [sibling("same", n=1)]
    planned = plan(read(document))
    first = siblings(planned, 1)
    assert [(entry.label, entry.phase) for entry in first] == [
        ("same (1)", Phase.BETA),
        ("same (2)", Phase.BETA),
    ]
    assert [entry.sibling_of for entry in first] == [entry.task_id for entry in planned[1:]]
    assert {entry.task.task_class for entry in first} == {"staffing"}
    assert [entry.label for entry in siblings(planned, 2)] == ["other"]
    assert siblings(planned, 3) == []
