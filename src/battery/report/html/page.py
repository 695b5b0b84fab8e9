"""Render a page from a template: one file, offline, with a policy that lets only our scripts run.

A page of its own takes three things:

1. `templates/NAME.html`, which begins with `{% extends "base.html" %}` and fills the blocks
   `title`, `header` and `main` (and `after`, for data too large to come before the scripts).
   Text of others goes through `{{ text | foreign }}` (one line) or `{{ text | lines }}` (a block),
   and a sentence of ours that may quote it through `{{ text | line }}`; all show control characters
   as escapes. In our own texts `-4%` gets a real minus. Everything is escaped for HTML unless it is
   `Markup`.
   Macros for figures and tables: `{% import "parts.html" as parts %}`.
2. Optionally `assets/NAME.js`, a plain script without modules, which finds the page's data in
   `battery.data` and draws with `battery.draw(element, width => Plot.plot(…))`; colours are the
   variables of `assets/page.css`, such as `var(--learn)`. No `innerHTML`, no inline handler.
3. `render("NAME.html", context, data=…, scripts=["NAME.js"])`, which yields the bytes to write;
   `styles=["NAME.css"]` where `assets/page.css` is not enough.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from markupsafe import Markup, escape

from battery import __version__
from battery.base import jsonio
from battery.base.numbers import minus, percent
from battery.base.text import printable
from battery.report.html.prose import visible
from battery.verdict import policy

if TYPE_CHECKING:
    from jinja2 import Environment

#: In every page, in this order: the charts' library, then what all pages share.
_LIBRARIES: Final = ("vendor/d3.min.js", "vendor/plot.umd.min.js", "assets/page.js")
_LICENCES: Final = ("vendor/d3.LICENSE.txt", "vendor/plot.LICENSE.txt")
#: Would end a script, or begin a comment in which the end of a script is not seen.
_ENDS_SCRIPT: Final = re.compile(r"</script|<!--|<script", re.IGNORECASE)
#: In JSON all of these occur in texts only, so an escape means the same.
_UNSAFE_IN_JSON: Final = {"<": r"\u003c", "\u2028": r"\u2028", "\u2029": r"\u2029"}


def render(
    template: str,
    context: Mapping[str, Any],
    *,
    data: Any = None,
    scripts: Sequence[str] = (),
    styles: Sequence[str] = (),
) -> Iterator[bytes]:
    """Yield a page piece by piece, so that what it iterates over need never be in memory whole.

    `data` is any JSON value, for the scripts; `scripts` and `styles` are names of files in
    `assets/`, taken in their order after the shared ones. A name that the context lacks is an
    error.
    """
    inlined = [_script(name) for name in (*_LIBRARIES, *(f"assets/{name}" for name in scripts))]
    # What `base.html` puts around a page.
    shell = {
        "policy": _policy(inlined),
        "style": Markup("\n".join(_text(f"assets/{name}") for name in ("page.css", *styles))),  # noqa: S704 - our own files
        "data": inline_json(data),
        "scripts": inlined,
        "licences": [_text(name) for name in _LICENCES],
        "version": __version__,
        # Where changes are drawn, the band of those that are too small to count.
        "relevant": policy.RELEVANT,
    }
    pieces = _environment().get_template(template).generate({**context, "shell": shell})
    return (piece.encode("utf-8", "replace") for piece in pieces)


def link(page: Path, at: Path) -> str | None:
    """Return the address of another page as seen from the one at `at`; None if there is none."""
    if not page.is_file():
        return None
    # Relative, so that both can be moved or served together.
    return quote(Path(os.path.relpath(page, at.parent)).as_posix())


def inline_json(value: Any) -> Markup:
    """Write JSON that may stand inside a script element, whatever texts are in it."""
    text = jsonio.dumps(value).decode()
    for character, escaped in _UNSAFE_IN_JSON.items():
        text = text.replace(character, escaped)
    return Markup(text)  # noqa: S704 - nothing in it can end the element


def _policy(scripts: Sequence[str]) -> str:
    """Allow the scripts of the page, each by its hash, and inline styles; nothing else."""
    # By hash and not by `unsafe-inline`: text of a model that got through as markup could not run.
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@functools.cache
def _environment() -> Environment:
    # Loaded with the first page: every command that runs a battery imports this module.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("battery.report.html"),
        # Most of the text on a page comes from gateways and models.
        autoescape=True,
        finalize=_finally,
        # Left blank, a name that is missing would be a fact left out.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # How much counts as a change, in words; `shell.relevant` is the same number, for the style.
    environment.globals["relevant"] = percent(policy.RELEVANT)
    environment.filters["line"] = printable
    environment.filters["options"] = _options
    environment.filters["foreign"] = lambda text: escape(printable(text))
    environment.filters["lines"] = lambda text: escape(visible(text))
    return environment


#: The option of a command within a sentence.
_OPTION: Final = re.compile(r"(?<= )(--[a-z-]{2,24})\b")
_WHOLE: Final = Markup('<span class="option">{}</span>')


def _options(text: str) -> Markup:
    """Keep the options of commands in a sentence of ours whole; a browser breaks lines at hyphens.

    Shown like `line`.
    """
    parts = _OPTION.split(minus(printable(text)))
    return Markup().join(_WHOLE.format(part) if at % 2 else part for at, part in enumerate(parts))


def _finally(value: Any) -> Any:
    """Give the numbers of our own texts a real minus; what is `Markup` stays as it is."""
    return minus(value) if type(value) is str and "-" in value else value


def _script(name: str) -> Markup:
    text = _text(name)
    # There is no escape that fits everywhere in a program, so such a file is refused.
    if found := _ENDS_SCRIPT.search(text):
        raise ValueError(f"{name} holds {found[0]!r} and cannot be inlined")
    return Markup(text)  # noqa: S704 - our own file, or a library whose hash a test holds


def _text(name: str) -> str:
    return (importlib.resources.files(__package__) / name).read_text("utf-8")
