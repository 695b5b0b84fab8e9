"""Epsilon and zeta: ask a large model, save its words first, then parse them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from battery.base.clock import now
from battery.inputs.tasks import labels
from battery.protocol.wire import Json
from battery.records.calls import chat_key
from battery.records.events import MetaFinished, Notice, Observer, StageStarted, judged, reviewed
from battery.records.models import ELAPSED_KEY, Metrics, Proposal
from battery.review import parse as verdicts
from battery.review import prompts as review
from battery.store.battery_dir import REVIEW_FILE, SCRUM_FILE, IterationDir
from battery.store.journal import Journal
from battery.target.system import System


@dataclass(frozen=True)
class Reviewer:
    """Asks for the review and the judgment of one iteration."""

    files: IterationDir
    journal: Journal
    system: System
    model: str
    timeout_s: float
    tell: Observer
    #: Repository in which target files are looked up; None leaves them unchecked.
    repo: Path | None = None
    #: Ask again although an answer is on record, and keep the older text beside the new one.
    redo: bool = False

    async def review(self, metrics: Metrics) -> list[Proposal]:
        """Get the overseer's review, save it as it came, and parse its proposals."""
        self._start("epsilon", "overseer review")
        runs = self.files.read_runs()
        names = labels(run.task for run in runs)
        prompt = review.overseer_prompt(metrics, review.rows(runs, names))
        recorded, replayed = await self._chat(
            "overseer", REVIEW_FILE, prompt, review.OVERSEER_TEMPERATURE
        )
        self._keep_older(REVIEW_FILE, recorded["content"])
        self.files.write_review(recorded["content"])
        proposals = self._proposals(recorded["content"])
        self.files.write_proposals(proposals)
        self._done("epsilon", recorded, reviewed(proposals), prompt, replayed)
        return proposals

    async def judge(self) -> None:
        """Get the judgment of the saved review, save it as it came, and parse its verdicts."""
        self._start("zeta", "scrum judgment")
        text = self.files.read_review()
        proposals = self._proposals(text, quiet=not self.redo)
        self.files.write_proposals(proposals)
        exists = None if self.repo is None else target_files(proposals)
        prompt = review.scrum_prompt(self.files.number, text, exists)
        recorded, replayed = await self._chat("scrum", SCRUM_FILE, prompt, review.SCRUM_TEMPERATURE)
        self._keep_older(SCRUM_FILE, recorded["content"])
        self.files.write_scrum(recorded["content"])
        found, warnings = verdicts.parse_verdicts(recorded["content"], proposals)
        found = verdicts.flag_missing(found, proposals)
        self.files.write_verdicts(found)
        self._warn(warnings + [flag for verdict in found for flag in verdict.flags])
        self._done("zeta", recorded, judged(found), prompt, replayed)

    async def _chat(
        self, role: str, name: str, prompt: str, temperature: float
    ) -> tuple[Json, bool]:
        """Return what is on record for this role and whether an earlier run had asked.

        A redo asks again, unless one that was killed had got an answer and not written it yet:
        that one is paid for.
        """
        key = chat_key(role)
        recorded = self.journal.get(key)
        if recorded and (not self.redo or recorded["content"] != self.files.read_answer(name)):
            return recorded, True
        reply = await self.system.chat(role, prompt, self.model, temperature, self.timeout_s)
        fresh = {
            "at": now(),
            "model": self.model,
            ELAPSED_KEY: reply.elapsed_ms,
            "content": reply.content,
            "answer": reply.answer,
        }
        self.journal.append(key, fresh)
        return fresh, False

    def _proposals(self, text: str, *, quiet: bool = False) -> list[Proposal]:
        proposals, warnings = verdicts.parse_proposals(text)
        if not quiet:
            self._warn(warnings)
        if self.repo is None:
            return proposals
        return verdicts.with_existence(proposals, look_up(proposals, self.repo))

    def _keep_older(self, name: str, newer: str) -> None:
        """Keep the older text: of a redo always, of a resume where a killed redo left another."""
        differs = self.files.read_answer(name) not in {None, newer}
        if (self.redo or differs) and (kept := self.files.keep_older(name)):
            self.tell(Notice(f"the older {name} is kept as {kept}"))

    def _start(self, stage: str, title: str) -> None:
        self.tell(StageStarted(self.files.number, stage, title))

    def _warn(self, warnings: Sequence[str]) -> None:
        for text in warnings:
            self.tell(Notice(f"iteration {self.files.number}: {text}", warning=True))

    def _done(self, stage: str, recorded: Json, detail: str, prompt: str, replayed: bool) -> None:
        told = (self.files.number, stage, recorded[ELAPSED_KEY], detail, replayed)
        self.tell(MetaFinished(*told, recorded.get("model"), prompt, recorded.get("answer")))


def look_up(proposals: Sequence[Proposal], repo: Path) -> dict[str, bool]:
    """Tell of each target file whether it is a file of the repository.

    A path that leads out of the repository counts as not there.
    """
    root = repo.resolve()
    names = [proposal.target_file for proposal in proposals if proposal.target_file]
    return {name: _is_inside(root, name) for name in names}


def target_files(proposals: Sequence[Proposal]) -> dict[str, bool]:
    """Collect the target files that were looked up."""
    return {
        proposal.target_file: proposal.target_exists
        for proposal in proposals
        if proposal.target_file and proposal.target_exists is not None
    }


def _is_inside(root: Path, name: str) -> bool:
    try:
        path = (root / name).resolve()
        return path.is_relative_to(root) and path.is_file()
    except (OSError, ValueError):
        return False
