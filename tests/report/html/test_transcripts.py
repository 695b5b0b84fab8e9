"""Any answer becomes a readable transcript of bounded size."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from battery.records.checks import Check, Checked, FailedCheck
from battery.records.models import Phase, Run, RunResult, Task
from battery.report.html.transcripts import (
    MOST_BYTES,
    Group,
    Groups,
    call_name,
    rerun_name,
    transcript,
)

TASK = Task(task_class="staffing", operation="fill: Welder", spec={"count": 2})
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def shown(**answer: Any) -> dict[str, Any]:
    answer = {"status": "ok", "iterations": 2, "_elapsed_ms": 1500, **answer}
    run = Run(TASK, Phase.ALPHA, RunResult.of(answer))
    found: dict[str, Any] = json.loads(transcript(run, answer, "iter_1/runs.json"))
    return found


def test_it_has_the_task_the_numbers_the_error_and_where_it_comes_from() -> None:
    found = shown(status="failed", error="no supply", artifact={"usage": {"total_tokens": 12_345}})
    assert found["task"] == ["staffing", "fill: Welder", '{\n  "count": 2\n}']
    assert dict(found["facts"]) == {
        "Status": "failed",
        "Turns": "2",
        "Tokens": "12,345",
        "Time": "1.5 s",
        "Overseer": "not needed",
    }
    assert (found["error"], found["source"], found["cut"]) == (
        "no supply",
        "iter_1/runs.json",
        False,
    )


def graded(status: str, *failed: FailedCheck, **task: Any) -> dict[str, Any]:
    """Show an answer to a task with two checks, as it was graded."""
    checks = [
        Check(path="artifact.shelf", equals="K7"),
        Check.model_validate({"contains": "shelf", "timeout_s": 2}),
    ]
    answer: dict[str, Any] = {"status": status, "artifact": {"shelf": "K8"}, "error": None}
    checked = Checked(ok=status == "ok" and not failed, claimed=status == "ok", failed=list(failed))
    of = TASK.model_copy(update={"checks": checks, **task})
    run = Run(of, Phase.ALPHA, RunResult.of(answer).graded(checked))
    found: dict[str, Any] = json.loads(transcript(run, answer, "iter_1/runs.json"))
    return found


WRONG = FailedCheck(check="checks[0]", reason='artifact.shelf: "K7" expected, got "K8"')


def test_a_graded_answer_has_its_claim_its_grade_and_each_check() -> None:
    found = graded("ok", WRONG)
    assert found["facts"][:2] == [["Claimed", "ok"], ["Graded", "failed"]]
    stated = ['{\n  "path": "artifact.shelf",\n  "equals": "K7"\n}']
    stated += ['{\n  "contains": "shelf",\n  "timeout_s": 2.0\n}']
    assert found["checks"] == [
        ["checks[0]", "failed", stated[0], WRONG.reason],
        ["checks[1]", "passed", stated[1], ""],
    ]
    assert found["error"] == ""


def test_of_an_answer_that_claims_nothing_no_check_is_asked() -> None:
    found = graded("failed")
    assert found["facts"][:2] == [["Claimed", "failed"], ["Graded", "failed"]]
    assert [outcome for _, outcome, *_ in found["checks"]] == ["not asked"] * 2


def test_a_check_that_the_tasks_file_no_longer_has_keeps_its_reason() -> None:
    found = graded("ok", WRONG, checks=[])
    assert found["checks"] == [["checks[0]", "failed", "", WRONG.reason]]


def test_without_checks_there_is_one_status() -> None:
    found = shown()
    assert (found["facts"][0], found["checks"]) == (["Status", "ok"], [])


def test_what_was_handed_in_can_be_read_and_is_there_whole_as_json() -> None:
    usage = {"total_tokens": 5}
    found = shown(artifact={"usage": usage, "memory": [], "workers": [{"id": "W1"}]})
    assert found["answer"] == "workers:\n  - id W1"
    assert json.loads(found["artifact"])["usage"] == usage
    assert shown(artifact={"usage": usage, "text": "shelf K7"})["answer"] == "shelf K7"
    assert shown(artifact={"usage": usage})["answer"] == ""


def test_an_entry_has_kind_turn_and_text_and_keeps_the_rest() -> None:
    entries = shown(
        log=[
            {"kind": "search", "turn": 1, "text": "looked", "found": 0},
            {"content": "said"},
            {"kind": "overseer_correction", "message": {"role": "x"}},
        ]
    )["entries"]
    assert entries[0] == {
        "kind": "search",
        "turn": "1",
        "text": "looked",
        "more": '{\n  "found": 0\n}',
        "overseer": False,
    }
    assert (entries[1]["kind"], entries[1]["text"], entries[1]["more"]) == ("entry", "said", "")
    assert entries[2]["overseer"]
    assert '"role": "x"' in entries[2]["more"]


def test_an_entry_that_is_no_object_is_shown_as_it_is() -> None:
    text, other = shown(log=["searched", [None]])["entries"]
    assert (text["kind"], text["text"], text["more"]) == ("entry", "searched", "")
    assert other["more"] == '{\n  "entry": [\n    null\n  ]\n}'


def test_a_reported_0_differs_from_what_is_not_reported() -> None:
    free = dict(shown(iterations=0, artifact={"usage": {"total_tokens": 0}})["facts"])
    assert (free["Turns"], free["Tokens"]) == ("0", "0")
    silent = dict(shown(iterations=None)["facts"])
    assert (silent["Turns"], silent["Tokens"]) == ("not reported", "not reported")


def test_numbers_of_any_length_stay_as_they_were() -> None:
    found = shown(artifact={"id": 2**80, "usage": {"total_tokens": 2**53}}, seed=2**90)
    assert str(2**80) in found["artifact"]
    assert str(2**90) in found["rest"]
    assert f"{2**53:,}" in str(found["facts"])


def test_a_long_text_is_cut_with_a_mark() -> None:
    found = shown(log=[{"kind": "note", "text": "a" * 500_000}])
    assert found["cut"]
    assert found["entries"][0]["text"].endswith("a … [cut]")


def test_of_very_many_entries_both_ends_stay() -> None:
    log = [{"kind": "note", "text": f"{n} {'x' * 200}"} for n in range(9000)]
    entries = shown(log=log)["entries"]
    assert entries[0]["text"].startswith("0 ")
    assert entries[-1]["text"].startswith("8999 ")
    (gap,) = (each for each in entries if each["kind"] == "left out")
    assert gap["text"] == f"{9000 - (len(entries) - 1)} entries are left out here."


def test_the_worst_answer_stays_within_the_limit() -> None:
    worst = "\x00" * 50_000
    answer = {
        "status": "failed",
        "error": worst,
        "artifact": worst,
        "log": [{"kind": worst, "turn": worst, "text": worst, "more": worst}] * 50,
        worst: worst,
    }
    task = Task(task_class=worst, operation=worst, spec={worst: worst})
    run = Run(task, Phase.ALPHA, RunResult.of(answer))
    assert len(transcript(run, answer, "iter_1/runs.json")) <= MOST_BYTES


@given(
    JSON, st.lists(st.dictionaries(st.text(), JSON), max_size=3), st.dictionaries(st.text(), JSON)
)
def test_whatever_a_gateway_adds_is_shown(
    artifact: Any, log: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    known = {"status", "iterations", "log", "error", "artifact", "_elapsed_ms", "usage"}
    log = [{**entry, "kind": "note"} for entry in log]
    rest = {key: value for key, value in more.items() if key not in known}
    found = shown(**rest, artifact={"is": artifact}, log=log)
    assert json.loads(found["artifact"]) == {"is": artifact}
    assert json.loads(found["rest"] or "{}") == rest
    assert len(found["entries"]) == len(log)


def calls(count: int, size: int = 10) -> Iterator[tuple[str, bytes]]:
    source = random.Random(1)  # noise, which does not compress
    for row in range(count):
        text = base64.b64encode(source.randbytes(size)).decode()
        yield call_name(1, "learn", row, 1), json.dumps({"row": row, "text": text}).encode()


def unpacked(group: Group) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(
        gzip.decompress(base64.b64decode(group.packed))
    )
    return found


def test_every_call_is_in_the_group_that_names_it() -> None:
    groups = list(Groups(calls(120)))
    assert len(groups) == 3
    found = {name: each for group in groups for name, each in unpacked(group).items()}
    assert [name for group in groups for name in group.names.split()] == list(found)
    assert [each["row"] for each in found.values()] == list(range(120))


def test_large_transcripts_make_smaller_groups() -> None:
    assert len(list(Groups(calls(8, size=200_000)))) > 1


def test_what_does_not_fit_is_counted_and_so_is_all_that_follows() -> None:
    everything = Groups(calls(200, size=1000))
    assert len(list(everything)) == 4
    assert everything.left_out == 0
    some = Groups(calls(200, size=1000), most=150_000)
    kept = sum(len(group.names.split()) for group in some)
    assert 0 < kept < 200
    assert some.left_out == 200 - kept


def test_the_same_calls_give_the_same_bytes() -> None:
    assert list(Groups(calls(60))) == list(Groups(calls(60)))


def test_names_tell_calls_and_reruns_apart() -> None:
    assert call_name(2, "frozen", 3, 1) == "call-2-frozen-3-1"
    assert rerun_name(2, 3, 5) == "call-2-rerun-3-5"
