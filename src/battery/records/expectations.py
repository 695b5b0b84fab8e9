"""What a tasks file expects of its battery: what the gates hold it to, and what counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pydantic import ConfigDict, Field

from battery.protocol import Json
from battery.records.findings import Record

#: JSON has no comments, so these keys stand for them in a tasks file. `battery.inputs.tasks` takes
#: them out when it reads the file: they are sent to nobody, and a record has no such field.
COMMENT_KEY: Final = "$comment"

COMMENT: Final[Json] = {
    COMMENT_KEY: {
        "description": "For readers of the file; never sent.",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    }
}


def also(keys: Json) -> Callable[[Json], None]:
    """Allow keys in a record's JSON Schema that the record itself does not have."""
    return lambda schema: schema.update(properties={**keys, **schema["properties"]})


class Relevant(Record):
    """How large a difference between the arms has to be to count."""

    cost: float = Field(
        default=0.10, gt=0, lt=1, description="Share of what the work costs, such as of its tokens."
    )
    success: float = Field(
        default=0.10, gt=0, lt=1, description="Difference of the shares of tasks that are done."
    )


# Part of the tasks file, and so of its digest: a gate that was moved after the first result was
# seen makes it another battery.
class Expectations(Record):
    """What the gates hold the tasks to; fixed before the run, as part of the tasks file."""

    model_config = ConfigDict(json_schema_extra=also(COMMENT))

    gamma_token_factor: float = Field(
        default=5.0,
        gt=0,
        allow_inf_nan=False,
        description="Most tokens of an impossible task, as a multiple of the mean of easy tasks.",
    )
    gamma_max_tokens: int | None = Field(
        default=None, gt=0, description="Most tokens of an impossible task; wins over the factor."
    )
    alpha_without_overseer: bool = Field(
        default=True,
        description="Whether the gate fails when learning makes easy tasks need the overseer.",
    )
    beta_must_drift: bool = Field(
        default=True,
        description="Whether the gate fails when no niche task fails or needs the overseer at "
        "first.",
    )
    relevant: Relevant = Field(
        default=Relevant(), description="Which differences count; smaller ones are no finding."
    )
    max_turns: int | None = Field(
        default=None,
        gt=0,
        description="Most turns that the system takes; where all calls took so many, nothing was "
        "measured.",
    )
    tokens_per_call: int | None = Field(
        default=None,
        gt=0,
        description="Tokens that a task may take, for the estimate of `--dry-run`; an earlier "
        "battery in the folder wins over it.",
    )
