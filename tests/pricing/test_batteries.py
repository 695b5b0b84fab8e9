"""Whole batteries that cost money: two gateways over real sockets, and every surface after that."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.arms import serving_pair
from tests.support.calls import command_here
from tests.support.commands import battery, read_json, write_tasks

pytestmark = pytest.mark.slow

#: 45 % fewer tokens, and 2.1 times the bill: what was in the provider's cache no longer is.
BEFORE = {"prompt_tokens": 9900, "cached_tokens": 8400, "completion_tokens": 100}
AFTER = {"prompt_tokens": 5400, "cached_tokens": 0, "completion_tokens": 100}
PRICES = {"M": {"input": 1, "cached_input": 0.1, "output": 4}}
#: What a call costs then.
CHEAP, COSTLY = 0.00274, 0.0058


def totalled(usage: dict[str, Any]) -> dict[str, Any]:
    return usage | {"total_tokens": usage["prompt_tokens"] + usage["completion_tokens"]}


def run(root: Path, model: str = "m", prices: Any = None) -> Path:
    """Run a battery whose memory breaks the prompt cache; return its folder."""
    tasks = write_tasks(root / "tasks.json", 3, models=model)
    tasks.write_text(json.dumps(read_json(tasks) | ({"prices": prices} if prices else {})))
    with serving_pair() as pair:
        for gateway in pair:
            gateway.usage = totalled(BEFORE)
            gateway.status = lambda body: "failed" if "gamma" in body["operation"] else "ok"

        def learn(path: str, _: dict[str, Any]) -> None:
            if "distill" in path:
                pair.learn.usage = totalled(AFTER)

        pair.learn.before = learn
        words = ("run", "-n", 3, "--dir", root / "b", "--tasks", tasks, *pair.options())
        done = command_here(*words, cwd=root)
        assert done.returncode == 0, done.stderr
    return root / "b"


def without_the_extra(root: Path) -> dict[str, str]:
    """Make an environment in which no price list is installed."""
    root.mkdir()
    (root / "sitecustomize.py").write_text("import sys\nsys.modules['genai_prices'] = None\n")
    return {"PYTHONPATH": str(root)}


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("priced"), prices=PRICES)


def test_a_bill_that_doubles_while_tokens_fall_is_a_regression(priced: Path) -> None:
    evidence = read_json(priced / "summary.json")["evidence"]
    assert (evidence["verdict"], evidence["cost"]) == ("REGRESSED", "cost_usd")
    assert "112% more dollars than its twin" in evidence["sentence"]
    assert "The bill rose, with 45% fewer tokens." in evidence["sentence"]


def test_iterations_and_trends_have_the_bill(priced: Path) -> None:
    costs = [read_json(priced / f"iter_{n}" / "metrics.json")["cost_usd"] for n in (1, 2, 3)]
    assert costs == [0.02466, 0.0522, 0.0522]
    text = (priced / "summary.md").read_text()
    row = "| cost_usd | $0.0247 | $0.0522 | $0.0522 | worse (+$0.0275, +111.7%) |"
    assert f"{row} fewer (not counted) |" in text


def test_every_call_has_its_cost_in_tables(priced: Path) -> None:
    done = command_here("summarize", priced, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {float(row["cost_usd"]) for row in rows if row["arm"] == "frozen"} == {CHEAP}
    assert {float(row["cost_usd"]) for row in rows if row["iteration"] == "3"} == {CHEAP, COSTLY}


def test_terminal_page_and_comparison_write_dollars(priced: Path) -> None:
    shown = command_here("summarize", priced, "--full").stdout
    assert re.search(r"^cost_usd +\$0\.0247 +\$0\.0522 +\$0\.0522", shown, re.MULTILINE)
    assert "$0.00580 dollars" not in shown
    page = (priced / "report.html").read_text("utf-8")
    assert '"money":["cost_usd"]' in page.replace(" ", "")
    assert "$0.00274" in page
    compared = command_here("compare", priced, priced).stdout
    assert re.search(r"^dollars per task +\$0\.00580 +\$0\.00580 +0\.0%", compared, re.MULTILINE)
    assert (
        json.loads(command_here("compare", priced, priced, "--json").stdout)["cost"] == "cost_usd"
    )


def test_a_history_has_the_bill_per_task(priced: Path) -> None:
    shown = command_here("history", priced.parent).stdout
    assert re.search(r" tokens +dollars +vs twin", shown)
    assert "$0.00580" in shown


def test_prices_that_come_later_price_what_was_paid_for_already(
    priced: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(priced, tmp_path / "b"))
    tasks = read_json(folder / "tasks.json")
    tasks["prices"]["M"]["cached_input"] = 1
    (folder / "tasks.json").write_text(json.dumps(tasks))
    done = command_here("summarize", folder)
    assert done.returncode == 0, done.stderr
    evidence = read_json(folder / "summary.json")["evidence"]
    # Without a discount for what was cached, fewer tokens are a smaller bill.
    assert (evidence["verdict"], evidence["cost"]) == ("LEARNED", "cost_usd")


def test_a_model_that_nobody_knows_has_no_bill_and_one_warning(tmp_path: Path) -> None:
    folder = run(tmp_path, "house-model:7b")
    summary = read_json(folder / "summary.json")
    (warning,) = summary["warnings"]
    assert warning.startswith("no price is known for house-model:7b, so cost_usd is not known")
    assert "cost_usd" not in read_json(folder / "iter_1" / "metrics.json")
    assert not (folder / "prices.json").exists()
    evidence = summary["evidence"]
    assert (evidence["verdict"], evidence["cost"]) == ("INCONCLUSIVE", "total_tokens")
    assert "cached prompt tokens fell from 85% to 0%; give prices" in evidence["sentence"]


def test_a_folder_says_the_same_where_no_price_list_is_installed(tmp_path: Path) -> None:
    folder = run(tmp_path, "gpt-4o")
    prices = read_json(folder / "prices.json")
    assert prices["gpt-4o"]["source"].startswith("genai-prices ")
    before = read_json(folder / "summary.json")
    assert before["evidence"]["cost"] == "cost_usd"
    done = battery("summarize", folder, env=without_the_extra(tmp_path / "bare"))
    assert done.returncode == 0, done.stderr
    assert read_json(folder / "summary.json") == before
    (folder / "prices.json").unlink()
    battery("summarize", folder, env={"PYTHONPATH": str(tmp_path / "bare")})
    unpriced = read_json(folder / "summary.json")
    assert unpriced["evidence"]["cost"] == "total_tokens"
    assert "pip install 'compounding-battery[prices]'" in unpriced["warnings"][0]
