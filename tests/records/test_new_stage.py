"""Whoever adds a stage as CONTRIBUTING says has a battery that knows it everywhere.

A copy of the program gets the stage of that section, word by word, and runs against real sockets.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from battery.records.stages import META_STAGES, TASK_STAGES
from tests.support.collector import Seen, collecting
from tests.support.commands import battery, environment, read_json, write_tasks
from tests.support.gateway import Gateway, serving
from tests.support.recipes import code_of, copy_program, insert, recipe

# It has no types; a module imported by name is checked as one without.
jsonschema: Any = import_module("jsonschema")
DRY = ("run", "--dry-run", "-n", 2, "--tasks", "tasks.json", "--dir", "new", "--no-control")
#: Of one iteration: a task of each phase, then distill, the chats there are, and the new one.
CALLS = len(TASK_STAGES) + len(META_STAGES) + 1


def add_stage(source: Path, section: str | None = None) -> None:
    """Do what CONTRIBUTING says, in a copy of the program."""
    # Whoever follows the recipe calls the stage after zeta `eta`: its proof needs another name.
    section = (section or recipe("Add a stage")).replace('"eta"', '"omega"')
    record, prompt = code_of(section)
    ((entry, name),) = re.findall(r"`((\w+)\.role: .*?)`", section)
    insert(
        source / "records" / "stages.py",
        (r"^()(?:#.*\n)*CHAT_STAGES\b", record),
        (r"^CHAT_STAGES\b[^(]*\([^)]*?(),?\s*\)", f", {name}"),
    )
    insert(
        source / "review" / "chats.py",
        (r"^from battery\.records\.stages import \(?()", f"{name}, "),
        (r"^()(?:#.*\n)*CHATS\b", f"{prompt}\n\n"),
        (r"^CHATS\b.*\{(?:\n .*)*\n()\}", f"    {entry},\n"),
    )


class Trial(NamedTuple):
    """A program with one more stage, and a battery of one iteration that it ran."""

    source: Path
    folder: Path
    gateway: Gateway
    spans: list[Seen]

    def __call__(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run a command of that program."""
        return battery(*words, cwd=self.folder.parent, env={"PYTHONPATH": str(self.source)})

    def options(self) -> list[object]:
        tasks = self.folder.parent / "tasks.json"
        targets = ["--gateway", self.gateway.url, "--llm-team", self.gateway.url]
        return ["--dir", self.folder, "--tasks", tasks, *targets]

    def coached(self) -> int:
        """Count how often the coach was asked."""
        bodies = [body for path, body in self.gateway.requests if path.endswith("/v1/chat")]
        return sum("Coach the team" in body["messages"][0]["content"] for body in bodies)


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    root = tmp_path_factory.mktemp("stage")
    copy_program(root / "src")
    add_stage(root / "src" / "battery")
    write_tasks(root / "tasks.json", 1)
    spans: list[Seen] = []
    with serving() as gateway, collecting() as collector:
        made = Trial(root / "src", root / "b", gateway, spans)
        env = {"PYTHONPATH": str(root / "src"), "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
        done = battery("run", "-n", 1, *made.options(), cwd=root, env=env)
        assert done.returncode == 0, done.stderr
        assert "1/1 coaching" in done.stderr
        spans += collector.spans()
        yield made


def journal(trial: Trial) -> list[dict[str, Any]]:
    text = (trial.folder / "iter_1" / "journal.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_a_dry_run_lists_and_counts_its_call(trial: Trial) -> None:
    done = trial(*DRY, "--json")
    outlook = json.loads(done.stdout)
    assert outlook["cost"]["calls"] == len(outlook["calls"]) == 2 * CALLS
    assert [call["stage"] for call in outlook["calls"]].count("omega") == 2
    assert outlook["calls"][-1]["label"] == "coaching"
    text = trial(*DRY).stdout
    assert re.search(r"\b2 reviews, 2 judgments, 2 coachings\b", " ".join(text.split()))


def test_the_run_asks_it_once_journals_it_and_keeps_its_answer(trial: Trial) -> None:
    assert trial.coached() == 1
    *_, line = journal(trial)
    assert (line["call"], line["role"]) == ("chat", "coach")
    assert (trial.folder / "iter_1" / "coach_notes.md").read_text() == line["content"]


def test_its_prompt_has_the_answer_that_it_reads(trial: Trial) -> None:
    prompt = trial.gateway.requests[-1][1]["messages"][0]["content"]
    assert prompt.startswith("Coach the team after iteration 1:")
    assert (trial.folder / "iter_1" / "scrum_findings.md").read_text() in prompt


def test_the_journal_s_schema_accepts_its_line_and_no_unknown_role(trial: Trial) -> None:
    schema = json.loads(trial("schema", "journal").stdout)
    validator = jsonschema.Draft202012Validator(schema)
    *_, line = journal(trial)
    assert validator.is_valid(line)
    assert not validator.is_valid({**line, "role": "stranger"})


def test_the_summary_counts_its_call_and_lists_its_file(trial: Trial) -> None:
    summary = read_json(trial.folder / "summary.json")
    assert summary["calls"] == CALLS
    assert "iter_1/coach_notes.md" in summary["artifacts"]
    text = (trial.folder / "summary.md").read_text()
    assert "- `iter_1/coach_notes.md`: the coach's notes, as they came" in text


def test_the_report_shows_its_answer(trial: Trial) -> None:
    assert "<h4>Coaching</h4>" in (trial.folder / "report.html").read_text("utf-8")


def test_the_trace_has_its_span(trial: Trial) -> None:
    (span,) = [span for span in trial.spans if span.attributes.get("battery.stage") == "omega"]
    assert span.name == "chat m"


def test_it_is_followed_and_resumed_without_a_second_call(trial: Trial, tmp_path: Path) -> None:
    """A battery that was killed after its last call, before the iteration was done."""
    folder = Path(shutil.copytree(trial.folder, tmp_path / "b"))
    manifest = read_json(folder / "battery.json")
    manifest |= {"state": "interrupted", "iterations_finished": 0, "finished_at": None}
    (folder / "battery.json").write_text(json.dumps(manifest))
    asked = len(trial.gateway.requests)

    watched = trial("watch", folder)
    assert "1/1 coaching" in watched.stderr
    assert "1/1 coaching   done: ## What worked" in watched.stderr
    once = json.loads(trial("watch", folder, "--once", "--json").stdout)
    assert (once["calls"], once["calls_done"], once["stage"]) == (CALLS, CALLS, "omega")

    resumed = trial("run", "--resume", "--dir", folder)
    assert resumed.returncode == 0, resumed.stderr
    assert len(trial.gateway.requests) == asked
    assert (folder / "iter_1" / "coach_notes.md").exists()


def test_it_can_be_redone_alone_and_is_told_to_be_outdated(trial: Trial, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(trial.folder, tmp_path / "b"))
    redone = trial("review", folder, "--only", "scrum")
    assert redone.returncode == 0, redone.stderr
    assert "coach_notes.md is still about the older judgment" in redone.stderr
    before = trial.coached()
    redone = trial("review", folder, "--only", "coach")
    assert redone.returncode == 0, redone.stderr
    assert trial.coached() == before + 1
    assert (folder / "iter_1" / "coach_notes.1.md").exists()
    (folder / "iter_1" / "scrum_findings.md").unlink()
    refused = trial("review", folder, "--only", "coach")
    assert refused.returncode == 2
    assert "holds no scrum_findings.md, which --only coach needs" in refused.stderr


@pytest.mark.recipe
def test_another_stage_can_follow_it(tmp_path: Path) -> None:
    """Whoever followed the recipe finds its proof still working."""
    source = copy_program(tmp_path)
    add_stage(source)
    section = recipe("Add a stage")
    for word, other in (("COACH", "CRITIC"), ("coach", "critic"), ('"eta"', '"psi"')):
        section = section.replace(word, other)
    add_stage(source, section)
    code = (
        "from battery.records.stages import CHAT_STAGES\n"
        "from battery.review.chats import CHATS\n"
        "assert [stage.role for stage in CHAT_STAGES] == list(CHATS)\n"
        "print(*CHATS)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment({"PYTHONPATH": str(tmp_path)}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-2:] == ["coach", "critic"]
