"""Commands as systems: what they are given, what they may print, and what they may do wrong."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import CallError, CallTimeoutError, UsageError
from battery.protocol import limits
from battery.records.models import LEARN
from battery.system import Ask, Outcome, Verbs
from battery.target.command import CommandDriver, read
from battery.target.driver import Seat
from battery.target.kinds import kind_of
from tests.support.commands import wait_for_the_end_of

ASK = Ask(task_class="c", operation="greet", spec={"name": "Ada"}, messages=[], session="s")
OUTCOME = Outcome(ask=ASK, messages=[{"role": "assistant", "content": "hm"}], passed=False)
#: Seconds for one call, on any machine.
LIMIT_S = 60.0


@pytest.fixture
def seat(tmp_path: Path) -> Seat:
    for name in ("memory", "scratch"):
        (tmp_path / name).mkdir()
    return Seat(LEARN, tmp_path / "memory", tmp_path / "scratch", "model-1")


async def asked(driver: CommandDriver) -> Any:
    return await driver.ask(ASK, LIMIT_S)


def run(
    seat: Seat,
    script: str,
    calls: Callable[[CommandDriver], Awaitable[Any]] = asked,
    verb: str = "{verb}",
) -> Any:
    """Write a shell script and run it in the way that is asked for."""
    path = seat.memory.parent / "agent.sh"
    path.write_text(script)
    driver = CommandDriver(read(f"exec:sh {path} {verb}", {}).url, seat)

    async def talk() -> Any:
        try:
            await driver.start()
            return await calls(driver)
        finally:
            await driver.stop()

    return asyncio.run(talk())


async def learned(driver: CommandDriver) -> Any:
    events: list[Any] = []
    assert await driver.learn([OUTCOME], events.append, LIMIT_S) == events
    return events


def test_it_is_given_the_task_on_standard_input(seat: Seat) -> None:
    assert run(seat, "cat") == asdict(ASK)


def test_to_learn_it_is_given_how_the_tasks_ended(seat: Seat) -> None:
    assert run(seat, "cat", learned) == [{"outcomes": [asdict(OUTCOME)]}]


def test_it_is_told_how_a_task_ended_where_its_command_line_says_so(seat: Seat) -> None:
    script = 'cat > "$BATTERY_MEMORY/$1"'
    run(seat, script, lambda driver: driver.tell(OUTCOME, LIMIT_S), "{verb,tell}")
    assert json.loads((seat.memory / "tell").read_text()) == asdict(OUTCOME)


@pytest.mark.parametrize(
    ("verb", "verbs"),
    [
        ("", Verbs(one_turn=True)),
        ("{verb}", Verbs(learn=True, one_turn=True)),
        ("--{verb,tell}", Verbs(learn=True, tell=True, one_turn=True)),
        ("'${verb}'", Verbs(one_turn=True)),
    ],
)
def test_the_place_for_the_verb_says_which_there_are(seat: Seat, verb: str, verbs: Verbs) -> None:
    driver = CommandDriver(f"exec:agent {verb}", seat)
    assert asyncio.run(driver.start()) == verbs


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("echo; echo ' two words '; echo", "two words"),
        ('echo \'{"text": "a", "status": "failed"}\'', {"text": "a", "status": "failed"}),
        ("echo '{braces} are text'", "{braces} are text"),
        ("echo '[1]'", "[1]"),
        ("echo why >&2", ""),
        ("echo $1 $BATTERY_MODEL", "respond model-1"),
        ("exec 0<&-; echo does not read", "does not read"),
    ],
)
def test_what_it_prints_is_an_object_or_a_text(seat: Seat, script: str, answer: Any) -> None:
    assert run(seat, script) == answer


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo one; echo why >&2; echo because >&2; exit 3", "exit code 3: why / because"),
        ("exit 64", "exit code 64"),
        ("kill -9 $$", "killed by SIGKILL"),
        (r"printf '\377'", r"the answer is not UTF-8 \(byte 0 is 0xff\)"),
        ("echo '{\"x\": NaN}'", "the answer cannot be read: x is NaN"),
        ("yes", "the answer is larger than 16 MiB"),
        ("yes '{},' | tr -d '\\n'", "the answer is larger than 16 MiB"),
        ("printf '{'; yes '[],' | head -c 3000000", "the answer has more than 500,000 values"),
    ],
)
def test_what_goes_wrong_is_one_error_with_its_last_words(
    seat: Seat, script: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "larger" in why:
        monkeypatch.setattr(limits, "MAX_ANSWER_BYTES", 16 * 2**20)
    with pytest.raises(CallError, match=f"respond for 'greet' by sh .*: {why}") as raised:
        run(seat, script)
    assert raised.value.hint


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("{vreb}", "write {verb}"),
        ("--do={verb,tel}", "write {verb,tell}"),
        ("{memory}", "known are {verb} and {verb,tell}"),
    ],
)
def test_a_place_for_what_nobody_fills_in_is_refused(words: str, hint: str) -> None:
    with pytest.raises(UsageError, match="is not known") as refused:
        read(f"exec:sh {words}", {})
    assert hint in (refused.value.hint or "")


@pytest.mark.parametrize("words", ["-c 'awk {print} {verb}'", "'${vreb}'", "{}", "{VERB}"])
def test_braces_that_mean_something_else_stay(words: str) -> None:
    read(f"exec:sh {words}", {})


def test_one_that_takes_too_long_is_ended_with_all_that_it_started(seat: Seat) -> None:
    script = 'sleep 600 & echo $! > "$BATTERY_MEMORY/pid"; echo waiting >&2; wait'
    with pytest.raises(CallTimeoutError, match=r"no answer within 0.5 s: waiting"):
        run(seat, script, lambda driver: driver.ask(ASK, 0.5))
    wait_for_the_end_of((seat.memory / "pid").read_text().strip())


def test_what_it_leaves_running_is_ended(seat: Seat) -> None:
    wait_for_the_end_of(run(seat, "sleep 600 & echo $!"))


def test_each_line_of_a_learning_step_is_an_event_as_it_comes(seat: Seat) -> None:
    """The step goes on when its first event has arrived, and takes longer than its limit."""
    script = """
        echo go
        while [ ! -e "$BATTERY_MEMORY/gone" ]; do sleep 0.01; done
        for n in 1 2 3 4 5 6; do sleep 0.5; echo $n; done
        printf '{"role": "final", "text": "done"}'
    """
    gone = seat.memory / "gone"
    events = run(seat, script, lambda driver: driver.learn([], lambda _: gone.touch(), 2.5))
    assert [event["text"] for event in events] == ["go", *"123456", "done"]
    assert [event["role"] for event in events] == ["progress"] * 7 + ["final"]


def test_a_command_may_say_that_it_does_not_learn(seat: Seat) -> None:
    script = '[ "$1" = respond ] || exit 64'
    assert run(seat, script, learned)[0]["text"] == "The command has no verb `distill`."
    with pytest.raises(CallError, match=r"distill by sh .*: exit code 2: no such verb"):
        run(seat, "echo no such verb >&2; exit 2", learned)


LEAKS = ["$HOME", "$TMPDIR", ".", "$XDG_DATA_HOME", "$PWD"]


@pytest.mark.parametrize("folder", LEAKS)
def test_what_it_keeps_elsewhere_is_gone_in_the_next_run(
    seat: Seat, folder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    where = folder if folder != "$XDG_DATA_HOME" else "${XDG_DATA_HOME:-$HOME}"
    script = f'cat "{where}/note" 2> /dev/null; echo kept > "{where}/note"'

    async def twice(driver: CommandDriver) -> Any:
        return [await driver.ask(ASK, LIMIT_S) for _ in range(2)]

    assert run(seat, script, twice) == ["", ""]


def test_it_gets_the_environment_but_none_of_batterys_secrets(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_TOKEN", "secret-1")
    monkeypatch.setenv("MY_API_KEY", "mine")
    seat = replace(seat, environment={"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"})
    given = dict(line.partition("=")[::2] for line in run(seat, "env").splitlines())
    assert "GATEWAY_TOKEN" not in given
    assert (given["MY_API_KEY"], given["BATTERY_HOME"]) == ("mine", os.environ["HOME"])
    assert given["OPENAI_BASE_URL"] == "http://127.0.0.1:1/v1"
    assert given["BATTERY_MEMORY"] == str(seat.memory)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("exec:", "names no command"),
        ("exec:sh -c 'echo", "cannot be read: No closing quotation"),
        ("exec:./nowhere {verb}", "there is no command /"),
        ("exec:no-such-command", "there is no command no-such-command"),
    ],
)
def test_a_target_that_cannot_be_one_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        kind_of(text).read(text, {})


def test_a_script_that_may_not_be_executed_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("agent").touch()
    with pytest.raises(UsageError, match="agent may not be executed") as raised:
        read("exec:./agent", {})
    assert "chmod +x" in str(raised.value.hint)
    with pytest.raises(UsageError, match="no command agent") as raised:
        read("exec:agent", {})
    assert raised.value.hint == "write it with its folder: exec:./agent"


def test_a_target_is_kept_with_paths_that_hold_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("agent.py").touch()
    Path("run").touch(mode=0o755)
    kept = [read(f"exec:{text}", {}).url for text in ("sh agent.py {verb} x", "./run '{verb} a'")]
    assert kept == [f"exec:sh {tmp_path}/agent.py {{verb}} x", f"exec:{tmp_path}/run '{{verb}} a'"]
    script = f"exec:sh -c '{'echo long; ' * 100}'"
    monkeypatch.chdir("/")
    assert [read(text, {}).url for text in (*kept, script)] == [*kept, script]


def test_a_look_runs_nothing(seat: Seat) -> None:
    path = seat.memory.parent / "agent.sh"
    path.write_text("#!/bin/sh\ntouch $BATTERY_MEMORY/ran")
    path.chmod(0o755)
    driver = CommandDriver(f"exec:{path} {{verb}}", seat)
    assert asyncio.run(driver.look()).ok
    assert list(seat.memory.iterdir()) == []
