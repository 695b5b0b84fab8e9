"""The public list of prices that comes with genai-prices, an extra that may be missing.

Its data are in the package: nothing is fetched.
"""

from __future__ import annotations

import importlib
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from typing import Any, Final

from battery.records.models import KnownPrice

INSTALL: Final = "pip install 'compounding-battery[prices]'"
_LIBRARY: Final = "genai_prices"


def is_there() -> bool:
    """Return whether the extra is installed."""
    return find_spec(_LIBRARY) is not None


def price(model: str, day: datetime | None) -> KnownPrice | None:
    """Look up a model by its plain name; None where the list is missing or does not have it."""
    library = _library()
    if library is None:
        return None
    try:
        nothing = library.Usage(input_tokens=0, output_tokens=0)
        listed = library.calc_price(nothing, model, genai_request_timestamp=day).model_price
    except LookupError:
        return None
    amounts = [_base(getattr(listed, f"{kind}_mtok")) for kind in ("input", "cache_read", "output")]
    own, cached, output = amounts
    if own is None or output is None:
        return None
    source = f"genai-prices {library.__version__}"
    return KnownPrice(input=own, cached_input=cached, output=output, source=source)


def _base(amount: Any) -> float | None:
    # Long prompts cost more with some models. An answer tells the tokens of several calls
    # together, which says nothing of the length of each, so the first step counts for all.
    amount = getattr(amount, "base", amount)
    return None if amount is None else float(amount)


@cache
def _library() -> Any:
    # Loaded when a price is first looked up: an extra, and as large as all the rest of battery.
    return importlib.import_module(_LIBRARY) if is_there() else None
