"""Two gateways to run a battery against, and what such a battery left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from battery.records.stages import META_STAGES, CallKey
from tests.support.calls import command_here
from tests.support.gateway import Gateway, serving


class Pair(NamedTuple):
    """A gateway that is taught, which also distils, and its control."""

    learn: Gateway
    frozen: Gateway

    def options(self) -> list[object]:
        """Name both on a command line."""
        live = ["--gateway", self.learn.url, "--llm-team", self.learn.url]
        return [*live, "--control-gateway", self.frozen.url]

    def asked(self) -> int:
        """Count the requests of both."""
        return len(self.learn.requests) + len(self.frozen.requests)


@contextmanager
def serving_pair() -> Iterator[Pair]:
    """Serve two fresh gateways for the duration."""
    with serving() as learn, serving() as frozen:
        yield Pair(learn, frozen)


def journal(folder: Path) -> list[dict[str, Any]]:
    """Read the whole lines of all journals, with their iteration."""
    lines = []
    for path in sorted(folder.glob("iter_*/journal.jsonl")):
        whole = path.read_bytes().rpartition(b"\n")[0].splitlines()
        lines += [{"iteration": path.parent.name, **json.loads(line)} for line in whole]
    return lines


def order(folder: Path) -> list[tuple[object, ...]]:
    """Name the finished calls in order, as a dry run names those ahead."""
    stages = {stage.key: stage for stage in META_STAGES}
    found: list[tuple[object, ...]] = []
    for line in journal(folder):
        number = int(line["iteration"].removeprefix("iter_"))
        if "task" in line:
            label = line["task"]["operation"]
            found.append((number, line["phase"], line["arm"], line["repeat"], label))
        else:
            stage = stages[CallKey.of(line)]
            found.append((number, stage.name, None, None, stage.noun))
    return found


def ran(here: Path, *words: object, env: Mapping[str, str] | None = None) -> Path:
    """Run a battery of one iteration, unless told otherwise, and return its folder."""
    done = command_here("run", "-n", 1, *words, cwd=here, env=env)
    assert done.returncode == 0, done.stderr
    return here / "data" / "battery"
