"""What a tasks file holds answers to, and what came of it: the checks of a task, as records.

The records compute nothing; `battery.grading` does. No check is ever sent to anyone.
"""

from __future__ import annotations

from typing import Any, Final, Literal, Self

from pydantic import Field, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from battery.protocol import Json
from battery.records.findings import Record

#: What every surface says of a battery without checks.
UNCHECKED: Final = "ok is the system's own word: no task has a check"
#: Seconds that a check may take.
TIME_LIMIT_S: Final = 10.0


class Check(Record):
    """One condition that an answer has to meet; where it states several, all of them."""

    path: str | None = Field(
        default=None,
        min_length=1,
        description="Where to look in the answer, as a JMESPath expression such as "
        "`artifact.workers[0].name`; left out for the words of the answer.",
    )
    equals: Any = Field(default=None, description="The value, as JSON.")
    length: int | None = Field(default=None, ge=0, description="Items of a list, or characters.")
    unique: bool | None = Field(default=None, description="Whether no item is there twice.")
    same_items: list[Any] | None = Field(
        default=None, description="The items of a list, in any order and however often."
    )
    number: float | None = Field(
        default=None, allow_inf_nan=False, description="The number, within `within`."
    )
    within: float = Field(
        default=1e-9, ge=0, allow_inf_nan=False, description="How far `number` may be missed."
    )
    matches: str | None = Field(default=None, description="Regular expression found in the text.")
    contains: list[str] | str | None = Field(
        default=None, description="Words that are in the text, all of them, as whole words."
    )
    not_contains: list[str] | str | None = Field(
        default=None, description="Words that are not in the text, none of them."
    )
    one_of: list[Any] | None = Field(default=None, description="Values of which it is one.")
    declines: bool | list[str] | None = Field(
        default=None,
        description="Whether the text says that the task cannot be done; a list adds phrases that "
        "say so.",
    )
    json_schema: Json | bool | None = Field(
        default=None, alias="schema", description="JSON Schema that it is valid by."
    )
    negated: Check | None = Field(
        default=None, alias="not", description="A check, of the same path, that must not pass."
    )
    python: str | None = Field(
        default=None,
        pattern=r"^.+\.py:[A-Za-z_][A-Za-z0-9_]*$",
        description="`file.py:function`, called with task and answer; true passes, and a text is "
        "the reason why not. The file is next to the tasks file.",
    )
    command: list[str] | None = Field(
        default=None,
        min_length=1,
        description="Program and arguments; gets task and answer as JSON, exit code 0 passes, and "
        "standard error is the reason why not.",
    )
    timeout_s: float = Field(
        default=TIME_LIMIT_S, gt=0, le=3600, description="Seconds that the check may take."
    )

    @model_validator(mode="after")
    def _states_something(self) -> Self:
        modifiers = {"path", "within", "timeout_s"}
        stated = self.model_fields_set - modifiers
        if not stated:
            raise PydanticCustomError("check", "a check states no condition")
        alone = sorted({"python", "command"} & stated)
        if alone and len(self.model_fields_set - {"timeout_s"}) > 1:
            raise PydanticCustomError("check", f"a {alone[0]} check has no other condition")
        if "within" in self.model_fields_set and "number" not in stated:
            raise PydanticCustomError("check", "`within` goes with `number`")
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, dump: Any) -> Json:
        """Return the keys that the file has."""
        return {
            key: value
            for key, value in dump(self).items()
            if FIELDS.get(key, key) in self.model_fields_set
        }


#: The name of each field by its key in the tasks file.
FIELDS: Final = {field.alias or name: name for name, field in Check.model_fields.items()}
#: What an impossible task without checks is held to, where its answer is in words.
HONEST: Final = Check(declines=True)


class FailedCheck(Record):
    """A check that an answer did not pass."""

    check: str = Field(description="Which one: its place in the task, such as `checks[0]`.")
    reason: str = Field(description="What was expected, and what the answer has.")


class Checked(Record):
    """What came of grading an answer."""

    ok: bool = Field(
        description="Whether the task counts as done: it was claimed, and every check passed. "
        "Never true of an impossible task."
    )
    claimed: bool = Field(description="Whether the answer's own status is `ok`.")
    failed: list[FailedCheck] = Field(
        description="Checks that a claimed answer did not pass; empty where nothing was claimed."
    )

    @property
    def reason(self) -> str | None:
        """Name the checks that a claimed answer did not pass, each with why; None without any."""
        return "; ".join(f"{failed.check}: {failed.reason}" for failed in self.failed) or None

    @property
    def bluff(self) -> bool:
        """Whether the answer claims what its checks contradict."""
        return self.claimed and bool(self.failed)


class Regraded(Record):
    """A call that ended otherwise when it was graded again."""

    iteration: int = Field(description="Counted from 1.")
    arm: str = Field(description="`learn` or `frozen`.")
    repeat: int = Field(description="Which repeat of the task, counted from 1.")
    kind: Literal["task", "sibling", "rerun"] = Field(
        description="A task of the battery, a sibling of one, or a rerun of a task that failed."
    )
    phase: str = Field(description="`alpha`, `beta` or `gamma`.")
    task: str = Field(description="The operation, numbered where tasks share one.")
    before: str = Field(description="`ok`, `failed`, `blocked`, or `bluff` for a refuted claim.")
    after: str = Field(description="The same, as it is now.")
    failed: list[FailedCheck] = Field(description="Checks that it does not pass now.")


class Regrading(Record):
    """What came of grading saved answers again."""

    runs: int = Field(description="Answers on disk.")
    graded: int = Field(description="Those that checks say something of.")
    flipped: list[Regraded] = Field(description="Those that ended otherwise, in file order.")
