"""Who reviews and judges, where that is not the system under test itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from typing import ClassVar

from battery.base.clock import awake
from battery.embedded.analyst import RuleAnalyst
from battery.inputs.settings import OPENAI, RULES, Settings, Target
from battery.protocol import ChatMessage, ChatRequest
from battery.protocol.chat import chat_content
from battery.target.caller import Caller
from battery.target.system import ChatReply, Chatting


class ReviewEndpoint(Caller):
    """A large model behind an OpenAI-compatible endpoint."""

    noun: ClassVar[str] = "reviewer"
    credentials: ClassVar[str] = "set BATTERY_REVIEWER_KEY"
    promise: ClassVar[str] = "name an OpenAI-compatible endpoint with --reviewer openai:URL"

    async def chat(
        self, role: str, prompt: str, model: str, temperature: float, timeout_s: float
    ) -> ChatReply:
        """Ask the model one question; raise `CallError`, also for an answer without content."""
        name = f"chat for the {role} with model {model!r}"
        call = self._call(name, "/chat/completions", timeout_s)
        messages = [{"role": "user", "content": prompt}]
        body = {"model": model, "messages": messages, "temperature": temperature}
        return await self._chat(call, body)


class Rules:
    """The rules of the embedded gateway, for those who have no large model."""

    async def chat(
        self, role: str, prompt: str, model: str, temperature: float, timeout_s: float
    ) -> ChatReply:
        """Answer one of the battery's own prompts by rules, which sign as such."""
        del role, timeout_s
        start = awake()
        message = ChatMessage(role="user", content=prompt)
        request = ChatRequest(model=model, messages=[message], temperature=temperature)
        answer = await RuleAnalyst().answer(request)
        return ChatReply(chat_content(answer), answer, round((awake() - start) * 1000))


@asynccontextmanager
async def open_reviewer(settings: Settings, secrets: Iterable[str]) -> AsyncIterator[Chatting]:
    """Open the reviewer that the settings name."""
    reviewer, key = settings.reviewer or RULES, settings.reviewer_key
    if reviewer == RULES:
        yield Rules()
        return
    headers = {"authorization": f"Bearer {key}"} if key else {}
    target = Target(reviewer.removeprefix(OPENAI), headers)
    async with aclosing(ReviewEndpoint(target, secrets=secrets)) as endpoint:
        yield endpoint
