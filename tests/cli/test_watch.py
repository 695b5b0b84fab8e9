"""`battery watch` follows a run through its death and its resume, and leaves no trace."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.calls import command_here
from tests.support.commands import read_json, start, write_tasks
from tests.support.gateway import Blocking, Gateway
from tests.support.samples import shipped
from tests.support.screens import at_terminal, on_terminal
from tests.support.stopped import GONE, note_of, unfinished

pytestmark = pytest.mark.slow

#: Columns in which no path is broken.
WIDE = 300


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one battery on the embedded gateway; tests take copies."""
    return shipped(tmp_path_factory, 2, "b")


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "b"))


def run_words(gateway: Gateway, folder: Path) -> list[object]:
    tasks = write_tasks(folder.parent / "mine.json", 1)
    targets = ["--gateway", gateway.url, "--llm-team", gateway.url]
    return ["run", "--dir", folder, "--tasks", tasks, "-n", 2, "--quiet", *targets]


# Real processes


def test_a_killed_run_is_noticed_and_its_resume_followed_to_the_end(
    gateway: Gateway, tmp_path: Path
) -> None:
    blocking = Blocking(gateway, 8)  # in the middle of the second iteration
    words = run_words(gateway, tmp_path / "b")
    writer = start(*words)
    assert blocking.reached.wait(60)
    with at_terminal("watch", tmp_path / "b", cwd=tmp_path, columns=WIDE) as terminal:
        terminal.wait_for("1/2 115 tokens per task;")
        # Not waited for: one that is dead and not yet buried is gone, too.
        writer.kill()
        terminal.wait_for(f"process {writer.pid}, which ran it, is gone;")
        terminal.wait_for(f"go on with: battery run --resume --dir {tmp_path / 'b'}")
        terminal.wait_for("waiting for that;")

        ended = command_here("watch", tmp_path / "b", cwd=tmp_path)
        assert ended.returncode == 1, "a script must not hang"
        assert "stopped half way" in ended.stderr
        assert " next: go on with: battery run --resume" in ended.stderr
        assert ended.stdout == ""

        blocking.release.set()
        done = command_here(*words, "--resume", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        terminal.wait_for("2/2 115 tokens per task;")
        assert terminal.end() == 0
        assert terminal.text.count("1/2  115 tokens") == 1
        assert terminal.text.count("waiting for that") == 1
        summary = terminal.text.rpartition("2/2  115 tokens")[2]
        assert f"battery open {tmp_path / 'b'}" in summary
        assert "Traceback" not in terminal.text
    writer.communicate()


def test_a_watch_that_is_killed_or_interrupted_does_the_run_no_harm(
    gateway: Gateway, tmp_path: Path
) -> None:
    folder = tmp_path / "b"
    blocking = Blocking(gateway, 2)
    writer = start(*run_words(gateway, folder))
    assert blocking.reached.wait(60)
    watchers = [start("watch", folder), start("watch", folder)]
    for watcher in watchers:
        assert watcher.stderr
        while "beta_drift 0" not in watcher.stderr.readline():
            assert watcher.poll() is None
    watchers[0].kill()
    watchers[1].send_signal(signal.SIGINT)
    codes = [watcher.communicate(timeout=60) and watcher.returncode for watcher in watchers]
    assert codes == [-signal.SIGKILL, 130]
    refused = command_here(*run_words(gateway, folder), "--resume", cwd=tmp_path)
    assert "another battery process is working" in refused.stderr, "the lock is as it was"

    now = command_here("watch", "--once", folder, cwd=tmp_path).stdout
    assert "impossible tasks: 2 of 3 tasks of this iteration, 2 of 12 calls in total" in now
    assert f"process {writer.pid} is working on it" in now
    blocking.release.set()
    followed = command_here("watch", "--json", folder, cwd=tmp_path)
    assert followed.returncode == 0, followed.stderr
    assert json.loads(followed.stdout) == read_json(folder / "summary.json")
    assert "2/2  115 tokens per task" in followed.stderr
    _, errors = writer.communicate(timeout=60)
    assert writer.returncode == 0, errors


def test_ctrl_c_says_how_to_look_again_and_not_that_anything_was_interrupted(
    folder: Path,
) -> None:
    unfinished(folder, "running", note=note_of(os.getpid()))
    with at_terminal("watch", folder, cwd=folder.parent, columns=WIDE) as terminal:
        terminal.wait_for("tokens per task,")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.end() == 130
    assert "error: stopped watching" in terminal.text
    assert f"battery watch {folder}" in terminal.text


# What it says, and that it leaves no trace


def listing(folder: Path) -> list[tuple[str, int, int]]:
    paths = sorted([folder, *folder.rglob("*")])
    return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]


def test_a_finished_battery_is_shown_as_summarize_shows_it_and_stays_as_it_is(
    folder: Path,
) -> None:
    before = listing(folder)
    shown = command_here("watch", folder, cwd=folder.parent)
    once = command_here("watch", "--once", folder, cwd=folder.parent)
    asked = command_here("watch", "--once", "--json", folder, cwd=folder.parent)
    assert listing(folder) == before
    assert [shown.returncode, once.returncode, asked.returncode] == [0, 0, 0]
    assert shown.stdout == once.stdout
    assert [line[:5] for line in shown.stderr.splitlines()[-2:]] == ["1/2  ", "2/2  "]
    found = json.loads(asked.stdout)
    assert (found["state"], found["calls"], found["calls_done"]) == ("finished", 70, 70)
    assert [metrics["iteration"] for metrics in found["metrics"]] == [1, 2]
    assert found["stage"] is None
    assert command_here("summarize", folder, cwd=folder.parent).stdout == shown.stdout


@pytest.mark.parametrize(
    ("state", "note", "why"),
    [
        ("running", note_of(GONE), f"stopped half way: process {GONE}, which ran it, is gone"),
        ("running", "{}", "stopped half way: nobody works on it"),
        ("interrupted", "", "was interrupted"),
        ("failed", "{}", "failed"),
    ],
)
def test_of_a_battery_that_stopped_it_says_so_with_the_next_step(
    state: str, note: str, why: str, folder: Path
) -> None:
    unfinished(folder, state, note)
    before = listing(folder)
    done = command_here("watch", folder, cwd=folder.parent)
    once = command_here("watch", "--once", folder, cwd=folder.parent)
    assert listing(folder) == before
    assert done.returncode == 1
    assert f"error: the battery in {folder} {why}" in done.stderr
    assert f" next: go on with: battery run --resume --dir {folder}" in done.stderr
    # The eight calls on disk, and not the torn one.
    assert done.stderr.count("from disk)\n") == 8
    assert once.returncode == 0
    assert "8 of 32 tasks of this iteration, 43 of 70 calls in total" in once.stdout
    assert f"the battery in {folder} {why}\nnext: " in once.stdout


def test_where_there_is_no_battery_it_says_so_and_makes_no_folder(
    folder: Path, tmp_path: Path
) -> None:
    (folder / "battery.json").unlink()
    for words in (["watch"], ["watch", "--once"]):
        done = command_here(*words, cwd=tmp_path)
        assert done.returncode == 2
        assert "error: there is no battery in data/battery: " in done.stderr
    assert not (tmp_path / "data").exists()
    original = command_here("watch", folder, cwd=tmp_path)
    assert original.returncode == 2
    assert f" next: look at what it holds with: battery summarize {folder}" in original.stderr


def test_of_a_folder_of_the_original_script_it_shows_the_summary(folder: Path) -> None:
    (folder / "battery.json").unlink()
    for journal in folder.glob("iter_*/journal.jsonl"):
        journal.unlink()
    before = sorted(folder.rglob("*"))
    for words in (["watch"], ["watch", "--once"]):
        done = command_here(*words, folder, cwd=folder.parent)
        assert done.returncode == 0
        assert f"{folder} has no battery.json to follow" in done.stderr
        assert "battery open" in done.stdout
    as_json = command_here("watch", "--json", folder, cwd=folder.parent)
    assert json.loads(as_json.stdout)["run_id"] is None
    assert sorted(folder.rglob("*")) == before


def test_a_finished_battery_that_lacks_a_file_is_an_error_that_names_it(folder: Path) -> None:
    (folder / "iter_1" / "metrics.json").unlink()
    done = command_here("watch", folder, cwd=folder.parent)
    assert done.returncode == 1
    assert "iter_1/metrics.json" in done.stderr
    assert "write it again with: battery summarize DIR" in done.stderr


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("{}", "utf-8")])
def test_a_finished_battery_is_summed_up_whatever_its_summary_is(
    folder: Path, spoil: Callable[[Path], object]
) -> None:
    summary = read_json(folder / "summary.json")
    spoil(folder / "summary.json")
    done = command_here("watch", folder, "--json", cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["evidence"] == summary["evidence"]


def test_how_far_it_is_fits_a_terminal_without_a_broken_word(folder: Path) -> None:
    unfinished(folder, "interrupted", "")
    piped = command_here("watch", "--once", "b", cwd=folder.parent).stdout
    screen = on_terminal("watch", "--once", "b", cwd=folder.parent, columns=60)
    assert screen.lines[2:5] == [
        "2/2  799 tokens per task so far, twin 1,001 (−20%)",
        "     easy tasks, new ones: 8 of 32 tasks of this iteration,",
        "     43 of 70 calls in total",
    ]
    for word in piped.replace("-20%", "−20%").replace(";", "").split():
        assert word in " ".join(screen.lines).replace(";", "").split()
