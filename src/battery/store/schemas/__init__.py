"""The JSON Schema of every document that a battery reads or writes, built from its records.

`battery schema NAME` prints them, and the package holds them as files, for editors. A new record
needs one entry in `FILES` and `python -m tests.schemas`.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from battery.base.errors import UsageError
from battery.protocol.wire import Json
from battery.records.comparison import Comparison
from battery.records.models import (
    SCHEMA_VERSION,
    Manifest,
    Metrics,
    Proposal,
    Summary,
    Tasks,
    Verdict,
)
from battery.store.schemas.shapes import JournalLine, RecordedRun

#: The dialect that all of them are written in.
DIALECT: Final = GenerateJsonSchema.schema_dialect


class Described(NamedTuple):
    """What a schema is of: the file, files or output, and the type of their content."""

    path: str
    about: str
    content: Any
    #: Files of lines hold a document a line.
    unit: Literal["file", "line"] = "file"


#: All of them by name, in the order of the listing.
FILES: Final = {
    "tasks": Described("tasks.json", "The tasks of a battery.", Tasks),
    "battery": Described("battery.json", "The manifest of a battery.", Manifest),
    "journal": Described(
        "iter_N/journal.jsonl", "One finished call of an iteration.", JournalLine, "line"
    ),
    "runs": Described(
        "iter_N/**/runs.json", "Every task of an arm and repeat with its answer.", list[RecordedRun]
    ),
    "confirmations": Described(
        "iter_N/confirmations.json", "Alpha tasks that were asked again.", list[RecordedRun]
    ),
    "distill-events": Described(
        "iter_N/distill_events.jsonl", "One event of the distill stream.", Json, "line"
    ),
    "metrics": Described("iter_N/**/metrics.json", "The numbers of an iteration.", Metrics),
    "proposals": Described(
        "iter_N/proposals.json", "The proposals found in a review.", list[Proposal]
    ),
    "verdicts": Described(
        "iter_N/verdicts.json", "The verdicts found in a judgment.", list[Verdict]
    ),
    "summary": Described("summary.json", "Every number of the summary.", Summary),
    "comparison": Described(
        "battery compare --json", "What two batteries show side by side.", Comparison
    ),
}


def schema(name: str) -> dict[str, Any]:
    """Build the JSON Schema of a file, in the dialect of 2020-12; raise `UsageError`.

    Defaults of the records are no duties: a file without such a key is valid.
    """
    if name not in FILES:
        raise UsageError(f"there is no schema {name!r}", hint=f"name one of: {', '.join(FILES)}")
    described = FILES[name]
    head = {
        "$schema": DIALECT,
        # A name, not an address: it is the same wherever the file lies.
        "$id": f"urn:compounding-battery:schema:{SCHEMA_VERSION}:{name}",
        "title": described.path if described.unit == "file" else f"A line of {described.path}",
        "description": described.about,
    }
    body = TypeAdapter(described.content).json_schema(schema_generator=_Plain)
    return {**head, **{key: value for key, value in body.items() if key not in head}}


def listing() -> list[str]:
    """Write a line a schema: name, file and content."""
    width = max(map(len, FILES))
    reach = max(len(each.path) for each in FILES.values())
    return [f"{name:<{width}}  {each.path:<{reach}}  {each.about}" for name, each in FILES.items()]


class _Plain(GenerateJsonSchema):
    """Leave out the titles that pydantic makes of field names: they say nothing new."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema  # all fields alike
        return False
