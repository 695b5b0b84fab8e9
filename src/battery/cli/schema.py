"""`battery schema`."""

from __future__ import annotations

import sys
from typing import Annotated

from battery.base.text import write_line
from battery.cli import options
from battery.cli.grouped import argument
from battery.cli.output import print_json
from battery.store.schemas import listing
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
        for line in listing():
            write_line(sys.stdout, line)
    else:
        print_json(schema_of(name))
