"""Policies driven by a language model behind any OpenAI-compatible endpoint.

The loop, the prompts and the audit are those of the rules; only who answers differs. The key of
the endpoint is sent and nothing else: it is taken out of every text that leaves this module, good
answers among them.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from contextlib import suppress
from typing import Final, NamedTuple, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from battery.base import jsonio
from battery.base.errors import ShapeError, UsageError, unusable_certificates, unusable_proxy
from battery.base.redact import Redactor, without_user
from battery.base.text import printable
from battery.embedded.forms import ACTION, Correction, Fill, GiveUp, Judgment, Search
from battery.embedded.policies import (
    Case,
    Policies,
    PolicyError,
    Reply,
    executor_prompt,
    overseer_prompt,
    reviewer_prompt,
)
from battery.embedded.schemas import (
    CORRECTION_SCHEMA,
    JUDGMENT_SCHEMA,
    action_schema,
    response_format,
)
from battery.embedded.tokens import Usage, estimate
from battery.protocol import WORDS, ChatRequest, Json, limits
from battery.protocol.chat import chat_answer, chat_content, chat_cut, finish_reason
from battery.protocol.usage import usage_spent

# Whoever called the gateway waits no longer than that by default, and should be the one to give up:
# then the error names the option that allows more.
#: Seconds for one call as a whole; a model that thinks may take minutes.
TIMEOUT_S: Final = 600.0
#: Seconds to wait for a connection: what thinks has accepted it.
CONNECT_TIMEOUT_S: Final = 10.0
#: Characters of an endpoint's error answer that are passed on.
EXCERPT: Final = 300
#: Bytes that are read of one: a character may take several, and an error page may have no end.
_EXCERPT_BYTES: Final = 16 * EXCERPT
#: Objects that are tried in a reply; each may be as long as the reply.
_MOST_TRIED: Final = 200

_HINT: Final = (
    "the URL looks like http://127.0.0.1:11434/v1; a key goes into BATTERY_MODEL_KEY and is plain "
    "letters and signs"
)

# Far more than a form takes: who thinks first needs room for it. Only what runs wild meets them.
_ACTION_TOKENS: Final = 4096
_JUDGMENT_TOKENS: Final = 2048
_CORRECTION_TOKENS: Final = 4096
#: Of a chat, which writes a review or a judgment of one.
_CHAT_TOKENS: Final = 8192

#: With these statuses endpoints refuse a request for a key in it; it was not worked on.
_REFUSALS: Final = frozenset({400, 404, 422})

T = TypeVar("T")

_JUDGMENT: Final = TypeAdapter(Judgment)
_CORRECTION: Final = TypeAdapter(Correction)


class _Raw(NamedTuple):
    """An answer as it came; of an error only its beginning."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def failed(self) -> bool:
        return not 200 <= self.status < 300

    @property
    def coding(self) -> str:
        """The compression of the body; empty where it is what it says."""
        coding: str = self.headers.get("content-encoding", "")
        return "" if coding.strip().lower() in {"", "identity", "utf-8"} else coding


class _Completion(NamedTuple):
    """What a model said, what it cost, and where the endpoint says so, how it ended."""

    content: str
    usage: Usage
    finish: str | None
    #: Why the text may not be whole.
    cut: str | None


class LanguageModel:
    """Ask an OpenAI-compatible endpoint; one object is executor, reviewer, overseer and chat.

    Each part sends the JSON schema of its form and a limit of tokens. Where an endpoint refuses
    one of the two for a model, that model is asked without it from then on.

    `url` is the base such as `http://host/v1`. Raises `UsageError` for a URL or key that cannot
    be used, and `PolicyError` when a call fails.
    """

    def __init__(self, url: str, key: str | None = None, *, timeout_s: float = TIMEOUT_S) -> None:
        host = _checked(url, key)
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._timeout_s = timeout_s
        #: By model, the keys that its endpoint refuses.
        self._refused: dict[str, frozenset[str]] = {}
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._redact = Redactor([key] if key else [], WORDS)
        try:
            self._client = httpx.AsyncClient(
                # Unpacked, a few hundred bytes could fill the memory.
                headers={**headers, "accept-encoding": "identity"},
                # A timeout of reading would start anew with every byte.
                timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
                # An answer too many on a connection would be taken for the next one; and a new
                # connection takes no time that a model would notice.
                limits=httpx.Limits(max_keepalive_connections=0),
                # Followed, a redirect would carry the prompts to a host that nobody named.
                follow_redirects=False,
                # Proxies of the environment are for remote hosts.
                trust_env=not _is_loopback(host),
            )
        except OSError as error:
            raise unusable_certificates(error) from error
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            # What is wrong with a URL may be its password, which the reason quotes.
            words = "it is not a URL" if isinstance(error, httpx.InvalidURL) else str(error)
            raise unusable_proxy(UsageError, "the model URL", printable(words)) from None

    def policies(self) -> Policies:
        """Return this model in all four parts."""
        return Policies(self, self, self, self)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def propose(self, case: Case) -> Reply[Search | Fill | GiveUp]:
        """Ask the executor model for the next action."""
        extras = _extras(_ACTION_TOKENS, "action", action_schema(case))
        return await self._ask(case.request.executor_model, executor_prompt(case), ACTION, extras)

    async def review(
        self, case: Case, proposal: Fill | GiveUp, findings: list[str]
    ) -> Reply[Judgment]:
        """Ask the reviewer model to judge a proposal."""
        prompt = reviewer_prompt(case, proposal, findings)
        extras = _extras(_JUDGMENT_TOKENS, "judgment", JUDGMENT_SCHEMA)
        return await self._ask(case.request.reviewer_model, prompt, _JUDGMENT, extras)

    async def correct(self, case: Case) -> Reply[Correction]:
        """Ask the reviewer model for a correction: a respond call names no overseer model."""
        prompt = overseer_prompt(case)
        extras = _extras(_CORRECTION_TOKENS, "correction", CORRECTION_SCHEMA)
        return await self._ask(case.request.reviewer_model, prompt, _CORRECTION, extras)

    async def answer(self, request: ChatRequest) -> Json:
        """Pass a chat on; the keys that only the battery's own wire knows are left out."""
        messages = [message.model_dump() for message in request.messages]
        body = {"messages": messages, "temperature": request.temperature}
        said = await self._complete(request.model, body, {"max_tokens": _CHAT_TOKENS})
        return chat_answer(said.content, request.model, said.usage.as_json(), said.finish)

    async def _ask(self, model: str, prompt: str, form: TypeAdapter[T], extras: Json) -> Reply[T]:
        # One message without history: the prompt carries the transcript, as for the rules.
        messages = [{"role": "user", "content": prompt}]
        said = await self._complete(model, {"messages": messages, "temperature": 0.0}, extras)
        return Reply(_read(said.content, form), said.usage, said.content, said.cut or "")

    async def _complete(self, model: str, body: Json, extras: Json) -> _Completion:
        """Ask with the keys of `body`, which every endpoint knows, and `extras`, which most do."""
        raw = await self._offer(model, {"model": model, **body}, extras)
        if raw.failed:
            raise self._error(model, f"status {raw.status}{_moved(raw)}: {_shown(raw)}")
        if raw.coding:
            raise self._error(
                model, f"its answer is compressed ({raw.coding}), though a plain one was asked for"
            )
        try:
            limits.ValueCount().add(raw.body)
        except limits.TooLargeError as error:
            raise self._error(model, f"its answer {error}") from error
        try:
            answer = self._redact.document(jsonio.loads(raw.body, jsonio.MAX_DEPTH), raw.body)
        except ValueError as error:
            self._redact.error(error)
            kind = raw.headers.get("content-type", "none")
            reason = f"its answer is not JSON ({error}; content-type {kind}): {_shown(raw)}"
            raise self._error(model, reason) from error
        try:
            # A key that was cut into parts is whole only in the text that they make.
            content = self._redact.text(chat_content(answer))
        except ShapeError as error:
            raise self._error(model, str(error)) from error
        usage = _usage(answer, body["messages"], content)
        return _Completion(content, usage, finish_reason(answer), chat_cut(answer))

    async def _offer(self, model: str, body: Json, extras: Json) -> _Raw:
        """Send a request; where it is refused, send it without what may have been refused."""
        refused = self._refused.get(model, frozenset())
        while True:
            offered = {key: value for key, value in extras.items() if key not in refused}
            raw = await self._post(model, jsonio.dumps({**body, **offered}))
            if raw.status not in _REFUSALS or not offered:
                break
            refused |= _suspects(raw, offered)
        if not raw.failed:
            # Not before it helped: a request may be refused for other reasons.
            self._refused[model] = refused
        return raw

    async def _post(self, model: str, body: bytes) -> _Raw:
        """Send a request and read its answer, bounded in time and size."""
        headers = {"content-type": "application/json"}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream("POST", self._url, content=body, headers=headers) as response,
            ):
                limit = limits.MAX_ANSWER_BYTES if response.is_success else _EXCERPT_BYTES
                data = bytearray()
                async for chunk in response.aiter_raw():
                    data += chunk
                    if len(data) > limit:
                        break
        except TimeoutError:
            reason = f"no whole answer within {self._timeout_s:g} s; --model-timeout allows more"
            raise self._error(model, reason) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            self._redact.error(error)
            reason = f"{str(error) or type(error).__name__} ({self._url})"
            raise self._error(model, reason) from error
        if response.is_success and len(data) > limit:
            raise self._error(model, f"its answer is larger than {limit // 2**20} MiB")
        return _Raw(response.status_code, response.headers, bytes(data[:limit]))

    def _error(self, model: str, reason: str) -> PolicyError:
        # The key goes before the cut, or half of it could be left over.
        safe = printable(self._redact.excerpt(reason))[:EXCERPT]
        return PolicyError(f"the model endpoint failed for {printable(model)}: {safe}")


def _extras(max_tokens: int, name: str, schema: Json) -> Json:
    return {"max_tokens": max_tokens, "response_format": response_format(name, schema)}


def _suspects(raw: _Raw, offered: Json) -> set[str]:
    """Return the keys that a refusal names, else the one that fewer endpoints know."""
    reason = raw.body.decode("utf-8", "replace")
    named = {key for key in offered if key in reason}
    return named or {"response_format"} & offered.keys() or set(offered)


def _shown(raw: _Raw) -> str:
    if raw.coding:
        return f"(a body with content-encoding {raw.coding}, which is not unpacked)"
    return raw.body[:_EXCERPT_BYTES].decode("utf-8", "replace") or "(empty)"


def _moved(raw: _Raw) -> str:
    if not 300 <= raw.status < 400:
        return ""
    where = without_user(raw.headers.get("location", "nowhere"))
    return f" to {where} (redirects are not followed: name the final URL)"


def _read(content: str, form: TypeAdapter[T]) -> T | None:
    """Find the first JSON object of the asked form in a reply; models wrap them in prose."""
    # A brace in the prose before it is no object, or one of another form: try the next.
    start = -1
    for _ in range(_MOST_TRIED):
        start = content.find("{", start + 1)
        if start < 0:
            break
        with suppress(ValidationError, ValueError, RecursionError):
            document, _ = json.JSONDecoder().raw_decode(content, start)
            return form.validate_python(document)
    return None


def _usage(answer: Json, messages: list[dict[str, str]], content: str) -> Usage:
    told = usage_spent(answer).kinds
    if told.prompt is not None and told.output is not None:
        return Usage(told.prompt, told.output, estimated=False, cached_tokens=told.cached)
    # An endpoint that does not count leaves it to the estimate, which says that it is one.
    return estimate("\n".join(message["content"] for message in messages), content)


def _checked(url: str, key: str | None) -> str:
    """Return the host of a usable URL; neither URL nor key is shown, for both hold secrets."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        # The reason quotes the part that is wrong, which may be a password.
        raise UsageError("the model URL is not a URL", hint=_HINT) from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise UsageError("the model URL is not an http or https URL with a host", hint=_HINT)
    # Sent, they would be the endpoint's; but the URL is recorded and shown.
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise UsageError(
            "the model URL carries a user, a password, a query or a fragment", hint=_HINT
        )
    if key and not (key.isascii() and key.isprintable()):
        raise UsageError("the model key has characters that no header can carry", hint=_HINT)
    return parsed.host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
