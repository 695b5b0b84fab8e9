"""An agent with a notes file: it looks things up in a handbook, and notes where it found them."""

# battery run --target python:examples/notes_agent.py:respond --tasks examples/notes_tasks.json

import json
from pathlib import Path

from battery import Ask, Reply

HANDBOOK = Path(__file__).with_name("handbook.txt").read_text().splitlines()


def respond(task: Ask, memory: Path) -> Reply:
    """Read the handbook until a page has the word; begin with the page that the notes name."""
    notes = memory / "notes.json"
    known = json.loads(notes.read_text()) if notes.exists() else {}
    word, read = task.spec["word"], 0
    for number in known.get(word, range(len(HANDBOOK))):
        read += len(HANDBOOK[number].split())
        if word in HANDBOOK[number]:
            notes.write_text(json.dumps({**known, word: [number]}))
            return Reply(text=HANDBOOK[number], usage={"total_tokens": read}, turns=1)
    return Reply(error=f"no page has {word}", usage={"total_tokens": read}, turns=1)
