"""Read a verdict out of words: APPROVE, REVISE or REJECT, and what people write for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, get_args

Word = Literal["APPROVE", "REVISE", "REJECT"]
# How far into a line a label, a title or a verdict may be; it keeps long lines cheap.
REACH: Final = 200
_ENGLISH: Final = {
    "APPROVE": r"approv(?:ed?|al|ing)|accept(?:ed)?|lgtm|looks good(?: to me)?|ship it|green-?lit",
    "REVISE": (
        r"revis(?:ed?|ion)|needs? (?:more |some |a )?(?:work|changes?|rework|revisions?)"
        r"|rework(?:ed)?|request(?:ed|s|ing)?[ _]changes?|changes?[ _](?:requested|needed|required)"
        r"|modify|amend"
    ),
    "REJECT": (
        r"reject(?:ed|ion|ing)?|declined?|den(?:y|ied)|veto(?:ed)?|nack|no-go|won't do|wontfix"
    ),
}
_OTHERS: Final = {
    "APPROVE": (
        r"genehmig(?:t|en|ung)|zugestimmt|angenommen|annehmen|freigegeben|aprobad[oa]|aprobar|aprovad[oa]|aprovar"
        r"|approuvée?|approuver|acceptée?|accepter|approvat[oa]|approvare"
    ),
    "REVISE": (
        r"überarbeite[nt]|nachbessern|revisar|modificar|réviser|révisée?|à revoir|(?:da )?rivedere"
    ),
    "REJECT": (
        r"abgelehnt|ablehn(?:en|ung)|zurückgewiesen|rechazad[oa]|rechazar|rejeitad[oa]|rejeitar|rejetée?"
        r"|rejeter|refusée?|refus(?:er)?|rifiutat[oa]|rifiutare|respint[oa]"
    ),
}
# Without spaces between words there are no borders of words either.
_UNSPACED: Final = {
    "APPROVE": (
        r"(?<![不未否非미])(?<!无法|無法|不予|不能|难以)(?:批准|通过|通過|同意|采纳|採納|承認|採用|승인)"
        r"(?!\s?[はを이은을]?\s?(?:でき(?:ませ|な|ず)|しま?せ|しない|され(?:ませ|な)|せず|不可|불가|거[부절]|보류|못|안|하지))"
    ),
    "REVISE": r"修改|修订|修訂|修正|改訂|見直し|수정",
    "REJECT": (
        r"不(?:予)?(?:批准|通过|通過|同意|采纳|承認|採用)|拒绝|拒絕|驳回|駁回|否决|却下|拒否|기각|거부|반려"
    ),
}
_START, _END = r"(?<![^\W_])", r"(?![^\W_])"
_WORD = "|".join(
    f"(?P<{word}>{_START}(?:{_ENGLISH[word]}|{_OTHERS[word]}){_END}|{_UNSPACED[word]})"
    for word in get_args(Word)
)
_ANY_WORD = re.compile(_WORD, re.IGNORECASE)
# What is not, or would only otherwise be.
_DENIED = re.compile(
    r"(?:\b(?:not|never|cannot|neither|nor|without|lack(?:s|ing)?|partial(?:ly)?|nicht|keine?|teilweise"
    r"|non|nunca|sin|sem|pas|no(?!\s*[\u2013—-])|fail(?:s|ed)?\W+to(?:\W+\w+)?|withh[eo]ld(?:s|ing)?)"
    r"|n['\u2019]t"
    r"|\b(?:would|could|might)\W+(?:have\W+)?be(?:en)?|\b(?:would|could|might)\W+have)"
    r"\W+(?:yet\W+|fully\W+|be\W+|been\W+|ready\W+to\W+)?(?:an?\W+|my\W+|our\W+)?$",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    r"\w+\s*\?\W*no\b|approval\W+(?:(?:is|was|has been|cannot be)\W+)?"
    r"(?:not|denied|refused|withheld|declined|rejected|pending|required|granted only)\b",
    re.IGNORECASE,
)
# What was only a first thought, or is a condition.
_CONSIDERED = re.compile(
    r"\b(?:inclined|tempted|leaning|leaned|lean|considered|considering|wanted|meant|initially"
    r"|at first|originally|instead of|rather than|short of|reason(?:s)? to|until|before|unless|if"
    r"|once|when|whether)\b(?:\W+\w+){0,3}\W+$",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.,:;!?]\s")
_WOULD = re.compile(r"\bwould\W+(?:\w+\W+)?$", re.IGNORECASE)
_ONLY_IF = re.compile(r"[^.!?\n]{0,80}\b(?:if|once|were|had|but)\b|\W+an?\b", re.IGNORECASE)
_CHOICE = r"(?:approved?|revised?|reject(?:ed)?)\W*(?:or\W*)?"
# The prompt's own list of words, given back instead of one of them.
_TEMPLATE = re.compile(
    rf"(?:{_CHOICE}){{3}}|\W*(?:approved?|revised?|reject(?:ed)?)\W*(?:[|/]|\bor\b)\W*{_CHOICE}$",
    re.IGNORECASE,
)
_IN_BOLD = re.compile(r"\*\*[^\w*]*(\w+)[^\w*]*\*\*")
# Struck out, or with an empty box.
_UNTAKEN = re.compile(
    r"~~.*?~~|(?:\[\s?\]|☐)\s*(?:approved?|revised?|reject(?:ed)?)\b", re.IGNORECASE
)
# What leads to the last word on it.
_FINALLY = re.compile(
    r"(?:[:→]|->|=>|\b(?:so|therefore|hence|thus|now|finally|final(?: verdict)?(?: is)?"
    r"|changed? (?:it )?to|settle on|in the end|overall))\W*(?:i\W+)?$",
    re.IGNORECASE,
)
_ARROW = re.compile(r"\W*(?:→|->|=>)\W*")
_RECONSIDERED = re.compile(
    r"\b(?:changed? (?:it )?to|on (?:second thought|reflection)|no,)\W",
    re.IGNORECASE,
)
# What an arrow leads to may be a later state.
_LATER = re.compile(
    r"\W*\b(?:once|if|after|when|upon|with|provided|pending|as soon as)\b", re.IGNORECASE
)
# Between two words that are left open, each for a part or a voter; not where one is in brackets.
_EITHER = re.compile(
    r"(?:[^\w(]*(?:\b(?:(?:and/)?or|vs|versus)\b)|[^.;(\n]{0,60}[/|])[^\w(]*", re.IGNORECASE
)
_IN_BRACKETS = re.compile(r"\([^()\n]{0,80}\)")
_ONLY = re.compile(
    rf"\W*(?:proposals?\W+(?:to\W+(?:be\W+)?)?)?(?:{_WORD})\W*(?:proposals?\W*|changes\W*)?(?:\d+\W*)?",
    re.IGNORECASE,
)


def is_verdict(text: str) -> bool:
    """Return whether a text is a verdict and nothing else."""
    return len(text) <= REACH and bool(_ONLY.fullmatch(text))


def decide(text: str) -> tuple[Word | None, str]:
    """Find the verdict in the text of a field; return what is said after it, too.

    None where a text decides nothing, or names several words and none as the last one.
    """
    text = _UNTAKEN.sub("", text)
    if _TEMPLATE.match(re.sub(r"^\W+", "", text)):
        # All words are there, and the one in bold is meant.
        bold = _IN_BOLD.findall(text)
        chosen = _ANY_WORD.fullmatch(bold[0]) if len(bold) == 1 else None
        return (word_of(chosen), "") if chosen else (None, "")
    found = list(_given(text))
    if not found:
        return None, ""
    last = found[-1]
    if len({word_of(one) for one in found}) == 1 or not re.search(r"\w", text[: found[0].start()]):
        if _is_open(text, found):
            return None, ""
        chosen = last if _changes(text, found[0], last) else found[0]
    elif _FINALLY.search(text[max(0, last.start() - REACH) : last.start()]):
        chosen = last
    else:
        capitals = [one for one in found if one[0].isupper()]
        if len({word_of(one) for one in capitals}) != 1:
            return None, ""
        chosen = capitals[0]
    return word_of(chosen), said_after(text[chosen.end() :])


def _is_open(text: str, found: list[re.Match[str]]) -> bool:
    """Return whether the first two words stand next to each other as a choice."""
    first = found[0]
    other = next((one for one in found if word_of(one) != word_of(first)), None)
    if other is None or not other[0].isupper():
        return False
    between = _IN_BRACKETS.sub("", text[first.end() : other.start()])
    return bool(_EITHER.fullmatch(between))


def words_in(text: str) -> Iterator[tuple[Word, int, str]]:
    """Yield each verdict of a text that is not taken back: what it is, where, and as written."""
    for found in _given(text):
        yield word_of(found), found.start(), found[0]


def _given(text: str) -> Iterator[re.Match[str]]:
    for found in _ANY_WORD.finditer(text[: 20 * REACH]):
        before = text[max(0, found.start() - REACH) : found.start()]
        if is_denied(before) or _CONSIDERED.search(_CLAUSE.split(before)[-1]):
            continue
        if _DENIED_AFTER.match(text, found.start()):
            continue
        if _WOULD.search(before) and _ONLY_IF.match(text, found.end()):
            continue
        yield found


def is_denied(before: str) -> bool:
    """Return whether a verdict word that follows this text is denied."""
    return bool(_DENIED.search(_CLAUSE.split(before[-REACH:])[-1]))


def _changes(text: str, first: re.Match[str], last: re.Match[str]) -> bool:
    """Return whether the first word is taken back for the last, as in APPROVE → REVISE."""
    between = text[first.end() : last.start()]
    arrow = _ARROW.fullmatch(between) and not _LATER.match(text, last.end())
    return bool(arrow or _RECONSIDERED.search(between))


def word_of(found: re.Match[str]) -> Word:
    """Return the verdict that a match of the words stands for."""
    return next(word for word in get_args(Word) if found[word])


def said_after(text: str) -> str:
    """Return a text without the marks that separate it from what comes before."""
    return re.sub(r"^[\s*_.:,;)\]>=\u2013—-]*[^\w\s`*_(\[\"'<~]*\s*", "", text).strip()
