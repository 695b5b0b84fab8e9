"""Help with many options shows them in groups, with all that is to know of each."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer
from typer.main import get_command

from battery.cli.grouped import Group, default_of, names_of, sections
from battery.cli.main import app
from battery.cli.table import SUMMARIES
from tests.support.calls import command_here as battery
from tests.support.screens import on_terminal

WORDS = [[name] if name != "tasks" else ["tasks", "import"] for name in SUMMARIES]


def found(words: list[str]) -> tuple[Any, Any]:
    command: Any = get_command(app)
    context = typer.Context(command, info_name="battery")
    for word in words:
        command = command.get_command(context, word)
        context = typer.Context(command, info_name=word, parent=context)
    return command, context


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_every_option_is_in_one_group_and_few_options_are_one_list(words: list[str]) -> None:
    command, context = found(words)
    groups = dict(sections(command, context))
    listed = [param.name for params in groups.values() for param in params]
    assert sorted(listed) == sorted(param.name for param in command.get_params(context))
    groups.pop("Arguments", None)
    many = sum(map(len, groups.values())) > 9
    titles = [str(group) for group in Group if group in groups]
    assert list(groups) == (titles if many else ["Options"])
    assert len(titles) != 1
    assert max(map(len, groups.values())) <= 9


@pytest.mark.parametrize("words", [["run"], ["tasks", "import"], ["gateway"]], ids=" ".join)
def test_one_column_goes_down_the_page_of_80_columns(words: list[str]) -> None:
    text = "\n".join(on_terminal(*words, "--help", columns=80, rows=24).everything)
    command, context = found(words)
    first = next(title for title, _ in sections(command, context) if title != "Arguments")
    options = text.partition(f"{first}:")[2]
    columns = {len(row[0]) for row in re.finditer(r"(?m)^  -[^.\n]*?  +(?=\S)", options)}
    assert len(columns) == 1
    assert max(map(len, text.splitlines())) <= 80


def test_what_an_option_defaults_to_and_may_be_is_said_in_one_bracket() -> None:
    text = " ".join(battery("run", "--help").stdout.split())
    assert "per iteration. [default: 1; 1 to 1,000]" in text
    assert "Folder with the files of the battery. [default: data/battery; env: BATTERY_DIR]" in text
    # Limits that only keep typing errors out.
    assert "Seconds for one task. [default: 600] " in text


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_where_an_output_is_named_both_spellings_are_taken_and_one_is_shown(
    words: list[str],
) -> None:
    command, context = found(words)
    for param in command.params:
        if {"--output", "--out", "-o"} & set(param.opts):
            assert set(param.opts) == {"--output", "--out", "-o"}
            assert set(names_of(param)) == {"--output", "-o"}
            assert re.search(r"--out\b(?!put)", command.get_help(context)) is None


def test_a_default_is_what_the_help_says_or_the_value() -> None:
    command, _ = found(["run"])
    defaults = {param.name: default_of(param) for param in command.params}
    assert defaults["iterations"] == "3"
    assert defaults["respond_timeout"] == "600"
    assert defaults["resume"] == "off"
    assert defaults["control_gateway"] is None
