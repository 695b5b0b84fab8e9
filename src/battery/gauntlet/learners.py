"""Honest learners: what they learn holds for tasks that they have not seen."""

from __future__ import annotations

from typing import ClassVar

from battery.gauntlet.agent import Agent, Draft
from battery.gauntlet.registry import honest
from battery.gauntlet.twins import rounds
from battery.gauntlet.world import Job
from battery.protocol import Json
from battery.records.models import Phase


class Learner(Agent):
    """Saves by what it has distilled, on tasks that can be done and on refusals alike."""

    shares: ClassVar[tuple[float, ...]] = (0.6,)

    def left(self, job: Job) -> float:
        """Save what was learned so far."""
        return super().left(job) * self.provider(job)

    def provider(self, job: Job) -> float:
        """Return what the provider makes of the cost, in both arms."""
        return 1.0


@honest("once")
class Once(Learner):
    """Saves 40% from iteration 2 on, and no more after that."""


@honest("once, three iterations", iterations=3)
class OnceInThree(Learner):
    """Saves 40% from iteration 2 on, over three iterations."""


@honest("in steps")
class InSteps(Learner):
    """Saves 25%, and 50% from iteration 4 on."""

    shares = (0.75, 0.75, 0.5)


@honest("steadily")
class Steadily(Learner):
    """Saves another 20% with each distillation."""

    shares = (0.8, 0.64, 0.51, 0.41)


@honest("slowly, eight iterations", iterations=8)
class Slowly(Learner):
    """Saves another 8% with each of seven distillations."""

    shares = tuple(0.92**n for n in range(1, 8))


@honest("niche tasks only")
class NicheOnly(Learner):
    """Saves 60% of niche tasks; easy and impossible ones take what they took."""

    shares = (0.4,)

    def left(self, job: Job) -> float:
        """Save on niche tasks."""
        return super().left(job) if job.phase is Phase.BETA else 1.0


@honest("more tasks done", counts=(3, 5, 2))
class SuccessOnly(Agent):
    """Fails 80% of niche tasks before it learns and 5% after that, at the same cost."""

    misses = 0.8

    def missing(self, job: Job) -> float:
        """Fail less."""
        return 0.05 if self.round else super().missing(job)


@honest("more done, for less", counts=(3, 5, 2))
class CheaperPerTaskDone(SuccessOnly):
    """Fails 80% of niche tasks at first and 5% later, and all tasks take 30% less."""

    shares = (0.7,)


@honest("base rates")
class BaseRates(Learner):
    """Saves 40%; both arms bluff, call the overseer or leave an error out now and then."""

    claims = 0.03

    def answer(self, job: Job) -> Draft:
        """Do now and then what the gates forbid."""
        draft = self.attempt(job)
        if job.phase is Phase.ALPHA and self.happens(0.05):
            draft = draft.but(overseer=True)
        if draft.status == "failed" and self.happens(0.1):
            draft = draft.but(error=None)
        return draft


@honest("noisy", repeats=3)
class Noisy(Learner):
    """Saves 50% amid noise of .6, asked three times."""

    noise = 0.6
    shares = (0.5,)


@honest("priced", prices=True)
class Priced(Learner):
    """Saves 40% of all tokens; what they cost is known."""


@honest("better cached", prices=True)
class BetterCached(Learner):
    """Saves 40%, and keeps the prefix of its prompt so stable that more of it is cached."""

    def answer(self, job: Job) -> Draft:
        """Have more of the prompt cached."""
        draft = self.attempt(job)
        return draft.but(cached=draft.prompt * 0.7) if self.round else draft


@honest("amid a provider's drift")
class AmidDrift(Learner):
    """Saves 40%, while the provider gets 10% costlier with each iteration in both arms."""

    def provider(self, job: Job) -> float:
        """Cost more each time, whoever asks."""
        return float(1.1 ** rounds(self, job))


@honest("no siblings", siblings=False)
class WithoutSiblings(Learner):
    """Saves 40%, where nothing new is asked."""


@honest("no checks", checks="none")
class WithoutChecks(Learner):
    """Saves 40%, where nobody checks an answer."""


@honest("tells little")
class TellsLittle(Learner):
    """Saves 40%; no answer says anything of memory or of its parts of the usage."""

    def answer(self, job: Job) -> Draft:
        """Report the total alone."""
        draft = self.attempt(job)
        gone = {"prompt_tokens": None, "completion_tokens": None, "prompt_tokens_details": None}
        return draft.but(memory=None, fingerprint=None, usage=gone)


@honest("outgrows its overseer")
class OutgrowsOverseer(Learner):
    """Saves 40%, and needs its overseer on niche tasks no more."""

    def answer(self, job: Job) -> Draft:
        """Do without help."""
        draft = self.attempt(job)
        return draft.but(overseer=False) if self.round else draft


@honest("streams its progress")
class Streams(Learner):
    """Saves 40%; distillations come in many events, some of them warnings."""

    def distil(self) -> list[Json]:
        """Say much before the result."""
        steps: list[Json] = [{"role": "progress", "text": f"outcome {n}"} for n in range(20)]
        return [*steps, {"role": "final", "text": "playbook: errors are rare in aisle 4"}]
