"""OpenTelemetry traces of a run, where the environment asks for them.

Nothing that computes knows of them: they are made from the events that also make the progress.
Where nobody asks, no module of OpenTelemetry is loaded.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from battery.base import interrupts
from battery.base.errors import InterruptedRunError
from battery.base.network import proxy_note
from battery.records.events import Event, Notice, Observer, TaskFinished
from battery.records.summary import Summary
from battery.tracing import environment

if TYPE_CHECKING:
    from battery.tracing.recorder import Recorder

_MISSING: Final = (
    "no traces are sent, though an OTLP endpoint is set: OpenTelemetry is not installed; "
    "pip install 'compounding-battery[otel]'"
)
_NOT_SPOKEN: Final = (
    "no traces are sent: battery speaks only OTLP over HTTP (otlp, http/protobuf, an http:// or "
    "https:// endpoint), and {} asks for something else; change it, or turn traces off with "
    "OTEL_TRACES_EXPORTER=none"
)
#: Seconds that the last spans get on their way when everything else is done.
CLOSE_S: Final = 3.0
#: The same after Ctrl-C: whoever stops a battery does not want to wait.
INTERRUPTED_CLOSE_S: Final = 1.0


@dataclass(frozen=True)
class Trace:
    """Passes events on to whoever shows them and, where there is one, to the recorder."""

    show: Observer
    recorder: Recorder | None = None

    def tell(self, event: Event) -> None:
        """Observe one event."""
        if self.recorder is not None:
            self.recorder(event)
        # A view keeps the last events to draw them, and an answer may be large.
        self.show(event._replace(answer=None) if isinstance(event, TaskFinished) else event)

    def conclude(self, summary: Summary) -> None:
        """Record what the battery found."""
        if self.recorder is not None:
            self.recorder.conclude(summary)


@contextmanager
def traced(command: str, show: Observer) -> Iterator[Trace]:
    """Yield whom to tell of events; send the spans while it lasts, and the last ones after it.

    No trouble with traces fails a run or prints more than one warning, which goes to `show`.
    """
    # A run costs hours and money, its trace can be had again: so everything about traces that goes
    # wrong is a warning.
    recorder = _recorder(command, show) if environment.wanted() else None
    if recorder is None:
        yield Trace(show)
        return
    wait_s = CLOSE_S
    try:
        yield Trace(show, recorder)
    except BaseException as error:
        recorder.fail(error)
        if isinstance(error, InterruptedRunError | KeyboardInterrupt):
            wait_s = INTERRUPTED_CLOSE_S
        raise
    finally:
        # Pressed once more, Ctrl-C gives up the spans; why the battery ended is printed.
        with suppress(KeyboardInterrupt), interrupts.at_once():
            recorder.close(wait_s)
        _tell_losses(*recorder.losses(), show)


def _tell_losses(lost: int, total: int, show: Observer) -> None:
    if lost:
        proxy = proxy_note(environment.endpoint())
        variables = ", ".join(environment.names("OTEL_EXPORTER_OTLP_"))
        text = (
            f"{lost:,} of {total:,} spans could not be delivered to the collector{proxy}; "
            f"look at {variables}; the battery itself is not affected"
        )
        show(Notice(text, warning=True))


def _recorder(command: str, show: Observer) -> Recorder | None:
    if name := environment.not_spoken():
        show(Notice(_NOT_SPOKEN.format(name), warning=True))
        return None
    try:
        module = importlib.import_module("battery.tracing.recorder")
        recorder: Recorder = module.start(command, content=environment.wants_content())
    except ImportError:
        show(Notice(_MISSING, warning=True))
    except (OSError, RuntimeError, ValueError) as error:
        # Its words may repeat a header, and so a secret.
        text = (
            "no traces are sent: OpenTelemetry cannot use what one of these is set to: "
            f"{', '.join(environment.names('OTEL_'))} ({type(error).__name__}); correct it, or "
            "unset it"
        )
        show(Notice(text, warning=True))
    else:
        return recorder
    return None
