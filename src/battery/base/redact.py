"""Keep secrets out of everything that is stored or shown, also when a server echoes them.

Each client does it as an answer arrives, the one place that every answer and every error passes:
journal, artifacts, terminal, spans and reports then never see a secret, and need not know one.
"""

from __future__ import annotations

import base64
import html
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

REPLACEMENT: Final = "[redacted]"
#: Values of this length are cut out wherever they occur, inside words too.
MIN_SECRET: Final = 6
#: Shorter credentials are cut out where they are words of their own; shorter than this, a
#: credential keeps nobody out, and to cut it out would leave nothing of an answer.
MIN_WORD: Final = 3

#: How much of a secret at the end of a text that was cut off is taken for one.
_MIN_HALF: Final = 4
#: Escapes within escapes that are undone: URL-encoded within HTML within JSON.
_DEPTH: Final = 3
#: Bytes of a long answer that are looked at together.
_WINDOW: Final = 1 << 20
#: The longest spelling of one character, such as `\\\\u0026amp;amp;#x0000002f;`.
_SPELLING: Final = 32

#: What nobody sees: control sequences, control characters, format characters.
_UNSEEN: Final = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
)
_HEX: Final = "[0-9a-fA-F]"
#: A half escape at the end of a text that was cut off.
_HALF_ESCAPE: Final = re.compile(r"(?:%(?:25)*[0-9a-fA-F]?|\\+(?:[ux]\w{0,3})?|&#?\w{0,9})$")

Range = tuple[int, int]


class Redactor:
    """Replace secrets wherever they occur, in whatever spelling.

    A secret is found in any case, in Base64 and hexadecimal, and with any of its characters
    escaped as URLs, HTML, JSON and Markdown do, once or several times, or with characters between
    them that nobody sees. `spared` are words that structure an answer: neither they nor parts of
    them are cut out.
    """

    def __init__(self, secrets: Iterable[str], spared: Collection[str] = ()) -> None:

        def may_go(text: str) -> bool:
            return not any(text in word for word in spared)

        kept = {secret for secret in secrets if may_go(secret.lower())}
        self._escape = _escape_pattern("".join(kept))
        forms = {form for secret in kept for form in self._forms(secret) if may_go(form)}
        plain = {form for form in forms if len(form) >= MIN_SECRET}
        #: Longest first: where a secret was cut off, as much of it as there is has to go.
        self._plain = sorted(plain, key=len, reverse=True)
        self._encoded = sorted({_lower(text) for form in kept for text in _encoded(form)})
        needles = {*self._plain, *self._encoded}
        #: One of these is in every other, so that there is little to look for in good answers.
        self._cores = [n for n in needles if not any(o in n for o in needles if o != n)]
        self._shortest = min(map(len, forms), default=0)
        self._overlap = _SPELLING * max(map(len, needles), default=MIN_SECRET)
        words = "|".join(re.escape(f) for f in sorted(forms - plain) if len(f) >= MIN_WORD)
        self._words = re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])") if words else None
        self._idle = not needles and not words

    def text(self, text: str) -> str:
        """Replace every secret in a text."""
        return _cut(text, self._ranges(text)) if self._holds_one(text) else text

    def excerpt(self, text: str) -> str:
        """Replace every secret in a text that was cut off, perhaps in the middle of a secret."""
        # Half a password is a help to whoever guesses the rest.
        return _cut(text, [*self._ranges(text), *self._ranges(text, self._half)])

    def document(self, parsed: Any, raw: bytes | str | None = None) -> Any:
        """Replace every secret in a parsed document, in keys as in values.

        Given what it was parsed from, walks through the document only if there is a secret in it.
        """
        if self._idle or (raw is not None and not self._is_in(raw)):
            return parsed
        return self._walk(parsed)

    def error(self, error: BaseException) -> None:
        """Replace every secret in the words of an error, and of all that led to it.

        With `--debug` their traceback is shown, and a protocol error quotes what arrived.
        """
        pending: list[BaseException | None] = [error]
        seen: set[int] = set()
        while pending:
            one = pending.pop()
            if one is None or id(one) in seen:
                continue
            seen.add(id(one))
            one.args = tuple(map(self._argument, one.args))
            if isinstance(one, OSError):
                # Its words are made of these and not of its arguments.
                one.strerror = self._argument(one.strerror)
                one.filename = self._argument(one.filename)
            if hasattr(one, "__notes__"):
                one.__notes__ = [self.text(note) for note in one.__notes__]
            pending += [one.__cause__, one.__context__]
            if isinstance(one, BaseExceptionGroup):
                pending += one.exceptions

    def _argument(self, argument: Any) -> Any:
        if argument is None or isinstance(argument, int | float):
            return argument
        words = argument if isinstance(argument, str) else repr(argument)
        clean = self.text(words)
        return argument if clean == words else clean

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._walk(item) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self._walk(item) for key, item in value.items()}
        return value

    def _is_in(self, raw: bytes | str) -> bool:
        """Look through a long text piece by piece, which takes no memory."""
        for start in range(0, len(raw), _WINDOW):
            piece = raw[start : start + _WINDOW + self._overlap]
            text = piece if isinstance(piece, str) else piece.decode("utf-8", "replace")
            if self._holds_one(text):
                return True
        return False

    def _holds_one(self, text: str) -> bool:
        if self._idle or len(text) < self._shortest:
            return False
        for _ in range(_DEPTH):
            if self._shows_one(_lower(text)):
                return True
            bare = self._escape.sub(_unescaped, text)
            if bare == text:
                return False
            text = bare
        return self._shows_one(_lower(text))

    def _shows_one(self, lower: str) -> bool:
        if any(core in lower for core in self._cores):
            return True
        return self._words is not None and self._words.search(lower) is not None

    def _ranges(
        self, text: str, look: Callable[[str], Iterator[Range]] | None = None
    ) -> list[Range]:
        """Find what to cut out of a text: look at it as it is, and without its escapes."""
        ranges: list[Range] = []
        layers: list[_Layer] = []
        while True:
            spans = (look or self._look)(_lower(text))
            ranges += [_first_source(layers, span) for span in spans]
            if len(layers) == _DEPTH or not self._escape.search(text):
                return ranges
            layers.append(self._without_escapes(text))
            text = layers[-1].text

    def _look(self, text: str) -> Iterator[Range]:
        for needle in self._plain:
            yield from _places(text, needle)
        for needle in self._encoded:
            # The characters around it share bits with the secret.
            for start, end in _places(text, needle):
                yield max(start - 1, 0), min(end + 1, len(text))
        if self._words:
            yield from (match.span() for match in self._words.finditer(text))

    def _half(self, text: str) -> Iterator[Range]:
        cut = _HALF_ESCAPE.search(text)
        text, end = text[: cut.start()] if cut else text, len(text)
        for needle in [*self._plain, *self._encoded]:
            for length in range(min(len(needle), len(text)), _MIN_HALF - 1, -1):
                if text.endswith(needle[:length]):
                    yield len(text) - length, end

    def _without_escapes(self, text: str) -> _Layer:
        """Undo one layer of escapes, and keep where each character comes from."""
        layer = _Layer([], [], [])
        place = last = 0
        for match in self._escape.finditer(text):
            character = _unescaped(match)
            layer.add(place, last, text[last : match.start()])
            place += match.start() - last
            layer.add(place, match.start(), character)
            place += len(character)
            last = match.end()
        layer.add(place, last, text[last:])
        return layer

    def _forms(self, secret: str) -> Iterator[str]:
        """Spell a secret as it is found in each layer: it may look like an escape itself."""
        for _ in range(_DEPTH + 1):
            yield _lower(secret)
            # Escaped, a backslash at the end is taken for part of what escapes the character after.
            yield _lower(secret.rstrip("\\"))
            secret = self._without_escapes(secret).text


class _Layer(NamedTuple):
    """A text without one layer of escapes, in pieces, and where they begin here and there."""

    starts: list[int]
    sources: list[int]
    pieces: list[str]

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def add(self, start: int, source: int, piece: str) -> None:
        self.starts.append(start)
        self.sources.append(source)
        self.pieces.append(piece)

    def source(self, position: int) -> int:
        """Return where a character was before; where others vanished, behind them."""
        piece = bisect_right(self.starts, position) - 1
        return self.sources[piece] + position - self.starts[piece]


def _first_source(layers: list[_Layer], span: Range) -> Range:
    start, end = span
    for layer in reversed(layers):
        start, end = layer.source(start), layer.source(end)
    return start, end


def without_user(url: str) -> str:
    """Cut user and password out of a URL, which somebody else wrote, in whatever form."""
    return re.sub(r"^([^/?#]*//)?[^/?#]*@", r"\1", url)


def url_secrets(url: str) -> Iterator[str]:
    """List what must stay secret in a URL with user and password, as written and as meant."""
    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
    except ValueError:
        return
    for password in filter(None, {parts.password, unquote(parts.password or "")}):
        yield from (password, f"{unquote(parts.username or '')}:{password}")


def _escape_pattern(secrets: str) -> re.Pattern[str]:
    """Match escapes of any character, but after a backslash only what can be of use."""
    # Good texts are full of `\n`, `\"` and, in most languages, of `\u4e2d`.
    letters = {*secrets, *secrets.lower(), *secrets.upper()}
    marks = "".join(sorted(c for c in letters if c.isascii() and not c.isalnum()))
    units = [f"{ord(c):04x}" for c in sorted(letters) if not c.isascii()]
    unit = "|".join([f"00{_HEX}{{2}}", "200[b-f]", "202[a-e]", f"206{_HEX}", "feff", *units])
    high = f"[89a-fA-F]{_HEX}"
    kinds = [
        # A character of several bytes is undone as a whole.
        rf"(?<=%)(?:25)*(?:(?P<utf8>{high}(?:%(?:25)*{high})*)|(?P<byte>{_HEX}{{2}}))",
        rf"(?<=\\)\\*(?:u(?P<unit>(?i:{unit}))|x(?P<octet>{_HEX}{{2}})"
        + (rf"|(?P<mark>[{re.escape(marks)}]))" if marks else ")"),
        rf"(?<=&)(?:amp;)*(?:#[xX]0*(?P<hex>{_HEX}{{1,6}});?|#0*(?P<number>\d{{1,7}});?"
        r"|(?P<name>[A-Za-z][A-Za-z0-9]{1,31};|lt|gt|quot|amp))",
        r"(?<=\x1b)\[[0-9;?]*[ -/]*[@-~]",
        rf"(?<=[{_UNSEEN}])",
    ]
    # It begins with one set of characters, which the engine is quick to look for.
    return re.compile(rf"[\\%&{_UNSEEN}](?:{'|'.join(kinds)})")


def _unescaped(match: re.Match[str]) -> str:
    """Return the character that an escape means; nothing for what nobody sees."""
    kind, text = match.lastgroup, match[match.lastgroup] if match.lastgroup else ""
    if kind == "mark":
        return text
    if kind == "name":
        character = html.unescape(f"&{text}")
        return character if len(character) == 1 else match[0]
    if kind == "utf8":
        return bytes.fromhex(re.sub("%(?:25)*", "", text)).decode("utf-8", "replace")
    if kind is None:
        return ""
    number = int(text, 10 if kind == "number" else 16)
    return chr(number) if number <= 0x10FFFF else ""


def _encoded(secret: str) -> Iterator[str]:
    """Write a secret in hexadecimal, and in Base64 as it looks in the middle of other bytes."""
    data = secret.encode()
    if len(data) < MIN_SECRET:
        return
    yield data.hex()
    for before in range(3):
        # Only characters that are made of the secret alone are the same whatever is around it.
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(before) + data).decode()[first:last]


def _lower(text: str) -> str:
    """Write a text in lower case, each character in its place."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower()[0] for c in text)


def _places(text: str, needle: str) -> Iterator[Range]:
    start = text.find(needle)
    while start >= 0:
        yield start, start + len(needle)
        start = text.find(needle, start + len(needle))


def _cut(text: str, ranges: list[Range]) -> str:
    """Replace ranges, which may overlap, each group of them once."""
    if not ranges:
        return text
    pieces: list[str] = []
    last = 0
    for start, end in sorted(ranges):
        if start > last or not pieces:
            pieces.append(text[last:start])
            last = end
        last = max(last, end)
    return REPLACEMENT.join([*pieces, text[last:]])
