"""What is read from the answer of a chat: its text, why there is none, and whether it was cut.

Behind a gateway are providers of many kinds. What one of them calls thinking, refusing or stopping
is known here and nowhere else.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from battery.base.errors import ShapeError
from battery.base.jsonio import kind_of
from battery.protocol import LOOK_THERE, Json, explained, reported_failure

#: Where messages hold the thoughts of a model, which are no answer.
_THOUGHTS: Final = ("reasoning", "reasoning_content", "thinking", "reasoning_details")
_CALLS: Final = ("tool_calls", "function_call")
#: Parts of a content whose type has one of these words in it are not what the model answers.
_NO_TEXT: Final = re.compile(
    "think|thought|reason|analysis|commentary|tool|function|image|audio|video|file|refusal",
    re.IGNORECASE,
)
_TEXTS: Final = ("text", "content", "parts", "value")
#: Where other interfaces have the text that is promised at `choices[0].message.content`.
_ELSEWHERE: Final = (
    *(("message", "content"), ("content",), ("text",), ("output_text",), ("output", "content")),
    *(("choices", "text"), ("choices", "delta", "content"), ("choices", "message")),
    *(("response",), ("candidates", "content")),
)
_LISTS: Final = ("choices", "candidates", "output")
#: What begins a block of Markdown needs a line of its own, also where a part of a content ends.
_BLOCK: Final = re.compile(r" {0,3}(?:#{1,6}|[-*+]|\d{1,3}[.)])[ \t]|```|\|")
#: How providers call the end of an answer that ended by itself.
_WHOLE: Final = frozenset(
    {"stop", "end_turn", "stop_sequence", "eos", "eos_token", "end", "complete", "completed"}
    | {"finish", "finished", "done", "success", "null", "none", "unspecified", "stop_token", ""}
)
#: Words in the names of filters, and of limits. Any other end may be a cut, too.
_FILTER: Final = re.compile("filter|safety|policy|block|refus|prohibit|recitation|sensitive")
_CUT: Final = re.compile(f"length|token|limit|context|window|incomplete|{_FILTER.pattern}")
#: Where answers say how they ended, and that of the provider behind a router.
_ENDS: Final = (
    *("finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason", "doneReason"),
    *("incomplete_details", "native_finish_reason"),
)
#: Letters and symbols that look like nothing.
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")

_THINK_LESS: Final = (
    "let the gateway allow the model more tokens, or less thinking: it came to no answer"
)
_END_EXCERPT: Final = 60
_REFUSED: Final = (
    "look for what the model may object to in the tasks and answers that the prompt quotes, or "
    "start a new battery with another `models.overseer_cloud`"
)


def chat_content(answer: object) -> str:
    """Read `choices[0].message.content`; raise `ShapeError` where no text can be seen in it.

    Such an answer is an error: a review of nothing, judged, would cost a call and mean nothing.
    """
    # Step by step, because the message has to name the first step that fails.
    place, value = "", answer
    for step in ("choices", 0, "message", "content"):
        wanted = list if isinstance(step, int) else dict
        if not isinstance(value, wanted):
            word = "a list" if wanted is list else "an object"
            raise _failed(place, f"{word} was expected, got {kind_of(value)}", answer)
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else step
        if isinstance(value, dict):
            value = value.get(step)
        else:
            value = value[0] if value else None
    text = _text(value)
    if _is_visible(text):
        return text
    raise _failed(place, _why_empty(value, _message(answer)), answer)


def chat_text(answer: object) -> tuple[str, str | None]:
    """Read the text of an answer that is measured, and why there is none or not all of it.

    A model that says nothing, or refuses, has answered. Raises `ShapeError` for what is no answer
    of a model, as an error is.
    """
    message = _message(answer)
    content = message.get("content")
    if failure := _error(answer):
        raise ShapeError("", f"it reports an error: {failure}", LOOK_THERE)
    if not message or not isinstance(content, str | list | dict | None):
        return chat_content(answer), None
    text = _text(content)
    if _is_visible(text):
        return text, chat_cut(answer)
    if refusal := _refusal(answer):
        return refusal, "the model refused"
    end = _end(answer)
    return "", _why_empty(content, message) + (f"; {_told(end)}" if end else "")


def chat_cut(answer: object) -> str | None:
    """Return why the text of a chat answer may not be whole; None where nothing says so."""
    # Routers whose provider fails half way send what came, and the error next to it.
    if failure := _error(answer):
        return f"may be cut: it reports an error: {failure}"
    end = _end(answer)
    if end is None or _plain(end[1]) in _WHOLE:
        return None
    return f"{'was' if _is_cut(end) else 'may be'} cut: {_told(end)}"


def finish_reason(answer: object) -> str | None:
    """Return what an answer says of its end; None where it says nothing."""
    end = _end(answer)
    return end[1] if end else None


def _end(answer: object) -> tuple[str, str] | None:
    """Return what an answer says of its end, and the key: the first cut, else the first of all."""
    ends = [
        (key, value)
        for place in (_choice(answer), _message(answer), answer if isinstance(answer, dict) else {})
        for key in (*_ENDS, "status", "truncated")
        if (value := _reason(key, place.get(key)))
    ]
    return next(filter(_is_cut, ends), ends[0] if ends else None)


def _reason(key: str, value: object) -> str | None:
    if isinstance(value, dict):
        # Some servers send an object with the details of that end.
        value = value.get("type") or value.get("reason")
    if key == "truncated":
        return "true" if value is True else None
    # Any other status is not about the end.
    return value if isinstance(value, str) and (key != "status" or value == "incomplete") else None


def _is_cut(end: tuple[str, str]) -> bool:
    reason = _plain(end[1])
    return end[0] == "truncated" or (reason not in _WHOLE and bool(_CUT.search(reason)))


def _told(end: tuple[str, str]) -> str:
    key, reason = end
    return f"{key} is {reason if len(reason) <= _END_EXCERPT else reason[:_END_EXCERPT] + '…'!r}"


def chat_answer(content: str, model: str, usage: Json, finish_reason: str | None = None) -> Json:
    """Build the chat answer that `chat_content` and `chat_cut` read."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message}
    ended = {"finish_reason": finish_reason} if finish_reason else {}
    return {"model": model, "choices": [choice | ended], "usage": usage}


def _text(content: object) -> str:
    """Read the text of a content: a string, a part, or a list of parts; empty where it has none."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return _joined([_text(part) for part in content])
    # Some providers mark a thought only with a flag next to its text.
    if not isinstance(content, dict) or content.get("thought") is True:
        return ""
    if _NO_TEXT.search(f"{content.get('type')} {content.get('channel')}"):
        return ""
    return next(filter(None, (_text(content.get(key)) for key in _TEXTS)), "")


def _joined(parts: list[str]) -> str:
    whole = ""
    for part in parts:
        # Parts may end in the middle of a sentence, or be blocks of their own.
        apart = whole and not whole.endswith("\n") and _BLOCK.match(part)
        whole += f"\n\n{part}" if apart else part
    return whole


def _is_visible(text: str) -> bool:
    """Return whether anything in a text can be seen: a letter, a digit, a sign."""
    return any(unicodedata.category(char)[0] in "LNPS" and char not in _BLANK for char in text)


def _why_empty(content: object, message: Json) -> str:
    if content is not None and not isinstance(content, (str, list, dict)):
        return f"a string was expected, got {kind_of(content)}"
    if isinstance(content, str) and content.strip():
        return "a text was expected, got characters that nobody can see"
    if came := _came_instead(content, message):
        return f"no text came, only {came}"
    return f"a text was expected, got {kind_of(content)}"


def _came_instead(content: object, message: Json) -> str | None:
    if name := _thoughts(message):
        return f"reasoning (at {name})"
    if any(message.get(name) for name in _CALLS):
        return "calls of tools"
    return "parts of other types" if content and _NO_TEXT.search(str(content)) else None


def _failed(place: str, why: str, answer: object) -> ShapeError:
    """Name the cause where the answer tells it, not only its consequence."""
    if _choice(answer) and (failure := _error(answer)):
        return ShapeError("", f"it reports an error: {failure}", LOOK_THERE)
    if refusal := _refusal(answer):
        return ShapeError(place, f"the model refused: {refusal:.300}", _REFUSED)
    why += _elsewhere(answer)
    if not _choice(answer):
        return explained(place, why, answer)
    end = _end(answer)
    hint = _THINK_LESS if _thoughts(_message(answer)) else None
    if end and _FILTER.search(_plain(end[1])):
        hint = _REFUSED
    return ShapeError(place, f"{why}; {_told(end)}" if end else why, hint)


def _error(answer: object) -> str | None:
    """Return what an error next to a choice says."""
    places = (_choice(answer), _message(answer), answer)
    errors = (place.get("error") for place in places if isinstance(place, dict))
    return next(filter(None, (reported_failure({"error": error}) for error in errors)), None)


def _refusal(answer: object) -> str:
    """Return the words of a refusal, which have a place or a part of their own."""
    message = _message(answer)
    parts = message.get("content")
    places = (message, _choice(answer), *(parts if isinstance(parts, list) else [parts]))
    refusals = (
        place.get("refusal") or (str(place.get("type")).lower() == "refusal" and place.get("text"))
        for place in places
        if isinstance(place, dict)
    )
    return next(filter(_is_visible, map(_text, refusals)), "")


def _elsewhere(answer: object) -> str:
    """Name the place of a text that is not where it was promised; empty where there is none."""
    for path in _ELSEWHERE:
        place, value = "", answer
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
            place += f".{step}" if place else step
            if step in _LISTS and isinstance(value, list):
                place, value = f"{place}[0]", next(iter(value), None)
        if _is_visible(_text(value)):
            return f"; a text is at {place}, where none is promised"
    return ""


def _choice(answer: object) -> Json:
    choices = answer.get("choices") if isinstance(answer, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else {}


def _thoughts(message: Json) -> str | None:
    return next((name for name in _THOUGHTS if message.get(name)), None)


def _message(answer: object) -> Json:
    message = _choice(answer).get("message")
    return message if isinstance(message, dict) else {}


def _plain(reason: str) -> str:
    """Write `FinishReason.MAX_TOKENS`, `max-tokens` and `Max Tokens` alike."""
    name = re.sub(r"[^a-z]+", "_", reason.lower().rpartition(".")[2]).strip("_")
    return name.removeprefix("finish_reason_")
