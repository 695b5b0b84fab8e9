"""Answers as real servers give them: kept, readable by every command, or refused with the cause."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.calls import assert_one_message, command_here, run_here
from tests.support.gateway import REVIEW
from tests.support.misbehaving import RESPOND, Script, Server, answer_of, http, sending

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
        ("run", "--resume", "-n", 1, "--dir", data, "--quiet"),
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


def test_a_review_that_was_cut_is_kept_and_every_reader_is_told(tmp_path: Path) -> None:
    said = "iteration 1: the overseer review was cut: finish_reason is 'length'"
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
