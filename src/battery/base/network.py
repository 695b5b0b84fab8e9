"""Connections to other programs: timeouts, certificates, proxies, this machine or another."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterator, Mapping
from typing import Final, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from battery.base.connection import read_plainly
from battery.base.errors import UnreachableError, unusable_certificates, unusable_proxy
from battery.base.redact import Redactor, url_secrets

# A call may take minutes because work takes minutes. A connection takes milliseconds: a host that
# has not answered by then is down, and the user should hear it before those minutes are over.
#: Seconds to wait for a connection.
CONNECT_TIMEOUT_S: Final = 10.0
#: Shorter than the five seconds after which many servers close an idle connection, so that no
#: request is sent into a connection that is just being closed.
KEEPALIVE_S: Final = 4.0
# Charsets are sent as codings by mistake, and change nothing.
#: Values of `content-encoding` under which a body is what it says.
PLAIN_CODINGS: Final = frozenset({"", "identity", "utf-8", "utf8"})


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


def open_client(
    url: str, tls: ssl.SSLContext, limits: httpx.Limits, headers: Mapping[str, str] | None = None
) -> httpx.AsyncClient:
    """Open a client for calls to one place; raise `UnreachableError` for an unusable proxy.

    Only connecting is bounded in time. Redirects are not followed, and nothing is retried.
    """
    try:
        client = httpx.AsyncClient(
            headers=headers,
            verify=tls,
            # Overall time is bounded by asyncio.timeout: a read timeout would start anew with
            # every byte, and a stream that trickles would never end.
            timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT_S),
            limits=limits,
            # A proxy's time would be counted as the gateway's, and most lead nowhere near this
            # machine.
            trust_env=not is_loopback(url),
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        Redactor(proxy_secrets()).error(error)
        # What is no URL cannot be searched for a password, and the error quotes a part of it.
        broken = isinstance(error, httpx.InvalidURL)
        reason = "it is not a URL" if broken else str(error)
        raise unusable_proxy(UnreachableError, url, reason) from (None if broken else error)
    read_plainly(client)
    return client


def pool_of(client: httpx.AsyncClient, url: str) -> httpcore.AsyncConnectionPool:
    """Return the connections of a client to a URL, through the proxy that is set for it."""
    return cast(httpx.AsyncHTTPTransport, client._transport_for_url(httpx.URL(url)))._pool


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


def cause_of(error: Exception) -> str:
    """Name the cause, which is what the system said, not "all attempts failed"."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            # asyncio replaces the system's words by the address, which is known already.
            asyncio_says = cause.strerror.startswith("Connect call failed")
            return os.strerror(cause.errno or 0) if asyncio_says else cause.strerror
        inner = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else None
        cause = inner or cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__
