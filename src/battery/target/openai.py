"""An OpenAI-compatible chat endpoint under test: a model, or a memory in front of one.

Battery keeps its arms apart by an id of the user, and its tasks by one of the session. What the
endpoint remembers is behind it: there is no folder to copy, so nothing is claimed of its memory.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from battery.base.clock import awake
from battery.base.errors import (
    BrokenAnswerError,
    CallError,
    CallTimeoutError,
    ShapeError,
    StatusError,
    UsageError,
)
from battery.base.numbers import counted
from battery.base.text import brief, printable
from battery.inputs.settings import Target, make_target, parse_headers
from battery.protocol import Json
from battery.protocol.chat import chat_text
from battery.protocol.usage import usage_spent
from battery.records.events import Notice
from battery.records.models import FROZEN, LEARN
from battery.system import Ask, Outcome, Verbs
from battery.target.caller import Call, Caller
from battery.target.driver import Seat, WithoutCopies
from battery.target.local import Elsewhere, Local, open_local
from battery.target.started import Server, Start, filled, startable
from battery.target.system import Finding, Kind, Opening, Worker
from battery.target.transport import load_backend

PREFIX: Final = "openai:"
#: Seconds until a process whose connection broke has ended, if it does.
_SETTLE_S: Final = 1.0
#: Seconds for a look at what is there.
_LOOK_S: Final = 10.0
_COMPLETIONS: Final = "/chat/completions"
_HEADER: Final = "header:"
_TWIN: Final = (
    "the twin is also {}, with another user in each call; if that endpoint does not keep a memory "
    "per user, the twin learns too: let battery start it from a file, or run without a twin "
    "(--no-control)"
)
_SESSION: Final = "session"
#: Characters of an answer to a request of the learning step that are told.
_SAID: Final = 200
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
class Lesson:
    """How an endpoint is asked to learn, and what is waited for then."""

    #: A request for each session, such as `POST /session/{session}/close`.
    request: str
    body: Json | None = None
    #: The path to look at, and what its answer has in it once a session is learned.
    get: str | None = None
    contains: str = ""
    #: Seconds without progress; None is as long as any other call about an iteration may take.
    timeout_s: float | None = None
    every_s: float = 1.0


@dataclass(frozen=True)
class Endpoint:
    """What is known of an endpoint before it is called."""

    #: The URL may have placeholders where battery starts the server.
    target: Target
    session: Way = Way("metadata.session_id")
    user: Way = Way("user")
    #: Keys of each request on top of battery's own, such as `temperature`.
    body: Mapping[str, Any] = field(default_factory=dict)
    start: Start | None = None
    #: The path that answers 2xx once a started server is ready; None is any answer at all.
    ready: str | None = None
    lesson: Lesson | None = None
    #: Whether the twin may go on running while its folder is as at the start.
    stays: bool = False


class Chat(Caller):
    """Calls of one endpoint; each is made once."""

    noun: ClassVar[str] = "endpoint"
    credentials: ClassVar[str] = "set OPENAI_API_KEY or BATTERY_TARGET_KEY, or give --header"
    promise: ClassVar[str] = (
        "is this the URL of an OpenAI-compatible endpoint? it usually ends in /v1"
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

    async def request(
        self, line: str, timeout_s: float, body: Json | None = None, *, any_status: bool = False
    ) -> str:
        """Make a request by method and path at the endpoint's host; return the text of its answer.

        Raises `CallError`; with `any_status` only where nobody answers.
        """
        method, _, path = line.partition(" ")
        parts = urlsplit(self._base)
        call = Call(line, f"{parts.scheme}://{parts.netloc}{path}", timeout_s)
        try:
            content, _, _ = await self._fetch(call, body, None, method)
        except StatusError:
            if any_status:
                return ""
            raise
        return self._redact.text(content.decode("utf-8", "replace"))

    async def look(self, timeout_s: float) -> Finding:
        """Ask for the models it has, which not all list: any answer but a refusal will do."""
        call = self._call("look-up", "/models", timeout_s)
        status = await self._status(call)
        # Not 403: there are keys that may ask and not list.
        if status == 401:
            return Finding(False, f"{call.url} answers HTTP {status}", self.credentials)
        return Finding(True, f"{self._base} answers (HTTP {status} at /models)")

    def _status_hint(self, status: int) -> str:
        if status in {400, 422}:
            return (
                "does it refuse `user` or `metadata`, with which battery keeps learner and twin "
                "apart? a target file can set where they go: `user` and `session` of [target]"
            )
        if status == 404:
            return (
                "is this the endpoint's base URL, and does it know the model? "
                "`models.executor_cloud` of the tasks file names it"
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
    """One arm at an endpoint, with the server behind it where battery starts that; a `Driver`."""

    def __init__(self, endpoint: Endpoint, seat: Seat, run_id: str) -> None:
        self._endpoint = endpoint
        self._seat = seat
        self._run_id = run_id
        self._server: Server | None = None
        self._chat: Chat | None = None

    @property
    def _running(self) -> Chat:
        if self._chat is None:
            raise RuntimeError
        return self._chat

    async def start(self) -> Verbs:
        """Start the server, if it is battery's to start, and wait until it is ready."""
        await load_backend()
        endpoint = self._endpoint
        values: Mapping[str, object] = {}
        if endpoint.start:
            self._server = await Server.started(endpoint.start, self._seat)
            values = self._server.values
        target = endpoint.target
        self._chat = Chat(replace(target, url=filled(target.url, values)))
        if self._server and endpoint.start:
            await self._server.ready(endpoint.start.ready_s, self._look)
        return Verbs(learn=endpoint.lesson is not None, one_turn=True, stays=endpoint.stays)

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
        name = f"chat for {ask.operation!r} with model {self._seat.model!r}"
        async with self._explained():
            return await self._running.complete(name, body, headers, timeout_s)

    async def tell(self, outcome: Outcome, timeout_s: float) -> None:
        """Say nothing: there is no call to say it by."""

    async def learn(
        self, outcomes: Sequence[Outcome], on_event: Callable[[Json], None], timeout_s: float
    ) -> list[Json]:
        """Ask it to learn from each session of the iteration, and wait until it has."""
        lesson = self._endpoint.lesson
        if lesson is None:
            return []
        events: list[Json] = []

        def tell(text: str, role: str = "progress") -> None:
            events.append({"role": role, "text": text})
            on_event(events[-1])

        sessions = [outcome.ask.session for outcome in outcomes]
        async with self._explained():
            for number, session in enumerate(sessions, 1):
                line = filled(lesson.request, {_SESSION: session})
                said = await self._running.request(line, timeout_s, lesson.body)
                tell(f"session {number} of {len(sessions)}: {brief(printable(said), _SAID)}")
            if lesson.get is not None:
                await self._until_learned(lesson, sessions, tell, timeout_s)
        done = "closed and learned" if lesson.get else "closed"
        tell(f"{counted(len(sessions), 'session')} {done}", "final")
        return events

    async def stop(self) -> None:
        """Close the connection and end the server."""
        (chat, server), self._chat, self._server = (self._chat, self._server), None, None
        try:
            if chat is not None:
                await chat.aclose()
        finally:
            if server is not None:
                await server.stop()

    async def look(self) -> Finding:
        """Ask for its models, which teaches it nothing; of a server, whether it can be started."""
        if self._server:
            await self._server.require_running()
            return Finding(True, "the server that battery started runs")
        if self._endpoint.start:
            return startable(self._endpoint.start)
        async with aclosing(Chat(self._endpoint.target)) as chat:
            return await chat.look(_LOOK_S)

    async def _look(self) -> None:
        """Find out whether the server is ready; raise `CallError`."""
        ready = self._endpoint.ready
        await self._running.request(f"GET {ready or '/'}", _LOOK_S, any_status=ready is None)

    async def _until_learned(
        self,
        lesson: Lesson,
        sessions: Sequence[str],
        tell: Callable[[str], None],
        timeout_s: float,
    ) -> None:
        """Look again and again until every session is learned; raise `CallTimeoutError`."""
        left, idle_s, since = list(sessions), lesson.timeout_s or timeout_s, awake()
        while left:
            before, left = left, await self._not_learned(lesson, left)
            if len(left) < len(before):
                since = awake()
                tell(f"{len(sessions) - len(left)} of {counted(len(sessions), 'session')} learned")
            elif awake() - since > idle_s:
                raise CallTimeoutError(
                    f"learning made no progress within {idle_s:g} s: {len(left)} of "
                    f"{counted(len(sessions), 'session')} are not done, the first is {left[0]}",
                    hint="look at `until`, or allow more with `timeout_s`",
                )
            if left:
                await asyncio.sleep(lesson.every_s)

    async def _not_learned(self, lesson: Lesson, sessions: Sequence[str]) -> list[str]:
        answers: dict[str, str] = {}
        left = []
        for session in sessions:
            # Where all sessions are in one answer, it is asked for once.
            line = f"GET {filled(lesson.get or '', {_SESSION: session})}"
            if line not in answers:
                answers[line] = await self._running.request(line, _LOOK_S)
            if filled(lesson.contains, {_SESSION: session}) not in answers[line]:
                left.append(session)
        return left

    @asynccontextmanager
    async def _explained(self) -> AsyncIterator[None]:
        """Say of a call that failed where the server behind it has ended."""
        try:
            yield
        except CallError as error:
            if self._server:
                # A connection breaks a moment before its process is seen to have ended.
                broke = isinstance(error, BrokenAnswerError)
                await self._server.require_running(_SETTLE_S if broke else 0)
            raise

    def _user(self, session: str) -> str:
        # For the twin, somebody new each time: of whom an endpoint knows nothing, it remembers
        # nothing. Hashes, so that no endpoint can tell the arms by the look of their names.
        who = LEARN if self._seat.arm == LEARN else session
        return sha256(f"{self._run_id} {who}".encode()).hexdigest()[:_DIGITS]


def read(text: str, headers: Mapping[str, str]) -> Target:
    """Check `openai:` with a URL, and take the key of the environment; raise `UsageError`."""
    checked = with_key(text.removeprefix(PREFIX), headers)
    try:
        checked = make_target(checked.url, checked.headers)
    except UsageError as error:
        if "://" not in text:
            error.hint = f"write it like {PREFIX}http://localhost:8000/v1"
        raise
    return Target(f"{PREFIX}{checked.url}", checked.headers)


def with_key(text: str, headers: Mapping[str, str]) -> Target:
    """Add the key that the environment has to the headers of a target."""
    key = os.environ.get("BATTERY_TARGET_KEY") or os.environ.get("OPENAI_API_KEY")
    return Target(text, {**parse_headers([], key), **headers})


@asynccontextmanager
async def open_endpoint(opening: Opening, endpoint: Endpoint) -> AsyncIterator[Sequence[Worker]]:
    """Open an endpoint in each arm."""
    # Before a battery there is no id, and nobody is asked.
    run_id = opening.run_id or secrets.token_hex()
    system = Local if endpoint.start else Elsewhere
    if not endpoint.start and FROZEN in opening.arms and opening.run_id:
        opening.tell(Notice(_TWIN.format(endpoint.target.url), warning=True))
    async with open_local(opening, lambda seat: OpenAI(endpoint, seat, run_id), system) as workers:
        yield workers


def _opened(opening: Opening) -> AbstractAsyncContextManager[Sequence[Worker]]:
    url = opening.target.url.removeprefix(PREFIX)
    return open_endpoint(opening, Endpoint(Target(url, opening.target.headers)))


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
