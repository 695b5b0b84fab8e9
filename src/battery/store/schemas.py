"""The JSON Schema of every document that a battery reads, writes or sends, built from its records.

Which files there are is up to the table of files; `compare --json` writes none, and calls are sent.
"""

from __future__ import annotations

import inspect
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from battery.base.errors import UsageError
from battery.records.campaign import CampaignSummary
from battery.records.comparison import Comparison
from battery.records.exchanges import EXCHANGES
from battery.records.models import SCHEMA_VERSION
from battery.records.plan import Plan
from battery.records.status import CampaignStatus
from battery.store.artifacts import ARTIFACTS

#: The dialect that all of them are written in.
DIALECT: Final = GenerateJsonSchema.schema_dialect


class Described(NamedTuple):
    """What a schema is of: the file, files, output or call, and the type of their content."""

    path: str
    about: str
    content: Any
    #: Whether each line is a document.
    lines: bool = False


#: All of them by name, in the order of the listing.
SCHEMAS: Final = {
    each.schema: Described(each.pattern, each.about, each.format.content, each.format.lines)
    for each in ARTIFACTS
    if each.schema
} | {
    "campaign": Described("campaign.json", "The plan of a campaign; written once.", Plan),
    "campaign-summary": Described(
        "battery campaign verdict --json",
        "What the runs of a campaign come to: its summary.json; of a pool, pool --json.",
        CampaignSummary,
    ),
    "campaign-status": Described(
        "battery campaign status --json", "How far each run of a campaign is.", CampaignStatus
    ),
    "comparison": Described(
        "battery compare --json", "What two batteries show side by side.", Comparison
    ),
    **{
        name: Described(call, f"{inspect.getdoc(exchange)}", exchange)
        for name, (call, exchange) in EXCHANGES.items()
    },
}


def schema(name: str) -> dict[str, Any]:
    """Build the JSON Schema of a document, in the dialect of 2020-12; raise `UsageError`.

    Keys with a default are not required: a file without such a key is valid.
    """
    if name not in SCHEMAS:
        raise UsageError(f"there is no schema {name!r}", hint=f"name one of: {', '.join(SCHEMAS)}")
    described = SCHEMAS[name]
    head = {
        "$schema": DIALECT,
        # A name, not an address: it is the same wherever the file is.
        "$id": f"urn:compounding-battery:schema:{_version(described.content)}:{name}",
        "title": f"A line of {described.path}" if described.lines else described.path,
        "description": described.about,
    }
    body = TypeAdapter(described.content).json_schema(schema_generator=_Plain)
    return {**head, **{key: value for key, value in body.items() if key not in head}}


def _version(content: Any) -> int:
    """Return the version that documents of a type name; that of all files where they name none."""
    field = getattr(content, "model_fields", {}).get("schema_version")
    return int(field.default) if field else SCHEMA_VERSION


class _Plain(GenerateJsonSchema):
    """Leave out the titles that pydantic makes of field names: they say nothing new."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema  # all fields alike
        return False
