"""One call as a readable transcript, whatever gateway answered, and how a page packs them.

A transcript is a JSON object of texts: a page needs to know nothing of gateways, and numbers of
any length stay as they were. The texts are foreign and as they came, control characters included.
It is no artifact: its shape may change. A page holds them compressed, in groups, and unpacks a
group when one of its calls is opened.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from battery.base import jsonio
from battery.base.numbers import duration
from battery.protocol import NOT_HANDED_IN, OVERSEER_KIND, Json, log_entries
from battery.records.models import ELAPSED_KEY, Arm, Run
from battery.report.html.readable import readable

#: A transcript takes at most so many bytes of JSON.
MOST_BYTES: Final = 200_000
#: Where the text of a log entry is found, the first that is a text.
_TEXTS: Final = ("text", "content", "message")
#: Shown apart from the rest of an answer.
_KNOWN: Final = {"status", "iterations", "artifact", "log", "error", ELAPSED_KEY}


class _Room(NamedTuple):
    """How much a transcript may hold."""

    entries: int
    characters: int


#: Tried in turn until the transcript is small enough; the last one always is.
_ROOMS: Final = (
    _Room(5_000, 50_000),
    _Room(1_000, 10_000),
    _Room(300, 2_000),
    _Room(100, 300),
    # A character takes six bytes at most, so this always fits.
    _Room(40, 150),
)


def transcript(run: Run, answer: Json, source: str) -> bytes:
    """Make the transcript of a call as JSON; `source` is the file that holds the whole answer.

    Keys: `task` (class, operation, spec), `facts` (name and value of each number), `checks` (place,
    outcome, what it states, reason), `error`, `answer` (what was handed in, to be read), `entries`
    (kind, turn, text, more of each log entry), `artifact` (all of it as JSON), `rest` (what else
    the answer holds), `source`, and `cut`: whether anything was cut to keep to `MOST_BYTES`. The
    run's task has its checks where they are known.
    """
    whole = _whole(run, answer, source)
    packed = jsonio.dumps(whole)
    # The roomiest that fits: most calls are small and stay whole, whatever one gateway logs.
    for room in _ROOMS:
        if len(packed) <= MOST_BYTES:
            break
        whole["entries"] = _entries(answer, room)
        packed = jsonio.dumps(_short({**whole, "cut": True}, room.characters))
    return packed


def _whole(run: Run, answer: Json, source: str) -> Json:
    rest = {key: value for key, value in answer.items() if key not in _KNOWN}
    return {
        "task": [run.task.task_class, run.task.operation, _json(run.task.spec)],
        "facts": _facts(run, answer),
        "checks": list(_checks(run)),
        # What refutes a claim is shown check by check.
        "error": run.result.own_error or "",
        "answer": _handed_in(answer.get("artifact")),
        # More never fit, and take much memory.
        "entries": _entries(answer, _ROOMS[0]),
        "artifact": "" if answer.get("artifact") is None else _json(answer["artifact"]),
        "rest": _json(rest) if rest else "",
        "source": source,
        "cut": False,
    }


def _facts(run: Run, answer: Json) -> list[list[str]]:
    result = run.result
    graded = result.checked is not None
    return [
        *([["Claimed", str(answer.get("status"))]] if graded else []),
        ["Graded" if graded else "Status", result.status],
        ["Turns", _count(result.turns)],
        ["Tokens", _count(result.tokens)],
        ["Time", duration(result.elapsed_ms / 1000)],
        ["Overseer", "stepped in" if result.overseer_called else "not needed"],
        *([["Cache", "answered from a cache"]] if result.cached else []),
    ]


def _handed_in(artifact: Any) -> str:
    """Write what was handed in, without how it came about: a reader judges the answer by it."""
    if isinstance(artifact, dict):
        artifact = {key: value for key, value in artifact.items() if key not in NOT_HANDED_IN}
        # An agent that talks hands in a text, and nothing else.
        if len(artifact) == 1 and isinstance(text := next(iter(artifact.values())), str):
            return text
    return readable(artifact)[: MOST_BYTES + 1]


def _checks(run: Run) -> Iterator[list[str]]:
    """Yield place, outcome, statement and reason of each check that the answer was held to."""
    checked = run.result.checked
    if checked is None:
        return
    stated = run.task.held_to(run.phase)
    reasons = {failed.check: failed.reason for failed in checked.failed}
    # A tasks file that is gone, or was edited since, may lack a check that failed.
    for place in dict.fromkeys([*stated, *reasons]):
        outcome = "failed" if place in reasons else "passed" if checked.claimed else "not asked"
        check = stated.get(place)
        statement = _json(check.model_dump(mode="json", by_alias=True)) if check else ""
        yield [place, outcome, statement, reasons.get(place, "")]


def _count(count: int | None) -> str:
    return "not reported" if count is None else f"{count:,}"


def _entry(entry: Json) -> Json:
    more = dict(entry)
    turn = more.pop("turn", None)
    # A log is a gateway's own: what is in an entry may be any JSON.
    kind = more.pop("kind", None) if isinstance(entry.get("kind"), str | None) else None
    text = next((more.pop(key) for key in _TEXTS if isinstance(entry.get(key), str)), "")
    return {
        "kind": kind or "entry",
        "turn": "" if turn is None else _json(turn),
        "text": text,
        "more": _json(more) if more else "",
        "overseer": kind == OVERSEER_KIND,
    }


def _json(value: Any) -> str:
    # Where it is longer, all of the transcript is cut to less; as text it can take four times the
    # memory.
    written = jsonio.dumps_indented(value)[: MOST_BYTES + 1]
    return written.decode(errors="ignore").rstrip("\n")


def _entries(answer: Json, room: _Room) -> list[Json]:
    log = log_entries(answer.get("log"))
    missing = len(log) - room.entries
    if missing <= 0:
        return [_entry(entry) for entry in log]
    # The end tells how it came out, so both ends stay.
    half = room.entries // 2
    gap = {"kind": "left out", "text": f"{missing} entries are left out here."}
    return [_entry(entry) for entry in (*log[:half], gap, *log[-half:])]


def _short(value: Any, most: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= most else f"{value[:most]} … [cut]"
    if isinstance(value, list):
        return [_short(each, most) for each in value]
    if isinstance(value, dict):
        return {key: _short(each, most) for key, each in value.items()}
    return value


#: A group is unpacked whole to show one call of it.
_GROUP_CALLS: Final = 50
_GROUP_BYTES: Final = 1_000_000
#: The best takes up to three times as long as this one, and saves a twentieth.
_LEVEL: Final = 7
#: All groups of a page together take at most so many characters.
MOST_CHARACTERS: Final = 24_000_000


class Group(NamedTuple):
    """Some transcripts: the names of the calls, and base64 of gzip of one JSON object by name."""

    names: str
    packed: str


class Groups:
    """Pack transcripts (JSON by name) one group after another, until the page is full.

    One group is in memory at a time. `left_out` counts, once all is packed, the transcripts that
    did not fit.
    """

    def __init__(
        self, transcripts: Iterable[tuple[str, bytes]], *, most: int = MOST_CHARACTERS
    ) -> None:
        self._transcripts = transcripts
        self._room = most
        self.left_out = 0

    def __iter__(self) -> Iterator[Group]:
        """Yield the groups in the order of the calls; the same calls give the same groups."""
        for documents in _grouped(self._transcripts):
            group = _packed(documents)
            if len(group.packed) > self._room:
                # What follows is left out too: a page with gaps would be harder to explain.
                self._room = 0
                self.left_out += len(documents)
                continue
            self._room -= len(group.packed)
            yield group


def call_name(iteration: int, arm: Arm, row: int, repeat: int) -> str:
    """Name a call for links into the page; `row` is the task's place in the grid, from 0."""
    return f"call-{iteration}-{arm}-{row}-{repeat}"


def rerun_name(iteration: int, row: int, number: int) -> str:
    """Name one of the reruns that confirm that a task fails, counted from 1."""
    return f"call-{iteration}-rerun-{row}-{number}"


def _grouped(transcripts: Iterable[tuple[str, bytes]]) -> Iterator[dict[str, bytes]]:
    documents: dict[str, bytes] = {}
    size = 0
    for name, document in transcripts:
        documents[name] = document
        size += len(document)
        if len(documents) == _GROUP_CALLS or size > _GROUP_BYTES:
            yield documents
            documents, size = {}, 0
    if documents:
        yield documents


def _packed(documents: dict[str, bytes]) -> Group:
    pairs = (b'"%s":%s' % (name.encode(), text) for name, text in documents.items())
    # Without a time in it: the same battery gives the same page, byte for byte.
    packed = gzip.compress(b"{" + b",".join(pairs) + b"}", _LEVEL, mtime=0)
    return Group(" ".join(documents), base64.b64encode(packed).decode())
