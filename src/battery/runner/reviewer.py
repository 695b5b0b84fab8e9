"""The chat stages: ask a large model, save its words first, then read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from battery.base.clock import now
from battery.inputs.settings import Settings
from battery.protocol import Json
from battery.records.events import MetaFinished, Notice, Observer, StageStarted
from battery.records.lines import ChatCall, chat_warnings
from battery.records.models import ELAPSED_KEY, FROZEN
from battery.records.stages import ChatStage
from battery.records.summary import Metrics
from battery.review.chats import CHATS, Earlier, Evidence
from battery.store.iteration_dir import IterationDir
from battery.store.journal import Journal
from battery.target.system import Chatting
from battery.verdict.metrics import measure


@dataclass(frozen=True)
class Reviewer:
    """Runs the chat stages of one iteration."""

    files: IterationDir
    journal: Journal
    system: Chatting
    model: str
    settings: Settings
    tell: Observer
    #: Ask again although an answer is on record, and keep the older text next to the new one.
    redo: bool = False
    #: May refuse a call; raises `BatteryError`.
    before_call: Callable[[], None] = lambda: None
    _warned: set[str] = field(default_factory=set)

    async def ask(self, stage: ChatStage) -> None:
        """Ask what the stage asks, and write the answer and what is read from it.

        Raises `BatteryError`, also where an earlier chat's answer that it reads is not on disk.
        """
        self.tell(StageStarted(self.files.number, stage.name, stage.noun))
        chat, earlier = CHATS[stage.role], self._earlier(stage)
        metrics = self.files.read_metrics()
        prompt = chat.prompt(
            Evidence(metrics=metrics, read_runs=self.files.read_runs, earlier=earlier)
        )
        recorded, replayed = await self._answer(stage, prompt)
        answer = recorded["content"]
        self._keep_older(stage.file, answer)
        # Saved before anything reads it: what was paid for must survive whatever it contains.
        self.files.write_answer(stage.file, answer)
        reading = chat.read(answer, earlier)
        self.files.write_records(reading.documents)
        # What is wrong with the text, the summary of a run says once, from what is on disk. That
        # the provider cut it is worth knowing at once: the next answers will be cut as well.
        self._warn(chat_warnings(stage, recorded.get("answer")))
        if self.redo:
            self._warn(reading.warnings)
        self.tell(
            MetaFinished(
                self.files.number,
                stage.name,
                recorded[ELAPSED_KEY],
                reading.detail,
                replayed,
                model=recorded.get("model"),
                prompt=prompt,
                answer=recorded.get("answer"),
            )
        )

    async def _answer(self, stage: ChatStage, prompt: str) -> tuple[Json, bool]:
        """Return the stage's journal line and whether an earlier run had asked.

        A redo asks again, unless one that was killed had got an answer and not written it yet:
        that one is paid for.
        """
        recorded = self.journal.get(stage.key)
        if recorded and (not self.redo or not self._is_written(stage.file, recorded["content"])):
            return recorded, True
        self.before_call()
        with self.journal.asking(stage.key):
            reply = await self.system.chat(
                stage.role, prompt, self.model, stage.temperature, self.settings.meta_timeout
            )
        call = ChatCall(
            at=now(),
            model=self.model,
            _elapsed_ms=reply.elapsed_ms,
            content=reply.content,
            answer=reply.answer,
        )
        return self.journal.append(stage.key, call), False

    def _is_written(self, name: str, answer: str) -> bool:
        # A copy that went through Windows has other line ends and a byte order mark.
        text = self.files.read_answer(name) or ""
        return text.removeprefix("\ufeff").splitlines() == answer.splitlines()

    def _earlier(self, stage: ChatStage) -> Earlier:
        # From disk and not from memory, so that a redo judges what the user sees.
        answers = {read.role: self.files.require_answer(read.file) for read in stage.reads}
        repo = self.settings.repo
        # Without a repository, target files are left unchecked.
        exists = None if repo is None else partial(is_file_in, repo.resolve())
        return Earlier(answers=answers, exists=exists)

    def _keep_older(self, name: str, newer: str) -> None:
        """Keep the older text: of a redo always, of a resume where a killed redo left another."""
        differs = self.files.read_answer(name) not in {None, newer}
        if (self.redo or differs) and (kept := self.files.keep_older(name)):
            self.tell(Notice(f"the older {name} is kept as {kept}"))

    def _warn(self, warnings: Iterable[str]) -> None:
        # A judgment reads the review again and meets the same faults; they are told once.
        for text in warnings:
            if text not in self._warned:
                self._warned.add(text)
                self.tell(Notice(f"iteration {self.files.number}: {text}", warning=True))


def is_file_in(repo: Path, name: str) -> bool:
    """Return whether a path is a file of a repository; one that leads out of it is not."""
    try:
        # Links are followed first: one that leads out of the repository would let a model's answer
        # ask what else is on this disk.
        path = (repo / name).resolve()
        return path.is_relative_to(repo) and path.is_file()
    except (OSError, ValueError):
        return False


def write_metrics(step: IterationDir) -> Metrics:
    """Write the `metrics.json` of each arm of one iteration; return the learner's.

    They are of the first repeat: further repeats serve the statistics only. Raises `ArtifactError`.
    """
    if step.has_runs(FROZEN):
        step.write_metrics(measure(step.number, step.read_runs(FROZEN)), FROZEN)
    metrics = measure(step.number, step.read_runs())
    step.write_metrics(metrics)
    return metrics
