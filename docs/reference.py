"""Write the tables of the reference that follow from the program: `make reference`.

A table is between `<!-- generated: … -->` and `<!-- end -->`; what is around it is written by
hand. The fields of a record are described where the record is, and nowhere else.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_type_hints

import typer
from docs import front
from pydantic import TypeAdapter
from typer.main import get_command

import battery
from battery.cli import run as command
from battery.cli.glossary import WORDS
from battery.cli.grouped import about, default_of, names_of, sections
from battery.cli.main import app
from battery.comparison.timeline import History
from battery.grading.kinds import KINDS
from battery.records.campaign import CampaignSummary
from battery.records.checks import Regrading
from battery.records.comparison import Comparison
from battery.records.lines import JournalLine, RecordedRun
from battery.records.manifest import Manifest
from battery.records.models import Proposal
from battery.records.plan import Plan
from battery.records.status import CampaignStatus
from battery.records.summary import Summary
from battery.records.word import GateName, Word
from battery.report.machine import FORMATS
from battery.store.artifacts import ARTIFACTS, MEMORY, Artifact
from battery.store.schemas import SCHEMAS

DOCS: Final = Path(__file__).parent
#: The pages that have such tables.
PAGES: Final = [
    DOCS / "index.md",
    DOCS / "how-to" / "read-the-artifacts.md",
    DOCS / "explanation" / "verdict.md",
    *sorted((DOCS / "reference").glob("*.md")),
]

_BLOCK: Final = re.compile(r"(<!-- generated: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_PLACES: Final = re.compile(r"^#+ (.+)$|<!-- generated: fields (\w+) -->", re.MULTILINE)
_ROOTS: Final = tuple[
    Manifest,
    Summary,
    Proposal,
    Comparison,
    History,
    RecordedRun,
    JournalLine,
    Regrading,
    Plan,
    CampaignSummary,
    CampaignStatus,
]
_RECORDS: Final = TypeAdapter(_ROOTS).json_schema()["$defs"]
#: What is described by hand, and where.
_BY_HAND: Final = {
    "Models": "../how-to/own-tasks.md#the-fields",
    "Outcome": "comparison.md#outcome-words",
    "PhaseTable": "files.md#phase-metrics",
    "Task": "../how-to/own-tasks.md#the-fields",
    "Tasks": "../how-to/own-tasks.md#the-fields",
    "Word": "evidence.md#verdict-words",
}
#: Of `battery.run`: what no option is called, or is said of.
_OWN_WORDS: Final = {
    "target": "What `--target` takes, or a class or function that a file defines.",
    "tags": "Words to sort batteries by.",
    "headers": "Headers for the gateway, in addition to those that the environment holds.",
    "llm_team_headers": "The same for the learning side.",
    "control_headers": "The same for the twin.",
    "progress": "Whether to show the run on standard error.",
}
#: Of a battery: what has no docstring.
_FIELDS: Final = {
    "folder": "Where its files are.",
    "summary": "Every number, as in [`summary.json`](files.md#summary).",
}
_SETTINGS: Final = "See [Keep settings in a file](../how-to/settings.md)."
_GATES: Final = "See [Gates for pipelines](#gates-for-pipelines)."
_SUMMARY: Final = "It is `summary.json`."
_KEPT: Final = "Without it, the one that the manifest names."
#: What the reference adds to the help of an option, of one command or of all.
_MORE: Final = {
    "--config": _SETTINGS,
    "--dry-run": "See [below](#dry-run).",
    "--header": "See [Credentials](#credentials).",
    "--max-cost": "See [Caps](#caps).",
    "--max-tokens": "See [Caps](#caps).",
    "--meter": "See [Meter what an agent asks](../how-to/meter.md).",
    "--name": "At most 80 characters; `--name ''` takes a name away.",
    "--note": "At most 1,000 characters.",
    "--prepare": "See [Prepare](#prepare).",
    "--reviewer": "See [Reviewer](#reviewer).",
    "--tag": "At most 20 of at most 40 characters; those of a later command replace them.",
    "--target": "`embedded` names the embedded gateway. See [Targets](targets.md).",
    "run --control-gateway": "See [Memory kept and put back](wire.md#memory-kept-and-put-back).",
    "run --fail-on": _GATES,
    "run --iterations": "With `--resume`, the number that was wanted before; the plan of the "
    "verdict, which is that of the first run, stays.",
    "run --json": _SUMMARY,
    "run --repeats": "Within a phase all tasks are asked once, then all again.",
    "iterate --control-gateway": _KEPT,
    "iterate --json": _SUMMARY,
    "iterate --llm-team": _KEPT,
    "iterate --target": _KEPT,
    "campaign run --jobs": "Each has connections of its own.",
    "campaign run --json": "It is [`summary.json`](campaign.md) of the campaign.",
    "campaign status --json": "It is [the record](campaign.md#status) of how far it is.",
    "campaign verdict --json": "The same as `--format json`.",
    "campaign plan --json": "It is [`campaign.json`](files.md#campaign).",
    "review --json": "It has `iteration`, `proposals`, `verdicts` and `artifacts`.",
    "review --target": _KEPT,
    "review --tasks": "Read only where the folder has no manifest.",
    "summarize --fail-on": _GATES,
    "summarize --format": "See [Formats](formats.md).",
    "summarize --json": "The same as `--format json`.",
    "grade --json": "It says [what flipped](checks.md#graded-again).",
    "grade --tasks": "It becomes the tasks file of the battery.",
    "watch --json": "It is the summary of a finished battery, and with `--once` [how "
    "far one is](../how-to/watch.md#print-the-state-once).",
    "report --json": "It has `path`, `bytes`, `verdict` (null with a single iteration) and "
    "`unfinished` (null, or what the page does not cover yet).",
    "compare --fail-on": "See [Gates on a comparison](#gates-on-a-comparison).",
    "compare --format": "JSON is [the record](comparison.md).",
    "compare --json": "The same as `--format json`.",
    "export --json": "It has `format` and `files`, a list of `path`, `arm` and `samples`.",
    "pool --json": "It is [the same record](campaign.md) as that of a campaign.",
    "history --tag": "`run --tag` gives them.",
    "power --drop": "0.001 to 0.95.",
    "power --from": "Its first iteration tells the noise, which is planned with its upper bound.",
    "power --json": "It has the size, `noise`, `noise_planned`, `power`, `drop`, `questions`, "
    "`over_runs` and `assumptions`.",
    "calibrate --json": "It is `calibration.json` or `gauntlet.json`.",
    "doctor --json": "It has `checks`, a list of `name`, `ok`, `finding`, `hint`; `tried`, the "
    "same of `--try` or null; and `settings`, a list of `name`, `value`, `source`.",
    "tasks import --path": "As in a [check](checks.md#the-kinds).",
}
_WORDS: Final = {
    "boolean": "boolean",
    "integer": "integer",
    "null": "null",
    "number": "number",
    "object": "object",
    "string": "string",
}


def written(page: Path) -> str:
    """Return the text that a page should have."""

    def block(match: re.Match[str]) -> str:
        kind, *arguments = match[2].split()
        return match[1] + "\n".join(_TABLES[kind](page.name, *arguments)) + "\n" + match[3]

    return _BLOCK.sub(block, page.read_text("utf-8"))


def _table(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    for cells in (heads, ["---"] * len(heads), *rows):
        yield f"| {' | '.join(cells)} |"


def _fields(page: str, name: str) -> Iterator[str]:
    """Tabulate the fields of a record."""
    fields = _RECORDS[name]["properties"].items()
    rows = ([f"`{key}`", _type(of, page), of.get("description", "")] for key, of in fields)
    return _table(["Field", "Type", "Content"], rows)


def _files(page: str) -> Iterator[str]:
    """Tabulate the files of a battery, each at all places where it may be."""
    rows = (
        [
            ", ".join(f"`{place}`" for place in file.places),
            file.when,
            file.about,
            _content(file, page),
        ]
        for file in ARTIFACTS
    )
    return _table(["File", "Written", "What it is", "Content"], rows)


def _overview(page: str) -> Iterator[str]:
    """Tabulate the files in short, without what the embedded gateway remembers."""
    del page
    files = (file for file in ARTIFACTS if not file.folders[0].startswith(MEMORY))
    return _table(["File", "What it is"], ([f"`{file.pattern}`", file.about] for file in files))


def _figures(page: str) -> Iterator[str]:
    """Tabulate how far the verdict can be trusted, for the front page."""
    del page
    return _table(front.HEADS, front.figures())


def _schemas(page: str) -> Iterator[str]:
    del page
    return _table(
        ["Name", "Describes", "What it is"],
        (
            [f"`{name}`", f"{'a line of ' if schema.lines else ''}`{schema.path}`", schema.about]
            for name, schema in SCHEMAS.items()
        ),
    )


def _glossary(page: str) -> Iterator[str]:
    """Tabulate the words that battery prints."""
    del page
    return _table(["Word", "Meaning"], ([word, text] for word, text in WORDS.items()))


def _verdicts(page: str) -> Iterator[str]:
    """Tabulate what each verdict means."""
    del page
    return _table(["Word", "In plain words"], ([word, word.about.plain] for word in Word))


def _gates(page: str) -> Iterator[str]:
    """Tabulate what passes each gate."""
    del page
    rows = (
        [about.title, f"`{gate}`", _sentence(about.asks)]
        for gate in GateName
        for about in [gate.about]
    )
    return _table(["Gate", "In files", "Passes when"], rows)


def _formats(page: str) -> Iterator[str]:
    del page
    rows = ([f"`{kind.name}`", _sentence(kind.about)] for kind in FORMATS.values())
    return _table(["Format", "Content"], rows)


def _checks(page: str) -> Iterator[str]:
    """Tabulate the kinds of checks."""
    del page
    rows = ([f"`{kind.key}`", kind.passes, kind.refuses] for kind in KINDS)
    return _table(["Key", "Passes when", "Does not accept"], rows)


def _keywords(page: str) -> Iterator[str]:
    """Tabulate the keywords of `battery.run`, in the words of the command's options."""
    del page
    options: dict[str, str] = {}
    for hint in get_type_hints(command.run, include_extras=True).values():
        for option in getattr(hint, "__metadata__", ()):
            # Typer takes the first name of an option for its default, and sorts it out later.
            names = (str(option.default), *(option.param_decls or ()))
            options |= dict.fromkeys((name.strip("-").replace("-", "_") for name in names), option)
    rows = (
        [f"`{name}`", f"`{_code(keyword.annotation)}`", about]
        for name, keyword in inspect.signature(battery.run).parameters.items()
        if (about := _OWN_WORDS.get(name) or getattr(options.get(name), "help", ""))
    )
    return _table(["Keyword", "Type", "What it is"], rows)


def _options(page: str, *words: str) -> Iterator[str]:
    """Tabulate the options of a command, in the groups of its help."""
    del page
    command, context = _command(words)
    groups = list(sections(command, context))
    if groups[-1][0] == "Options":
        groups = [("", [param for _, params in groups for param in params])]
    for number, (title, params) in enumerate(groups):
        if title:
            yield from ["", f"**{title}**", ""][number == 0 :]
        rows = (_row(param, " ".join(words)) for param in params if param.name != "help")
        kind = "Argument" if title == "Arguments" else "Option"
        yield from _table([kind, "Environment", "Default", "Meaning"], rows)


def _command(words: Sequence[str]) -> tuple[Any, Any]:
    """Find a command, or one below it, by its words."""
    command: Any = get_command(app)
    context = typer.Context(command)
    for word in words:
        command = command.get_command(context, word)
        context = typer.Context(command, parent=context)
    return command, context


def _is_short(name: str) -> bool:
    return not name.startswith("--")


def _row(param: Any, command: str) -> list[str]:
    is_option = param.param_type_name == "option"
    names = names_of(param) if is_option else [param.metavar]
    takes = f" {param.metavar}" if is_option and param.metavar else ""
    default = default_of(param)
    kept = default in {None, "off"}
    more = [_MORE.get(f"{command} {name}") or _MORE.get(name) for name in names]
    meaning = " ".join([about(param), *filter(None, more)])
    return [
        _code(", ".join(f"`{name}{takes}`" for name in sorted(names, key=_is_short))),
        f"`{param.envvar}`" if param.envvar else "",
        (default or "none") if kept else f"`{default}`",
        _code(meaning),
    ]


def _members(page: str) -> Iterator[str]:
    """Tabulate what a battery has, by the docstrings."""
    del page
    fields = inspect.get_annotations(battery.Battery)
    rows = [[f"`{name}`", f"`{_code(fields[name])}`", about] for name, about in _FIELDS.items()]
    members: Mapping[str, Any] = vars(battery.Battery)
    for name, member in members.items():
        if name.startswith("_") or name in fields:
            continue
        called = not isinstance(member, property)
        kind = inspect.signature(member if called else member.fget).return_annotation
        rows.append(
            [
                f"`{name}{'()' if called else ''}`",
                f"`{_code(kind)}`",
                " ".join(str(member.__doc__).split()),
            ]
        )
    return _table(["Member", "Type", "What it is"], iter(rows))


def _code(annotation: str) -> str:
    return annotation.replace("|", "\\|")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


_TABLES: Final[dict[str, Callable[..., Iterator[str]]]] = {
    "checks": _checks,
    "fields": _fields,
    "figures": _figures,
    "files": _files,
    "formats": _formats,
    "gates": _gates,
    "glossary": _glossary,
    "keywords": _keywords,
    "members": _members,
    "options": _options,
    "overview": _overview,
    "schemas": _schemas,
    "verdicts": _verdicts,
}


def _content(artifact: Artifact[Any, Any], page: str) -> str:
    if artifact.format.content is None:
        return "text"
    document = TypeAdapter(artifact.format.content).json_schema()
    name = document.get("title", "")
    known = name in _RECORDS or name in _BY_HAND
    content = _named(name, page) if known else _type(document, page)
    return f"per line: {content}" if artifact.format.lines else content


def _type(schema: dict[str, Any], page: str) -> str:
    """Return in words what a schema allows."""
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(_type(one, page) for one in schema[union])
    if "$ref" in schema:
        return _named(schema["$ref"].rpartition("/")[2], page)
    if "const" in schema or "enum" in schema:
        values = schema["enum"] if "enum" in schema else [schema["const"]]
        return ", ".join(f"`{value}`" for value in values)
    if schema.get("type") == "array":
        return f"list of {_plural(_type(schema['items'], page))}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_plural(_type(schema['additionalProperties'], page))}"
    return _WORDS.get(schema.get("type", ""), "anything")


def _plural(words: str) -> str:
    if " or " in words:
        return f"({words})"
    return f"{words}s" if words in _WORDS.values() else words


def _named(name: str, page: str) -> str:
    target = _BY_HAND.get(name) or _sections().get(name)
    if target is None:
        return _type(_RECORDS.get(name, {}), page)
    return f"[{name}]({target.removeprefix(page)})"


def _sections() -> dict[str, str]:
    """Find under which heading of which page the fields of a record are."""
    sections: dict[str, str] = {}
    for page in PAGES:
        anchor = ""
        for heading, record in _PLACES.findall(page.read_text("utf-8")):
            if heading:
                anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            else:
                sections[record] = f"{page.name}#{anchor}"
    return sections


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(written(path), "utf-8")
