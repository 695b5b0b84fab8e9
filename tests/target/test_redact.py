"""A secret reaches the gateway and nothing else, however the gateway hands it back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.target.redact import MIN_SECRET, REPLACEMENT, Redactor
from tests.support.calls import CALLS, run_here
from tests.support.misbehaving import CHAT, RESPOND, Exchange, Script, Server, http, sse_head

TOKEN = 'tok3n/with+"every"=sort&of<mark>'
PAIR = "someone:pa55/w0rd+x"
BASIC = base64.b64encode(PAIR.encode()).decode()

secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=MIN_SECRET).filter(
    lambda secret: secret not in REPLACEMENT
)


def slashed(text: str) -> str:
    """Write JSON as PHP does, with every slash escaped."""
    return json.dumps(text).replace("/", "\\/")


def spelled(text: str) -> str:
    """Write JSON as Go and Gson do, with the marks of HTML as numbers."""
    marks = {c: f"\\u{ord(c):04X}" for c in "&<>'=+/"}
    return "".join(marks.get(c, c) for c in json.dumps(text))


WRITERS: dict[str, Callable[[str], str]] = {
    "plain": json.dumps,
    "slashed": slashed,
    "spelled": spelled,
    "url": lambda t: quote(t, ""),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@settings(deadline=None, max_examples=50)
@given(secret=secrets, before=st.text(max_size=5), after=st.text(max_size=5))
def test_a_secret_is_found_in_every_spelling(
    write: Callable[[str], str], secret: str, before: str, after: str
) -> None:
    shown = Redactor([f"Bearer {secret}"]).text(before + write(secret) + after)
    assert write(secret).strip('"') not in shown
    assert REPLACEMENT in shown


@settings(deadline=None)
@given(secrets, st.dictionaries(st.text(max_size=5), st.lists(st.text(max_size=5), max_size=3)))
def test_a_document_keeps_all_but_the_secret(secret: str, document: dict[str, Any]) -> None:
    redactor = Redactor([secret])
    full = {**document, f"key {secret}": [1, None, {"deep": f" {secret} "}]}
    clean = redactor.document(full)
    assert list(clean.values())[-1] == [1, None, {"deep": f" {REPLACEMENT} "}]
    assert list(clean)[-1] == f"key {REPLACEMENT}"


def test_the_password_behind_a_basic_header_is_a_secret_too() -> None:
    text = Redactor([f"Basic {BASIC}"]).text(f"{BASIC} {PAIR} {PAIR.partition(':')[2]}")
    assert text == " ".join([REPLACEMENT] * 3)


@pytest.mark.parametrize("value", ["Basic ???", "Basic /w==", "Basic", "basic "])
def test_a_basic_header_that_holds_no_pair_is_kept_secret_as_it_is(value: str) -> None:
    assert Redactor([f"{value}secret"]).text(f"<{value}secret>") == f"<{REPLACEMENT}>"


def test_what_is_too_short_for_a_secret_is_left_alone() -> None:
    redactor = Redactor(["1", "abc", ""])
    assert redactor.text("abc 1") == "abc 1"
    document = {"a": "abc"}
    assert redactor.document(document) is document


@pytest.mark.parametrize("length", range(MIN_SECRET, len(TOKEN)))
def test_a_secret_that_was_cut_off_is_no_longer_shown(length: int) -> None:
    assert Redactor([TOKEN]).excerpt(f"echo: {TOKEN[:length]}") == f"echo: {REPLACEMENT}"


def test_an_error_and_its_causes_lose_the_secret() -> None:
    cause = ValueError(f"illegal line: {bytearray(TOKEN.encode())!r}", 7)
    error = RuntimeError(TOKEN)
    error.__cause__ = cause
    Redactor([TOKEN]).error(error)
    assert str(error) == REPLACEMENT
    assert cause.args == (f"illegal line: bytearray(b'{REPLACEMENT}')", 7)


# The whole command, against a gateway that echoes all it gets


def echo(exchange: Exchange, write: Callable[[str], str] = json.dumps) -> str:
    """Write all request headers, and what is in them, as a JSON text."""
    head = exchange.request.head.decode("latin-1")
    basic = exchange.request.headers.get("authorization", "").removeprefix("Basic ")
    decoded = base64.b64decode(basic).decode() if basic == BASIC else ""
    return write(f"{head} {decoded}")


def echoing(write: Callable[[str], str]) -> dict[str, Script]:
    """Answer each call well, with the headers in every place that a text may have."""

    def respond(exchange: Exchange) -> None:
        said = echo(exchange, write)
        whole = json.dumps({**RESPOND, "error": "E", "E": ["E"], "log": [{"kind": "E"}]})
        exchange.send(http(whole.replace('"E"', said)))

    def distill(exchange: Exchange) -> None:
        said = echo(exchange, write)
        event = f'data: {{"role": {said}, "text": {said}, {said}: 1}}\n\n'
        exchange.send(sse_head(), event.encode())
        exchange.hang_up()

    def chat(exchange: Exchange) -> None:
        content = CHAT["choices"][0]["message"]["content"]
        exchange.send(http(json.dumps(CHAT).replace(json.dumps(content), echo(exchange, write))))

    return {"respond": respond, "distill": distill, "chat": chat}


def failing_with(call: str) -> dict[str, Script]:
    """Break one call in the way that shows most of what was sent."""

    def refusing(exchange: Exchange) -> None:
        exchange.send(http(echo(exchange), status="500 Oops"))

    def garbled(exchange: Exchange) -> None:
        line = echo(exchange).replace("\\r\\n", " ")
        exchange.send(f"HTTP/1.1 200 {line}\x00\r\n\r\n".encode())
        exchange.hang_up()

    def mistyped(exchange: Exchange) -> None:
        kind = exchange.request.headers["x-api-key"]
        exchange.send(http(echo(exchange)[:-9], kind=kind))

    return {call: {"respond": refusing, "distill": mistyped, "chat": garbled}[call]}


def leaks(folder: Path, *texts: str) -> list[str]:
    """Name every file and text that holds a secret in any spelling."""
    parts = [TOKEN, PAIR.partition(":")[2], BASIC]
    spellings = {write(part).strip('"') for part in parts for write in WRITERS.values()}
    files = {str(path): path.read_text() for path in folder.rglob("*") if path.is_file()}
    shown = {**files, **{f"text {n}": text for n, text in enumerate(texts)}}
    return [name for name, text in shown.items() if any(part in text for part in spellings)]


GIVEN: dict[str, tuple[str, list[str], dict[str, str]]] = {
    "token": ("", [], {"GATEWAY_TOKEN": TOKEN}),
    "headers": ("", [], {"GATEWAY_HEADERS": f"Authorization: Bearer {TOKEN}\nX-Api-Key: {TOKEN}"}),
    "option": ("", ["--header", f"Authorization: Bearer {TOKEN}"], {}),
    "url": (f"{quote(PAIR, ':')}@", [], {}),
}


@pytest.mark.parametrize("way", GIVEN)
def test_a_secret_arrives_and_is_written_nowhere(tmp_path: Path, way: str) -> None:
    user, options, env = GIVEN[way]
    write = WRITERS[{"token": "slashed", "headers": "spelled"}.get(way, "plain")]
    with Server(**echoing(write)) as server:
        url = server.url.replace("//", f"//{user}")
        done = run_here(tmp_path, url, "--debug", *options, env=env)
    assert done.returncode == 0, done.stderr
    arrived = {request.headers["authorization"] for request in server.requests}
    assert arrived == {f"Basic {BASIC}" if user else f"Bearer {TOKEN}"}
    assert server.calls == [*CALLS, "chat"]
    assert REPLACEMENT in (tmp_path / "data" / "iter_1" / "runs.json").read_text()
    assert leaks(tmp_path / "data", done.stdout, done.stderr) == []


@pytest.mark.parametrize("call", CALLS)
def test_no_error_shows_a_secret(tmp_path: Path, call: str) -> None:
    env = {"GATEWAY_TOKEN": TOKEN, "GATEWAY_HEADERS": f"X-Api-Key: {TOKEN}"}
    with Server(**failing_with(call)) as server:
        done = run_here(tmp_path, server.url, "--debug", "--json", env=env)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert REPLACEMENT in json.loads(done.stdout)["error"]["message"]
    assert REPLACEMENT in done.stderr
    assert leaks(tmp_path / "data", done.stdout, done.stderr) == []


def test_the_gateways_secret_is_not_sent_to_an_llm_team_elsewhere(tmp_path: Path) -> None:
    env = {"GATEWAY_TOKEN": TOKEN, "GATEWAY_HEADERS": f"X-Api-Key: {TOKEN}"}
    with Server() as gateway, Server() as team:
        done = run_here(tmp_path, gateway.url, "--llm-team", team.url, env=env)
    assert done.returncode == 0
    (request,) = team.requests
    assert TOKEN not in request.head.decode()
    assert "authorization" not in request.headers


def test_the_llm_team_has_a_token_of_its_own(tmp_path: Path) -> None:
    env = {"GATEWAY_TOKEN": "for-the-gateway", "LLM_TEAM_TOKEN": "for-the-team"}
    with Server() as gateway, Server() as team:
        run_here(tmp_path, gateway.url, "--llm-team", team.url, env=env)
    assert {request.headers["authorization"] for request in team.requests} == {
        "Bearer for-the-team"
    }
    assert {request.headers["authorization"] for request in gateway.requests} == {
        "Bearer for-the-gateway"
    }


@pytest.mark.parametrize(
    "url", [f"http://user:{TOKEN}@host:port", f"user:{TOKEN}@host"], ids=["port", "scheme"]
)
def test_a_wrong_url_is_refused_without_its_password(tmp_path: Path, url: str) -> None:
    done = run_here(tmp_path, url, "--debug")
    assert done.returncode == 2
    assert "is not a URL to call" in done.stderr
    assert leaks(tmp_path / "data", done.stdout, done.stderr) == []
