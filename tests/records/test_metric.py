"""Whoever adds a metric as CONTRIBUTING says finds it on every surface.

A copy of the program gets the metric of that section, word by word, and runs against real sockets.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from math import isnan, nan
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from battery.records.metric import (
    COUNTED,
    METRICS,
    TABLE,
    Kind,
    Metric,
    in_usage,
    mean,
    named_metric,
)
from battery.records.models import RunResult
from battery.verdict import table
from battery.verdict.assess import assess
from tests.support.arms import serving_pair
from tests.support.collector import Seen, collecting
from tests.support.commands import battery, read_json, write_tasks
from tests.support.gateway import REVIEW
from tests.support.recipes import code_of, copy_program, insert, recipe
from tests.verdict.batteries import observed

TASKS = 3


def add_metric(source: Path) -> None:
    """Do what CONTRIBUTING says, in a copy of the program."""
    blocks = code_of(recipe("Add a metric"))
    record, field = (textwrap.indent(block, "    ") for block in blocks)
    row = (r"^()\)\n#: The same by key\.", f"{record.rstrip()},\n")
    insert(source / "records" / "metric.py", row)
    insert(source / "records" / "summary.py", (r"^()    by_phase: PhaseTable = Field\(", field))


class Trial(NamedTuple):
    """A program with one more metric, and what it made of a battery of two iterations."""

    source: Path
    folder: Path
    run: subprocess.CompletedProcess[str]
    spans: list[Seen]
    #: The prompts of iteration 1: overseer, then scrum.
    prompts: list[str]

    def __call__(self, *words: object) -> str:
        """Run a command of that program."""
        done = battery(*words, cwd=self.folder.parent, env={"PYTHONPATH": str(self.source)})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = read_json(self.folder / "summary.json")
        return found


def call(reported: float) -> RunResult:
    """Make a call that reports a hit rate of its cache."""
    return RunResult("ok", 4, 1000, False, None, 2000, usage={"hit_rate": reported})


def hit_rate(kind: Kind = "difference") -> Metric:
    """Describe that rate as CONTRIBUTING says."""
    return Metric(
        key="hit_rate",
        title="Hits of the cache",
        plain="hits of the cache",
        cell="Hits",
        goal="more",
        kind=kind,
        call=in_usage("hit_rate"),
        iteration=mean(in_usage("hit_rate")),
        words="hits?",
        call_span="hit_rate",
        iteration_span="hit_rate",
        score="hit_rate",
    )


@pytest.mark.parametrize("reported", [1.5, 37, -0.1])
def test_a_rate_outside_0_to_1_is_not_measured(reported: float) -> None:
    sound, unsound = call(0.5), call(reported)
    assert isnan(hit_rate().value(unsound))
    assert hit_rate().of(unsound, {}) is None
    assert hit_rate().over([sound, unsound]) is None
    assert hit_rate("ratio").value(unsound) == reported, "an amount has no such bounds"


def test_a_rate_is_averaged_over_the_calls_of_an_iteration() -> None:
    assert hit_rate().over([call(0), call(1), call(0.5)]) == 0.5
    assert hit_rate().over([call(0.5), call(nan)]) is None


def test_a_battery_whose_rates_are_percentages_is_still_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table, "TABLE", (*TABLE, hit_rate()))
    monkeypatch.setitem(METRICS, "hit_rate", hit_rate())
    percentages = observed(lambda cell: {"usage": {"hit_rate": 37.0 if cell.task else 0.5}})
    *_, means = assess(percentages, plan=False).others
    assert (means.metric, means.learn, means.frozen) == ("hit_rate", 0.5, 0.5)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    root = tmp_path_factory.mktemp("metric")
    source = root / "src"
    add_metric(copy_program(source))
    tasks = write_tasks(root / "tasks.json", 1)
    with serving_pair() as pair, collecting() as collector:
        pair.learn.usage = {"tool_calls": 20}
        pair.frozen.usage = {"tool_calls": 20}

        def learn(path: str, _: dict[str, Any]) -> None:
            if "distill" in path:
                pair.learn.usage = {"tool_calls": 10}

        pair.learn.before = learn
        env = {"PYTHONPATH": str(source), "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        words = ("run", "-n", 2, "--full", "--dir", root / "b", "--tasks", tasks, *pair.options())
        done = battery(*words, cwd=root, env=env)
        assert done.returncode == 0, done.stderr
        chats = [body for path, body in pair.learn.requests if path.endswith("/v1/chat")]
        prompts = [str(body["messages"][0]["content"]) for body in chats]
        yield Trial(source, root / "b", done, collector.spans(), prompts)


def test_an_iteration_has_its_total(trial: Trial) -> None:
    numbers = read_json(trial.folder / "iter_1" / "metrics.json")
    assert numbers["tool_calls"] == pytest.approx(TASKS * 20)


def test_the_summary_has_its_trend_after_those_that_count(trial: Trial) -> None:
    summary = trial.summary()
    *counted, trend = summary["trends"]
    assert [each["metric"] for each in counted] == [metric.key for metric in COUNTED]
    assert (trend["metric"], trend["goal"], trend["direction"]) == ("tool_calls", "fewer", "better")
    assert trend["values"] == pytest.approx([TASKS * 20, TASKS * 10])
    assert summary["verdict"]["of"] == len(counted)


def test_summary_md_shows_its_row_and_says_that_it_is_not_counted(trial: Trial) -> None:
    text = (trial.folder / "summary.md").read_text()
    assert (
        "| tool_calls | 60.00 | 30.00 | better (-30.00, -50.0%) | fewer (not counted) |\n\n"
    ) in text
    assert "`tool_calls` improved (not counted)" in text
    assert f" of {len(COUNTED)} metrics improved" in text


def test_the_console_shows_it(trial: Trial) -> None:
    assert re.search(r"^tool_calls +60\.0 +30\.0 +\S+ better +-50\.0%$", trial.run.stdout, re.M)
    assert "not counted: tool_calls" in trial.run.stdout


def test_both_arms_have_it_and_it_decides_nothing(trial: Trial) -> None:
    *_, other = trial.summary()["evidence"]["others"]
    assert other == {
        "metric": "tool_calls",
        "learn": 10,
        "frozen": 20,
    }
    assert "tool calls 10.0 (twin 20.0)" in (trial.folder / "summary.md").read_text()


def test_the_page_draws_it(trial: Trial) -> None:
    page = (trial.folder / "report.html").read_text("utf-8")
    assert 'data-metric="tool_calls"' in page
    assert "Tool calls per task" in page
    assert (
        '<button type="button" data-show="tool_calls" aria-pressed="false">Tool calls</button>'
        in page
    )


def test_tables_of_calls_have_its_column(trial: Trial) -> None:
    rows = list(csv.DictReader(io.StringIO(trial("summarize", trial.folder, "--format", "csv"))))
    assert list(rows[0])[-1] == "tool_calls"
    calls = {(row["arm"], row["iteration"]): float(row["tool_calls"]) for row in rows}
    assert calls["learn", "1"] == calls["frozen", "2"] == 20
    assert calls["learn", "2"] == 10


def test_junit_has_its_mean(trial: Trial) -> None:
    text = trial("summarize", trial.folder, "--format", "junit")
    assert text.count('name="iter_1.tool_calls" value="20"') == TASKS


def test_spans_have_its_attribute(trial: Trial) -> None:
    told = [each.attributes for each in trial.spans if "battery.tool_calls" in each.attributes]
    calls = [each for each in told if "battery.task" in each]
    assert len(calls) == 2 * 2 * TASKS
    assert len(told) == len(calls) + 2  # and the two iterations


def test_an_inspect_log_has_its_score(trial: Trial, tmp_path: Path) -> None:
    trial("export", "inspect", trial.folder, "--output", tmp_path)
    for log in tmp_path.glob("*.json"):
        samples = json.loads(log.read_text())["samples"]
        assert all(sample["scores"]["tool_calls"]["value"] in {20, 10} for sample in samples)


def test_the_prompts_name_it(trial: Trial) -> None:
    overseer, scrum = trial.prompts[:2]
    assert re.search(r"Better is: fewer [^;]*`tool_calls`; more", overseer)
    assert re.search(r"which one of .*`tool_calls` moves", overseer)
    assert '"tool_calls":60.0' in overseer
    assert re.search(r"names one of the metrics .*`tool_calls`", scrum)


def test_a_review_may_name_it_and_is_held_to_it(trial: Trial) -> None:
    script = (
        "import sys; from battery.review.parse import parse_proposals\n"
        "from battery.review.scorecard import expected_direction\n"
        "(first, *_), _ = parse_proposals(sys.stdin.read())\n"
        "print(first.metric, expected_direction(first.metric, first.expected_impact))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=REVIEW.replace("total_tokens falls", "each task takes fewer tool calls"),
        env={"PYTHONPATH": str(trial.source)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["tool_calls", "fall"]


def test_batteries_are_compared_in_it_and_it_decides_nothing(trial: Trial) -> None:
    text = trial("compare", trial.folder, trial.folder, "--full")
    assert re.search(r"^tool calls per task +[\d.]+ +[\d.]+$", text, re.MULTILINE)
    assert "except for time" in " ".join(text.split())


def test_it_is_left_out_where_it_was_not_measured(trial: Trial, tmp_path: Path) -> None:
    """First in one call of iteration 2, of which there is no total then; then in all."""
    folder = Path(shutil.copytree(trial.folder, tmp_path / "b"))
    forget(folder / "iter_2" / "runs.json", 1)
    trial("summarize", folder)
    row = "| tool_calls | 60.00 | - | none | fewer (not counted) |"
    assert row in (folder / "summary.md").read_text()
    for runs in folder.rglob("runs.json"):
        forget(runs, TASKS)
    trial("summarize", folder)
    assert "tool_calls" not in (folder / "summary.md").read_text()
    assert "tool_calls" not in (folder / "iter_1" / "metrics.json").read_text()


def forget(runs: Path, count: int) -> None:
    """Take the number out of the first answers of a file."""
    found = read_json(runs)
    for run in found[:count]:
        run["result"]["artifact"]["usage"].pop("tool_calls", None)
    runs.write_text(json.dumps(found))


@pytest.mark.parametrize(
    ("impact", "metric"),
    [
        ("fewer turns, so `total_tokens` falls", "total_tokens"),
        ("Avg Turns Per Task -0.5", "avg_turns_per_task"),
        (r"avg\_turns\_per\_task", "avg_turns_per_task"),
        ("lower latency", "total_elapsed_s"),
        ("overseer rate to 0", "overseer_called_rate"),
        ("two more tasks end ok", "ok_tasks"),
        ("higher success rate", "ok_tasks"),
        ("less confusion", None),
    ],
)
def test_the_metric_is_the_one_that_the_expected_impact_names(
    impact: str, metric: str | None
) -> None:
    assert named_metric(impact) == metric
