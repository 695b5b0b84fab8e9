"""A secret reaches the gateway and nothing else, however the gateway hands it back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from battery.base.redact import REPLACEMENT
from battery.commands import doctor
from battery.inputs.secrets import (
    header_secrets,
    redactor_of,
    short_credential,
    without_own_secrets,
)
from tests.support.calls import CALLS, command_here, run_here
from tests.support.misbehaving import CHAT, RESPOND, Exchange, Script, Server, http, sse_head
from tests.support.spellings import BASIC, PAIR, TOKEN, WRITERS


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ("authorization: Bearer abcdefg", {"Bearer abcdefg", "abcdefg"}),
        ("x-tenant: acme", set()),
        ("x-tenant: acme-corporation", {"acme-corporation"}),
        ("x-api-key: k3y", {"k3y"}),
        (
            "cookie: theme=dark; sid=s3ss10n=1",
            {"theme=dark; sid=s3ss10n=1", "sid=s3ss10n=1", "s3ss10n=1"},
        ),
        (
            'authorization: Digest realm="example.org", response="6629fae49393a0"',
            {"6629fae49393a0"},
        ),
        (f"authorization: basic {BASIC}", {f"basic {BASIC}", BASIC, PAIR, "pa55/w0rd+x"}),
        ("authorization: Basic /w==", {"Basic /w==", "/w=="}),
        ("authorization: Basic", {"Basic"}),
    ],
)
def test_a_header_is_as_many_secrets_as_may_be_echoed(header: str, parts: set[str]) -> None:
    name, _, value = header.partition(": ")
    listed = set(header_secrets({name: value}))
    if "Digest" in value:
        listed -= {value, value.partition(" ")[2]}
    assert listed == parts


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"authorization": "Bearer abc"}, "authorization"),
        ({"x-tenant": "7", "x-api-key": "abc"}, "x-api-key"),
        ({"authorization": "Bearer abcdef", "x-tenant": "7"}, None),
    ],
)
def test_a_short_credential_is_named(headers: dict[str, str], name: str | None) -> None:
    assert short_credential(headers) == name


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"GATEWAY_TOKEN": TOKEN}, []),
        ({"BATTERY_MODEL_KEY": TOKEN}, []),
        ({"CONTROL_GATEWAY_HEADERS": f"A: b\nX-Api-Key: {TOKEN}"}, []),
        ({"OTEL_EXPORTER_OTLP_HEADERS": f"api-key={TOKEN}"}, []),
        ({"https_proxy": f"http://me:{quote(TOKEN, '')}@proxy:3128"}, []),
        ({"LLM_TEAM_URL": f"http://me:{quote(TOKEN, '')}@team"}, []),
        ({"BATTERY_METER": f"http://me:{quote(TOKEN, '')}@host/v1"}, []),
        ({}, ["run", "--header", f"X-Api-Key: {TOKEN}"]),
        ({}, ["run", f"--control-header=X-Api-Key: {TOKEN}"]),
        ({}, ["run", f"-HX-Api-Key: {TOKEN}"]),
        ({}, ["run", f"--gateway=http://me:{quote(TOKEN, '')}@host"]),
    ],
)
def test_all_that_a_process_was_given_is_known(environ: dict[str, str], words: list[str]) -> None:
    assert redactor_of(environ, words).text(f"no {TOKEN}!") == f"no {REPLACEMENT}!"


def test_a_system_is_given_its_own_secrets_and_none_of_battery() -> None:
    """A password of the meter would lead it past the meter."""
    battery = {
        "BATTERY_METER": "https://me:meter-pass@host/v1",
        "GATEWAY_URL": "https://me:gateway-pass@host",
        "GATEWAY_TOKEN": "gateway-token",
    }
    own = {
        "OPENAI_API_KEY": "own-key",
        "DATABASE_URL": "postgres://me:own-pass@host/db",
        "BATTERY_MODEL_URL": "http://localhost:1234/v1",
    }
    assert without_own_secrets({**battery, **own}) == own


def test_paths_and_words_of_a_command_line_are_no_secrets() -> None:
    words = ["run", "--tasks=C:/somewhere/tasks.json", "--dir", "data/battery", "--header"]
    text = " ".join(words)
    assert redactor_of({"HOME": "/home/somebody"}, words).text(text) == text


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


def every(text: str) -> str:
    """Write a text in every spelling there is, as one JSON text."""
    return json.dumps(" ".join(write(text) for write in WRITERS.values()))


GIVEN: dict[str, tuple[str, list[str], dict[str, str]]] = {
    "token": ("", [], {"GATEWAY_TOKEN": TOKEN}),
    "headers": ("", [], {"GATEWAY_HEADERS": f"Authorization: Bearer {TOKEN}\nX-Api-Key: {TOKEN}"}),
    "option": ("", ["--header", f"Authorization: Bearer {TOKEN}"], {}),
    "every": ("", ["-H", f"Authorization: Bearer {TOKEN}"], {}),
    "url": (f"{quote(PAIR, ':')}@", [], {}),
}


@pytest.mark.parametrize("way", GIVEN)
def test_a_secret_arrives_and_is_written_nowhere(tmp_path: Path, way: str) -> None:
    user, options, env = GIVEN[way]
    write = {"token": WRITERS["slashed"], "headers": WRITERS["spelled"], "every": every}.get(
        way, json.dumps
    )
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
    # The look before the first call, and the distillation.
    assert [request.method for request in team.requests] == ["GET", "POST"]
    for request in team.requests:
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


@pytest.mark.parametrize(
    "words", [["--header=Authorization:", "Bearer", TOKEN], ["-H", "x", TOKEN]]
)
def test_what_was_typed_in_the_wrong_place_is_not_repeated(words: list[str]) -> None:
    done = command_here("run", *words)
    assert done.returncode == 2
    assert TOKEN not in done.stderr


def test_an_error_that_nobody_expected_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise RuntimeError(f"cannot use {TOKEN}") from ValueError(quote(TOKEN, ""))

    monkeypatch.setattr(doctor, "doctor", failing)
    done = command_here("doctor", "--debug", env={"GATEWAY_TOKEN": TOKEN})
    assert "Traceback" in done.stderr
    assert f"error: internal error: RuntimeError: cannot use {REPLACEMENT}" in done.stderr
    assert TOKEN not in done.stderr
    assert quote(TOKEN, "") not in done.stderr


def test_a_key_in_the_url_of_the_model_is_refused_and_not_dropped(tmp_path: Path) -> None:
    url = f"http://me:{quote(TOKEN, '')}@127.0.0.1:1/v1"
    done = command_here("run", "--model-url", url, "--dir", tmp_path / "data", cwd=tmp_path)
    assert done.returncode == 2
    assert "error: the URL of the language model at http://127.0.0.1:1/v1 carries" in done.stderr
    assert "BATTERY_MODEL_KEY" in done.stderr
    assert quote(TOKEN, "") not in done.stderr


def test_a_short_credential_is_warned_of_before_the_run(tmp_path: Path) -> None:
    with Server() as server:
        done = run_here(tmp_path, server.url, "--quiet", env={"GATEWAY_TOKEN": "k3y!"})
    warning = f"warning: the credential in the header authorization for {server.url} is so short"
    assert done.stderr.count(warning) == 1
