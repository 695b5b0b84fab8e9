"""Asynchronous work that signals cancel, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.commands import environment

pytestmark = pytest.mark.slow

PROGRAM = """
import asyncio, os, signal, sys, time
from battery.base import interrupts, loop
def send():
    os.kill(os.getpid(), signal.SIGTERM)
async def work():
    try:
        {work}
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        {closing}
        raise
interrupts.install()
interrupts.begin()
try:
    print(loop.run(work))
except KeyboardInterrupt:
    print("interrupted", flush=True)
{end}
"""


def outcome(work: str, closing: str = "pass", end: str = "") -> list[str]:
    """Run a program to its end; return what it printed."""
    # Under the name of a module of battery: only battery's own computing is broken off.
    code = f"__name__ = 'battery.trial'\n{PROGRAM.format(work=work, closing=closing, end=end)}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_work_that_nothing_interrupts_returns_what_it_found() -> None:
    assert outcome("return 7") == ["7"]


def test_a_signal_cancels_work_that_waits() -> None:
    assert outcome("send(); await asyncio.sleep(60)") == ["cancelled", "interrupted"]


@pytest.mark.parametrize("signals", [1, 2, 20], ids=["one", "two", "a burst"])
def test_what_is_being_computed_gets_to_its_end_first(signals: int) -> None:
    sent = "send(); " * signals
    computed = outcome(f"{sent}time.sleep(0.05); print('kept'); await asyncio.sleep(60)")
    assert computed == ["kept", "cancelled", "interrupted"]


LONG = "send(); send(); time.sleep(60)"
#: Long enough to be broken off, and no endless wait where it is not.
NOT_SO_LONG = "send(); send(); time.sleep(0.7)"


def test_a_second_signal_breaks_off_what_takes_long() -> None:
    assert outcome(f"with loop.breakable(): {LONG}") == ["cancelled", "interrupted"]


def test_it_breaks_off_nothing_where_that_was_not_said() -> None:
    unbroken = outcome(f"{NOT_SO_LONG}; print('kept'); await asyncio.sleep(60)")
    assert unbroken == ["kept", "cancelled", "interrupted"]


def test_further_signals_do_not_spoil_the_closing() -> None:
    closing = f"{NOT_SO_LONG}; print('closed')"
    closed = outcome(f"with loop.breakable(): {LONG}", closing)
    assert closed == ["cancelled", "closed", "interrupted"]


def test_a_second_signal_does_not_spoil_the_closing_that_the_first_one_began() -> None:
    closing = f"{NOT_SO_LONG}; print('closed')"
    waiting = "with loop.breakable(): send(); await asyncio.sleep(60)"
    assert outcome(waiting, closing) == ["cancelled", "closed", "interrupted"]


def test_what_the_event_loop_itself_calls_is_not_broken_off() -> None:
    called = f"asyncio.get_running_loop().call_soon(exec, {NOT_SO_LONG!r}, globals())"
    ended = outcome(f"with loop.breakable(): {called}; await asyncio.sleep(60)")
    assert ended == ["cancelled", "interrupted"]


def test_a_destructor_that_swallows_the_end_of_a_long_computation_reports_nothing() -> None:
    held = f"type('Held', (), {{'__del__': lambda self: exec({LONG!r}, globals())}})()"
    ended = outcome(f"with loop.breakable(): {held}; time.sleep(60)")
    assert ended == ["cancelled", "interrupted"]


def test_an_interrupt_raised_in_the_work_is_reported_by_nobody_else() -> None:
    ended = outcome("with interrupts.at_once(): send(); time.sleep(60)", end="print('end')")
    assert ended == ["interrupted", "end"]


def test_a_thread_that_asks_a_silent_name_server_holds_nobody_up() -> None:
    asked = "asyncio.create_task(asyncio.to_thread(time.sleep, 600)); await asyncio.sleep(0)"
    # As the entry point does in the end.
    ended = outcome(f"{asked}; send(); await asyncio.sleep(60)", end="os._exit(0)")
    assert ended == ["cancelled", "interrupted"]


def test_no_signal_breaks_into_a_library_that_would_report_it_with_its_stack() -> None:
    library = "{'__name__': 'asyncio.trial', 'os': os, 'signal': signal, 'time': time}"
    twice = "os.kill(os.getpid(), signal.SIGTERM); " * 2
    inside = f'exec("{twice}time.sleep(0.7); print(1)", {library}); await asyncio.sleep(60)'
    breakable = f"with loop.breakable(): {inside}"
    assert outcome(breakable) == ["1", "cancelled", "interrupted"]
