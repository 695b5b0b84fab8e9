"""The prompts of the loop.

A language model gets exactly these texts; where rules stand in for one, their tokens are
estimated on the same texts.
"""

from __future__ import annotations

from typing import Final

from battery.embedded.actions import Fill, GiveUp
from battery.embedded.policies import Case
from battery.embedded.thesaurus import facts

_EXECUTOR: Final = """\
You fill staffing demands from a database of workers. Each turn you take one action; you see
what came of it in the transcript. Reply with one JSON object and nothing else, one of:
{"action": "search", "role": "...", "cities": ["City, ST"], "radius_miles": 0,
 "certificates": ["any of these"], "by": "YYYY-MM-DD", "max_pay": 30}
{"action": "fill", "workers": ["W0001"]}
{"action": "give_up", "reason": "what was searched and how many were found"}
A search matches role, city and certificate names as the database writes them; radius_miles,
certificates, by and max_pay may be left out. Propose exactly as many workers as the task asks
for, only ones a search has shown, and only such as meet every condition. Give up only when the
searches prove that there are not enough. A reviewer checks fills and give-ups."""

_REVIEWER: Final = """\
You check the work of a staffing desk before it goes out. Accept a fill only when everybody in
it meets every condition of the task; accept a give-up only when there truly are not enough
people. The check below was made on the whole database: believe it. Reply with one JSON object
and nothing else: {"verdict": "accept" or "reject", "reason": "one or two sentences"}"""

_OVERSEER: Final = """\
You oversee a staffing desk. The executor below is stuck: read the whole transcript, find out
which of its assumptions is wrong, and give it the searches to make instead, best first. The
reference facts are true; the executor does not know them. Reply with one JSON object and
nothing else: {"diagnosis": "one or two sentences", "searches": [{"role": "...",
"cities": ["City, ST"], "radius_miles": 0, "certificates": ["any of these"],
"by": "YYYY-MM-DD", "max_pay": 30}]}"""


def executor_prompt(case: Case) -> str:
    """Write the executor's prompt: the task, what memory says, the transcript."""
    parts = [_EXECUTOR, _task(case)]
    # Marked as perhaps unfitting: retrieval goes by likeness, and a model should doubt it.
    if case.lessons:
        lines = "\n".join(f"- {lesson.text}" for lesson in case.lessons)
        parts.append(f"From the playbook (similar tasks; may not fit this one):\n{lines}")
    return "\n\n".join([*parts, _transcript(case)])


def reviewer_prompt(case: Case, proposal: Fill | GiveUp, findings: list[str]) -> str:
    """Write the reviewer's prompt: the task, the proposal, what the database says against it."""
    check = "\n".join(f"- {finding}" for finding in findings) or "- Nothing speaks against it."
    return "\n\n".join(
        [_REVIEWER, _task(case), f"Proposal: {proposal.model_dump_json()}", f"Check:\n{check}"]
    )


def overseer_prompt(case: Case) -> str:
    """Write the overseer's prompt: the task, the transcript, the reference facts about it."""
    # The facts are looked up for it: the whole thesaurus would cost more than it tells.
    known = facts(case.spec) or ["Every word of the task is as the database writes it."]
    lines = "\n".join(f"- {fact}" for fact in known)
    return "\n\n".join([_OVERSEER, _task(case), _transcript(case), f"Reference facts:\n{lines}"])


def _task(case: Case) -> str:
    spec = case.spec.model_dump_json(exclude_none=True)
    return f"Task ({case.request.task_class}): {case.request.operation}\nSpec: {spec}"


def _transcript(case: Case) -> str:
    return f"Transcript:\n{case.transcript.lines()}"
