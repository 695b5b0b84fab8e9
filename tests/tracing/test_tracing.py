"""That nothing about traces can harm the run."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path

import pytest

from battery import tracing
from battery.base.errors import InterruptedRunError
from battery.records.events import (
    Event,
    Notice,
    TaskFinished,
)
from battery.records.models import Phase
from battery.tracing import traced
from tests.support.calls import command_here
from tests.support.collector import Collector
from tests.support.server import deserted_port
from tests.support.tracing import (
    ENDPOINT,
    RESULT,
    STAGE,
    use_dead_proxy,
)

pytestmark = pytest.mark.slow


def test_a_collector_that_is_not_there_costs_one_warning(tmp_path: Path) -> None:
    env = {ENDPOINT: f"http://127.0.0.1:{deserted_port()}", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.1"}
    words = ("run", "--iterations", 1, "--limit", 1, "--quiet", "--json")
    done = command_here(*words, cwd=tmp_path, env=env)
    assert done.returncode == 0
    assert json.loads(done.stdout)["state"] == "finished"
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: 23 of 23 spans could not be delivered to the collector;")
    assert "look at OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TIMEOUT;" in line


def test_a_missing_extra_is_named_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "battery.tracing.recorder", None)
    told: list[Event] = []
    with traced("run", told.append) as trace:
        trace.tell(STAGE)
    warning, event = told
    assert isinstance(warning, Notice)
    assert warning.warning
    assert "pip install 'compounding-battery[otel]'" in warning.text
    assert event == STAGE


def test_a_proxy_before_a_collector_elsewhere_is_named_when_spans_are_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_dead_proxy(monkeypatch)
    monkeypatch.setenv(ENDPOINT, "http://collector.invalid:4318")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")
    told: list[Event] = []
    with traced("run", told.append):
        pass
    (warning,) = told
    assert isinstance(warning, Notice)
    assert "through the proxy that http_proxy names" in warning.text


def test_a_collector_that_does_not_answer_is_not_waited_for(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "CLOSE_S", 0.05)
    collector.may_answer.clear()
    told: list[Event] = []
    with traced("run", told.append) as trace:
        trace.tell(STAGE)
    warning = told[-1]
    assert isinstance(warning, Notice)
    assert warning.text.startswith("1 of 1 spans could not be delivered")


def test_a_second_ctrl_c_gives_up_the_spans_and_not_the_advice(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than any test may last: only the signal ends the wait.
    monkeypatch.setattr(tracing, "INTERRUPTED_CLOSE_S", 600.0)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "20")
    collector.may_answer.clear()

    def press_again() -> None:
        collector.asked.wait()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def interrupt() -> None:
        with traced("run", told.append):
            raise InterruptedRunError("interrupted", hint="go on with: battery run --resume")

    told: list[Event] = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    again = threading.Thread(target=press_again, daemon=True)
    again.start()
    try:
        # The other one, let through, would end the whole test run.
        with pytest.raises((InterruptedRunError, KeyboardInterrupt)) as ended:
            interrupt()
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.type is InterruptedRunError
    (warning,) = told
    assert isinstance(warning, Notice)
    assert warning.text.startswith("1 of 1 spans could not be delivered")


def test_the_view_does_not_keep_answers() -> None:
    told: list[Event] = []
    with traced("run", told.append) as trace:
        trace.tell(TaskFinished(1, Phase.ALPHA, "fill", RESULT, False, answer={"big": "x"}))
    assert told == [TaskFinished(1, Phase.ALPHA, "fill", RESULT, replayed=False)]
