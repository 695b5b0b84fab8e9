"""Which losses of a task are to be confirmed by asking it again.

One rule for the run, which pays for the reruns, and for the calibration, which draws them. It takes
the outcomes of one task that can be done: by iteration, whether each of its runs ended ok.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from battery.records.models import CONFIRMED

#: Whether each run of a task ended ok, in one arm and one iteration.
Outcomes = Sequence[bool]


def in_doubt(
    learn: Sequence[Outcomes], frozen: Sequence[Outcomes], reruns: Iterable[Outcomes]
) -> bool:
    """Return whether a task that fails now is to be asked again of the learner.

    `learn` and `frozen` are the iterations so far, the one under way last; `frozen` is empty with
    one arm. `reruns` are those of earlier iterations. Half of the runs is not most of them.

    A task is in doubt after iteration 1 where the learner mostly fails it now, and

    - mostly passed it in iteration 1: it may have been forgotten or given up; or
    - mostly failed it in every iteration, while the twin mostly passes it, now and in total: it
      can be done, and learning may be what keeps the learner from it.

    Every rerun is paid for. So a task is never asked again once reruns have confirmed its loss.
    Where they have not, it is flaky rather than lost, and one of the first kind has to fail in two
    iterations in a row before it is asked again. One of the second kind is asked again once only:
    a niche task that is simply hard would cost five calls whenever the twin is lucky.
    """
    asked = list(reruns)
    if len(learn) < 2 or not _mostly(learn[-1], ok=False) or any(map(confirmed, asked)):
        return False
    if _mostly(learn[0], ok=True):
        return not any(asked) or _mostly(learn[-2], ok=False)
    twin = [ok for outcomes in frozen for ok in outcomes]
    return (
        all(_mostly(outcomes, ok=False) for outcomes in learn)
        and _mostly(twin, ok=True)
        and _mostly(frozen[-1], ok=True)
        and not any(asked)
    )


def confirmed(reruns: Outcomes) -> bool:
    """Return whether the reruns of one iteration confirm that a task fails."""
    # One failure may be bad luck.
    return len(reruns) - sum(reruns) >= CONFIRMED


def doubtful(
    learn: Sequence[Outcomes], frozen: Sequence[Outcomes], reruns: Sequence[Outcomes]
) -> list[int]:
    """List the iterations, counted from 0, in which `in_doubt` holds for a task.

    Here `reruns` has for every iteration what reruns would bring if they were asked.
    """
    asked: list[int] = []
    for now in range(1, len(learn)):
        earlier = [reruns[place] for place in asked]
        if in_doubt(learn[: now + 1], frozen[: now + 1], earlier):
            asked.append(now)
    return asked


def _mostly(outcomes: Outcomes, *, ok: bool) -> bool:
    return 2 * sum(passed is ok for passed in outcomes) > len(outcomes)
