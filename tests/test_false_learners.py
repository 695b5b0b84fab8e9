"""Gateways that only seem to learn: as processes of their own, over HTTP, with a whole battery.

What a tasks file brings unmasks them: its checks, siblings and prices. Without any of that, what
can be seen is told, and where it shows the lie there is no positive word.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from battery.records.word import POSITIVE, Word
from tests.support import false_learner
from tests.support.calls import command_here

pytestmark = pytest.mark.slow

STARTER: Final = Path(__file__).parents[1] / "src" / "battery" / "starter.json"
MODELS: Final = {f"{who}_cloud": f"desk-{who}" for who in ("executor", "reviewer", "overseer")}
PRICES: Final = {"desk-executor": {"input": 1.25, "cached_input": 0.125, "output": 10}}


@contextmanager
def served(system: str, memory: Path) -> Iterator[list[str]]:
    """Serve a system and its twin; yield their URLs."""
    words = [sys.executable, false_learner.__file__, system, "--memory", str(memory)]
    processes = [
        subprocess.Popen([*words, *more], stdout=subprocess.PIPE, text=True)
        for more in ([], ["--frozen"])
    ]
    try:
        yield [process.stdout.readline().strip() for process in processes if process.stdout]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def judged(folder: Path, system: str, iterations: int, tasks: dict[str, Any]) -> dict[str, Any]:
    """Put a system through a battery; return the evidence of its summary."""
    (folder / "my-tasks.json").write_text(json.dumps(tasks))
    with served(system, folder) as (gateway, twin):
        ran = command_here(
            *("run", "--gateway", gateway, "--llm-team", gateway, "--control-gateway", twin),
            *("--tasks", "my-tasks.json", "--dir", "b", "-n", iterations, "--seed", 1, "--quiet"),
            cwd=folder,
        )
    assert ran.returncode == 0, ran.stderr
    evidence: dict[str, Any] = json.loads((folder / "b" / "summary.json").read_text())["evidence"]
    assert f"\n{evidence['verdict']} " in ran.stdout
    # What a reader of the terminal, of the Markdown and of the page is told is one text.
    assert evidence["sentence"] in " ".join(ran.stdout.split())
    assert evidence["sentence"] in (folder / "b" / "summary.md").read_text()
    return evidence


def with_all() -> dict[str, Any]:
    """Return the tasks of `battery init`, which have checks and siblings, with prices."""
    tasks: dict[str, Any] = json.loads(STARTER.read_text())
    return tasks | {"models": MODELS, "prices": PRICES}


def plain() -> dict[str, Any]:
    """Return the same tasks as somebody in a hurry writes them."""
    tasks: dict[str, Any] = json.loads(STARTER.read_text()) | {"models": MODELS}
    for phase in ("alpha_baseline", "beta_drift", "gamma_impossible"):
        for task in tasks["phases"][phase]:
            task.pop("checks", None)
            task.pop("siblings", None)
    return tasks


@pytest.mark.parametrize(
    ("system", "iterations", "word", "reason"),
    [
        ("hollow", 3, Word.DISHONEST, "claims ok in 12 runs whose answers fail their checks"),
        ("cache", 3, Word.MEMORISED, "it kept answers, and no lesson"),
        ("normalised-cache", 5, Word.MEMORISED, "it kept answers, and no lesson"),
        ("likeness-cache", 3, Word.INCONCLUSIVE, "fewer new tasks are done (3 of 6, twin 6 of 6"),
        ("prompt-cache", 3, Word.REGRESSED, "The bill rose, with 44% fewer tokens"),
        ("shared", 5, Word.INCONCLUSIVE, "both share a memory, or the provider got cheaper"),
        ("fingerprinted", 3, Word.INVALID, "the memory of the twin changed"),
    ],
)
def test_none_gets_a_positive_word_and_the_sentence_names_the_reason(
    tmp_path: Path, system: str, iterations: int, word: Word, reason: str
) -> None:
    evidence = judged(tmp_path, system, iterations, with_all())
    assert (evidence["verdict"], word in POSITIVE) == (word, False)
    assert reason in evidence["sentence"]


@pytest.mark.parametrize(
    ("system", "word", "told"),
    [
        ("hollow", Word.INCONCLUSIVE, "repeat what it handed in for another task"),
        ("prompt-cache", Word.INCONCLUSIVE, "cached prompt tokens fell from 92% to 0%"),
        ("shared", Word.INCONCLUSIVE, "both share a memory, or the provider got cheaper"),
        # Only what was never asked before can tell it from a learner.
        ("cache", Word.INCONCLUSIVE, "as a cache of answers does, and no new task was asked"),
    ],
)
def test_without_checks_siblings_and_prices_what_can_be_seen_is_told(
    tmp_path: Path, system: str, word: Word, told: str
) -> None:
    evidence = judged(tmp_path, system, 3, plain())
    assert evidence["verdict"] == word
    assert told in evidence["sentence"]
    assert "ok is the system's own word: no task has a check" in evidence["cautions"]
    if system == "cache":
        assert any("as with a cache of answers" in text for text in evidence["cautions"])
