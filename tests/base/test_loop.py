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
    print(loop.run(work()))
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


def test_what_is_being_computed_gets_to_its_end_first() -> None:
    computed = outcome("send(); time.sleep(0.05); print('kept'); await asyncio.sleep(60)")
    assert computed == ["kept", "cancelled", "interrupted"]


def test_a_second_signal_breaks_off_what_is_being_computed() -> None:
    assert outcome("send(); send(); time.sleep(60)") == ["cancelled", "interrupted"]


def test_further_signals_do_not_spoil_the_closing() -> None:
    closing = "send(); send(); time.sleep(0.05); print('closed')"
    closed = outcome("send(); send(); time.sleep(60)", closing)
    assert closed == ["cancelled", "closed", "interrupted"]


def test_a_thread_that_asks_a_silent_name_server_holds_nobody_up() -> None:
    asked = "asyncio.create_task(asyncio.to_thread(time.sleep, 600)); await asyncio.sleep(0)"
    # As the entry point does in the end.
    ended = outcome(f"{asked}; send(); await asyncio.sleep(60)", end="os._exit(0)")
    assert ended == ["cancelled", "interrupted"]


def test_no_signal_breaks_into_a_library_that_would_report_it_with_its_stack() -> None:
    library = "{'__name__': 'asyncio.trial', 'os': os, 'signal': signal, 'time': time}"
    twice = "os.kill(os.getpid(), signal.SIGTERM); " * 2
    inside = f'exec("{twice}time.sleep(0.05); print(1)", {library}); await asyncio.sleep(60)'
    assert outcome(inside) == ["1", "cancelled", "interrupted"]
