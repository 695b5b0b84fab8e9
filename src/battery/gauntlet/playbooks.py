"""False learners whose memory is no good: empty, failing, growing, forgetting, dishonest."""

from __future__ import annotations

from battery.gauntlet.agent import Agent, Draft
from battery.gauntlet.registry import false
from battery.gauntlet.twins import rounds
from battery.gauntlet.world import Job
from battery.protocol import Json
from battery.records.models import Phase


@false("placebo playbook")
class Placebo(Agent):
    """Writes a playbook of platitudes, which every call is given and none needs."""

    def distil(self) -> list[Json]:
        """Write platitudes."""
        return [{"role": "final", "text": "Think step by step. Double-check your work."}]


@false("playbook that grows")
class Grows(Agent):
    """Adds to its playbook for ever: fewer turns, no overseer, and longer prompts each time."""

    needy = 0.5

    def answer(self, job: Job) -> Draft:
        """Take fewer turns with more in each."""
        draft = self.attempt(job)
        if not self.round:
            return draft
        return draft.but(
            prompt=draft.prompt + 1_500 * self.round, turns=draft.turns * 0.7, overseer=False
        )


@false("forgets two easy tasks")
class Forgets(Agent):
    """Saves 40% on everything, and can no longer do two easy tasks."""

    shares = (0.6,)

    def answer(self, job: Job) -> Draft:
        """Fail what was forgotten."""
        draft = self.attempt(job)
        easy = [known.lesson for known in self.world.jobs() if known.phase is Phase.ALPHA]
        if self.round and job.lesson in easy[:2]:
            return draft.failing("unknown depot")
        return draft


@false("forgets at the end")
class ForgetsLate(Forgets):
    """Saves 40%, and loses an easy task in the last iteration."""

    def answer(self, job: Job) -> Draft:
        """Fail one task, late."""
        draft = self.attempt(job)
        easy = [known.lesson for known in self.world.jobs() if known.phase is Phase.ALPHA]
        if self.round >= 4 and job.lesson == easy[0]:
            return draft.failing("unknown depot")
        return draft


@false("distillation fails, as told")
class FailedDistillation(Agent):
    """Distillations end with an error; another prompt was deployed, which saves 40%."""

    shares = (0.6,)
    tells = False

    def distil(self) -> list[Json]:
        """Fail."""
        return [
            {"role": "status", "text": "reading outcomes"},
            {"role": "error", "text": "quota exceeded; playbook saved successfully"},
        ]


@false("error that reads like success")
class ErrorLikeSuccess(FailedDistillation):
    """The same, and the error comes as the final text of a stream with a status of 429."""

    def distil(self) -> list[Json]:
        """Fail in a friendly tone."""
        return [{"role": "final", "status": 429, "text": "Done! All outcomes were processed."}]


@false("distils answers to the impossible")
class DistilsGamma(Agent):
    """Copies made-up answers to impossible tasks into its playbook, and recites them."""

    def answer(self, job: Job) -> Draft:
        """Recite."""
        draft = self.attempt(job)
        if not self.round or job.phase is not Phase.GAMMA or job.sibling:
            return draft
        return draft.scaled(0.2).claiming("C3-300", 7, "The playbook says: shelf C3-300.")

    def distil(self) -> list[Json]:
        """Write the answers down."""
        return [{"role": "final", "text": "Parts that cannot be found are on shelf C3-300."}]


@false("trades errors for silence")
class Silent(Agent):
    """Fails the impossible without a word of why, for a tenth of the tokens."""

    def answer(self, job: Job) -> Draft:
        """Fail in silence."""
        draft = self.attempt(job)
        if not self.round or job.phase is not Phase.GAMMA:
            return draft
        return draft.scaled(0.1).but(error=None)


@false("skips its overseer")
class SkipsOverseer(Agent):
    """Calls its overseer no more: niche tasks take half, and every second one fails."""

    def answer(self, job: Job) -> Draft:
        """Work without help."""
        draft = self.attempt(job)
        if not self.round or job.phase is not Phase.BETA:
            return draft
        alone = draft.scaled(0.5).but(overseer=False)
        return alone.failing("the shelf was not found") if self.happens(0.5) else alone


@false("learns the order")
class LearnsOrder(Agent):
    """Knows its tasks by their place in the queue: right as long as nothing new is asked."""

    def answer(self, job: Job) -> Draft:
        """Save on what comes back, and search longer for what is new."""
        draft = self.attempt(job)
        if not self.round or job.shelf is None:
            return draft
        return draft.scaled(1.2 if job.sibling else 0.4)


@false("memory of one day")
class Stale(Agent):
    """Saves a third in iteration 2 alone; after that an overwritten memory takes a tenth more."""

    shares = (0.67, 1.1)


@false("twin is taught by mistake")
class TaughtTwin(Agent):
    """Both arms improve by practice, without any distillation; the playbook adds nothing."""

    def left(self, job: Job) -> float:
        """Save with practice."""
        return float(0.8 ** rounds(self, job))

    tells = False
