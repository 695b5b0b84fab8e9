"""The gateway as a web application: wire in, loop and memory behind, wire out.

Everything runs on one event loop. World and memory never wait in the middle of an operation, so
calls that overlap cannot see each other's half-done work.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

import orjson
from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from battery.base.errors import ShapeError
from battery.embedded.forms import Spec, read_spec
from battery.embedded.lessons import Outcome, answers, distil
from battery.embedded.loop import Run, blocked
from battery.embedded.memory import Memory
from battery.embedded.people import WORKERS
from battery.embedded.policies import (
    WARM_UP_S,
    Case,
    CrowdedExecutor,
    Dials,
    Policies,
    PolicyError,
    bluffed,
    crowded,
)
from battery.embedded.tokens import estimate
from battery.embedded.world import World
from battery.protocol import (
    CHAT_PATH,
    DISTILL_PATH,
    FINGERPRINT_PATH,
    MEMORY_PATH,
    RESPOND_PATH,
    ChatRequest,
    DistillRequest,
    Json,
    RespondRequest,
    sse_event,
)

HEALTH_PATH: Final = "/v1/health"
_VERBS: Final = ("snapshot", "restore", "reset")
#: Six digits are more outcomes than anybody distils, and keep the number a small one.
_SOURCE: Final = re.compile(r"outcomes_tail:([1-9][0-9]{0,5})")

Body = TypeVar("Body", bound=BaseModel)


class _Copy(BaseModel):
    """The body of a request to keep the memory, or to put it back."""

    # Part of a path.
    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")


@dataclass(frozen=True)
class Gateway:
    """The parts of a gateway and what it does with them; no HTTP in here."""

    world: World
    memory: Memory
    policies: Policies
    dials: Dials = field(default_factory=Dials)
    _calls: Iterator[int] = field(default_factory=itertools.count, init=False)

    async def respond(self, request: RespondRequest) -> Json:
        """Work on one task and remember the outcome; raise `PolicyError` for a failed model."""
        warming = next(self._calls) < self.dials.warm_up
        if wait := self.dials.slow + warming * WARM_UP_S:
            await asyncio.sleep(wait)
        # Fixed before the first turn: a distillation in the middle of a run must not change what
        # the run is told.
        fingerprint = self.memory.fingerprint
        answer = await self._answer(request)
        answer["artifact"]["memory_fingerprint"] = fingerprint
        return answer

    async def _answer(self, request: RespondRequest) -> Json:
        try:
            spec = read_spec(request.spec)
        except ShapeError as error:
            # Nobody worked on it, so there is no outcome to learn from.
            return blocked(str(error))
        forgets = not self.memory.frozen and self.dials.forgets(self.memory.distillations)
        work = self._work_crowded if forgets else self._work
        case, answer = await work(request, spec)
        self._remember(case, answer)
        # Only the answer lies: the memory keeps what happened, as a bluffer would.
        bluffs = self.dials.bluff and case.transcript.accepted_give_up
        return bluffed(answer) if bluffs else answer

    async def _work(self, request: RespondRequest, spec: Spec) -> tuple[Case, Json]:
        case = Case(request, spec, self.memory.recall(spec))
        return case, await Run(self.world, self.policies, case).finish()

    async def _work_crowded(self, request: RespondRequest, spec: Spec) -> tuple[Case, Json]:
        case = Case(request, spec, self.memory.everything())
        policies = self.policies._replace(executor=CrowdedExecutor(self.policies.executor))
        return case, crowded(await Run(self.world, policies, case).finish())

    def _remember(self, case: Case, answer: Json) -> None:
        self.memory.record(
            Outcome(
                task_class=case.request.task_class,
                operation=case.request.operation,
                spec=case.spec,
                status=answer["status"],
                turns=answer["iterations"],
                error=answer["error"],
                log=case.transcript.entries,
            )
        )

    async def distil(self, count: int) -> AsyncIterator[Json]:
        """Distil the last outcomes and tell of it, event by event; the last one is `final`."""
        if self.memory.frozen:
            text = "The memory never changes: nothing was read and nothing was learned."
            yield {"role": "final", "text": text, "learned": 0}
            return
        yield {"role": "status", "text": f"Reading the last {count} outcomes."}
        outcomes = self.memory.tail(count)
        yield {"role": "status", "text": f"Looking for lessons in {len(outcomes)} outcomes."}
        # Lessons are told of first and written together, so that a listener who leaves early
        # stops the work before anything is half learned.
        read = answers if self.dials.answer_cache else distil
        lessons = self.memory.news(read(outcomes))
        for lesson in lessons:
            yield {"role": "lesson", "kind": lesson.kind, "text": lesson.text}
        path = self.memory.learn(lessons)
        if path and lessons:
            yield {"role": "status", "text": f"Wrote {path.name}."}
        learned = " ".join(lesson.text for lesson in lessons) or "Nothing new in them."
        text = f"Read {len(outcomes)} outcomes; {len(lessons)} lessons learned. {learned}"
        # As a model would have read and written, like the tokens of tasks by rules.
        told = "\n".join(outcome.model_dump_json() for outcome in outcomes)
        usage = estimate(told, learned).as_json()
        yield {"role": "final", "text": text, "learned": len(lessons), "usage": usage}

    def health(self) -> Json:
        """Say what the gateway holds."""
        return {
            "status": "ok",
            "workers": WORKERS,
            "playbook_entries": len(self.memory),
            "frozen": self.memory.frozen,
        }


def make_app(gateway: Gateway, on_stop: Callable[[], Awaitable[None]] | None = None) -> Starlette:
    """Wrap a gateway in its routes; `on_stop` is awaited when the server stops."""

    async def respond(request: Request) -> Response:
        return _json(await gateway.respond(await _body(request, RespondRequest)))

    async def chat(request: Request) -> Response:
        return _json(await gateway.policies.chat.answer(await _body(request, ChatRequest)))

    async def distil_run(request: Request) -> Response:
        # The query speaks first: a foreign mode is refused whatever the body says.
        if request.query_params.get("mode") != "distill":
            raise ShapeError("mode", "only distill is offered, asked for in the query")
        count = _tail_length((await _body(request, DistillRequest)).source)
        events = (sse_event(event) async for event in gateway.distil(count))
        return StreamingResponse(events, media_type="text/event-stream")

    async def health(_: Request) -> Response:
        return _json(gateway.health())

    async def fingerprint(_: Request) -> Response:
        return _json({"fingerprint": gateway.memory.fingerprint})

    async def memory(request: Request) -> Response:
        verb = request.url.path.rpartition("/")[2]
        if verb == "reset":
            gateway.memory.reset()
            return _json({"status": "ok"})
        name = (await _body(request, _Copy)).name
        try:
            (gateway.memory.snapshot if verb == "snapshot" else gateway.memory.restore)(name)
        except KeyError as error:
            raise HTTPException(404) from error
        return _json({"status": "ok", "name": name})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        if on_stop:
            await on_stop()

    return Starlette(
        routes=[
            Route(RESPOND_PATH, respond, methods=["POST"]),
            Route(CHAT_PATH, chat, methods=["POST"]),
            Route(DISTILL_PATH, distil_run, methods=["POST"]),
            Route(HEALTH_PATH, health),
            Route(FINGERPRINT_PATH, fingerprint),
            *(Route(f"{MEMORY_PATH}/{verb}", memory, methods=["POST"]) for verb in _VERBS),
        ],
        exception_handlers={
            HTTPException: _refused,
            ShapeError: _malformed,
            PolicyError: _model_failed,
            Exception: _broken,
        },
        lifespan=lifespan,
    )


async def _body(request: Request, form: type[Body]) -> Body:
    # Read by hand: the framework's own parser takes NaN and does not name the fault.
    try:
        document = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise ShapeError("", f"the body is not JSON: {error}") from error
    try:
        return form.model_validate(document)
    except ValidationError as error:
        raise ShapeError.of(error) from error


def _tail_length(source: str) -> int:
    found = _SOURCE.fullmatch(source)
    if found is None:
        raise ShapeError("source", "outcomes_tail:N was expected, N a whole number from 1")
    return int(found[1])


def _json(document: Json, status: int = 200) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _json({"error": f"{request.method} {request.url.path} is not offered"}, status)


async def _malformed(_: Request, error: Exception) -> Response:
    place = error.place if isinstance(error, ShapeError) else ""
    return _json({"error": str(error), "field": place}, 422)


async def _model_failed(_: Request, error: Exception) -> Response:
    return _json({"error": str(error)}, 502)


# The server logs nothing, so a fault of the gateway itself has to show in the answer.
async def _broken(_: Request, error: Exception) -> Response:
    return _json({"error": f"the gateway failed: {type(error).__name__}: {error}"}, 500)
