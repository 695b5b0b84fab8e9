"""The summary as Markdown: what `summary.md` says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from battery.models import DirectionCount, Summary, Trend
from battery.render.format import change, duration, number
from battery.render.text import printable

_ABOUT: Final = {
    "battery.json": "manifest: identity, settings, how far the battery came",
    "tasks.json": "the tasks as they were run",
    "journal.jsonl": "every finished call, in the order of finishing",
    "runs.json": "every task with the gateway's whole answer",
    "distill_output.txt": "what the learning side distilled",
    "distill_events.jsonl": "every event of the distill stream",
    "metrics.json": "the numbers of the iteration",
    "overseer_review.md": "the overseer's review, as it came",
    "scrum_findings.md": "the judgment of the review, as it came",
    "proposals.json": "the proposals found in the review",
    "verdicts.json": "the verdicts found in the judgment",
    "outcomes.jsonl": "memory of the embedded gateway: every outcome",
    "distilled.jsonl": "memory of the embedded gateway: lessons of one distillation",
    "summary.md": "this summary",
    "summary.json": "every number of this summary",
}
_CAVEAT: Final = (
    "This is a direction count without a control arm: it shows a trend, not its cause. It can "
    "come out well by luck, or because a server warmed up."
)


def markdown(summary: Summary) -> str:
    """Write `summary.md`: the same summary gives the same text, byte for byte."""
    sections = [
        "# Compounding battery summary",
        "\n".join(_facts(summary)),
        "## Compounding Metrics",
        "\n".join(_table(summary)),
        "## Verdict",
        "\n\n".join(_verdict(summary)),
    ]
    if summary.warnings:
        sections += ["## Warnings", "\n".join(f"- {_plain(text)}" for text in summary.warnings)]
    sections += ["## Artifacts", "\n".join(map(_artifact, summary.artifacts)) or "None."]
    return "\n\n".join(sections) + "\n"


def scrum_count(summary: Summary) -> str:
    """Say in one sentence how the last iteration's proposals were judged."""
    counts = Counter(each.verdict for each in summary.scrum)
    # The noughts too: that nothing was approved is news.
    words = ", ".join(f"{counts[word]} {word}" for word in ("APPROVE", "REVISE", "REJECT"))
    return f"Scrum judgment of the last iteration's proposals: {words}."


def _facts(summary: Summary) -> Iterator[str]:
    yield f"- Run time: {_run_time(summary)}"
    # A finished battery needs no word; an older folder has none to give.
    if summary.state not in {None, "finished"}:
        yield f"- State: {summary.state}; the numbers cover what had finished"
    yield f"- Elapsed: {_elapsed(summary)}"
    models = summary.models
    if models is None:
        yield "- Models: not recorded"
    else:
        yield (
            f"- Models: executor {_code(models.executor_cloud)}, "
            f"reviewer {_code(models.reviewer_cloud)}, overseer {_code(models.overseer_cloud)}"
        )
    if summary.targets:
        targets = (f"{_plain(name)} {_code(url)}" for name, url in summary.targets.items())
        yield f"- Targets: {', '.join(targets)}"


def _run_time(summary: Summary) -> str:
    if summary.started_at is None:
        return "not recorded"
    end = summary.finished_at or "not finished"
    return f"{printable(summary.started_at)} → {printable(end)}"


def _elapsed(summary: Summary) -> str:
    text = f"{number(summary.elapsed_s)} s"
    # Seconds that nobody can read at a glance get hours and minutes beside them.
    if summary.elapsed_s >= 60:
        text += f" ({duration(summary.elapsed_s)})"
    calls = "1 recorded call" if summary.calls == 1 else f"{summary.calls} recorded calls"
    return f"{text}, the sum of {calls}"


def _table(summary: Summary) -> Iterator[str]:
    numbers = [each.iteration for each in summary.iterations]
    if not numbers:
        yield "No iteration has finished, so there is nothing to measure yet."
        return
    # The numbers of the folder, not a count: iterations 1 and 3 make a trend from 1 to 3.
    span = f"Trend ({numbers[0]}→{numbers[-1]})"
    yield _row(["Metric", *(f"iter {each}" for each in numbers), span, "Goal"])
    yield _row(["---", *("---:" for _ in numbers), "---", "---"])
    for trend in summary.trends:
        yield _row([trend.metric, *map(number, trend.values), _trend(trend), trend.goal])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _trend(trend: Trend) -> str:
    if trend.direction is None or trend.change is None:
        return "none"
    return f"{trend.direction} {change(trend.change, trend.relative)}"


def _verdict(summary: Summary) -> Iterator[str]:
    if summary.verdict is None:
        yield (
            "A single iteration shows no trend, so there is no verdict. "
            "Run one more iteration to compare with."
            if summary.iterations
            else "There is no trend and no verdict before an iteration has finished."
        )
    else:
        yield _count(summary.verdict, summary.iterations[-1].iteration)
        yield "\n".join(f"- {_improved(trend)}" for trend in summary.trends)
        yield _CAVEAT
    if summary.scrum:
        yield scrum_count(summary)


def _count(verdict: DirectionCount, last: int) -> str:
    text = f"{verdict.improved} of {verdict.of} metrics improved: **{verdict.label}**."
    if verdict.validated:
        return text
    return f"{text} What to change next is judged in `iter_{last}/scrum_findings.md`."


def _improved(trend: Trend) -> str:
    word = "improved" if trend.direction == "better" else "not improved"
    return f"`{trend.metric}`: {word}, {number(trend.values[0])} → {number(trend.values[-1])}"


def _artifact(path: str) -> str:
    # The same name means the same in every iteration's folder.
    name = PurePosixPath(path).name
    # A redone review keeps the older text beside it, under a number; lessons carry their time.
    about = _ABOUT.get(re.sub(r"\.\d+\.md$|_[0-9TZ_]+(?=\.jsonl$)", _plain_ending, name))
    if about is None:
        return f"- {_code(path)}"
    redone = ", before it was redone" if re.search(r"\.\d+\.md$", name) else ""
    return f"- {_code(path)}: {about}{redone}"


def _plain_ending(found: re.Match[str]) -> str:
    return ".md" if found[0].endswith(".md") else ""


def _plain(text: str) -> str:
    """Escape what Markdown would read as markup, tables and HTML included."""
    escaped = re.sub(r"([\\`*\[\]<>|#~&])", r"\\\1", printable(text))
    # At the beginning these would start a list or a rule.
    escaped = re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", escaped)
    # Inside a word an underscore is literal, and file names stay readable.
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", escaped)


def _code(text: str) -> str:
    """Quote foreign text as code, in a fence longer than any run of backticks in it."""
    shown = printable(text)
    longest = max(map(len, re.findall("`+", shown)), default=0)
    # The page's language has no escape inside code; only a longer fence keeps a backtick.
    fence = "`" * (longest + 1)
    return f"{fence} {shown} {fence}" if longest else f"{fence}{shown}{fence}"
