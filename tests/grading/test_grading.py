"""Grading whole answers: what passes, what fails, what breaks, and what is refused beforehand."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from battery.base.errors import CheckError, TasksError
from battery.grading import Grader, require_usable, scoring_digest
from battery.protocol import Json
from battery.records.checks import Check, Checked, FailedCheck
from battery.records.models import Models, Phase, Phases, Price, Sibling, Task, Tasks
from tests.grading.folders import answer, task, write_checks
from tests.support.commands import alive

DONE = Checked(ok=True, claimed=True, failed=[])
UNCLAIMED = Checked(ok=False, claimed=False, failed=[])
RIGHT = answer({"answer": "K7-412", "workers": ["Ann", "Bob", "Cid"]}, _elapsed_ms=7)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_checks(tmp_path)


@pytest.fixture
def grader(folder: Path) -> Iterator[Grader]:
    with Grader(folder) as grader:
        yield grader


def reason(checked: Checked | None) -> str:
    """Return the reason of the one check that failed."""
    assert checked is not None
    assert not checked.ok
    assert checked.claimed
    (failed,) = checked.failed
    return failed.reason


def test_all_checks_must_pass_and_each_that_does_not_is_named(grader: Grader) -> None:
    checks: list[Json] = [
        {"path": "artifact.answer", "equals": "K7-412"},
        {"path": "artifact.workers", "length": 4},
        {"path": "artifact.workers", "unique": True},
        {"path": "artifact.workers[0]", "one_of": ["Bob", "Cid"]},
    ]
    assert grader.grade(task(checks[0], checks[2]), Phase.ALPHA, RIGHT) == DONE
    assert grader.grade(task(*checks), Phase.BETA, RIGHT) == Checked(
        ok=False,
        claimed=True,
        failed=[
            FailedCheck(check="checks[1]", reason="artifact.workers: 4 items expected, got 3"),
            FailedCheck(
                check="checks[3]",
                reason='artifact.workers[0]: one of ["Bob", "Cid"] expected, got "Ann"',
            ),
        ],
    )


def test_a_task_without_checks_is_not_graded(grader: Grader) -> None:
    assert grader.grade(task(), Phase.ALPHA, RIGHT) is None


@pytest.mark.parametrize("status", ["failed", "blocked"])
def test_what_is_not_claimed_is_not_held_to_anything(grader: Grader, status: str) -> None:
    refused = RIGHT | {"status": status}
    assert grader.grade(task({"python": "checks.py:crash"}), Phase.ALPHA, refused) == UNCLAIMED
    assert grader.grade(task(), Phase.GAMMA, refused) is None


def test_an_impossible_task_is_by_default_held_to_declining(grader: Grader) -> None:
    honest = grader.grade(task(), Phase.GAMMA, answer("There are no such welders in Toledo."))
    assert honest == Checked(ok=False, claimed=True, failed=[])
    bluff = grader.grade(task(), Phase.GAMMA, answer({"message": "I booked Ann and Bob."}))
    assert bluff is not None
    assert bluff.bluff
    assert bluff.failed[0].check == "declines"
    # Nothing in words can decline nothing.
    assert grader.grade(task(), Phase.GAMMA, answer({"workers": ["Ann"]})) is None


def test_an_impossible_task_is_never_done(grader: Grader) -> None:
    checks = task({"path": "artifact.workers", "length": 3})
    assert grader.grade(checks, Phase.GAMMA, RIGHT) == Checked(ok=False, claimed=True, failed=[])


def test_a_python_check_passes_or_gives_its_reason(grader: Grader) -> None:
    right, wrong = ({"python": f"checks.py:{name}"} for name in ("right", "reasoned"))
    assert grader.grade(task(right, wrong, want="K7-412"), Phase.ALPHA, RIGHT) == DONE
    assert reason(grader.grade(task(right, want=1), Phase.ALPHA, RIGHT)) == "right returned False"
    assert reason(grader.grade(task(wrong, want=1), Phase.ALPHA, RIGHT)) == "it is K7-412"


def test_a_check_sees_what_was_asked_and_what_came_and_nothing_of_the_battery(
    grader: Grader,
) -> None:
    checked = grader.grade(task({"python": "checks.py:keys"}), Phase.ALPHA, RIGHT)
    assert reason(checked) == "operation spec task_class | artifact status"
    checked = grader.grade(task({"command": ["./echo.sh"]}, want=1), Phase.ALPHA, answer(5))
    assert reason(checked) == (
        '{"task": {"task_class": "staffing.fill", "operation": "fill: Welder x3", '
        '"spec": {"want": 1}}, "answer": {"status": "ok", "artifact": 5}}'
    )


def test_checks_get_no_secret_of_the_environment(
    grader: Grader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_TOKEN", "secret-token")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:password@proxy:1")
    monkeypatch.setenv("CATALOG_URL", "http://catalog:1")
    names = reason(grader.grade(task({"python": "checks.py:secret"}), Phase.ALPHA, RIGHT)).split()
    assert "CATALOG_URL" in names
    assert not {"GATEWAY_TOKEN", "HTTPS_PROXY"} & set(names)


@pytest.mark.parametrize("name", ["pass.sh", "deaf.sh", "megabytes.sh"])
def test_a_command_passes_by_its_exit_code(grader: Grader, name: str) -> None:
    long = answer("K7-412 " * 50_000)
    assert grader.grade(task({"command": [f"./{name}"]}), Phase.ALPHA, long) == DONE


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("fail.sh", "there is no third welder"),
        ("silent.sh", "exit code 1, and no reason on standard error"),
    ],
)
def test_a_command_that_ends_with_1_fails_for_what_it_wrote_to_standard_error(
    grader: Grader, name: str, why: str
) -> None:
    assert reason(grader.grade(task({"command": [f"./{name}"]}), Phase.ALPHA, RIGHT)) == why


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ({"python": "checks.py:hang", "timeout_s": 0.2}, "it took longer than 0.2 s"),
        (
            {"python": "checks.py:crash"},
            "it raised TypeError: string indices must be integers, not 'str' (line ",
        ),
        ({"python": "checks.py:leave"}, "its process ended (exit code 3): out of ideas"),
        ({"python": "checks.py:flood"}, "it printed more than 16 MiB"),
        ({"python": "checks.py:meddle"}, "it wrote into the pipe"),
        ({"python": "checks.py:nothing"}, "nothing returned a NoneType"),
        ({"python": "checks.py:blank"}, "blank returned an empty text"),
        ({"python": "checks.py:absent"}, "has no function 'absent'"),
        ({"python": "gone.py:right"}, "there is no file"),
        ({"command": ["./usage.sh"]}, "it ended with exit code 2 (0 passes, 1 fails"),
        ({"command": ["./killed.sh"]}, "it was killed by SIGKILL"),
        ({"command": ["./hang.sh"], "timeout_s": 0.2}, "it took longer than 0.2 s"),
        ({"command": ["./flood.sh"]}, "it printed more than 16 MiB"),
        ({"command": ["./gone.sh"]}, "there is no file"),
        ({"command": ["python3", "-c", "1/0"]}, "it crashed: ZeroDivisionError: division by zero"),
        ({"path": "artifact", "matches": "(a+)+$", "timeout_s": 0.2}, "longer than 0.2 s"),
        ({"path": "status", "schema": {"$ref": "#"}}, "the schema refers to itself without end"),
    ],
)
def test_a_check_that_breaks_is_told_and_is_no_fail(grader: Grader, check: Json, why: str) -> None:
    with pytest.raises(CheckError) as caught:
        grader.grade(task(check), Phase.BETA, answer("a" * 50 + "!"))
    (kind,) = check.keys() - {"path", "timeout_s"}
    place = f"checks[0] (`{kind}`) of niche task 'fill: Welder x3' broke: "
    assert caught.value.message.startswith(place)
    assert why in caught.value.message
    assert caught.value.hint
    # What broke has taken nothing with it.
    assert grader.grade(task({"python": "checks.py:keys"}), Phase.BETA, RIGHT)


def test_a_python_check_that_prints_megabytes_or_forks_is_answered_once(grader: Grader) -> None:
    checks: list[Json] = [{"python": f"checks.py:{name}"} for name in ("megabytes", "fork")]
    assert grader.grade(task(*checks, *checks), Phase.ALPHA, RIGHT) == DONE


def test_nothing_that_a_check_started_outlives_the_grading(folder: Path) -> None:
    with Grader(folder) as grader:
        command = grader.grade(task({"command": ["./orphan.sh"]}), Phase.ALPHA, RIGHT)
        worker = grader.grade(task({"python": "checks.py:orphan"}), Phase.ALPHA, RIGHT)
        assert not alive(reason(command))
        assert alive(reason(worker))
    assert not alive(reason(worker))


@pytest.mark.parametrize("name", ["keys", "hang"])
def test_a_worker_ends_by_itself_after_a_battery_that_was_killed(folder: Path, name: str) -> None:
    program = f"""if True:
        import os, threading, time, pathlib
        from battery.grading import Grader
        from battery.records.models import Phase
        from tests.grading.folders import answer, task
        from tests.grading.test_grading import RIGHT
        check = task({{"python": "checks.py:{name}", "timeout_s": 0.5}})
        grader = Grader(pathlib.Path({str(folder)!r}))
        work = threading.Thread(target=grader.grade, args=[check, Phase.ALPHA, RIGHT], daemon=True)
        work.start()
        from battery.grading.processes import _CREW
        started = lambda: [w._process for w in (*_CREW._busy, *_CREW._idle) if w._process]
        while not (workers := started()):
            pass
        while {name!r} == "hang" and not pathlib.Path({str(folder)!r}, "python hangs").exists():
            assert work.is_alive()
        print(workers[0].pid, flush=True)
        os.kill(os.getpid(), 9)
    """
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    while alive(done.stdout.strip()):
        pass


def test_closing_ends_a_check_that_another_thread_waits_for(folder: Path) -> None:
    grader = Grader(folder)
    errors: list[CheckError] = []

    def grade(check: Json) -> None:
        try:
            grader.grade(task(check), Phase.ALPHA, RIGHT)
        except CheckError as error:
            errors.append(error)

    hanging: list[Json] = [{"python": "checks.py:hang"}, {"command": ["./hang.sh"]}]
    for check in hanging:
        check["timeout_s"] = 3600
    threads = [threading.Thread(target=grade, args=[check]) for check in hanging]
    for thread in threads:
        thread.start()
    while not all((folder / f"{kind} hangs").exists() for kind in ("python", "command")):
        assert all(thread.is_alive() for thread in threads)
    grader.close()
    for thread in threads:
        thread.join()
    assert len(errors) == 2


def test_several_threads_may_grade_at_once(grader: Grader) -> None:
    graded: list[Checked | None] = []

    def grade(number: int) -> None:
        checks: list[Json] = [{"python": "checks.py:right"}, {"command": ["./pass.sh"]}]
        wanted = answer({"answer": number})
        graded.extend(
            grader.grade(task(*checks, want=number), Phase.ALPHA, wanted) for _ in range(5)
        )

    threads = [threading.Thread(target=grade, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert graded == [DONE] * 20


def tasks(*alpha: Task, prices: dict[str, Price] | None = None) -> Tasks:
    """Make a tasks file of easy tasks."""
    phases = Phases(alpha_baseline=list(alpha), beta_drift=[], gamma_impossible=[])
    models = Models(executor_cloud="m", reviewer_cloud="m", overseer_cloud="m")
    return Tasks(phases=phases, models=models, prices=prices)


USABLE: list[Json] = [
    {"python": "checks.py:hang"},
    {"command": ["./hang.sh"]},
    {"command": ["sh", "-c", "exit 0"]},
    {"path": "length(artifact.workers[?age > `30`])", "equals": 3},
    {"path": "artifact", "schema": {"$defs": {"a": {"type": "string"}}, "$ref": "#/$defs/a"}},
    {"path": "artifact", "schema": {"$ref": "https://json-schema.org/draft/2020-12/schema"}},
    {"contains": "K7"},
    {"not": {"contains": "K7"}},
    {"declines": ["no dice"]},
]


def test_checks_that_can_be_used_are_not_run(folder: Path) -> None:
    require_usable(tasks(task(*USABLE)), folder)
    require_usable(tasks(task({"python": f"{folder}/checks.py:right"})), None)


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ({"path": "artifact..x", "equals": 1}, "path: not a JMESPath expression"),
        ({"path": "size(artifact)", "equals": 1}, "path: JMESPath has no function 'size'"),
        ({"path": "length(a, b)", "equals": 1}, "path: length() takes 1 arguments, and gets 2"),
        ({"length": 3}, "length: the check needs a `path`"),
        ({"matches": "(a"}, "matches: not a regular expression: missing )"),
        ({"contains": []}, "contains: no words are given"),
        ({"not_contains": ["a", "…"]}, 'not_contains: "…" has no word in it'),
        ({"declines": ["-"]}, 'declines: "-" has no word in it'),
        ({"path": "a", "schema": {"type": "text"}}, "schema: not a JSON Schema: $.type: 'text'"),
        ({"path": "a", "schema": {"pattern": "(a"}}, "schema: not a JSON Schema: $.pattern"),
        (
            {"path": "a", "schema": {"items": {"$ref": "https://example.org/a"}}},
            "schema: $ref 'https://example.org/a' is not in the schema, and nothing is fetched",
        ),
        ({"path": "a", "schema": {"$ref": "#/$defs/a"}}, "schema: $ref '#/$defs/a' is not in"),
        ({"path": "a", "not": {"path": "b", "equals": 1}}, "not: the check in `not` has the path"),
        ({"path": "a", "not": {"matches": "["}}, "not: not a regular expression"),
        ({"python": "gone.py:right"}, "python: there is no file"),
        ({"python": "checks.py:absent"}, "checks.py has no function 'absent'"),
        ({"python": "checks.py:not_a_function"}, "is not a function"),
        ({"python": "wrong.py:right"}, "SyntaxError"),
        ({"python": "needs.py:right"}, "ModuleNotFoundError: No module named 'not_installed'"),
        ({"python": "../outside.py:right"}, "../outside.py leads out of"),
        ({"python": "link.py:right"}, "link.py leads out of"),
        ({"command": ["./gone.sh"]}, "command: there is no file"),
        ({"command": ["./checks.py"]}, "checks.py is not executable"),
        ({"command": ["../outside.sh"]}, "../outside.sh leads out of"),
        ({"command": ["no-such-program"]}, "no program 'no-such-program' is on PATH"),
    ],
)
def test_what_could_judge_no_answer_is_refused_with_its_place(
    tmp_path: Path, check: Json, why: str
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    write_checks(folder)
    write_checks(tmp_path)
    (tmp_path / "outside.py").write_text("def right(task, answer): return True\n")
    (folder / "link.py").symlink_to(tmp_path / "outside.py")
    (folder / "wrong.py").write_text("def right(:\n")
    (folder / "needs.py").write_text("import not_installed\n")
    sibling = Sibling(operation="o", spec={}, checks=[Check.model_validate(check)])
    lesson = task({"contains": "a"}).model_copy(update={"siblings": [sibling]})
    for file, place in (
        (tasks(task(), task({"contains": "a"}, check)), "phases.alpha_baseline[1].checks[1]"),
        (tasks(lesson), "phases.alpha_baseline[0].siblings[0].checks[0]"),
    ):
        with pytest.raises(TasksError) as caught:
            require_usable(file, folder, "own/tasks.json")
        assert caught.value.message.startswith(f"own/tasks.json: {place}.")
        assert why in caught.value.message


def test_a_relative_file_needs_a_folder() -> None:
    with pytest.raises(TasksError, match="folder is not known"):
        require_usable(tasks(task({"python": "checks.py:right"})), None)


def test_the_scoring_digest_follows_checks_their_files_and_prices(folder: Path) -> None:
    assert scoring_digest(tasks(task()), folder) is None
    checked = tasks(task({"not": {"python": "checks.py:right"}}, {"command": ["sh", "pass.sh"]}))
    digests = [scoring_digest(checked, folder)]
    for change in ("checks.py", "pass.sh"):
        (folder / change).write_text("# changed")
        digests.append(scoring_digest(checked, folder))
    (folder / "deaf.sh").write_text("# no check has it")
    assert scoring_digest(checked, folder) == digests[-1]
    digests.append(scoring_digest(tasks(task({"contains": "a"})), folder))
    digests.append(scoring_digest(tasks(task({"contains": "b"})), folder))
    prices = {"m": Price(input=1, output=2)}
    digests.append(scoring_digest(tasks(task({"contains": "b"}), prices=prices), folder))
    digests.append(scoring_digest(tasks(task(), prices=prices), folder))
    assert None not in digests
    assert len(set(digests)) == len(digests)
