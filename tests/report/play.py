"""Play a battery to the terminal; run as a child process by the tests, or by hand to look at.

python -m tests.report.play SCENE [SECONDS PER STEP], a scene being whole, middle, error, interrupt,
quiet, waits, waits-many or summary.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from battery.records.events import DistillEvent, Event, Notice, Plan, TaskStarted
from battery.records.models import Phase
from battery.report.terminal.lines import make_progress
from battery.report.terminal.summary import print_summary
from tests.report.events import BOTH, battery, iteration, meta, tasks
from tests.report.samples import three


def middle() -> Iterator[Event]:
    """Tell a battery up to the distill stage of its second iteration."""
    yield Plan(3, 9, arms=2)
    yield from iteration(1, 3, BOTH)
    yield from tasks(2, 3, BOTH)
    yield from list(meta(2))[:2]
    yield DistillEvent(2, "writer", "\x1b[2Jone\r\ntwo [red]three[/red]")


def many() -> Iterator[Event]:
    """Tell more tasks than the view has rows, some of them still running."""
    yield Plan(2, 95, arms=2)
    yield from iteration(1, 30, BOTH)
    yield from tasks(2, 30, BOTH)
    for number in range(5):
        yield TaskStarted(2, Phase.GAMMA, f"still running {number}")


def warned() -> Iterator[Event]:
    """Tell of two things that go on above the view."""
    yield Notice("using the embedded gateway")
    yield Notice("the stream had 1 broken event [bold]\x1b[31m", warning=True)
    yield from middle()


SCENES = {"whole": battery(3, 3, BOTH), "waits-many": many()}


def main(scene: str, seconds: float = 0.0) -> None:
    """Play one scene; `error` and `interrupt` break the middle one off."""
    if scene == "summary":
        print_summary(three(warnings=["a word " * 30]), Path("data/battery"), sys.stdout)
        return
    with make_progress(quiet=scene == "quiet", stream=sys.stderr) as show:
        for event in SCENES.get(scene) or warned():
            show(event)
            time.sleep(seconds)
        if scene.startswith("waits"):
            sys.stdin.readline()
        if scene == "error":
            raise RuntimeError("the gateway is gone")
        if scene == "interrupt":
            # A shell starts its background jobs with the signal ignored.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)


if __name__ == "__main__":
    try:
        main(sys.argv[1], *map(float, sys.argv[2:]))
    except (RuntimeError, KeyboardInterrupt) as error:
        sys.stderr.write(f"stopped: {type(error).__name__}\n")
