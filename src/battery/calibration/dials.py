"""What a simulated battery is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from battery.records.models import Phase


@dataclass(frozen=True)
class Dials:
    """What a simulated battery is made of; the defaults learn nothing and do no harm.

    Shares and chances are 0 to 1. "log" is a natural logarithm, added to that of tokens; "sd" is
    the standard deviation of one. What is said of both arms is the same in both only by its dial:
    chance hits each arm for itself.
    """

    #: Tasks of alpha, beta and gamma.
    tasks: tuple[int, int, int] = (3, 3, 2)
    iterations: int = 3
    repeats: int = 1
    #: 2 with the twin, 1 without.
    arms: int = 2
    #: Looks that `iterate` adds, an iteration each, until one is positive.
    added: int = 0

    # What is learned.
    #: Share of the effort that the learner saves, an iteration after the other.
    drop: float = 0.0
    #: Share that the learner saves in iteration 2, in 3, ...; the last one holds from there on.
    saved: tuple[float, ...] = ()
    #: Whether it saves tokens on niche tasks and nothing else.
    niche_only: bool = False
    #: Chance that the learner passes a niche task before and after iteration 1, and the twin the
    #: former always; None leaves it as usual.
    solves: tuple[float, float] | None = None
    #: Log factor on the learner's tokens from iteration 2 on.
    carries: float = 0.0
    #: Log growth of the learner's tokens from one iteration to the next.
    bloat: float = 0.0
    #: Iteration from which the learner fails some alpha tasks for good; None is never.
    forget_from: int | None = None
    #: Share of the alpha tasks that it then fails, at least one.
    forget_share: float = 0.34
    #: Niche tasks that the learner fails from iteration 2 on.
    gives_up: int = 0
    #: Chance that a gamma call of the learner ends ok, from iteration 2 on.
    bluff: float = 0.0

    #: Whether each task has a sibling in each iteration: a new task of the same kind.
    siblings: bool = False
    #: Whether what is learned helps with tasks asked again, and not with siblings.
    memorises: bool = False

    # What makes calls differ.
    #: Sd of a call.
    noise: float = 0.3
    #: The same of the learner from iteration 2 on, at the same mean; None is the same.
    erratic: float | None = None
    #: Noise of other shape: Student's t with 2 degrees, or an exponential, so that tokens are
    #: Pareto distributed with index 1 / noise.
    tails: Literal["normal", "t2", "pareto"] = "normal"
    #: Sd of the sizes of tasks.
    size_spread: float = 0.7
    #: Share of the noise that the tasks of a phase have in common, by arm and iteration.
    alike: float = 0.0
    #: Chance that a call takes no token, in both arms.
    free: float = 0.0

    # What happens to both arms together.
    #: Sd of a shock that hits all calls of an iteration.
    shock: float = 0.0
    #: Log growth of everything from one iteration to the next.
    drift: float = 0.0
    #: Log factor on everything from the middle of the battery on.
    step: float = 0.0
    #: Factor on tokens and time of iteration 1.
    warm_up: float = 1.0

    # What both arms do now and then.
    #: Chance that any call but an impossible one fails for no reason.
    flaky: float = 0.0
    #: Chance that the overseer steps in on an easy task.
    overseen: float = 0.0
    #: Chance that an impossible task ends ok.
    claims: float = 0.0
    #: Chance that a failure has no error.
    silent: float = 0.0
    #: Whether there is an overseer.
    overseer: bool = True
    #: Whether no task is ever done.
    hopeless: bool = False

    # In what else the arms differ.
    #: Sd of a shock that each arm has for itself in each iteration.
    own_shock: float = 0.0
    #: Sd of the load of each arm, which changes slowly.
    wander: float = 0.0
    #: Log factor on one arm, drawn by lot, from an iteration on that is drawn as well.
    regime: float = 0.0
    #: Sd of what the learner's playbook is worth, for all tasks, from iteration 2 on.
    playbook: float = 0.0
    #: Sd of how it changes from one iteration to the next.
    walk: float = 0.0
    #: Sd of what each arm has for good on each task.
    lasting: float = 0.0
    #: Log factor on iteration 1 of the learner: the arms did not start from the same memory.
    unlike_start: float = 0.0
    #: Log factor on the learner's tokens in all iterations: its deployment is another.
    offset: float = 0.0
    #: Factor on the learner's time in all iterations: its deployment is slower.
    pace: float = 1.0
    #: Factor on the twin's time from iteration 2 on: its prompts meet a cache.
    prompt_cache: float = 1.0
    #: Whether every answer of the twin says that it came from a cache.
    cached: bool = False
    #: Cells (task, iteration, arm) whose calls are lost.
    missing: int = 0

    @property
    def length(self) -> int:
        """Iterations of the battery, those that `iterate` adds included."""
        return self.iterations + self.added

    @property
    def phases(self) -> list[Phase]:
        """The phase of each task, in the order of a tasks file."""
        pairs = zip(Phase, self.tasks, strict=True)
        return [phase for phase, count in pairs for _ in range(count)]
