"""`battery schema`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated

from battery.base.text import write_line
from battery.cli import options
from battery.cli.grouped import argument
from battery.cli.output import print_json
from battery.report.terminal.look import GAP, Look, align
from battery.store.schemas import SCHEMAS
from battery.store.schemas import schema as schema_of

Name = Annotated[str | None, argument("NAME", "Which one [default: a list of all].")]


def schema(name: Name = None, debug: options.Debug = False) -> None:
    """Print the JSON Schema of a file or a call.

    Without a name it lists all schemas, each with the file that it describes. respond, distill and
    chat are the calls that a gateway has to answer, with request and answer. Editors and validators
    read these schemas; the dialect is 2020-12.

    \b
    Examples:
      battery schema
      battery schema tasks > tasks.schema.json
      battery schema respond
    """
    if name is None:
        for line in _listing():
            write_line(sys.stdout, line)
    else:
        print_json(schema_of(name))


def _listing() -> Iterator[str]:
    """Write each schema with its file and what is in it: a line, or on a terminal one below it."""
    names = align(list(SCHEMAS), left=True)
    paths = align([described.path for described in SCHEMAS.values()], left=True)
    for name, path, described in zip(names, paths, SCHEMAS.values(), strict=True):
        if sys.stdout.isatty():
            yield GAP.join([name, path]).rstrip()
            yield from Look.of(sys.stdout).wrap(described.about, 2 * GAP)
        else:
            yield GAP.join([name, path, described.about])
