"""One frozen `Settings` made of options and environment; nothing reads the environment later.

Secrets live only in `Target.headers`, which no repr shows and no artifact holds: user and
password of a URL are moved there, and a URL with a query is refused.
"""

from __future__ import annotations

import base64
import ipaddress
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, get_args
from urllib.parse import SplitResult, unquote, urlsplit

from battery.base.errors import UsageError
from battery.inputs.labels import make_labels
from battery.inputs.secrets import HEADER_OPTIONS, redactor_of
from battery.protocol.idempotency import HEADER

DEFAULT_LLM_TEAM: Final = "http://localhost:5000"
DEFAULT_ITERATIONS: Final = 3

#: What `--control-gateway` names in place of a second deployment.
RESTORE: Final = "restore"
#: Reviews and judges by the embedded gateway's rules.
RULES: Final = "rules"
#: Begins the text of an OpenAI-compatible endpoint; its URL follows.
OPENAI: Final = "openai:"
#: Nothing; whether it passed; also why not, and what would have been right.
FeedbackLevel = Literal["none", "grade", "answer"]
DEFAULT_FEEDBACK: Final[FeedbackLevel] = "grade"

# No call takes no time, and one that takes more than a day is a mistyped number.
_SECONDS: Final = {"min": 0.001, "max": 86_400}
#: By the name of a setting, the least and the most that it may be.
LIMITS: Final[Mapping[str, Mapping[str, float]]] = {
    "iterations": {"min": 1},
    "repeats": {"min": 1, "max": 1000},
    "seed": {"min": 0, "max": 2**63 - 1},
    "limit": {"min": 1},
    "respond_timeout": _SECONDS,
    "meta_timeout": _SECONDS,
    "model_timeout": _SECONDS,
    "concurrency": {"min": 1, "max": 256},
    "max_tokens": {"min": 1},
    # Less than a cent is a mistyped number, and infinity is no cap.
    "max_cost": {"min": 0.01, "max": 10**9},
}

_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[\w.-]+")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Set by the client itself; another value would break the wire.
_RESERVED_HEADERS = frozenset(
    {"content-type", "content-length", "host", "transfer-encoding", HEADER.lower()}
)


@dataclass(frozen=True)
class Target:
    """Where calls go, without secrets, and the headers that authenticate."""

    #: A base URL; of a target that has no address, the text that names it.
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Settings:
    """Everything a command was asked to do; None means that the user did not say."""

    folder: Path
    tasks_path: Path | None = None
    iterations: int | None = None
    #: What the user calls the battery, as `make_labels` returns it.
    labels: Mapping[str, Any] = field(default_factory=dict)
    #: The system under test; None is the embedded gateway.
    gateway: Target | None = None
    #: None is what the target brings, and `DEFAULT_LLM_TEAM` where it brings none.
    llm_team: Target | None = None
    #: A second deployment that never learns; None is the twin that the target brings, if any.
    control_gateway: Target | None = None
    #: The gateway is its own twin: its memory is put back before each call.
    restores: bool = False
    #: One arm, whatever the gateway.
    no_control: bool = False
    #: For targets whose URL comes from the manifest.
    gateway_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    llm_team_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    control_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: How often each task is asked per iteration and arm; None is as with concurrency.
    repeats: int | None = None
    #: Of the coin that decides which arm is asked first; None is a random one.
    seed: int | None = None
    #: Tasks taken of each phase; None is all.
    limit: int | None = None
    #: Whether the seed also decides in which order tasks and siblings are asked.
    shuffled: bool = False
    #: Of a new battery; None is a random one.
    run_id: str | None = None
    respond_timeout: float = 600.0
    meta_timeout: float = 300.0
    #: None is what the manifest says, and 1 for a new battery.
    concurrency: int | None = None
    resume: bool = False
    #: Tokens that all calls on disk may have spent before another begins; None is no cap.
    max_tokens: int | None = None
    #: The same in US dollars.
    max_cost: float | None = None
    #: Whether to go on although the arms differ in iteration 1 already.
    keep_going: bool = False
    #: Whether a run leaves a summary and a page behind; who only wants the evidence needs neither.
    summaries: bool = True
    #: What a local system is told of how a task ended; None is what the manifest says, and
    #: `DEFAULT_FEEDBACK` for a new battery.
    feedback: FeedbackLevel | None = None
    #: The endpoint that the agent's models are behind; None meters nothing.
    meter: Target | None = None
    #: Repository in which the target files of proposals are looked up.
    repo: Path | None = None
    #: A language model for the embedded gateway; None is its rules.
    model_url: str | None = None
    model_key: str | None = field(default=None, repr=False)
    #: A command that empties the memories before iteration 1, in a shell and once per arm.
    prepare: str | None = None
    #: Who answers reviews and judgments, as `make_reviewer` writes it; None is the target itself.
    reviewer: str | None = None
    reviewer_key: str | None = field(default=None, repr=False)
    #: Seconds for one of its calls; None is the longer of the other two.
    model_timeout: float | None = None


#: Settings that are made of options; all others are options of the same name, taken as they are.
_MADE: Final = frozenset(
    {"gateway", "llm_team", "control_gateway", "model_url", "meter", "reviewer", "labels"}
    | {"gateway_headers", "llm_team_headers", "control_headers"}
)
#: Each with the variables and the option that they come from.
_HEADERS: Final = (
    ("gateway_headers", "GATEWAY", "header"),
    ("llm_team_headers", "LLM_TEAM", "llm_team_header"),
    ("control_headers", "CONTROL_GATEWAY", "control_header"),
)
_SAME: Final = frozenset(each.name for each in fields(Settings)) - _MADE


def make_settings(
    options: Mapping[str, Any],
    environ: Mapping[str, str],
    read: Callable[[str, Mapping[str, str]], Target],
) -> Settings:
    """Make `Settings` of options by their names and of the secrets in the environment.

    `read` checks the text of the target. It is handed in because it knows every kind of target and
    loads the HTTP library, which most commands do without. Raises `UsageError`.
    """
    headers: dict[str, Any] = {
        name: _headers(environ, prefix, options.get(option)) for name, prefix, option in _HEADERS
    }
    text, team, control = (options.get(name) for name in ("gateway", "llm_team", "control_gateway"))
    gateway = read(text, headers["gateway_headers"]) if text else None
    restores, meter = control == RESTORE, options.get("meter")
    second = control if control and not restores else None
    model_key = environ.get("BATTERY_MODEL_KEY")
    return Settings(
        **{name: value for name, value in options.items() if name in _SAME},
        **headers,
        labels=_labels(options, environ),
        tasks_path=options.get("tasks"),
        gateway=gateway,
        llm_team=make_companion(team, headers["llm_team_headers"], gateway) if team else None,
        control_gateway=(
            make_companion(second, headers["control_headers"], gateway) if second else None
        ),
        restores=restores,
        model_url=make_model(options.get("model_url")),
        model_key=model_key,
        reviewer=make_reviewer(options.get("reviewer")),
        reviewer_key=environ.get("BATTERY_REVIEWER_KEY") or model_key,
        meter=make_target(meter, {}) if meter else None,
    )


def _labels(options: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    texts = [value for value in options.values() if isinstance(value, str)]
    # A password in a URL is one wherever the URL is: in the note itself, too.
    words = [word for text in (*texts, *(options.get("tag") or ())) for word in text.split()]
    urls = [word for word in words if "://" in word]
    lines = [line for _, _, option in _HEADERS for line in options.get(option) or ()]
    headers = [word for line in lines for word in (HEADER_OPTIONS[0], line)]
    return make_labels(options, redactor_of(environ, [*urls, *headers]))


def _headers(
    environ: Mapping[str, str], prefix: str, lines: Sequence[str] | None
) -> dict[str, str]:
    # The environment holds what is true of a machine, an option what is meant this time: so in
    # every conflict between them the option wins.
    return {**environment_headers(environ, prefix), **parse_headers(lines or [], None)}


def require_within_limits(settings: Settings) -> None:
    """Refuse a value that its setting cannot have; raise `UsageError`."""
    for name, limits in LIMITS.items():
        value = getattr(settings, name)
        # Not written the other way round: NaN is not less than any number, and would pass.
        if value is None or limits["min"] <= value <= limits.get("max", value):
            continue
        most = f" to {limits['max']:,}" if "max" in limits else " or more"
        raise UsageError(f"{name} is {value}", hint=f"it may be {limits['min']:,}{most}")
    if settings.feedback not in {None, *get_args(FeedbackLevel)}:
        words = ", ".join(get_args(FeedbackLevel))
        raise UsageError(f"feedback is {settings.feedback!r}", hint=f"it may be {words}")


def make_model(url: str | None) -> str | None:
    """Check the URL of a language model; raise `UsageError`."""
    if not url:
        return None
    endpoint = make_target(url, {})
    if endpoint.headers:
        raise UsageError(
            f"the URL of the language model at {endpoint.url} carries a user or a password",
            hint="give the URL alone, and the key of its endpoint in BATTERY_MODEL_KEY",
        )
    return endpoint.url


def make_reviewer(text: str | None) -> str | None:
    """Check the text of `--reviewer`, `rules` or `openai:URL`; raise `UsageError`."""
    if not text or text == RULES:
        return text or None
    kind, _, url = text.partition(":")
    if f"{kind}:" != OPENAI:
        raise UsageError(
            "the reviewer is neither `rules` nor `openai:URL`",
            hint="write it like openai:http://localhost:11434/v1",
        )
    endpoint = make_target(url, {})
    if endpoint.headers:
        raise UsageError(
            f"the URL of the reviewer at {endpoint.url} carries a user or a password",
            hint="give the URL alone, and the key of its endpoint in BATTERY_REVIEWER_KEY",
        )
    return f"{OPENAI}{endpoint.url}"


def make_target(url: str, headers: Mapping[str, str]) -> Target:
    """Check a base URL and take user and password out of it.

    Raises `UsageError`, without repeating the URL where it may hold a secret.
    """
    url = url.strip()
    if not url.isprintable() or " " in url:
        raise _wrong_url(url, "it holds a space or a control character")
    try:
        parts = urlsplit(url)
    except ValueError:
        # The cause would show the URL with its password in a traceback.
        raise _wrong_url(url, "its host cannot be read") from None
    if parts.scheme not in {"http", "https"}:
        raise _wrong_url(url, "it must start with http:// or https://")
    if not parts.hostname:
        raise _wrong_url(url, "it names no host")
    if not _is_host(parts.hostname):
        raise _wrong_url(url, "no host can have that name")
    if not _has_usable_port(parts):
        raise _wrong_url(url, "its port is not a number from 1 to 65535")
    # A query often holds a key. Artifacts and messages name the URL, so none may be in it.
    if parts.query or parts.fragment:
        raise UsageError(
            f"the URL of {parts.hostname} carries a query or a fragment",
            hint="give the base URL alone; secrets go into --header or the environment",
        )
    return Target(_bare(parts), {**_basic_auth(parts), **headers})


def make_companion(url: str, headers: Mapping[str, str], gateway: Target | None) -> Target:
    """Check the URL of the learning side or of the twin.

    On the gateway's own host and port it gets the gateway's headers too; to another one they are
    never sent.
    """
    companion = make_target(url, headers)
    # One host and port are one program, which knows these secrets already; others are strangers.
    if gateway and urlsplit(gateway.url)[:2] == urlsplit(companion.url)[:2]:
        return Target(companion.url, {**gateway.headers, **companion.headers})
    return companion


def same_place(url: str, other: str) -> bool:
    """Return whether two checked URLs lead to one server, however they are written."""
    return _place(url) == _place(other)


def parse_headers(lines: Sequence[str], token: str | None) -> dict[str, str]:
    """Read `Name: value` lines and a bearer token; a line wins over the token.

    Raises `UsageError`, which names the header and never shows its value.
    """
    headers = {"authorization": f"Bearer {_clean('the token', token)}"} if token else {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or not _HEADER_NAME.fullmatch(name):
            raise UsageError(
                "a header is not of the form 'Name: value'",
                hint="quote it as one word: --header 'X-Api-Key: …'",
            )
        if name in _RESERVED_HEADERS:
            raise UsageError(f"the header {name} is set by battery itself", hint="leave it out")
        headers[name] = _clean(f"the header {name}", value)
    return headers


def environment_headers(environ: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Read `<prefix>_TOKEN` and `<prefix>_HEADERS` (one `Name: value` per line)."""
    lines = [line for line in environ.get(f"{prefix}_HEADERS", "").splitlines() if line.strip()]
    return parse_headers(lines, environ.get(f"{prefix}_TOKEN"))


def _place(url: str) -> tuple[str, int, str]:
    parts = urlsplit(url)
    # The scheme does not count: no port speaks two. Nor does the name by which a host calls itself.
    host = _one_spelling(str(parts.hostname))
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    return "localhost" if host in _LOOPBACK else host, port, parts.path


def _one_spelling(host: str) -> str:
    """Write an address as everybody does, 127.1 and ::ffff:7f00:1 too; resolve no name."""
    try:
        address = _address(host)
    except (ValueError, OSError):
        return host.rstrip(".")
    # A connection to "every address of this machine" (0.0.0.0, ::) arrives at this machine.
    return "localhost" if address.is_unspecified else str(address)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if ":" in host:
        address = ipaddress.IPv6Address(host)
        return address.ipv4_mapped or address
    # The resolver's own reading of short, hexadecimal and wide digits; it asks no network.
    return ipaddress.IPv4Address(socket.inet_aton(host.encode("idna").decode()))


def _clean(what: str, value: str) -> str:
    value = value.strip()
    if not value or not value.isascii() or not value.isprintable():
        raise UsageError(
            f"{what} is empty or holds characters that no header may hold",
            hint="look at the option or the environment variable that sets it",
        )
    return value


def _is_host(name: str) -> bool:
    if ":" in name:
        return True  # urlsplit has checked the address between the brackets
    try:
        # What the resolver does, and later it would be no UsageError any more.
        name.encode("idna")
    except UnicodeError:
        return False
    return _HOST.fullmatch(name) is not None


def _has_usable_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _wrong_url(url: str, why: str) -> UsageError:
    # A password may hold slashes, and the scheme may be what is missing.
    shown = re.sub(r"^([a-z]+://)?.*@", r"\1…@", url, flags=re.DOTALL)[:100]
    return UsageError(
        f"{shown!r} is not a URL to call: {why}", hint="write it like http://localhost:3100"
    )


def _bare(parts: SplitResult) -> str:
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"


def _basic_auth(parts: SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
