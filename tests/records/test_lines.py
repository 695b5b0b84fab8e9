"""Lines, answers and rows hold what came back, under the names that the documents give."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from battery.records.lines import COLUMNS


def test_the_columns_are_documented_in_their_order() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "formats.md"
    section = page.read_text("utf-8").partition("## Columns")[2].partition("\n## ")[0]
    table = re.findall(r"^\| `(\w+)` \| .+? \| (yes)? ?\|", section, re.MULTILINE)
    wanted = [
        (name, "yes" if type(None) in get_args(hint) else "") for name, hint in COLUMNS.items()
    ]
    assert table == wanted
