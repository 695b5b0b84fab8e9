"""Whatever JSON a gateway sends, the page is made: nothing in it is an error here."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from battery.records.models import Phase, Run, RunResult, Task
from battery.report.html.answers import learned
from battery.report.html.board import Board
from battery.report.html.prose import prose
from battery.report.html.transcripts import transcript
from tests.verdict.batteries import calls

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "kind", "text", "turn"]), inner, max_size=3)
    ),
    max_leaves=6,
)
EVENT = st.dictionaries(st.sampled_from(["role", "kind", "text", "more"]), JSON)


@given(st.lists(EVENT, max_size=4))
def test_events(events: list[dict[str, Any]]) -> None:
    (found,) = learned([(1, "text", events)])
    texts = {each["text"] for each in events if isinstance(each.get("text"), str)}
    assert {lesson.text for lesson in found.new} <= texts


@given(
    log=JSON | st.lists(EVENT, max_size=3), artifact=JSON, error=st.none() | st.text(), more=JSON
)
def test_log_entries_artifacts_and_errors(
    log: Any, artifact: Any, error: str | None, more: Any
) -> None:
    result = RunResult("ok", 1, 2**53, overseer_called=False, error=error, elapsed_ms=2**53)
    run = Run(Task(task_class="c", operation="o", spec={"a": more}), Phase.ALPHA, result)
    answer = {"status": "ok", "log": log, "artifact": artifact, "error": error, "more": more}
    found = json.loads(transcript(run, answer, "iter_1/runs.json"))
    assert len(found["entries"]) == (len(log) if isinstance(log, list) else log is not None)


@given(st.text())
def test_reviews(text: str) -> None:
    assert prose(text, level=4) is not None


@given(st.text(), st.integers(0, 2**53), st.integers(0, 2**53))
def test_names_and_numbers_of_tasks(label: str, tokens: int, elapsed_ms: int) -> None:
    (one, *rest) = calls(lambda _: {"tokens": tokens, "elapsed_ms": elapsed_ms}, iterations=1)
    board = Board([one._replace(label=label), *rest])
    assert board.document()["values"]["ok_tasks"][0][0] == [1]
    assert next(board.parts()).phases[0][1][0].label.isprintable()
