"""A run that a signal stops, a terminal leaves or somebody suspends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.arms import journal
from tests.support.commands import battery, environment, read_json, run_options, start, words
from tests.support.gateway import Blocking, Gateway
from tests.support.screens import at_terminal

pytestmark = pytest.mark.slow


@pytest.fixture
def options(gateway: Gateway, tmp_path: Path) -> list[object]:
    return run_options(tmp_path, gateway.url, per_phase=1, iterations=1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_each_signal_leaves_an_interrupted_battery_and_the_way_to_go_on(
    number: signal.Signals, gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    hold = Blocking(gateway, 1)
    process = start(*options)
    assert hold.reached.wait(60)
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    hold.release.set()
    assert process.returncode == 130, errors
    assert out == ""
    assert "error: interrupted" in errors
    assert "--resume" in errors
    assert "Traceback" not in errors
    assert read_json(tmp_path / "b" / "battery.json")["state"] == "interrupted"
    assert not (tmp_path / "b" / ".reserve").exists()
    assert len(journal(tmp_path / "b")) == 1


@pytest.mark.parametrize("gap", [0, 0.001])
def test_however_often_it_comes_the_folder_says_interrupted(
    gap: float, gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    hold = Blocking(gateway, 1)
    process = start(*options)
    assert hold.reached.wait(60)
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(gap)
    _, errors = process.communicate(timeout=60)
    hold.release.set()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors
    assert read_json(tmp_path / "b" / "battery.json")["state"] == "interrupted"
    assert not (tmp_path / "b" / ".reserve").exists()


def test_under_nohup_a_run_outlives_the_terminal(
    gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    hold = Blocking(gateway, 1)
    process = subprocess.Popen(
        ["nohup", *words(*options)], stderr=subprocess.PIPE, text=True, env=environment()
    )
    assert hold.reached.wait(60)
    process.send_signal(signal.SIGHUP)
    hold.release.set()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert read_json(tmp_path / "b" / "battery.json")["state"] == "finished"


@pytest.mark.parametrize("ignored", [False, True], ids=["hangs up", "ignored, as by nohup"])
def test_a_terminal_that_is_closed(
    ignored: bool, gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    """It hangs up, which stops the run; where that is ignored, the run goes on without a view."""
    hold = Blocking(gateway, 1)
    with at_terminal(*options, cwd=tmp_path, hangup_ignored=ignored) as terminal:
        assert hold.reached.wait(60)
        terminal.wait_for("tokens: learner")
        terminal.close()
        if ignored:
            hold.release.set()
        code = terminal.process.wait(60)
        hold.release.set()
    state = read_json(tmp_path / "b" / "battery.json")["state"]
    assert (code, state) == ((0, "finished") if ignored else (130, "interrupted"))
    if not ignored:
        kept = journal(tmp_path / "b")
        assert kept
        assert battery(*options, "--resume").returncode == 0
        assert journal(tmp_path / "b")[: len(kept)] == kept


@pytest.mark.parametrize("keys", ["\x03", "\x1c"], ids=["Ctrl-C", "Ctrl-backslash"])
def test_what_is_typed_at_the_live_view_leaves_a_clean_terminal(
    keys: str, gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    hold = Blocking(gateway, 1)
    with at_terminal(*options, cwd=tmp_path) as terminal:
        assert hold.reached.wait(60)
        terminal.wait_for("tokens: learner")
        terminal.type(keys)
        code = terminal.end()
        hold.release.set()
        assert code == 130
        assert terminal.screen.cursor_shown
        assert "Traceback" not in terminal.text
        terminal.wait_for("error: interrupted; everything that finished is on disk")


def test_a_run_that_is_stopped_and_goes_on_counts_only_the_time_that_it_was_there(
    gateway: Gateway, options: list[object], tmp_path: Path
) -> None:
    """The answer comes while nobody can look, later than the timeout."""
    hold = Blocking(gateway, 1)
    process = start(*options, "--respond-timeout", 2)
    assert hold.reached.wait(60)
    os.kill(process.pid, signal.SIGSTOP)
    hold.release.set()
    time.sleep(3)
    os.kill(process.pid, signal.SIGCONT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "note: this process was stopped for " in errors
    assert all(line["result"]["_elapsed_ms"] < 2000 for line in journal(tmp_path / "b")[:3])
