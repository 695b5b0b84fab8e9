"""Classes and functions as systems: what forms they may have, and what they may do wrong."""

from __future__ import annotations

import asyncio
import os
import textwrap
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from battery.base.errors import CallError, CallTimeoutError, UsageError
from battery.protocol import limits
from battery.records.models import LEARN
from battery.system import Ask, Outcome, Verbs
from battery.target.driver import Seat
from battery.target.kinds import kind_of
from battery.target.python import PythonDriver, read
from tests.support.commands import wait_for_the_end_of

ASK = Ask(task_class="c", operation="greet", spec={"name": "Ada"}, session="s")
OUTCOME = Outcome(ask=ASK, messages=[{"role": "assistant", "content": "hm"}], passed=False)
#: Seconds for one call, on any machine.
LIMIT_S = 60.0


@pytest.fixture
def seat(tmp_path: Path) -> Seat:
    for name in ("memory", "scratch"):
        (tmp_path / name).mkdir()
    return Seat(LEARN, tmp_path / "memory", tmp_path / "scratch", "model-1")


def write(seat: Seat, code: str, name: str = "agent.py") -> Path:
    path = seat.memory.parent / name
    path.write_text(textwrap.dedent(code))
    return path


async def talk(driver: PythonDriver, calls: Callable[[PythonDriver], Awaitable[Any]]) -> Any:
    try:
        await driver.start()
        return await calls(driver)
    finally:
        await driver.stop()


async def asked(driver: PythonDriver) -> Any:
    return await driver.ask(ASK, LIMIT_S)


def run(
    seat: Seat,
    code: str,
    calls: Callable[[PythonDriver], Awaitable[Any]] = asked,
    of: str = "Agent",
) -> Any:
    """Make a system of the code and talk to it in the way that is asked for."""
    driver = PythonDriver(f"python:{write(seat, code)}:{of}", seat)
    return asyncio.run(talk(driver, calls))


#: All of them greet with what they were asked and given.
FORMS = {
    "a class": """
        class Agent:
            def __init__(self, memory, model): self.given = memory, model
            def ask(self, ask): return f"{ask.spec['name']} {self.given[0].name} {self.given[1]}"
    """,
    "a class that takes a folder": """
        class Agent:
            def __init__(self, folder): self.folder = folder
            def ask(self, ask): return f"{ask.spec['name']} {self.folder.name} model-1"
    """,
    "a class that takes nothing": """
        import os
        class Agent:
            async def ask(self, ask):
                return f"{ask.spec['name']} {os.environ['BATTERY_MEMORY'][-6:]} model-1"
    """,
    "an object that responds": """
        class Desk:
            def respond(self, task, memory, model):
                return f"{task.spec['name']} {memory.name} {model}"
        Agent = Desk()
    """,
    "a class that responds": """
        class Agent:
            def respond(self, task, memory): return f"{task.spec['name']} {memory.name} model-1"
    """,
    "a function": """
        def Agent(task, memory): return f"{task.spec['name']} {memory.name} model-1"
    """,
    "a function of other names": """
        def Agent(question, folder, /, *, model):
            return f"{question.spec['name']} {folder.name} {model}"
    """,
    "a coroutine": """
        import asyncio
        async def Agent(task, memory, **more):
            await asyncio.sleep(0)
            return f"{task.spec['name']} {memory.name} {more['model']}"
    """,
    "a function that runs a loop": """
        import asyncio
        async def work(task): return task.spec["name"]
        def Agent(task): return asyncio.run(work(task)) + " memory model-1"
    """,
    "a factory of a function": """
        def Agent(memory, model):
            return lambda task: f"{task.spec['name']} {memory.name} {model}"
    """,
    "a factory that takes nothing": """
        class Desk:
            def ask(self, ask): return "Ada memory model-1"
        def Agent(): return Desk()
    """,
    "an asynchronous factory": """
        async def Agent(*, memory):
            def ask(task): return f"{task.spec['name']} {memory.name} model-1"
            return ask
    """,
    "something inside": """
        class Agent:
            class Agent:
                def ask(self, ask): return "Ada memory model-1"
    """,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_system_may_have_any_form_that_tells_what_it_takes(seat: Seat, form: str) -> None:
    name = "Agent.Agent" if form == "something inside" else "Agent"
    assert run(seat, FORMS[form], of=name) == "Ada memory model-1"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            "class Agent: pass",
            r"returned Agent <.*; battery expects a class or function .*`respond\(",
        ),
        ("Agent = 7", r"Agent in agent.py is int 7; battery expects"),
        ("def Agent(memory): return None", "returned None; battery expects"),
        ("def Agent(*args): pass", "Agent has no parameters with names; battery expects"),
        ("class Agent:\n def __init__(self, a, b, c): pass", r"takes \(a, b, c\)"),
        ("class Agent:\n def __init__(self): raise KeyError('key')", "raised KeyError: 'key'"),
        ("class agent: pass\ndef helper(): pass", "agent.py has no Agent; it has agent, helper"),
        ("import nowhere", r"No module named 'nowhere' \(agent.py line 1, in <module>: import"),
        ("def Agent(task:", r"SyntaxError: '\(' was never closed"),
        ("raise SystemExit(3)", "raised SystemExit: 3"),
        (
            "class Agent:\n def ask(self, ask): pass\n def snapshot(self, to): pass",
            "has snapshot and no restore and fingerprint",
        ),
    ],
)
def test_what_cannot_be_a_system_is_found_before_it_is_asked(
    seat: Seat, code: str, why: str
) -> None:
    with pytest.raises(CallError, match=f"agent.py:Agent cannot be used: .*{why}") as raised:
        run(seat, code, lambda driver: driver.look())
    assert raised.value.hint


def test_a_look_makes_the_system_on_a_memory_of_no_account(seat: Seat) -> None:
    code = """
        class Agent:
            def __init__(self, memory): (memory / "made").touch()
            def ask(self, ask): return ""
            def learn(self, outcomes): pass
    """
    driver = PythonDriver(f"python:{write(seat, code)}:Agent", seat)
    finding = asyncio.run(driver.look())
    assert (finding.ok, finding.text) == (
        True,
        "agent.py:Agent starts and takes tasks, and has learn",
    )
    assert list(seat.memory.iterdir()) == []


RETURNS = {
    "'text'": "text",
    "Reply(text='a', usage={'total_tokens': 1})": {
        "text": "a",
        "usage": {"total_tokens": 1},
        "log": [],
    },
    "Answer('x', [Answer('y', [])])": {"x": "x", "more": [{"x": "y", "more": []}]},
    "Model()": {"x": "dumped"},
    "MappingProxyType({'x': (1, 2)})": {"x": [1, 2]},
    r"'\ud800'": "\ufffd",
}
RETURNING = """
    from dataclasses import dataclass
    from types import MappingProxyType
    from battery import Reply

    @dataclass
    class Answer:
        x: str
        more: list

    class Model:
        def model_dump(self, mode):
            return {"x": "dumped"}

    def Agent(task):
        return "a" * 17 * 2**20 if task.spec else EXPRESSION
"""


@pytest.mark.parametrize("expression", RETURNS)
def test_answers_may_be_texts_replies_and_whatever_is_like_a_dict(
    seat: Seat, expression: str
) -> None:
    code = RETURNING.replace("EXPRESSION", expression)
    said = run(seat, code, lambda driver: driver.ask(replace(ASK, spec={}), LIMIT_S))
    assert said == RETURNS[expression]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("return None", "it returned None; it must be a text, a dict or a battery.Reply"),
        ("return ['list']", "it returned list"),
        ("return {'x': object()}", "what JSON cannot hold: object <object"),
        ("return {'x': float('nan')}", "what JSON cannot hold: Out of range float"),
        ("x = {}; x['x'] = x; return x", "what JSON cannot hold: Circular reference"),
        ("return 'a' * 17 * 2**20", r"it returned 17.8 MB; up to 16 MiB are taken"),
        ("return [0] * 600_000 and {'x': [0] * 600_000}", "has more than 500,000 values"),
        ("return task.spec['key']", r"it raised KeyError: 'key' \(agent.py line 4, in Agent: "),
        ("return os.listdir('/nowhere')", r"FileNotFoundError.*\(agent.py line 4, in Agent"),
        ("return json.loads('{')", r"JSONDecodeError.*\(agent.py line 4, in Agent: def Agent"),
        ("sys.exit(3)", "it raised SystemExit: 3"),
        ("raise KeyboardInterrupt", "it raised KeyboardInterrupt"),
        ("return Agent(task)", "it raised RecursionError"),
        ("print('last', 'words'); os._exit(3)", r"its process ended \(exit code 3\): last words"),
        ("os.kill(os.getpid(), 9)", r"its process ended \(killed by SIGKILL\)"),
        ("crash()", r"killed by SIGSEGV\): Segmentation fault \(agent.py line 3, in crash\)"),
    ],
)
def test_whatever_goes_wrong_is_one_error_that_says_where(seat: Seat, body: str, why: str) -> None:
    code = "import os, sys, json\ndef crash():\n import ctypes; ctypes.string_at(0)\n"
    whole = f"respond for 'greet' to agent.py:Agent: .*{why}"
    with pytest.raises(CallError, match=whole) as raised:
        run(seat, f"{code}def Agent(task): {body}")
    assert raised.value.hint


def test_a_debugger_gets_the_whole_traceback(seat: Seat) -> None:
    with pytest.raises(CallError) as raised:
        run(seat, "def Agent(task): return task.nothing")
    assert "Traceback (most recent call last)" in str(raised.value.__cause__)


def test_a_call_that_takes_too_long_is_ended_and_says_where_it_was(seat: Seat) -> None:
    code = """
        import time
        def wait(): time.sleep(600)
        def Agent(task): wait()
    """
    with pytest.raises(CallTimeoutError, match=r"within 0.5 s \(agent.py line 3, in wait\)"):
        run(seat, code, lambda driver: driver.ask(ASK, 0.5))


def test_what_is_printed_is_not_part_of_the_answer(seat: Seat) -> None:
    code = r"""
        import os, subprocess, sys
        def Agent(task):
            print('{"value": "printed"}')
            os.write(1, b'{"value": "written"}\n')
            subprocess.run(["echo", '{"value": "echoed"}'])
            for handle in range(20, 40):
                try: os.close(handle)
                except OSError: pass
            return "answered" + sys.stdin.read()
    """
    assert run(seat, code) == "answered"


def test_threads_forks_and_what_it_leaves_running_do_no_harm(seat: Seat) -> None:
    code = """
        import os, subprocess, sys, threading, time
        def work():
            print("from a thread")
            sys.exit(1)
        def Agent(task):
            threading.Thread(target=work).start()
            threading.Thread(target=time.sleep, args=(600,)).start()
            left = subprocess.Popen(["sleep", "600"]).pid
            os.fork()
            return str(left)
    """
    wait_for_the_end_of(run(seat, code))


async def learned(driver: PythonDriver) -> Any:
    events: list[Any] = []
    returned = await driver.learn([OUTCOME], events.append, LIMIT_S)
    assert returned == events
    return events


@pytest.mark.parametrize(
    ("method", "events"),
    [
        ("def learn(self, outcomes): pass", []),
        ("def learn(self): return 'a lesson'", [{"text": "a lesson", "role": "final"}]),
        ("def learn(self, o): return {'text': o[0].ask.operation}", [{"text": "greet"}]),
        (
            "def learn(self, outcomes):\n  yield 'first'\n  yield Event(text='x', role='final')",
            [{"role": "progress", "text": "first"}, {"text": "x", "role": "final"}],
        ),
        (
            "async def learn(self, outcomes):\n  yield 'first'\n  yield {'text': 'second'}",
            [{"role": "progress", "text": "first"}, {"text": "second"}],
        ),
        ("async def learn(self, outcomes): return ['x']", [{"role": "progress", "text": "x"}]),
        (
            "async def learn(self, outcomes): return Event(text='x', usage={'total_tokens': 3})",
            [{"text": "x", "role": "progress", "usage": {"total_tokens": 3}}],
        ),
    ],
)
def test_a_learning_step_may_say_nothing_one_thing_or_many(
    seat: Seat, method: str, events: Any
) -> None:
    code = f"from battery import Event\nclass Agent:\n def ask(self, ask): return ''\n {method}"
    assert run(seat, code, learned) == events


def test_events_come_as_they_are_yielded_and_only_silence_counts(seat: Seat) -> None:
    """The step goes on when its first event has arrived, and takes longer than its limit."""
    code = """
        import pathlib, time
        class Agent:
            def ask(self, ask): return ""
            def learn(self, outcomes):
                yield "go"
                while not pathlib.Path(__file__).with_name("gone").exists(): time.sleep(0.01)
                for n in range(6):
                    time.sleep(0.5)
                    yield str(n)
    """
    here = seat.memory.parent / "gone"
    events = run(
        seat, code, lambda driver: driver.learn([], lambda _event: here.touch(), timeout_s=2.5)
    )
    assert [event["text"] for event in events] == ["go", *map(str, range(6))]


def test_more_events_than_are_taken_are_refused(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_EVENTS", 10)
    code = """
        class Agent:
            def ask(self, ask): return ""
            def learn(self, outcomes):
                while True: yield "x"
    """
    with pytest.raises(CallError, match=r"learn by agent.py:Agent: the answer has more than 10 ev"):
        run(seat, code, learned)


def test_a_system_hears_how_tasks_ended_and_may_copy_its_memory_by_itself(seat: Seat) -> None:
    code = """
        class Agent:
            def __init__(self): self.heard = []
            def ask(self, ask): return " ".join(self.heard)
            async def tell(self, outcome):
                self.heard.append(f"{outcome.ask.operation}:{outcome.passed}")
            def snapshot(self, to): (to / "all").write_text(" ".join(self.heard))
            def restore(self, source): self.heard = (source / "all").read_text().split()
            def fingerprint(self): return str(len(self.heard))
    """
    copy = seat.memory.parent / "copy"
    copy.mkdir()

    async def calls(driver: PythonDriver) -> Any:
        await driver.tell(OUTCOME, LIMIT_S)
        await driver.snapshot(copy)
        await driver.tell(OUTCOME, LIMIT_S)
        grown = await driver.fingerprint()
        await driver.restore(copy)
        return grown, await driver.fingerprint(), await driver.ask(ASK, LIMIT_S)

    assert run(seat, code, calls) == ("2", "1", "greet:False")


@pytest.mark.parametrize(
    ("code", "verbs"),
    [
        (
            "class Agent:\n def ask(self, ask): pass\n def tell(self, outcome): pass",
            Verbs(tell=True),
        ),
        ("class Agent:\n def ask(self, ask): pass\n def learn(self): pass", Verbs(learn=True)),
        ("def Agent(task): pass", Verbs(one_turn=True)),
    ],
)
def test_the_methods_that_it_has_are_known_at_the_start(
    seat: Seat, code: str, verbs: Verbs
) -> None:
    driver = PythonDriver(f"python:{write(seat, code)}:Agent", seat)

    async def started() -> Verbs:
        try:
            return await driver.start()
        finally:
            await driver.stop()

    assert asyncio.run(started()) == verbs


def test_a_client_of_the_event_loop_lives_as_long_as_the_process(seat: Seat) -> None:
    code = """
        import asyncio
        class Agent:
            def __init__(self): self.loops = set()
            async def ask(self, ask):
                self.loops.add(asyncio.get_running_loop())
                return str(len(self.loops))
    """

    async def twice(driver: PythonDriver) -> Any:
        return [await driver.ask(ASK, LIMIT_S) for _ in range(2)]

    assert run(seat, code, twice) == ["1", "1"]


def test_a_system_is_closed_at_the_end_also_after_an_error(seat: Seat) -> None:
    code = """
        class Agent:
            def __init__(self, memory): self.memory = memory
            def ask(self, ask): raise ValueError("no")
            def close(self): (self.memory / "closed").touch()
    """
    with pytest.raises(CallError, match="ValueError: no"):
        run(seat, code)
    assert (seat.memory / "closed").exists()


def test_it_runs_in_the_folder_of_its_file_with_the_modules_there(seat: Seat) -> None:
    write(seat, "NAME = 'from next to it'", "helper.py")
    code = "import helper, os\ndef Agent(task): return f'{helper.NAME} {os.getcwd()}'"
    assert run(seat, code) == f"from next to it {seat.memory.parent}"


def test_a_module_is_found_from_where_battery_was_started(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = seat.memory.parent
    (folder / "agents").mkdir()
    (folder / "agents/desk.py").write_text("def answer(task): return __name__")
    monkeypatch.chdir(folder)
    driver = PythonDriver(read("python:agents.desk:answer", {}).url, seat)
    assert asyncio.run(talk(driver, asked)) == "agents.desk"


def test_it_gets_the_environment_but_none_of_batterys_secrets(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GATEWAY_TOKEN", "LLM_TEAM_HEADERS", "BATTERY_MODEL_KEY", "AI_GATEWAY_TOKEN"):
        monkeypatch.setenv(name, "secret-1")
    seat = replace(seat, environment={"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"})
    code = "import os, json\ndef Agent(task): return dict(os.environ)"
    given = run(seat, code)
    assert {name for name, value in given.items() if value == "secret-1"} == {"AI_GATEWAY_TOKEN"}
    assert given["OPENAI_BASE_URL"] == "http://127.0.0.1:1/v1"
    assert Path(given["TMPDIR"]).parent == seat.scratch
    assert given["HOME"] == os.environ["HOME"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("python:agent.py", "names no class or function"),
        ("python::Agent", "names no class or function"),
        ("python:agent.py:", "names no class or function"),
        ("python:gone.py:Agent", "there is no file /"),
        ("python:no-module:Agent", "is neither a Python file nor a module"),
    ],
)
def test_a_target_that_cannot_be_one_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        kind_of(text).read(text, {})


def test_a_target_is_kept_as_a_path_that_holds_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "agent.py").touch()
    monkeypatch.chdir(tmp_path)
    kept = read("python:agent.py:Agent", {}).url
    assert kept == f"python:{tmp_path}/agent.py:Agent"
    monkeypatch.chdir("/")
    assert read(kept, {}).url == kept
