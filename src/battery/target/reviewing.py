"""Reviews and judgments for systems that have no large model of their own to ask."""

from __future__ import annotations

from battery.base.clock import awake
from battery.protocol import ChatMessage, ChatRequest
from battery.protocol.chat import chat_content
from battery.target.system import ChatReply


async def by_rules(prompt: str, model: str, temperature: float) -> ChatReply:
    """Answer one of the battery's own prompts by rules, which sign as such."""
    # Loaded where it is needed: most batteries have a model, or the embedded gateway, to ask.
    from battery.embedded.analyst import RuleAnalyst  # noqa: PLC0415

    start = awake()
    message = ChatMessage(role="user", content=prompt)
    request = ChatRequest(model=model, messages=[message], temperature=temperature)
    answer = await RuleAnalyst().answer(request)
    return ChatReply(chat_content(answer), answer, round((awake() - start) * 1000))
