"""URLs and headers become targets, or are refused without showing a secret."""

from __future__ import annotations

import base64
import traceback
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery.base.errors import UsageError
from battery.inputs.settings import (
    Settings,
    Target,
    environment_headers,
    make_companion,
    make_settings,
    make_target,
    parse_headers,
    same_place,
)

SECRET = "pa55w0rd"
WRONG_URLS = [
    ("", "http://"),
    ("  ", "http://"),
    ("localhost:3100", "http://"),
    ("127.0.0.1", "http://"),
    ("//localhost:3100", "http://"),
    ("htp://localhost", "http://"),
    ("file:///etc/hosts", "http://"),
    ("http://", "names no host"),
    ("http:/localhost", "names no host"),
    ("http://:3100", "names no host"),
    ("http://localhost:port", "port"),
    ("http://localhost:0", "port"),
    ("http://localhost:65536", "port"),
    ("http://localhost:1:2", "port"),
    ("http://[::1", "host"),
    ("http://[1.2.3.4]", "host"),
    ("http://my host", "space"),
    ("http://ho\nst", "control character"),
    ("http://ho\x00st", "control character"),
    ("http://host/a b", "space"),
    ("http://a..b", "no host can have that name"),
    ("http://..", "no host can have that name"),
    ("http://" + "a" * 64 + ".example", "no host can have that name"),
    ("http://h%20st", "no host can have that name"),
    ("http://host\\path", "no host can have that name"),
    ("http://host?key=1", "a query or a fragment"),
    ("http://host/#top", "a query or a fragment"),
]


@pytest.mark.parametrize(("url", "why"), WRONG_URLS)
def test_a_wrong_url_is_refused_with_its_reason_and_a_next_step(url: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_target(url, {})
    assert why in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 2
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("http://localhost:3100", "http://localhost:3100"),
        (" http://localhost:3100/\n", "http://localhost:3100"),
        ("https://gateway.example/base/", "https://gateway.example/base"),
        ("http://[::1]:3100", "http://[::1]:3100"),
        ("http://my_host.example", "http://my_host.example"),
        ("http://münchen.example", "http://münchen.example"),
        ("HTTP://Host", "http://Host"),
    ],
)
def test_a_right_url_is_taken_without_its_last_slash(url: str, bare: str) -> None:
    assert make_target(url, {}) == Target(bare, {})


@pytest.mark.parametrize(
    "url",
    [
        f"user:{SECRET}@host:3100",
        f"http:/user:{SECRET}@host",
        f"ftp://user:{SECRET}@host",
        f"http://user:{SECRET}@",
        f"http://user:{SECRET}@host:port",
        f"http://user:{SECRET}/slash@host",
        f"http://user:x/{SECRET}@host",
        f"http://user:{SECRET}@more@host:0",
        f"http://user:[{SECRET}]@host",
        f"http://user:{SECRET}\u2100@host",
        f"http://user:{SECRET}@host/?q",
        f"http://user:{SECRET}@host/a b",
        f"http://user:{SECRET}\n@host",
        f"http://user:{SECRET}@a..b",
    ],
)
def test_no_word_about_a_wrong_url_shows_its_password(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_target(url, {})
    # What --debug prints; the lines of code in it are these very tests.
    chain = traceback.TracebackException.from_exception(caught.value)
    shown = "".join(chain.format_exception_only()) + str(chain.__cause__) + str(caught.value.hint)
    assert SECRET not in shown
    assert chain.__suppress_context__ or chain.__context__ is None


def test_user_and_password_move_from_the_url_into_a_header() -> None:
    target = make_target("http://user:p%40ss:w@host:1/base", {"x-run": "7"})
    pair = base64.b64encode(b"user:p@ss:w").decode()
    assert target.url == "http://host:1/base"
    assert target.headers == {"authorization": f"Basic {pair}", "x-run": "7"}


def test_a_header_of_its_own_wins_over_the_password_of_the_url() -> None:
    headers = parse_headers(["Authorization: Bearer other"], None)
    assert make_target("http://user:pass@host", headers).headers == headers


@pytest.mark.parametrize(
    ("url", "shared"),
    [
        ("http://gateway:3100", True),
        ("http://gateway:3100/other/path", True),
        ("http://gateway:3200", False),
        ("https://gateway:3100", False),
        ("http://gateway.evil:3100", False),
        ("http://other:3100", False),
    ],
)
def test_headers_reach_another_server_only_on_the_gateways_host_and_port(
    url: str, shared: bool
) -> None:
    gateway = Target("http://gateway:3100", {"authorization": "secret", "x-team": "gateway"})
    companion = make_companion(url, {"x-team": "own"}, gateway)
    inherited = {"authorization": "secret"} if shared else {}
    assert companion == Target(url, {**inherited, "x-team": "own"})
    assert make_companion(url, {}, None).headers == {}


@pytest.mark.parametrize(
    ("url", "other", "same"),
    [
        ("http://a:1", "http://a:1", True),
        ("http://A:1", "http://a:1", True),
        ("http://a", "http://a:80", True),
        ("https://a:443", "https://a", True),
        ("http://localhost:1", "http://127.0.0.1:1", True),
        ("http://[::1]:1", "http://127.0.0.1:1", True),
        ("http://127.1:1", "http://localhost:1", True),
        ("http://2130706433:1", "http://127.0.0.1:1", True),
        ("http://0x7f.0.0.1:1", "http://127.0.0.1:1", True),
        ("http://0177.0.0.01:1", "http://127.0.0.1:1", True),
        ("http://\uff11\uff12\uff17.1:1", "http://127.0.0.1:1", True),
        ("http://[::ffff:127.0.0.1]:1", "http://127.0.0.1:1", True),
        ("http://[0:0:0:0:0:0:0:1]:1", "http://[::1]:1", True),
        ("http://0.0.0.0:1", "http://localhost:1", True),
        ("http://[::]:1", "http://localhost:1", True),
        ("http://localhost.:1", "http://localhost:1", True),
        ("http://10.1:1", "http://10.0.0.1:1", True),
        ("http://127.0.0.2:1", "http://127.0.0.1:1", False),
        ("http://10.1:1", "http://10.0.1.0:1", False),
        ("http://[fe80::1]:1", "http://[fe80::2]:1", False),
        ("http://a:1", "http://a:2", False),
        ("http://a:1", "http://b:1", False),
        ("http://a:1", "http://a:1/control", False),
        ("http://a", "https://a", False),
    ],
)
def test_one_server_is_known_however_its_url_is_written(url: str, other: str, same: bool) -> None:
    urls = [make_target(each, {}).url for each in (url, other)]
    assert same_place(*urls) is same
    assert same_place(*reversed(urls)) is same


def test_no_repr_shows_a_secret() -> None:
    target = make_target(f"http://user:{SECRET}@host", {"x-key": SECRET})
    kept = Settings(Path("data"), gateway=target, gateway_headers=target.headers, model_key=SECRET)
    assert SECRET not in repr(kept)
    assert "http://host" in repr(kept)


def test_headers_are_read_with_any_case_and_space() -> None:
    lines = ["X-Api-Key:  a:b c ", "authorization: Token x"]
    read = parse_headers(lines, "ignored")
    assert read == {"x-api-key": "a:b c", "authorization": "Token x"}


def test_a_token_becomes_a_bearer_header() -> None:
    assert parse_headers([], " abc ") == {"authorization": "Bearer abc"}
    assert parse_headers([], "") == {}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"X-Key {SECRET}", "'Name: value'"),
        (f"{SECRET}", "'Name: value'"),
        (f": {SECRET}", "'Name: value'"),
        (f"X Key: {SECRET}", "'Name: value'"),
        (f"X-Key\r\nX: {SECRET}", "'Name: value'"),
        (f"X-Key: {SECRET}\r\nX-More: 1", "the header x-key"),
        (f"X-Key: {SECRET}ü", "the header x-key"),
        (f"X-Key: {SECRET}\x00", "the header x-key"),
        ("X-Key:", "the header x-key is empty"),
        (f"Content-Type: {SECRET}", "content-type is set by battery"),
        (f"HOST: {SECRET}", "host is set by battery"),
    ],
)
def test_a_wrong_header_is_refused_without_its_value(line: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_headers([line], None)
    assert why in caught.value.message
    assert caught.value.hint
    assert SECRET not in caught.value.message + str(caught.value.hint)


@settings(deadline=None)
@given(st.text(), st.text())
def test_any_url_and_header_are_taken_or_refused(url: str, line: str) -> None:
    # Whatever else is raised here would reach the user as an internal error.
    with suppress(UsageError):
        make_target(url, {})
    with suppress(UsageError):
        assert len(parse_headers([line], url)) <= 2


@settings(deadline=None)
@given(st.from_regex(r"https?://[a-z0-9.\-_:@\[\]/%]{0,30}", fullmatch=True))
def test_any_near_url_is_taken_or_refused(url: str) -> None:
    try:
        target = make_target(url, {})
    except UsageError:
        return
    assert "@" not in target.url.partition("//")[2].partition("/")[0]


def test_the_environment_holds_a_token_and_a_header_a_line() -> None:
    environ = {
        "GATEWAY_TOKEN": "t0ken",
        "GATEWAY_HEADERS": "X-A: 1\n\n  \nX-B: 2\r\n",
        "LLM_TEAM_TOKEN": "other",
    }
    assert environment_headers(environ, "GATEWAY") == {
        "authorization": "Bearer t0ken",
        "x-a": "1",
        "x-b": "2",
    }
    assert environment_headers(environ, "LLM_TEAM") == {"authorization": "Bearer other"}
    assert environment_headers({}, "GATEWAY") == {}


@pytest.mark.parametrize(
    ("options", "environ"),
    [
        ({"note": f"against https://me:{SECRET}@host/v1"}, {}),
        ({"tag": [f"x-{SECRET}"], "gateway": f"http://me:{SECRET}@host"}, {}),
        ({"name": SECRET, "header": [f"X-Api-Key: {SECRET}"]}, {}),
        ({"name": f"with {SECRET}"}, {"GATEWAY_TOKEN": SECRET}),
    ],
)
def test_a_secret_in_what_a_battery_is_called_is_refused(
    options: dict[str, object], environ: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match="holds a secret") as caught:
        make_settings({**options, "folder": Path()}, environ, make_target)
    assert SECRET not in str(caught.value)


def test_an_address_of_a_person_in_a_note_is_no_secret() -> None:
    note = "ask mailto:john@example.org or http://example.org/~john"
    settings = make_settings({"note": note, "folder": Path()}, {}, make_target)
    assert settings.labels == {"note": note}
