"""What must stay secret: the credentials in headers, URLs and the environment."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final
from urllib.parse import unquote

from battery.base.redact import MIN_SECRET, Redactor, url_secrets

#: Options whose values are headers.
HEADER_OPTIONS: Final = ("-H", "--header", "--llm-team-header", "--control-header")

_CREDENTIAL: Final = re.compile("auth|cookie|credential|key|pass|secret|session|signature|token")
#: What a cookie or a digest is made of: `name=value` or `name="value"`.
_PARAMETER: Final = re.compile(r"""([\w.-]+)=(?:"([^"]*)"|'([^']*)'|([^\s;,"']+))""")
#: Parameters of a digest that everybody may know.
_PUBLIC: Final = frozenset({"algorithm", "nc", "qop", "realm", "uri"})
#: Variables that are secrets, hold headers, or hold URLs.
_TOKENS: Final = re.compile("(GATEWAY|LLM_TEAM)_TOKEN$|BATTERY_[A-Z]+_KEY$|OPENAI_API_KEY$")
#: Those that are battery's alone: a system under test may have an `AI_GATEWAY_TOKEN`.
_OWN: Final = re.compile("((CONTROL_)?GATEWAY|LLM_TEAM)_(TOKEN|HEADERS)|BATTERY_[A-Z]+_KEY")
#: Those that may hold a password in a URL. An agent with that of the meter could go past it.
_OWN_URLS: Final = re.compile("(CONTROL_)?GATEWAY_URL|LLM_TEAM_URL|BATTERY_[A-Z_]+")
_HEADERS: Final = re.compile("(GATEWAY|LLM_TEAM|OTLP|OTLP_TRACES)_HEADERS$")
_URLS: Final = re.compile("(_URL|_ENDPOINT|_PROXY|BATTERY_METER)$", re.IGNORECASE)


def header_secrets(headers: Mapping[str, str]) -> Iterator[str]:
    """List what must stay secret in headers: each value, and the credentials in it."""
    for name, value in headers.items():
        for part in _parts(value):
            # `x-tenant: 7` is no credential, and every 7 would go.
            if _is_credential(name) or len(part) >= MIN_SECRET:
                yield part
        for parameter in _PARAMETER.finditer(value):
            text = next(filter(None, parameter.groups()[1:]), "")
            if len(text) >= MIN_SECRET and parameter[1].lower() not in _PUBLIC:
                yield text


def redactor_of(environ: Mapping[str, str], words: Sequence[str]) -> Redactor:
    """Make a redactor of every secret that a process was given."""
    return Redactor(_process_secrets(environ, words))


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that hold nothing secret, for programs that have no use for it."""
    return {name: value for name, value in environ.items() if not _is_secret(name, value)}


def holds_secret(name: str) -> bool:
    """Return whether a variable is one that battery takes a token, a key or headers from."""
    return _TOKENS.match(name.removeprefix("CONTROL_")) is not None or (
        _HEADERS.match(name.removeprefix("CONTROL_")) is not None
    )


def without_own_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without battery's own secrets, for a system that needs its keys."""
    return {name: value for name, value in environ.items() if not _is_own(name, value)}


def _is_own(name: str, value: str) -> bool:
    # Of a URL it is the password that counts; without one it tells nothing.
    return bool(_OWN.fullmatch(name) or (_OWN_URLS.fullmatch(name) and any(url_secrets(value))))


def _is_secret(name: str, value: str) -> bool:
    if _URLS.search(name):
        return any(url_secrets(value))
    return bool(_TOKENS.search(name) or _HEADERS.search(name))


def _process_secrets(environ: Mapping[str, str], words: Sequence[str]) -> Iterator[str]:
    # Nothing is refused here: what was given in a wrong form must stay secret as well.
    lines = [text for option, text in pairwise(words) if option in HEADER_OPTIONS]
    for option in HEADER_OPTIONS:
        glued = option if option == "-H" else f"{option}="
        lines += [word.removeprefix(glued) for word in words if word.startswith(glued)]
    urls = [text for word in words for text in (word, word.partition("=")[2]) if "@" in text]
    for name, value in environ.items():
        if _TOKENS.search(name):
            yield from header_secrets({"token": value})
        if _HEADERS.search(name):
            lines += value.splitlines()
            # Those of OpenTelemetry are in one line, escaped: `name=value,name=value`.
            pairs = [pair.partition("=")[2].strip() for pair in value.split(",")]
            yield from (secret for text in pairs for secret in {text, unquote(text)})
        if _URLS.search(name):
            urls.append(value)
    for line in lines:
        name, _, value = line.partition(":")
        yield from header_secrets({name: value.strip()})
    for url in urls:
        yield from url_secrets(url)


def short_credential(headers: Mapping[str, str]) -> str | None:
    """Name the first header whose credential is too short to be told from ordinary words."""
    for name, value in headers.items():
        if _is_credential(name) and any(len(part) < MIN_SECRET for part in _parts(value)):
            return name
    return None


def _is_credential(header: str) -> bool:
    return _CREDENTIAL.search(header.lower()) is not None


def _parts(value: str) -> Iterator[str]:
    # Gateways echo a whole header, the token alone or the password in it.
    yield value
    scheme, _, rest = value.partition(" ")
    if rest:
        yield rest
    if scheme.lower() == "basic" and rest:
        try:
            pair = base64.b64decode(rest).decode()
        except ValueError:
            return
        yield pair
        if password := pair.partition(":")[2]:
            yield password
