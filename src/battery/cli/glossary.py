"""`battery glossary`."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import Final

from battery.base.text import write_line
from battery.cli import options
from battery.records.word import GateName, Word

#: The widest lines that are easy to read.
_WIDEST: Final = 100
#: Where explanations begin.
_COLUMN: Final = 20

#: Words with a meaning of their own here, in the order in which one meets them.
WORDS: Final = {
    "system": "What you measure: an agent with a memory, as a function, a command, an endpoint or "
    "a gateway. Options call it the target.",
    "battery": "One run of the instrument, and the folder that keeps it: the same tasks, iteration "
    "by iteration.",
    "iteration": "One round: every task once (or `--repeats` times), then a distillation, a review "
    "and a judgment.",
    "easy, niche, impossible task": "The three kinds: needs no help (`alpha`), goes wrong at first "
    "(`beta`), has to be refused (`gamma`).",
    "learner, twin": "The system, and the same system with a memory that never changes. Both do "
    "the same tasks; they are the two arms of a battery (`learn`, `frozen`).",
    "turn": "One step of the system's work on a task.",
    "learning side, distillation": "What turns the last outcomes into lessons, and the call that "
    "asks for it (`llm_team`, `delta`).",
    "overseer": "A model inside the system that steps in while a task goes wrong, and corrects it.",
    "review, judgment": "A large model, the reviewer, looks at an iteration and proposes changes "
    "(`epsilon`); these are then judged (`zeta`).",
    "check": "What a right answer must have. Without checks, only the system itself says that a "
    "task is done.",
    "bluff": "An answer that claims what is not so: that an impossible task is done, or what its "
    "checks refute.",
    "new task, sibling": "A task that the same lesson helps with and that was never asked before. "
    "Lessons help there; kept answers do not.",
    "effect": "How much less the learner takes than the twin on a typical task. The truth is "
    "probably within its interval; p is how often luck alone would bring as much.",
    "gate": "A check that a saving may count at all, such as honest failure.",
    "verdict": "The result in one word, such as LEARNED, with a sentence that says why.",
}


def glossary(debug: options.Debug = False) -> None:
    """Explain the words that battery prints.

    First what things are called, then the verdicts and the gates. In brackets are the names that
    files and options have for them.

    \b
    Example:
      battery glossary | less
    """
    _section("Words", WORDS)
    _section("Verdicts", {word: word.about.plain for word in Word})
    _section("Gates", {gate.about.title: gate.about.asks for gate in GateName})


def _section(title: str, explained: dict[str, str]) -> None:
    """Print words in one column and what they mean in another."""
    write_line(sys.stdout, f"{title}:")
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    for word, meaning in explained.items():
        heads = textwrap.wrap(word, _COLUMN - 4)
        lines = textwrap.wrap(meaning.replace("`", ""), width - _COLUMN)
        for number in range(max(len(heads), len(lines))):
            head = "".join(heads[number : number + 1])
            line = "".join(lines[number : number + 1])
            write_line(sys.stdout, f"  {head:<{_COLUMN - 2}}{line}".rstrip())
    write_line(sys.stdout, "")
