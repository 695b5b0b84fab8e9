"""Tables and paragraphs of the terminal, 80 columns wide; pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

WIDTH: Final = 80
GAP: Final = "  "
#: Wraps a paragraph; paths and addresses stay whole, so that they can be copied.
PROSE: Final = textwrap.TextWrapper(WIDTH, break_long_words=False, break_on_hyphens=False)
#: The same for a line that begins with a word of its own: what follows it is indented.
INDENTED: Final = textwrap.TextWrapper(
    WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
)


def align(cells: Sequence[str], *, left: bool = False) -> list[str]:
    """Fill the cells of a column to its widest."""
    width = widest(cells)
    return [cell.ljust(width) if left else cell.rjust(width) for cell in cells]


def widest(cells: Sequence[str]) -> int:
    """Return the length of the longest cell."""
    return max(map(len, cells))
