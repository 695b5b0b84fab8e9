"""One task run as a sample of an Inspect log; pure.

The gateway's log becomes the messages and the transcript. Inspect's own transcripts hold model
calls; a gateway does not tell its calls one by one, so its entries are shown as information and
none is passed off as a model call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from battery.base import jsonio
from battery.protocol.wire import OVERSEER_KIND, Json, respond_spent
from battery.records.metric import TABLE
from battery.records.models import ELAPSED_KEY, Arm, Phase, Run

OUTCOME: Final = "outcome"
CORRECT: Final = "C"
INCORRECT: Final = "I"

_ROLES: Final = frozenset({"system", "user", "assistant", "tool"})
#: What others say to the executor; whatever is not listed, it does or says itself.
_SPOKEN_TO: Final = frozenset({OVERSEER_KIND, "review"})
#: Where gateways commonly put the words of an entry.
_WORDS: Final = ("text", "content", "message")
#: Keys of an answer that have a place of their own in a sample.
_PLACED: Final = frozenset({"status", "iterations", "artifact", "log", "error", ELAPSED_KEY})


class TaskRun(NamedTuple):
    """One task run and where it belongs."""

    arm: Arm
    #: Counted from 1, like repeat and place.
    iteration: int
    repeat: int
    #: Place of the task within its phase.
    place: int
    run: Run
    #: The gateway's whole answer.
    answer: Json
    #: When the call came back, in UTC; None where no journal was kept.
    finished_at: str | None

    @property
    def sample_id(self) -> str:
        """Name the task so that it is called the same in every iteration and in both arms."""
        again = f" repeat {self.repeat}" if self.repeat > 1 else ""
        return f"{self.run.phase} {self.place}{again}: {self.run.task.operation}"

    @property
    def target(self) -> str:
        """Return the status that the task should end with: there is no supply for gamma."""
        return "failed" if self.run.phase is Phase.GAMMA else "ok"

    @property
    def elapsed_ms(self) -> int:
        """Return the wall time of the call."""
        return self.run.result.elapsed_ms


class Place(NamedTuple):
    """What a sample takes from its log."""

    log_id: str
    model: str
    #: Stands for times that nobody wrote down.
    created: str


def sample(told: TaskRun, log: Place) -> Json:
    """Write one sample; times are there only where the journal knows them."""
    uuid = short_id(log.log_id, told.sample_id, str(told.iteration))
    elapsed_s = told.elapsed_ms / 1000
    usage = model_usage(told)
    asked = {"id": f"{uuid}-0", "role": "user", "source": "input", "content": question(told)}
    output = _output(told, uuid, log.model)
    said = [*_said(told, uuid), output["choices"][0]["message"]]
    document: Json = {
        "id": told.sample_id,
        "epoch": told.iteration,
        "input": question(told),
        "target": told.target,
        "messages": [asked, *said],
        "output": output,
        "scores": scores(told),
        "metadata": _metadata(told),
        "events": _events(told, uuid, said, log.created),
        "model_usage": {log.model: usage} if usage else {},
        "total_time": elapsed_s,
        "working_time": elapsed_s,
        "uuid": uuid,
    }
    if told.finished_at is not None:
        started, finished = _times(told.finished_at, told.elapsed_ms)
        document |= {"started_at": started, "completed_at": finished}
    return document


def scores(told: TaskRun) -> Json:
    """Score one run; what the gateway did not report has no score.

    `outcome` says whether the task ended as it should, the others are numbers as they came.
    """
    result = told.run.result
    right = result.status == told.target
    why = f"{told.target} was expected, and it ended {result.status}"
    if result.error:
        why += f": {result.error}"
    found: Json = {
        OUTCOME: {
            "value": CORRECT if right else INCORRECT,
            "answer": result.status,
            "explanation": why,
        }
    }
    numbers = {metric.score: metric.of(result, told.answer) for metric in TABLE if metric.score}
    # Inspect shows a truth value as a word, of which it has no mean.
    return found | {name: {"value": +n} for name, n in numbers.items() if n is not None}


def model_usage(told: TaskRun) -> dict[str, int] | None:
    """Return the tokens of all models that the gateway asked; None where it reports none."""
    spent = respond_spent(told.answer)
    if spent.tokens is None:
        return None
    parts = {
        "input_tokens": spent.input,
        "output_tokens": spent.output,
        "total_tokens": spent.tokens,
    }
    return {name: n for name, n in parts.items() if n is not None}


def question(told: TaskRun) -> str:
    """Write what was asked: the operation and its spec."""
    return f"{told.run.task.operation}\n\n{_fenced(told.run.task.spec)}"


def short_id(*parts: str) -> str:
    """Make an id of the length that Inspect's own have; equal parts give equal ids."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:22]


def iso(time: str) -> str:
    """Write a time of the artifacts (`…Z`) with the offset that Inspect writes (`…+00:00`)."""
    return datetime.fromisoformat(time).astimezone(UTC).isoformat()


def _said(told: TaskRun, uuid: str) -> Iterator[Json]:
    """Write the entries of the log as messages; what a text leaves out goes into metadata."""
    for number, entry in enumerate(told.answer.get("log") or [], start=1):
        words = _words(entry)
        shown = {"kind", "turn", words} if words else set(entry)
        rest = {key: value for key, value in entry.items() if key not in shown}
        message = {"id": f"{uuid}-{number}", "role": _role(entry)}
        message["content"] = _heading(entry) + (entry[words] if words else _fenced(entry))
        yield message | ({"metadata": rest} if rest else {})


def _role(entry: Json) -> str:
    role = entry.get("role")
    if isinstance(role, str) and role in _ROLES:
        return role
    return "user" if entry.get("kind") in _SPOKEN_TO else "assistant"


def _heading(entry: Json) -> str:
    turn = f" (turn {entry['turn']})" if isinstance(entry.get("turn"), int) else ""
    return f"**{_kind(entry).replace('_', ' ')}**{turn}\n\n"


def _kind(entry: Json) -> str:
    return str(entry.get("kind") or "entry")


def _words(entry: Json) -> str | None:
    """Name the key under which the entry's text is; None where it has none."""
    texts = (key for key in _WORDS if isinstance(entry.get(key), str) and entry[key])
    return next(texts, None)


def _output(told: TaskRun, uuid: str, model: str) -> Json:
    result = told.run.result
    text = f"**{result.status}**"
    if result.error:
        text += f"\n\n{result.error}"
    if told.answer.get("artifact") is not None:
        text += f"\n\n{_fenced(told.answer['artifact'])}"
    message = {"id": f"{uuid}-out", "role": "assistant", "source": "generate", "content": text}
    output: Json = {
        "model": model,
        "choices": [{"message": message, "stop_reason": "stop"}],
        "completion": text,
        "time": told.elapsed_ms / 1000,
    }
    usage = model_usage(told)
    return output | ({"usage": usage} if usage else {})


def _metadata(told: TaskRun) -> Json:
    result, task = told.run.result, told.run.task
    known = {
        "arm": told.arm,
        "phase": told.run.phase,
        "iteration": told.iteration,
        "repeat": told.repeat,
        "task_class": task.task_class,
        "operation": task.operation,
        "status": result.status,
        "overseer_called": result.overseer_called,
        "cached": result.cached,
        "memory_used": result.memory_used,
        "error": result.error,
    }
    more = {key: value for key, value in told.answer.items() if key not in _PLACED}
    return known | ({"answer": more} if more else {})


def _events(told: TaskRun, uuid: str, said: Sequence[Json], created: str) -> list[Json]:
    """Write the transcript: what was asked, each entry of the log, the answer, the scores."""
    start, end = _times(told.finished_at or created, told.elapsed_ms)
    elapsed_s = told.elapsed_ms / 1000
    begun = {"timestamp": start, "working_start": 0.0}
    # The log comes with the answer: when its entries happened, the gateway does not say.
    ended = {"timestamp": end, "working_start": elapsed_s}
    asked = {"id": told.sample_id, "input": question(told), "target": told.target}
    entries = told.answer.get("log") or []
    events: list[Json] = [{"event": "sample_init", "sample": asked, **begun}]
    sources = [*map(_kind, entries), "answer"]
    events += [
        {"event": "info", "source": source, "data": message["content"], **ended}
        for source, message in zip(sources, said, strict=True)
    ]
    events += [
        {"event": "score", "scorer": name, "score": score, "target": told.target, **ended}
        for name, score in scores(told).items()
    ]
    return [{"uuid": f"{uuid}-e{n}", **event} for n, event in enumerate(events)]


def _times(finished_at: str, elapsed_ms: int) -> tuple[str, str]:
    end = datetime.fromisoformat(finished_at).astimezone(UTC)
    try:
        start = end - timedelta(milliseconds=elapsed_ms)
    except OverflowError:  # a time that no calendar reaches back to
        start = end
    return start.isoformat(), end.isoformat()


def _fenced(value: object) -> str:
    # No line of such JSON starts with the fence's own mark, so nothing in it can end the block.
    return f"```json\n{jsonio.dumps_indented(value).decode().rstrip()}\n```"
