"""The schemas hold what batteries really write, and refuse what they never would."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import UsageError
from battery.campaign import verdict
from battery.records.exchanges import EXCHANGES
from battery.store import schemas
from tests.support.calls import command_here
from tests.support.campaigns import campaign
from tests.support.runs import run

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# It has no types; a module imported by name is checked as one without.
jsonschema: Any = import_module("jsonschema")
#: Which schema holds for a file, by the end of its path, the more exact first.
HOLDS = {Path(each.path).name: name for name, each in schemas.SCHEMAS.items()}


@cache
def validator(name: str) -> Any:
    """Make the validator of a schema once."""
    return jsonschema.Draft202012Validator(schemas.schema(name))


def check(name: str, document: Any) -> None:
    """Raise what the validator finds wrong."""
    validator(name).validate(document)


def documents(path: Path) -> Iterator[Any]:
    """Read the documents of a file: one, or one a line."""
    text = path.read_text("utf-8")
    if path.suffix == ".jsonl":
        yield from map(json.loads, text.splitlines())
    else:
        yield json.loads(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a battery of the embedded gateway: two arms, two repeats, two iterations."""
    folder = tmp_path_factory.mktemp("schemas") / "battery"
    words = ("run", "-n", 2, "--repeats", 2, "--quiet", "--dir", folder)
    done = command_here(*words, cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schemas.schema(name))


def test_all_json_files_of_a_real_battery_are_valid(folder: Path) -> None:
    seen = set()
    for path in sorted(folder.rglob("*.json*")):
        if "gateway" not in path.relative_to(folder).parts:
            name = HOLDS[path.name]
            seen.add(name)
            for document in documents(path):
                check(name, document)
    elsewhere = {"confirmations", "prices", "comparison", "campaign"}
    elsewhere |= {"campaign-summary", "campaign-status"}
    assert seen == set(schemas.SCHEMAS) - elsewhere - set(EXCHANGES)


def test_the_files_of_a_campaign_are_valid(tmp_path: Path) -> None:
    made = campaign(tmp_path, (0.3, 0.25, 0.35, 0.28, 0.32))
    verdict.write(made, verdict.judge(made), lambda _event: None)
    for name, file in (("campaign", "campaign.json"), ("campaign-summary", "summary.json")):
        for document in documents(made.folder / file):
            check(name, document)


def test_a_comparison_is_valid(folder: Path) -> None:
    done = command_here("compare", folder, folder, "--json", cwd=folder.parent)
    check("comparison", json.loads(done.stdout))


def test_confirmations_are_shaped_like_runs() -> None:
    check("confirmations", [run("failed", error="no one")] * 5)


@pytest.mark.parametrize("path", ["tasks.json", "src/battery/tasks.json"])
def test_the_tasks_files_of_the_repository_are_valid(path: str) -> None:
    check("tasks", json.loads((ROOT / path).read_text("utf-8")))


def test_an_answer_may_be_as_sparse_and_as_strange_as_gateways_send_it() -> None:
    nulls: dict[str, Any] = dict.fromkeys(["iterations", "artifact", "log", "error"])
    usage = {"usage": {"total_tokens": None, "more": 1}}
    odd = [nulls, {"artifact": [1]}, {"artifact": usage, "x": {}}, {"log": [{"kind": None}]}]
    check("runs", [run(**answer) for answer in odd])


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("tasks", lambda found: found["phases"]["beta_drift"][0].pop("spec")),
        ("tasks", lambda found: found["models"].update(judge="x")),
        ("battery", lambda found: found.update(state="done")),
        ("runs", lambda found: found[0].update(phase="delta")),
        ("runs", lambda found: found[0]["result"].update(status="great")),
        ("runs", lambda found: found[0]["result"]["artifact"]["usage"].update(total_tokens="9")),
        ("journal", lambda found: found.update(call="unknown")),
        ("journal", lambda found: found.pop("at")),
        ("metrics", lambda found: found.pop("ok_tasks")),
        ("proposals", lambda found: found[0].update(number="one")),
        ("verdicts", lambda found: found[0].update(verdict="MAYBE")),
        ("summary", lambda found: found["evidence"].update(verdict="GREAT")),
    ],
)
def test_a_broken_document_is_refused(
    folder: Path, name: str, spoil: Callable[[Any], object]
) -> None:
    path = folder / schemas.SCHEMAS[name].path.replace("iter_N", "iter_1").replace("**/", "")
    document = copy.deepcopy(next(documents(path)))
    spoil(document)
    with pytest.raises(jsonschema.ValidationError):
        check(name, document)


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match="'nope'") as caught:
        schemas.schema("nope")
    assert "battery, tasks" in str(caught.value.hint)


@pytest.mark.parametrize(("name", "version"), [("summary", 2), ("battery", 1), ("runs", 1)])
def test_a_schema_is_named_by_the_version_of_its_own_format(name: str, version: int) -> None:
    assert schemas.schema(name)["$id"] == f"urn:compounding-battery:schema:{version}:{name}"
