"""Markdown of models as HTML that can neither run, load nor lead anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from battery.render.html.text import visible

#: A review longer than this is cut, and says so.
MOST_CHARACTERS: Final = 200_000


def prose(text: str, *, level: int) -> Markup:
    """Render Markdown with HTML switched off and links and images as their text and address.

    The first heading becomes one of `level` and no later one skips a level, so that they fit
    under the page's own.
    """
    cut = len(text) > MOST_CHARACTERS
    tokens = _PARSER.parse(visible(text[:MOST_CHARACTERS]))
    _fit_headings([token for token in tokens if token.type.startswith("heading_")], level)
    for token in tokens:
        if token.children:
            token.children = _without_links(token.children)
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    note = "<p>… The text goes on in its file.</p>" if cut else ""
    return Markup(html + note)  # noqa: S704 - written by the renderer, which escapes all text


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
            shown, address = "", str(token.attrGet("href") or "")
        elif token.type == "link_close":
            if address not in {shown, f"mailto:{shown}"}:
                kept.append(_text(f" ({address})"))
        elif token.type == "image":
            kept.append(_text(f"[image: {token.content}] ({token.attrGet('src')})"))
        else:
            shown += token.content
            kept.append(token)
    return kept


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _table_open(*_: Any) -> str:
    return '<div class="scroll" role="region" aria-label="Table" tabindex="0"><table>\n'


def _table_close(*_: Any) -> str:
    return "</table></div>\n"


_PARSER: Final = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_PARSER.add_render_rule("table_open", _table_open)
_PARSER.add_render_rule("table_close", _table_close)
