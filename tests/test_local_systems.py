"""Whole batteries on classes and commands: what leaks, and what is killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.calls import command_here
from tests.support.commands import start, wait_for_the_end_of, write_tasks

pytestmark = pytest.mark.slow

#: Remembers in each of these places; a place is where `known` finds what `keep` has left there.
AGENT = """
import os, pathlib, signal, tempfile, time

HERE = pathlib.Path(__file__).parent
KEPT = set()

def learns(memory):
    return (memory.parent / "learn").samefile(memory)

class Agent:
    kept = set()

    def __init__(self, memory):
        self.memory = memory
        self.own = set()

    def ask(self, ask):
        self._meet("ask")
        places = dict(
            memory=self._file(self.memory), tmp=self._file(tempfile.gettempdir()),
            glob=KEPT, attribute=self.own, of_class=Agent.kept,
        )
        place = os.environ.get("PLACE", "memory")
        kept = places[place]
        known = kept if isinstance(kept, set) else set(kept.read_text().splitlines())
        done = "known" if ask.operation in known else "new"
        if isinstance(kept, set):
            kept.add(ask.operation)
        else:
            kept.write_text("\\n".join([*known, ask.operation]))
        self._note(f"ask {done}")
        return {"text": done, "usage": {"total_tokens": 10}, "turns": 1}

    def tell(self, outcome):
        self._meet("tell")
        self._add(f"told-{outcome.ask.operation}")
        self._note("tell")

    def learn(self, outcomes):
        yield "begins"
        self._meet("learn")
        self._add(f"learned-{len(outcomes)}")
        self._note("learn")

    def _add(self, word):
        with (self.memory / "diary").open("a") as file:
            file.write(word + "\\n")

    def _file(self, folder):
        path = pathlib.Path(folder, "kept")
        path.touch()
        return path

    def _note(self, text):
        arm = "learn" if learns(self.memory) else "frozen"
        with (HERE / "log").open("a") as file:
            file.write(f"{arm} {text}\\n")

    def _meet(self, verb):
        if (HERE / f"stop in {verb}").exists() and learns(self.memory):
            self._add("half a thought")
            (HERE / "pid.tmp").write_text(str(os.getpid()))
            (HERE / "pid.tmp").rename(HERE / "pid")
            time.sleep(600)
"""
#: The same for a command: it remembers where `PLACE` says.
COMMAND = """
PLACE=$(eval echo "$PLACE")
if [ -e "$PLACE/kept" ]; then answer=known; else answer=new; fi
echo x >> "$PLACE/kept"
if [ "$BATTERY_MEMORY" -ef "$BATTERY_MEMORY/../learn" ]; then arm=learn; else arm=frozen; fi
echo "$arm $1 $answer" >> "$LOG"
echo '{"text": "'$answer'", "usage": {"total_tokens": 10}, "turns": 1}'
"""


def options_in(folder: Path) -> list[Any]:
    (folder / "agent.py").write_text(AGENT)
    tasks = write_tasks(folder / "tasks.json", 1, checks=[{"matches": "n"}])
    target = f"python:{folder}/agent.py:Agent"
    return ["run", "--dir", folder / "b", "--tasks", tasks, "-n", 2, "--target", target]


@pytest.fixture
def options(tmp_path: Path) -> list[Any]:
    return options_in(tmp_path)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a battery that nobody has killed."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    done = command_here(*options_in(folder), "--seed", 1, "--quiet", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def log(folder: Path) -> list[str]:
    return (folder / "log").read_text().splitlines()


def diary(folder: Path) -> list[str]:
    return (folder / "b/memory/learn/diary").read_text().splitlines()


def known(folder: Path, arm: str) -> int:
    return Counter(log(folder))[f"{arm} ask known"]


SPY = """
import os, pathlib

def respond(task, memory):
    seen = [str(memory), os.getcwd(), repr(task), *(f"{k}={v}" for k, v in os.environ.items())]
    with pathlib.Path(__file__).with_name("seen").open("a") as file:
        file.write("\\n".join(seen) + "\\n")
    return {"text": "new", "usage": {"total_tokens": 10}, "turns": 1}
"""


def test_a_system_is_given_nothing_that_tells_its_arm(options: list[Any], tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(SPY)
    spy = f"python:{tmp_path}/agent.py:respond"
    done = command_here(*options[:-1], spy, "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    own = str(tmp_path / "b")
    seen = (tmp_path / "seen").read_text().splitlines()
    places = {line.partition(own)[2] for line in seen if own in line}
    assert len({place for place in places if "/tmp" not in place}) == 2
    assert not [place for place in places if "learn" in place or "frozen" in place]


@pytest.mark.parametrize("place", ["memory", "tmp", "glob", "attribute", "of_class"])
def test_the_twin_of_a_class_learns_nothing_wherever_it_remembers(
    options: list[Any], tmp_path: Path, place: str
) -> None:
    done = command_here(*options, "--quiet", cwd=tmp_path, env={"PLACE": place})
    assert done.returncode == 0, done.stderr
    assert known(tmp_path, "learn") > 0
    assert known(tmp_path, "frozen") == 0


@pytest.mark.parametrize("place", ["$BATTERY_MEMORY", "$HOME", "$TMPDIR", "."])
def test_a_command_remembers_in_its_folder_and_nowhere_else(
    options: list[Any], tmp_path: Path, place: str
) -> None:
    (tmp_path / "agent.sh").write_text(COMMAND)
    options[-1] = f"exec:sh {tmp_path}/agent.sh {{verb}}"
    env = {"PLACE": place, "LOG": str(tmp_path / "log")}
    done = command_here(*options, "--quiet", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    lines = Counter(log(tmp_path))
    assert lines["learn distill known"] + lines["learn distill new"] == 2
    assert (lines["learn respond known"] > 0) == (place == "$BATTERY_MEMORY")
    assert lines["frozen respond known"] == 0


def wait_for(path: Path, process: subprocess.Popen[str]) -> str:
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    return path.read_text()


@pytest.mark.parametrize(
    ("victim", "verb"),
    [*(("battery", verb) for verb in ("ask", "tell", "learn")), ("system", "ask")],
)
def test_killed_in_the_middle_nothing_is_lost_asked_twice_or_left_running(
    options: list[Any], tmp_path: Path, uninterrupted: Path, victim: str, verb: str
) -> None:
    (tmp_path / f"stop in {verb}").touch()
    process = start(*options, "--seed", 1)
    pid = wait_for(tmp_path / "pid", process)
    os.kill(int(pid) if victim == "system" else process.pid, signal.SIGKILL)
    _, said = process.communicate()
    if victim == "system":
        assert process.returncode == 1
        assert said.count("error: ") == 1
        assert "its process ended (killed by SIGKILL)" in said
    wait_for_the_end_of(pid)
    (tmp_path / f"stop in {verb}").unlink()
    done = command_here(*options[:5], "--target", options[-1], "--resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Counter(log(tmp_path)) == Counter(log(uninterrupted))
    assert diary(tmp_path) == diary(uninterrupted)
