"""A stand-in for a language model: it writes dates, in a form that it has to guess."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

NAME = "stand-in"
#: Tried in this order, unless something in the talk says which form is wanted.
FORMS = ("{0:%B} {0.day}, {0.year}", "{0.month}/{0.day}/{0.year}", "{0:%Y-%m-%d}")
WANTED = "YYYY-MM-DD"


def complete(body: dict[str, Any]) -> dict[str, Any]:
    """Answer a request for a chat completion."""
    messages = body["messages"]
    prompt = "\n".join(str(message["content"]) for message in messages)
    text = lesson(prompt) if prompt.startswith("Read this talk.") else answer(messages, prompt)
    usage = {"prompt_tokens": len(prompt.split()), "completion_tokens": len(text.split())}
    return {
        "model": NAME,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
            }
        ],
        "usage": usage | {"total_tokens": sum(usage.values())},
    }


def answer(messages: list[dict[str, Any]], prompt: str) -> str:
    """Write the date of a task."""
    asked = next(message["content"] for message in messages if message["role"] == "user")
    date = re.search(r"\d{1,2} [A-Z][a-z]+ \d{4}", asked)
    if date is None:
        return "I cannot do that: there is no such date."
    tries = sum(message["role"] == "assistant" for message in messages)
    form = FORMS[-1] if WANTED in prompt else FORMS[min(tries, len(FORMS) - 1)]
    day = datetime.strptime(date[0], "%d %B %Y")
    return f"I was asked for the date as a form has it, and it is {form.format(day)}"


def lesson(talk: str) -> str:
    """Write what a talk teaches."""
    said = re.findall(r"^assistant: .*$", talk, re.MULTILINE)
    # It says so itself only where it had to be told.
    learned = len(said) > 1 and re.search(r"\d{4}-\d\d-\d\d", said[-1])
    return f"Write every date as {WANTED}." if learned else "NONE"
