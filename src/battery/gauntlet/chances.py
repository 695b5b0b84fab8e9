"""False learners by chance, by drift, and by what a mean over tasks hides."""

from __future__ import annotations

from battery.gauntlet.agent import Agent
from battery.gauntlet.registry import false, unseen
from battery.gauntlet.twins import rounds
from battery.gauntlet.world import Job
from battery.records.models import Phase


@false("nothing learned")
class Nothing(Agent):
    """Distils, and does the same as ever."""


@false("warm-up")
class WarmUp(Agent):
    """The server is cold in iteration 1, in both arms: everything takes twice as much."""

    def left(self, job: Job) -> float:
        """Take twice as much at first."""
        return 1.0 if rounds(self, job) else 2.0


@false("provider gets cheaper")
class Drift(Agent):
    """The provider's models take 15% less with each iteration, in both arms."""

    def left(self, job: Job) -> float:
        """Take less, whoever asks."""
        return float(0.85 ** rounds(self, job))


@false("provider gets costlier")
class DriftUp(Agent):
    """The provider's models take 20% more with each iteration, in both arms."""

    def left(self, job: Job) -> float:
        """Take more, whoever asks."""
        return float(1.2 ** rounds(self, job))


@false("one arm drifts, memory unused")
class OneArmDrifts(Agent):
    """The learner's provider gets cheaper; its memory is empty, and the answers say so."""

    def left(self, job: Job) -> float:
        """Take less in one arm."""
        return float(0.85**self.round)

    def recall(self, job: Job) -> tuple[str, ...]:
        """Recall nothing."""
        return ()


@unseen(
    "one arm drifts",
    "several batteries with fresh deployments, or the arms swapped",
)
class OneArmDriftsUntold(OneArmDrifts):
    """The learner's provider gets cheaper by itself, and the answers say nothing of memory."""

    tells = False


@false("erratic at equal mean", iterations=5)
class Erratic(Agent):
    """After a distillation most calls take half, and some four times as much."""

    def left(self, job: Job) -> float:
        """Take half in six of seven calls, and as much on average."""
        if not self.round:
            return 1.0
        return 4.0 if self.happens(1 / 7) else 0.5


@false("one task dominates")
class OneTask(Agent):
    """Learns one task by heart, a niche one, and takes a little more for all others."""

    def left(self, job: Job) -> float:
        """Save on one."""
        if not self.round:
            return 1.0
        return 0.1 if job.lesson == self.world.largest else 1.05


@false("chosen after a pilot")
class Regression(Agent):
    """Niche tasks were chosen because a pilot was unlucky with them; then luck evens out."""

    def left(self, job: Job) -> float:
        """Take more in the first iteration, whoever asks."""
        lucky = rounds(self, job) or job.phase is not Phase.BETA
        return 1.0 if lucky else 1.7


@false("peak and decay")
class PeakAndDecay(Agent):
    """Saves at first, and spends it again as the playbook rots."""

    shares = (0.7, 0.95, 1.15, 1.3)


@false("every other iteration")
class Alternates(Agent):
    """Saves a third in one iteration and spends it in the next."""

    def left(self, job: Job) -> float:
        """Save and spend in turn."""
        if not self.round:
            return 1.0
        return 0.67 if self.round % 2 else 1.33


@false("easy tasks for niche ones")
class EasyForNiche(Agent):
    """Halves the cost of easy tasks, and niche ones take 40% more."""

    def left(self, job: Job) -> float:
        """Save where little is spent."""
        if not self.round:
            return 1.0
        return {Phase.ALPHA: 0.5, Phase.BETA: 1.4, Phase.GAMMA: 1.0}[job.phase]


@false("refuses unread")
class RefusesUnread(Agent):
    """Refuses the impossible at once, and takes as much as ever for all that can be done."""

    def left(self, job: Job) -> float:
        """Refuse at once."""
        return 0.1 if self.round and job.phase is Phase.GAMMA else 1.0


@false("a little, everywhere")
class TooLittle(Agent):
    """Saves 4% on everything: true, and too little to count."""

    shares = (0.96,)


@false("slow in iteration 1 alone", iterations=3)
class ShortWarmUp(WarmUp):
    """The same cold server, and three iterations to see it."""


@false("niche at the cost of all", iterations=5)
class NicheForAll(Agent):
    """Halves the cost of niche tasks, and easy and impossible ones take three times as much."""

    def left(self, job: Job) -> float:
        """Save on some."""
        if not self.round:
            return 1.0
        return 0.6 if job.phase is Phase.BETA else 3.0
