"""`battery glossary`: the words, the verdicts and the gates, on any terminal."""

from __future__ import annotations

import pytest

from battery.cli.glossary import WORDS
from battery.records.word import GateName, Word
from tests.support.screens import on_terminal


@pytest.mark.parametrize("columns", [50, 80, 200])
def test_every_word_verdict_and_gate_is_explained(columns: int) -> None:
    printed = on_terminal("glossary", columns=columns, rows=24).everything
    assert max(map(len, printed)) <= min(columns, 100)
    words = " ".join(printed).split()
    verdicts, gates = (word.about.plain for word in Word), (gate.about.asks for gate in GateName)
    for meaning in (*WORDS.values(), *verdicts, *gates):
        assert set(meaning.replace("`", "").split()) <= set(words)
