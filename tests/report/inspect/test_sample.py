"""A sample holds what the gateway said, whatever that is, and claims nothing that it did not."""

from __future__ import annotations

import pytest

from battery.records.checks import Checked, FailedCheck
from battery.records.models import FROZEN, Phase
from battery.report.inspect.sample import iso, sample, scores
from tests.report.inspect.samples import PLACE, task_run


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
    run = task_run({"status": status, "error": "no supply"}, phase=phase)
    outcome = scores(run)["outcome"]
    assert outcome["value"] == value
    assert outcome["answer"] == status
    assert "no supply" in outcome["explanation"]
    # A task that fails is a result; an error of the sample would be an outage.
    assert "error" not in sample(run, PLACE)


REFUTED = Checked(
    ok=False, claimed=True, failed=[FailedCheck(check="checks[0]", reason="0 items, 3 expected")]
)
PASSED = Checked(ok=True, claimed=True, failed=[])
#: In words, of what cannot be done.
DECLINED = Checked(ok=False, claimed=True, failed=[])


@pytest.mark.parametrize(
    ("phase", "checked", "outcome", "checks"),
    [
        (Phase.ALPHA, PASSED, "C", "C"),
        (Phase.ALPHA, REFUTED, "I", "I"),
        (Phase.GAMMA, DECLINED, "C", "C"),
        (Phase.GAMMA, REFUTED, "I", "I"),
    ],
)
def test_a_graded_answer_is_scored_by_its_checks_with_the_reasons(
    phase: Phase, checked: Checked, outcome: str, checks: str
) -> None:
    found = scores(task_run(checked=checked, phase=phase))
    assert (found["outcome"]["value"], found["checks"]["value"]) == (outcome, checks)
    reasons = found["checks"]["explanation"]
    assert reasons == (
        "all passed" if checks == "C" else "what is claimed fails checks[0]: 0 items, 3 expected"
    )
    assert (checks == "C") != ("0 items, 3 expected" in found["outcome"]["explanation"])


def test_of_an_answer_that_claims_nothing_no_check_has_a_score() -> None:
    checked = Checked(ok=False, claimed=False, failed=[])
    assert "checks" not in scores(task_run({"status": "failed"}, checked))
    assert "checks" not in scores(task_run())


def test_the_answer_is_the_gateway_s_and_the_grade_is_in_the_metadata() -> None:
    found = sample(task_run(checked=REFUTED), PLACE)
    assert found["output"]["completion"] == "**ok**"
    graded = {key: found["metadata"][key] for key in ("status", "checked", "claimed", "error")}
    assert graded == {"status": "failed", "checked": True, "claimed": True, "error": None}
    assert found["metadata"]["failed_checks"] == "checks[0]: 0 items, 3 expected"


def test_the_usage_is_split_as_far_as_the_gateway_splits_it() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    whole = sample(task_run({"artifact": {"usage": usage}}), PLACE)["model_usage"]
    assert whole == {"gateway/small": {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}}
    bare = sample(task_run({"artifact": {"usage": {"total_tokens": 9}}}), PLACE)["model_usage"]
    assert bare == {"gateway/small": {"total_tokens": 9}}


def test_the_log_becomes_messages_between_the_question_and_the_answer() -> None:
    log = [
        {"kind": "search", "turn": 1, "text": "0 found", "found": 0},
        {"kind": "overseer_correction", "text": "ask for a welder"},
        {"role": "tool", "content": "2 found"},
        {"anything": ["at", "all"]},
    ]
    found = sample(task_run({"log": log, "artifact": "done"}), PLACE)["messages"]
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


def test_a_log_of_lines_and_of_anything_else_becomes_messages_as_well() -> None:
    said = sample(task_run({"log": ["searched", None, [1], {"kind": ["odd"]}]}), PLACE)
    texts = [message["content"] for message in said["messages"][1:-1]]
    assert texts[0] == "**entry**\n\nsearched"
    for part, text in zip(["null", "1", "odd"], texts[1:], strict=True):
        assert part in text
    assert [event["event"] for event in said["events"]].count("info") == len(texts) + 1


def test_the_transcript_shows_every_entry_and_every_score() -> None:
    run = task_run({"log": [{"kind": "search", "text": "0 found"}]})
    events = sample(run, PLACE)["events"]
    assert [event["event"] for event in events] == ["sample_init", "info", "info"] + [
        "score" for _ in scores(run)
    ]
    assert [event["source"] for event in events[1:3]] == ["search", "answer"]
    assert len({event["uuid"] for event in events}) == len(events)


def test_times_come_from_the_journal_or_are_left_out() -> None:
    known = sample(task_run(), PLACE)
    assert known["started_at"] == "2026-01-31T12:00:09.960000+00:00"
    assert known["completed_at"] == "2026-01-31T12:00:10+00:00"
    assert known["total_time"] == 0.04
    unknown = sample(task_run(finished_at=None), PLACE)
    assert "started_at" not in unknown
    assert unknown["total_time"] == 0.04


def test_a_sample_is_named_alike_in_every_iteration_and_arm_and_uniquely_in_one() -> None:
    first = task_run()
    assert first.sample_id == "alpha 1: fill: Welder"
    assert task_run(iteration=2, arm=FROZEN).sample_id == first.sample_id
    others = [task_run(repeat=2), task_run(place=2), task_run(phase=Phase.BETA)]
    assert len({run.sample_id for run in [first, *others]}) == 4


def test_a_time_is_written_as_inspect_writes_it() -> None:
    assert iso("2026-01-31T12:00:00Z") == "2026-01-31T12:00:00+00:00"
