"""Measure real memory systems on a real language model: `benchmarks/real.py --model-url URL`.

Each system gets a battery of its own with twin, checks and siblings, one after the other, and one
row of a Markdown table. Nothing of it runs in the tests, which have no model: there a scripted
endpoint stands in. What a system needs has to be installed next to battery; one that is not is
left out, and the table says so.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    # Python puts a script's own folder on the path; the package is in the one above.
    sys.path[0] = str(ROOT)

from benchmarks.systems.tasks import tasks_file  # noqa: E402

_HEAD: Final = (
    *("system", "versions", "verdict", "tokens against the twin", "tasks done"),
    *("new tasks done", "tokens", "calls", "time"),
)
#: Asks until an answer passes, as often as earcon's shortest session that it learns from.
_ATTEMPTS: Final = {"attempts": 3, "overseer_after": 2}
_EARCON: Final = """\
[target]
kind = "openai"
start = "{program} serve --port {{port}} --db {{memory}}/cards.db --judge-model {model} \
--judge-upstream {url} --judge-api-key none --route '{model}={url}:none' --no-builtin-routes"
url = "http://127.0.0.1:{{port}}/v1"
ready = "/v1/earcon/stats"
session = "metadata.session_id"
body = {{ temperature = 0, max_tokens = 24 }}

[learn]
each_session = "POST /v1/earcon/session/{{session}}/close"
until = {{ get = "/v1/earcon/ui/sessions", contains = "{{session}}", timeout_s = 900 }}

[memory]
path = "{{memory}}"
"""


class Endpoints(NamedTuple):
    """Where the models are, and the name of the one that answers."""

    url: str
    model: str
    embeddings: str | None


class Real(NamedTuple):
    """One memory system: what it is called, what it needs, and how it is put to battery."""

    title: str
    #: Distributions whose versions the table names; the first has to be there.
    packages: tuple[str, ...]
    #: Returns the text of `--target`; may write files into the system's folder.
    target: Callable[[Path, Endpoints], str]
    #: Keys at the top of its tasks file.
    keys: Mapping[str, Any] = {}
    needs_embeddings: bool = False


def _earcon(folder: Path, endpoints: Endpoints) -> str:
    program = shutil.which("earcon", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    file = folder / "earcon.toml"
    file.write_text(
        _EARCON.format(program=program, url=endpoints.url, model=endpoints.model), encoding="utf-8"
    )
    return str(file)


SYSTEMS: Final = {
    "notes": Real(
        "a notes file",
        (),
        lambda _folder, _endpoints: "python:benchmarks.systems.notes:Agent",
    ),
    "mem0": Real(
        "mem0, texts as they are",
        ("mem0ai", "qdrant-client"),
        lambda _folder, _endpoints: "python:benchmarks.systems.mem0:Agent",
        needs_embeddings=True,
    ),
    "earcon": Real("earcon, a proxy", ("earcon",), _earcon, _ATTEMPTS),
}


def main() -> int:
    """Run the systems and print the table; return 1 when one of them did not get through."""
    options = _options()
    model = options.model or _first_model(options.model_url)
    endpoints = Endpoints(options.model_url, model, options.embeddings_url)
    rows = [_measured(name, SYSTEMS[name], endpoints, options) for name in options.systems]
    print(f"{datetime.datetime.now(datetime.UTC).date()}, {_machine()}, {_about(model)}\n")
    print(_table(rows), flush=True)
    return int(any(len(row) < len(_HEAD) for row in rows))


def _measured(
    name: str, system: Real, endpoints: Endpoints, options: argparse.Namespace
) -> tuple[str, ...]:
    """Run one system; return its row, a short one where there is nothing to show."""
    folder = (options.dir / name).resolve()
    try:
        versions = ", ".join(
            f"{each} {importlib.metadata.version(each)}" for each in system.packages
        )
    except importlib.metadata.PackageNotFoundError as error:
        return system.title, f"left out: {error.name} is not installed"
    if system.needs_embeddings and not endpoints.embeddings:
        return system.title, "left out: it needs --embeddings-url"
    wrong = "" if options.collect else _run(system, folder, endpoints, options.iterations)
    if wrong:
        return system.title, versions or "-", wrong
    summary = json.loads((folder / "battery" / "summary.json").read_text(encoding="utf-8"))
    return system.title, versions or "-", *_figures(summary)


def _run(system: Real, folder: Path, endpoints: Endpoints, iterations: int) -> str:
    """Run the battery of a system; return what went wrong, if anything."""
    print(f"measuring: {system.title}", file=sys.stderr, flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    tasks = folder / "tasks.json"
    tasks.write_text(json.dumps(tasks_file(endpoints.model, **system.keys), indent=2))
    words = [
        *(sys.executable, "-m", "battery", "run", "--target", system.target(folder, endpoints)),
        *("--tasks", str(tasks), "--dir", str(folder / "battery"), "--iterations", str(iterations)),
        *("--feedback", "answer", "--seed", "1", "--respond-timeout", "3600"),
        *("--meta-timeout", "3600"),
    ]
    # Standard output has the table alone.
    done = subprocess.run(
        words, cwd=ROOT, env=_environment(endpoints), stdout=sys.stderr, check=False
    )
    return f"battery ended with exit code {done.returncode}" if done.returncode else ""


def _figures(summary: Mapping[str, Any]) -> tuple[str, ...]:
    evidence = summary["evidence"]
    everything: Mapping[str, Any] = next(
        (group for group in evidence["groups"] if group["kind"] == "all"), {}
    )
    ratio, interval = everything.get("ratio"), everything.get("interval")
    span = f" ({interval['low']:.2f} to {interval['high']:.2f})" if interval else ""
    arms = ("iterations", "control")
    done = [sum(each["ok_tasks"] for each in summary[arm]) for arm in arms]
    asked = sum(each["total_tasks"] for each in summary["iterations"])
    tokens = [sum(each["total_tokens"] for each in summary[arm]) for arm in arms]
    new = evidence["siblings"] or {}
    return (
        evidence["verdict"],
        f"{ratio:.2f}{span}" if ratio else "not known",
        f"{done[0]} of {asked}, twin {done[1]}",
        f"{new['learn_done']} of {new['learn_calls']}, twin {new['frozen_done']}"
        if new
        else "none",
        f"{tokens[0]:,}, twin {tokens[1]:,}",
        str(summary["calls"]),
        f"{summary['elapsed_s'] / 60:.0f} min",
    )


def _environment(endpoints: Endpoints) -> dict[str, str]:
    # No key of the user's goes to an endpoint that was named for measuring, but the one for it.
    kept = {name: value for name, value in os.environ.items() if name != "OPENAI_API_KEY"}
    more = {"OPENAI_BASE_URL": endpoints.url, "PYTHONPATH": str(ROOT)}
    if endpoints.embeddings:
        more["EMBEDDINGS_URL"] = endpoints.embeddings
    if key := os.environ.get("BATTERY_MODEL_KEY"):
        more["OPENAI_API_KEY"] = key
    return {**kept, **more}


def _first_model(url: str) -> str:
    with urllib.request.urlopen(f"{url}/models", timeout=30) as response:
        name: str = json.load(response)["data"][0]["id"]
    return name


def _machine() -> str:
    cores = f"{os.cpu_count()} cores"
    return f"{cores}, {platform.system()}, Python {platform.python_version()}"


def _about(model: str) -> str:
    return f"battery {importlib.metadata.version('compounding-battery')}, model {model}"


def _table(rows: list[tuple[str, ...]]) -> str:
    lines = [_HEAD, ("---",) * len(_HEAD), *rows]
    width = len(_HEAD)
    return "\n".join(f"| {' | '.join([*line, *[''] * (width - len(line))])} |" for line in lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/real.py", description=__doc__)
    parser.add_argument("--model-url", required=True, help="base of an OpenAI-compatible endpoint")
    parser.add_argument("--model", help="the model's name there [the first that it lists]")
    parser.add_argument("--embeddings-url", help="base of an endpoint for embeddings, for mem0")
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument(
        "--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), help="which, in order"
    )
    parser.add_argument(
        "--dir", type=Path, default=Path("data/real"), help="where their batteries go"
    )
    parser.add_argument(
        "--collect", action="store_true", help="print the table of what is there, and run nothing"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
