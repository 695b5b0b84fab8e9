"""Imports point one way, and the slow libraries stay where they belong."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "battery"

DESIGN = (ROOT.parents[1] / "docs" / "explanation" / "design.md").read_text()
#: Lowest first; a module may import from its own folder and from those before it.
LAYERS = re.findall(r"^\| `(\w+)` \|", DESIGN.partition("## Layers")[2], re.MULTILINE)[::-1]
HTTP_MODULES = {
    "base.connection",
    "base.network",
    "meter.proxy",
    "target.caller",
    "target.http",
    "target.transport",
    "embedded.language_model",
}
SLOW = {"distributed", "httpx", "pydantic", "starlette", "uvicorn", "numpy", "rich", "markdown_it"}


@cache
def modules() -> dict[str, Path]:
    """Map dotted module names, without `battery.`, to files."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        package = parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
        found[".".join(package)] = path
    return found


@cache
def imports(path: Path) -> tuple[str, ...]:
    """List every module that a file imports at run time, also inside functions."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    skipped = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> set[str]:
    names = {name.removeprefix("battery.") for name in imports(path) if name.startswith("battery.")}
    known = modules()
    return {name for name in names if name in known}


def layer(name: str) -> int:
    """Return the place of a module's folder; the package itself is below all, `__main__` above."""
    folder = name.split(".", maxsplit=1)[0]
    if folder in {"__init__", "__main__"}:
        return 0 if folder == "__init__" else len(LAYERS)
    assert folder in LAYERS, f"{name} has no layer: add its folder to docs/explanation/design.md"
    return LAYERS.index(folder)


def outside(name: str) -> bool:
    """Return whether a module is part of the embedded gateway's world, and not of the battery."""
    return name.startswith("embedded") or name == "desk_checks"


@pytest.mark.parametrize("name", [n for n in modules() if not outside(n)])
def test_imports_point_down(name: str) -> None:
    upward = {
        other
        for other in own_imports(modules()[name])
        if not outside(other) and layer(other) > layer(name)
    }
    assert not upward


@pytest.mark.parametrize("name", [n for n in modules() if outside(n)])
def test_the_embedded_gateway_knows_only_the_protocol_and_the_base_of_the_battery(
    name: str,
) -> None:
    foreign = {n for n in own_imports(modules()[name]) if not outside(n)}
    assert {other.split(".")[0] for other in foreign} <= {"protocol", "base"}


def test_the_check_of_the_packaged_tasks_shares_no_judgment_with_the_gateway() -> None:
    """Or an error of the gateway's reviewer would be one of the check, and nobody would see it."""
    path = modules()["desk_checks"]
    assert own_imports(path) == {"embedded.catalog", "embedded.people"}
    own = [name for name in imports(path) if name.startswith("battery.embedded.")]
    words = {"CITIES", "TOWNS", "LADDERS", "TRADE_NAMES", "EARTH_RADIUS_MILES"}
    people = {"people", "Worker"}
    assert {name.rpartition(".")[2] for name in own} == {"catalog"} | words | people


def test_nothing_imports_the_check_of_the_packaged_tasks() -> None:
    assert not [name for name, path in modules().items() if "desk_checks" in own_imports(path)]


def test_only_targets_and_the_gateway_command_start_the_embedded_gateway() -> None:
    users = {
        name
        for name, path in modules().items()
        if not outside(name) and any(other.startswith("embedded") for other in own_imports(path))
    }
    assert users == {"target.kinds", "target.reviewing", "cli.gateway"}


def test_only_the_client_and_its_transport_know_httpx() -> None:
    users = {
        name
        for name, path in modules().items()
        if any(other.split(".")[0] in {"httpcore", "httpx", "httpx_sse"} for other in imports(path))
    }
    assert users <= HTTP_MODULES


def test_only_the_engine_of_a_cluster_knows_dask() -> None:
    users = {
        name
        for name, path in modules().items()
        if any(other.split(".")[0] in {"dask", "distributed"} for other in imports(path))
    }
    assert users == {"campaign.dask", "campaign.task"}
    # Which are loaded with --on alone, as the extra may be missing.
    assert not [name for name, path in modules().items() if "campaign.dask" in own_imports(path)]


def test_scipy_and_pandas_are_for_the_tests_alone() -> None:
    """They take longer to load than all the rest, and more of the disk."""
    for name, path in modules().items():
        assert not {other.split(".")[0] for other in imports(path)} & {"scipy", "pandas"}, name


def test_the_computing_modules_know_no_network_disk_clock_or_terminal() -> None:
    pure = {"protocol", "records", "review", "verdict", "comparison"}
    single = {"runner.schedule", "report.markdown.summary"}
    forbidden = {"os", "io", "socket", "time", "sys", "httpx", "rich", "typer"}
    for name, path in modules().items():
        if name in single or name.split(".")[0] in pure:
            assert not {other.split(".")[0] for other in imports(path)} & forbidden, name


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_help_loads_no_slow_library(words: list[str]) -> None:
    code = (
        "import sys\nfrom battery.cli.main import main\n"
        f"try:\n    main({words!r})\n"
        "finally:\n    print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0
    assert not SLOW & set(done.stderr.split())
