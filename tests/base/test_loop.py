"""Asynchronous work that signals cancel, and work in threads with loops of their own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from threading import Barrier, current_thread, main_thread

import pytest

from battery.base import interrupts, loop
from tests.support.commands import environment

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


@pytest.mark.slow
def test_work_that_nothing_interrupts_returns_what_it_found() -> None:
    assert outcome("return 7") == ["7"]


@pytest.mark.slow
def test_a_signal_cancels_work_that_waits() -> None:
    assert outcome("send(); await asyncio.sleep(60)") == ["cancelled", "interrupted"]


@pytest.mark.slow
@pytest.mark.parametrize("signals", [1, 2, 20], ids=["one", "two", "a burst"])
def test_what_is_being_computed_gets_to_its_end_first(signals: int) -> None:
    sent = "send(); " * signals
    computed = outcome(f"{sent}time.sleep(0.05); print('kept'); await asyncio.sleep(60)")
    assert computed == ["kept", "cancelled", "interrupted"]


LONG = "send(); send(); time.sleep(60)"
#: Long enough to be broken off, and no endless wait where it is not.
NOT_SO_LONG = "send(); send(); time.sleep(0.7)"


@pytest.mark.slow
def test_a_second_signal_breaks_off_what_takes_long() -> None:
    assert outcome(f"with loop.breakable(): {LONG}") == ["cancelled", "interrupted"]


@pytest.mark.slow
def test_it_breaks_off_nothing_where_that_was_not_said() -> None:
    unbroken = outcome(f"{NOT_SO_LONG}; print('kept'); await asyncio.sleep(60)")
    assert unbroken == ["kept", "cancelled", "interrupted"]


@pytest.mark.slow
def test_further_signals_do_not_spoil_the_closing() -> None:
    closing = f"{NOT_SO_LONG}; print('closed')"
    closed = outcome(f"with loop.breakable(): {LONG}", closing)
    assert closed == ["cancelled", "closed", "interrupted"]


@pytest.mark.slow
def test_a_second_signal_does_not_spoil_the_closing_that_the_first_one_began() -> None:
    closing = f"{NOT_SO_LONG}; print('closed')"
    waiting = "with loop.breakable(): send(); await asyncio.sleep(60)"
    assert outcome(waiting, closing) == ["cancelled", "closed", "interrupted"]


@pytest.mark.slow
def test_what_the_event_loop_itself_calls_is_not_broken_off() -> None:
    called = f"asyncio.get_running_loop().call_soon(exec, {NOT_SO_LONG!r}, globals())"
    ended = outcome(f"with loop.breakable(): {called}; await asyncio.sleep(60)")
    assert ended == ["cancelled", "interrupted"]


@pytest.mark.slow
def test_a_destructor_that_swallows_the_end_of_a_long_computation_reports_nothing() -> None:
    held = f"type('Held', (), {{'__del__': lambda self: exec({LONG!r}, globals())}})()"
    ended = outcome(f"with loop.breakable(): {held}; time.sleep(60)")
    assert ended == ["cancelled", "interrupted"]


@pytest.mark.slow
def test_an_interrupt_raised_in_the_work_is_reported_by_nobody_else() -> None:
    ended = outcome("with interrupts.at_once(): send(); time.sleep(60)", end="print('end')")
    assert ended == ["interrupted", "end"]


@pytest.mark.slow
def test_a_thread_that_asks_a_silent_name_server_holds_nobody_up() -> None:
    asked = "asyncio.create_task(asyncio.to_thread(time.sleep, 600)); await asyncio.sleep(0)"
    # As the entry point does in the end.
    ended = outcome(f"{asked}; send(); await asyncio.sleep(60)", end="os._exit(0)")
    assert ended == ["cancelled", "interrupted"]


@pytest.mark.slow
def test_no_signal_breaks_into_a_library_that_would_report_it_with_its_stack() -> None:
    library = "{'__name__': 'asyncio.trial', 'os': os, 'signal': signal, 'time': time}"
    twice = "os.kill(os.getpid(), signal.SIGTERM); " * 2
    inside = f'exec("{twice}time.sleep(0.7); print(1)", {library}); await asyncio.sleep(60)'
    breakable = f"with loop.breakable(): {inside}"
    assert outcome(breakable) == ["1", "cancelled", "interrupted"]


def test_what_one_computes_apart_holds_up_nobody_else() -> None:
    meeting = Barrier(3)

    async def meets(number: int) -> int:
        # Blocks its thread until all three are here, which in one loop none would ever see.
        meeting.wait(60)
        assert current_thread() is not main_thread()
        return number

    async def main() -> list[int]:
        return await asyncio.gather(*(loop.apart(meets, number) for number in range(3)))

    assert loop.run(main) == [0, 1, 2]


def test_an_error_of_work_apart_is_raised_where_it_is_waited_for() -> None:
    async def fails() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        loop.run(loop.apart, fails)


def test_work_apart_that_is_cancelled_closes_first_and_says_how_it_ended() -> None:
    closed = []

    async def waits() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            closed.append(True)
            raise LookupError("go on with --resume") from None

    async def main() -> None:
        work = asyncio.ensure_future(loop.apart(waits))
        await asyncio.sleep(0.05)
        work.cancel()
        with pytest.raises(LookupError, match="go on"):
            await work
        assert closed

    loop.run(main)


def test_blocks_that_heed_signals_may_overlap_in_threads() -> None:
    inside, outside = Barrier(2), Barrier(2)

    async def first() -> None:
        with interrupts.at_once():
            inside.wait(60)
        outside.wait(60)

    async def second() -> None:
        inside.wait(60)
        with interrupts.at_once():
            outside.wait(60)

    async def main() -> None:
        await asyncio.gather(loop.apart(first), loop.apart(second))

    before = interrupts._state.reaction
    loop.run(main)
    assert interrupts._state.reaction is before
