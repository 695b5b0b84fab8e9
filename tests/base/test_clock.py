"""The clock that calls are measured in stands still with the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from battery.base.clock import STANDSTILL_S, AwakeClock, awake


class Ticks:
    """A system clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_time_that_is_looked_at_all_along_is_counted_in_full() -> None:
    system = Ticks()
    clock = AwakeClock(system)
    start = clock()
    for _ in range(100):
        system.now += STANDSTILL_S
        clock()
    assert clock() - start == 100 * STANDSTILL_S
    assert clock.left_out == 0


def test_a_gap_is_left_out_but_for_the_beat_that_was_due() -> None:
    system = Ticks()
    clock = AwakeClock(system)
    start = clock()
    system.now += 30
    assert 0 < clock() - start <= STANDSTILL_S
    assert 30 - STANDSTILL_S <= clock.left_out < 30


def test_it_never_goes_back() -> None:
    system = Ticks()
    clock = AwakeClock(system)
    before = clock()
    for gap in (0, 0.1, 0.49, 0.51, 5, 0, 0.5):
        system.now += gap
        after = clock()
        assert after >= before
        before = after


def test_of_a_real_process_that_was_stopped() -> None:
    code = """
import time
from battery.base.clock import awake, left_out
start, real = awake(), time.monotonic()
print(flush=True)
input()
print(awake() - start, time.monotonic() - real, left_out())
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(4 * STANDSTILL_S)
    os.kill(process.pid, signal.SIGCONT)
    out, _ = process.communicate("\n", timeout=60)
    counted, real, left_out = map(float, out.split())
    assert left_out > 3 * STANDSTILL_S
    assert counted < real - 3 * STANDSTILL_S


def test_the_clock_of_all_calls_is_one() -> None:
    before = awake()
    assert awake() >= before
