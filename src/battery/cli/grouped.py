"""Options and arguments in one declaration each, and help that shows many options in groups."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

import typer
from typer.core import TyperCommand

#: Fewer options than this are read as one list.
_FEW: Final = 9
#: Wider names have a line of their own.
_COLUMN: Final = 26
_DEFAULT: Final = re.compile(r" \[default: (.+)\]")
#: Higher limits keep typing errors out, and nobody needs to know them.
_TOLD_UP_TO: Final = 100_000
#: In place of a hyphen that no line ends at, while lines are made.
_NO_BREAK: Final = "\N{NON-BREAKING HYPHEN}"
#: Other spellings that are taken and not shown.
_ALIASES: Final = {"--output": "--out"}


class Group(StrEnum):
    """A heading in the help of a command with many options, in the order of the help."""

    MEASURED = "System and tasks"
    SIZE = "Size of the battery"
    ASSUMED = "Assumptions"
    COLUMNS = "Columns of the data set"
    TASKS = "Tasks to write"
    SERVED = "Address and memory"
    COST = "Cost and limits"
    PLACE = "Name and place"
    REVIEWS = "Reviews"
    MODEL = "Language model of the embedded gateway"
    SHOWN_WRONG = "For demonstrations and tests"
    CREDENTIALS = "Credentials"
    OUTPUT = "Output"


def option(usage: str, text: str, group: Group = Group.OUTPUT, **rules: Any) -> Any:
    """Declare an option by its usage, such as `--dir -d PATH`, its help, and where that is shown.

    A default that is no value stands at the end of the help: `[default: all]`. `rules` are those
    of `typer.Option`, such as `min` and `envvar`.
    """
    words = usage.split()
    names = [word for word in words if word.startswith("-")]
    metavar = " ".join(words[len(names) :]) or None
    names += [_ALIASES[name] for name in names if name in _ALIASES]
    return typer.Option(*names, metavar=metavar, help=text, rich_help_panel=group, **rules)


def argument(metavar: str, text: str) -> Any:
    """Declare an argument by its name in the usage and its help."""
    return typer.Argument(metavar=metavar, help=text)


class Grouped(TyperCommand):
    """A command whose help shows its options in groups, where there are many.

    No line ends at a hyphen: names of options and conditions are there to be copied.
    """

    def get_help(self, ctx: Any) -> str:
        """Return the whole help."""
        return super().get_help(ctx).replace(_NO_BREAK, "-")

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write what the command does."""
        del ctx  # the text is the same wherever the command is
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(_unbroken(inspect.cleandoc(self.help or "")))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the part of the help about arguments and options."""
        rows: dict[str, list[tuple[str, str]]] = {}
        for title, options in sections(self, ctx):
            told = (_row(param, ctx) for param in options)
            rows[title] = [(name, _unbroken(text)) for name, text in told]
        names = [name for section in rows.values() for name, _ in section]
        width = max(len(name) for name in names if len(name) <= _COLUMN)
        for title, section in rows.items():
            with formatter.section(title):
                # As wide as those of all sections, so that one column goes down the page.
                first, *others = section
                formatter.write_dl([(first[0].ljust(width), first[1]), *others], col_max=width)


def sections(command: Any, ctx: Any) -> Iterator[tuple[str, list[Any]]]:
    """Yield the headings of a command's help, each with the parameters below it."""
    shown = [param for param in command.get_params(ctx) if param.get_help_record(ctx)]
    arguments = [param for param in shown if param.param_type_name == "argument"]
    options = [param for param in shown if param.param_type_name == "option"]
    if arguments:
        yield "Arguments", arguments
    if len(options) <= _FEW:
        yield "Options", options
        return
    for group in Group:
        # What Typer adds itself, which is --help, has none.
        if below := [
            param for param in options if (param.rich_help_panel or Group.OUTPUT) == group
        ]:
            yield group, below


def names_of(param: Any) -> list[str]:
    """Return the spellings of an option that are shown."""
    return [name for name in param.opts if name not in _ALIASES.values()]


def about(param: Any) -> str:
    """Return what the help of an option says, without its default."""
    return _DEFAULT.sub("", param.help or "")


def default_of(param: Any) -> str | None:
    """Return the default of an option in words; None where nothing is assumed."""
    in_words = _DEFAULT.search(param.help or "")
    if in_words:
        return in_words[1]
    if getattr(param, "is_flag", False):
        return "off"
    if isinstance(param.default, float):
        return f"{param.default:g}"
    return None if param.default is None else str(param.default)


def _unbroken(text: str) -> str:
    return text.replace("-", _NO_BREAK)


def _row(param: Any, ctx: Any) -> tuple[str, str]:
    names = param.get_help_record(ctx)[0]
    if param.param_type_name == "argument":
        names = param.metavar
    for alias in set(param.opts) - set(names_of(param)):
        names = re.sub(rf", {alias}(?![\w-])|(?<![\w-]){alias}, ", "", names)
    facts = [*_default_fact(param), *_variable(param), *_limits(param)]
    return names, f"{about(param)} [{'; '.join(facts)}]" if facts else about(param)


def _default_fact(param: Any) -> Iterator[str]:
    default = default_of(param)
    if default and not getattr(param, "is_flag", False):
        yield f"default: {default}"


def _variable(param: Any) -> Iterator[str]:
    if param.envvar:
        yield f"env: {param.envvar}"


def _limits(param: Any) -> Iterator[str]:
    least, most = (getattr(param, name, None) for name in ("min", "max"))
    # Limits in fractions keep typing errors out as well.
    if isinstance(least, int) and most is not None and most < _TOLD_UP_TO:
        yield f"{least:,} to {most:,}"
