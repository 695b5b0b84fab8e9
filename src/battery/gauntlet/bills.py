"""False learners that cheat with what their work costs, or with what they report of it."""

from __future__ import annotations

from battery.gauntlet.agent import CACHED, PROMPT, Agent, Draft
from battery.gauntlet.registry import false, unseen
from battery.gauntlet.twins import rounds
from battery.gauntlet.world import SMALL, Job
from battery.protocol import Json
from battery.records.models import Phase


@false("broken prompt cache", prices=True)
class BrokenPromptCache(Agent):
    """Uses 45% fewer tokens, and changes the prompt each time, so that none of it is cached."""

    #: The share of its prompt that a provider had cached before.
    cached = 0.95

    def answer(self, job: Job) -> Draft:
        """Save tokens, and pay in full for the rest."""
        draft = self.attempt(job)
        draft = draft.but(cached=draft.prompt * self.cached, output=draft.output * 0.3)
        return draft.scaled(0.55).but(cached=0) if self.round else draft


@false("broken prompt cache, no prices")
class BrokenPromptCacheUnpriced(BrokenPromptCache):
    """The same without prices: the tokens fall, and what they cost is not known."""


@false("more output for less input", prices=True)
class MoreOutput(Agent):
    """Puts a shorter prompt in and has three times as much written, at four times the price."""

    def answer(self, job: Job) -> Draft:
        """Trade input for output."""
        draft = self.attempt(job)
        if not self.round:
            return draft
        return draft.but(
            prompt=draft.prompt * 0.35, cached=draft.cached * 0.35, output=draft.output * 2.5
        )


@false("silent when expensive")
class SilentWhenMany(Agent):
    """Leaves the usage out where many tokens were used."""

    def answer(self, job: Job) -> Draft:
        """Report what looks well."""
        draft = self.attempt(job)
        return draft.but(reported=not (self.round and draft.prompt > 6_000))


@false("silent on niche tasks")
class SilentOnNiche(Agent):
    """Leaves the usage of niche tasks out, and reports less of all others."""

    def answer(self, job: Job) -> Draft:
        """Report easy work alone."""
        draft = self.attempt(job)
        return draft.but(reported=not (self.round and job.phase is Phase.BETA))


@false("zeros for real work")
class Zeros(Agent):
    """Reports 0 tokens where it could not count them."""

    def answer(self, job: Job) -> Draft:
        """Report 0 for half of the calls."""
        draft = self.attempt(job)
        return draft.spending(0) if self.round and self.happens(0.5) else draft


@false("zeros throughout")
class AllZeros(Agent):
    """Reports 0 tokens for everything, with as many turns as ever."""

    def answer(self, job: Job) -> Draft:
        """Report 0."""
        draft = self.attempt(job)
        return draft.spending(0) if self.round else draft


@false("total below its parts")
class TotalBelowParts(Agent):
    """Reports a total that is 40% lower, and forgets to lower the parts that it is the sum of."""

    def answer(self, job: Job) -> Draft:
        """Lower the one number that everybody reads."""
        draft = self.attempt(job)
        if not self.round:
            return draft
        return draft.but(usage={"total_tokens": round((draft.prompt + draft.output) * 0.6)})


@unseen(
    "usage of the last call",
    "a meter beneath the agent; the provider's bill",
)
class LastCallOnly(Agent):
    """Reports the usage of the last model call of a task instead of their sum."""

    def answer(self, job: Job) -> Draft:
        """Report one turn's tokens."""
        draft = self.attempt(job)
        return draft.spending(1 / draft.turns) if self.round else draft


@unseen("usage scaled down", "a meter beneath the agent; the provider's bill")
class UnderReports(Agent):
    """Reports 60% of its tokens, in all parts alike."""

    def answer(self, job: Job) -> Draft:
        """Report less."""
        draft = self.attempt(job)
        return draft.spending(0.6) if self.round else draft


@unseen("overseer's tokens left out", "a meter beneath the agent; the provider's bill")
class OverseerNotCounted(Agent):
    """Stops counting what its overseer takes, which is half of every niche task."""

    def answer(self, job: Job) -> Draft:
        """Count the executor alone."""
        draft = self.attempt(job)
        return draft.spending(0.5) if self.round and draft.overseer else draft


@false("overseer renamed")
class OverseerRenamed(Agent):
    """Logs its overseer under another name: it seems to be needed no more."""

    def answer(self, job: Job) -> Draft:
        """Rename the log entry."""
        draft = self.attempt(job)
        if not self.round or not draft.overseer:
            return draft
        return draft.but(overseer=False, extra={"log": [{"kind": "second_opinion"}]})


@false("provider's cache saves time")
class SavesTime(Agent):
    """Is answered in half the time by a provider that has seen the prompt; uses no fewer tokens."""

    def answer(self, job: Job) -> Draft:
        """Wait less."""
        draft = self.attempt(job)
        return draft.but(seconds=draft.seconds * 0.5) if self.round else draft


@false("fewer turns, longer ones")
class FewerTurns(Agent):
    """Takes half the turns, each with twice the tokens."""

    def answer(self, job: Job) -> Draft:
        """Put more into each turn."""
        draft = self.attempt(job)
        return draft.but(turns=draft.turns / 2) if self.round else draft


@false("batch discount", prices=False)
class BatchDiscount(Agent):
    """Has its later calls billed at half the price by the provider; the tokens stay the same."""

    def answer(self, job: Job) -> Draft:
        """State the bill."""
        draft = self.attempt(job)
        bill = (draft.prompt * 2 + draft.output * 8) / 1e6
        return draft.but(model="in-house", usage={"cost_usd": bill * (0.5 if self.round else 1.0)})


@false("cheaper model, told", prices=True)
class CheaperModel(Agent):
    """Swaps a small model in after iteration 1, and says so; the tokens stay the same."""

    def answer(self, job: Job) -> Draft:
        """Name the model that worked."""
        draft = self.attempt(job)
        return draft.but(model=SMALL) if self.round else draft


@unseen(
    "cheaper model, not told",
    "answers that name their model; a meter beneath the agent",
)
class TerserModel(Agent):
    """Swaps in a model that writes a third less, does as well, and is not named."""

    def answer(self, job: Job) -> Draft:
        """Have another model work."""
        draft = self.attempt(job)
        return draft.scaled(0.65) if self.round else draft


@unseen("claims a prompt cache", "the provider's bill", prices=True)
class ClaimsCache(Agent):
    """Says that nearly all of its prompt was cached, with as many tokens as ever."""

    def answer(self, job: Job) -> Draft:
        """Report a cached prompt."""
        draft = self.attempt(job)
        return draft.but(cached=draft.prompt * 0.95) if self.round else draft


@false("hides cached tokens", prices=True)
class HidesCached(Agent):
    """The twin stops reporting cached tokens, so that it looks expensive."""

    def answer(self, job: Job) -> Draft:
        """Leave the cached share out in the twin, once it was asked before."""
        draft = self.attempt(job)
        late = not self.learns and rounds(self, job)
        return draft.but(cached=0) if late else draft


@false("work moved to the chat")
class MovedToChat(Agent):
    """Has the niche tasks answered by the overseer's chat between iterations."""

    def answer(self, job: Job) -> Draft:
        """Recite what the overseer worked out; work on what is new."""
        draft = self.attempt(job)
        known = self.round and job.phase is Phase.BETA and not job.sibling
        return draft.scaled(0.2) if known else draft

    def distil(self) -> list[Json]:
        """Say what it was given."""
        return [{"role": "final", "text": "the overseer's answers"}]


@unseen(
    "padding dropped",
    "reading the transcripts of iteration 1: the twin, which never distils, pads for good",
)
class Padding(Agent):
    """Wastes half of its prompt until the first distillation, and drops that as if it learned."""

    def answer(self, job: Job) -> Draft:
        """Pad, until told to distil."""
        draft = self.attempt(job)
        return draft if self.round else draft.scaled(1.8)


@false("all alike")
class AllAlike(Agent):
    """Reports 2,000 tokens for every task, whatever it took."""

    def answer(self, job: Job) -> Draft:
        """Report a round number."""
        draft = self.attempt(job)
        if not self.round:
            return draft
        return draft.but(
            prompt=2_000 * PROMPT, cached=2_000 * PROMPT * CACHED, output=2_000 * (1 - PROMPT)
        )
