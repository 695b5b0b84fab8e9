from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from battery.embedded.server import GatewayOptions, serving
from tests.embedded.helpers import connect

Serve = Callable[..., httpx.Client]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start gateways, each with an own store unless one is given, and connect to them."""
    with ExitStack() as stack:
        count = 0

        def start(store: Path | None = None, **options: Any) -> httpx.Client:
            nonlocal count
            count += 1
            store = store or tmp_path / f"memory_{count}"
            url = stack.enter_context(serving(GatewayOptions(store=store, **options)))
            return stack.enter_context(connect(url))

        yield start


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Connect to one gateway of the whole module, for tests that do not mind a filled memory."""
    store = tmp_path_factory.mktemp("memory")
    with (
        serving(GatewayOptions(store=store)) as url,
        connect(url) as client,
    ):
        yield client
