"""One task as a talk: what is asked, what was refused, and who says what would have been right.

For systems that answer one turn at a time. The record of the turns is battery's own.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from battery.base import jsonio
from battery.base.clock import awake
from battery.base.errors import CheckError
from battery.inputs.settings import FeedbackLevel
from battery.protocol import OVERSEER_KIND, SESSION_KEY, Json, log_entries, object_of
from battery.records.checks import Checked
from battery.records.models import Models, Phase, Task, Tasks
from battery.system import Ask, Message
from battery.target.answers import answer_of, reply_of
from battery.target.driver import Driver
from battery.target.system import Chatting, Judge

#: Kinds of log entries; where an entry has a role, it is a message of the talk.
_ANSWER: Final = "answer"
_REFUSED: Final = "refused"
_AGAIN: Final = "Give a corrected answer."
#: Of a correction, as of a review.
_TEMPERATURE: Final = 0.2
#: Seconds of a turn for which no time is left.
_INSTANT_S: Final = 0.001
#: Where a correction is from that the tasks file holds.
TEACH: Final = "teach"

_PROMPT: Final = """\
Someone works on a task and has missed it {misses} times. Write the correction that they need:
what to do otherwise, in a few sentences, addressed to them. Do not mention these instructions.

The talk so far:

{talk}
"""


@dataclass(frozen=True)
class Attempts:
    """How often an answer may be given again, and who says what was wrong with it."""

    level: FeedbackLevel
    most: int = 1
    #: After so many misses a correction is told; None is never.
    overseer_after: int | None = None
    judge: Judge | None = None
    #: None where there is no model to ask, so that `teach` is told.
    overseer: Chatting | None = None
    #: New instances of tasks, of whose answers never more than the grade is told.
    siblings: Sequence[Task] = ()

    @classmethod
    def of(cls, tasks: Tasks | None, level: FeedbackLevel, judge: Judge | None) -> Attempts:
        """Read them from a tasks file."""
        if tasks is None:
            return cls(level)
        every = [task for phase in Phase for task in tasks.phases.of(phase)]
        siblings = [
            sibling
            for task in every
            for number in range(len(task.siblings))
            if (sibling := task.sibling(number + 1))
        ]
        return cls(level, tasks.attempts, tasks.overseer_after, judge, siblings=siblings)


class Talk:
    """One task, asked turn by turn until its answer passes or the attempts are used up."""

    def __init__(self, task: Task, attempts: Attempts, models: Models) -> None:
        self._task = task
        self._attempts = attempts
        self._models = models
        self._first = first_turn(task)
        self._messages = list(self._first.messages)
        self._log: list[Json] = []
        self._turns = 0
        self._usage: Json = {}
        #: Of the overseer model alone.
        self._overseer_usage: Json = {}
        self._spent_s = 0.0

    @property
    def session(self) -> str:
        """The id of the talk."""
        return self._first.session

    @property
    def overseer_spent(self) -> tuple[str, Json]:
        """The overseer model, and the usage of its corrections; empty where there are none."""
        return self._models.overseer_cloud, self._overseer_usage

    @property
    def elapsed_ms(self) -> int:
        """What the turns took; the time of checks is not the system's."""
        return round(self._spent_s * 1000)

    async def held(self, driver: Driver, timeout_s: float) -> object:
        """Ask until an answer passes; return what the system made of the task.

        Raises `CallError`, and `ShapeError` for what no system may return. The timeout is for all
        turns together. Nothing is on record before the last: a talk that breaks off begins anew.
        """
        most = self._attempts.most
        for turn in range(1, most + 1):
            start = awake()
            ask = replace(self._first, messages=tuple(self._messages), turn=turn)
            said = await driver.ask(ask, self._left_s(timeout_s))
            self._spent_s += awake() - start
            if most == 1:
                return said
            reply = reply_of(said)
            checked = await self._checked(reply) if turn < most else None
            self._take(reply, turn)
            if checked is None or not checked.failed:
                return self._whole(reply)
            await self._refuse(checked, turn, timeout_s)
        raise AssertionError

    def _left_s(self, timeout_s: float) -> float:
        return max(timeout_s - self._spent_s, _INSTANT_S)

    async def _checked(self, reply: Json) -> Checked | None:
        """Hold an answer to the checks of the task; None where nothing is to be said of it."""
        if self._attempts.judge is None:
            return None
        try:
            return await self._attempts.judge(self._task, answer_of(reply, None))
        except CheckError:
            # The answer is paid for. It goes to disk as it is, and its check breaks once more.
            return None

    def _take(self, reply: Json, turn: int) -> None:
        self._turns += reply.get("turns") or 1
        self._usage = _added(self._usage, object_of(reply.get("usage")))
        text = said_of(reply)
        self._log += [*(reply.get("log") or []), _entry(_ANSWER, "assistant", turn, text)]
        self._messages.append({"role": "assistant", "content": text})

    async def _refuse(self, checked: Checked, turn: int, timeout_s: float) -> None:
        """Say that an answer was refused, as much of why as may be said, and what was right."""
        tells = self._attempts.level == "answer" and self._task not in self._attempts.siblings
        reasons = "; ".join(failed.reason for failed in checked.failed)
        why = f": {reasons}" if tells else ""
        entries = [_entry(_REFUSED, "user", turn, f"Your answer was refused{why}. {_AGAIN}")]
        if turn == self._attempts.overseer_after:
            entries += await self._correction(turn, timeout_s, tells=tells)
        self._log += entries
        # One message: many a model takes no two of one role after each other.
        text = "\n\n".join(entry["text"] for entry in entries)
        self._messages.append({"role": "user", "content": text})

    async def _correction(self, turn: int, timeout_s: float, *, tells: bool) -> list[Json]:
        overseer = self._attempts.overseer
        if overseer is None:
            teach = self._task.teach if tells else None
            return [_correction(turn, teach, TEACH)] if teach else []
        start, model = awake(), self._models.overseer_cloud
        talk = "\n\n".join(f"{each['role']}: {each['content']}" for each in self._messages)
        prompt = _PROMPT.format(misses=turn, talk=talk)
        reply = await overseer.chat(
            "overseer", prompt, model, _TEMPERATURE, self._left_s(timeout_s)
        )
        self._spent_s += awake() - start
        usage = object_of(object_of(reply.answer).get("usage"))
        self._overseer_usage = _added(self._overseer_usage, usage)
        return [_correction(turn, reply.content, model)]

    def _whole(self, reply: Json) -> Json:
        """Return the last answer with the record of all turns."""
        usage = _added(self._usage, self._overseer_usage)
        if self._overseer_usage:
            names = (self._models.executor_cloud, self._models.overseer_cloud)
            parts = (self._usage, self._overseer_usage)
            by_model: dict[str, Json] = {}
            for name, part in zip(names, parts, strict=True):
                by_model[name] = _added(by_model.get(name, {}), part)
            usage["models"] = by_model
        # A single turn has nothing that its answer does not say.
        log = self._log if self._turns > 1 else reply.get("log") or []
        return reply | {"turns": self._turns, "usage": usage or None, "log": log}


def talk_of(task: Task, answer: Json) -> tuple[Ask, list[Message]]:
    """Return the first turn of a recorded answer, and its whole talk."""
    ask = replace(first_turn(task), session=str(answer.get(SESSION_KEY, "")))
    entries = [entry for entry in log_entries(answer.get("log")) if "role" in entry]
    talk: list[Message] = list(ask.messages)
    for role, same in groupby(entries, key=lambda entry: str(entry["role"])):
        talk.append({"role": role, "content": "\n\n".join(str(each.get("text")) for each in same)})
    if not entries:
        talk.append({"role": "assistant", "content": said_of(answer)})
    return ask, talk


def messages_of(task: Task) -> list[Message]:
    """Return a task as a talk: its own messages, else its prompt, else operation and spec."""
    messages, prompt = task.spec.get("messages"), task.spec.get("prompt")
    if isinstance(messages, list) and all(isinstance(each, dict) for each in messages):
        return list(messages)
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    spec = jsonio.dumps_indented(task.spec).decode() if task.spec else ""
    return [{"role": "user", "content": f"{task.operation}\n\n{spec}".strip()}]


def first_turn(task: Task) -> Ask:
    """Return a task as it is put to a system, with a session of its own."""
    return Ask(
        task_class=task.task_class,
        operation=task.operation,
        spec=task.spec,
        messages=messages_of(task),
        session=secrets.token_hex(8),
    )


def said_of(reply: Json) -> str:
    """Return the text of a reply or an answer, else what it hands in as JSON."""
    artifact = reply.get("artifact")
    text = reply.get("text") or (artifact.get("text") if isinstance(artifact, dict) else artifact)
    return text if isinstance(text, str) else jsonio.dumps(artifact).decode()


def _entry(kind: str, role: str, turn: int, text: str) -> Json:
    return {"kind": kind, "role": role, "turn": turn, "text": text}


def _correction(turn: int, text: str, source: str) -> Json:
    return _entry(OVERSEER_KIND, "user", turn, text) | {"from": source}


def _added(one: Json, other: Json) -> Json:
    """Add up the numbers of two usages, those of details too."""
    whole = dict(one)
    for key, value in other.items():
        before = whole.get(key)
        if isinstance(value, dict):
            whole[key] = _added(object_of(before), value)
        elif _is_number(value) and _is_number(before):
            whole[key] = before + value
        else:
            whole[key] = value
    return whole


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
