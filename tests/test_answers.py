"""Answers as real servers give them: kept, readable by every command, or refused with the cause."""

from __future__ import annotations

import json
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from battery.records.models import LEARN
from tests.support.arms import journal
from tests.support.calls import CALLS, assert_one_message, command_here, run_here
from tests.support.gateway import REVIEW
from tests.support.misbehaving import (
    RESPOND,
    Exchange,
    Script,
    Server,
    answer_of,
    closing,
    http,
    sending,
    sse,
    sse_head,
)

pytestmark = pytest.mark.slow


def answering(answer: object) -> Script:
    return sending(http(json.dumps(answer)))


def holding(content: object, reason: str = "stop") -> dict[str, Any]:
    return {"choices": [{"finish_reason": reason, "message": {"content": content}}]}


def read_back(folder: Path) -> str:
    """Let every command that reads a folder read this one; return what `summarize` prints."""
    data = folder / "data"
    printed = ""
    for words in (
        ("report", data),
        *(("summarize", data, "--format", name) for name in ("csv", "json", "junit", "md")),
        ("summarize", data, "--format", "parquet", "--output", folder / "rows.parquet"),
        ("export", "inspect", data, "--output", folder / "logs"),
        ("history", folder),
        ("compare", data, data),
        ("summarize", data),
    ):
        done = command_here(*words, cwd=folder)
        assert done.returncode == 0, (words, done.stderr)
        assert "skipped" not in done.stderr, words
        printed = done.stdout
    return printed


def test_what_other_programs_write_is_kept_and_read_by_every_command(tmp_path: Path) -> None:
    log = ["started", {"kind": "overseer_correction", "text": "cut \ud83d"}, None, [1], 2**70]
    respond = "\ufeff" + json.dumps({**RESPOND, "log": log, "artifact": "\udc00 \\ud83d"})
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": REVIEW}]
    with Server(respond=sending(http(respond)), chat=answering(holding(parts))) as server:
        done = run_here(tmp_path, server.url, "--quiet")
    assert done.returncode == 0, done.stderr
    (run,) = json.loads((tmp_path / "data/iter_1/runs.json").read_text("utf-8"))
    log[1] = {"kind": "overseer_correction", "text": "cut \N{REPLACEMENT CHARACTER}"}
    assert run["result"]["log"] == log
    assert run["result"]["artifact"] == "\N{REPLACEMENT CHARACTER} \\ud83d"
    assert (tmp_path / "data/iter_1/overseer_review.md").read_text("utf-8") == REVIEW
    assert len(json.loads((tmp_path / "data/iter_1/proposals.json").read_text())) == 3
    read_back(tmp_path)


def deep(levels: int, inner: object = 1) -> Any:
    """Nest a value in so many levels of lists."""
    for _ in range(levels):
        inner = [inner]
    return inner


MOST = 2**53
NULLS: dict[str, Any] = dict.fromkeys(("iterations", "artifact", "log", "error"))
EXTREMES: list[dict[str, Any]] = [
    {"iterations": 0, "artifact": {"usage": {"total_tokens": 0}}},
    # The answer itself is a level, and the artifact a second.
    {
        "iterations": MOST,
        "artifact": {
            "usage": {"total_tokens": MOST, "prompt_tokens": MOST, "cost_usd": 1e308},
            "deep": deep(198),
        },
    },
    {
        "artifact": {"usage": {"prompt_tokens": 10**30, "cost_usd": -1e308}},
        "log": deep(198, {"kind": 10**300}),
    },
]


def in_turn(answers: list[dict[str, Any]]) -> Script:
    """Give the answers one after the other, again and again."""
    scripts = cycle([answering(answer) for answer in answers])

    def script(exchange: Exchange) -> None:
        next(scripts)(exchange)

    return script


@pytest.mark.parametrize("answers", [[NULLS], EXTREMES], ids=["nothing reported", "extremes"])
def test_what_gets_to_disk_is_readable_by_every_command(
    tmp_path: Path, answers: list[dict[str, Any]]
) -> None:
    chat = {**holding(REVIEW), "deep": deep(199, 10**300)}
    event = {"role": "final", "text": "learned", "deep": deep(199)}
    answers = [{"status": "ok", **answer} for answer in answers]
    scripts = {"chat": answering(chat), "distill": closing(sse_head() + sse(event))}
    learn, frozen = (Server(**scripts, respond=in_turn(answers)) for _ in range(2))
    with learn as server, frozen as twin:
        control = ("--control-gateway", twin.url, "--repeats", 2, "-n", 2, "--quiet")
        done = run_here(tmp_path, server.url, *control)
        assert done.returncode == 0, done.stderr
        finished = len(server.requests)
        more = run_here(tmp_path, server.url, *control, "--resume", "-n", 3)
        assert more.returncode == 0, more.stderr
        assert {request.call for request in server.requests[finished:]} == {"/", *CALLS}
    kept = [line["result"] for line in journal(tmp_path / "data") if line.get("arm") == LEARN]
    for result in kept:
        del result["_elapsed_ms"]
    # Two repeats of one task in three iterations.
    assert kept == list(islice(cycle(answers), 6))
    read_back(tmp_path)


@pytest.mark.parametrize(
    ("call", "body", "words"),
    [
        ("respond", json.dumps({**RESPOND, "more": deep(200)}), "nested deeper than 200 levels"),
        ("chat", json.dumps({**holding(REVIEW), "m": deep(200)}), "nested deeper than 200 levels"),
        (
            "respond",
            '{"status": "ok", "artifact": {"score": [0, NaN]}}',
            "artifact.score[1] is NaN",
        ),
        ("respond", '{"status": "ok", "iterations": -Infinity}', "iterations is -Infinity"),
        ("respond", '{"status": "ok", "iterations": 1e999}', "iterations is Infinity"),
        ("respond", '{"status": "ok", "iterations": 1e308}', "iterations: "),
        ("respond", '{"status": "ok", "iterations": -1}', "iterations: "),
        ("respond", '{"status": "ok", "artifact": {"usage": {"total_tokens": 0.5}}}', "total_tok"),
    ],
)
def test_what_could_not_be_read_back_is_refused_before_it_is_written(
    tmp_path: Path, call: str, body: str, words: str
) -> None:
    with Server(**{call: sending(http(body))}) as server:
        done = run_here(tmp_path, server.url, "--quiet")
        assert_one_message(done, 1, words, "battery run --resume")
    with Server() as server:
        more = ("--gateway", server.url, "--llm-team", server.url, "--quiet")
        again = command_here("run", "--resume", "-n", 1, "--dir", tmp_path / "data", *more)
    assert again.returncode == 0, again.stderr
    assert command_here("report", tmp_path / "data").returncode == 0


def test_a_review_that_was_cut_is_kept_and_every_reader_is_told(tmp_path: Path) -> None:
    said = "iteration 1: the review was cut: finish_reason is 'length'"
    with Server(chat=answering(holding("## What wor", "length"))) as server:
        done = run_here(tmp_path, server.url, "--quiet")
        assert (done.returncode, done.stderr.count(said)) == (0, 1), done.stderr
        redone = command_here(
            "review", tmp_path / "data", "--gateway", server.url, "--quiet", cwd=tmp_path
        )
    assert (redone.returncode, redone.stderr.count(said)) == (0, 1), redone.stderr
    assert said in " ".join(read_back(tmp_path).split())


@pytest.mark.parametrize(
    ("call", "answer", "words"),
    [
        ("chat", {"error": {"message": "tenant 9\nis over\r\nbudget", "code": 429}}, "tenant 9 is"),
        ("respond", {"error": {"message": "no worker\nis free"}}, "no worker is free"),
        ("chat", holding("\u200b\ufeff"), "choices[0].message.content"),
        ("chat", holding(None, "content_filter"), "finish_reason is 'content_filter'"),
        ("respond", {**RESPOND, "status": "a\nb"}, "status: "),
    ],
)
def test_an_answer_without_what_was_asked_for_tells_the_cause_in_two_lines(
    tmp_path: Path, call: str, answer: object, words: str
) -> None:
    with Server(**{call: answering(answer)}) as server:
        done = run_here(tmp_path, server.url, "--quiet")
        assert server.calls.count(call) == 1
        assert_one_message(done, 1, words, "battery run --resume")
        assert len(done.stderr.splitlines()) == 2
    with Server(**{call: answer_of(call)}) as server:
        words_again = ("--gateway", server.url, "--llm-team", server.url, "--quiet")
        again = command_here("run", "--resume", "-n", 1, "--dir", tmp_path / "data", *words_again)
    assert again.returncode == 0, again.stderr
