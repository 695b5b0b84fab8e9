"""What a local system answered, as the document that a gateway would have sent."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from battery.base.errors import ShapeError
from battery.protocol import Json
from battery.system import Reply

_FIELDS: Final = frozenset(field.name for field in fields(Reply))


def answer_of(said: object, memory: str | None) -> Json:
    """Make the answer of what a system returned; raise `ShapeError` for what it cannot be.

    `memory` is the fingerprint of the memory that the answer rests on.
    """
    reply = reply_of(said)
    artifact = _artifact(reply)
    for name, key in (("usage", "usage"), ("recalled", "memory"), ("cached", "cached")):
        if reply.get(name) is not None:
            artifact[key] = reply[name]
    if memory is not None:
        artifact["memory_fingerprint"] = memory
    error, status = reply.get("error"), reply.get("status")
    answer: Json = {"status": status or ("failed" if error else "ok"), "artifact": artifact}
    if reply.get("turns") is not None:
        answer["iterations"] = reply["turns"]
    return answer | {"log": reply.get("log") or [], "error": error}


def reply_of(said: object) -> Json:
    """Return what a system returned as the fields of a `Reply`; raise `ShapeError`."""
    if isinstance(said, str):
        return {"text": said}
    if not isinstance(said, dict):
        raise ShapeError("answer", f"a text, a dict or a Reply was expected, got {said!r:.60}")
    # Any other dict is what the system hands in.
    return said if said.keys() <= _FIELDS else {"artifact": said}


def _artifact(reply: Json) -> dict[str, Any]:
    artifact, text = reply.get("artifact"), reply.get("text")
    # What a system hands in may be a list or a number; what battery adds needs a place.
    made = dict(artifact) if isinstance(artifact, dict) else {}
    if artifact is not None and not isinstance(artifact, dict):
        made["value"] = artifact
    return made | ({} if text is None else {"text": text})
