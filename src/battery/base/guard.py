"""Keep everybody out of a server who reaches its port without being meant to: web pages above all.

This machine is not this user. A page in the user's browser can send requests to a port on loopback,
and a name under the page's control can be pointed at 127.0.0.1, which makes the answers readable to
it. It could teach a gateway, make it distil and spend the key of its model.
"""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from battery.base import jsonio
from battery.base.text import brief

# A task is a few kilobytes; a review prompt is cut at 30,000 characters.
#: Bytes of a request's body after which it is refused.
MAX_BODY_BYTES: Final = 16 * 1024 * 1024
#: Seconds that a body may take to arrive as a whole: a timeout per read would never end.
BODY_S: Final = 30.0
#: Seconds that the rest of a refused request is read and dropped, up to `MAX_BODY_BYTES` of it.
LINGER_S: Final = 1.0

#: Columns of a header that a refusal repeats.
_SHOWN: Final = 80
_HOST: Final = re.compile(r"(?:\[([^\]\s]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?")
_HTTP_PORT: Final = 80


@dataclass(frozen=True)
class Place:
    """Where a server listens, and so by which names it may be called."""

    #: As the user wrote it: a name, or an address.
    host: str
    address: str
    port: int

    @property
    def everywhere(self) -> bool:
        """Whether it listens on every address of the machine."""
        return ip_address(self.address).is_unspecified

    @property
    def local(self) -> bool:
        """Whether only programs of this machine can reach it."""
        return ip_address(self.address).is_loopback

    @property
    def url(self) -> str:
        """The base URL for callers on this machine."""
        address = self.address
        if self.everywhere:
            address = "::1" if ":" in address else "127.0.0.1"
        return (
            f"http://[{address}]:{self.port}" if ":" in address else f"http://{address}:{self.port}"
        )

    def warning(self) -> str | None:
        """Say what it means that others can reach it; None for a place on loopback."""
        if self.local:
            return None
        names = "any IP address, localhost"
        checked = f"{names} or {socket.gethostname()}" if self.everywhere else self.url
        return (
            f"{self.host} can be reached from other machines: anyone who reaches port {self.port} "
            "can read and teach this gateway, and with --model-url use your key of the model, "
            "because it asks for no credentials. Web pages are still refused, and so is every "
            f"request whose Host is not {checked}"
        )

    def accepts(self, host: str) -> bool:
        """Return whether a `Host` header names this server.

        Names of the loopback interface and the place itself do, with the port. A server that
        listens everywhere takes any address and its machine's name, with any port.
        """
        # It cannot know under which addresses and ports of a router or a container it can be
        # reached. That is safe: a web page needs a name of its own to point at this machine.
        parts = _HOST.fullmatch(host)
        if parts is None:
            return False
        name = (parts[1] or parts[2]).lower().removesuffix(".")
        address = _address(name)
        if self.everywhere:
            return (
                address is not None or _is_localhost(name) or name == socket.gethostname().lower()
            )
        if int(parts[3] or _HTTP_PORT) != self.port:
            return False
        if address is not None:
            return address.is_loopback or address == ip_address(self.address)
        return _is_localhost(name) or name == self.host.lower()


class RefusedError(Exception):
    """A request that is not let in, with the status that says so."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Guard:
    """Let requests of programs through to a web application, whole; answer all others itself."""

    app: ASGIApp
    place: Place
    #: Seconds, see `BODY_S`.
    body_s: float = BODY_S
    #: As refusals name what is served.
    name: str = "gateway"
    #: Whether a POST must say that its body is JSON.
    json_only: bool = True
    #: Bytes of a body, see `MAX_BODY_BYTES`.
    most: int = MAX_BODY_BYTES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or the start and stop of the application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            self._check(scope)
            body = await self._read(scope, receive)
        except RefusedError as error:
            await _refuse(error, receive, send)
            return
        # A client that left in the middle of its body asked for nothing.
        if body is not None:
            await self.app(scope, _again(body, receive), send)

    def _check(self, scope: Scope) -> None:
        host = _only(scope, b"host")
        if host is None or not self.place.accepts(host):
            shown = brief(host or "", _SHOWN) or "no host, or for several"
            raise RefusedError(
                421,
                f"the request is for {shown}, and this {self.name} is {self.place.url}: other "
                "names are refused because a web page can point its own at this machine",
            )
        # Programs send neither. Browsers send the first with whatever may change something, and
        # the second, on a page of this machine too, with everything; only an address that the user
        # typed has "none". No page is served here, so not even the gateway's own origin is one.
        sites = _values(scope, b"sec-fetch-site")
        if _values(scope, b"origin") or any(site != "none" for site in sites):
            raise RefusedError(
                403, f"requests of web pages are refused; call this {self.name} from a program"
            )
        # What a page may send without asking first is never this type.
        is_post = scope["method"] == "POST"
        if self.json_only and is_post and not _is_json(_only(scope, b"content-type")):
            shown = brief(", ".join(_values(scope, b"content-type")), _SHOWN) or "none"
            raise RefusedError(
                415, f"a body of content-type application/json was expected, got {shown}"
            )

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """Read the whole body; return None when the client left before its end."""
        too_large = RefusedError(413, f"a body may have up to {self.most // 2**20} MiB")
        # The server has checked that it is a number.
        if int(_only(scope, b"content-length") or 0) > self.most:
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(self.body_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    if len(body) > self.most:
                        raise too_large
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            raise RefusedError(408, f"the body did not arrive within {self.body_s:g} s") from None


async def _refuse(error: RefusedError, receive: Receive, send: Send) -> None:
    answer = jsonio.dumps({"error": str(error)})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer, "more_body": True})
    # A connection that is closed with bytes unread is reset, and the reset may overtake the answer.
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            left = MAX_BODY_BYTES
            while left > 0 and (message := await receive()).get("more_body"):
                left -= len(message.get("body", b""))
    await send({"type": "http.response.body"})


def _again(body: bytes, receive: Receive) -> Receive:
    """Hand out a body that was read already, then whatever comes after it."""
    read: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return read.pop() if read else await receive()

    return next_message


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _only(scope: Scope, name: bytes) -> str | None:
    """Return the value of a header; None without one, and with two that may contradict."""
    values = _values(scope, name)
    return values[0] if len(values) == 1 else None


def _is_json(content_type: str | None) -> bool:
    return (content_type or "").partition(";")[0].strip().lower() == "application/json"


def _is_localhost(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost")


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        # Programs write 127.1, too, and mean the loopback address.
        return ip_address(name) if ":" in name else IPv4Address(socket.inet_aton(name))
    except (ValueError, OSError):
        return None
