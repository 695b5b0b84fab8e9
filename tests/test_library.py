"""Battery as a library: what a program calls, and that nothing around it is disturbed."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, assert_type

import pytest

import battery
from battery import library
from battery.cli import run as command
from battery.recorded import open_battery
from battery.recorded.rows import call_rows
from battery.report.machine.rows import csv_chunks
from battery.store.battery_dir import BatteryDir
from tests.support.commands import environment, write_tasks
from tests.support.gateway import Gateway

#: The public interface. Whatever is taken away or changed here breaks somebody's program.
NAMES = """
AnswerError ArtifactError Ask Battery BatteryError BrokenAnswerError CallError CallTimeoutError
CheckError Event FolderError LostFolderError MismatchError Outcome PausedError Reply StartError
StatusError Summary System TasksError UnreachableError UsageError Verdict Word __version__ load run
"""
RUN = """
target: 'str | Callable[..., Any] | None' = None, *, tasks: 'PathLike | None' = None,
dir: 'PathLike' = 'data/battery', iterations: 'int | None' = None, resume: 'bool' = False,
name: 'str | None' = None, note: 'str | None' = None, tags: 'Sequence[str] | None' = None,
llm_team: 'str | None' = None,
control_gateway: 'str | None' = None, no_control: 'bool' = False,
headers: 'Mapping[str, str] | None' = None, llm_team_headers: 'Mapping[str, str] | None' = None,
control_headers: 'Mapping[str, str] | None' = None, repeats: 'int | None' = None,
seed: 'int | None' = None, limit: 'int | None' = None, respond_timeout: 'float' = 600.0,
meta_timeout: 'float' = 300.0, concurrency: 'int | None' = None, max_tokens: 'int | None' = None,
max_cost: 'float | None' = None, feedback: 'FeedbackLevel | None' = None,
meter: 'str | None' = None,
prepare: 'str | None' = None, keep_going: 'bool' = False,
repo: 'PathLike | None' = None,
model_url: 'str | None' = None, model_timeout: 'float | None' = None,
reviewer: 'str | None' = None, progress: 'bool' = False
"""
#: Knows what to say once it has heard why it was wrong.
AGENT = """
class Agent:
    def __init__(self, memory, model):
        self.notes = memory / "notes.txt"

    def ask(self, ask):
        known = self.notes.exists() and ask.operation in self.notes.read_text()
        return "It is done." if known else "I do not know."

    def tell(self, outcome):
        if outcome.passed is False and outcome.why:
            with self.notes.open("a") as file:
                print(outcome.ask.operation, file=file)
"""
#: What a keyword is called whose option has another name.
RENAMED = {
    "directory": "dir",
    "gateway": "target",
    "tag": "tags",
    "header": "headers",
    "llm_team_header": "llm_team_headers",
    "control_header": "control_headers",
}
#: Options of the command that say what is printed, or where settings come from.
COMMAND_ONLY = {
    *("ctx", "config", "dry_run", "fail_on", "full", "as_json", "quiet", "debug"),
}


@pytest.fixture
def run(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., battery.Battery]:
    """Return `battery.run` with a gateway, three tasks and a folder."""
    monkeypatch.chdir(tmp_path)
    tasks = write_tasks(tmp_path / "mine.json", 1)

    def call(**options: Any) -> battery.Battery:
        known: dict[str, Any] = {"llm_team": gateway.url, "tasks": tasks, "iterations": 1}
        return battery.run(gateway.url, **known | options)

    return call


def test_the_public_interface_is_this() -> None:
    assert battery.__all__ == NAMES.split()
    assert str(inspect.signature(battery.run)) == f"({' '.join(RUN.split())}) -> 'Battery'"
    assert str(inspect.signature(battery.load)) == (
        "(folder: 'PathLike' = 'data/battery') -> 'Battery'"
    )
    members = {name for name in dir(battery.Battery) if not name.startswith("_")}
    assert members | set(battery.Battery.__annotations__) == {
        *("folder", "frame", "report", "rows", "summary", "verdict")
    }
    assert battery.Verdict._fields == ("word", "sentence", "reasons")
    for name in battery.__all__:
        assert getattr(battery, name) is not None
        assert name in dir(battery)
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = battery.runn  # type: ignore[attr-defined]


def test_every_option_of_the_command_is_a_keyword() -> None:
    options = inspect.signature(command.run).parameters.keys() - COMMAND_ONLY
    keywords = inspect.signature(battery.run).parameters.keys() - {"progress"}
    assert {RENAMED.get(name, name) for name in options} == keywords, "see `run` in library.py"


def test_importing_it_loads_nothing_else() -> None:
    code = "import sys; before = {*sys.modules}; import battery; print(*{*sys.modules} - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if not name.startswith("importlib")}
    assert loaded - {"warnings"} == {"battery"}


def test_a_battery_is_run_and_loaded(
    run: Callable[..., battery.Battery], capfd: pytest.CaptureFixture[str]
) -> None:
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    measured = run(iterations=2, dir="b")
    assert capfd.readouterr() == ("", "")
    assert [signal.getsignal(number) for number in signal.valid_signals()] == handlers
    again = assert_type(battery.load("b"), battery.Battery)
    assert again.summary == measured.summary
    assert again.folder == Path("b")
    assert again.report.read_text("utf-8").startswith("<!doctype html>")
    word = assert_type(again.verdict.word, battery.Word | None)
    assert word is battery.Word.INDICATIVE
    assert str(word) == "INDICATIVE"
    assert again.verdict.sentence == measured.summary.evidence.sentence  # type: ignore[union-attr]
    assert repr(again) == "Battery('b', INDICATIVE)"


def test_it_runs_where_an_event_loop_is_running_and_in_any_thread(
    run: Callable[..., battery.Battery],
) -> None:
    async def cell() -> battery.Battery:
        return run(dir="cell")

    assert asyncio.run(cell()).summary.state == "finished"
    thread = threading.Thread(target=run, kwargs={"dir": "thread"})
    thread.start()
    thread.join()
    assert battery.load("thread").summary.state == "finished"


def test_progress_is_shown_where_it_is_asked_for(
    run: Callable[..., battery.Battery], capsys: pytest.CaptureFixture[str]
) -> None:
    run(progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "1/1  " in shown.err


def test_what_one_should_know_is_logged(
    run: Callable[..., battery.Battery], caplog: pytest.LogCaptureFixture
) -> None:
    run()
    with caplog.at_level(logging.INFO, "battery"):
        run()
    [moved] = [record for record in caplog.records if "was moved to" in record.getMessage()]
    assert (moved.name, moved.levelname) == ("battery", "WARNING")


def test_rows_are_those_of_the_csv_file(run: Callable[..., battery.Battery]) -> None:
    measured = run()
    rows = measured.rows()
    lines = b"".join(csv_chunks(call_rows(open_battery(BatteryDir(measured.folder)))))
    assert len(rows) == len(lines.splitlines()) - 1 == 3
    assert [*rows[0]] == lines.decode().splitlines()[0].split(",")
    assert isinstance(rows[0]["started_at"], datetime)
    assert (rows[0]["status"], rows[0]["memory_used"]) == ("ok", None)


def test_a_frame_has_the_rows_with_types_that_know_what_is_missing(
    run: Callable[..., battery.Battery],
) -> None:
    measured = run()
    frame = measured.frame()
    assert list(frame.columns) == list(measured.rows()[0])
    assert frame["tokens"].sum() == sum(row["tokens"] for row in measured.rows())
    types = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert (types["tokens"], types["memory_used"], types["cost_usd"], types["error"]) == (
        *("Int64", "boolean", "Float64", "string"),
    )
    assert types["started_at"] == "datetime64[ms, UTC]"
    assert frame["memory_used"].isna().all()


def test_without_pandas_there_are_rows_and_a_clear_error(
    run: Callable[..., battery.Battery], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = run()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(battery.UsageError, match="needs pandas") as caught:
        measured.frame()
    assert "pip install pandas" in str(caught.value.hint)
    assert measured.rows()


def test_an_error_has_a_message_and_a_hint_and_its_traceback_shows_both(
    run: Callable[..., battery.Battery], gateway: Gateway
) -> None:
    gateway.status = lambda _body: "unheard of"
    with pytest.raises(battery.AnswerError, match="unheard of") as caught:
        run(concurrency=3)
    assert isinstance(caught.value, battery.BatteryError)
    assert caught.value.__notes__ == [f"next: {caught.value.hint}"]
    assert "--resume" in str(caught.value.hint)


def test_a_class_is_named_by_where_another_process_finds_it() -> None:
    assert library._named(Gateway) == "python:tests.support.gateway:Gateway"
    assert library._named(Gateway.count).endswith(":Gateway.count")
    assert library._named(inspect.signature) == f"python:{inspect.__file__}:signature"
    here = type("Agent", (), {"__module__": "__main__"})
    for hidden in (here, lambda _memory: None):
        with pytest.raises(battery.UsageError, match="no other process can import") as caught:
            library._named(hidden)
        assert "%%writefile agent.py" in str(caught.value.hint)


def test_a_class_that_a_file_defines_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_agent.py").write_text(AGENT)
    # Where its caller imports it from, and no other process does.
    monkeypatch.syspath_prepend(tmp_path)
    agent = importlib.import_module("my_agent").Agent
    tasks = write_tasks(tmp_path / "mine.json", 1, checks=[{"contains": "done"}])
    measured = battery.run(agent, tasks=tasks, iterations=2, feedback="answer")
    done = {
        (row["iteration"], row["arm"]): row["status"]
        for row in measured.rows()
        if row["phase"] == "beta"
    }
    assert done == {
        (1, "learn"): "failed",
        (1, "frozen"): "failed",
        (2, "learn"): "ok",
        (2, "frozen"): "failed",
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iterations": 0}, "iterations is 0"),
        ({"repeats": 1001}, "repeats is 1001"),
        ({"max_cost": float("nan")}, "max_cost is nan"),
        ({"feedback": "all"}, "feedback is 'all'"),
        ({"respond_timeout": 0}, "respond_timeout is 0"),
        ({"headers": {"Host": "x"}}, "the header host is set by battery itself"),
        ({"tasks": "gone.json"}, "cannot read the tasks file gone.json"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_anything_is_asked(
    run: Callable[..., battery.Battery], gateway: Gateway, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(battery.UsageError, match=message) as caught:
        run(**options)
    assert caught.value.hint
    assert gateway.requests == []
    assert not Path("data").exists()


def test_secrets_come_from_the_environment_and_targets_do_not(
    run: Callable[..., battery.Battery], gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_TOKEN", "a secret token")
    monkeypatch.setenv("CONTROL_GATEWAY_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("BATTERY_DIR", "elsewhere")
    Path("battery.toml").write_text("[run]\niterations = 5\n")
    measured = run(headers={"X-Team": "ours"}, iterations=None, limit=1)
    assert measured.folder == Path("data/battery")
    assert len(measured.summary.iterations) == 3
    sent = gateway.headers[0]
    assert (sent["authorization"], sent["x-team"]) == ("Bearer a secret token", "ours")


def test_a_battery_that_paused_goes_on(
    run: Callable[..., battery.Battery], gateway: Gateway
) -> None:
    with pytest.raises(battery.PausedError):
        run(max_tokens=1)
    asked = len(gateway.requests)
    with pytest.raises(battery.FolderError, match="not finished"):
        run()
    assert run(resume=True).summary.state == "finished"
    assert asked > 0
    assert max(gateway.count().values()) == 1


def test_ctrl_c_closes_the_battery_which_can_be_resumed(
    run: Callable[..., battery.Battery], gateway: Gateway
) -> None:
    asked = threading.Event()

    def press(_path: str, _body: dict[str, Any]) -> None:
        if len(gateway.requests) >= 2 and not asked.is_set():
            asked.set()
            os.kill(os.getpid(), signal.SIGINT)

    gateway.before, gateway.delay = press, 0.2
    # A shell has its background jobs ignore it, and a program that does is not interrupted.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            run()
    finally:
        signal.signal(signal.SIGINT, before)
    assert isinstance(caught.value.__cause__, battery.BatteryError)
    assert "--resume" in str(caught.value.__cause__.hint)
    assert BatteryDir(Path("data/battery")).read_manifest().state == "interrupted"  # type: ignore[union-attr]
    assert run(resume=True).summary.state == "finished"


def test_a_folder_without_a_battery_is_refused(tmp_path: Path) -> None:
    with pytest.raises(battery.FolderError, match="no battery in"):
        battery.load(tmp_path)


def test_a_program_measures_the_embedded_gateway(tmp_path: Path) -> None:
    """In a process of its own, with everything that a program has around it."""
    code = (
        "import battery\n"
        "measured = battery.run(iterations=2, limit=1, seed=1)\n"
        "assert {row['arm'] for row in measured.rows()} == {'learn', 'frozen'}\n"
        "print(measured.verdict.word)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() in {*battery.Word}
