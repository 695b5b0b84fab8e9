"""Policies driven by a language model behind any OpenAI-compatible endpoint.

The loop, the prompts and the audit are those of the rules; only who answers differs. The key of
the endpoint is sent and nothing else: it is taken out of every text that leaves this module.
"""

from __future__ import annotations

import ipaddress
import json
from contextlib import suppress
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from battery import protocol
from battery.base import jsonio
from battery.base.errors import ShapeError, UsageError, unusable_certificates
from battery.base.redact import Redactor
from battery.base.text import printable
from battery.embedded.forms import ACTION, Correction, Fill, GiveUp, Judgment, Search
from battery.embedded.policies import (
    Case,
    Policies,
    PolicyError,
    Reply,
    Usage,
    estimate,
    executor_prompt,
    overseer_prompt,
    reviewer_prompt,
)
from battery.protocol import ChatRequest, Json
from battery.protocol.chat import chat_answer, chat_content, finish_reason

#: Seconds for one call; a model that thinks may take minutes.
TIMEOUT_S: Final = 300.0
#: Characters of an endpoint's error answer that are passed on.
EXCERPT: Final = 300

_HINT: Final = "the URL looks like http://127.0.0.1:11434/v1, the key is plain letters and signs"

T = TypeVar("T")

_JUDGMENT: Final = TypeAdapter(Judgment)
_CORRECTION: Final = TypeAdapter(Correction)


class _Told(BaseModel):
    """The usage that an endpoint reports."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class LanguageModel:
    """Ask an OpenAI-compatible endpoint; one object is executor, reviewer, overseer and chat.

    `url` is the base such as `http://host/v1`. Raises `UsageError` for a URL or key that cannot
    be used, and `PolicyError` when a call fails.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        host = _checked(url, key)
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._redact = Redactor([key] if key else [], protocol.WORDS)
        headers = {"authorization": f"Bearer {key}"} if key else {}
        try:
            # Proxies of the environment are for remote hosts.
            self._client = httpx.AsyncClient(
                headers=headers, timeout=TIMEOUT_S, trust_env=not _is_loopback(host)
            )
        except OSError as error:
            raise unusable_certificates(error) from error

    def policies(self) -> Policies:
        """Return this model in all four parts."""
        return Policies(self, self, self, self)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def propose(self, case: Case) -> Reply[Search | Fill | GiveUp]:
        """Ask the executor model for the next action."""
        return await self._ask(case.request.executor_model, executor_prompt(case), ACTION)

    async def review(
        self, case: Case, proposal: Fill | GiveUp, findings: list[str]
    ) -> Reply[Judgment]:
        """Ask the reviewer model to judge a proposal."""
        prompt = reviewer_prompt(case, proposal, findings)
        return await self._ask(case.request.reviewer_model, prompt, _JUDGMENT)

    async def correct(self, case: Case) -> Reply[Correction]:
        """Ask the reviewer model for a correction: a respond call names no overseer model."""
        prompt = overseer_prompt(case)
        return await self._ask(case.request.reviewer_model, prompt, _CORRECTION)

    async def answer(self, request: ChatRequest) -> Json:
        """Pass a chat on; the keys that only the battery's own wire knows are left out."""
        messages = [message.model_dump() for message in request.messages]
        content, usage, ended = await self._complete(request.model, messages, request.temperature)
        return chat_answer(content, request.model, usage.as_json(), ended)

    async def _ask(self, model: str, prompt: str, form: TypeAdapter[T]) -> Reply[T]:
        # One message without history: the prompt carries the transcript, as for the rules.
        messages = [{"role": "user", "content": prompt}]
        content, usage, _ = await self._complete(model, messages, 0.0)
        return Reply(_read(content, form), usage, content)

    async def _complete(
        self, model: str, messages: list[dict[str, str]], temperature: float
    ) -> tuple[str, Usage, str | None]:
        # Only what every compatible endpoint knows; some refuse a key they do not.
        body = {"model": model, "messages": messages, "temperature": temperature}
        try:
            response = await self._client.post(self._url, json=body)
            answer = self._read_answer(response.content) if response.is_success else None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            self._redact.error(error)
            raise self._error(model, str(error) or type(error).__name__) from error
        if not response.is_success:
            raise self._error(model, f"status {response.status_code}: {response.text}")
        try:
            content = chat_content(answer)
        except ShapeError as error:
            raise self._error(model, str(error)) from error
        return content, _usage(answer, messages, content), finish_reason(answer)

    def _read_answer(self, body: bytes) -> Any:
        return self._redact.document(jsonio.loads(body, jsonio.MAX_DEPTH), body)

    def _error(self, model: str, reason: str) -> PolicyError:
        # The key goes before the cut, or half of it could be left over.
        safe = printable(self._redact.excerpt(reason))
        return PolicyError(f"the model endpoint failed for {model}: {safe[:EXCERPT]}")


def _read(content: str, form: TypeAdapter[T]) -> T | None:
    """Find the first JSON object of the asked form in a reply; models wrap them in prose."""
    # A brace in the prose before it is no object, or one of another form: try the next.
    start = content.find("{")
    while start >= 0:
        try:
            found, _ = json.JSONDecoder().raw_decode(content, start)
            return form.validate_python(found)
        except (ValidationError, ValueError, RecursionError):
            start = content.find("{", start + 1)
    return None


def _usage(answer: Any, messages: list[dict[str, str]], content: str) -> Usage:
    with suppress(ValidationError):
        told = _Told.model_validate(answer.get("usage"))
        return Usage(told.prompt_tokens, told.completion_tokens)
    # An endpoint that does not count leaves it to the estimate, which says that it is one.
    return estimate("\n".join(message["content"] for message in messages), content)


def _checked(url: str, key: str | None) -> str:
    """Return the host of a usable URL; neither URL nor key is shown, for both hold secrets."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        # The reason quotes the part that is wrong, which may be a password.
        raise UsageError("the model URL is no URL", hint=_HINT) from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise UsageError("the model URL is no http or https URL with a host", hint=_HINT)
    if key and not (key.isascii() and key.isprintable()):
        raise UsageError("the model key has characters that no header can carry", hint=_HINT)
    return parsed.host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
