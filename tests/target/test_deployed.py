"""Deployments that battery does not start: what they say of their memories."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from battery.base.errors import AnswerError, StatusError
from battery.inputs.settings import Settings, Target
from battery.records.models import LEARN
from battery.target.deployed import fingerprints
from tests.support.misbehaving import Exchange, Script, http, sending
from tests.support.server import Server


def shown(script: Script) -> str | None:
    """Ask a gateway what its memory is."""
    with Server(script) as server:
        settings = Settings(folder=Path("unused"), gateway=Target(server.url))
        return asyncio.run(fingerprints(settings))[LEARN]


def test_a_memory_shows_its_fingerprint_by_a_look_at_its_page() -> None:
    def script(exchange: Exchange) -> None:
        asked = f"{exchange.request.method} {exchange.request.target}"
        exchange.send(http(f'{{"fingerprint": "{asked}"}}'))

    assert shown(script) == "GET /v1/memory/fingerprint"


@pytest.mark.parametrize("status", ["404 Not Found", "405 Method Not Allowed", "501 Not Here"])
def test_a_gateway_may_offer_none(status: str) -> None:
    assert shown(sending(http("no", status=status))) is None


@pytest.mark.parametrize("body", ["", "<html>welcome</html>", "{}", '{"fingerprint": 7}'])
def test_what_answers_every_page_is_told_how_to_say_that_it_offers_none(body: str) -> None:
    with pytest.raises(AnswerError, match="a gateway that offers no fingerprint answers 404 there"):
        shown(sending(http(body)))


def test_one_that_fails_may_have_a_memory() -> None:
    with pytest.raises(StatusError, match="HTTP 500"):
        shown(sending(http("broken", status="500 Broken")))
