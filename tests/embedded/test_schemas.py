"""The schemas of replies: what may be done at a turn, and that the forms take what they allow."""

from __future__ import annotations

import pytest

from battery.base import jsonio
from battery.embedded.forms import (
    ACTION,
    Correction,
    Judgment,
    Search,
    SearchEntry,
)
from battery.embedded.lessons import Answer
from battery.embedded.policies import executor_prompt, overseer_prompt
from battery.embedded.schemas import (
    CORRECTION_SCHEMA,
    JUDGMENT_SCHEMA,
    action_schema,
    response_format,
)
from battery.protocol import Json
from tests.embedded.helpers import case

WELDERS = {"role": "Welder", "count": 2, "city": "Toledo, OH"}
SEARCH = Search(role="Welder", cities=("Toledo, OH",))


def searched(*workers: str) -> SearchEntry:
    return SearchEntry(turn=1, text="x", search=SEARCH, found=len(workers), workers=workers)


def actions(schema: Json) -> dict[str, Json]:
    """Return the forms that a schema allows, by action."""
    return {form["properties"]["action"]["const"]: form for form in schema.get("anyOf", [schema])}


def test_before_anything_was_searched_there_is_nothing_else_to_do() -> None:
    assert actions(action_schema(case(**WELDERS))).keys() == {"search"}


def test_only_people_that_a_search_has_shown_can_be_sent_and_as_many_as_asked_for() -> None:
    asked = case(**WELDERS)
    asked.transcript.entries += [searched("W0002"), searched("W0002", "W0007")]
    allowed = actions(action_schema(asked))
    assert allowed.keys() == {"search", "fill", "give_up"}
    workers = allowed["fill"]["properties"]["workers"]
    assert workers["items"] == {"enum": ["W0002", "W0007"]}
    assert (workers["minItems"], workers["maxItems"]) == (2, 2)


def test_with_too_few_people_in_sight_nobody_can_be_sent() -> None:
    asked = case(**WELDERS)
    asked.transcript.entries.append(searched("W0002"))
    assert actions(action_schema(asked)).keys() == {"search", "give_up"}


def test_an_answer_that_the_memory_has_may_be_given_without_a_search() -> None:
    asked = case(**WELDERS)
    asked.lessons.append(Answer(spec=asked.spec, workers=("W0003", "W0004")))
    allowed = actions(action_schema(asked))
    assert allowed.keys() == {"search", "fill", "give_up"}
    assert allowed["fill"]["properties"]["workers"]["items"]["enum"] == ["W0003", "W0004"]


@pytest.mark.parametrize("schema", [CORRECTION_SCHEMA, JUDGMENT_SCHEMA])
def test_a_schema_goes_out_as_the_chat_protocol_has_it(schema: Json) -> None:
    asked = response_format("form", schema)
    assert asked["type"] == "json_schema"
    assert asked["json_schema"] == {"name": "form", "schema": schema}
    assert jsonio.loads(jsonio.dumps(asked)) == asked


def test_what_must_be_there_is_what_the_forms_need_and_the_action() -> None:
    assert actions(action_schema(case(**WELDERS)))["search"]["required"] == [
        *("action", "role", "cities"),
    ]
    assert set(JUDGMENT_SCHEMA["required"]) == set(Judgment.model_fields)
    assert CORRECTION_SCHEMA["required"] == ["diagnosis"]
    assert Correction.model_fields["diagnosis"].is_required()


def test_the_forms_that_prompts_show_hold_nothing_that_could_pass_for_the_tasks() -> None:
    asked = case(**WELDERS)
    for prompt in (executor_prompt(asked), overseer_prompt(asked)):
        shown = prompt.partition("Task (")[0]
        # No day, no number, no id, no place: a copied form must not look like an answer.
        assert not any(sign.isdigit() for sign in shown)
        assert "YYYY" not in shown
        assert ", ST" not in shown
    copied = {"action": "search", "role": "...", "cities": ["..."]}
    assert jsonio.dumps(copied).decode().replace(",", ", ").replace(":", ": ") in executor_prompt(
        asked
    )
    assert isinstance(ACTION.validate_python(copied), Search)
