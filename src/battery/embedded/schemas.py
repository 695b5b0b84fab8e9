"""The JSON schemas that a language model's replies are held to, one per form.

An endpoint that takes a schema lets its model write nothing else, so that even a small model
answers in the asked form. The schema of an action names what the desk's rules allow at this turn:
nobody can be sent whom no search has shown.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from battery.embedded.forms import Correction, Fill, GiveUp, Judgment, Search
from battery.embedded.lessons import Answer
from battery.embedded.policies import Case
from battery.protocol import Json


def action_schema(case: Case) -> Json:
    """Return the schema of what an executor may do next."""
    answers = [lesson for lesson in case.lessons if isinstance(lesson, Answer)]
    shown = [worker for entry in case.transcript.searches for worker in entry.workers]
    known = list(dict.fromkeys([*shown, *(id_ for one in answers for id_ in one.workers)]))
    allowed = [_schema(Search)]
    if len(known) >= case.spec.count:
        fill = _schema(Fill)
        # As many as the task asks for, and only people that were found.
        fill["properties"]["workers"] |= {
            "items": {"enum": known},
            "minItems": case.spec.count,
            "maxItems": case.spec.count,
        }
        allowed.append(fill)
    if case.transcript.searches or answers:
        allowed.append(_schema(GiveUp))
    return allowed[0] if len(allowed) == 1 else {"anyOf": allowed}


def response_format(name: str, schema: Json) -> Json:
    """Wrap a schema the way the chat protocol asks for it.

    Without `strict`: that has rules of its own, such as no alternatives at the top, for which an
    endpoint would refuse a schema that it can well follow.
    """
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}


def _schema(form: type[BaseModel]) -> dict[str, Any]:
    schema = form.model_json_schema()
    for one in (schema, *schema.get("$defs", {}).values()):
        # A model that may leave its action out leaves it out.
        kind = [key for key, rule in one["properties"].items() if "const" in rule]
        one["required"] = [*kind, *one.get("required", [])]
    return schema


JUDGMENT_SCHEMA: Final = _schema(Judgment)
CORRECTION_SCHEMA: Final = _schema(Correction)
