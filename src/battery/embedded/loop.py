"""The turn loop: executor proposes, tools run, reviewer judges, overseer corrects.

It runs the same way for rules and for language models. Whatever they say, the database has the
last word: an accepted result was checked against it in this very run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from battery.embedded.forms import (
    STRIKES,
    CorrectionEntry,
    Entry,
    Fill,
    FillEntry,
    GiveUp,
    GiveUpEntry,
    Judgment,
    OverruledEntry,
    ReviewEntry,
    Search,
    SearchEntry,
    UnreadableEntry,
)
from battery.embedded.policies import Case, Policies, Reply
from battery.embedded.tokens import Bill
from battery.embedded.world import World, audit, roster
from battery.protocol import Json, Status

MAX_TURNS: Final = 8
#: Characters of an unreadable reply that the log shows.
EXCERPT: Final = 200


@dataclass
class Run:
    """One task on its way through the loop."""

    world: World
    policies: Policies
    case: Case
    turn: int = 0
    bill: Bill = field(default_factory=Bill)

    async def finish(self) -> Json:
        """Work on the task until a result is accepted or the turns are used up.

        Returns the respond answer. Raises `PolicyError` when a policy cannot be asked.
        """
        while self.turn < MAX_TURNS:
            self.turn += 1
            accepted = await self._take_turn()
            if accepted:
                return self._accepted(accepted)
            # A correction after the last turn would cost tokens and help nobody.
            if self.case.transcript.strikes() >= STRIKES and self.turn < MAX_TURNS:
                await self._correct()
        # This is no proof of missing supply, and the error must not read like one.
        wanted = self.case.spec.wanted()
        why = f"no accepted result for {wanted} within {MAX_TURNS} turns; {self._last_text()}"
        return self._answer("failed", (), why)

    async def _take_turn(self) -> Fill | GiveUp | None:
        """Take one turn; return the proposal that was accepted in it, if any."""
        reply = await self.policies.executor.propose(self.case)
        self.bill.add(self.case.request.executor_model, reply.usage)
        match reply.value:
            case None:
                self._log(_unreadable(self.turn, "executor", reply))
                return None
            case Search():
                self._search(reply.value)
                return None
            case _:
                return reply.value if await self._review(reply.value) else None

    def _search(self, search: Search) -> None:
        # More names than the task needs would only make every later prompt longer.
        found = self.world.search(search, limit=self.case.spec.count)
        shown = f" ({', '.join(found.workers)})" if found.workers else ""
        text = f"{search.described()}: {found.total} found{shown}"
        self._log(
            SearchEntry(
                turn=self.turn,
                text=text,
                search=search,
                found=found.total,
                workers=found.workers,
            )
        )

    async def _review(self, proposal: Fill | GiveUp) -> bool:
        if isinstance(proposal, Fill):
            text = f"send {', '.join(proposal.workers)}"
            self._log(FillEntry(turn=self.turn, text=text, workers=proposal.workers))
        else:
            self._log(GiveUpEntry(turn=self.turn, text=proposal.reason))
        # The audit comes first, so that a reviewer judges facts and not the executor's story.
        findings = audit(self.world, self.case.spec, proposal)
        reply = await self.policies.reviewer.review(self.case, proposal, findings)
        self.bill.add(self.case.request.reviewer_model, reply.usage)
        if reply.value is None:
            self._log(_unreadable(self.turn, "reviewer", reply))
        review = self._decide(reply.value, findings)
        self._log(review)
        return review.accepted

    def _decide(self, judgment: Judgment | None, findings: list[str]) -> ReviewEntry:
        """Settle a proposal; the database has the last word, both ways."""
        agreed = judgment is not None and (judgment.verdict == "reject") == bool(findings)
        if judgment and agreed:
            reason = judgment.reason
        elif findings:
            reason = f"{_against(judgment)}: {' '.join(findings)}"
        else:
            # The audit looks at every condition, so a rejection of what it finds right is an error
            # that would cost the executor all its turns.
            words = judgment.reason if judgment else "The judgment could not be read."
            self._log(OverruledEntry(turn=self.turn, text=words))
            reason = "The database finds nothing wrong with it."
        return ReviewEntry(turn=self.turn, text=reason, accepted=not findings)

    async def _correct(self) -> None:
        reply = await self.policies.overseer.correct(self.case)
        # A respond call names no overseer model; the reviewer's stands in.
        self.bill.add(self.case.request.reviewer_model, reply.usage)
        if reply.value is None:
            self._log(_unreadable(self.turn, "overseer", reply))
            return
        # The advice is written out too: a language model reads the text, the rules the data.
        searches = reply.value.searches
        advice = "; ".join(f"search {search.described()}" for search in searches) or "stop"
        text = f"{reply.value.diagnosis} Advice: {advice}."
        self._log(CorrectionEntry(turn=self.turn, text=text, searches=searches))

    def _accepted(self, proposal: Fill | GiveUp) -> Json:
        if isinstance(proposal, Fill):
            return self._answer("ok", proposal.workers, None)
        why = f"no supply for {self.case.spec.wanted()}: {proposal.reason}; checked by the reviewer"
        return self._answer("failed", (), why)

    def _answer(self, status: Status, workers: tuple[str, ...], error: str | None) -> Json:
        transcript = self.case.transcript
        return {
            "status": status,
            "iterations": self.turn,
            "artifact": {
                "usage": self.bill.as_json(),
                "workers": roster(self.world, self.case.spec, workers),
                "searches": [
                    {"search": entry.search.described(), "found": entry.found}
                    for entry in transcript.searches
                ],
                "memory": [lesson.id for lesson in self.case.lessons],
            },
            "log": transcript.as_json(),
            "error": error,
        }

    def _log(self, entry: Entry) -> None:
        self.case.transcript.entries.append(entry)

    def _last_text(self) -> str:
        return f"last came: {self.case.transcript.entries[-1].text}"


def blocked(why: str) -> Json:
    """Return the respond answer for a task that cannot be worked on as it is written."""
    return {
        "status": "blocked",
        "iterations": 0,
        "artifact": {"usage": Bill().as_json(), "workers": [], "searches": [], "memory": []},
        "log": [{"kind": "blocked", "turn": 0, "text": why}],
        "error": why,
    }


def _against(judgment: Judgment | None) -> str:
    return "Accepted against the database" if judgment else "The judgment could not be read"


def _unreadable(turn: int, role: str, reply: Reply[object]) -> UnreadableEntry:
    note = f" ({reply.note})" if reply.note else ""
    excerpt = f"not a reply in the asked form{note}: {reply.text[:EXCERPT]!r}"
    return UnreadableEntry.model_validate({"turn": turn, "text": excerpt, "role": role})
