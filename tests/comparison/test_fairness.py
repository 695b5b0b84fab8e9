from __future__ import annotations

from typing import Any

from battery.comparison.fairness import Party, differences
from battery.comparison.pairing import shared
from battery.records.comparison import Difference
from battery.records.expectations import Expectations
from battery.records.manifest import Options, Provenance
from battery.records.models import Phases, Tasks
from battery.records.word import Word
from tests.report.comparisons import side
from tests.report.samples import MANIFEST, MODELS
from tests.verdict.batteries import calls

BOTH = shared(calls(), calls())
PHASES = Phases(alpha_baseline=[], beta_drift=[], gamma_impossible=[])
OPTIONS = Options(respond_timeout_s=600.0)


def party(
    changes: dict[str, Any] | None = None,
    *,
    expectations: Expectations | None = None,
    **of_side: Any,
) -> Party:
    usual = {"options": OPTIONS, "iterations_finished": 3, "state": "finished", "notes": []}
    manifest = MANIFEST.model_copy(update={**usual, **(changes or {})})
    tasks = Tasks(phases=PHASES, models=MODELS, expectations=expectations)
    return Party(side("x", "main").model_copy(update=of_side), manifest, tasks)


def named(found: list[Difference]) -> dict[str, bool]:
    return {each.what: each.unfair for each in found}


def test_batteries_that_were_run_alike_differ_in_nothing() -> None:
    assert differences(party(), party(), BOTH) == []


def test_what_may_be_the_change_under_test_is_named_and_fair() -> None:
    models = MODELS.model_copy(update={"executor_cloud": "another"})
    other = party(
        {
            "models": models,
            "targets": {**MANIFEST.targets, "gateway": "http://other"},
            "battery_version": "9.9",
            "options": Options(respond_timeout_s=5.0, limit=2),
        },
        expectations=Expectations(gamma_token_factor=2.0),
    )
    assert named(differences(party(), other, BOTH)) == {
        "models.executor_cloud": False,
        "targets.gateway": False,
        "battery version": False,
        "limit": False,
        "respond_timeout_s": False,
        "expectations.gamma_token_factor": False,
    }


def test_what_limits_the_comparison_is_unfair_and_comes_first() -> None:
    other = party(
        {
            "options": OPTIONS.model_copy(update={"concurrency": 4}),
            "battery_version": "9.9",
            "iterations_finished": 2,
        },
        iterations=[1, 2],
        repeats=2,
        arms=["learn"],
        name="branch",
    )
    both = shared(calls(), [call for call in calls() if call.task != "id3"])
    found = differences(party(), other, both)
    names = ("tasks", "iterations", "repeats", "the twin", "concurrency")
    assert named(found) == {**dict.fromkeys(names, True), "battery version": False}
    assert [each.unfair for each in found] == [True] * 5 + [False]
    assert found[3].before == "learner and twin"
    assert (found[0].before, found[0].after) == ("1 that branch lacks", "0 that main lacks")
    assert found[1].text == "of these, 2, 3 can be compared"
    assert found[1].advice == "Add iterations to the shorter one: battery iterate x."
    assert [bool(each.advice) for each in found] == [each.unfair for each in found]


def test_a_battery_that_is_not_sound_by_itself_is_unfair_even_if_both_are() -> None:
    broken = party({"state": "interrupted", "notes": ["the gateway moved"]}, verdict=Word.INVALID)
    assert named(differences(broken, broken, BOTH)) == dict.fromkeys(
        ("unfinished battery", "spoiled battery", "battery changed on the way"), True
    )
    unfinished, spoiled, _ = differences(broken, broken._replace(side=side("y", "branch")), BOTH)
    both = "battery run --resume --dir x and battery run --resume --dir y"
    assert unfinished.advice == f"Finish it ({both}) or run it again."
    assert spoiled.advice is not None
    assert spoiled.advice.startswith("What spoiled it: battery summarize --full x. Without")
    lost = differences(party(iterations=[1, 3]), party(iterations=[1, 3]), BOTH)
    assert [each.before for each in lost] == ["iteration 2 lost"]
    running = {"state": "running", "iterations_finished": 9}
    many = differences(party(), party(running, iterations=[1, 10]), BOTH)
    assert [each.after for each in many if each.what == "unfinished battery"] == [
        "running, iterations 2, 3, 4, 5, 6 and 3 more lost, iteration 10 with tasks done and no "
        "review yet"
    ]
    bluffing = differences(party(), party(verdict=Word.DISHONEST), BOTH)
    assert [(each.before, each.after) for each in bluffing] == [("-", "DISHONEST")]


def test_without_a_manifest_the_settings_are_unknown_and_not_guessed() -> None:
    old = Party(side("old", "old"), Provenance(), None)
    (found,) = differences(old, party(), BOTH)
    assert (found.what, found.before, found.after) == ("manifest", "none", "battery.json")


def test_batteries_that_are_graded_by_other_checks_are_not_compared_fairly() -> None:
    graded = {"scoring_digest": "0123456789abcdef"}
    (unlike,) = differences(party(), party(graded), BOTH)
    assert (unlike.what, unlike.unfair) == ("checks and prices", True)
    assert (unlike.before, unlike.after) == ("none", "SHA-256 01234567")
    assert differences(party(graded), party(graded), BOTH) == []


def test_checks_of_other_tasks_are_not_said_to_differ_for_those_of_both() -> None:
    graded = {"scoring_digest": "0123456789abcdef"}
    both = shared(calls(), [call for call in calls() if call.task != "id3"])
    _, unlike = differences(party(), party(graded), both)
    assert unlike.text.startswith("other tasks have other checks")
