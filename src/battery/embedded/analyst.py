"""A rule-based analyst that answers the battery's two questions without a language model.

It reads the numbers in the prompt and writes the overseer review, or reads a review and writes
the scrum judgment. It signs as rules, so that nobody takes it for a model.
"""

from __future__ import annotations

from typing import Final

from battery.embedded.figures import read_figures
from battery.embedded.judge import write_judgment
from battery.embedded.reviewing import write_review
from battery.embedded.tokens import estimate
from battery.protocol.wire import ChatRequest, Json, chat_answer

SIGNATURE: Final = "— rules (no language model)"

_ELSE: Final = (
    "No language model is attached to this gateway. The rules that answer here can write two "
    "things only: the overseer review of an iteration and the scrum judgment of such a review."
)


class RuleAnalyst:
    """Answer the two prompts of the battery from what is in them; say so for any other."""

    async def answer(self, request: ChatRequest) -> Json:
        """Return a chat answer; its token usage is estimated."""
        prompt = "\n\n".join(message.content for message in request.messages)
        content = f"{_answer(prompt)}\n\n{SIGNATURE}\n"
        return chat_answer(content, request.model, estimate(prompt, content).as_json())


def _answer(prompt: str) -> str:
    # The judgment's prompt quotes a review, so its own heading is looked for first.
    if _asks_for("## PR-ready changes", prompt):
        return write_judgment(prompt)
    if _asks_for("## What worked", prompt):
        return write_review(read_figures(prompt))
    return _ELSE


def _asks_for(heading: str, prompt: str) -> bool:
    # At the start of a line: inside the evidence, which is one line, it would be a task's text.
    return f"\n{heading}" in f"\n{prompt}"
