"""Read the numbers of an iteration out of the overseer prompt, also when they were cut off."""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple

from pydantic import BaseModel, ValidationError

from battery.protocol.wire import Json

_BLOCK: Final = re.compile(r"```json\s*\n(.*?)(?:\n```|\Z)", re.DOTALL)
_METRICS: Final = re.compile(r'"metrics"\s*:\s*')
_TASKS: Final = re.compile(r'"tasks"\s*:\s*\[')
_BETWEEN: Final = re.compile(r"[\s,]*")


class Row(BaseModel):
    """One task of the iteration, in the battery's own keys; null where it was not measured."""

    operation: str
    phase: str | None = None
    status: str | None = None
    iterations: int | None = None
    tokens: int | None = None
    overseer_called: bool | None = None
    error: str | None = None
    elapsed_s: float | None = None


class Figures(NamedTuple):
    """What could be read of an iteration; `gap` says what could not, None when all could."""

    metrics: Json
    rows: list[Row]
    gap: str | None

    def number(self, metric: str) -> float | None:
        """Return a metric's value; None when it is missing or no number."""
        value = self.metrics.get(metric)
        return value if isinstance(value, int | float) else None


def read_figures(prompt: str) -> Figures:
    """Read metrics and task rows from the prompt's JSON block; salvage what a cut left whole."""
    found = _BLOCK.search(prompt)
    if found is None:
        return Figures({}, [], "there is no block of evidence in the question")
    block = found[1]
    # The standard parser, not the fast one: only it can stop after the first whole value.
    try:
        evidence = json.loads(block)
    except ValueError:
        return _salvage(block)
    if not isinstance(evidence, dict):
        return Figures({}, [], "the evidence is not an object with metrics and tasks")
    return _figures(evidence.get("metrics"), evidence.get("tasks"), None)


def _salvage(block: str) -> Figures:
    metrics = _first(block, _METRICS)
    tasks = _items(block)
    gap = f"the evidence breaks off; {len(tasks)} task rows could be read whole"
    if metrics is None:
        gap += ", the metrics could not"
    # Nothing is guessed about the rest; the review says that it is missing.
    return _figures(metrics, tasks, gap)


def _figures(metrics: object, tasks: object, gap: str | None) -> Figures:
    rows = [row for task in (tasks if isinstance(tasks, list) else []) if (row := _row(task))]
    return Figures(metrics if isinstance(metrics, dict) else {}, rows, gap)


def _row(task: object) -> Row | None:
    try:
        return Row.model_validate(task)
    except ValidationError:
        return None


def _first(block: str, key: re.Pattern[str]) -> object:
    found = key.search(block)
    if found is None:
        return None
    try:
        return json.JSONDecoder().raw_decode(block, found.end())[0]
    except ValueError:
        return None


def _items(block: str) -> list[object]:
    """Read the elements of the tasks list, up to the one that the cut broke."""
    found = _TASKS.search(block)
    items: list[object] = []
    at = found.end() if found else len(block)
    while between := _BETWEEN.match(block, at):
        try:
            item, at = json.JSONDecoder().raw_decode(block, between.end())
        except ValueError:
            break
        items.append(item)
    return items
