"""False learners whose twin is none, or whose arms were never alike."""

from __future__ import annotations

from battery.gauntlet.agent import Agent, Draft
from battery.gauntlet.registry import false
from battery.gauntlet.world import Job
from battery.protocol import Json
from battery.records.models import Phase


def rounds(agent: Agent, job: Job) -> int:
    """Return how many iterations came before, as any arm can count by what it is asked."""
    return job.sibling - 1 if job.sibling else agent.asked[job.task.operation]


@false("one memory behind both")
class SharedMemory(Agent):
    """Two front ends over one memory: what the learner distils, its twin knows too."""

    def left(self, job: Job) -> float:
        """Save in both arms."""
        return 0.5 if self.shared.get("rounds") else 1.0

    def distil(self) -> list[Json]:
        """Write to the memory of both."""
        self.shared["rounds"] = self.round
        return super().distil()

    def fingerprint(self) -> str:
        """Name the memory that both use."""
        return f"playbook {self.shared.get('rounds', 0)}"


@false("one memory, untold")
class SharedMemoryUntold(SharedMemory):
    """The same, and no answer says what the memory is or whether it was used."""

    tells = False


@false("memory leaks late")
class LeaksLate(Agent):
    """The twin gets at the memory in the last iterations, and the difference goes."""

    def left(self, job: Job) -> float:
        """Save in the learner, and later in both."""
        leaked = self.shared.get("rounds", 0) >= 3
        return 0.6 if self.round or leaked else 1.0

    def distil(self) -> list[Json]:
        """Write to a memory that both will use."""
        self.shared["rounds"] = self.round
        return super().distil()

    def fingerprint(self) -> str:
        """Name the memory that is used."""
        rounds = self.shared.get("rounds", 0)
        return f"playbook {rounds if self.learns or rounds >= 3 else 0}"


@false("throttled twin")
class ThrottledTwin(Agent):
    """The twin is throttled after iteration 1: more turns, more tokens, more time."""

    def answer(self, job: Job) -> Draft:
        """Make the twin's work harder."""
        draft = self.attempt(job)
        return draft.scaled(1.6) if not self.learns and rounds(self, job) else draft


@false("twin with longer prompts")
class LongerPromptsInTwin(Agent):
    """The twin's prompts grow with each iteration; the learner's stay as they are."""

    def answer(self, job: Job) -> Draft:
        """Lengthen the twin's prompt."""
        draft = self.attempt(job)
        return (
            draft
            if self.learns
            else draft.but(prompt=draft.prompt * (1 + 0.25 * rounds(self, job)))
        )


@false("twin fails more")
class TwinFailsMore(Agent):
    """The twin fails most of its niche tasks after iteration 1."""

    def answer(self, job: Job) -> Draft:
        """Break the twin."""
        draft = self.attempt(job)
        broken = not self.learns and rounds(self, job) and self.happens(0.7)
        if not broken or job.phase is not Phase.BETA:
            return draft
        return draft.failing("no database")


@false("twin fails everything")
class TwinBroken(Agent):
    """The twin loses its database after iteration 1 and fails whatever it is asked."""

    def answer(self, job: Job) -> Draft:
        """Break the twin."""
        draft = self.attempt(job)
        broken = not self.learns and rounds(self, job)
        return draft.scaled(1.5).failing("no database") if broken else draft


@false("twin from a cache")
class CachedTwin(Agent):
    """The twin answers from a cache, so that nobody knows what its work costs."""

    shares = (0.7,)

    def answer(self, job: Job) -> Draft:
        """Mark the twin's answers."""
        draft = self.attempt(job)
        cached = not self.learns and rounds(self, job) and self.happens(0.5)
        return draft.but(extra={"cached": True}) if cached else draft


@false("a head start")
class HeadStart(Agent):
    """The learner comes with the memory of an earlier battery, and learns nothing more."""

    def left(self, job: Job) -> float:
        """Save from the first call on."""
        return 0.6 if self.learns else 1.0

    tells = False


@false("a small head start")
class SmallHeadStart(Agent):
    """The learner takes 15% less from the first call on, and learns nothing."""

    def left(self, job: Job) -> float:
        """Save from the first call on."""
        return 0.85 if self.learns else 1.0


@false("the memory of the twin changes")
class FrozenChanges(Agent):
    """The learner saves a third; the twin's memory changes, too, to something worse."""

    shares = (0.67,)

    def fingerprint(self) -> str:
        """Name a memory that changes in either arm."""
        again = max(self.asked.values(), default=0) > 1
        return f"playbook {self.round if self.learns else again}"


@false("fingerprints never change")
class ConstantFingerprint(Agent):
    """Another prompt is deployed after iteration 1; the memory stays empty, as both arms say."""

    shares = (0.6,)

    def fingerprint(self) -> str:
        """Name the memory that nothing was written to."""
        return "empty"


@false("memories unlike at the start")
class UnlikeMemories(Agent):
    """The learner starts with a memory of its own, and saves from iteration 2 on."""

    shares = (0.6,)

    def fingerprint(self) -> str:
        """Name memories that differ from the start."""
        return f"{self.arm} {self.round}"


@false("second call is cheaper")
class OrderLeak(Agent):
    """Whichever arm is asked second finds the provider's cache warm."""

    def answer(self, job: Job) -> Draft:
        """Save where the other arm has just asked the same."""
        draft = self.attempt(job)
        name = f"{job.task.operation} {self.asked[job.task.operation]}"
        second = name in self.shared
        self.shared[name] = True
        return draft.scaled(0.6) if second else draft
