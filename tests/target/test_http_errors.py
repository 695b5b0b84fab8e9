"""Answers that are wrong on the way: what each call says of them, and what the command does.

The wide table runs in this process; the rows that a user can meet as a whole run the real command
line. Every row has a real server that misbehaves.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from battery.base import errors
from tests.support import commands
from tests.support.calls import (
    CALLS,
    asking,
    assert_one_message,
    failing,
    run_battery,
    run_here,
    run_words,
    write_asked,
)
from tests.support.impatience import impatient
from tests.support.misbehaving import (
    SSE,
    Deaf,
    Exchange,
    Script,
    Server,
    closing,
    deserted_port,
    http,
    repeating,
    sending,
    sse,
    sse_head,
    stalling,
)

pytestmark = pytest.mark.slow

HALF = b'{"status": "ok", "iterations": '
SHOWN = {
    "respond": "respond for 'fill: Welder': ",
    "distill": "distill: ",
    "chat": "chat for the overseer with model 'large-1': ",
}


def resetting(exchange: Exchange) -> None:
    exchange.send(http(HALF, length=1000))
    exchange.reset()


PAGE = http("<html>\x1b[2Jlogin</html>", kind="text/html")
CHUNKED = f"HTTP/1.1 200 OK\r\ncontent-type: {SSE}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
FAILURES: list[tuple[type[errors.CallError], Script, tuple[str, ...]]] = [
    (errors.AnswerError, sending(PAGE), ("type text/html", r"<html>\x1b[2Jlogin", "does this")),
    (
        errors.StatusError,
        sending(http("no such", status="404 Gone")),
        ("HTTP 404: no such", "base"),
    ),
    (errors.StatusError, sending(http(status="401 No")), ("HTTP 401: (empty)", "GATEWAY_TOKEN")),
    (errors.StatusError, sending(http(status="403 No")), ("HTTP 403", "--header")),
    (errors.StatusError, sending(http("busy", status="503 Busy")), ("HTTP 503: busy", "log")),
    (
        errors.StatusError,
        sending(http(status="307 Moved", headers=["location: https://new.example/"])),
        ("HTTP 307 (to https://new.example/)", "redirects are not followed"),
    ),
    (
        errors.StatusError,
        sending(
            http(status="302 Moved", headers=["location: http://eve:pass1word@new.example/a@b"])
        ),
        ("HTTP 302 (to http://new.example/a@b)", "redirects are not followed"),
    ),
    (errors.StatusError, sending(http(status="304 Same")), ("HTTP 304: (empty)", "log")),
    (errors.BrokenAnswerError, closing(), ("Server disconnected without", "log")),
    (errors.BrokenAnswerError, closing(http(HALF, kind=SSE, length=99)), ("broke: ",)),
    (errors.BrokenAnswerError, closing(CHUNKED + b"4\r\ndata\r\nff\r\nhalf"), ("broke: ",)),
    (errors.BrokenAnswerError, closing(CHUNKED + b"zz\r\n"), ("broke: ",)),
    (errors.BrokenAnswerError, resetting, ("broke: Connection reset by peer",)),
    (
        errors.BrokenAnswerError,
        closing(b"SSH-2.0-OpenSSH\r\n\r\n"),
        ("broke: illegal status line",),
    ),
    (errors.BrokenAnswerError, closing(b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000), ("broke: ",)),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("kind", "script", "words"), FAILURES, ids=[f"{k.__name__}-{w[0]}" for k, _, w in FAILURES]
)
def test_a_wrong_answer_names_call_url_cause_and_next_step(
    call: str, kind: type[errors.CallError], script: Script, words: tuple[str, ...]
) -> None:
    said = failing(kind, call, script)
    for word in words:
        assert word in said


@pytest.mark.parametrize("call", CALLS)
def test_an_error_shows_the_first_500_characters_of_its_body(call: str) -> None:
    body = "é" * 500 + "behind" * 100_000
    said = failing(errors.StatusError, call, sending(http(body, status="500 Oops")))
    assert f"HTTP 500: {'é' * 500} |" in said


@pytest.mark.parametrize("call", ["respond", "chat"])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "(empty)"),
        (b'{"status": "ok", "iter', '{"status": "ok", "iter'),
        (b"{'status': 'ok'}", "line 1 column 2"),
    ],
    ids=["empty", "truncated", "quotes"],
)
def test_a_body_that_is_not_json_is_shown(call: str, body: bytes, words: str) -> None:
    said = failing(errors.AnswerError, call, sending(http(body)))
    assert "is not JSON" in said
    assert "does this URL" in said
    assert words in said


@pytest.mark.parametrize("call", ["respond", "chat"])
@pytest.mark.parametrize(
    ("body", "words", "step"),
    [
        (b'{"status": "\xff"}', "not UTF-8: byte 12 is 0xff; content-type", "use UTF-8"),
        (b'{"status": NaN}', "status is NaN, which is not JSON: ", "leave such a number out"),
        (b'{"more": [%b]}' % (b"1" * 5000), "or an integer of over 4,300 digits", "such a number"),
        (b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}", "nested deeper than 200 levels", "deeply"),
        (b"[" * 100_000, "depth limit", "deeply"),
    ],
    ids=["bytes", "nan", "digits", "deep", "bottomless"],
)
def test_json_that_cannot_be_kept_is_not_blamed_on_the_url(
    call: str, body: bytes, words: str, step: str
) -> None:
    said = failing(errors.AnswerError, call, sending(http(body)))
    assert "cannot be read (" in said
    assert "does this URL" not in said
    assert words in said
    assert step in said


@pytest.mark.parametrize(
    ("call", "script", "words"),
    [
        *((call, stalling(), "no answer from") for call in CALLS),
        ("chat", stalling(b"HTTP/1.1 200 OK\r\ncontent-ty"), "no answer from"),
        *((c, stalling(http(HALF, kind=SSE, length=99)), "was not complete") for c in CALLS),
        ("chat", stalling(http("oh", status="500 Oops", length=99)), "was not complete"),
        ("respond", repeating(CHUNKED, b"1\r\n \r\n", pause_s=0.01), "was not complete"),
        ("chat", repeating(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 99, pause_s=0), "no answer"),
        ("distill", repeating(sse_head(), sse({"text": "busy"}), pause_s=0.01), "not complete"),
        ("distill", repeating(sse_head(), b": ping\n\n", pause_s=0.01), "was not complete"),
    ],
)
def test_a_call_that_takes_too_long_is_given_up(call: str, script: Script, words: str) -> None:
    said = failing(errors.CallTimeoutError, call, script)
    assert words in said
    assert "within 60 s" in said
    assert "--respond-timeout, --meta-timeout" in said


@pytest.mark.parametrize("call", CALLS)
def test_a_host_that_does_not_accept_is_given_up_early(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("target.caller", "base.network"):
        monkeypatch.setattr(f"battery.{module}.CONNECT_TIMEOUT_S", 0.2)
    with Deaf() as server, pytest.raises(errors.UnreachableError) as caught:
        asking(server.url, call)
    assert f"no connection to {server.url}/" in caught.value.message
    assert "within 0.2 s" in caught.value.message
    assert "is it up?" in str(caught.value.hint)


@pytest.mark.parametrize("call", CALLS)
def test_a_port_where_nobody_listens_is_named(call: str) -> None:
    port = deserted_port()
    with pytest.raises(errors.UnreachableError, match=f"cannot connect to .*:{port}/") as caught:
        asking(f"http://127.0.0.1:{port}", call)
    assert "is it running" in str(caught.value.hint)


@pytest.mark.parametrize("call", CALLS)
def test_tls_to_a_server_that_speaks_none_is_no_connection(call: str) -> None:
    with (
        Server() as server,
        pytest.raises(errors.UnreachableError, match="cannot connect to https"),
    ):
        asking(server.url.replace("http:", "https:"), call)


@pytest.mark.parametrize("call", CALLS)
def test_a_compressed_answer_that_nobody_asked_for_is_refused(call: str) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    script = sending(http(bomb, kind=SSE, headers=["content-encoding: gzip"]))
    said = failing(errors.AnswerError, call, script)
    assert "content-encoding gzip" in said


@pytest.mark.parametrize("call", CALLS)
def test_the_body_of_an_error_is_not_unpacked_either(call: str) -> None:
    bomb = gzip.compress(gzip.compress(gzip.compress(bytes(10_000_000))))
    headers = ["content-encoding: gzip, gzip, gzip"]
    script = sending(http(bomb, status="502 Bad Gateway", headers=headers))
    said = failing(errors.StatusError, call, script)
    assert (
        "HTTP 502: (a body with content-encoding gzip, gzip, gzip, which is not unpacked)" in said
    )


@pytest.mark.parametrize("call", CALLS)
def test_an_answer_without_end_is_broken_off(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("battery.protocol.limits.MAX_ANSWER_BYTES", 2**20)
    script = repeating(sse_head(), b": padding\n" * 5000, pause_s=0)
    assert "the answer" in failing(errors.BrokenAnswerError, call, script)


@pytest.mark.parametrize(
    ("call", "script"),
    [
        ("respond", sending(http(b"[" + b"{}," * 40 + b"7]"))),
        ("chat", sending(http(b'{"a":[' + b"[1,2]," * 20 + b"null]}"))),
        ("distill", closing(sse_head(), sse({"role": "worker", "text": "busy"}) * 40)),
    ],
)
def test_an_answer_of_very_many_values_is_not_parsed(
    call: str, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("battery.protocol.limits.MAX_ANSWER_VALUES", 60)
    said = failing(errors.BrokenAnswerError, call, script)
    assert "has more than 60 values (about " in said
    assert "let the gateway leave files and long logs out of its answer" in said


# The whole command


HTML = sending(http("<html>login</html>", kind="text/html"))
LONG = sending(http("busy " * 1000, status="500 Oops"))
COMMAND_ROWS = {
    "page": (HTML, ("text/html", "<html>login</html>", "does this URL belong to")),
    "status": (LONG, ("answered HTTP 500: busy busy", "gateway's log", "battery run --resume")),
    "token": (sending(http(status="401 No")), ("HTTP 401", "GATEWAY_TOKEN")),
    "broken": (closing(http(HALF, kind=SSE, length=99)), ("the connection to", "broke: ")),
    "silent": (stalling(), ("no answer from", "within 60 s", "-timeout")),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("script", "words"), COMMAND_ROWS.values(), ids=COMMAND_ROWS)
def test_the_command_says_once_what_failed_and_asks_nothing_twice(
    tmp_path: Path, call: str, script: Script, words: tuple[str, ...]
) -> None:
    limits = ("--respond-timeout", 60, "--meta-timeout", 60)
    with Server(**{call: script}) as server, impatient(server):
        done = run_here(tmp_path, server.url, *limits)
        assert_one_message(done, 1, f"error: {SHOWN[call]}", server.url, *words)
    assert server.calls == list(CALLS[: CALLS.index(call) + 1])


def test_a_failed_call_leaves_what_finished_for_a_resume(tmp_path: Path) -> None:
    with Server(chat=LONG) as server:
        run_here(tmp_path, server.url)
    with Server() as healed:
        done = run_here(tmp_path, healed.url, "--resume")
    assert done.returncode == 0
    assert healed.calls == ["chat", "chat"]


def test_with_json_an_error_is_the_one_document_on_standard_output(tmp_path: Path) -> None:
    with Server(distill=HTML) as server:
        done = run_here(tmp_path, server.url, "--json")
    said = json.loads(done.stdout)
    assert (done.returncode, said["exit_code"], said["error"]["kind"]) == (1, 1, "AnswerError")
    assert said["error"]["message"].startswith("distill: ")
    assert said["error"]["hint"]


def test_with_debug_the_stack_is_shown_as_well(tmp_path: Path) -> None:
    with Server(respond=LONG) as server:
        done = run_here(tmp_path, server.url, "--debug")
    assert "Traceback" in done.stderr
    assert "error: respond for" in done.stderr


def test_nobody_listening_is_one_message(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{deserted_port()}"
    done = run_here(tmp_path, url)
    assert_one_message(done, 1, f"the target is not there: cannot connect to {url}/", "start it")


def test_a_host_without_an_address_is_one_message(tmp_path: Path) -> None:
    once = {"RES_OPTIONS": "attempts:1 timeout:1"}
    done = run_battery(tmp_path, "http://gateway.invalid", env=once)
    assert_one_message(done, 1, "cannot connect to http://gateway.invalid/", "--target")


def test_a_host_that_does_not_accept_is_one_message(tmp_path: Path) -> None:
    with Deaf() as server:
        done = run_here(tmp_path, server.url, "--respond-timeout", 0.5)
    assert_one_message(done, 1, f"no answer from {server.url}/v1/respond within 0.5 s")


def test_a_stream_that_never_ends_ends_by_the_meta_timeout(tmp_path: Path) -> None:
    trickle = repeating(sse_head(), sse({"role": "worker", "text": "busy"}), pause_s=0.01)
    with Server(distill=trickle) as server, impatient(server):
        done = run_here(tmp_path, server.url, "--meta-timeout", 60)
    assert_one_message(done, 1, "distill: the answer was not complete", "within 60 s")
    assert "worker: busy" in done.stderr


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with Server() as elsewhere:
        moved = http(status="308 Moved", headers=[f"location: {elsewhere.url}/v1/respond"])
        with Server(respond=sending(moved)) as server:
            done = run_here(tmp_path, server.url)
    assert_one_message(done, 1, f"HTTP 308 (to {elsewhere.url}/v1/respond)", "not followed")
    assert elsewhere.connections == 0


def test_broken_events_are_a_warning_and_no_error(tmp_path: Path) -> None:
    script = closing(sse_head(), b"data: oops\n\n", sse({"role": "final", "text": "learned"}))
    with Server(distill=script) as server:
        done = run_here(tmp_path, server.url)
    assert done.returncode == 0
    assert "warning: iteration 1: left out 1 distill event: not JSON" in done.stderr
    distilled = tmp_path / "data" / "iter_1" / "distill_output.txt"
    assert distilled.read_text(encoding="utf-8") == "learned"


def test_of_very_many_events_not_each_is_told(tmp_path: Path) -> None:
    events = [{"role": "writer", "text": f"token {number}."} for number in range(1, 502)]
    with Server(
        distill=closing(sse_head(), sse(*events, {"role": "final", "text": "x"}))
    ) as server:
        done = run_here(tmp_path, server.url)
    numbers = re.findall(r"writer: token (\d+)\.", done.stderr)
    assert numbers == [*map(str, range(1, 101)), "200", "300", "400", "500"]
    kept = tmp_path / "data" / "iter_1" / "distill_events.jsonl"
    assert len(kept.read_text(encoding="utf-8").splitlines()) == 502


def test_a_failed_distillation_is_a_warning_and_nothing_learned(tmp_path: Path) -> None:
    busy = b'event: error\ndata: {"error": {"message": "all models are busy"}}\n\n'
    with Server(distill=closing(sse_head(), busy)) as server:
        done = run_here(tmp_path, server.url, "--quiet")
        folder = tmp_path / "data"
        again = run_here(tmp_path, server.url, "--resume", "-n", 2, "--quiet")
    assert (done.returncode, again.returncode) == (0, 0)
    words = "iteration 1: the distillation failed, so nothing counts as learned from it: "
    assert f"warning: {words}all models are busy" in done.stderr
    text = (folder / "iter_1" / "distill_output.txt").read_text(encoding="utf-8")
    assert text == "The distillation failed: all models are busy"
    journal = (folder / "iter_1" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    (line,) = (json.loads(line) for line in journal if '"call":"distill"' in line)
    assert line["failed"] is True
    summary = commands.read_json(folder / "summary.json")
    # The second iteration says the same, and a summary says it once.
    twice = words.replace("iteration 1:", "iterations 1 and 2:")
    assert f"{twice}all models are busy" in summary["warnings"]


def test_unknown_keys_of_an_answer_reach_the_artifact_as_they_came(tmp_path: Path) -> None:
    answer = {"status": "ok", "seed": 2**80 + 1, "é": [{"deep": [None, 1.5, ""]}], "a": 0}
    with Server(respond=sending(http(json.dumps(answer)))) as server:
        assert run_here(tmp_path, server.url).returncode == 0
    (run,) = commands.read_json(tmp_path / "data" / "iter_1" / "runs.json")
    assert run["result"].pop("_elapsed_ms") >= 0
    assert run["result"] == answer
    assert list(run["result"]) == list(answer)


def test_an_answer_of_200_megabytes_is_broken_off_in_bounded_memory(tmp_path: Path) -> None:
    size = 200 * 2**20
    head = http('{"status": "ok", "log": [], "artifact": "', length=size)
    flood = repeating(head, b"x" * 2**20, pause_s=0, times=200)
    write_asked(tmp_path)
    with Server(respond=flood) as server:
        done, peak_mib = measured(*run_words(tmp_path, server.url), cwd=tmp_path)
    words = ("is larger than 16 MiB (at least 200.0 MiB)", "up to 16 MiB and 500,000 values")
    assert_one_message(done, 1, "respond for", server.url, *words)
    assert peak_mib < 180


#: A small process in between: a child's peak counts from its parent's, and tests are large.
WATCHER = """
import pathlib, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
pathlib.Path(sys.argv[1]).write_text(str(peak))
sys.exit(code)
"""


def measured(*arguments: object, cwd: Path) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run a command and tell its own peak memory in MiB."""
    peak = cwd / "peak"
    done = subprocess.run(
        [sys.executable, "-c", WATCHER, str(peak), *commands.words(*arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=commands.environment(),
    )
    return done, int(peak.read_text()) / (2**20 if sys.platform == "darwin" else 2**10)
