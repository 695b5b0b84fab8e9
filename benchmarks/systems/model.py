"""One chat with the model that `OPENAI_BASE_URL` names, by the standard library alone."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from battery.system import Ask, Reply

_SYSTEM = (
    "You are the assistant of a small company with words and codes of its own. Answer with the "
    "value alone, in one line. Say UNKNOWN if nobody can have told you."
)
_UNKNOWN = "unknown"
_NOTES = "What you were told before:"


def answer(ask: Ask, model: str, notes: Sequence[str]) -> Reply:
    """Have the model answer the last message of a talk, with these notes before it."""
    told = "\n".join([_SYSTEM, *([_NOTES] if notes else []), *(f"- {note}" for note in notes)])
    said = _complete(model, [{"role": "system", "content": told}, *ask.messages])
    text = said["choices"][0]["message"]["content"]
    # Who does not know has failed, and has not claimed anything.
    error = "the model does not know" if _UNKNOWN in text.casefold() else None
    return Reply(text=text, usage=said["usage"], turns=1, recalled=list(notes), error=error)


def _complete(model: str, messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": 24}
    request = urllib.request.Request(
        f"{os.environ['OPENAI_BASE_URL']}/chat/completions",
        data=json.dumps(body).encode(),
        headers={
            "content-type": "application/json",
            "authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', 'none')}",
        },
    )
    with urllib.request.urlopen(request, timeout=600) as response:
        answer: dict[str, Any] = json.load(response)
    return answer
