"""What the variables of OpenTelemetry switch on and off."""

from __future__ import annotations

import subprocess
import sys

import pytest

from battery.records.events import (
    Event,
    Notice,
)
from battery.tracing import traced
from tests.support.collector import Collector
from tests.support.commands import environment
from tests.support.tracing import (
    ENDPOINT,
)

pytestmark = pytest.mark.slow


def test_without_the_variables_nothing_of_opentelemetry_is_loaded() -> None:
    code = f"""
import os, sys
import battery.cli.run, battery.cli.iterate, battery.cli.review
from battery.tracing import traced
def enter():
    with traced("run", print):
        pass
enter()
os.environ["{ENDPOINT}"] = "http://127.0.0.1:9"
os.environ["OTEL_SDK_DISABLED"] = "true"
enter()
del os.environ["OTEL_SDK_DISABLED"]
os.environ["OTEL_TRACES_EXPORTER"] = "none"
enter()
print(*sorted(name for name in sys.modules if name.startswith("opentelemetry")))
"""
    env = {name: value for name, value in environment().items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def test_a_variable_that_cannot_be_used_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    told: list[Event] = []
    with traced("run", told.append):
        pass
    (warning,) = told
    assert isinstance(warning, Notice)
    assert warning.warning
    assert warning.text.startswith("no traces are sent")
    assert "OTEL_BSP_MAX_QUEUE_SIZE, OTEL_EXPORTER_OTLP_ENDPOINT (" in warning.text
    assert "-1" not in warning.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ("OTEL_TRACES_EXPORTER", "console"),
        (ENDPOINT, "localhost:4317"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://[half"),
    ],
)
def test_what_is_not_spoken_is_a_warning_that_names_the_variable(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    told: list[Event] = []
    with traced("run", told.append):
        pass
    (warning,) = told
    assert isinstance(warning, Notice)
    assert warning.warning
    assert f"and {name} asks for something else" in warning.text
    assert not collector.bodies
