"""Connections as a measurement needs them: one per client, bounded, and direct on this machine.

Nothing is retried here either: httpx is left at its default of no retries.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio
import anyio.lowlevel
import httpx

from battery import __version__
from battery.base.errors import UnreachableError, unusable_certificates
from battery.base.redact import Redactor
from battery.inputs.secrets import url_secrets
from battery.inputs.settings import Target

# An answer is held in memory as a whole and written to the journal, so an endless one would fill
# both memory and disk.
#: Bytes of an answer after which it is broken off.
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
# A call may take minutes because work takes minutes. A connection takes milliseconds: a host that
# has not answered by then is down, and the user should hear it before those minutes are over.
#: Seconds to wait for a connection.
CONNECT_TIMEOUT_S: Final = 10.0
#: Shorter than the five seconds after which many servers close an idle connection, so that no
#: request is sent into a connection that is just being closed.
KEEPALIVE_S: Final = 4.0
#: What httpx unpacks; it ignores other codings, such as `utf-8`, which is sent by mistake.
_COMPRESSIONS: Final = frozenset({"gzip", "deflate", "br", "zstd"})


class TooLargeError(Exception):
    """The answer outgrew `MAX_ANSWER_BYTES`."""


class _Wrapped(httpx.AsyncByteStream):
    """A stream around another one; closing it closes both."""

    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def aclose(self) -> None:
        """Close the stream below."""
        await self._inner.aclose()


class CappedStream(_Wrapped):
    """Pass an answer's bytes on until there are too many of them."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in self._inner:
            seen += len(chunk)
            if seen > MAX_ANSWER_BYTES:
                raise TooLargeError
            yield chunk


class EndedStream(_Wrapped):
    """End an event stream with a blank line, which completes what is pending."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            yield chunk
        yield b"\n\n"


def is_compressed(response: httpx.Response) -> bool:
    """Return whether httpx would unpack the answer: a small one could fill the memory."""
    codings = response.headers.get("content-encoding", "").lower()
    return any(coding.strip() in _COMPRESSIONS for coding in codings.split(","))


async def load_backend() -> None:
    """Load what httpx would load during its first call, whose elapsed time that would falsify."""
    await anyio.lowlevel.checkpoint()


def tls_context(url: str) -> ssl.SSLContext:
    """Make a TLS context; the authorities are loaded, slowly, only where they can be needed.

    Raises `UsageError` for certificates that cannot be loaded.
    """
    if url.startswith("http:") and is_loopback(url):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise unusable_certificates(error) from error


def is_loopback(url: str) -> bool:
    """Return whether a URL stays on this machine, where no proxy may catch it."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def proxy_note(url: str) -> str:
    """Name the proxy of the environment that a call goes through; empty when there is none."""
    parts = urlsplit(url)
    if is_loopback(url) or proxy_bypass(parts.hostname or ""):
        return ""
    set_for = [name for name in (parts.scheme, "all") if name in getproxies()]
    return f" through the proxy that {set_for[0]}_proxy names" if set_for else ""


def proxy_secrets() -> Iterator[str]:
    """List the credentials in the proxies that the environment names."""
    for url in getproxies().values():
        yield from url_secrets(url)


def open_http(target: Target, tls: ssl.SSLContext) -> httpx.AsyncClient:
    """Open a client that keeps one connection; raise `UnreachableError` for an unusable proxy."""
    try:
        return httpx.AsyncClient(
            headers={
                "user-agent": f"battery/{__version__}",
                # Unpacking would be counted as the gateway's time.
                "accept-encoding": "identity",
                **target.headers,
            },
            verify=tls,
            # Overall time is bounded by asyncio.timeout: a read timeout would start anew with
            # every byte, and a stream that trickles would never end.
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=1, keepalive_expiry=KEEPALIVE_S),
            # A proxy's time would be counted as the gateway's, and most lead nowhere near this
            # machine.
            trust_env=not is_loopback(target.url),
        )
    except (ImportError, ValueError) as error:
        Redactor(proxy_secrets()).error(error)
        raise UnreachableError(
            f"the proxy that the environment names for {target.url} cannot be used: {error}",
            hint="set NO_PROXY for that host, or name an http:// proxy",
        ) from error
