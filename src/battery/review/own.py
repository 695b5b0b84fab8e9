"""Take from an answer what the model says itself: no thoughts, no doubled escapes, plain signs."""

from __future__ import annotations

import html
import re
from typing import Final, NamedTuple

from battery.base import jsonio

#: Characters and lines of an answer that are read, without thoughts. Real ones have under 30,000
#: characters in 500 lines.
READ_LIMIT: Final = 100_000
LINE_LIMIT: Final = 4_000
#: Characters that are looked through for thoughts.
_WHOLE_LIMIT: Final = 1_000_000
# Channels as gpt-oss writes them; only the final one is meant for the reader. Some servers drop
# the marks and leave the words: analysisWe need to … assistantfinal## What worked
_CHANNEL = re.compile(
    r"(?:<\|channel\|>\s*(?P<name>\w+)|\b(?P<bare>analysis|commentary|final))[^<\n]{0,80}"
    r"(?:<\|constrain\|>[^<\n]{0,80})?<\|message\|>",
    re.IGNORECASE,
)
_CHANNEL_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_BARE_ANALYSIS = re.compile(r"\s*(?:assistant)?(?:analysis|commentary)(?=[\w*#])")
_BARE_FINAL = re.compile(r"assistant\s*final(?=\W|[A-Z\d]|$)")
_THOUGHT = (
    r"(?:[a-z]+[:_]|ant)?think(?:ing)?|thoughts?|thought[_ ]process|reasoning|reflection|analysis"
    r"|scratchpad|(?:inner|internal)_monologue|chain_of_thought|deliberation|思考"
)
# Some servers escape the signs, some models put spaces, a bar or backticks around the name.
_TAG = rf"(?:<|&lt;)\|?\s?%s(?!end_)(?:{_THOUGHT})(?:\s[^<>&\n]*)?\|?(?:>|&gt;)"
# Opened at the start of a line, else it may be a text about such tags; so is one in a code fence.
_MARK = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})"
    # Or where a sentence or another mark has just ended.
    rf"|(?:^[ \t]*|(?<=[.!?:>])|(?<=[.!?:>] ))(?P<open>{_TAG % ''}"
    rf"|^`<(?:{_THOUGHT})>`[ \t]*$|<unused94>\s*thought"
    rf"|<\|(?:start|begin)_(?:of_)?(?:{_THOUGHT})\|>"
    rf"|<\|channel>\s*thought|\[(?:{_THOUGHT})\]|◁think▷|<details type=\"?reasoning[^>\n]*>"
    r"|<details[^>\n]{0,100}>\s{0,20}<summary>[^<\n]{0,20}(?:think|thought|reasoning))"
    rf"|(?P<close>`?{_TAG % '/'}`?|<unused95>|<\|end_(?:of_)?(?:{_THOUGHT})\|>|<channel\|>"
    rf"|\[/(?:{_THOUGHT})\]|◁/think▷|</details>)",
    re.MULTILINE | re.IGNORECASE,
)
# Thoughts and answer as two parts, each under a line of its own.
_PREAMBLE = re.compile(
    r"\s*(?:(?P<open>Thinking\.{3}|Here(?: is|'s) my thought process:)"
    r"|[#*]+[ ]?(?:thinking|thoughts|thought process|reasoning|scratchpad)[:*]*)[ \t]*\n",
    re.IGNORECASE,
)
_PREAMBLE_END = re.compile(
    r"^(?:\.{3}done thinking\.|Here(?: is|'s) my response:"
    r"|[#*]+[ ]?(?:my )?(?:final )?(?:answer|response)[:*]*)[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
# What names a field of a verdict as well, where an answer is made of tags.
_IS_FIELD = re.compile(r"<(?:proposals?|verdicts?|items?|changes?)\b[^<>]*>", re.IGNORECASE)
_PLAIN: Final = {
    **dict.fromkeys([*range(0x2000, 0x200B), 0xA0, 0x202F, 0x205F, 0x3000], " "),
    **dict.fromkeys([0x2010, 0x2011, 0xFE63, 0xFF0D], "-"),
    **dict.fromkeys([0x85, 0x2028, 0x2029], "\n"),
    # Marks without a width: they would split words and paths in silence.
    **dict.fromkeys([0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF]),
    **dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)]),
}
_ENTITY = re.compile(r"&(?:nbsp|shy|#\d{1,5}|#x[\da-f]{1,4});", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TABLE_LINE = re.compile(r"\s*\|")
# Markdown's links that name their target elsewhere: [a.py][1] and [1]: src/a.py.
_REFERENCE = re.compile(r"\[([^\[\]\n]{1,200})\]\[([^\[\]\n]{0,60})\]")
_DEFINITION = re.compile(r"^ {0,3}\[([^\[\]\n]{1,60})\]: +<?([^\s>]+)", re.MULTILINE)
#: Keys under which an answer may be wrapped in JSON.
_WRAPPERS: Final = ("content", "text", "answer", "response", "output", "markdown", "message")


class Own(NamedTuple):
    """The words of an answer that are meant for its reader."""

    text: str
    warnings: list[str]


def own_words(answer: str, name: str) -> Own:
    """Return an answer without its thoughts, in plain typography and no longer than is read.

    `name` says in warnings which answer it is.
    """
    decoded = _decoded(answer[:_WHOLE_LIMIT]).removeprefix("\ufeff")
    said, is_open = _outside_tags(_final_channel(decoded))
    warnings = []
    if is_open or (decoded.strip() and not said.strip()):
        warnings.append(
            f"the {name} ended inside its thoughts, which are not read: a proposal or a verdict "
            "in them may be a draft"
        )
    plain = _ENTITY.sub(lambda found: html.unescape(found[0]), _linked(said[:READ_LIMIT]))
    lines = plain.replace("\r\n", "\n").translate(_PLAIN).split("\n", LINE_LIMIT)
    left_out = len(answer) - _WHOLE_LIMIT if len(answer) > _WHOLE_LIMIT else 0
    left_out += max(0, len(said) - READ_LIMIT) + sum(map(len, lines[LINE_LIMIT:]))
    if left_out:
        warnings.append(
            f"the {name} is too long to be read whole: its last {left_out:,} characters were not "
            "read"
        )
    return Own("\n".join(map(_broken, lines[:LINE_LIMIT])), warnings)


def without_thoughts(answer: str) -> str:
    """Return an answer as it came, without its thoughts; empty when it is thoughts alone."""
    return _outside_tags(_final_channel(answer.removeprefix("\ufeff")))[0]


def _linked(text: str) -> str:
    """Write the target of a link next to it; lines are read one by one later."""
    targets = {name.lower(): target for name, target in _DEFINITION.findall(text)}

    def inline(link: re.Match[str]) -> str:
        target = targets.get((link[2] or link[1]).lower())
        return f"[{link[1]}]({target})" if target else link[0]

    return _REFERENCE.sub(inline, text) if targets else text


def _broken(line: str) -> str:
    # A row of a table must stay one line.
    return _BREAK.sub("  " if _TABLE_LINE.match(line) else "\n", line)


def _decoded(text: str) -> str:
    """Undo JSON around the answer: a string in a string, or line ends written out."""
    for _ in range(3):
        inner = _unwrapped(text)
        if inner is None:
            break
        text = inner
    if text.count("\\n") > max(1, text.count("\n")):
        text = text.replace("\\r", "").replace("\\n", "\n").replace('\\"', '"')
    return text


def _unwrapped(text: str) -> str | None:
    bare = text.strip().removeprefix("\ufeff")
    if not bare.startswith(('"', "{")):
        return None
    try:
        value = jsonio.loads(bare.encode("utf-8", "surrogatepass"))
    except ValueError:
        return None
    if isinstance(value, dict) and not any(isinstance(v, list | dict) for v in value.values()):
        value = next((value[key] for key in _WRAPPERS if isinstance(value.get(key), str)), None)
    return value if isinstance(value, str) else None


def _final_channel(text: str) -> str:
    channels = list(_CHANNEL.finditer(text)) if "<|message|>" in text else []
    if channels:
        finals = [
            found.end() for found in channels if (found["name"] or found["bare"]).lower() == "final"
        ]
        return _CHANNEL_END.split(text[finals[-1] :], maxsplit=1)[0] if finals else ""
    if _BARE_ANALYSIS.match(text):
        *thoughts, final = _BARE_FINAL.split(text)
        return final if thoughts else ""
    preamble = _PREAMBLE.match(text)
    if preamble:
        end = _PREAMBLE_END.search(text, preamble.end())
        if end or preamble["open"]:
            return text[end.end() :] if end else ""
    return text


def _outside_tags(text: str) -> tuple[str, bool]:
    """Cut out what is between thought tags; return also whether the last thought never ends."""
    fields = _IS_FIELD.search(text)
    kept: list[str] = []
    start, opened, fence, shown = 0, "", "", False
    for mark in _MARK.finditer(text):
        if mark["fence"]:
            if not opened:
                fence = "" if fence and mark["fence"].startswith(fence) else fence or mark["fence"]
                shown = False
        elif mark["open"]:
            if fence:
                shown = True
            elif not opened and not _is_field(mark, fields):
                kept.append(text[start : mark.start()])
                opened = mark["open"]
        elif opened and _closes(opened, mark["close"]):
            start, opened = mark.end(), ""
        elif (
            not opened and not shown and _ends_thoughts(text, mark) and not _is_field(mark, fields)
        ):
            # The template opened the thoughts, so all before is one of them.
            kept.clear()
            start, fence = mark.end(), ""
    return "".join(kept) + ("" if opened else text[start:]), bool(opened)


def _is_field(mark: re.Match[str], fields: re.Match[str] | None) -> bool:
    inside = fields is not None and fields.start() < mark.start()
    return inside and "think" not in mark[0].lower()


def _closes(opened: str, mark: str) -> bool:
    return (mark.lower() == "</details>") == opened.lower().startswith("<details")


def _ends_thoughts(text: str, mark: re.Match[str]) -> bool:
    if mark[0].lower() == "</details>":
        return False
    before = text[max(0, mark.start() - 200) : mark.start()].rpartition("\n")[2]
    return not before.strip() or text[mark.end() : mark.end() + 200].lstrip(" \t\r")[:1] in {
        "",
        "\n",
    }
