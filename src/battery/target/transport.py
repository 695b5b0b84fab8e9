"""Connections as the battery needs them: one each, bounded, past no proxy on this machine."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio
import anyio.lowlevel
import httpx

from battery import __version__
from battery.base.errors import UnreachableError
from battery.inputs.settings import Target

#: An answer that grows beyond this is broken off: it would fill memory and disk.
MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
#: Nobody waits ten minutes for a host that is not there.
CONNECT_TIMEOUT_S: Final = 10.0
#: Shorter than the five seconds after which many servers close an idle connection, so that no
#: request is sent into a connection that is just being closed.
KEEPALIVE_S: Final = 4.0
#: What httpx unpacks; it ignores other codings, such as `utf-8`, which is sent by mistake.
_COMPRESSIONS: Final = frozenset({"gzip", "deflate", "br", "zstd"})


class TooLargeError(Exception):
    """The answer outgrew `MAX_ANSWER_BYTES`."""


class CappedStream(httpx.AsyncByteStream):
    """Pass an answer's bytes on until there are too many of them."""

    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for chunk in self._inner:
            seen += len(chunk)
            if seen > MAX_ANSWER_BYTES:
                raise TooLargeError
            yield chunk

    async def aclose(self) -> None:
        """Close the stream below."""
        await self._inner.aclose()


class EndedStream(httpx.AsyncByteStream):
    """End an event stream with a blank line, which completes what is pending."""

    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            yield chunk
        yield b"\n\n"

    async def aclose(self) -> None:
        """Close the stream below."""
        await self._inner.aclose()


def is_compressed(response: httpx.Response) -> bool:
    """Tell whether httpx would unpack the answer, and a small one could fill the memory."""
    codings = response.headers.get("content-encoding", "").lower()
    return any(coding.strip() in _COMPRESSIONS for coding in codings.split(","))


async def load_backend() -> None:
    """Load what httpx would load during its first call, whose elapsed time that would falsify."""
    await anyio.lowlevel.checkpoint()


def tls_context(url: str) -> ssl.SSLContext:
    """Make a TLS context; the authorities are loaded, slowly, only where they can be needed."""
    if url.startswith("http:") and is_loopback(url):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.create_ssl_context()


def is_loopback(url: str) -> bool:
    """Tell whether a URL stays on this machine, where no proxy may catch it."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def proxy_note(url: str) -> str:
    """Say that a proxy of the environment stands between, and which; empty when none does."""
    parts = urlsplit(url)
    if is_loopback(url) or proxy_bypass(parts.hostname or ""):
        return ""
    found = [name for name in (parts.scheme, "all") if name in getproxies()]
    return f" through the proxy that {found[0]}_proxy names" if found else ""


def open_http(target: Target, tls: ssl.SSLContext) -> httpx.AsyncClient:
    """Open a client that keeps one connection; raise `UnreachableError` for an unusable proxy."""
    try:
        return httpx.AsyncClient(
            headers={
                "user-agent": f"battery/{__version__}",
                "accept-encoding": "identity",
                **target.headers,
            },
            verify=tls,
            # Overall time is bounded by asyncio.timeout: a read timeout would start anew with
            # every byte, and a stream that trickles would never end.
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=1, keepalive_expiry=KEEPALIVE_S),
            trust_env=not is_loopback(target.url),
        )
    except (ImportError, ValueError) as error:
        raise UnreachableError(
            f"the proxy that the environment names for {target.url} cannot be used: {error}",
            hint="set NO_PROXY for that host, or name an http:// proxy",
        ) from error
