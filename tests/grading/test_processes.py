"""Processes of checks are ended with battery, at whatever moment a signal comes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.commands import alive, environment

pytestmark = pytest.mark.slow

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
