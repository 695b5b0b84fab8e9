"""The table of check kinds: what each is, when it passes, and how it is judged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from battery.base.processes import signal_name
from battery.base.text import brief, listed, printable
from battery.grading import declining, paths, values, words
from battery.grading.processes import LOAD_LIMIT_S, BrokenCheckError, Commands, Member
from battery.protocol import Json
from battery.records.checks import FIELDS, Check

_TRACEBACK: Final = "Traceback (most recent call last):"


class Bench(NamedTuple):
    """What checks run on: their processes, and the folder where their files are."""

    worker: Member
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
        return FIELDS[self.key]


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


def _by_value(compare: Callable[[Any, Any], str | None]) -> Callable[[Any, Case], str | None]:
    return lambda wanted, case: compare(wanted, case.value)


def _number(wanted: float, case: Case) -> str | None:
    return values.number(wanted, case.check.within, case.value)


def _matches(wanted: str, case: Case) -> str | None:
    text = case.text
    if text is None:
        return f"a text expected, {values.got(case.value)}"
    request = {"do": "matches", "pattern": wanted, "text": text}
    if case.bench.worker.ask(request, case.check.timeout_s):
        return None
    return f"{values.shown(wanted)} is not found in {values.shown(text)}"


def _usable_pattern(wanted: str, _: Bench) -> None:
    try:
        re.compile(wanted)
    except (re.error, OverflowError, RecursionError) as error:
        raise BrokenCheckError(f"not a regular expression: {error}") from error


def _contains(wanted: list[str] | str, case: Case) -> str | None:
    missing = [phrase for phrase, there in _looked_up(wanted, case.text) if not there]
    return f"{values.shown(missing)} not in {_said(case)}" if missing else None


def _not_contains(wanted: list[str] | str, case: Case) -> str | None:
    present = [phrase for phrase, there in _looked_up(wanted, case.text) if there]
    return f"{values.shown(present)} in {_said(case)}" if present else None


def _looked_up(wanted: list[str] | str, text: str | None) -> Iterator[tuple[str, bool]]:
    """Yield each phrase, and whether it is in a text."""
    spoken = words.words(text or "")
    for phrase in _listed(wanted):
        yield phrase, words.has_phrase(spoken, words.words(phrase))


def _said(case: Case) -> str:
    return values.shown(case.text or case.value)


def _listed(wanted: list[str] | str) -> list[str]:
    return [wanted] if isinstance(wanted, str) else wanted


def _usable_words(wanted: list[str] | str, _: Bench) -> None:
    if not _listed(wanted):
        raise BrokenCheckError("no words are given")
    for phrase in _listed(wanted):
        if not words.words(phrase):
            raise BrokenCheckError(f"{values.shown(phrase)} has no word in it; use `matches`")


def _declines(wanted: bool | list[str], case: Case) -> str | None:
    text = case.text
    artifact = case.answer.get("artifact") if case.check.path is None else None
    handed_in = declining.handed_in(artifact)
    added = wanted if isinstance(wanted, list) else []
    declined = text is not None and handed_in is None and declining.declines(text, added)
    if declined is (wanted is not False):
        return None
    if declined:
        return f"it declines: {values.shown(text)}"
    why = f", and hands in `{printable(handed_in)}`" if handed_in is not None else ""
    return f"it does not say that the task cannot be done{why}: {_said(case)}"


def _usable_phrases(wanted: bool | list[str], bench: Bench) -> None:
    if isinstance(wanted, list):
        _usable_words(wanted, bench)


def _schema(wanted: Json | bool, case: Case) -> str | None:
    request = {"do": "schema", "schema": wanted, "value": case.value}
    prepare = {"do": "import_schemas"}
    reason = case.bench.worker.ask(request, case.check.timeout_s, prepare)
    return None if reason is None else f"not valid: {brief(reason, values.SHOWN)}"


def _usable_schema(wanted: Json | bool, bench: Bench) -> None:
    bench.worker.ask({"do": "usable_schema", "schema": wanted}, LOAD_LIMIT_S)


def _negated(wanted: Check, case: Case) -> str | None:
    if judge(wanted, case._replace(check=wanted.model_copy(update={"path": case.check.path}))):
        return None
    stated = listed([kind.key for kind in kinds_of(wanted)])
    return f"must not pass `{stated}`, {values.got(case.value)}"


def _usable_negated(wanted: Check, bench: Bench) -> None:
    if wanted.path is not None:
        raise BrokenCheckError("the check in `not` has the path of the one around it: leave it out")
    for kind in kinds_of(wanted):
        kind.usable(getattr(wanted, kind.field), bench)


def _python(wanted: str, case: Case) -> str | None:
    call = {"do": "call", **_function(wanted, case.bench), "task": case.task, "answer": case.answer}
    load = {"do": "load", **_function(wanted, case.bench)}
    reason = case.bench.worker.ask(call, case.check.timeout_s, load)
    return None if reason is None else brief(reason, values.SHOWN)


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
        return brief(said, values.SHOWN) or "exit code 1, and no reason on standard error"
    if code == 1:
        raise BrokenCheckError(f"it crashed: {brief(said.splitlines()[-1], values.SHOWN)}")
    how = f"was killed by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"
    last = f": {brief(said, values.SHOWN)}" if said else ""
    raise BrokenCheckError(f"it {how} (0 passes, 1 fails, any other says that it broke){last}")


def _usable_command(wanted: list[str], bench: Bench) -> None:
    paths.program(bench.folder, wanted[0])


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
        _by_value(values.equals),
        in_words=True,
        of_nothing=True,
    ),
    Kind(
        "one_of",
        "The value is equal to one of the list.",
        "What `equals` refuses of each.",
        _by_value(values.one_of),
        in_words=True,
        of_nothing=True,
    ),
    Kind(
        "length",
        "A list has so many items, a text so many characters, an object so many keys.",
        "A number, `null`.",
        _by_value(values.length),
    ),
    Kind(
        "unique",
        "`true`: no item of the list is there twice; `false`: one is. Compared as in `equals`.",
        "What is not a list.",
        _by_value(values.unique),
    ),
    Kind(
        "same_items",
        "The list has these items and no others, in any order and however often.",
        "What is not a list.",
        _by_value(values.same_items),
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
