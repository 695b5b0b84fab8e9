"""What a reader wants to know of several runs: five questions, answered the same everywhere."""

from __future__ import annotations

from battery.records.campaign import RunFindings, Spread
from battery.records.word import GateName, Word
from battery.report import runs as several
from battery.report.answer import QUESTIONS
from tests.verdict.runs.made import bluffs, done, run, runs, summary

SAVING = (0.3, 0.25, 0.35, 0.28, 0.32)
SPOILED = {"word": Word.INVALID, "left_out": "INVALID: a cell is missing"}


def answers(found: list[RunFindings], planned: int | None = None) -> list[str]:
    every = several.answers(summary(found, planned))
    assert [one.question for one in every] == list(QUESTIONS)
    return [one.text for one in every]


def test_a_gain_is_told_with_its_size_its_interval_and_how_the_runs_differ() -> None:
    better, much, *_ = answers(runs(*SAVING))
    assert better.startswith("LEARNED: ")
    assert "30.1% fewer tokens on a typical task (91% interval" in much
    assert "p = 0.031" in much
    assert much.endswith("5 of 5 runs gained, the best 35.0% fewer, the worst 25.0% fewer.")


def test_no_size_is_given_where_numbers_are_worthless_or_early() -> None:
    assert "under INVALID" in answers(runs(0.3, 0.3, 0.3, **SPOILED))[1]
    assert answers(runs(0.3, 0.3), planned=5)[1].startswith("No size is given before")


def test_the_work_of_both_arms_is_counted_and_bluffs_with_the_runs_that_made_them() -> None:
    work = answers(runs(*SAVING, done=[done(11, 12)]))[2]
    assert work.startswith("55 of 60 calls of tasks that can be done ended ok, twin 60 of 60")
    assert work.endswith("nothing impossible was claimed done.")
    some = [run(1, 0.3, claims=[bluffs(1)]), *runs(*SAVING)[1:]]
    work = answers(some)[2]
    assert "the impossible was claimed done in 1 of 2 calls (in 1 of 5 runs)" in work


def test_gates_are_named_with_the_runs_in_which_they_failed() -> None:
    name = next(iter(GateName))
    found = [run(1, 0.3, failed=[name]), *runs(*SAVING)[1:]]
    assert list(several.gates(summary(found).evidence)) == [
        (name.about.title, "failed in 1 of 5 runs (1)")
    ]


def test_how_the_runs_differ_is_never_less_than_its_parts() -> None:
    evidence = summary(runs(*SAVING)).evidence

    def told(total: float, noise: float | None, between: float | None) -> str | None:
        known = Spread(total=total, noise=noise, between=between)
        return several.spread(evidence.model_copy(update={"spread": known}))

    assert told(0.2, None, None) == "sd 0.20 of the log cost"
    parts = "of which 0.12 is luck within a run and 0.16 the memory's own"
    assert told(0.2, 0.12, 0.16) == f"sd 0.20 of the log cost, {parts}"
    luck = "no more than the luck within a run (0.12)"
    assert told(0.0, 0.12, 0.0) == f"sd 0.00 of the log cost, {luck}"


def test_only_a_claim_of_learning_says_how_often_it_is_wrong() -> None:
    often = several.wrong(summary(runs(*SAVING)).evidence)
    assert often == "Of systems that learn nothing, at most 4.5% are called LEARNED or COMPOUNDING."
    assert several.wrong(summary(runs(0.0, 0.1, -0.1, 0.05, 0.0)).evidence) is None


def test_a_plan_is_run_again_by_commands_that_can_be_copied() -> None:
    assert several.again(summary(runs(*SAVING))) == []
    assert several.again(summary(runs(*SAVING), folder="a b/campaign")) == [
        "mkdir 'a b/campaign-again'",
        "cp -r 'a b/campaign/campaign.json' 'a b/campaign/tasks' 'a b/campaign-again'",
        "battery campaign run 'a b/campaign-again'",
    ]
