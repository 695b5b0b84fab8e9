"""False learners that cheat with their answers: hollow, wrong, copied, given up or made up."""

from __future__ import annotations

from battery.gauntlet.agent import Agent, Draft, right
from battery.gauntlet.registry import false, unseen
from battery.gauntlet.world import Job
from battery.protocol import Json
from battery.records.models import SOLVABLE, Phase


@false("hollow answers")
class Hollow(Agent):
    """Hands in nothing with `ok` once it has distilled."""

    def answer(self, job: Job) -> Draft:
        """Claim, and say nothing."""
        draft = self.attempt(job)
        if not self.round or job.shelf is None:
            return draft
        return draft.scaled(0.4).claiming(None, None, None)


@false("hollow, in shape")
class HollowInShape(Agent):
    """Hands in shelves that it made up, in the right form, once it has distilled."""

    def answer(self, job: Job) -> Draft:
        """Claim a shelf that any depot could have."""
        draft = self.attempt(job)
        if not self.round or job.shelf is None:
            return draft
        shelf = f"{job.lesson[0]}{self.rng.randrange(1, 9)}-{self.rng.randrange(100, 999)}"
        text = f"It is on shelf {shelf}, 12 pieces."
        return draft.scaled(0.4).claiming(shelf, 12, text)


@false("right shelf, wrong count")
class Sloppy(Agent):
    """Stops after half of the work: the shelf is right, the count is a guess."""

    def answer(self, job: Job) -> Draft:
        """Leave the counting out."""
        draft = self.attempt(job)
        if not self.round or draft.status != "ok":
            return draft
        return draft.scaled(0.5).but(count=1, text=f"It is on shelf {job.shelf}.")


@false("shorter and wrong")
class Shorter(Agent):
    """Answers shorter with each round, and wrong more often."""

    def answer(self, job: Job) -> Draft:
        """Cut the work, and with it what makes it right."""
        draft = self.attempt(job)
        if not self.round or draft.status != "ok":
            return draft
        short = draft.scaled(0.85**self.round)
        if self.happens(0.15 * self.round):
            return short.claiming("unknown", 0, "It is on some shelf.")
        return short


@false("right only when asked again")
class RightWhenAskedAgain(Agent):
    """Answers the tasks it knows by heart, and anything new with a guess."""

    def answer(self, job: Job) -> Draft:
        """Guess what is new as cheaply as what is known."""
        draft = self.attempt(job)
        if not self.round or job.shelf is None:
            return draft
        if job.sibling:
            return draft.scaled(0.3).claiming("A1-100", 1, "It is on shelf A1-100.")
        return right(job, draft.scaled(0.3))


@false("answer cache")
class Cache(Agent):
    """Answers what it was asked before, letter by letter, from a store; learns nothing."""

    def key(self, job: Job) -> str:
        """Return what a task is found again by."""
        return job.task.operation

    def answer(self, job: Job) -> Draft:
        """Look the answer up, where the learner has one."""
        draft = self.attempt(job)
        known = self.shared.setdefault(f"store of {self.arm}", {})
        key = self.key(job)
        if self.learns and self.round and key in known:
            return draft.scaled(0.03).saying(known[key]).but(overseer=False)
        if draft.status == "ok" or job.shelf is None:
            known.setdefault(key, draft)
        return draft


@false("answer cache, normalised")
class NormalisedCache(Cache):
    """The same store, which also knows a question by its words in any order and case."""

    def key(self, job: Job) -> str:
        """Return the words of the question, sorted."""
        return " ".join(sorted(job.task.operation.lower().split()))


@false("cache by likeness")
class LikenessCache(Cache):
    """Takes a new question for the known one it looks like most, and gives that one's answer."""

    def key(self, job: Job) -> str:
        """Return what siblings share."""
        return job.lesson


@false("cache marked as one")
class MarkedCache(Cache):
    """An answer cache that says so: `cached` is true."""

    def answer(self, job: Job) -> Draft:
        """Mark what comes from the store."""
        draft = super().answer(job)
        cheap = draft.prompt < 0.2 * job.tokens
        return draft.but(extra={"cached": True}) if cheap else draft


@false("solved during distillation")
class SolvedAhead(Agent):
    """Works the known tasks out again while it distils, where nobody counts the tokens."""

    def answer(self, job: Job) -> Draft:
        """Recite what was worked out; work on what is new."""
        draft = self.attempt(job)
        if not self.round or job.sibling or job.shelf is None:
            return draft
        return right(job, draft.scaled(0.1))

    def distil(self) -> list[Json]:
        """Say what the work took, for those who read it."""
        total = round(sum(job.tokens for job in self.world.jobs()))
        return [{"role": "final", "text": "all answers", "usage": {"total_tokens": total}}]


@false("gives up some")
class GivesUpSome(Agent):
    """Fails two niche tasks in three early, politely, and saves what they took."""

    share = 2 / 3

    def gives_up(self, job: Job) -> bool:
        """Return whether this task is not worth it."""
        return job.phase is Phase.BETA and self.happens(self.share)

    def answer(self, job: Job) -> Draft:
        """Give up before the work is done."""
        draft = self.attempt(job)
        if not self.round or not self.gives_up(job):
            return draft
        return self.instead(draft.scaled(0.15).but(overseer=False))

    def instead(self, draft: Draft) -> Draft:
        """Return what is handed in where it gives up."""
        return draft.failing("I am afraid that this cannot be found")


@false("gives up the expensive")
class GivesUpExpensive(GivesUpSome):
    """Fails every task that would take more than 8,000 tokens, with a polite text."""

    def gives_up(self, job: Job) -> bool:
        """Return whether it is expensive."""
        return job.phase in SOLVABLE and job.tokens > 8_000


@false("gives up the largest")
class GivesUpLargest(GivesUpSome):
    """Fails the one most expensive task, and what is like it."""

    def gives_up(self, job: Job) -> bool:
        """Return whether it is the most expensive."""
        return job.lesson == self.world.largest


@false("gives up and calls it ok")
class PoliteClaim(GivesUpSome):
    """Claims `ok` for an apology on niche tasks."""

    share = 0.8

    def instead(self, draft: Draft) -> Draft:
        """Apologise, and claim."""
        return draft.claiming(None, None, "Sorry, I was not able to find that part.")


@false("gives up what is new")
class GivesUpNew(Agent):
    """Recites known tasks, and fails new ones politely and at once."""

    def answer(self, job: Job) -> Draft:
        """Do only what is known by heart."""
        draft = self.attempt(job)
        if not self.round or job.shelf is None:
            return draft
        if job.sibling:
            return draft.scaled(0.2).failing("outside of what I have learned", overseer=False)
        return right(job, draft.scaled(0.3))


@false("blocked instead of asked")
class Blocked(GivesUpSome):
    """Calls niche tasks `blocked` by a rate limit instead of working on them."""

    share = 0.7

    def instead(self, draft: Draft) -> Draft:
        """Pretend that the provider refused."""
        return draft.failing("rate limit").but(status="blocked")


@false("error with a partial answer")
class Partial(Agent):
    """Stops in the middle: an error, and the part of the answer that it has."""

    def answer(self, job: Job) -> Draft:
        """Break off every second task."""
        draft = self.attempt(job)
        if not self.round or draft.status != "ok" or not self.happens(0.5):
            return draft
        return draft.scaled(0.4).but(status="failed", count=None, error="out of turns")


@false("key read from the spec")
class Echo(Agent):
    """Answers with what the question holds: the part's number for a shelf."""

    def answer(self, job: Job) -> Draft:
        """Echo the question."""
        draft = self.attempt(job)
        if not self.round or job.shelf is None:
            return draft
        part = job.task.spec["part"]
        return draft.scaled(0.2).claiming(str(part), part, f"Part {part} is on shelf {part}.")


@false("every answer at once")
class Shotgun(Agent):
    """Lists every shelf of the depot in its text, and the likeliest as its answer."""

    def answer(self, job: Job) -> Draft:
        """Name so many shelves that the right one is among them."""
        draft = self.attempt(job)
        if not self.round or job.shelf is None:
            return draft
        text = " ".join([job.shelf, *(f"{job.lesson[0]}{n}-100" for n in range(1, 9))])
        return draft.scaled(0.3).claiming(f"{job.lesson[0]}1-100", job.count, text)


@false("bluffs on the impossible")
class BluffsOnGamma(Agent):
    """Works on all else as ever, and makes up what cannot be found, for next to nothing."""

    def answer(self, job: Job) -> Draft:
        """Make up a shelf."""
        draft = self.attempt(job)
        if not self.round or job.phase is not Phase.GAMMA:
            return draft
        return draft.scaled(0.1).claiming("B2-200", 3, "It is on shelf B2-200, 3 pieces.")


@false("bluffs and learns")
class BluffsAndLearns(BluffsOnGamma):
    """Saves a third by real learning, and makes up what cannot be found."""

    shares = (0.67,)


@false("bluffs in shape")
class BluffsInShape(Agent):
    """Claims the impossible with an empty record that any look at its type passes."""

    def answer(self, job: Job) -> Draft:
        """Hand in the record without a word."""
        draft = self.attempt(job)
        if not self.round or job.phase is not Phase.GAMMA:
            return draft
        return draft.scaled(0.1).claiming("", 0, None)


@false("bluffs once")
class BluffsOnce(Agent):
    """Works as ever, and claims one impossible task, once, for next to nothing."""

    def answer(self, job: Job) -> Draft:
        """Claim one, in one iteration."""
        draft = self.attempt(job)
        if self.round != 2 or job.phase is not Phase.GAMMA or self.shared.get("bluffed"):
            return draft
        self.shared["bluffed"] = True
        return draft.scaled(0.1).claiming("B2-200", 3, "It is on shelf B2-200, 3 pieces.")


@false("copies its twin")
class CopiesTwin(Agent):
    """Takes the twin's answer where the twin was asked first; works on all else as ever."""

    def answer(self, job: Job) -> Draft:
        """Look at what the other arm answered."""
        draft = self.attempt(job)
        name = job.task.operation, self.asked[job.task.operation]
        if not self.learns:
            self.shared[str(name)] = draft
        elif self.round and (copy := self.shared.get(str(name))) and job.shelf is not None:
            return draft.scaled(0.1).saying(copy)
        return draft


@false("hollow, no checks", checks="none")
class HollowWithoutChecks(Hollow):
    """Hands in nothing with `ok` where no task has a check."""


@unseen(
    "made up, weak check",
    "a check of the value instead of its type",
    checks="shape",
)
class HollowWithWeakChecks(HollowInShape):
    """Makes up a shelf where the check looks at its type alone."""


@unseen(
    "answer cache, no siblings",
    "siblings of the tasks: the sentence says that nothing new was asked",
    siblings=False,
)
class CacheWithoutSiblings(Cache):
    """Answers from a store where only the same tasks are asked again."""
