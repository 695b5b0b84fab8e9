"""How often Python looks for garbage that refers to itself.

By default it looks each time that 700 more objects are there than before, and a single answer of a
system may consist of as many. What answers leave behind is freed without it, so that nearly every
look is in vain, and with many answers they take an eighth of the time.
"""

from __future__ import annotations

import gc
from typing import Final

#: New objects until the next look, and looks until one at older objects, and at all.
_RARELY: Final = (10_000, 20, 20)


def look_rarely() -> None:
    """Look for garbage less often, and never among what exists by now, which stays to the end."""
    gc.freeze()
    gc.set_threshold(*_RARELY)
