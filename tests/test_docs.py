"""The documents say what the program does: names, defaults, fields, links and examples.

Examples are the `console` blocks. The commands of a document run in order, in a fresh folder, and
what they print is compared with what the document shows. A block whose info string names a file
(`json my-tasks.json`) is written to that file first. A command of the battery runs in this process,
which takes a tenth of the time; what needs a shell runs in one, and so does all of the README.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from docs import pictures, reference, samples
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from pydantic import BaseModel
from typer.main import get_command

from battery import protocol
from battery.base import errors
from battery.cli.grouped import default_of, names_of
from battery.cli.main import app
from battery.embedded.server import GatewayOptions, serving
from battery.records import models
from battery.records.expectations import Expectations
from battery.records.word import Outcome, Word
from battery.store.artifacts import ARTIFACTS, CONFIRMATIONS, ORIGINAL_SUMMARY, PRICES, described
from battery.verdict.conditions import CONDITIONS, OF_COMPARISON
from tests.support.calls import command_here
from tests.support.commands import environment
from tests.support.samples import shipped

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
#: Where the documents expect a live gateway, which the test starts on any free port.
LIVE_GATEWAY = "http://localhost:3100"
#: Where documents have a clone of battery.
CLONE = "~/battery"

_PARSER = MarkdownIt("commonmark").enable("table")
GROUP = get_command(app)
assert isinstance(GROUP, typer.core.TyperGroup)


def commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Yield a command by its name, and those below it."""
    yield name, command
    for below in getattr(command, "commands", ()):
        yield from commands(f"{name} {below}", command.get_command(typer.Context(command), below))


COMMANDS: dict[str, Any] = dict(commands("battery", GROUP))


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def tree(page: Path) -> SyntaxTreeNode:
    return SyntaxTreeNode(_PARSER.parse(page.read_text("utf-8")))


def text_of(node: SyntaxTreeNode) -> str:
    return "".join(leaf.content for leaf in node.walk() if leaf.type in {"text", "code_inline"})


def headings(page: Path) -> list[str]:
    return [text_of(node) for node in tree(page).walk() if node.type == "heading"]


def rows(page: str, heading: str) -> list[list[SyntaxTreeNode]]:
    """Return the cells of all table rows between a heading and the next one."""
    found: list[list[SyntaxTreeNode]] = []
    inside = False
    for node in tree(DOCS / page).children:
        if node.type == "heading":
            inside = text_of(node) == heading
        elif inside and node.type == "table":
            found += [row.children for row in node.children[1].children]
    return found


def first_column(page: str, heading: str) -> list[str]:
    return [text_of(cells[0]) for cells in rows(page, heading)]


def code(cell: SyntaxTreeNode) -> list[str]:
    return [leaf.content for leaf in cell.walk() if leaf.type == "code_inline"]


def documented(command: str) -> list[tuple[list[str], str, str]]:
    """Return names, environment variable and default of each option, as the table has them."""
    return [
        (sorted({span.split()[0] for span in code(names)}), text_of(variable), text_of(default))
        for names, variable, default, _ in rows("reference/commands.md", command)
    ]


def declared(command: str) -> list[tuple[list[str], str, str]]:
    """Return the same as the program has them."""
    return [
        (sorted(_names(param)), str(param.envvar or ""), default_of(param) or "none")
        for param in COMMANDS[command].params
    ]


def _names(param: Any) -> list[str]:
    return [param.metavar] if param.param_type_name == "argument" else names_of(param)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_reference_has_exactly_the_options_of_a_command(command: str) -> None:
    assert sorted(documented(command)) == sorted(declared(command))


def test_the_reference_has_a_section_for_each_command_and_no_other() -> None:
    found = [text for text in headings(DOCS / "reference/commands.md") if "battery" in text]
    assert sorted(found) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_every_option_has_help(command: str) -> None:
    assert f"\n  {command} " in str(COMMANDS[command].help)
    assert all(getattr(param, "help", "") for param in COMMANDS[command].params)


def test_the_environment_variables_are_those_that_the_program_reads() -> None:
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    read = set(re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', source))
    # That of everybody, which systems under test are given one of their own for.
    read -= {"HOME"}
    prefixes = ("GATEWAY", "CONTROL_GATEWAY", "LLM_TEAM")
    named = {f"{prefix}_{what}" for prefix in prefixes for what in ("TOKEN", "HEADERS")}
    options = {variable for command in COMMANDS for _, variable, _ in declared(command)}
    assert set(first_column("reference/commands.md", "Environment")) == (read | named) - options


def test_the_errors_are_those_of_the_tree_with_their_exit_codes() -> None:
    kinds = {name: kind for name, kind in vars(errors).items() if hasattr(kind, "exit_code")}
    table = [
        (text_of(kind), text_of(code)) for kind, code, _ in rows("reference/errors.md", "Errors")
    ]
    assert dict(table) == {name: str(kind.exit_code) for name, kind in kinds.items()}


def test_the_reference_has_the_exit_codes_of_the_program() -> None:
    codes = {kind.exit_code for kind in vars(errors).values() if hasattr(kind, "exit_code")}
    # 0 is no error.
    wanted = sorted({0, *codes})
    assert [int(row) for row in first_column("reference/commands.md", "Exit codes")] == wanted


@pytest.mark.parametrize(
    ("page", "heading", "record"),
    [
        ("wire", "Respond request", protocol.RespondRequest),
        ("wire", "Respond answer", protocol.RespondAnswer),
        ("wire", "Distill request", protocol.DistillRequest),
        ("wire", "Chat request", protocol.ChatRequest),
        ("wire", "Chat message", protocol.ChatMessage),
    ],
)
def test_a_reference_table_has_exactly_the_fields_of_its_record(
    page: str, heading: str, record: type[BaseModel]
) -> None:
    assert first_column(f"reference/{page}.md", heading) == list(record.model_fields)


def test_the_reference_has_every_verdict_word() -> None:
    assert set(first_column("reference/evidence.md", "Verdict words")) == set(Word)


def test_every_verdict_word_is_said_in_plain_words() -> None:
    explained = first_column("explanation/verdict.md", "What the verdict means")
    assert sorted(explained) == sorted(Word)


def words_in(cell: SyntaxTreeNode) -> set[str]:
    return set(re.findall("|".join(Word), text_of(cell)))


def test_the_reference_says_what_ci_shows_of_every_verdict_word() -> None:
    loud = {
        text_of(level): words_in(cell)
        for level, cell in rows("reference/formats.md", "Annotations")
    }
    for level, words in loud.items():
        assert words == {word for word in Word if word.about.level == level}
    cases = {text_of(case): cells for case, *cells in rows("reference/formats.md", "JUnit")}
    passes, fails, skipped = map(words_in, cases["verdict"])
    assert fails == loud["error"]
    assert passes == {word for word in Word if word.about.claims}
    assert skipped == set(Word) - fails - passes


def test_the_reference_has_every_condition() -> None:
    for heading, known in (
        ("Gates for pipelines", CONDITIONS),
        ("Gates on a comparison", OF_COMPARISON),
    ):
        named = {
            name for cells in rows("reference/commands.md", heading) for name in code(cells[0])
        }
        assert named == set(known)


def test_the_reference_has_every_outcome_of_a_comparison() -> None:
    assert set(first_column("reference/comparison.md", "Outcome words")) == set(Outcome)


def test_the_keys_of_a_tasks_file_are_documented() -> None:
    keys = [f"phases.{name}" for name in models.Phases.model_fields]
    keys += [f"models.{name}" for name in models.Models.model_fields]
    keys += list(models.Task.model_fields)
    assert first_column("how-to/own-tasks.md", "The fields") == keys


def test_the_expectations_are_documented_with_their_defaults() -> None:
    table = {
        text_of(name): json.loads(text_of(default))
        for name, default, _ in rows("how-to/own-tasks.md", "Expectations")
    }
    assert table == Expectations().model_dump()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a battery of one iteration."""
    return shipped(tmp_path_factory, 1)


def test_a_battery_writes_what_the_table_of_files_has_and_nothing_else(finished: Path) -> None:
    written = {
        str(path.relative_to(finished))
        for path in finished.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    assert [path for path in written if not described(path)] == []
    names = {re.sub(r"_[0-9TZ_]+", "_TIME", Path(path).name) for path in written}
    rare = {CONFIRMATIONS.name, PRICES.name, ORIGINAL_SUMMARY.name}
    assert names == {artifact.name for artifact in ARTIFACTS} - rare


@pytest.mark.parametrize("page", reference.PAGES, ids=name_of)
def test_the_generated_tables_are_those_of_the_program(page: Path) -> None:
    assert page.read_text("utf-8") == reference.written(page), "run: make reference"


def test_every_dependency_is_justified_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = [re.split(r"[<>=!~ \[]", line)[0] for line in project["dependencies"]]
    assert first_column("explanation/dependencies.md", "Dependencies") == names


def test_the_readme_is_short_and_so_are_its_sessions() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 120
    one_run, campaign = (len(example.output) + 1 for example in examples(ROOT / "README.md"))
    assert one_run <= 30
    assert campaign <= 8


def test_the_make_targets_do_what_the_readme_says() -> None:
    for target, command in [("battery", "battery run --iterations 3"), ("test", "pytest")]:
        words = ["make", "--dry-run", target]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
        assert command in done.stdout


def anchors(page: Path) -> set[str]:
    """Name the headings of a page as code hosts do."""
    found: set[str] = set()
    for heading in headings(page):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = sum(1 for other in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", other))
        found.add(f"{slug}-{number}" if number else slug)
    return found


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for node in tree(page).walk():
        if node.type != "link" or "://" in str(node.attrs["href"]):
            continue
        path, _, anchor = str(node.attrs["href"]).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_file(), f"{path} is not there"
        assert not anchor or anchor in anchors(target), f"{path} has no #{anchor}"


def test_every_picture_is_there_and_shown_and_taken_by_the_program() -> None:
    shown = {
        (page.parent / str(node.attrs["src"])).resolve()
        for page in PAGES
        for node in tree(page).walk()
        if node.type == "image"
    }
    taken = {pictures.IMAGES / name for name in pictures.PICTURES}
    assert shown == taken == set(pictures.IMAGES.iterdir())


def test_every_document_can_be_reached_from_the_index() -> None:
    linked = {
        (DOCS / str(node.attrs["href"])).resolve()
        for node in tree(DOCS / "index.md").walk()
        if node.type == "link"
    }
    assert set(DOCS.rglob("*.md")) - linked == {DOCS / "index.md"}


def test_documents_that_the_program_points_to_exist() -> None:
    files = [*(ROOT / "src").rglob("*.py"), ROOT / "pyproject.toml", ROOT / "CONTRIBUTING.md"]
    named = {
        path for file in files for path in re.findall(r"docs/[\w/-]+\.md", file.read_text("utf-8"))
    }
    assert named
    assert {path for path in named if not (ROOT / path).is_file()} == set()


class Example(NamedTuple):
    """A command and the lines that it is said to print."""

    command: str
    output: list[str]


def examples(page: Path) -> list[Example]:
    found: list[Example] = []
    for node in tree(page).walk():
        if node.type != "fence" or node.info != "console":
            continue
        assert node.content.startswith("$ ")
        for line in node.content.splitlines():
            if line.startswith("$ "):
                found.append(Example(line[2:], []))
            else:
                found[-1].output.append(line)
    return found


def write_files(page: Path, folder: Path) -> None:
    for node in tree(page).walk():
        if node.type == "fence" and " " in node.info:
            (folder / node.info.split()[1]).write_text(node.content, "utf-8")


#: What differs from run to run. Spaces collapse, because columns follow the width of numbers.
_MASKS = [
    (r"http://(?:localhost|127\.0\.0\.1):\d+", "URL"),
    (r"\d{4}-\d\d-\d\dT\d\d[:-]\d\d[:-]\d\dZ", "TIME"),
    (r"\b\d+ ms\b|\b\d+\.\d s\b", "DURATION"),
    (r"\S*/my-tasks\.json", "PATH"),
    # Whether the last iteration took less time than the first is up to the machine, and its
    # correlation with the other metrics reaches their corrected p-values.
    (r"^(- `)?total_elapsed_s.*", "total_elapsed_s"),
    (r"^([a-z_]+ +[-+]\S+.* )(?:<?\d\.\d{3}|-)$", r"\1P"),
    (r"\s+", " "),
]


def masked(line: str) -> str:
    for pattern, word in _MASKS:
        line = re.sub(pattern, word, line)
    return line.strip()


def matches(shown: list[str], printed: list[str]) -> bool:
    """Compare line by line; a line that is only `…` stands for any number of lines."""
    any_lines = r"(?:[^\n]*\n)*"
    wanted = [any_lines if line == "…" else re.escape(masked(line)) + "\n" for line in shown]
    text = "".join(f"{masked(line)}\n" for line in printed)
    return re.fullmatch("".join(wanted), text) is not None


def test_the_comparison_of_batteries_that_differ_is_what_the_program_prints(
    tmp_path: Path,
) -> None:
    samples.write_pair(tmp_path)
    printed = command_here("compare", "sound", "forgetful", cwd=tmp_path).stdout
    fences = [node for node in tree(DOCS / "how-to/compare.md").walk() if node.type == "fence"]
    (shown,) = (node.content for node in fences if node.info == "text")
    assert shown == printed


def test_only_what_is_left_out_or_measured_may_differ() -> None:
    printed = ["a  6 ms", "b"]
    for same in (["a 5 ms", "b"], ["…", "b"], ["a 7 ms", "…", "b", "…"]):
        assert matches(same, printed), same
    for other in (
        ["a 5 ms"],
        ["…", "a 5 ms"],
        ["…", "ms", "b"],
        ["5 ms", "b"],
        ["b", "…"],
        ["…", "", "b"],
    ):
        assert not matches(other, printed), other


@pytest.fixture
def live_gateway(tmp_path: Path) -> Iterator[str]:
    """Serve a gateway and yield its URL."""
    with serving(GatewayOptions(tmp_path / "memory")) as url:
        yield url


def needs_no_shell(example: Example) -> bool:
    """Tell a plain command of the battery from what only a shell understands."""
    # The workers of a campaign write to the standard error of the process itself.
    plain = r"(battery|export) (?!campaign run)[\w ./:=-]+( > [\w.-]+)?"
    return re.fullmatch(plain, example.command) is not None


def run_examples(found: list[Example], folder: Path, *, one_shell: bool) -> list[list[str]]:
    """Run the commands; return the lines that each printed, errors included.

    Neighbours that need a shell share one, unless all do.
    """
    printed: list[list[str]] = []
    exported: dict[str, str] = {}
    for plain, group in groupby(found, lambda each: not one_shell and needs_no_shell(each)):
        commands = [example.command for example in group]
        if plain:
            printed += [run_here(command, folder, exported) for command in commands]
        else:
            printed += in_shell(commands, folder, exported)
    return printed


def run_here(command: str, folder: Path, exported: dict[str, str]) -> list[str]:
    command, _, file = command.partition(" > ")
    program, *words = shlex.split(command)
    if program == "export":
        pairs = (word.partition("=") for word in words)
        exported |= {name: value for name, _, value in pairs}
        return []
    done = command_here(*words, cwd=folder, env=exported, mixed=not file)
    if not file:
        return done.stdout.splitlines()
    (folder / file).write_text(done.stdout, "utf-8")
    return done.stderr.splitlines()


def in_shell(commands: list[str], folder: Path, exported: dict[str, str]) -> list[list[str]]:
    mark = "=== end of example"
    path = f"{Path(sys.executable).parent}:{environment().get('PATH', '')}"
    script = "".join(f"{command}\necho '{mark}'\n" for command in commands)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        # The plugins of this suite are none of the examples', and take a second to load.
        env=environment(
            {
                **exported,
                "PATH": path,
                "PYTHONUTF8": "1",
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            }
        ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=True,
        # A campaign of five runs is among them.
        timeout=300,
    )
    parts = done.stdout.split(f"{mark}\n")
    assert parts.pop() == ""
    return [part.splitlines() for part in parts]


@pytest.mark.parametrize("page", [p for p in PAGES if examples(p)], ids=name_of)
def test_examples_print_what_the_document_shows(
    page: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found = examples(page)
    if any(LIVE_GATEWAY in example.command for example in found):
        url = request.getfixturevalue("live_gateway")
        found = [e._replace(command=e.command.replace(LIVE_GATEWAY, url)) for e in found]
    found = [e._replace(command=e.command.replace(CLONE, str(ROOT))) for e in found]
    folder = tmp_path / "examples"
    folder.mkdir()
    write_files(page, folder)
    ran = run_examples(found, folder, one_shell=page.name == "README.md")
    for example, printed in zip(found, ran, strict=True):
        if not matches(example.output, printed):
            pytest.fail(f"$ {example.command} printed:\n" + "\n".join(printed))
