"""The entry point: help, usage errors, exit codes, streams that break."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import pytest

from battery.cli.table import SUMMARIES
from tests.support.calls import assert_one_message
from tests.support.calls import command_here as battery
from tests.support.commands import environment, start
from tests.support.screens import Terminal

pytestmark = pytest.mark.slow

#: Commands that are about a battery, where there is none.
NOWHERE = (
    *("watch", "watch --once", "summarize", "report", "open", "export inspect", "history"),
    *("iterate", "run --resume", "grade", "review", "power --from ."),
    *("compare --last", "compare data other"),
)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "--gateway", "localhost:3100"], "must start with http"),
        (["run", "-n", "0"], "greater than or equal to 1"),
        (["run", "--nonsense"], "--nonsense"),
        (["run", "--header", "no colon"], "not of the form 'Name: value'"),
        (["review", "--only", "both"], "both"),
        (["nonsense"], "nonsense"),
        (["gateway", "--port", "99999999"], "65535"),
    ],
)
def test_a_usage_error_is_one_message_a_next_step_and_exit_2(
    words: list[str], says: str, tmp_path: Path
) -> None:
    done = battery(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert says in error
    assert hint.startswith(" next: ")
    assert not (tmp_path / "data" / "battery" / "battery.json").exists()


@pytest.mark.parametrize("words", NOWHERE)
def test_where_there_is_no_battery_every_command_says_so_alike(words: str, tmp_path: Path) -> None:
    done = battery(*words.split(), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    error, hint = done.stderr.splitlines()
    assert re.fullmatch(r"error: there is no battery in (data|\.)[/a-z ]*: [a-zN_ ./]+", error)
    assert "name the folder of one" in hint
    assert "battery run" in hint
    assert not any(tmp_path.iterdir())


def test_with_json_an_error_is_the_one_document(tmp_path: Path) -> None:
    done = battery("summarize", "--json", cwd=tmp_path)
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert document["exit_code"] == 2
    assert "there is no battery in" in document["error"]["message"]


def test_debug_shows_the_stack_and_nothing_else_does(tmp_path: Path) -> None:
    assert "Traceback" not in battery("summarize", cwd=tmp_path).stderr
    shown = battery("summarize", "--debug", cwd=tmp_path).stderr
    assert "Traceback" in shown
    assert "runner/summarize.py" in shown


#: What a socket says whose other end is gone, all the time that calls are made.
LOGGING = """
import logging, pathlib, sys, threading, time
from battery.cli.main import main
def log():
    while True:
        time.sleep(0.01)
        if pathlib.Path("b/iter_1").exists():
            logging.getLogger("asyncio").warning("socket.send() raised exception.")
threading.Thread(target=log, daemon=True).start()
main(sys.argv[1:])
"""


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_what_libraries_log_is_not_written_into_the_live_view(
    debug: list[str], tmp_path: Path
) -> None:
    words = ["run", "-n", "2", "--limit", "1", "--dir", "b", *debug]
    with Terminal(sys.executable, "-c", LOGGING, *words, cwd=tmp_path) as terminal:
        assert terminal.end() == 0
        lines = terminal.screen.everything
    logged = [at for at, line in enumerate(lines) if "socket.send()" in line]
    assert bool(logged) == bool(debug)
    assert not any(line.startswith("iteration ") for line in lines)
    # After all that the command has to say.
    assert logged == list(range(len(lines) - len(logged), len(lines)))


def shell(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, env=environment()
    )


def test_a_result_that_cannot_be_printed_is_one_message(folder: Path) -> None:
    done = shell(f"{sys.executable} -m battery summarize {folder} --json >/dev/full")
    assert done.returncode == 1
    assert "error: cannot write the output: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_system_error_that_is_not_about_the_output_does_not_speak_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr("battery.runner.summarize.open_battery", refuse)
    done = battery("summarize", tmp_path, cwd=tmp_path)
    assert done.returncode == 1
    assert "the system refused to read or write: [Errno 24] Too many open files" in done.stderr
    assert "ulimit -n" in done.stderr


@pytest.mark.parametrize("certificates", ["nothing there", "no certificates", "a folder"])
@pytest.mark.parametrize("target", ["--gateway", "--model-url"])
def test_certificates_that_cannot_be_loaded_are_named_with_their_variable(
    target: str, certificates: str, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    if certificates == "no certificates":
        path.write_text("hello")
    elif certificates == "a folder":
        path.mkdir()
    words = ["run", "--dir", tmp_path / "b", target, "https://gateway.invalid/v1"]
    done = battery(*words, cwd=tmp_path, env={"SSL_CERT_FILE": str(path)})
    assert_one_message(done, 2, f"cannot load the certificates of SSL_CERT_FILE ({path})", "PEM")


def test_a_reader_that_leaves_early_is_no_error(folder: Path) -> None:
    reading = f"{sys.executable} -m battery summarize {folder} | head -1"
    done = shell(f"{reading}; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def without_a_shell(*arguments: str) -> list[str]:
    """Run a command whose ancestors are no shell; return its exit code, output and errors."""
    code = """\
import json, os, subprocess, sys, time
first = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == first:
    time.sleep(0.01)
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
print(json.dumps([str(done.returncode), done.stdout, done.stderr]))
"""
    orphan = subprocess.run(
        [sys.executable, "-c", code, sys.executable, "-m", "battery", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
        timeout=60,
    )
    return cast(list[str], json.loads(orphan.stdout))


@pytest.mark.parametrize(
    ("shell", "begins"),
    [("bash", "_battery_completion()"), ("zsh", "#compdef battery"), ("fish", "complete ")],
)
def test_a_named_shell_gets_its_completion_whatever_shell_runs_the_command(
    shell: str, begins: str
) -> None:
    code, script, errors = without_a_shell("--show-completion", shell)
    assert (code, errors) == ("0", "")
    assert script.startswith(begins)
    assert "_BATTERY_COMPLETE" in script


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["run", "--nonsense"], "battery run --help"),
        (["run", "--dir"], "battery run --help"),
        (["campaign", "run", "--nonsense"], "battery campaign run --help"),
        (["campaign", "run", "--on"], "battery campaign --help"),
        (["--nonsense"], "battery --help"),
    ],
)
def test_an_option_that_is_wrong_leads_to_the_help_of_its_command(
    words: list[str], names: str, tmp_path: Path
) -> None:
    done = battery(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.endswith(f" next: see `{names}`\n")


@pytest.mark.parametrize(
    ("words", "says"), [([], "requires an argument"), (["tcsh"], "not one of 'bash', 'zsh'")]
)
def test_completion_without_a_known_shell_is_one_message_and_exit_2(
    words: list[str], says: str
) -> None:
    code, script, errors = without_a_shell("--show-completion", *words)
    assert (code, script) == ("2", "")
    assert says in errors
    assert len(errors.splitlines()) == 2


def test_completion_finishes_a_command() -> None:
    words = {"COMP_WORDS": "battery su", "COMP_CWORD": "1", "_BATTERY_COMPLETE": "complete_bash"}
    code = "from battery.cli.main import main; main([])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=environment(words),
    )
    assert done.stdout.split() == ["summarize"]
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_command_the_help_is_shown() -> None:
    done = battery()
    assert done.returncode == 0
    assert done.stdout == battery("--help").stdout


def test_the_help_lists_each_command_as_its_own_help_begins() -> None:
    listed = battery("--help").stdout
    for name, summary in SUMMARIES.items():
        assert f"  {name} " in listed
        assert f"  {summary}\n" in battery(name, "--help").stdout


def test_a_misspelt_command_gets_a_suggestion() -> None:
    assert "Did you mean 'summarize'?" in battery("sumarize").stderr


@pytest.mark.parametrize("command", [*SUMMARIES, None])
def test_every_help_has_an_example_and_fits_80_columns(command: str | None) -> None:
    done = battery(*([command] if command else []), "--help")
    assert done.returncode == 0
    assert "battery run" in done.stdout or "Example" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def wait_until_handled(process: subprocess.Popen[str]) -> None:
    """Wait until battery has taken the signals over: what comes before is Python's own start."""
    bit = 1 << (signal.SIGTERM - 1)
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        if int(caught.split()[1], 16) & bit:
            return
        time.sleep(0.001)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(
    ("number", "delay"),
    list(zip(SIGNALS * 2, (0, 0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.5), strict=True)),
)
def test_a_signal_while_a_command_starts_or_works_is_one_message(
    number: signal.Signals, delay: float, folder: Path
) -> None:
    process = start("summarize", folder)
    wait_until_handled(process)
    time.sleep(delay)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in {130, 0}, errors
    if process.returncode == 130:
        first, second = errors.splitlines()
        assert first == "error: interrupted"
        assert second.startswith(" next: run the same command again")
    else:
        assert errors == ""
