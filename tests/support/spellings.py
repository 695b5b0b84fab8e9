"""A secret, and how servers write it when they echo it."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote

TOKEN = 'tok3n/with+"every"=sort&of<mark>'
PAIR = "someone:pa55/w0rd+x"
BASIC = base64.b64encode(PAIR.encode()).decode()


def slashed(text: str) -> str:
    """Write JSON as PHP does, with every slash escaped."""
    return json.dumps(text).replace("/", "\\/")


def spelled(text: str) -> str:
    """Write JSON as Go and Gson do, with the marks of HTML as numbers."""
    marks = {c: f"\\u{ord(c):04X}" for c in "&<>'=+/"}
    return "".join(marks.get(c, c) for c in json.dumps(text))


def inside(encode: Callable[[bytes], bytes], before: str) -> Callable[[str], str]:
    """Encode a text together with others around it."""
    return lambda text: encode(f"{before}{text}; and more".encode()).decode()


WRITERS: dict[str, Callable[[str], str]] = {
    "plain": json.dumps,
    "slashed": slashed,
    "spelled": spelled,
    "twice": lambda t: json.dumps(json.dumps(t)),
    "url": lambda t: quote(t, ""),
    "url-twice": lambda t: quote(quote(t, ""), ""),
    "url-lower": lambda t: re.sub("%..", lambda m: m[0].lower(), quote(t, "")),
    "html": html.escape,
    "html-url": lambda t: quote(html.escape(t), ""),
    "html-twice": lambda t: html.escape(html.escape(t)),
    "markdown": lambda t: re.sub(r"(\W)", r"\\\1", t),
    "upper": lambda t: quote(t.upper(), ""),
    "hex": inside(binascii.hexlify, ""),
    **{f"base64-{n}": inside(base64.b64encode, "Bearer"[:n]) for n in range(3)},
    **{f"base64-url-{n}": inside(base64.urlsafe_b64encode, "Bearer"[:n]) for n in range(3)},
}
