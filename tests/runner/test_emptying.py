"""`--prepare` empties memories once, before anything is asked, and never after."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import commands
from tests.support.arms import serving_pair
from tests.support.calls import assert_one_message, command_here
from tests.support.commands import read_json, write_tasks
from tests.support.gateway import serving

pytestmark = pytest.mark.slow

LOG = 'echo "$BATTERY_ARM $GATEWAY_URL ${BATTERY_MEMORY#$PWD/}" >> log.txt'


@pytest.fixture
def here(tmp_path: Path) -> Path:
    write_tasks(tmp_path / "tasks.json", 1)
    return tmp_path


def run(here: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return command_here("run", "-n", 1, *words, cwd=here)


def log(here: Path) -> list[str]:
    return (here / "log.txt").read_text().splitlines()


def test_it_runs_once_per_arm_with_the_address_of_that_arm(here: Path) -> None:
    with serving_pair() as pair:
        done = run(here, *pair.options(), "--prepare", LOG)
        assert done.returncode == 0, done.stderr
        assert log(here) == [f"learn {pair.learn.url} ", f"frozen {pair.frozen.url} "]
        assert f"note: preparing the twin: {LOG}" in done.stderr
        options = read_json(here / "data/battery/battery.json")["options"]
        assert options["prepare"] == LOG
        # More of the same battery: its memory holds what was paid for.
        assert command_here("run", "--resume", "-n", 2, cwd=here).returncode == 0
        assert command_here("iterate", cwd=here).returncode == 0
        assert len(log(here)) == 2
        # Whoever empties the memory need not be told that it may be full.
        assert "asked these tasks before" not in run(here, *pair.options(), "--prepare", LOG).stderr


def test_where_battery_keeps_the_memory_it_gets_the_folder(here: Path) -> None:
    done = run(here, "--prepare", LOG)
    assert done.returncode == 0, done.stderr
    assert log(here) == [f"{arm}  data/battery/gateway/{arm}" for arm in ("learn", "frozen")]
    assert run(here, "--prepare", LOG, "--dry-run", "--dir", "dry").returncode == 0
    assert len(log(here)) == 2


def test_a_failure_stops_the_run_with_its_last_lines_before_anything_is_asked(here: Path) -> None:
    failing = f"{LOG}; seq 1000; echo 'the store is locked' >&2; exit 7"
    with serving() as gateway:
        words = ["--gateway", gateway.url, "--llm-team", gateway.url]
        done = run(here, *words, "--prepare", failing)
        said = "--prepare failed for the learner with exit code 7: 997 | 998 | 999 "
        assert_one_message(done, 1, said, "no task was sent yet", "battery run --resume")
        assert gateway.requests == []
        # The command is kept, and corrected by naming another one.
        again = command_here("run", "--resume", cwd=here)
        assert "exit code 7" in again.stderr
        assert command_here("run", "--resume", "--prepare", LOG, cwd=here).returncode == 0
        assert len(log(here)) == 3


def test_what_it_leaves_running_is_not_waited_for(here: Path) -> None:
    left = "sleep 600 & echo $! > pid.txt"
    assert run(here, "--no-control", "--prepare", left).returncode == 0
    commands_left = (here / "pid.txt").read_text().strip()
    subprocess.run(["kill", commands_left], check=True)


def members(group: int) -> list[int]:
    """List the processes of a group that stay; one that waits to be buried does not."""
    # A process that was killed needs a moment to end.
    for _ in range(250):
        found = list(at_work_in(group))
        if not found:
            break
        time.sleep(0.02)
    return found


def at_work_in(group: int) -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group, *_ = path.read_text().rpartition(")")[2].split()
            if state != "Z" and int(its_group) == group:
                yield int(path.parent.name)


# Killed itself, battery leaves it to a guard, which may need a moment.
@pytest.mark.parametrize(
    ("sent", "code", "state"),
    [
        (signal.SIGTERM, 130, "interrupted"),
        (signal.SIGKILL, -signal.SIGKILL, "running"),
    ],
)
def test_a_signal_ends_the_command_and_everything_it_started(
    here: Path, sent: signal.Signals, code: int, state: str
) -> None:
    process = commands.start(
        *("run", "--no-control", "--prepare", "echo $$ > pid.txt; sleep 600 | cat"), cwd=here
    )
    assert process.stderr
    for line in process.stderr:
        if "preparing" in line:
            break
    while not (here / "pid.txt").exists() or not (here / "pid.txt").read_text():
        pass
    process.send_signal(sent)
    process.communicate()
    assert process.returncode == code
    group = int((here / "pid.txt").read_text())
    assert not members(group)
    assert read_json(here / "data/battery/battery.json")["state"] == state
