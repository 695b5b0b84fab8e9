"""The prices of a battery in its folder."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from battery.pricing import Pricing
from battery.records.models import RunResult, Tasks
from battery.store.artifacts import MANIFEST, PRICES


def read_pricing(root: Path, read_tasks: Callable[[], Tasks | None]) -> Pricing:
    """Read by what the calls in a folder are priced; raise `ArtifactError` or `TasksError`.

    Its tasks come first, then what an earlier summary used, then the public list.
    """
    manifest, earlier = MANIFEST.find(root), PRICES.find(root)
    # The original script wrote no tasks.json: one in its folder is the user's own.
    if manifest is None:
        return Pricing.of(None, earlier)
    tasks = read_tasks()
    prices = tasks.prices if tasks else None
    return Pricing.of(prices, earlier, manifest.models.executor_cloud, _day(manifest.started_at))


def keep_prices(root: Path, pricing: Pricing, results: Iterable[RunResult]) -> None:
    """Write the prices that results rest on, from elsewhere than the tasks; `ArtifactError`."""
    if used := pricing.used(results):
        PRICES.update(root, used)


def _day(text: str) -> datetime | None:
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
