"""The public list of prices: read from the package, without a network, and only when needed."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from battery.pricing import catalog


def test_a_model_of_the_list_has_its_prices_per_million() -> None:
    price = catalog.price("gpt-4o", None)
    assert price is not None
    assert (price.input, price.cached_input, price.output) == (2.5, 1.25, 10)


def test_of_a_price_in_steps_the_first_counts() -> None:
    price = catalog.price("claude-sonnet-4-5", datetime(2026, 1, 1, tzinfo=UTC))
    assert price is not None
    assert (price.input, price.cached_input, price.output) == (3, 0.3, 15)


@pytest.mark.parametrize("model", ["nobody-knows-this", "", "text-embedding-3-small"])
def test_what_the_list_lacks_or_cannot_price_has_no_price(model: str) -> None:
    assert catalog.price(model, None) is None


def test_the_list_is_loaded_when_it_is_asked_and_calls_nobody() -> None:
    script = (
        "import sys\n"
        "called = []\n"
        "sys.addaudithook(lambda event, _: event.startswith('socket.') and called.append(event))\n"
        "import battery.pricing\n"
        "from battery.pricing import catalog\n"
        "assert 'genai_prices' not in sys.modules\n"
        "assert catalog.price('gpt-4o', None).output == 10\n"
        "assert not called, called\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_without_the_extra_there_is_no_price_and_no_error() -> None:
    script = (
        "import sys\n"
        "sys.modules['genai_prices'] = None\n"
        "from battery.pricing import Pricing, catalog\n"
        "assert not catalog.is_there()\n"
        "assert catalog.price('gpt-4o', None) is None\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
