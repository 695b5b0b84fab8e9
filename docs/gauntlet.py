"""Write the tables of docs/explanation/gauntlet.md from a gauntlet: `make gauntlet`.

The tables are between `<!-- generated: gauntlet -->` and `<!-- end -->`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from battery.gauntlet import Gauntlet
from battery.gauntlet.table import kept, origin, tables

PAGE: Final = Path(__file__).parent / "explanation" / "gauntlet.md"
RESULT: Final = Path("data/calibration/gauntlet.json")

_BLOCK: Final = re.compile(r"(<!-- generated: gauntlet -->\n).*(<!-- end -->)", re.DOTALL)


def written(page: str, gauntlet: Gauntlet) -> str:
    """Return the text that the page should have."""
    table = f"{kept(gauntlet)} ({origin(gauntlet)}).\n\n{tables(gauntlet)}\n\n"
    return _BLOCK.sub(lambda match: match[1] + table + match[2], page)


if __name__ == "__main__":
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else RESULT
    result = Gauntlet.model_validate_json(source.read_bytes())
    PAGE.write_text(written(PAGE.read_text("utf-8"), result), "utf-8")
