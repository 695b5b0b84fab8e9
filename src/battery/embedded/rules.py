"""The default policies: rules that stand in for models, so that a fresh machine needs none.

The executor takes the task at its word and widens its search step by step; it knows neither
trade names nor which certificates imply each other. The overseer does. Each reply's tokens are
estimated on the prompt and the JSON that a language model would have exchanged.
"""

from __future__ import annotations

from battery.embedded.forms import Correction, Fill, GiveUp, Judgment, Search, Spec
from battery.embedded.lessons import Answer, DeadEnd, Lesson, Plan, Reach, Substitution
from battery.embedded.policies import Case, Reply, executor_prompt, overseer_prompt, reviewer_prompt
from battery.embedded.tokens import estimate
from battery.embedded.world import facts, settling_search


class RuleExecutor:
    """Offer who was found; else make the next planned search; else give up.

    An answer that the memory has for this very task is given first, without a search.
    """

    async def propose(self, case: Case) -> Reply[Search | Fill | GiveUp]:
        """Propose the next action from the task, the playbook and the transcript."""
        # Nothing is kept between turns: the transcript says all, so two runs cannot mix.
        action = _known(case) or _offer(case) or _next_search(case) or _last_resort(case)
        text = action.model_dump_json(exclude_defaults=True)
        return Reply(action, estimate(executor_prompt(case), text), text)


class RuleReviewer:
    """Go by the database: accept what nothing speaks against."""

    async def review(
        self, case: Case, proposal: Fill | GiveUp, findings: list[str]
    ) -> Reply[Judgment]:
        """Accept when there are no findings, else reject and list them."""
        judgment = Judgment(
            verdict="reject" if findings else "accept",
            reason=" ".join(findings) or "The database agrees.",
        )
        text = judgment.model_dump_json()
        return Reply(judgment, estimate(reviewer_prompt(case, proposal, findings), text), text)


class RuleOverseer:
    """Translate the task into the words of the database, with the thesaurus."""

    async def correct(self, case: Case) -> Reply[Correction]:
        """Name the words that misled the executor and the one search that settles the task."""
        search = settling_search(case.spec)
        known = facts(case.spec) or ["The words are right; one search over the whole reach tells."]
        correction = Correction(diagnosis=" ".join(known), searches=(search,) if search else ())
        text = correction.model_dump_json(exclude_defaults=True)
        return Reply(correction, estimate(overseer_prompt(case), text), text)


def _known(case: Case) -> Fill | GiveUp | None:
    """Say the remembered answer to this very task, once."""
    answer = next(
        (one for one in case.lessons if isinstance(one, Answer) and one.applies(case.spec)), None
    )
    if answer is None or case.transcript.entries:
        return None
    return Fill(workers=answer.workers) if answer.workers else GiveUp(reason=answer.reason)


def _offer(case: Case) -> Fill | None:
    """Propose the people of the newest search that found enough, unless that was tried."""
    tried = {fill.workers for fill in case.transcript.fills}
    for entry in reversed(case.transcript.searches):
        if entry.found >= case.spec.count and entry.workers not in tried:
            return Fill(workers=entry.workers)
    return None


def _next_search(case: Case) -> Search | None:
    # A search made once would find the same people again and cost a turn.
    done = [entry.search for entry in case.transcript.searches]
    return next((search for search in _plan(case) if search not in done), None)


def _plan(case: Case) -> list[Search]:
    """List the searches worth making: a correction's alone, else the playbook's, then wider."""
    if case.transcript.corrections:
        return list(case.transcript.corrections[-1].searches)
    remembered = _remembered(case.lessons, case.spec)
    # A proven dead end is believed after one look, until the reviewer says otherwise.
    if _dead_end(case) and not case.transcript.rejected:
        return remembered
    return [*remembered, *_widening(case)]


def _widening(case: Case) -> list[Search]:
    spec = case.spec
    # Nearest first, as a desk would: people who live close are less trouble. The whole radius has
    # them all, so once it is known that few live close, the smaller circles are not worth a turn.
    few = any(isinstance(lesson, Reach) and lesson.applies(spec) for lesson in case.lessons)
    radii = [0, spec.reach / 2] if spec.reach and not few else []
    return [_literal(spec, radius) for radius in (*radii, spec.reach)]


def _literal(spec: Spec, radius: float) -> Search:
    return Search(
        role=spec.role,
        cities=(spec.city,),
        radius_miles=radius,
        certificates=(spec.certificate,) if spec.certificate else (),
        by=spec.by,
        max_pay=spec.max_pay,
    )


def _remembered(lessons: list[Lesson], spec: Spec) -> list[Search]:
    """Turn the playbook into at most one search, from the most specific lesson that applies.

    One, so that a misleading playbook cannot use up the turns that the task itself needs.
    """
    fitting = [lesson for lesson in lessons if lesson.applies(spec)]
    for lesson in fitting:
        if isinstance(lesson, DeadEnd):
            return [lesson.search]
    for lesson in fitting:
        if isinstance(lesson, Plan):
            # The plan may come from a task with wider limits; the task's own ones bind.
            radius = min(lesson.search.radius_miles, spec.reach)
            own = {"radius_miles": radius, "by": spec.by, "max_pay": spec.max_pay}
            return [lesson.search.model_copy(update=own)]
    words = [lesson for lesson in fitting if isinstance(lesson, Substitution)]
    return [_translated(spec, words)] if words else []


def _translated(spec: Spec, words: list[Substitution]) -> Search:
    # Over the whole reach at once: the words were the obstacle, not the distance.
    search = _literal(spec, spec.reach)
    for word in words:
        match word.field:
            case "role":
                update: dict[str, object] = {"role": word.use[0]}
            case "certificate":
                update = {"certificates": word.use}
            case "city":
                # These cities were in reach of the town then; whether they are now, the
                # reviewer will tell.
                update = {"cities": word.use, "radius_miles": 0.0}
        search = search.model_copy(update=update)
    return search


def _dead_end(case: Case) -> bool:
    return any(isinstance(e, DeadEnd) and e.applies(case.spec) for e in case.lessons)


def _last_resort(case: Case) -> Fill | GiveUp:
    """Give up; once that was rejected, offer the few who were found, if that is new."""
    best = max(case.transcript.searches, key=lambda entry: entry.found, default=None)
    if case.transcript.gave_up and best and 0 < best.found < case.spec.count:
        short = Fill(workers=best.workers)
        if short.workers not in {fill.workers for fill in case.transcript.fills}:
            return short
    return GiveUp(reason=_evidence(case))


def _evidence(case: Case) -> str:
    searched = [
        f"{entry.search.described()}: {entry.found} found" for entry in case.transcript.searches
    ]
    return f"{case.spec.count} asked for; " + ("; ".join(searched) or "nowhere to search")
