"""What a span says: names and facts of the calls of a battery; pure.

The names that start with `gen_ai.` are OpenTelemetry's semantic conventions for generative AI,
https://github.com/open-telemetry/semantic-conventions-genai, status Development as of November
2026. The others, `battery.`, are our own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from battery import protocol
from battery.base import jsonio
from battery.protocol.chat import chat_content, finish_reason
from battery.protocol.usage import Tokens, usage_spent
from battery.records.events import MetaFinished, TaskFinished, TaskStarted
from battery.records.metric import TABLE
from battery.records.models import ARM_NAMES, ELAPSED_KEY, RunResult
from battery.records.summary import Metrics, Summary

Attributes = dict[str, str | int | float | bool]

EVALUATION: Final = "gen_ai.evaluation.result"
# The convention wants a provider and allows one that it does not list. Which company is behind a
# gateway is not known here, and a guess would be counted as one by whoever adds spans up.
_GATEWAY: Final = "gateway"


def agent(started: TaskStarted) -> str:
    """Name the side that a task is asked of."""
    return ARM_NAMES[started.arm]


def asked(started: TaskStarted, *, content: bool) -> Attributes:
    """Describe a respond call that goes out; `content` adds what is asked."""
    facts: dict[str, Any] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": _GATEWAY,
        "gen_ai.agent.name": agent(started),
        "gen_ai.request.model": started.model,
        "battery.iteration": started.iteration,
        "battery.phase": started.phase.value,
        "battery.task": started.label,
        "battery.arm": started.arm,
        "battery.repeat": started.repeat,
        # Absent rather than false: most calls are no reruns, and each span stores what it has.
        "battery.confirm": started.confirm or None,
        "battery.sibling": started.sibling or None,
    }
    if content and started.task is not None:
        text = f"{started.task.operation}\n\n{_text(started.task.spec)}"
        facts["gen_ai.input.messages"] = _message("user", text)
    return _known(facts)


def answered(finished: TaskFinished, *, content: bool) -> Attributes:
    """Describe what came back; `content` adds the answer."""
    result, answer = finished.result, finished.answer or {}
    facts: dict[str, Any] = {
        **_usage(finished.result.spent.kinds),
        "battery.status": result.status,
        **_graded(result, content=content),
        **{f"battery.{m.call_span}": m.of(result, answer) for m in TABLE if m.call_span},
        "battery.memory_used": result.memory_used,
        "battery.cached": result.cached or None,
    }
    if content:
        # What the gateway said: the elapsed time in it was added by battery.
        kept = {key: value for key, value in answer.items() if key != ELAPSED_KEY}
        facts["gen_ai.output.messages"] = _message("assistant", _text(kept), "stop")
    return _known(facts)


def _graded(result: RunResult, *, content: bool) -> dict[str, Any]:
    """Describe what the checks of a task made of its answer; empty where there are none."""
    if result.checked is None:
        return {}
    return {
        "battery.checked": True,
        "battery.claimed": result.claimed,
        "battery.failed_checks": len(result.checked.failed),
        # A reason quotes the answer.
        "battery.refuted": result.refuted if content else None,
    }


def meta(iteration: int, stage: str) -> Attributes:
    """Describe distill, review or judgment before it is done."""
    return {"battery.iteration": iteration, "battery.stage": stage}


def chat(finished: MetaFinished, *, content: bool) -> Attributes:
    """Describe a review or a judgment; empty for a distill, which is no chat."""
    if finished.model is None:
        return {}
    answer = finished.answer or {}
    facts: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": protocol.ChatRequest.model_fields["provider"].default,
        "gen_ai.request.model": finished.model,
        **_usage(usage_spent(answer).kinds),
    }
    if content and finished.prompt is not None:
        facts["gen_ai.input.messages"] = _message("user", finished.prompt)
        facts["gen_ai.output.messages"] = _message(
            "assistant", chat_content(answer), finish_reason(answer) or "stop"
        )
    return _known(facts)


def iteration(metrics: Metrics) -> Attributes:
    """Describe a finished iteration by the learner's metrics."""
    return _known(
        {
            "battery.tasks": metrics.total_tasks,
            **{
                f"battery.{metric.iteration_span}": getattr(metrics, metric.key)
                for metric in TABLE
                if metric.iteration_span
            },
        }
    )


def battery(summary: Summary) -> Attributes:
    """Describe a whole battery."""
    targets, evidence = summary.targets or {}, summary.evidence
    return _known(
        {
            "battery.run_id": summary.run_id,
            "battery.seed": summary.seed,
            "battery.iterations": len(summary.iterations),
            "battery.verdict": evidence.verdict if evidence else None,
            "battery.cautions": "; ".join(evidence.cautions) or None if evidence else None,
            **{f"battery.target.{name}": url for name, url in targets.items()},
        }
    )


def evaluations(summary: Summary) -> Iterator[Attributes]:
    """Describe the verdict and the gates as results of an evaluation."""
    evidence = summary.evidence
    if evidence is None:
        return
    yield _evaluation("verdict", evidence.verdict, None, evidence.sentence)
    for gate in evidence.gates:
        score = gate.status.about.score
        yield _evaluation(f"gate.{gate.name}", gate.status, score, gate.text)


def _evaluation(name: str, label: str | None, value: float | None, why: str) -> Attributes:
    return _known(
        {
            "gen_ai.evaluation.name": f"battery.{name}",
            "gen_ai.evaluation.score.label": label,
            "gen_ai.evaluation.score.value": value,
            "gen_ai.evaluation.explanation": why,
        }
    )


def _usage(tokens: Tokens) -> dict[str, int | None]:
    return {"gen_ai.usage.input_tokens": tokens.prompt, "gen_ai.usage.output_tokens": tokens.output}


def _message(role: str, text: str, finish_reason: str | None = None) -> str:
    message: protocol.Json = {"role": role, "parts": [{"type": "text", "content": text}]}
    if finish_reason:
        message["finish_reason"] = finish_reason
    return _text([message])


def _text(document: object) -> str:
    return jsonio.dumps(document).decode()


def _known(facts: Mapping[str, Any]) -> Attributes:
    """Leave out what is not known, as an attribute has no null."""
    return {name: value for name, value in facts.items() if value is not None}
