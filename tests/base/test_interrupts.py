"""Signals: all alike, at any moment, without a traceback."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from battery.base import interrupts
from tests.support.commands import environment

pytestmark = pytest.mark.slow

ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def program(code: str) -> subprocess.Popen[str]:
    """Start a program that has battery's signals and says when it is ready for one."""
    return subprocess.Popen(
        [sys.executable, "-c", f"from battery.base import interrupts\n{code}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


WORKS = """
import time
interrupts.install()
interrupts.begin()
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("closing", flush=True)
    for _ in range({closing}):
        time.sleep(0.01)
    print("closed", flush=True)
"""


def test_a_second_signal_does_not_spoil_the_closing() -> None:
    process = program(WORKS.format(closing=50))
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "closing\n"
    for number in ALL:
        process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert (out, errors, process.returncode) == ("closed\n", "", 0)


def test_closing_that_takes_too_long_can_be_left() -> None:
    process = program(f"interrupts.PATIENCE_S = 0.1\n{WORKS.format(closing=6000)}")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "closing\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (errors, process.returncode) == ("", interrupts.EXIT_CODE)


def test_signals_that_keep_coming_do_not_cut_a_closing_short() -> None:
    works = WORKS.format(closing=100) + "interrupts.over()\n"
    process = program(f"interrupts.PATIENCE_S = 0.5\n{works}")
    assert process.stdout is not None
    process.stdout.readline()
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.001)
    out, errors = process.communicate(timeout=60)
    assert (out, errors, process.returncode) == ("closing\nclosed\n", "", 0)


def test_what_the_parent_ignores_stays_ignored_but_ctrl_c() -> None:
    process = program(
        "import signal\n"
        "for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGINT):\n"
        "    signal.signal(number, signal.SIG_IGN)\n" + WORKS.format(closing=1)
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGQUIT)
    time.sleep(0.1)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert (out, errors) == ("closing\nclosed\n", "")


def test_an_interrupt_that_a_destructor_swallows_comes_again() -> None:
    process = program("""
import os, signal, time
interrupts.install()
interrupts.begin()
class Held:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.001)
try:
    Held()
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
""")
    out, errors = process.communicate(timeout=60)
    assert (out, errors) == ("interrupted\n", "")


AS_BEGINS = """
import collections, functools, operator, signal, time
interrupts.install()
{before}
# A signal that comes during the sum is pending when the function begins: all is called from C.
steps = [
    functools.partial(signal.setitimer, signal.ITIMER_REAL, 0.000001),
    functools.partial(sum, range(1_000_000)),
    interrupts.{function},
]
try:
    collections.deque(map(operator.call, steps), maxlen=0)
    time.sleep({pause})
    print("ended")
except KeyboardInterrupt:
    print("interrupted")
"""


def test_a_signal_that_comes_as_the_closing_begins_does_not_spoil_it() -> None:
    process = program(AS_BEGINS.format(before="interrupts.begin()", function="closing", pause=0.02))
    assert process.communicate(timeout=60) == ("ended\n", "")


def test_a_signal_that_comes_as_the_work_begins_interrupts_it() -> None:
    process = program(AS_BEGINS.format(before="", function="begin", pause=60))
    assert process.communicate(timeout=60) == ("interrupted\n", "")


def test_held_back_a_signal_is_heeded_after_the_block() -> None:
    process = program("""
import os, signal
interrupts.install()
interrupts.begin()
try:
    with interrupts.held_back():
        os.kill(os.getpid(), signal.SIGHUP)
        print("held")
    print("not reached")
except KeyboardInterrupt:
    print("interrupted")
""")
    out, errors = process.communicate(timeout=60)
    assert (out, errors) == ("held\ninterrupted\n", "")


def test_where_memory_is_limited_the_system_ends_a_start_that_hangs() -> None:
    process = program("""
import resource, signal
resource.setrlimit(resource.RLIMIT_AS, (2**40, resource.RLIM_INFINITY))
signal.signal(signal.SIGINT, signal.SIG_IGN)
interrupts.install()
print("ready", flush=True)
# As long as this takes, in C code, no handler of Python is called.
sum(range(10**12))
""")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (errors, process.returncode) == ("", -signal.SIGINT)


def test_where_memory_is_limited_a_command_that_works_is_interrupted_as_elsewhere() -> None:
    limited = "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**40, -1))\n"
    process = program(limited + WORKS.format(closing=1))
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=60)
    assert (out, errors) == ("closing\nclosed\n", "")


@pytest.mark.parametrize(("words", "traceback"), [("", False), (" --debug", True)])
def test_an_error_that_nobody_caught_is_one_message(words: str, traceback: bool) -> None:
    process = program(f"""
import sys
sys.argv = "battery{words}".split()
interrupts.install()
raise MemoryError
""")
    _, errors = process.communicate(timeout=60)
    assert ("Traceback" in errors) == traceback
    assert errors.endswith("error: internal error: MemoryError\n next: run it with --debug\n")
    assert process.returncode == 1


def test_a_signal_that_comes_as_signals_begin_to_be_ignored_is_not_reported() -> None:
    """The interpreter says so where nobody could catch it, as it says what a destructor raises."""
    code = """
interrupts.install()
class Raises:
    def __init__(self, text): self.text = text
    def __del__(self): raise OSError(self.text)
Raises("Signal 2 ignored due to race condition")
print("ready", flush=True)
Raises("another fault")
"""
    process = program(code)
    _, errors = process.communicate(timeout=60)
    assert "race condition" not in errors
    assert "another fault" in errors
