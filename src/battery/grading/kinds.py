"""The table of check kinds: what each is, when it passes, and how it is judged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from math import isfinite
from pathlib import Path
from typing import Any, Final, NamedTuple

from battery.base.text import brief, listed, printable
from battery.grading import declining, paths, words
from battery.grading.processes import LOAD_LIMIT_S, BrokenCheckError, Commands, Worker, signal_name
from battery.protocol import Json, kind_of
from battery.records.checks import Check

#: Columns of a value, or of a check's own words, that a reason shows.
SHOWN: Final = 300
_TRACEBACK: Final = "Traceback (most recent call last):"


class Bench(NamedTuple):
    """What checks run on: their processes, and the folder where their files are."""

    worker: Worker
    commands: Commands
    folder: Path | None


class Case(NamedTuple):
    """What a condition is judged on."""

    check: Check
    #: What is at the check's path, or the words of the answer; None where nothing is.
    value: Any
    task: Json
    answer: Json
    bench: Bench

    @property
    def text(self) -> str | None:
        """The value as a text; None where it has none."""
        if isinstance(self.value, int | float) and not isinstance(self.value, bool):
            return _written(self.value)
        return words.text_of(self.value)


class Kind(NamedTuple):
    """One kind of condition."""

    #: As the tasks file has it.
    key: str
    passes: str
    #: What it does not accept, although one might think so.
    refuses: str
    #: Returns why it does not pass, else None; raises `BrokenCheckError`.
    judge: Callable[[Any, Case], str | None]
    #: Raises `BrokenCheckError` where no answer could be judged by it.
    usable: Callable[[Any, Bench], None] = lambda _, __: None
    #: Whether it judges the words of the answer where the check has no path.
    in_words: bool = False
    #: Whether it has something to say where nothing is there; the others fail.
    of_nothing: bool = False

    @property
    def field(self) -> str:
        """The name of the field of `Check`."""
        return _FIELDS.get(self.key, self.key)


_FIELDS: Final = {"schema": "json_schema", "not": "negated"}


def judge(check: Check, case: Case) -> str | None:
    """Return why a value does not meet a check, condition by condition; None where it does."""
    reasons = [
        "nothing is there"
        if case.value is None and not kind.of_nothing
        else kind.judge(getattr(check, kind.field), case)
        for kind in kinds_of(check)
    ]
    return "; ".join(dict.fromkeys(filter(None, reasons))) or None


def kinds_of(check: Check) -> list[Kind]:
    """List the kinds of condition that a check states, in the order of the table."""
    return [kind for kind in KINDS if kind.field in check.model_fields_set]


def shown(value: Any) -> str:
    """Show the beginning of a value, on one harmless line."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError, TypeError):
        text = f"{kind_of(value)} that is too large to show"
    return brief(text, SHOWN)


def key_of(value: Any) -> object:
    """Return what is equal for values that are equal in JSON: 1 is 1.0, and true is not 1."""
    if isinstance(value, dict):
        return ("object", frozenset((name, key_of(item)) for name, item in value.items()))
    if isinstance(value, list):
        return ("list", tuple(map(key_of, value)))
    return (type(value).__name__ if value is None or isinstance(value, bool | str) else "", value)


def _equals(wanted: Any, case: Case) -> str | None:
    same = key_of(case.value) == key_of(wanted)
    return None if same else f"{shown(wanted)} expected, {_got(case.value)}"


def _one_of(wanted: list[Any], case: Case) -> str | None:
    if key_of(case.value) in map(key_of, wanted):
        return None
    return f"one of {shown(wanted)} expected, {_got(case.value)}"


def _length(wanted: int, case: Case) -> str | None:
    if not isinstance(case.value, list | str | dict):
        return f"a list or a text expected, {_got(case.value)}"
    items = "characters" if isinstance(case.value, str) else "items"
    size = len(case.value)
    return None if size == wanted else f"{wanted} {items} expected, got {size}"


def _unique(wanted: bool, case: Case) -> str | None:
    if not isinstance(case.value, list):
        return f"a list expected, {_got(case.value)}"
    seen: dict[object, Any] = {}
    for item in case.value:
        key = key_of(item)
        if key in seen:
            return f"{shown(item)} is there twice" if wanted else None
        seen[key] = item
    return None if wanted else "no item is there twice"


def _same_items(wanted: list[Any], case: Case) -> str | None:
    if not isinstance(case.value, list):
        return f"a list expected, {_got(case.value)}"
    here = {key_of(item): item for item in case.value}
    expected = {key_of(item): item for item in wanted}
    missing = [item for key, item in expected.items() if key not in here]
    extra = [item for key, item in here.items() if key not in expected]
    parts = [f"{shown(missing)} missing"] if missing else []
    parts += [f"{shown(extra)} not expected"] if extra else []
    return listed(parts) or None


def _number(wanted: float, case: Case) -> str | None:
    value, within = case.value, case.check.within
    infinite = isinstance(value, float) and not isfinite(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or infinite:
        return f"a number expected, {_got(value)}"
    # As written in decimals: as floats, 0.4 is not within 0.1 of 0.3.
    if abs(_exact(value) - _exact(wanted)) <= _exact(within):
        return None
    return f"{wanted:g} within {within:g} expected, {_got(value)}"


def _exact(number: float) -> Fraction:
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def _matches(wanted: str, case: Case) -> str | None:
    text = case.text
    if text is None:
        return f"a text expected, {_got(case.value)}"
    request = {"do": "matches", "pattern": wanted, "text": text}
    if case.bench.worker.ask(request, case.check.timeout_s):
        return None
    return f"{shown(wanted)} is not found in {shown(text)}"


def _usable_pattern(wanted: str, _: Bench) -> None:
    try:
        re.compile(wanted)
    except (re.error, OverflowError, RecursionError) as error:
        raise BrokenCheckError(f"not a regular expression: {error}") from error


def _contains(wanted: list[str] | str, case: Case) -> str | None:
    text = case.text
    missing = [phrase for phrase in _listed(wanted) if not _has(text, phrase)]
    return f"{shown(missing)} not in {shown(text or case.value)}" if missing else None


def _not_contains(wanted: list[str] | str, case: Case) -> str | None:
    text = case.text
    present = [phrase for phrase in _listed(wanted) if _has(text, phrase)]
    return f"{shown(present)} in {shown(text)}" if present else None


def _has(text: str | None, phrase: str) -> bool:
    return text is not None and words.has_phrase(words.words(text), words.words(phrase))


def _listed(wanted: list[str] | str) -> list[str]:
    return [wanted] if isinstance(wanted, str) else wanted


def _usable_words(wanted: list[str] | str, _: Bench) -> None:
    if not _listed(wanted):
        raise BrokenCheckError("no words are given")
    for phrase in _listed(wanted):
        if not words.words(phrase):
            raise BrokenCheckError(f"{shown(phrase)} has no word in it; use `matches`")


def _declines(wanted: bool | list[str], case: Case) -> str | None:
    text = case.text
    artifact = case.answer.get("artifact") if case.check.path is None else None
    handed_in = declining.handed_in(artifact)
    added = wanted if isinstance(wanted, list) else []
    declined = text is not None and handed_in is None and declining.declines(text, added)
    if declined is (wanted is not False):
        return None
    if declined:
        return f"it declines: {shown(text)}"
    why = f", and hands in `{printable(handed_in)}`" if handed_in is not None else ""
    return f"it does not say that the task cannot be done{why}: {shown(text or case.value)}"


def _usable_phrases(wanted: bool | list[str], bench: Bench) -> None:
    if isinstance(wanted, list):
        _usable_words(wanted, bench)


def _schema(wanted: Json | bool, case: Case) -> str | None:
    request = {"do": "schema", "schema": wanted, "value": case.value}
    prepare = {"do": "import_schemas"}
    reason = case.bench.worker.ask(request, case.check.timeout_s, prepare)
    return None if reason is None else f"not valid: {brief(reason, SHOWN)}"


def _usable_schema(wanted: Json | bool, bench: Bench) -> None:
    bench.worker.ask({"do": "usable_schema", "schema": wanted}, LOAD_LIMIT_S)


def _negated(wanted: Check, case: Case) -> str | None:
    if judge(wanted, case._replace(check=wanted.model_copy(update={"path": case.check.path}))):
        return None
    stated = listed([kind.key for kind in kinds_of(wanted)])
    return f"must not pass `{stated}`, {_got(case.value)}"


def _usable_negated(wanted: Check, bench: Bench) -> None:
    if wanted.path is not None:
        raise BrokenCheckError("the check in `not` has the path of the one around it: leave it out")
    for kind in kinds_of(wanted):
        kind.usable(getattr(wanted, kind.field), bench)


def _python(wanted: str, case: Case) -> str | None:
    call = {"do": "call", **_function(wanted, case.bench), "task": case.task, "answer": case.answer}
    load = {"do": "load", **_function(wanted, case.bench)}
    reason = case.bench.worker.ask(call, case.check.timeout_s, load)
    return None if reason is None else brief(reason, SHOWN)


def _usable_python(wanted: str, bench: Bench) -> None:
    bench.worker.ask({"do": "load", **_function(wanted, bench)}, LOAD_LIMIT_S)


def _function(wanted: str, bench: Bench) -> Json:
    name, _, function = wanted.rpartition(":")
    return {"file": str(paths.file(bench.folder, name)), "function": function}


def _command(wanted: list[str], case: Case) -> str | None:
    argv = [str(paths.program(case.bench.folder, wanted[0])), *wanted[1:]]
    document = {"task": case.task, "answer": case.answer}
    code, said = case.bench.commands.run(argv, case.bench.folder, case.check.timeout_s, document)
    if code == 0:
        return None
    if code == 1 and _TRACEBACK not in said:
        return brief(said, SHOWN) or "exit code 1, and no reason on standard error"
    if code == 1:
        raise BrokenCheckError(f"it crashed: {brief(said.splitlines()[-1], SHOWN)}")
    how = f"was killed by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
    last = f": {brief(said, SHOWN)}" if said else ""
    raise BrokenCheckError(f"it {how} (0 passes, 1 fails, any other says that it broke){last}")


def _usable_command(wanted: list[str], bench: Bench) -> None:
    paths.program(bench.folder, wanted[0])


def _got(value: Any) -> str:
    return "nothing is there" if value is None else f"got {shown(value)}"


def _written(number: float) -> str | None:
    try:
        return json.dumps(number)
    except ValueError:
        return None


KINDS: Final = (
    Kind(
        "equals",
        "The value is equal, as JSON: 1 is 1.0, and the order of keys does not matter.",
        '`true` for 1, `"1"` for 1, other case or spaces in a text.',
        _equals,
        in_words=True,
        of_nothing=True,
    ),
    Kind(
        "one_of",
        "The value is equal to one of the list.",
        "What `equals` refuses of each.",
        _one_of,
        in_words=True,
        of_nothing=True,
    ),
    Kind(
        "length",
        "A list has so many items, a text so many characters, an object so many keys.",
        "A number, `null`.",
        _length,
    ),
    Kind(
        "unique",
        "`true`: no item of the list is there twice; `false`: one is. Compared as in `equals`.",
        "What is not a list.",
        _unique,
    ),
    Kind(
        "same_items",
        "The list has these items and no others, in any order and however often.",
        "What is not a list.",
        _same_items,
    ),
    Kind(
        "number",
        "The number is at most `within` away, compared in decimals.",
        "A number in a text, `true`.",
        _number,
    ),
    Kind(
        "matches",
        "The regular expression (Python's) is found somewhere in the text.",
        "What has no text.",
        _matches,
        _usable_pattern,
        in_words=True,
    ),
    Kind(
        "contains",
        "All these words or phrases are in the text, as whole words. Case, spaces and punctuation "
        "do not count.",
        "Parts of words: `art` in `start`. It passes where they are denied: `cold` in `not cold`.",
        _contains,
        _usable_words,
        in_words=True,
    ),
    Kind(
        "not_contains",
        "None of these words or phrases is in the text, compared as in `contains`.",
        "An answer without words.",
        _not_contains,
        _usable_words,
        in_words=True,
    ),
    Kind(
        "declines",
        "`true`: the text says that the task cannot be done, and hands nothing in. A list adds "
        "phrases that say so. `false`: it does not say so.",
        "A text that hands in a part; an artifact with a list that is not empty.",
        _declines,
        _usable_phrases,
        in_words=True,
    ),
    Kind(
        "schema",
        "The value is valid by the JSON Schema, draft 2020-12 unless `$schema` names another.",
        "A `$ref` that leads out of the schema: nothing is fetched. `format` is not looked at.",
        _schema,
        _usable_schema,
        of_nothing=True,
    ),
    Kind(
        "not",
        "The check in it, which has the same path, does not pass.",
        "A `path` in that check.",
        _negated,
        _usable_negated,
        in_words=True,
        of_nothing=True,
    ),
    Kind(
        "python",
        "The function, called with task and answer, returns `True`.",
        "`False`, or a text: the reason. An exception, or anything else that it returns, breaks "
        "the check.",
        _python,
        _usable_python,
        in_words=True,
        of_nothing=True,
    ),
    Kind(
        "command",
        'The command, given `{"task": …, "answer": …}` on standard input, ends with exit code 0.',
        "Exit code 1; what it wrote to standard error is the reason. Any other exit code, a "
        "signal or a Python traceback breaks the check.",
        _command,
        _usable_command,
        in_words=True,
        of_nothing=True,
    ),
)
