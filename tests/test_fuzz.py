"""Whatever the three calls answer: a clean error, or a battery that every command reads back.

A few seconds of it are part of the suite; `make fuzz` and CI take a minute. The examples follow
from this file and never change by themselves; `--hypothesis-profile=explore` draws new ones.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.calls import CALLS, command_here, run_here, run_words
from tests.support.misbehaving import CHAT, EVENTS, JSON, SSE, Exchange, Server, sse

pytestmark = pytest.mark.slow

RESPOND = {
    "status": "ok",
    "iterations": 2,
    "artifact": {
        "usage": {"total_tokens": 321, "prompt_tokens": 300, "completion_tokens": 21},
        "memory": ["be brief"],
        "fills": [{"name": "a b", "score": 0.5}],
    },
    "log": [{"kind": "turn", "turn": 1, "text": "looking"}, {"kind": "overseer_correction"}],
    "error": None,
    "cached": False,
}


class Raw(NamedTuple):
    """JSON as it is sent, or what is none."""

    text: str

    def __repr__(self) -> str:
        return f"Raw({self.text[:30]!r}, {len(self.text)})"


def nested(opening: str, closing: str, depth: int) -> Raw:
    return Raw(opening * depth + "1" + closing * depth)


#: Numbers at limits of integers, floats and what battery counts to.
NUMBERS = [
    *map(Raw, ["NaN", "-Infinity", "1e308", "1.7976931348623157e308", "1e309", "-0", "5e-324"]),
    *map(Raw, ["9007199254740992", "9007199254740993", "9223372036854775808", "-1", "2.0", "1E2"]),
    *map(Raw, ["1" + "0" * 400, "9" * 5000, "0", "0.0", "-1e308", "18446744073709551616"]),
]
ODD = [
    *map(Raw, ["01", "tru", "'x'", "", '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"']),
    *map(Raw, ['"\\u202e\\u009b31m"', '"\t"', '{"a": 1, "a": "2"}', f'"{"x" * 70_000}"']),
    *(nested("[", "]", depth) for depth in (100, 250, 3000)),
    *(nested('{"a":', "}", depth) for depth in (100, 250, 3000)),
]
texts = st.text(
    st.characters(categories=None) | st.sampled_from("\ud800\u202e\x00\x9b|`#*"), max_size=9
)
keys = st.sampled_from(["error", "usage", "text", "role", "content", "total_tokens", ""]) | texts
#: A document may have 200 levels, and is stored inside others.
depths = st.sampled_from([nested("[", "]", depth) for depth in (199, 198, 200, 197, 201)])
numbers = st.sampled_from(NUMBERS) | st.integers() | st.floats()
scalars = st.one_of(
    numbers, numbers, depths, st.sampled_from(ODD), texts, texts, st.none() | st.booleans()
)
anything = st.recursive(
    scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(keys, v, max_size=3), max_leaves=4
)
values = anything | anything | numbers | depths

FRAGMENTS = [
    "## What worked",
    "## What failed",
    "## Proposed changes for iteration N+1",
    "### 1. Trim the prompt",
    "### Proposal 2: Cache it",
    "1. **Target file**: `src/a.py`",
    "- **Target file**: src/b.py",
    "- **Rationale**: 321 tokens",
    "- **Expected impact**: total_tokens by 10 %",
    "**Verdict**: APPROVE",
    "**Verdict**: REVISE (or REJECT?)",
    "Verdict: reject",
    "**Reason**: because",
    "## PR-ready changes",
    "| Proposal | Verdict | Reason |\n| --- | --- | --- |\n| 1 | APPROVE | yes |",
    "| a |\n|",
    "```json\n" + json.dumps([{"verdict": "APPROVE", "title": "Trim"}]) + "\n```",
    "```",
    "<think>REJECT all",
    "</think>",
    "> **Verdict**: REJECT",
    "<verdict>APPROVE</verdict>",
    "#" * 40 + " deep",
    "- " * 60 + "x",
    ">" * 300 + " quoted",
    "[a](b) " * 30,
    "*" * 500,
    "\u202e\x9b31m",
    "<script>alert(1)</script>",
]
markdown = st.lists(st.sampled_from(FRAGMENTS) | texts, max_size=25).map("\n".join)


def written(value: Any) -> str:
    """Write JSON, with what is not JSON in it."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value)


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """Change one place of a document, at any depth."""
    if isinstance(value, dict) and value and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: draw(changed(value[key]))}
    if isinstance(value, list) and value and draw(st.integers(0, 3)):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], draw(changed(value[place])), *value[place + 1 :]]
    if isinstance(value, dict):
        return {**value, draw(keys): draw(values)} if draw(st.booleans()) else draw(values)
    return [value, draw(values)] if draw(st.integers(0, 5)) == 0 else draw(values)


@st.composite
def nearly(draw: st.DrawFn, good: Any) -> str:
    """Write a good document with a few changes."""
    value = good
    for _ in range(draw(st.sampled_from([1, 1, 2, 0]))):
        value = draw(changed(value))
    return written(value)


DAMAGES: list[Callable[[str], bytes]] = [
    lambda text: b"\xef\xbb\xbf" + text.encode(),
    lambda text: text.encode("utf-16"),
    lambda text: text.encode("utf-16-le"),
    lambda text: text.encode()[: len(text) // 2],
    lambda text: text.encode()[:-1],
    lambda text: b"\r\n\t " + text.encode() + b"\n",
    lambda text: text.encode() * 2,
    lambda text: text.encode() + b"\x00",
    lambda text: text.replace("{", '{"status": "failed", "iterations": 1, ', 1).encode(),
    lambda text: b"\xff\xfe" + text.encode(),
    lambda text: text.replace("o", "\xf6").encode("latin-1", "replace"),
    lambda text: f"<html>{text}</html>".encode(),
    lambda text: f"data: {text}\n\ndata: [DONE]\n\n".encode(),
    lambda text: json.dumps(text).encode(),
    lambda _text: b"",
]


def bodies(good: Any) -> st.SearchStrategy[bytes]:
    """Draw what should be a document: mostly one, sometimes damaged, sometimes any bytes."""
    text = nearly(good)
    broken = st.builds(lambda damage, text: damage(text), st.sampled_from(DAMAGES), text)
    return st.one_of(*[text.map(str.encode)] * 6, broken, broken, st.binary())


@st.composite
def chats(draw: st.DrawFn) -> bytes:
    if draw(st.booleans()):
        return draw(bodies(CHAT))
    message = {"role": "assistant", "content": draw(markdown)}
    reason = draw(st.sampled_from(["stop", "length", "content_filter", None, 7]))
    return written({"choices": [{"message": message, "finish_reason": reason}]}).encode()


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Draw an event stream, with all that its format allows and some of what it does not."""
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    documents = draw(st.lists(st.sampled_from(EVENTS).flatmap(nearly), max_size=4))
    lines: list[str] = []
    for document in documents:
        lines += draw(
            st.sampled_from([[], [], [": ping"], ["event: x", "id: \x00", "retry: 1"], [""]])
        )
        lines += [draw(st.sampled_from(["data: ", "data: ", "data:", "Data: ", ""])) + document, ""]
    lines += draw(st.sampled_from([[], ["data: [DONE]", ""], ["data: {", "data: }"], ["data"]]))
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + end.join(lines).encode()


class Answer(NamedTuple):
    """An answer as it goes over the wire."""

    body: bytes
    kind: str = JSON
    status: str = "200 OK"
    #: Pieces that the body is sent in; without any it is sent whole, with its length.
    chunks: int = 0

    def send(self, exchange: Exchange) -> None:
        """Answer a request with it."""
        head = [f"HTTP/1.1 {self.status}", f"content-type: {self.kind}", "connection: close"]
        if not self.chunks:
            head.append(f"content-length: {len(self.body)}")
            exchange.send("\r\n".join([*head, "", ""]).encode() + self.body)
        else:
            head.append("transfer-encoding: chunked")
            exchange.send("\r\n".join([*head, "", ""]).encode())
            size = len(self.body) // self.chunks + 1
            for start in range(0, len(self.body), size):
                piece = self.body[start : start + size]
                exchange.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            exchange.send(b"0\r\n\r\n")
        exchange.hang_up()


def answers(body: st.SearchStrategy[bytes], kind: str) -> st.SearchStrategy[Answer]:
    kinds = st.sampled_from([kind] * 20 + ["text/html", "", "application/json; charset=utf-16"])
    statuses = st.sampled_from(["200 OK"] * 40 + ["500 Oops", "302 Found", "429 Slow", "201 Made"])
    return st.builds(Answer, body, kinds, statuses, st.integers(0, 3))


Scripts = dict[str, list[Answer]]
GOOD: Scripts = {
    "respond": [Answer(written(RESPOND).encode())],
    "distill": [Answer(sse(*EVENTS), SSE)],
    "chat": [Answer(written(CHAT).encode())],
}
FUZZED = {
    "respond": answers(bodies(RESPOND), JSON),
    "distill": answers(streams() | bodies(EVENTS[0]), SSE),
    "chat": answers(chats(), JSON),
}


@st.composite
def scripts(draw: st.DrawFn) -> Scripts:
    """Draw what each call answers: one after the other, the last one again and again.

    Mostly one call is wrong, or hardly any battery would get to its end.
    """
    script = dict(GOOD)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
        call = draw(st.sampled_from(CALLS))
        script[call] = [*draw(st.sampled_from([[], [], GOOD[call]])), draw(FUZZED[call])]
    return script


@contextmanager
def serving(script: Scripts) -> Iterator[Server]:
    """Serve a script's answers."""
    left = {call: list(answers) for call, answers in script.items()}

    def send(exchange: Exchange) -> None:
        queue = left[exchange.request.call]
        (queue.pop(0) if len(queue) > 1 else queue[0]).send(exchange)

    with Server(**dict.fromkeys(CALLS, send)) as server:
        yield server


def assert_clean(done: subprocess.CompletedProcess[str]) -> None:
    """Check that a command ended as it should, with at most one error of two lines."""
    assert done.returncode in {0, 1, 2, 3}, done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == (done.returncode != 0), done.stderr
    if errors:
        assert done.stderr.splitlines()[-2:][0] == errors[0]
        assert done.stderr.splitlines()[-1].startswith(" next: ")


READERS = (
    "summarize data --json",
    "summarize data --format csv",
    "summarize data --format md",
    "summarize data --format junit",
    "report data",
    "compare data data --json",
    "export inspect data",
    "watch data --once --json",
    "watch data --once",
)


def check(script: Scripts, iterations: int = 1, repeats: int = 1) -> None:
    """Run a battery on a script's answers and read back what it left."""
    options = (
        "-n",
        iterations,
        "--repeats",
        repeats,
        "--respond-timeout",
        20,
        "--meta-timeout",
        20,
        "--quiet",
    )
    with tempfile.TemporaryDirectory() as name, serving(script) as server:
        here = Path(name)
        done = run_here(here, server.url, *options)
        assert_clean(done)
        assert done.returncode in {0, 1}, done.stderr
        if done.returncode == 0:
            for words in READERS:
                read = command_here(*words.split(), cwd=here)
                assert_clean(read)
                assert read.returncode == 0, f"{words}: {read.stderr}"
        again = command_here(*run_words(here, server.url, *options), "--resume", cwd=here)
        assert_clean(again)
        assert again.returncode in ({0} if done.returncode == 0 else {0, 1}), again.stderr
        status = command_here("watch", "data", "--once", "--json", cwd=here)
        assert status.returncode == 0, status.stderr


DEEP = nested("[", "]", 199)
COST = {"total_tokens": 3, "cost": Raw("1.7e308")}
#: What lies just within the limits, where chance seldom gets.
LIMITS: dict[str, Scripts] = {
    "respond-depth": {"respond": [Answer(written({**RESPOND, "artifact": DEEP}).encode())]},
    "distill-depth": {"distill": [Answer(f'data: {{"a": {DEEP.text}}}\n\n'.encode(), SSE)]},
    "chat-depth": {"chat": [Answer(written({**CHAT, "x": DEEP}).encode())]},
    "sum": {"respond": [Answer(written({**RESPOND, "artifact": {"usage": COST}}).encode())]},
}


@pytest.mark.parametrize("name", LIMITS)
def test_an_answer_just_within_the_limits_can_be_read_back(name: str) -> None:
    check({**GOOD, **LIMITS[name]}, iterations=2, repeats=2)


PROFILE = settings.get_current_profile_name()


@settings(
    max_examples={"fuzz": 30, "explore": 300}.get(PROFILE, 5),
    derandomize=PROFILE != "explore",
    suppress_health_check=list(HealthCheck),
    deadline=None,
)
@given(script=scripts(), iterations=st.sampled_from([1, 1, 2]), repeats=st.sampled_from([1, 1, 2]))
def test_any_answer_gives_a_clean_error_or_a_battery_that_can_be_read(
    script: Scripts, iterations: int, repeats: int
) -> None:
    check(script, iterations, repeats)
