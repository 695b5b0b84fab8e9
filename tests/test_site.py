"""The site is strict, and its navigation is what the front page lists."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]

PAGES = {
    "docs/index.md": """# A

[a heading that is gone](page.md#gone) and [a page that is gone](gone.md)

## How to

- [One](page.md), which says
  more on a second line

## Project

- [Changes](../CHANGELOG.md)
""",
    "docs/page.md": "# B",
    "docs/unlisted.md": "# C",
    "CHANGELOG.md": "# D",
}


def test_a_broken_link_or_an_unlisted_page_fails_the_build_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name, text in PAGES.items():
        (tmp_path / name).write_text(text)
    strict = ["-q", "-W", "--keep-going", "-n", "-b", "dummy", "-c", str(ROOT / "docs")]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *strict, str(tmp_path), str(tmp_path / "site")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    warnings = sorted(line for line in done.stderr.splitlines() if "WARNING" in line)
    for part, warning in zip(("'gone.md'", "'gone'", "unlisted.md"), warnings, strict=True):
        assert part in warning
