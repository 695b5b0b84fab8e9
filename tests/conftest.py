"""Settings that hold for the whole suite."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.gateway import Gateway, serving

#: Slow tests that coverage is measured of all the same.
TRACED = Path(__file__).parent / "cli"

# A quarter of the library's default, so that the suite stays within its two minutes; for a longer
# search: `pytest --hypothesis-profile=default`.
settings.register_profile("suite", max_examples=25, deadline=None)
settings.register_profile("quick", max_examples=5, deadline=None)
# Of `tests/test_fuzz.py`, which says how many examples they mean there.
settings.register_profile("fuzz", deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("suite")

# A shell lets its background jobs ignore the one, and `nohup` the other; what a test starts would
# take that over.
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Nearly all that collecting makes stays to the end: looking for garbage among it takes a fifth of
# the time, once for each worker.
gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a copy of the program that a recipe was followed on, and what no coverage.

    To trace every line takes a test twice as long. What is slow, but for the commands, executes
    little that the others do not.
    """
    for item in items:
        if "trial" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.recipe)
        if item.get_closest_marker("slow") and not item.path.is_relative_to(TRACED):
            item.add_marker(pytest.mark.no_cover)


def pytest_collection_finish() -> None:
    """Collect garbage again from here on, but never among what is there already."""
    gc.freeze()
    gc.enable()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """Serve a gateway that keeps what it was asked."""
    with serving() as served:
        yield served
