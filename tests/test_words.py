"""One name for one thing, in plain English, in everything that people read.

Read are the texts of the program (messages, help, templates, descriptions of fields), its documents
and its examples. Files, JSON keys, options and variables keep names that prose no longer has, so
what is written as code is not looked at: code spans, options, single words without a space.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import typer
from typer.main import get_command

from battery.cli.main import app

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "battery"

#: What is no longer written, as a regular expression, and what is written for it.
RETIRED = {
    r"frozen": "twin",
    r"control (gateway|arm|group)": "twin",
    r"(learn(ing)?|frozen) arm|arm that (is|was|gets) (distilled|taught)": "learner",
    r"arms? that (does|do|did)? ?(learns?|not learn)": "learner",
    r"arms? that never learns?": "twin",
    r"control of (this|the|a) battery": "twin",
    r"LLM[ -]team": "learning side",
    r"overseer('s)? review|review of the overseer": "review",
    r"scrum( (judgment|findings|review))?": "judgment",
    r"alpha": "easy tasks",
    r"beta": "niche tasks",
    r"gamma": "impossible tasks",
    r"delta": "distillation",
    r"epsilon": "review",
    r"zeta": "judgment",
    r"\w+\(e?s\)": "battery.base.numbers.counted",
    r"p = <": "p <",
    r"<0\.0\d+": "< 0.0…",
    r"that (is|are) (?-i:none)": "a plain not",
    r"(is|are) no (JSON|YAML|TOML|URL|error|number)": "is not",
    r"whoever": "anyone who, or you",
    r"nevertheless": "anyway",
    r"the how manieth|the own": "its own",
    r"mend(s|ed|ing)?": "fix",
    r"dearer": "more expensive",
    r"in all(?=[.,;:)])": "in total",
    r"wrong use": "usage error",
    r"rather use": "prefer",
    r"besides?": "next to, as well",
    r"(stands(?! (in )?for)|lies)": "is",
    r"(tokens|turns|calls|runs|seconds|minutes|dollars) an? (task|iteration|call|run)": "per",
}
_RETIRED = {
    re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])".replace(" ", r"\s+"), re.IGNORECASE): instead
    for pattern, instead in RETIRED.items()
}

#: Texts for machines or of others, by the reason.
NOT_READ = {
    "review/prompts.py": "sent to a model: the contract names what it asks for",
    "review/labels.py": "recognises what models write",
}

_CODE = re.compile(
    r"""
    ``.+?`` | `[^`]+`  # code spans
    | --[a-z][\w-]*  # options
    | ^\ {2,}battery\ [^\n]*  # examples
    | \$?\b[A-Z]+_[A-Z_]+\b  # variables
    | \b[\w/]+\.(?:md|json\w*)\b  # files
    | (?:[a-z-]+,\ ){6,}[a-z-]+  # the values of an option
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_PROSE = re.compile(r"[^\W\d_]\s|\s[^\W\d_]")


_MARKUP = re.compile(r"\{[{%#].*?[}%#]\}|<[^<>]*>", re.DOTALL)
_FENCE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)


class Passage(NamedTuple):
    """Some text that people read, from a line on."""

    path: Path
    line: int
    text: str


def passages() -> Iterator[Passage]:
    """Yield all that people read."""
    yield from helps("battery", get_command(app))
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE).as_posix() not in NOT_READ:
            yield from literals(path)
    for path in sorted((ROOT / "examples").rglob("*.py")):
        yield from literals(path)
    yield from comments(SOURCE / "starter.json", json.loads((SOURCE / "starter.json").read_text()))
    for path in sorted(SOURCE.rglob("templates/*.html")):
        yield Passage(path, 1, _MARKUP.sub(blank, path.read_text()))
    documents = (
        ROOT.glob("README.md"),
        *(ROOT.joinpath(f).rglob("*.md") for f in ("docs", "examples")),
    )
    for path in sorted(chain.from_iterable(documents)):
        yield Passage(path, 1, _FENCE.sub(blank, path.read_text()))


def helps(name: str, command: Any) -> Iterator[Passage]:
    """Yield what a command says of itself, and those below it; its options are literals."""
    yield Passage(Path(f"{name} --help"), 1, command.help or "")
    for below in getattr(command, "commands", ()):
        yield from helps(f"{name} {below}", command.get_command(typer.Context(command), below))


def comments(path: Path, document: Any) -> Iterator[Passage]:
    """Yield what a tasks file says to people, at any depth."""
    if isinstance(document, dict):
        text = document.get("$comment", [])
        yield Passage(path, 1, text if isinstance(text, str) else "\n".join(text))
    inside = document.values() if isinstance(document, dict) else document
    for value in inside if isinstance(document, dict | list) else ():
        yield from comments(path, value)


def blank(match: re.Match[str]) -> str:
    """Keep the lines of what is taken out, so that those after it have their numbers."""
    return "\n" * match[0].count("\n") or "`"


def literals(path: Path) -> Iterator[Passage]:
    """Yield the literals of a module that are prose: those with a space, docstrings aside."""
    pending: list[ast.AST] = [ast.parse(path.read_text())]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Constant | ast.JoinedStr):
            text = written(node)
            if _PROSE.search(text):
                yield Passage(path, node.lineno, text)
            # What a value is made of may be written there as well.
            parts = node.values if isinstance(node, ast.JoinedStr) else []
            pending += [part for part in parts if isinstance(part, ast.FormattedValue)]
        elif not is_docstring(node) and not is_pattern(node):
            pending += ast.iter_child_nodes(node)


def written(node: ast.Constant | ast.JoinedStr) -> str:
    """Return the text of a literal, with a mark for each value that is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(written(part) if isinstance(part, ast.Constant) else "…" for part in node.values)


def is_docstring(node: ast.AST) -> bool:
    """Tell whether it is a text that stands for itself."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def is_pattern(node: ast.AST) -> bool:
    """Tell whether it is a regular expression, which finds words and writes none."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
    )


def faults(passage: Passage) -> Iterator[str]:
    """Name each retired word of a passage by its place, with what is written instead."""
    prose = _CODE.sub(blank, passage.text)
    for pattern, instead in _RETIRED.items():
        for match in pattern.finditer(prose):
            line = passage.line + prose.count("\n", 0, match.start())
            yield f"{passage.path}:{line}: for {match[0]!r} write {instead!r}"


def test_no_retired_word_is_read_anywhere() -> None:
    found = [fault for passage in passages() for fault in faults(passage)]
    assert not found, "\n".join(found)


def test_a_retired_word_is_found_over_lines_and_not_in_code() -> None:
    text = "The learn\narm, `frozen`, --llm-team, a frozen twin and 2 run(s)"
    assert list(faults(Passage(Path("a.md"), 7, text))) == [
        "a.md:8: for 'frozen' write 'twin'",
        "a.md:7: for 'learn\\narm' write 'learner'",
        "a.md:8: for 'run(s)' write 'battery.base.numbers.counted'",
    ]


def test_prose_is_read_wherever_it_is_written(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        '"""A frozen docstring."""\nkey = "frozen"\nsaid = f"the {key} arm"\n'
        'more = f"{f(\'a frozen one\')}: {key}"\nfound = re.compile("a frozen one")\n'
    )
    assert [(each.line, each.text) for each in literals(module)] == [
        (4, "a frozen one"),
        (3, "the … arm"),
    ]
