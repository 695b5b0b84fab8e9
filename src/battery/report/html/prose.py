"""Markdown of models as HTML that can neither run, load nor lead anywhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from html import unescape
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from battery.base.text import printable

#: A review longer than this is cut, and says so.
MOST_CHARACTERS: Final = 200_000
_WORD: Final = re.compile(r"[^\W_]+")
_TAG: Final = re.compile(r"<[^>]*>")


def prose(text: str, *, level: int) -> Markup:
    """Render Markdown with HTML switched off and links and images as their text and address.

    The first heading becomes one of `level` and no later one skips a level, so that they fit
    under the page's own. A text of which a word would be lost, as in lists nested very deeply, is
    shown as it was written.
    """
    cut = len(text) > MOST_CHARACTERS
    source = visible(text[:MOST_CHARACTERS])
    tokens = _PARSER.parse(source)
    _fit_headings([token for token in tokens if token.type.startswith("heading_")], level)
    for token in tokens:
        if token.children:
            token.children = _without_links(token.children)
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    # The reader judges a model by its words, so none may vanish because of how they were marked up.
    if _lost(source, html, tokens):
        html = f'<p class="note">As it was written:</p>\n<pre>{escape(source)}</pre>\n'
    # What is cut says so: a review that just ends would read as the model's own ending.
    note = "<p>… The text goes on in its file.</p>" if cut else ""
    return Markup(html + note)  # noqa: S704 - written by the renderer, which escapes all text


def _lost(source: str, html: str, tokens: Iterable[Token]) -> bool:
    """Return whether a word of the source is not on the page: the parser drops some silently."""
    # A tag separates words, as the mark did that it stands for; the browser writes list numbers.
    shown = Counter(_WORD.findall(unescape(_TAG.sub(" ", html))))
    shown.update(token.info for token in tokens if token.type == "list_item_open")
    return bool(Counter(_WORD.findall(source)) - shown)


def _fit_headings(tokens: Sequence[Token], level: int) -> None:
    """Shift the headings, openings and closings in turn, below those of the page."""
    highest = min((int(token.tag[1]) for token in tokens), default=1)
    before = level - 1
    for opening, closing in zip(tokens[::2], tokens[1::2], strict=True):
        before = min(int(opening.tag[1]) - highest + level, before + 1, 6)
        opening.tag = closing.tag = f"h{before}"


def _without_links(tokens: Sequence[Token]) -> list[Token]:
    """Put the address of a link or an image behind its text; nothing is left to click or load."""
    kept: list[Token] = []
    shown = address = ""
    for token in tokens:
        if token.type == "link_open":
            shown, address = "", _address(token, "href")
        elif token.type == "link_close":
            if address not in {shown, f"mailto:{shown}"}:
                kept.append(_text(f" ({address})"))
        elif token.type == "image":
            kept.append(_text(f"[image: {token.content}] ({_address(token, 'src')})"))
        else:
            shown += token.content
            kept.append(token)
    return kept


def _address(token: Token, name: str) -> str:
    address, title = token.attrGet(name) or "", token.attrGet("title")
    return f'{address} "{title}"' if title else str(address)


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _table_open(*_: Any) -> str:
    return '<div class="scroll" role="region" aria-label="Table" tabindex="0"><table>\n'


def _table_close(*_: Any) -> str:
    return "</table></div>\n"


def _fence(_: Any, tokens: Sequence[Token], index: int, *__: Any) -> str:
    token = tokens[index]
    language = token.info.strip()
    note = f'<p class="note">{escape(language)}</p>\n' if language else ""
    return f"{note}<pre><code>{escape(token.content)}</code></pre>\n"


class _Markdown(MarkdownIt):
    """Addresses stay as they were written: they are shown and never followed."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - the library's name
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 - the library's name
        return link


_PARSER: Final = (
    _Markdown("commonmark", {"html": False})
    .enable(["table", "strikethrough"])
    # Definitions of links would vanish, and an entity is what its writer typed.
    .disable(["reference", "entity"])
)
_PARSER.add_render_rule("table_open", _table_open)
_PARSER.add_render_rule("table_close", _table_close)
_PARSER.add_render_rule("fence", _fence)


def visible(text: str) -> str:
    r"""Show foreign text as it is, line by line, with control characters as escapes: `\x1b`."""
    return "\n".join(map(_visible_line, text.replace("\r\n", "\n").split("\n")))


def _visible_line(text: str) -> str:
    return text if text.isprintable() else "".join(map(_visible_character, text))


def _visible_character(char: str) -> str:
    # Not `printable` alone, which folds the spaces that code and tables are aligned with.
    return char if char.isprintable() or char in "\t\u00a0\u3000" else printable(char) or " "
