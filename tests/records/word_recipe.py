"""Follow CONTRIBUTING's "Add a verdict word" on a copy of the source, as far as mypy leads.

Adds a made-up word, a line, and asks mypy for the places that must change. Fails when mypy names
other places than the recipe does. Takes ten seconds, so `.ci/run` runs it and the tests do not:
`python -m tests.records.word_recipe`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
WORDS = Path("battery/records/word.py")
MADE_UP = '    PLATEAU = "PLATEAU", AboutWord("open", "PLAT", "warning")\n'
#: Where a word branches by match, as the recipe has it.
EXPECTED = {
    ("battery/verdict/sentences.py", "Word.PLATEAU"),
    ("battery/verdict/advice.py", "Word.PLATEAU"),
}


def add_made_up_word(module: Path) -> None:
    """Write the word below the docstring of its enumeration."""
    text = re.sub(
        r"(class Word\(.*?\n\n)", rf"\g<1>{MADE_UP}", module.read_text(), count=1, flags=re.S
    )
    module.write_text(text)


def places(source: Path) -> set[tuple[str, str]]:
    """Return each place that mypy names, as file and missing word."""
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(source / "cache")]
    mypy = subprocess.run(
        [*command, "battery/verdict"],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    return set(re.findall(r'^(\S+?):\d+: .*"assert_never".*"Literal\[(.+?)\]"', mypy.stdout, re.M))


def main() -> None:
    """Exit with a message where mypy names other places than the recipe does."""
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(shutil.copytree(SOURCE, Path(scratch) / "src"))
        add_made_up_word(source / WORDS)
        found = places(source)
    if found != EXPECTED:
        sys.exit(f"mypy names {sorted(found)}, the recipe {sorted(EXPECTED)}")


if __name__ == "__main__":
    main()
