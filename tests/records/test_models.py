"""The records of an iteration hold what was measured, and null or nothing for the rest."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from battery.base.errors import ShapeError
from battery.protocol import MOST_COUNTED, Json
from battery.records.expectations import Expectations, Relevant
from battery.records.models import ELAPSED_KEY, Phase, Phases, RunResult, Task, Tasks
from tests.report.samples import MODELS

TASK = Task(task_class="c", operation="o", spec={"ä": [1]})
PHASES = Phases(
    alpha_baseline=[TASK],
    beta_drift=[],
    gamma_impossible=[TASK.model_copy(update={"operation": "impossible"})],
)


def test_each_phase_has_its_tasks() -> None:
    assert [len(PHASES.of(phase)) for phase in Phase] == [1, 0, 1]
    assert PHASES.of(Phase.GAMMA)[0].operation == "impossible"


@pytest.mark.parametrize(
    "expectations",
    [
        None,
        Expectations(),
        Expectations(gamma_max_tokens=9),
        Expectations(relevant=Relevant(cost=0.2), max_turns=8, tokens_per_call=1500),
    ],
)
def test_a_tasks_file_comes_back_as_it_was_read(expectations: Expectations | None) -> None:
    tasks = Tasks(phases=PHASES, models=MODELS, expectations=expectations)
    document = tasks.document()
    assert ("expectations" in document) is (expectations is not None)
    assert Tasks.model_validate(document) == tasks


def test_attempts_and_what_is_taught_come_back_as_they_were_read_and_are_not_sent() -> None:
    task = TASK.model_copy(update={"teach": "round up"})
    phases = PHASES.model_copy(update={"beta_drift": [task]})
    tasks = Tasks(phases=phases, models=MODELS, attempts=3, overseer_after=2)
    assert Tasks.model_validate(tasks.document()) == tasks
    assert task.asked == TASK.asked
    assert (
        not {"attempts", "overseer_after"} & Tasks(phases=PHASES, models=MODELS).document().keys()
    )


def test_defaults_that_earlier_versions_did_not_know_are_not_written() -> None:
    """Their digest would not be that of the manifest any more."""
    earlier = {
        "gamma_token_factor": 5.0,
        "gamma_max_tokens": None,
        "alpha_without_overseer": True,
        "beta_must_drift": True,
    }
    tasks = Tasks(phases=PHASES, models=MODELS, expectations=Expectations(relevant=Relevant()))
    assert tasks.document()["expectations"] == earlier


@pytest.mark.parametrize("share", [0, 1, -0.1, "much", True, float("nan")])
@pytest.mark.parametrize("name", ["cost", "success"])
def test_what_is_relevant_is_a_share(name: str, share: object) -> None:
    assert Expectations.model_validate({"relevant": {name: 0.3}}).relevant != Relevant()
    with pytest.raises(ValidationError, match=rf"relevant.{name}"):
        Expectations.model_validate({"relevant": {name: share}})


def test_a_key_that_a_task_does_not_have_is_refused() -> None:
    with pytest.raises(ValidationError, match="timeout"):
        Task.model_validate({**TASK.model_dump(), "timeout": 3})


def test_an_answer_is_read_as_numbers() -> None:
    usage = {"total_tokens": 90, "cost_usd": 0.5}
    answer: Json = {
        "status": "ok",
        "iterations": 2,
        "artifact": {"usage": usage},
        "log": [{"kind": "overseer_correction"}],
        ELAPSED_KEY: 40.9,
    }
    result = RunResult.of(answer)
    assert (result.status, result.turns, result.tokens) == ("ok", 2, 90)
    assert (result.overseer_called, result.elapsed_ms) == (True, 40)
    assert result.usage["cost_usd"] == 0.5


def test_an_answer_that_says_little_is_read_too() -> None:
    result = RunResult.of({"status": "failed"})
    assert (result.turns, result.tokens, result.elapsed_ms) == (None, None, 0)
    assert (result.error, result.memory_used) == (None, None)


@pytest.mark.parametrize("elapsed", [-1, MOST_COUNTED + 1, "40", [40], float("nan")])
def test_a_time_that_no_clock_shows_is_refused_with_its_key(elapsed: object) -> None:
    with pytest.raises(ShapeError, match=ELAPSED_KEY):
        RunResult.of({"status": "ok", ELAPSED_KEY: elapsed})


def test_answers_hand_in_the_same_whatever_they_took_and_when() -> None:
    def read(**more: Any) -> RunResult:
        artifact = {"text": "A1", "memory_fingerprint": "m", "created_at": more.pop("at", "noon")}
        artifact["usage"] = {"total_tokens": more.pop("tokens", 7)}
        return RunResult.of({"status": "ok", "artifact": artifact, ELAPSED_KEY: 3} | more)

    plain = read()
    later, longer = read(at="night", **{ELAPSED_KEY: 9}), read(tokens=8, log=[{"kind": "turn"}])
    other, failed = read(artifact={"text": "A2"}), read(status="failed")
    assert plain.digest == later.digest != longer.digest
    assert plain.handed_in == later.handed_in == longer.handed_in
    assert len({plain.handed_in, other.handed_in, failed.handed_in}) == 3


@pytest.mark.parametrize("artifact", [None, "text", ["a"], 3])
def test_an_artifact_of_any_shape_is_handed_in(artifact: object) -> None:
    read = RunResult.of({"status": "ok", "artifact": artifact})
    assert read.handed_in != RunResult.of({"status": "ok", "artifact": {}}).handed_in
