"""Thresholds are written once: rules and sentences follow when one changes."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import battery
from battery.comparison.outcome import cause, decide, sentence, settle
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
        return {"tokens": round(10_000 * factor) + cell.task}

    return changes


def leaning(cell: Cell) -> dict[str, Any]:
    """Take a tenth fewer tokens from the start, most tasks even less, and 12 % less again later."""
    if cell.arm == FROZEN:
        return {"tokens": 10_000}
    usual = 9_000 + 1_500 * (cell.task == 0)
    return {"tokens": round(usual * (0.88 if cell.iteration > 1 else 1))}


def said(changes: Changes) -> str:
    """Return all texts of a verdict."""
    found = assess(observed(changes))
    texts = [found.sentence, *found.reasons, *found.settle, *found.cautions, *found.assumptions]
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


@pytest.mark.usefixtures("fifteen")
def test_the_verdict_follows_the_threshold() -> None:
    assert assess(observed(saving(0.16))).verdict == Word.LEARNED
    assert assess(observed(saving(0.125))).verdict == Word.NO_EFFECT
    worse = assess(observed(lambda cell: {"turns": 4 + 0.5 * (cell.arm == LEARN)}))
    assert worse.verdict != Word.REGRESSED


@pytest.mark.usefixtures("fifteen")
@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (saving(0.125), "-12.5% to -12.5%, is within ±15%"),
        (saving(0.125), "15% either way can be ruled out"),
        (saving(0.125, 0.06), "less than the 15% asked"),
        (leaning, "gained less than 15% since"),
    ],
)
def test_each_sentence_of_a_verdict_follows_the_threshold(changes: Changes, text: str) -> None:
    texts = said(changes)
    assert text in texts
    assert "10%" not in texts


@pytest.mark.usefixtures("fifteen")
@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (everywhere(880), "is within ±15%"),
        (everywhere(880), "15% either way can be ruled out"),
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
