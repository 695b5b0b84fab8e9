"""A log holds what the gateway said, whatever that is, and claims nothing that it did not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery.records.findings import Evidence
from battery.records.manifest import Provenance
from battery.records.models import FROZEN, LEARN, Arm, Phase, Run, RunResult, Task
from battery.report.inspect.log import Log, Tally
from battery.report.inspect.sample import Place, TaskRun, iso, sample, scores

PLACE = Place("log", "gateway/small", "2026-01-31T12:00:00Z")
TASK = Task(task_class="c", operation="fill: Welder", spec={"count": 2})
#: The part of the evidence that a log tells.
TOLD: dict[str, Any] = {"arms": [LEARN], "verdict": None, "sentence": "Nothing yet.", "repeats": 1}
EVIDENCE = Evidence.model_construct(**TOLD)


def told(answer: dict[str, Any] | None = None, **changes: Any) -> TaskRun:
    """Return a run of an alpha task in iteration 1."""
    whole = {"status": "ok", "iterations": 2, "_elapsed_ms": 40, **(answer or {})}
    phase = changes.pop("phase", Phase.ALPHA)
    run = Run(TASK, phase, RunResult.of(whole))
    found = TaskRun(LEARN, 1, 1, 1, run, whole, "2026-01-31T12:00:10Z")
    return found._replace(**changes)


def written(*runs: TaskRun, arm: Arm = LEARN) -> dict[str, Any]:
    """Return the log of these runs, read back."""
    tally = Tally()
    for run in runs:
        tally.add(run)
    log = Log(arm, "2026-01-31T12:00:00Z", Provenance(), EVIDENCE, tally)
    document: dict[str, Any] = json.loads(b"".join(log.chunks(iter(runs))))
    return document


def metrics(document: dict[str, Any], name: str) -> dict[str, float]:
    (score,) = [each for each in document["results"]["scores"] if each["name"] == name]
    return {metric: facts["value"] for metric, facts in score["metrics"].items()}


@pytest.mark.parametrize(
    ("phase", "status", "value"),
    [
        (Phase.ALPHA, "ok", "C"),
        (Phase.BETA, "failed", "I"),
        (Phase.GAMMA, "failed", "C"),
        (Phase.GAMMA, "ok", "I"),
        (Phase.ALPHA, "blocked", "I"),
    ],
)
def test_an_outcome_is_correct_when_the_task_ended_as_it_should(
    phase: Phase, status: str, value: str
) -> None:
    run = told({"status": status, "error": "no supply"}, phase=phase)
    outcome = scores(run)["outcome"]
    assert outcome["value"] == value
    assert outcome["answer"] == status
    assert "no supply" in outcome["explanation"]
    # A task that fails is a result; an error of the sample would be an outage.
    assert "error" not in sample(run, PLACE)


def test_what_was_not_reported_has_no_score_and_no_usage() -> None:
    silent = told({"iterations": None, "artifact": None})
    assert set(scores(silent)) == {"outcome", "overseer", "elapsed_s"}
    assert sample(silent, PLACE)["model_usage"] == {}
    document = written(silent, told({"artifact": {"usage": {"total_tokens": 9}}}, iteration=2))
    (turns,) = [s for s in document["results"]["scores"] if s["name"] == "turns"]
    assert (turns["scored_samples"], turns["unscored_samples"]) == (1, 1)
    assert metrics(document, "total_tokens") == {"mean": 9}


def test_the_usage_is_split_as_far_as_the_gateway_splits_it() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    whole = sample(told({"artifact": {"usage": usage}}), PLACE)["model_usage"]
    assert whole == {"gateway/small": {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}}
    bare = sample(told({"artifact": {"usage": {"total_tokens": 9}}}), PLACE)["model_usage"]
    assert bare == {"gateway/small": {"total_tokens": 9}}


def test_the_log_becomes_messages_between_the_question_and_the_answer() -> None:
    log = [
        {"kind": "search", "turn": 1, "text": "0 found", "found": 0},
        {"kind": "overseer_correction", "text": "ask for a welder"},
        {"role": "tool", "content": "2 found"},
        {"anything": ["at", "all"]},
    ]
    found = sample(told({"log": log, "artifact": "done"}), PLACE)["messages"]
    roles = [message["role"] for message in found]
    assert roles == ["user", "assistant", "user", "tool", "assistant", "assistant"]
    question, search, overseer, tool, bare, answer = [m["content"] for m in found]
    assert question.startswith("fill: Welder")
    assert search == "**search** (turn 1)\n\n0 found"
    assert found[1]["metadata"] == {"found": 0}
    assert overseer == "**overseer correction**\n\nask for a welder"
    assert tool == "**entry**\n\n2 found"
    assert '"anything"' in bare
    assert answer.startswith("**ok**")
    assert '"done"' in answer


def test_the_transcript_shows_every_entry_and_every_score() -> None:
    run = told({"log": [{"kind": "search", "text": "0 found"}]})
    events = sample(run, PLACE)["events"]
    assert [event["event"] for event in events] == ["sample_init", "info", "info"] + [
        "score" for _ in scores(run)
    ]
    assert [event["source"] for event in events[1:3]] == ["search", "answer"]
    assert len({event["uuid"] for event in events}) == len(events)


def test_times_come_from_the_journal_or_are_left_out() -> None:
    known = sample(told(), PLACE)
    assert known["started_at"] == "2026-01-31T12:00:09.960000+00:00"
    assert known["completed_at"] == "2026-01-31T12:00:10+00:00"
    assert known["total_time"] == 0.04
    unknown = sample(told(finished_at=None), PLACE)
    assert "started_at" not in unknown
    assert unknown["total_time"] == 0.04


def test_a_sample_is_named_alike_in_every_iteration_and_arm_and_uniquely_in_one() -> None:
    first = told()
    assert first.sample_id == "alpha 1: fill: Welder"
    assert told(iteration=2, arm=FROZEN).sample_id == first.sample_id
    others = [told(repeat=2), told(place=2), told(phase=Phase.BETA)]
    assert len({run.sample_id for run in [first, *others]}) == 4


def test_means_are_given_over_all_and_at_both_ends() -> None:
    def spent(iteration: int, tokens: int) -> TaskRun:
        return told({"artifact": {"usage": {"total_tokens": tokens}}}, iteration=iteration)

    document = written(spent(1, 10), spent(1, 20), spent(2, 4), spent(3, 1), spent(3, 3))
    assert metrics(document, "total_tokens") == {"mean": 7.6, "iter 1": 15, "iter 3": 2}
    assert metrics(document, "outcome") == {"accuracy": 1, "iter 1": 1, "iter 3": 1}
    assert metrics(written(spent(1, 10)), "total_tokens") == {"mean": 10}
    assert document["stats"]["model_usage"]["gateway/unknown"]["total_tokens"] == 38


def test_the_head_comes_before_the_samples() -> None:
    assert list(written(told()))[-1] == "samples"


def test_a_time_is_written_as_inspect_writes_it() -> None:
    assert iso("2026-01-31T12:00:00Z") == "2026-01-31T12:00:00+00:00"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["kind", "role", "turn", "text", "content", "message", "x"])
#: The kind is all that the wire checks of an entry.
ENTRIES = st.dictionaries(KEYS, JSON, max_size=5).map(
    lambda entry: entry | {"kind": entry["kind"] if isinstance(entry.get("kind"), str) else None}
)


@given(st.lists(ENTRIES, max_size=4), JSON, st.dictionaries(st.text(), JSON, max_size=2))
def test_any_answer_becomes_a_sample(
    log: list[dict[str, Any]], artifact: Any, more: dict[str, Any]
) -> None:
    usage = {"usage": None} if isinstance(artifact, dict) else {}
    made = artifact | usage if isinstance(artifact, dict) else artifact
    run = told(
        {
            **more,
            "status": "ok",
            "iterations": 1,
            "log": log,
            "artifact": made,
            "error": None,
            "_elapsed_ms": 1,
        }
    )
    (found,) = written(run)["samples"]
    assert len(found["messages"]) == len(log) + 2
    assert all(isinstance(message["content"], str) for message in found["messages"])
    assert {message["role"] for message in found["messages"]} <= {
        "system",
        "user",
        "assistant",
        "tool",
    }
