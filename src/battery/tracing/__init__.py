"""OpenTelemetry traces of a run, where the environment asks for them.

Nothing that computes knows of them: they are made from the events that also make the progress.
Where nobody asks, no module of OpenTelemetry is loaded.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from battery.models import Summary
from battery.progress import Event, Notice, Observer, TaskFinished

if TYPE_CHECKING:
    from battery.tracing.recorder import Recorder

_MISSING: Final = (
    "no traces are sent, though an OTLP endpoint is set: OpenTelemetry is not installed; "
    "pip install 'compounding-battery[otel]'"
)
#: What people set to have prompts and answers in the spans.
_CONTENT_WORDS: Final = frozenset({"true", "span_only", "span_and_event"})


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
    recorder = _recorder(command, show) if _wanted() else None
    if recorder is None:
        yield Trace(show)
        return
    try:
        yield Trace(show, recorder)
    except BaseException as error:
        recorder.fail(error)
        raise
    finally:
        lost, total = recorder.close()
        if lost:
            text = (
                f"{lost:,} of {total:,} spans could not be sent to the collector; look at "
                "OTEL_EXPORTER_OTLP_ENDPOINT; the battery itself is not affected"
            )
            show(Notice(text, warning=True))


def _wanted() -> bool:
    base = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or base
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return bool(endpoint) and not disabled


def _recorder(command: str, show: Observer) -> Recorder | None:
    content = os.environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "")
    try:
        module = importlib.import_module("battery.tracing.recorder")
        recorder: Recorder = module.start(
            command, content=content.strip().lower() in _CONTENT_WORDS
        )
    except ImportError:
        show(Notice(_MISSING, warning=True))
    except (OSError, ValueError) as error:
        # Its words may repeat a header, and so a secret.
        text = f"no traces are sent: an OTEL_ variable cannot be used ({type(error).__name__})"
        show(Notice(text, warning=True))
    else:
        return recorder
    return None
