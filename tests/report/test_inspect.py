"""A log holds what the gateway said, whatever that is, and claims nothing that it did not."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from battery.records.checks import Checked, FailedCheck
from battery.records.findings import Evidence
from battery.records.manifest import Provenance
from battery.records.models import LEARN, Arm
from battery.report.inspect import Log, Tally
from battery.report.inspect.sample import TaskRun, sample, scores
from tests.report.inspect.samples import PLACE, task_run

#: The part of the evidence that a log tells.
TOLD: dict[str, Any] = {
    "arms": [LEARN],
    "verdict": None,
    "sentence": "Nothing yet.",
    "cautions": ["some cells hold 1 run"],
    "repeats": 1,
}
EVIDENCE = Evidence.model_construct(**TOLD)


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


def test_what_was_not_reported_has_no_score_and_no_usage() -> None:
    silent = task_run({"iterations": None, "artifact": None})
    assert set(scores(silent)) == {"outcome", "overseer", "elapsed_s"}
    assert sample(silent, PLACE)["model_usage"] == {}
    document = written(silent, task_run({"artifact": {"usage": {"total_tokens": 9}}}, iteration=2))
    (turns,) = [s for s in document["results"]["scores"] if s["name"] == "turns"]
    assert (turns["scored_samples"], turns["unscored_samples"]) == (1, 1)
    assert metrics(document, "total_tokens") == {"mean": 9}


def test_means_are_given_over_all_and_at_both_ends() -> None:
    def spent(iteration: int, tokens: int) -> TaskRun:
        return task_run({"artifact": {"usage": {"total_tokens": tokens}}}, iteration=iteration)

    document = written(spent(1, 10), spent(1, 20), spent(2, 4), spent(3, 1), spent(3, 3))
    assert metrics(document, "total_tokens") == {"mean": 7.6, "iter 1": 15, "iter 3": 2}
    assert metrics(document, "outcome") == {"accuracy": 1, "iter 1": 1, "iter 3": 1}
    assert metrics(written(spent(1, 10)), "total_tokens") == {"mean": 10}
    assert document["stats"]["model_usage"]["gateway/unknown"]["total_tokens"] == 38


def test_the_share_of_claims_that_pass_their_checks_is_a_score() -> None:
    passed = Checked(ok=True, claimed=True, failed=[])
    wrong = [FailedCheck(check="checks[0]", reason="no")]
    refuted = Checked(ok=False, claimed=True, failed=wrong)
    document = written(task_run(checked=passed), task_run(checked=refuted))
    assert metrics(document, "checks") == {"accuracy": 0.5}
    assert metrics(document, "outcome") == {"accuracy": 0.5}
    assert document["eval"]["metadata"]["cautions"] == TOLD["cautions"]


def test_the_head_comes_before_the_samples() -> None:
    assert list(written(task_run()))[-1] == "samples"


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
    run = task_run(
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
