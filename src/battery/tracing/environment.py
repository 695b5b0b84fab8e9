"""What the environment asks of traces. Messages name variables, whose values may be secret."""

from __future__ import annotations

import os
from typing import Final
from urllib.parse import urlsplit

#: Both names that the Python SDK has for what battery speaks.
_EXPORTERS: Final = frozenset({"otlp", "otlp_proto_http"})
#: What people set to have prompts and answers in the spans.
_CONTENT_WORDS: Final = frozenset({"true", "span_only", "span_and_event"})


def wanted() -> bool:
    """Return whether there is an endpoint, and nothing that turns traces off."""
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return bool(endpoint()) and not disabled and _exporters() != {"none"}


def wants_content() -> bool:
    """Return whether prompts and answers are to be part of the spans."""
    # Off unless asked for: both may hold what must not leave the machine.
    content = os.environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "")
    return content.strip().lower() in _CONTENT_WORDS


def endpoint() -> str:
    """Return the URL of the collector, with or without the path of traces; empty without one."""
    base = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    return os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or base


def not_spoken() -> str | None:
    """Name the variable that asks for anything but OTLP over HTTP; None where none does."""
    if _exporters() and not _exporters() & _EXPORTERS:
        return "OTEL_TRACES_EXPORTER"
    base = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    own = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "")
    if (own or base or "http/protobuf").strip().lower() != "http/protobuf":
        return f"OTEL_EXPORTER_OTLP_{'TRACES_' if own else ''}PROTOCOL"
    if not _is_http(endpoint()):
        whole = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
        return whole if os.environ.get(whole) else "OTEL_EXPORTER_OTLP_ENDPOINT"
    return None


def names(prefix: str) -> list[str]:
    """List the variables that start like this and are set, by name."""
    return sorted(name for name, value in os.environ.items() if value and name.startswith(prefix))


def brings_its_own_session() -> bool:
    """Return whether a plugin of OpenTelemetry is to open the connections, with its credentials."""
    # By name alone: what such a plugin is given may be a secret.
    variables = names("OTEL_PYTHON_EXPORTER_OTLP_HTTP_")
    return any(name.endswith("CREDENTIAL_PROVIDER") for name in variables)


def _exporters() -> set[str]:
    words = os.environ.get("OTEL_TRACES_EXPORTER", "").lower().split(",")
    return {word.strip() for word in words if word.strip()}


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
