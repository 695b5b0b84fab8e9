"""What documents name exists today, and the numbers in their prose are the program's own."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_docs import DOCS, PAGES, ROOT, name_of, tree

SOURCE = ROOT / "src" / "battery"
#: Folders that a document may name without saying where they are.
FOLDERS = {
    *(path.name for path in SOURCE.iterdir() if path.is_dir()),
    *("benchmarks", "docs", "src", "tests", ".ci"),
}
#: Where a path may begin.
ROOTS = (ROOT, SOURCE, ROOT / "src")
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
MODULES = re.compile(r"(?:benchmarks|docs|tests|battery)(?:\.[a-z_]+)+")
#: Pages about the source; the names of code in them are battery's.
OF_THE_SOURCE = [ROOT / "CONTRIBUTING.md", DOCS / "explanation/design.md"]


def code_in(page: Path) -> Iterator[str]:
    """Yield the lines of code of a page, in its prose and in its blocks."""
    for node in tree(page).walk():
        if node.type in {"code_inline", "code_block", "fence"}:
            yield from node.content.splitlines()


def words_in(page: Path) -> Iterator[str]:
    for line in code_in(page):
        yield from re.split(r"[\s(),:;`\"']+", line)


def is_there(path: str) -> bool:
    return any((root / path).exists() for root in ROOTS)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_paths_that_a_document_names_exist(page: Path) -> None:
    named = {
        word
        for word in words_in(page)
        if "/" in word and (word.split("/")[0] in FOLDERS or word.endswith(".py"))
    }
    assert {word for word in named if not is_there(word.removeprefix("./"))} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_modules_that_a_document_names_exist(page: Path) -> None:
    named = {
        word.removesuffix(".py")
        for line in code_in(page)
        for word in MODULES.findall(line)
        if re.search(rf"(?:-m|from|import) {re.escape(word)}", line)
    }
    assert {name for name in named if importlib.util.find_spec(name) is None} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_that_a_document_names_exist(page: Path) -> None:
    commands = (re.fullmatch(r"make(?: [A-Z]+=\S+)? ([a-z]+)(?: +#.*)?", s) for s in code_in(page))
    assert {command[1] for command in commands if command} <= TARGETS


@pytest.mark.parametrize("page", OF_THE_SOURCE, ids=name_of)
def test_names_of_code_that_a_document_names_exist(page: Path) -> None:
    files = [path for folder in ("src", "tests") for path in (ROOT / folder).rglob("*.py")]
    source = "\n".join(path.read_text("utf-8") for path in files)
    inline = (node.content for node in tree(page).walk() if node.type == "code_inline")
    named = {text for text in inline if re.fullmatch(r"[A-Z]\w+(?:\.\w+)*", text)}
    parts = {part for name in named for part in name.split(".")}
    assert {part for part in parts if not re.search(rf"\b{part}\b", source)} == set()
