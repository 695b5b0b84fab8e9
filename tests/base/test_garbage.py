"""How often Python looks for garbage."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own: a pool leaves one behind that keeps account of its semaphores.
_IN_A_POOL = """
from battery.base.workers import workers
asked = ["__import__('gc').get_threshold()[0]", "__import__('gc').get_freeze_count()"]
with workers(2, "name fewer") as mapped:
    print(*mapped(eval, asked))
"""


def test_processes_that_work_on_answers_seldom_look_for_garbage() -> None:
    done = subprocess.run([sys.executable, "-c", _IN_A_POOL], stdout=subprocess.PIPE, check=True)
    threshold, kept = map(int, done.stdout.split())
    assert threshold > 10 * 700, "an answer may have hundreds of objects, and each would count"
    assert kept > 1000, "what was imported is never looked at"
