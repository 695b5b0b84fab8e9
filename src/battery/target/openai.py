"""An OpenAI-compatible chat endpoint under test: a model, or a memory in front of one.

Battery keeps its arms apart by an id of the user, and its tasks by one of the session. What the
endpoint remembers is behind it: there is no folder to copy, so nothing is claimed of its memory.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, ClassVar, Final

from battery.base.errors import ShapeError
from battery.inputs.settings import Target, make_target, parse_headers
from battery.protocol import Json
from battery.protocol.chat import chat_text
from battery.protocol.usage import usage_spent
from battery.records.events import Notice
from battery.records.models import FROZEN, LEARN
from battery.system import Ask, Outcome, Verbs
from battery.target.caller import Caller
from battery.target.driver import Seat, WithoutCopies
from battery.target.local import Elsewhere, open_local
from battery.target.system import Finding, Kind, Opening, Worker
from battery.target.transport import load_backend

PREFIX: Final = "openai:"
#: Seconds for a look at what is there.
_LOOK_S: Final = 10.0
_COMPLETIONS: Final = "/chat/completions"
_HEADER: Final = "header:"
_TWIN: Final = (
    "the twin is {} as well, with another user in each call; an endpoint that does not keep its "
    "memories apart by user would teach it: let battery start it from a file, or run one arm with "
    "--no-control"
)
#: Hexadecimal digits of an id.
_DIGITS: Final = 16


@dataclass(frozen=True)
class Way:
    """Where an id goes in a request: a header, a field by its dotted name, or nowhere."""

    text: str

    def put(self, value: str, body: Json, headers: dict[str, str]) -> None:
        """Write an id into a request."""
        if self.text.startswith(_HEADER):
            headers[self.text.removeprefix(_HEADER).strip()] = value
            return
        *above, last = self.text.split(".")
        for name in above:
            body = body.setdefault(name, {})
        if last:
            body[last] = value


@dataclass(frozen=True)
class Endpoint:
    """What is known of an endpoint before it is called."""

    target: Target
    session: Way = Way("metadata.session_id")
    user: Way = Way("user")
    #: Keys of each request on top of battery's own, such as `temperature`.
    body: Mapping[str, Any] = field(default_factory=dict)


class Chat(Caller):
    """Calls of one endpoint; each is made once."""

    noun: ClassVar[str] = "endpoint"
    credentials: ClassVar[str] = "set OPENAI_API_KEY or BATTERY_TARGET_KEY, or give --header"
    promise: ClassVar[str] = (
        "is this the URL of an OpenAI-compatible endpoint? it mostly ends in /v1"
    )

    async def complete(
        self, name: str, body: Json, headers: Mapping[str, str], timeout_s: float
    ) -> Json:
        """Ask for one completion; return its text, usage and what else is to be known of it.

        Raises `CallError`. A model that says nothing has answered; an error has not.
        """
        call = self._call(name, _COMPLETIONS, timeout_s)
        answer, _ = await self._ask(call, body, headers)
        try:
            text, note = chat_text(answer)
        except ShapeError as error:
            raise self._wrong_answer(call, error) from error
        log = [{"kind": "answer_note", "text": note}] if note else []
        reply: Json = {"text": self._redact.text(text), "turns": 1, "log": log}
        return reply | ({"usage": usage} if (usage := _usage(answer)) else {})

    async def look(self, timeout_s: float) -> Finding:
        """Ask for the models it has, which not all list: any answer but a refusal will do."""
        call = self._call("look-up", "/models", timeout_s)
        async with self._translated(call), self._http.stream("GET", call.url) as response:
            status = response.status_code
        # Not 403: there are keys that may ask and not list.
        if status == 401:
            return Finding(False, f"{call.url} answers HTTP {status}", self.credentials)
        return Finding(True, f"{self._base} answers (HTTP {status} at /models)")

    def _status_hint(self, status: int) -> str:
        if status in {400, 422}:
            return (
                "does it refuse `user` or `metadata`, by which battery keeps its arms apart? a "
                "target file says where they go; see docs/reference/commands.md"
            )
        return super()._status_hint(status)


def _usage(answer: Any) -> Json | None:
    """Return the usage of an answer, with a total where only its parts are told."""
    spent, usage = usage_spent(answer), answer.get("usage")
    if not isinstance(usage, dict):
        return None
    if spent.tokens is None and spent.kinds.known:
        return usage | {"total_tokens": spent.kinds.known}
    return usage


class OpenAI(WithoutCopies):
    """One arm at an endpoint; a `Driver`."""

    def __init__(self, endpoint: Endpoint, seat: Seat, run_id: str) -> None:
        self._endpoint = endpoint
        self._seat = seat
        self._run_id = run_id
        self._chat: Chat | None = None

    @property
    def _running(self) -> Chat:
        if self._chat is None:
            raise RuntimeError
        return self._chat

    async def start(self) -> Verbs:
        """Open the connection, which the first call makes."""
        await load_backend()
        self._chat = Chat(self._endpoint.target)
        return Verbs(one_turn=True)

    async def ask(self, ask: Ask, timeout_s: float) -> Json | str:
        """Ask for the next message of a talk."""
        body: Json = {
            **deepcopy(dict(self._endpoint.body)),
            "model": self._seat.model,
            "messages": [dict(message) for message in ask.messages],
        }
        headers: dict[str, str] = {}
        self._endpoint.user.put(self._user(ask.session), body, headers)
        self._endpoint.session.put(ask.session, body, headers)
        return await self._running.complete(
            f"chat for {ask.operation!r} with model {self._seat.model!r}", body, headers, timeout_s
        )

    async def tell(self, outcome: Outcome, timeout_s: float) -> None:
        """Say nothing: there is no call to say it by."""

    async def learn(
        self, outcomes: Sequence[Outcome], on_event: Callable[[Json], None], timeout_s: float
    ) -> list[Json]:
        """Have it learn nothing: there is no call for it."""
        del outcomes, on_event, timeout_s
        return []

    async def stop(self) -> None:
        """Close the connection."""
        chat, self._chat = self._chat, None
        if chat is not None:
            await chat.aclose()

    async def look(self) -> Finding:
        """Ask for its models, which teaches it nothing."""
        chat = Chat(self._endpoint.target)
        async with aclosing(chat):
            return await chat.look(_LOOK_S)

    def _user(self, session: str) -> str:
        # Somebody new each time in the frozen arm: of whom an endpoint knows nothing, it remembers
        # nothing. Hashes, so that no endpoint can tell the arms by the look of their names.
        who = LEARN if self._seat.arm == LEARN else session
        return sha256(f"{self._run_id} {who}".encode()).hexdigest()[:_DIGITS]


def read(text: str, headers: Mapping[str, str]) -> Target:
    """Check `openai:` with a URL, and take the key of the environment; raise `UsageError`."""
    url = text.removeprefix(PREFIX)
    key = os.environ.get("BATTERY_TARGET_KEY") or os.environ.get("OPENAI_API_KEY")
    checked = make_target(url, {**parse_headers([], key), **headers})
    return Target(f"{PREFIX}{checked.url}", checked.headers)


@asynccontextmanager
async def _opened(opening: Opening) -> AsyncIterator[Sequence[Worker]]:
    url = opening.target.url.removeprefix(PREFIX)
    endpoint = Endpoint(Target(url, opening.target.headers))
    # Before a battery there is no id, and nobody is asked.
    run_id = opening.run_id or secrets.token_hex()
    if FROZEN in opening.arms and opening.run_id:
        opening.tell(Notice(_TWIN.format(url), warning=True))
    async with open_local(
        opening, lambda seat: OpenAI(endpoint, seat, run_id), Elsewhere
    ) as workers:
        yield workers


OPENAI: Final = Kind(
    name="chat endpoint",
    recognizes=lambda text: text.startswith(PREFIX),
    opened=_opened,
    read=read,
    sends_models=True,
    twin="the same one, with another user in each call",
    is_local=True,
    has_memory=lambda _text: False,
)
