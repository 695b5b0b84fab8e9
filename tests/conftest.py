"""Settings that hold for the whole suite."""

from __future__ import annotations

import gc
import importlib
import pkgutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test, settings

import battery
from tests.support.gateway import Gateway, serving

_HERE = Path(__file__).parent
#: Slow modules that coverage is measured of all the same, by folder: they execute most that no
#: quick one does for the time they take. All the others together would add three percent.
_TRACED = {
    "cli": "compare doctor gateway grade init main power tasks watch",
    "commands": "calibrate export gauntlet trying",
    "embedded": "language_model server",
    "pricing": "batteries",
    "report/terminal": "screens",
    "runner": "estimate",
    "target": "http reviewing started",
    "tracing": "environment recorder spans",
}

# A quarter of the library's default, so that the suite stays within its two minutes; for a longer
# search: `pytest --hypothesis-profile=default`.
settings.register_profile("suite", max_examples=25, deadline=None)
settings.register_profile("quick", max_examples=5, deadline=None)
# Of `tests/test_fuzz.py`, which says how many examples they mean there.
settings.register_profile("fuzz", max_examples=40, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("suite")

# A shell lets its background jobs ignore the one, and `nohup` the other; what a test starts would
# take that over.
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Nearly all that collecting makes stays to the end: looking for garbage among it takes a fifth of
# the time, once for each worker.
gc.disable()


@contextmanager
def _untraced(config: pytest.Config) -> Iterator[None]:
    """Measure no coverage meanwhile, where any is measured."""
    controller = getattr(config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if controller is None:
        yield
        return
    controller.pause()
    try:
        yield
    finally:
        controller.resume()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Trace what importing the program executes, and nothing else of collecting."""
    # With workers it is they who collect.
    plugins = session.config.pluginmanager
    if plugins.hasplugin("_cov") and not plugins.hasplugin("dsession"):
        for module in pkgutil.walk_packages(battery.__path__, "battery."):
            importlib.import_module(module.name)
    with _untraced(session.config):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Trace no fixture that a test makes which is not traced itself."""
    with _untraced(item.config) if item.get_closest_marker("no_cover") else nullcontext():
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a copy of the program that a recipe was followed on, and what no coverage.

    To trace every line takes a test more than twice as long.
    """
    for item in items:
        if "trial" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.recipe)
        if not _is_traced(item):
            item.add_marker(pytest.mark.no_cover)


def _is_traced(item: pytest.Item) -> bool:
    folder = item.path.parent.relative_to(_HERE).as_posix()
    if item.get_closest_marker("slow"):
        return item.path.stem.removeprefix("test_") in _TRACED.get(folder, "").split()
    # Those directly in `tests/` read the source more than they execute it, and the examples of a
    # property execute again and again what its neighbours do.
    return folder != "." and not is_hypothesis_test(getattr(item, "function", None))


def pytest_collection_finish() -> None:
    """Collect garbage again from here on, but never among what is there already."""
    gc.freeze()
    gc.enable()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """Serve a gateway that keeps what it was asked."""
    with serving() as served:
        yield served
