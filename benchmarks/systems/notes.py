"""A notes file: every correction becomes a line, and all lines are put before the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from battery.system import Ask, Outcome, Reply
from benchmarks.systems.model import answer


class Agent:
    """A function with a notes file; `memory` is the arm's folder."""

    def __init__(self, memory: Path, model: str) -> None:
        self._notes = memory / "notes.md"
        self._model = model

    def ask(self, ask: Ask) -> Reply:
        """Answer with all notes at hand."""
        return answer(ask, self._model, self._lines())

    def learn(self, outcomes: Sequence[Outcome]) -> str:
        """Note each correction, once."""
        held = self._lines()
        told = dict.fromkeys(each.correction for each in outcomes if each.correction)
        news = [line for line in told if line not in held]
        self._notes.write_text("".join(f"{line}\n" for line in [*held, *news]), encoding="utf-8")
        return f"{len(news)} new notes"

    def _lines(self) -> list[str]:
        return self._notes.read_text(encoding="utf-8").splitlines() if self._notes.exists() else []
