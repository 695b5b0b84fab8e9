"""An agent behind the protocol: real answers, no network, and nothing learned unless taught."""

from __future__ import annotations

import asyncio
import random

from battery.gauntlet.agent import Draft, Seat, Seated
from battery.gauntlet.learners import Learner
from battery.gauntlet.world import MODELS, Layout, World
from battery.protocol import Json
from battery.records.models import FROZEN, LEARN, Arm, RunResult

WORLD = World(Layout(siblings=1), "1")


class Steady(Learner):
    noise = 0.0
    needy = 0.0
    shares = (0.5,)


def seated(arm: Arm = LEARN) -> Seated:
    return Seated(Steady(Seat(arm, WORLD, random.Random(1), {})))


def ask(system: Seated, phase: str = "alpha_baseline") -> tuple[Json, RunResult]:
    task = getattr(WORLD.tasks.phases, phase)[0]
    reply = asyncio.run(system.respond(task, MODELS, 1.0))
    return reply.answer, reply.result


def distill(system: Seated) -> list[Json]:
    events: list[Json] = []
    asyncio.run(system.distill(events.append, 1.0))
    return events


def test_an_answer_is_what_a_gateway_would_send() -> None:
    answer, result = ask(seated())
    job = WORLD.job(WORLD.tasks.phases.alpha_baseline[0])
    assert (result.status, answer["artifact"]["shelf"]) == ("ok", job.shelf)
    usage = answer["artifact"]["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert result.tokens == usage["total_tokens"]
    assert abs(usage["total_tokens"] - job.tokens) <= 1
    assert result.elapsed_ms == round(job.tokens * 4)


def test_what_is_impossible_fails_with_a_reason() -> None:
    _, result = ask(seated(), "gamma_impossible")
    assert result.status == "failed"
    assert result.error


def test_only_a_distillation_teaches() -> None:
    system = seated()
    before = ask(system)[1].tokens
    assert ask(system)[1].tokens == before
    assert distill(system)[-1]["role"] == "final"
    answer, result = ask(system)
    assert before is not None
    assert result.tokens is not None
    assert abs(result.tokens - before / 2) <= 1
    assert answer["artifact"]["memory"] == ["playbook 1"]
    assert answer["artifact"]["memory_fingerprint"] == "playbook 1"


def test_both_arms_meet_the_same_tasks() -> None:
    assert ask(seated())[1].tokens == ask(seated(FROZEN))[1].tokens


def test_what_a_draft_leaves_out_has_no_key() -> None:
    document = Draft(reported=False).document()
    assert document["artifact"] == {}
    assert document["log"] == []
