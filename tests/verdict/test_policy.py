"""Thresholds are written once: rules and sentences follow when one changes."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import battery
from battery.comparison.outcome import decide, sentence
from battery.comparison.remarks import cause, settle
from battery.records.expectations import Expectations, Relevant
from battery.records.findings import Evidence
from battery.records.models import FROZEN, LEARN
from battery.records.word import Word
from battery.verdict import policy
from battery.verdict.assess import assess
from tests.comparison.pairs import against_usual, everywhere
from tests.verdict.batteries import Cell, Changes, learning, observed

SOURCE = Path(battery.__file__).parent


def saving(share: float, spread: float = 0.0) -> Changes:
    """Save a share of the tokens from iteration 2 on, in some tasks more than in others."""

    def changes(cell: Cell) -> dict[str, Any]:
        learned = cell.arm == LEARN and cell.iteration > 1
        factor = 1 - (share + spread * (cell.task % 2 or -1)) * learned
        return {"tokens": round((10_000 + cell.task) * factor)}

    return changes


def leaning(cell: Cell) -> dict[str, Any]:
    """Take a tenth fewer tokens from the start, most tasks even less, and 12 % less again later."""
    if cell.arm == FROZEN:
        return {"tokens": 10_000}
    usual = 9_000 + 1_500 * (cell.task == 0)
    return {"tokens": round(usual * (0.88 if cell.iteration > 1 else 1))}


def passing(cell: Cell) -> dict[str, Any]:
    """Do one niche task of three more often than the twin does."""
    done = cell.task != 3 or (cell.arm == LEARN and cell.iteration > 1)
    return {} if done else {"status": "failed"}


def judged(changes: Changes, *, cost: float = 0.15, success: float = 0.1, **shape: Any) -> Evidence:
    """Judge a battery whose tasks file says what counts."""
    relevant = Relevant(cost=cost, success=success)
    battery = observed(changes, **shape)._replace(expectations=Expectations(relevant=relevant))
    return assess(battery, plan=False)


def said(changes: Changes) -> str:
    """Return all texts of a verdict, the notes of its questions among them."""
    found = judged(changes)
    notes = [asked.note or "" for asked in found.questions]
    texts = [found.sentence, *found.reasons, *found.cautions, *found.assumptions, *notes]
    return "\n".join(texts)


def compared(changes: Changes) -> str:
    """Return all texts of a comparison with a battery that learns nothing."""
    found = against_usual(changes)
    outcome, reasons = decide(found)
    texts = [sentence(outcome, found, reasons), *reasons, cause(found), *settle(outcome, found)]
    return "\n".join(texts)


@pytest.fixture
def fifteen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "RELEVANT", 0.15)


def test_the_defaults_of_a_tasks_file_are_the_policy() -> None:
    assert (Relevant().cost, Relevant().success) == (policy.RELEVANT, policy.RELEVANT)


def test_the_parts_of_the_budget_are_no_more_than_the_whole() -> None:
    assert policy.planned() + policy.LATER == pytest.approx(policy.ALPHA)
    assert policy.planned() - policy.NICHE_OF_SIX - policy.SUCCESS > 0
    assert policy.least_tasks(policy.NICHE) == 7


@pytest.mark.parametrize(
    ("cost", "word"),
    [(0.12, Word.LEARNED), (0.13, Word.NO_EFFECT), (0.3, Word.NO_EFFECT)],
)
def test_the_verdict_follows_what_counts_in_cost(cost: float, word: Word) -> None:
    assert judged(saving(0.125), cost=cost).verdict is word


@pytest.mark.parametrize(("success", "word"), [(0.3, Word.LEARNED), (0.4, Word.NO_EFFECT)])
def test_the_verdict_follows_what_counts_in_success(success: float, word: Word) -> None:
    """A third of the niche tasks is done more often, and a sixth of all."""
    assert judged(passing, success=success, iterations=7).verdict is word


def test_more_cost_counts_from_there_on_too() -> None:
    assert judged(saving(-0.12), cost=0.15).verdict is Word.NO_EFFECT
    assert judged(saving(-0.12), cost=0.1).verdict is Word.REGRESSED


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (saving(-0.125), "+12.5% to +12.5%, is within ±15%"),
        (saving(-0.125), "by 15% or more can be ruled out"),
        (saving(0.125), "less than the 15% that counts"),
        (leaning, "already, and gained under 15%"),
    ],
)
def test_each_sentence_of_a_verdict_follows_what_counts(changes: Changes, text: str) -> None:
    texts = said(changes)
    assert text in texts
    assert "10%" not in texts


@pytest.mark.usefixtures("fifteen")
@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (everywhere(880), "is within ±15%"),
        (learning, "nor by 15%"),
    ],
)
def test_each_sentence_of_a_comparison_follows_the_threshold(changes: Changes, text: str) -> None:
    texts = compared(changes)
    assert text in texts
    assert "10%" not in texts


#: A percentage or a level as sentences have them: `10%`, `.05`.
TYPED = re.compile(r"(?<![\d.])\d{1,2} ?%|(?<= )\.\d+\b")
#: Folders whose texts are about thresholds.
FOLDERS = ("verdict", "comparison", "recorded", "report", "commands")


def sentences(module: Path) -> list[str]:
    """Return the texts that a module writes; docstrings are no such texts."""
    tree = ast.parse(module.read_text())
    silent = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in silent
    ]


def test_no_sentence_has_a_threshold_typed_by_hand() -> None:
    typed = [
        (module.name, text)
        for folder in FOLDERS
        for module in sorted((SOURCE / folder).rglob("*.py"))
        for text in sentences(module)
        if TYPED.search(text)
    ]
    assert typed == []
