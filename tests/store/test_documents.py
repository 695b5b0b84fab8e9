"""Artifacts read back: in any layout, and with file and place where one is spoilt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.base import jsonio
from battery.base.errors import ArtifactError, ShapeError
from battery.protocol import Json
from battery.protocol.usage import Spent
from battery.records.models import ELAPSED_KEY, Phase, RunResult
from battery.records.stages import OVERSEER
from battery.store.documents import read_answers, read_back
from battery.store.iteration_dir import IterationDir
from tests.support.runs import run


@pytest.fixture
def files(tmp_path: Path) -> IterationDir:
    (tmp_path / "iter_1").mkdir()
    return IterationDir(tmp_path / "iter_1", 1)


def test_runs_are_read_back_as_numbers(files: IterationDir) -> None:
    answer = {"artifact": {"usage": {"total_tokens": 7}}, "log": [{"kind": "overseer_correction"}]}
    files.write_runs([run("failed", error="no one", **answer)])
    (read,) = files.read_runs()
    assert read.phase is Phase.ALPHA
    assert read.task.operation == "o"
    usage = {"total_tokens": 7.0}
    assert read.result._replace(digest=b"", handed_in=b"") == RunResult(
        "failed", 2, 7, True, "no one", 40, usage=usage, spent=Spent(7)
    )
    assert read.result.digest != read.result.handed_in


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not JSON"),
        ("{}", "a list was expected"),
        ("[1]", r"\[0\]\.result: is missing"),
        (json.dumps([run(), run("great")]), r"\[1\]\.result\.status"),
        (json.dumps([{**run(), "phase": "delta"}]), r"\[0\]\.phase: `alpha`, `beta` or `gamma`"),
        (json.dumps([{**run(), "task": {"spec": {}}}]), r"\[0\]\.task\.task_class: is missing"),
    ],
)
def test_spoilt_runs_are_refused_with_file_and_place(
    files: IterationDir, content: str, says: str
) -> None:
    (files.root / "runs.json").write_text(content)
    with pytest.raises(ArtifactError, match=rf"iter_1/runs\.json.*{says}"):
        files.read_runs()


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize(
    "write",
    [
        json.dumps,
        lambda runs: json.dumps(runs, indent=2),
        lambda runs: json.dumps(runs, indent=1),
        lambda runs: json.dumps(runs, indent=4),
        lambda runs: json.dumps(runs, indent=2).replace("\n", "\r\n"),
        lambda runs: "[\n" + ",\n".join(map(json.dumps, runs)) + "\n]\n",
    ],
)
def test_runs_are_read_in_whatever_layout_another_program_left_them(
    files: IterationDir, count: int, write: Callable[[list[Any]], str]
) -> None:
    runs = [run(text="},\n  {", turn=n) for n in range(count)]
    (files.root / "runs.json").write_text(write(runs), newline="")
    assert len(files.read_runs()) == count


def test_a_run_that_is_torn_in_the_middle_is_named_by_its_number(files: IterationDir) -> None:
    text = json.dumps([run(), run(), run()], indent=2)
    (files.root / "runs.json").write_text(text.replace("  },\n  {", "  }\n  {", 1))
    line = text.split("  },\n  {", maxsplit=1)[0].count("\n") + 2
    with pytest.raises(ArtifactError, match=rf"runs\.json.*not JSON: .*: line {line} column 3 "):
        files.read_runs()


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("depth", [190, 900])
def test_an_answer_of_any_depth_is_read_as_far_as_it_can_be_written(
    files: IterationDir, depth: int, indent: int | None
) -> None:
    deep: list[Any] = [12345678901234567890123]
    for _ in range(depth):
        deep = [deep]
    runs = [run(), run(deep=deep, iterations=3), run("failed")]
    (files.root / "runs.json").write_text(json.dumps(runs, indent=indent), "utf-8")
    read = list(read_answers(files.root / "runs.json"))
    assert [run.result.status for run, _ in read] == ["ok", "ok", "failed"]
    assert read[1][0].result.turns == 3
    faults = [list(run.result.faults) for run, _ in read]
    assert faults == [[], ["result: nested deeper than 240 levels"] if depth == 900 else [], []]
    assert b"12345678901234567890123" in jsonio.dumps([read[1][1]]) or depth == 900


def test_a_missing_file_says_what_to_do(files: IterationDir) -> None:
    with pytest.raises(ArtifactError, match="No such file") as caught:
        files.require_answer(OVERSEER.file)
    assert "`battery summarize`" in (caught.value.hint or "")


def test_a_file_that_cannot_be_read_is_named_with_what_would_clear_the_cause(
    files: IterationDir,
) -> None:
    (files.root / "runs.json").mkdir(parents=True)
    with pytest.raises(ArtifactError, match=r"cannot read .*runs\.json: Is a directory") as caught:
        files.read_runs()
    assert caught.value.hint == "move it away"


@pytest.mark.parametrize(
    ("answer", "fault", "kept"),
    [
        ({"iterations": 1e308}, "result.iterations: ", {"iterations": None}),
        (
            {"artifact": {"usage": {"total_tokens": "many", "cost_usd": 2}}},
            "result.artifact.usage.total_tokens: ",
            {"artifact": {"usage": {"total_tokens": None, "cost_usd": 2}}},
        ),
        (
            {"artifact": {"usage": "much", "text": "t"}},
            "result.artifact.usage: ",
            {"artifact": {"usage": None, "text": "t"}},
        ),
        ({"log": "a line"}, "result.log: ", {"log": None}),
        ({"error": {"message": "m"}}, "result.error: ", {"error": None}),
        ({ELAPSED_KEY: "soon"}, f"result.{ELAPSED_KEY}: ", {ELAPSED_KEY: None}),
    ],
)
def test_what_the_wire_refuses_and_is_on_disk_counts_as_not_reported(
    answer: Json, fault: str, kept: Json
) -> None:
    whole = {"status": "blocked", "extra": [1]} | answer
    before = json.dumps(whole)
    with pytest.raises(ShapeError):
        RunResult.of(whole)
    result, read = read_back(whole)
    assert (result.status, result.elapsed_ms) == ("blocked", 0)
    assert (result.tokens, result.turns) == (None, None)
    assert [text.startswith(fault) for text in result.faults] == [True]
    assert read == {"status": "blocked", "extra": [1]} | kept
    assert json.dumps(whole) == before


@given(
    st.dictionaries(
        st.sampled_from(["iterations", "artifact", "log", "error", ELAPSED_KEY, "x"]),
        st.recursive(
            st.none() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["usage", "total_tokens", "kind"]), inner)
            ),
        ),
    )
)
def test_any_answer_on_disk_that_has_a_status_is_read(answer: Json) -> None:
    result, read = read_back({**answer, "status": "ok"})
    assert RunResult.of(read) == result._replace(faults=())
    assert (read == {**answer, "status": "ok"}) or result.faults or answer != answer  # noqa: PLR0124


@pytest.mark.parametrize("answer", [{}, {"status": None}, {"status": "great", "iterations": -1}])
def test_a_status_is_never_guessed(answer: Json) -> None:
    with pytest.raises(ShapeError, match=r"^status: "):
        read_back(answer)
