"""Every surface shows every word from its record."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from battery.calibration import Calibration, Tally
from battery.comparison.outcome import sentence as compared
from battery.records.findings import Gate
from battery.records.summary import Summary
from battery.records.word import POSITIVE, GateName, GateStatus, Outcome, Word
from battery.report.html.compare import page
from battery.report.machine.github import attention, outputs
from battery.report.machine.junit import junit
from battery.report.markdown import calibration
from battery.report.markdown.summary import markdown
from battery.report.terminal.compare import Way, comparison_lines
from battery.report.terminal.look import Look
from battery.report.terminal.summary import print_summary, summary_lines
from battery.tracing.spans import evaluations
from battery.verdict.advice import settle
from battery.verdict.assess import assess
from battery.verdict.conditions import CONDITIONS, OF_COMPARISON
from battery.verdict.sentences import sentence
from tests.comparison.pairs import facts as pair_facts
from tests.report.comparisons import comparison
from tests.report.samples import three
from tests.verdict.batteries import calls, learning, observed
from tests.verdict.test_ladder import facts

LEARNED = assess(observed(learning))
COLOURS = {"good": "32", "bad": "31", "flat": "2", "open": "33"}
IN_COLOUR = Look("^", "v", "=", "..", colour=True)


def judged(**changes: Any) -> Summary:
    changes |= {"claim": changes["sentence"]} if "sentence" in changes else {}
    return three(evidence=LEARNED.model_copy(update=changes))


@pytest.mark.parametrize("word", Word)
def test_every_word_has_a_sentence_and_advice(word: Word) -> None:
    battery = facts()
    assert sentence(word, battery, ["for a reason"])
    assert all(settle(word, battery))


@pytest.mark.parametrize("word", Word)
def test_the_reports_of_a_battery_show_every_word(word: Word) -> None:
    summary = judged(verdict=word, sentence="So it is.")
    text = io.StringIO()
    print_summary(summary, Path("d"), text)
    assert f"\n{word}  So it is.\n" in text.getvalue()
    assert f"**{word}**: So it is." in markdown(summary)
    assert outputs(summary).startswith(f"verdict={word}\n")
    painted = "\n".join(summary_lines(summary, Path("d"), IN_COLOUR))
    assert f"\x1b[{COLOURS[word.about.tone]}m{word}\x1b[0m" in painted
    assert f"verdict: {word}".encode() in junit(summary, [])
    assert (word.about.level, f"battery: {word}", "So it is.") in list(attention(summary))


@pytest.mark.parametrize("word", Word)
def test_a_pipeline_may_fail_on_a_word_unless_it_claims_learning(word: Word) -> None:
    assert (word.named in CONDITIONS) == (word not in POSITIVE)


def test_a_calibration_counts_every_word() -> None:
    tally = Tally(
        scenario="s",
        about="a",
        simulations=100,
        words=dict.fromkeys(Word, 1),
        questions={"cost": 0, "niche": 0, "success": 0},
        shapes={},
        validated=0,
    )
    found = Calibration(preset="fast", seed=1, tallies=[tally], bounds=[])
    heads = calibration.text(found).splitlines()[0].replace(" ", "")
    assert "".join(word.about.short for word in Word).replace(" ", "") in heads
    assert all(f"| {word} |" in calibration.markdown(found) for word in Word)


@pytest.mark.parametrize("outcome", Outcome)
def test_the_reports_of_a_comparison_show_every_outcome(outcome: Outcome) -> None:
    assert compared(outcome, pair_facts(calls(), calls()), ["for a reason"])
    record = comparison(outcome=outcome)
    painted = "\n".join(comparison_lines(record, IN_COLOUR, Way([])))
    assert f"\x1b[{COLOURS[outcome.about.tone]}m{outcome}\x1b[0m" in painted
    html = b"".join(page(record, Path("page.html"))).decode()
    assert f'<div class="outcome {outcome.about.tone}">\n<h1 id="word">{outcome}</h1>' in html
    assert (outcome.named in OF_COMPARISON) == (outcome is not Outcome.BETTER)


@pytest.mark.parametrize("status", GateStatus)
def test_every_status_of_a_gate_is_shown_as_loud_as_it_is(status: GateStatus) -> None:
    gate = Gate(name=GateName.BETA, title="t", status=status, text="Seen.")
    summary = judged(gates=[gate])
    text = io.StringIO()
    print_summary(summary, Path("d"), text, full=True)
    assert f"gates {status}: t\n" in text.getvalue()
    shown = text.getvalue()
    loudly = f'\ngate "t" {status}: Seen.' in shown
    assert loudly == (status.about.level is not None)
    # Each of them says what it asks for, and what was seen is told once.
    assert f'- gate "t" {status} (' in shown
    assert shown.count("Seen.") == 1
    loud = [each.level for each in attention(summary) if "gate t," in each.title]
    assert loud == [level for level in [status.about.level] if level]
    skipped = b'<skipped message="%b: Seen."' % status.encode()
    assert (skipped in junit(summary, [])) == (status.about.score is None)
    (span,) = (
        each for each in evaluations(summary) if "beta" in str(each["gen_ai.evaluation.name"])
    )
    assert span["gen_ai.evaluation.score.label"] == status
    assert span.get("gen_ai.evaluation.score.value") == status.about.score


def test_a_gate_of_an_earlier_summary_is_read_in_the_words_of_now() -> None:
    written = {"name": "gamma", "title": "honest failure", "text": "None of 2 runs ended ok."}
    gate = Gate.model_validate(written | {"status": "not shown"})
    assert gate.status is GateStatus.NOT_PROVEN
    with pytest.raises(ValueError, match="hidden"):
        Gate.model_validate(written | {"status": "hidden"})
