"""The commands as a user meets them: streams, exit codes, files, signals.

Most call the entry point in this process, ten times as fast as a new one; what depends on being a
process of its own (signals, pipes, closed streams) starts one. A whole first run in one is in
the README, which `tests/test_docs.py` follows.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from battery.cli.main import SUMMARIES
from tests.support.calls import command_here
from tests.support.commands import environment, read_json, start, write_tasks
from tests.support.gateway import Gateway, serving

CONTRACT_FILES = {
    "battery.json",
    "tasks.json",
    "summary.md",
    "summary.json",
    *(
        f"iter_{n}/{name}"
        for n in (1, 2, 3)
        for name in (
            "journal.jsonl",
            "runs.json",
            "distill_output.txt",
            "distill_events.jsonl",
            "metrics.json",
            "overseer_review.md",
            "scrum_findings.md",
            "proposals.json",
            "verdicts.json",
            "control/runs.json",
            "control/metrics.json",
        )
    ),
}


def battery(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return command_here(*arguments, cwd=cwd or Path.cwd(), env=env)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run one battery on the embedded gateway; tests take copies."""
    folder = tmp_path_factory.mktemp("battery") / "data"
    done = battery("run", "--dir", folder, cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "data"))


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with serving() as served:
        yield served


@pytest.fixture
def script(gateway: Gateway, tmp_path: Path) -> str:
    """Return the shell's words for a short run into `b`, as a process of its own."""
    tasks = write_tasks(tmp_path / "tasks.json", 1)
    options = f"-n 1 -d {tmp_path / 'b'} --tasks {tasks} --no-control"
    targets = f"--gateway {gateway.url} --llm-team {gateway.url}"
    return f"{sys.executable} -m battery run {options} {targets}"


def shell(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=False, env=environment()
    )


def test_run_leaves_every_artifact_of_the_contract(finished: Path) -> None:
    there = {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()}
    assert there >= CONTRACT_FILES
    ours = {".lock", "report.html"}
    assert {name for name in there - CONTRACT_FILES if not name.startswith("gateway/")} == ours
    manifest = read_json(finished / "battery.json")
    assert (manifest["state"], manifest["iterations_finished"]) == ("finished", 3)
    targets = ("gateway", "llm_team", "control")
    assert manifest["targets"] == dict.fromkeys(targets, "embedded")


def test_run_says_that_it_uses_the_embedded_gateway_and_prints_the_result(tmp_path: Path) -> None:
    done = battery("run", "-n", 1, cwd=tmp_path)
    assert done.returncode == 0
    assert "no --gateway: using the embedded gateway" in done.stderr
    assert "total_tokens" in done.stdout
    assert "data/battery/summary.md" in done.stdout
    assert (tmp_path / "data" / "battery" / "summary.md").exists()
    assert max(map(len, done.stderr.splitlines())) <= 80
    assert "\x1b" not in done.stdout + done.stderr


def test_json_puts_one_document_on_standard_output_and_quiet_silences_the_rest(
    tmp_path: Path,
) -> None:
    done = battery("run", "-n", 2, "--json", "--quiet", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert document == read_json(tmp_path / "data" / "battery" / "summary.json")
    assert [each["iteration"] for each in document["iterations"]] == [1, 2]
    assert done.stderr == ""


def test_a_finished_battery_is_archived_under_its_start(folder: Path) -> None:
    started = read_json(folder / "battery.json")["started_at"]
    done = battery("run", "-n", 1, "--dir", folder)
    assert done.returncode == 0
    archived = folder / "archive" / started.replace(":", "-")
    assert str(archived) in " ".join(done.stderr.split())
    assert (archived / "iter_3" / "runs.json").exists()
    assert not (folder / "iter_2").exists()
    again = battery("summarize", archived)
    assert again.returncode == 0


def test_the_environment_names_folder_tasks_and_gateway(gateway: Gateway, tmp_path: Path) -> None:
    tasks = write_tasks(tmp_path / "mine.json", 1)
    env = {
        "BATTERY_DIR": str(tmp_path / "there"),
        "BATTERY_TASKS": str(tasks),
        "GATEWAY_URL": gateway.url,
        "LLM_TEAM_URL": gateway.url,
    }
    done = battery("run", "-n", 1, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert len(gateway.requests) == 6
    assert read_json(tmp_path / "there" / "battery.json")["targets"]["gateway"] == gateway.url
    assert battery("summarize", cwd=tmp_path, env=env).returncode == 0
    other = battery("summarize", tmp_path / "other", cwd=tmp_path, env=env)
    assert "other holds no battery" in other.stderr


def test_tasks_json_here_comes_before_the_packaged_copy(gateway: Gateway, tmp_path: Path) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    words = ["run", "-n", 1, "--gateway", gateway.url, "--llm-team", gateway.url]
    assert battery(*words, cwd=tmp_path).returncode == 0
    assert "alpha_baseline 0" in gateway.count()


def test_the_folder_of_ones_own_tasks_is_not_overwritten(tmp_path: Path) -> None:
    tasks = write_tasks(tmp_path / "tasks.json", 1)
    before = tasks.read_bytes()
    done = battery("run", "--dir", tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    assert "no battery wrote" in done.stderr
    assert tasks.read_bytes() == before


def test_summarize_rebuilds_the_same_bytes_without_network(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"iter_{n}/metrics.json" for n in (1, 2, 3)] + ["summary.md", "summary.json"]
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("network")

    monkeypatch.setattr(socket, "socket", refuse)
    done = battery("summarize", folder)
    assert done.returncode == 0, done.stderr
    assert {name: (folder / name).read_bytes() for name in names} == before


def test_iterate_adds_a_column_and_uses_the_memory(folder: Path) -> None:
    done = battery("iterate", folder)
    assert done.returncode == 0, done.stderr
    summary = (folder / "summary.md").read_text()
    assert "| iter 4 |" in summary
    assert "Trend (1→4)" in summary
    manifest = read_json(folder / "battery.json")
    assert (manifest["iterations_wanted"], manifest["iterations_finished"]) == (4, 4)
    tokens = [read_json(folder / f"iter_{n}/metrics.json")["total_tokens"] for n in (1, 4)]
    assert tokens[1] < tokens[0]


def test_a_finished_battery_can_be_resumed_to_more_iterations(folder: Path) -> None:
    nothing = battery("run", "--resume", "--dir", folder)
    assert nothing.returncode == 0
    assert "nothing is left to do" in nothing.stderr
    more = battery("run", "--resume", "-n", 4, "--dir", folder)
    assert more.returncode == 0
    assert (folder / "iter_4" / "verdicts.json").exists()
    fewer = battery("run", "--resume", "-n", 2, "--dir", folder)
    assert fewer.returncode == 2
    assert "iteration 4 has begun, and 2 are wanted" in fewer.stderr


def test_review_keeps_the_older_text_beside_the_new_one(folder: Path) -> None:
    older = (folder / "iter_2" / "scrum_findings.md").read_text()
    review = (folder / "iter_2" / "overseer_review.md").read_bytes()
    done = battery("review", folder, "--iteration", 2, "--only", "scrum")
    assert done.returncode == 0, done.stderr
    assert (folder / "iter_2" / "scrum_findings.1.md").read_text() == older
    assert (folder / "iter_2" / "overseer_review.md").read_bytes() == review
    assert not (folder / "iter_2" / "overseer_review.1.md").exists()
    assert "APPROVE" in done.stdout
    assert "iter_2/scrum_findings.1.md" in (folder / "summary.md").read_text()


def test_redoing_only_the_review_warns_that_the_judgment_is_of_the_older_one(folder: Path) -> None:
    done = battery("review", folder, "--only", "overseer", "--json")
    assert done.returncode == 0
    outcome = json.loads(done.stdout)
    assert outcome["iteration"] == 3
    assert len(outcome["proposals"]) >= 3
    assert "warning: scrum_findings.md is still about the older review" in done.stderr


def test_review_checks_target_files_in_a_repository_and_flags_a_wrong_approval(
    gateway: Gateway, tmp_path: Path
) -> None:
    tasks = write_tasks(tmp_path / "mine.json", 1)
    targets = ["--gateway", gateway.url, "--llm-team", gateway.url]
    folder = tmp_path / "b"
    assert battery("run", "-n", 1, "-d", folder, "--tasks", tasks, *targets).returncode == 0
    repo = tmp_path / "repo"
    (repo / "src").mkdir(parents=True)
    (repo / "src" / "one.py").touch()
    done = battery("review", folder, "--only", "scrum", "--repo", repo)
    assert done.returncode == 0, done.stderr
    prompt = gateway.requests[-1][1]["messages"][0]["content"]
    assert "- `src/one.py`: exists" in prompt
    assert "- `src/two.py`: does not exist" in prompt
    proposals = read_json(folder / "iter_1" / "proposals.json")
    assert [each["target_exists"] for each in proposals] == [True, False, False]
    verdicts = read_json(folder / "iter_1" / "verdicts.json")
    assert [bool(each["flags"]) for each in verdicts] == [False, True, True]
    assert "warning" in done.stderr


def original(finished: Path, target: Path) -> Path:
    """Make a folder as the original battery left it."""
    names = {"runs.json", "metrics.json", "overseer_review.md", "scrum_findings.md"}
    for path in sorted(finished.glob("iter_*/*")):
        if path.name in names | {"distill_output.txt"}:
            copy = target / path.relative_to(finished)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    return target


def test_folders_of_the_original_battery_are_summarized_and_reviewed(
    finished: Path, tmp_path: Path
) -> None:
    folder = original(finished, tmp_path / "old")
    done = battery("summarize", folder, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    new, old = (read_json(each / "summary.json") for each in (finished, folder))
    assert old["trends"] == new["trends"]
    assert old["started_at"] is None
    assert "Run time: not recorded" in (folder / "summary.md").read_text()
    judged = battery("review", folder, "--only", "scrum", cwd=tmp_path)
    assert judged.returncode == 0, judged.stderr
    assert (folder / "iter_3" / "scrum_findings.1.md").exists()
    assert read_json(folder / "iter_3" / "verdicts.json")
    assert not (folder / "gateway").exists()
    refused = battery("iterate", folder, cwd=tmp_path)
    assert refused.returncode == 2
    assert "holds no battery.json" in refused.stderr


def test_an_original_folder_is_archived_before_a_new_run(finished: Path, tmp_path: Path) -> None:
    folder = original(finished, tmp_path / "old")
    done = battery("run", "-n", 1, "--dir", folder, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (archived,) = (folder / "archive").iterdir()
    assert (archived / "iter_3" / "runs.json").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "--resume"], "no battery to resume"),
        (["iterate"], "holds no battery.json"),
        (["review"], "holds no battery"),
        (["summarize"], "holds no battery"),
        (["run", "--gateway", "localhost:3100"], "must start with http"),
        (["run", "-n", "0"], "greater than or equal to 1"),
        (["run", "--nonsense"], "--nonsense"),
        (["run", "--header", "no colon"], "not of the form 'Name: value'"),
        (["review", "--only", "both"], "both"),
        (["nonsense"], "nonsense"),
        (["gateway", "--port", "99999999"], "65535"),
    ],
)
def test_wrong_use_is_one_message_a_next_step_and_exit_2(
    words: list[str], says: str, tmp_path: Path
) -> None:
    done = battery(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert says in error
    assert hint.startswith(" next: ")
    assert not (tmp_path / "data" / "battery" / "battery.json").exists()


def test_with_json_an_error_is_the_one_document(tmp_path: Path) -> None:
    done = battery("summarize", "--json", cwd=tmp_path)
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert document["exit_code"] == 2
    assert "holds no battery" in document["error"]["message"]


def test_debug_shows_the_stack_and_nothing_else_does(tmp_path: Path) -> None:
    assert "Traceback" not in battery("summarize", cwd=tmp_path).stderr
    shown = battery("summarize", "--debug", cwd=tmp_path).stderr
    assert "Traceback" in shown
    assert "run/summarize.py" in shown


def test_resume_with_other_tasks_or_models_says_what_differs(
    gateway: Gateway, tmp_path: Path
) -> None:
    tasks = write_tasks(tmp_path / "tasks.json", 2)
    words = ["run", "--gateway", gateway.url, "--llm-team", gateway.url]
    assert battery(*words, "-n", 1, cwd=tmp_path).returncode == 0
    write_tasks(tasks, 1, models="other")
    done = battery(*words, "--resume", "-n", 2, cwd=tmp_path)
    assert done.returncode == 2
    assert "models.executor_cloud: 'm' became 'other'" in done.stderr
    assert "alpha task 'alpha_baseline 1' is gone" in done.stderr
    tasks.unlink()
    assert battery(*words, "--resume", "-n", 2, cwd=tmp_path).returncode == 0


def test_an_embedded_battery_is_not_resumed_on_a_live_gateway(
    gateway: Gateway, folder: Path
) -> None:
    done = battery("iterate", folder, "--gateway", gateway.url)
    assert done.returncode == 2
    assert f"the gateway of this battery is embedded, not {gateway.url}" in done.stderr
    assert not gateway.requests


def test_an_llm_team_of_ones_own_is_kept_when_the_battery_goes_on(
    gateway: Gateway, tmp_path: Path
) -> None:
    words = ["--dir", tmp_path / "b"]
    assert battery("run", "-n", 1, *words, "--llm-team", gateway.url).returncode == 0
    done = battery("iterate", *words)
    assert done.returncode == 0, done.stderr
    assert gateway.count() == {"distill": 2}
    assert read_json(tmp_path / "b" / "battery.json")["targets"]["llm_team"] == gateway.url


def test_a_live_gateway_that_moved_keeps_the_llm_team_of_the_manifest(
    gateway: Gateway, tmp_path: Path
) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    with serving() as other:
        targets = ["--gateway", other.url, "--llm-team", gateway.url]
        assert battery("run", "-n", 1, *targets, cwd=tmp_path).returncode == 0
    done = battery("iterate", "--gateway", gateway.url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "warning: the gateway was" in done.stderr
    assert gateway.count()["distill"] == 2


def test_iterate_asks_the_tasks_that_ran_whatever_became_of_the_users_file(
    gateway: Gateway, tmp_path: Path
) -> None:
    tasks = write_tasks(tmp_path / "tasks.json", 1)
    targets = ["--gateway", gateway.url, "--llm-team", gateway.url]
    assert battery("run", "-n", 1, *targets, cwd=tmp_path).returncode == 0
    tasks.write_text("{}")
    assert battery("iterate", cwd=tmp_path).returncode == 0
    assert gateway.count()["alpha_baseline 0"] == 2


def test_a_battery_goes_on_with_the_concurrency_it_had(gateway: Gateway, tmp_path: Path) -> None:
    write_tasks(tmp_path / "tasks.json", 3)
    targets = ["--gateway", gateway.url, "--llm-team", gateway.url]
    assert battery("run", "-n", 1, *targets, "--concurrency", 3, cwd=tmp_path).returncode == 0
    together = threading.Barrier(3, timeout=20)

    def meet(path: str, _body: dict[str, Any]) -> None:
        if path == "/v1/respond":
            together.wait()

    gateway.before = meet
    assert battery("iterate", cwd=tmp_path).returncode == 0
    assert not together.broken
    gateway.before = lambda _path, _body: None
    changed = battery("iterate", "--concurrency", 1, cwd=tmp_path)
    note = "the concurrency was 3 and is 1 from iteration 3 on: elapsed times do not compare"
    assert f"warning: {note}" in changed.stderr
    assert read_json(tmp_path / "data/battery/battery.json")["notes"] == [note]
    assert note in read_json(tmp_path / "data/battery/summary.json")["warnings"]


@pytest.mark.parametrize(
    "words", [["run", "--resume"], ["iterate"], ["summarize"]], ids=lambda words: words[0]
)
def test_a_folder_that_lost_an_iteration_is_refused_not_summed_up(
    words: list[str], folder: Path
) -> None:
    shutil.rmtree(folder / "iter_1")
    before = (folder / "summary.md").read_bytes()
    done = battery(*words, "--dir", folder)
    assert done.returncode == 2
    assert "lacks iter_1/runs.json" in done.stderr
    assert (folder / "summary.md").read_bytes() == before


def test_a_resume_cannot_leave_out_an_iteration_that_has_begun(
    gateway: Gateway, tmp_path: Path
) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    words = ["run", "--gateway", gateway.url, "--llm-team", gateway.url]

    def fail_late(_path: str, _body: dict[str, Any]) -> None:
        if len(gateway.requests) == 12:
            raise ConnectionError

    gateway.before = fail_late
    assert battery(*words, "-n", 2, cwd=tmp_path).returncode == 1
    done = battery(*words, "--resume", "-n", 1, cwd=tmp_path)
    assert done.returncode == 2
    assert "iteration 2 has begun" in done.stderr


def test_a_review_of_an_original_folder_adds_its_call_to_the_total(
    finished: Path, tmp_path: Path
) -> None:
    folder = original(finished, tmp_path / "old")
    assert battery("summarize", folder, cwd=tmp_path).returncode == 0
    assert read_json(folder / "summary.json")["calls"] == 24
    assert battery("review", folder, "--only", "scrum", cwd=tmp_path).returncode == 0
    assert read_json(folder / "summary.json")["calls"] == 25


def test_an_answer_that_a_killed_review_had_paid_for_is_used(
    gateway: Gateway, tmp_path: Path
) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    targets = ["--gateway", gateway.url, "--llm-team", gateway.url]
    assert battery("run", "-n", 1, *targets, cwd=tmp_path).returncode == 0
    step = tmp_path / "data" / "battery" / "iter_1"
    # As after a kill between the journal and the file: the answer is on record only.
    (step / "scrum_findings.md").write_text("older")
    asked = len(gateway.requests)
    assert battery("review", "--only", "scrum", cwd=tmp_path).returncode == 0
    assert len(gateway.requests) == asked
    assert (step / "scrum_findings.1.md").read_text() == "older"
    assert battery("review", "--only", "scrum", cwd=tmp_path).returncode == 0
    assert len(gateway.requests) == asked + 1


def test_an_interrupted_review_says_so_and_is_one_json_document(
    gateway: Gateway, tmp_path: Path
) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    targets = ["--gateway", gateway.url, "--llm-team", gateway.url]
    assert battery("run", "-n", 1, *targets, cwd=tmp_path).returncode == 0
    asked, release = threading.Event(), threading.Event()

    def block(_path: str, _body: dict[str, Any]) -> None:
        asked.set()
        release.wait(30)

    gateway.before = block
    process = start("review", "--json", cwd=tmp_path)
    assert asked.wait(30)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=20)
    release.set()
    assert process.returncode == 130
    assert "error: interrupted" in errors
    assert json.loads(out)["exit_code"] == 130


@pytest.mark.parametrize("closed", [">&-", "2>&-", "2>/dev/full"])
def test_a_run_whose_output_goes_nowhere_is_a_run_all_the_same(
    closed: str, script: str, tmp_path: Path
) -> None:
    done = shell(f"{script} {closed}")
    assert done.returncode == 0, done.stderr
    assert read_json(tmp_path / "b" / "battery.json")["state"] == "finished"


def test_a_result_that_cannot_be_printed_is_one_message(folder: Path) -> None:
    done = shell(f"{sys.executable} -m battery summarize {folder} --json >/dev/full")
    assert done.returncode == 1
    assert "error: cannot write the output: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_page_that_cannot_be_written_leaves_a_finished_battery(
    gateway: Gateway, tmp_path: Path
) -> None:
    folder = tmp_path / "b"
    (folder / "report.html").mkdir(parents=True)
    targets = ["--gateway", gateway.url, "--llm-team", gateway.url]
    tasks = write_tasks(tmp_path / "mine.json", 1)
    words = ["run", "-q", "-n", 1, "--tasks", tasks, "--dir", folder, *targets]
    done = command_here(*words, cwd=tmp_path)
    assert done.returncode == 1
    assert "report.html" in done.stderr
    assert read_json(folder / "battery.json")["state"] == "finished"
    assert read_json(folder / "summary.json")["state"] == "finished"


def test_a_refused_tasks_file_leaves_no_folder_behind(tmp_path: Path) -> None:
    (tmp_path / "tasks.json").write_text("{}")
    assert battery("run", cwd=tmp_path).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.json"]


def test_the_command_to_go_on_can_be_pasted(tmp_path: Path) -> None:
    done = battery("run", "--dir", "my data", "--gateway", "http://127.0.0.1:9", cwd=tmp_path)
    assert done.returncode == 1
    assert "Connection refused" in done.stderr
    assert "battery run --resume --dir 'my data'" in done.stderr


def test_a_live_battery_goes_on_with_the_gateway_of_its_manifest(
    gateway: Gateway, tmp_path: Path
) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    targets = ["--gateway", gateway.url, "--llm-team", gateway.url]
    assert battery("run", "-n", 1, *targets, cwd=tmp_path).returncode == 0
    done = battery("iterate", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"calling the gateway that the manifest names: {gateway.url}" in done.stderr
    assert len(gateway.requests) == 12


def test_doctor_says_one_line_each_and_teaches_nothing(gateway: Gateway, tmp_path: Path) -> None:
    write_tasks(tmp_path / "tasks.json", 1)
    done = battery(
        "doctor", "--gateway", gateway.url, "--llm-team", "http://127.0.0.1:9", cwd=tmp_path
    )
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", "tasks:"],
        ["ok", "folder:"],
        ["ok", "gateway:"],
        ["FAIL", "LLM"],
    ]
    assert "--llm-team" in lines[3]
    assert not gateway.requests
    assert not (tmp_path / "data").exists()


def test_doctor_is_content_with_a_fresh_machine(tmp_path: Path) -> None:
    done = battery("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("ok  ") == 4
    assert list(tmp_path.iterdir()) == []


def test_gateway_serves_until_interrupted(tmp_path: Path) -> None:
    process = start("gateway", "--port", 0, "--store", tmp_path / "memory")
    assert process.stdout
    url = process.stdout.readline().strip()
    with urllib.request.urlopen(f"{url}/v1/health") as answer:
        assert json.load(answer)["status"] == "ok"
    done = battery("run", "-n", 2, "--gateway", url, "--llm-team", url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    taken = battery("gateway", "--port", url.rpartition(":")[2], cwd=tmp_path)
    assert taken.returncode == 2
    assert "port" in taken.stderr
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert (tmp_path / "memory" / "outcomes.jsonl").read_bytes().count(b"\n") == 16


def test_a_reader_that_leaves_early_is_no_error(folder: Path) -> None:
    reading = f"{sys.executable} -m battery summarize {folder} | head -1"
    done = shell(f"{reading}; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("output", [" | true", " >/dev/full"])
def test_a_gate_is_not_met_whoever_reads_the_output(folder: Path, output: str) -> None:
    words = f"{sys.executable} -m battery summarize {folder} --fail-on not-compounding"
    done = shell(f"{words}{output}; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 3
    assert "gate not met: not-compounding" in done.stderr


def test_a_run_goes_on_when_whoever_read_its_progress_has_left(
    gateway: Gateway, script: str, tmp_path: Path
) -> None:
    gateway.delay = 0.02
    done = shell(f"{script} 2>&1 | head -2; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (0, "")
    assert read_json(tmp_path / "b" / "battery.json")["state"] == "finished"


def test_a_battery_that_ran_with_rules_is_not_resumed_with_a_model(folder: Path) -> None:
    done = battery("iterate", folder, "--model-url", "http://127.0.0.1:9/v1")
    assert done.returncode == 2
    assert "ran with rules as its model" in done.stderr


def test_completion_is_offered_for_a_shell() -> None:
    # The program looks for a shell among its parents; the `true` keeps bash from giving way to it.
    done = shell(f"{sys.executable} -m battery --show-completion bash; true")
    assert "_BATTERY_COMPLETE" in done.stdout or "bash" in done.stdout
    words = {"COMP_WORDS": "battery su", "COMP_CWORD": "1", "_BATTERY_COMPLETE": "complete_bash"}
    code = "from battery.cli.main import main; main([])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=environment(words),
    )
    assert done.stdout.split() == ["summarize"]
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_command_the_help_is_shown() -> None:
    done = battery()
    assert done.returncode == 0
    assert done.stdout == battery("--help").stdout


def test_the_help_lists_each_command_as_its_own_help_begins() -> None:
    listed = battery("--help").stdout
    for name, summary in SUMMARIES.items():
        assert f"  {name} " in listed
        assert f"  {summary}\n" in battery(name, "--help").stdout


def test_a_misspelt_command_gets_a_suggestion() -> None:
    assert "Did you mean 'summarize'?" in battery("sumarize").stderr


@pytest.mark.parametrize("command", [*SUMMARIES, None])
def test_every_help_has_an_example_and_fits_80_columns(command: str | None) -> None:
    done = battery(*([command] if command else []), "--help")
    assert done.returncode == 0
    assert "battery run" in done.stdout or "Example" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
