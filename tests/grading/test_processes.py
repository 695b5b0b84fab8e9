"""Processes of checks are shared, and are ended with battery, whenever a signal comes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from battery.grading.processes import BrokenCheckError, Crew, Member
from tests.support.commands import alive, environment

#: Takes for ever to say that it does not match.
HOPELESS = {"do": "matches", "pattern": "(a|aa)+$", "text": "a" * 90 + "b"}

STARTS = """
import os, signal, subprocess
from battery.base import interrupts
from battery.grading.processes import Commands

class Popen(subprocess.Popen):
    def __init__(self, *words, **options):
        super().__init__(*words, **options)
        print(self.pid, flush=True)
        os.kill(os.getpid(), signal.SIGINT)

subprocess.Popen = Popen
interrupts.install()
interrupts.begin()
commands = Commands()
try:
    commands.run(["sleep", "60"], None, 60, {})
except KeyboardInterrupt:
    commands.close()
    print("interrupted")
"""


@pytest.mark.slow
def test_a_signal_that_comes_while_a_command_starts_leaves_none_behind() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTS],
        capture_output=True,
        text=True,
        env=environment(),
        check=True,
    )
    pid, said = done.stdout.split()
    assert said == "interrupted"
    assert not alive(pid)


def asked(member: Member) -> bool:
    """Have a crew answer a small question."""
    return bool(member.ask({"do": "matches", "pattern": "b", "text": "abc"}, 60))


def workers() -> set[str]:
    """List the processes of checks that this process has started, by their ids."""
    tasks = Path(f"/proc/{os.getpid()}/task")
    pids = {pid for task in tasks.iterdir() for pid in (task / "children").read_text().split()}
    return {pid for pid in pids if "grading/worker.py" in _command(pid)}


def _command(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.skipif(sys.platform != "linux", reason="lists processes by /proc")
def test_graders_share_processes_of_which_there_are_no_more_than_cores() -> None:
    before, crew = workers(), Crew()
    members = [Member(crew) for _ in range(12)]
    with ThreadPoolExecutor(len(members)) as pool:
        assert all(pool.map(asked, members))
    assert 1 <= len(workers() - before) <= (os.cpu_count() or 1)
    for member in members[:-1]:
        member.close()
    assert asked(members[-1])
    members[-1].close()
    assert workers() == before


def test_a_lone_grader_has_its_checks_run_one_after_the_other() -> None:
    member = Member(Crew())
    with ThreadPoolExecutor(3) as pool:
        stuck = [pool.submit(member.ask, HOPELESS, 60) for _ in range(3)]
        time.sleep(0.1)
        # Ends the check that is at work, and those that wait for their turn.
        member.close()
        for each in stuck:
            with pytest.raises(BrokenCheckError):
                each.result()
    with pytest.raises(BrokenCheckError, match="grading was stopped"):
        asked(member)
