"""Start a meter, and ask it what it saw."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.routing import Mount

from battery.base.guard import Guard, Place
from battery.base.network import tls_context
from battery.base.serving import listen, running
from battery.inputs.settings import Target
from battery.meter.calls import Metered
from battery.meter.ledger import Ledger
from battery.meter.proxy import Proxy

_HOST: Final = "127.0.0.1"
#: Where endpoints have their calls, unless their URL says otherwise.
_DEFAULT_PATH: Final = "/v1"
# Pictures and recordings are sent within requests.
#: Bytes of a request's body after which it is refused.
MAX_BODY_BYTES: Final = 64 * 1024 * 1024
# An agent that was cut off has left a moment before the proxy notices.
#: Seconds that calls under way are given to end when a window ends.
GRACE_S: Final = 0.5


class Meter:
    """One proxy on loopback in front of one endpoint, for the agent of one arm."""

    def __init__(self, url: str, ledger: Ledger) -> None:
        #: What the agent has to call instead of the endpoint, path included.
        self.url = url
        self._ledger = ledger

    @property
    def seen(self) -> bool:
        """Whether any model was ever called through it."""
        return self._ledger.seen

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that lead an agent here; `environ` is what it would get else."""
        # No proxy of the environment leads to a port of this machine.
        direct = {
            name: ",".join(filter(None, [environ.get(name), _HOST]))
            for name in ("NO_PROXY", "no_proxy")
        }
        return {"OPENAI_BASE_URL": self.url, "OPENAI_API_BASE": self.url, **direct}

    async def taken(self, grace_s: float = GRACE_S) -> Metered:
        """Return the calls that ended since the last time, and begin another window.

        Calls that are under way get `grace_s` seconds to end; those that do not belong to the
        window in which they end, and are marked as late there.
        """
        if self._ledger.idle:
            return self._ledger.take()
        return await asyncio.to_thread(self._ledger.take, grace_s)


@contextmanager
def metering(endpoint: Target) -> Iterator[Meter]:
    """Serve a meter in front of an OpenAI-compatible endpoint, on a thread of its own.

    The endpoint's headers are sent with every request, instead of the agent's of the same names.
    Raises `UsageError` for certificates that cannot be loaded, `UnreachableError` for a proxy of
    the environment that cannot be used.
    """
    ledger = Ledger()
    proxy = Proxy(endpoint, tls_context(endpoint.url), ledger)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await proxy.aclose()

    app = Starlette(routes=[Mount("/", app=proxy)], lifespan=lifespan)
    with listen(_HOST, 0, "meter") as listener:
        place = Place(_HOST, *listener.getsockname()[:2])
        guard = Guard(app, place, name="meter", json_only=False, most=MAX_BODY_BYTES)
        with running(guard, listener, "meter"):
            yield Meter(place.url + (urlsplit(endpoint.url).path or _DEFAULT_PATH), ledger)
